/* SPDX-License-Identifier: MIT */
/* listener-tcp.c - listen on a TCP port by the same calls. */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "inspect/explain.h"
#include "os/fd.h"
#include "sock/listener-internal.h"

static void free_infop(struct addrinfo **info) {
    if (*info) {
        freeaddrinfo(*info);
    }
}

static int resolve(struct addrinfo **ret, const struct sunpath_address *address,
                   struct sunpath_error *error) {
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const char *host =
        address->n_name == 0 || strcmp(address->name, "*") == 0 ? NULL : address->name;
    struct sp_shown shown;
    char port[16];
    int r;

    snprintf(port, sizeof(port), "%d", address->number);
    r = getaddrinfo(host, port, &hints, ret);
    if (r == 0) {
        return 0;
    }
    if (r == EAI_SYSTEM || r == EAI_MEMORY) {
        return sp_fail(error, r == EAI_MEMORY ? -ENOMEM : -errno, SUNPATH_REASON_SYSTEM, "resolve",
                       "'%s': %s", sp_show_address(&shown, address),
                       r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
    }
    return sp_fail(error, -ENOENT, SUNPATH_REASON_MISSING, "resolve", "'%s': %s",
                   sp_show_address(&shown, address), gai_strerror(r));
}

static int set_reuse(int fd, const struct sunpath_listen_options *options) {
    const int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        (options->reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)) {
        return -errno;
    }
    return 0;
}

static int listen_on(struct sunpath_listener *listener, const struct addrinfo *info,
                     const struct sunpath_listen_options *options, struct sunpath_error *error) {
    const struct sunpath_address *address = &listener->address;
    struct sp_shown shown;
    int r = sp_listener_socket(listener, info->ai_family, options, error);

    if (r < 0) {
        return r;
    }
    r = set_reuse(listener->fd, options);
    if (r < 0) {
        errno = -r;
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "socket", "'%s': SO_REUSE...: %m",
                       sp_show_address(&shown, address));
    }
    if (bind(listener->fd, info->ai_addr, info->ai_addrlen) < 0) {
        return sp_fail(error, -errno, sp_reason_of_errno(errno), "bind", "'%s': %m",
                       sp_show_address(&shown, address));
    }
    /* a port can be bound twice with SO_REUSEADDR, but not listened on */
    if (listen(listener->fd, sp_listen_backlog(options)) < 0) {
        return sp_fail(error, -errno, sp_reason_of_errno(errno), "listen", "'%s': %m",
                       sp_show_address(&shown, address));
    }
    return 0;
}

/* Asks the kernel for the port it chose. */
static int read_port(struct sunpath_listener *listener, struct sunpath_error *error) {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } bound = {0};
    socklen_t n = sizeof(bound);

    if (getsockname(listener->fd, &bound.any, &n) < 0) {
        return sp_fail(error, -errno, SUNPATH_REASON_SYSTEM, "bind", "%m");
    }
    listener->address.number =
        ntohs(bound.any.sa_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
    return 0;
}

int sp_listener_publish_tcp(struct sunpath_listener *listener,
                            const struct sunpath_listen_options *options,
                            struct sunpath_error *error) {
    _cleanup_(free_infop) struct addrinfo *infos = NULL;
    int r = resolve(&infos, &listener->address, error);

    if (r < 0) {
        return r;
    }
    r = -ENOENT;
    for (const struct addrinfo *info = infos; info; info = info->ai_next) {
        r = listen_on(listener, info, options, error);
        if (r == 0) {
            return read_port(listener, error);
        }
        listener->fd = sp_close(listener->fd);
    }
    return r;
}
