/* SPDX-License-Identifier: MIT */
/* connect-tcp.c - the same call for TCP, so that one program text serves both. */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "os/fd.h"
#include "sock/connect-internal.h"

static void free_listp(struct addrinfo **list) {
    if (*list) {
        freeaddrinfo(*list);
    }
}

/* Blocks as long as the resolver does when the host is a name: getaddrinfo(3) knows no deadline. */
static int look_up(struct addrinfo **ret, const struct sp_connecting *call) {
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct sp_shown shown;
    char port[16];
    int r;

    snprintf(port, sizeof(port), "%d", call->address->number);
    if (strchr(call->address->name, ':') ||
        call->address->name[strspn(call->address->name, "0123456789.")] == '\0') {
        hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST;
    }
    r = getaddrinfo(call->address->name, port, &hints, ret);
    if (r == 0) {
        return 0;
    }
    r = r == EAI_SYSTEM ? -errno : r == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
    return sp_fail(call->error, r, SUNPATH_REASON_MISSING, "connect",
                   "'%s': the host name cannot be resolved",
                   sp_show_address(&shown, call->address));
}

static int finish(int fd, const struct sp_connecting *call) {
    socklen_t size = sizeof(int);
    int code;
    int r;

    r = sp_connect_wait(call, fd, -1);
    if (r < 0) {
        return r;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0) {
        return -errno;
    }
    return -code;
}

/*
 * Asking again and again for a port nobody listens on, a client can be given that very port as its
 * own and meet itself (TCP's simultaneous open, RFC 9293 3.5): that is no server.
 */
static bool has_met_itself(int fd) {
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t n_own = sizeof(own), n_peer = sizeof(peer);

    return getsockname(fd, (struct sockaddr *)&own, &n_own) == 0 &&
           getpeername(fd, (struct sockaddr *)&peer, &n_peer) == 0 && n_own == n_peer &&
           memcmp(&own, &peer, n_own) == 0;
}

static int connect_one(int *ret_fd, const struct sp_connecting *call,
                       const struct addrinfo *place) {
    _cleanup_(sp_closep) int fd = -1;
    int on = 1;
    int r;

    fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    r = sp_connect_set_up(call, fd);
    if (r < 0) {
        return r;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
                     sizeof(on)); /* replies are coalesced here */

    r = connect(fd, place->ai_addr, place->ai_addrlen) < 0 ? -errno : 0;
    if (r == -EINPROGRESS || r == -EINTR) {
        r = call->options.no_wait ? 0 : finish(fd, call);
    }
    if (r == 0 && has_met_itself(fd)) {
        r = -ECONNREFUSED;
    }
    if (r < 0) {
        return r;
    }
    *ret_fd = sp_take_fd(&fd);
    return 0;
}

static int connect_any(int *ret_fd, const struct sp_connecting *call) {
    _cleanup_(free_listp) struct addrinfo *list = NULL;
    int r = look_up(&list, call);
    int last = -EHOSTUNREACH;

    if (r < 0) {
        return r;
    }
    for (const struct addrinfo *place = list; place; place = place->ai_next) {
        last = connect_one(ret_fd, call, place);
        if (last == 0 || last == -ETIMEDOUT || last == -ECANCELED) {
            break;
        }
    }
    return last < 0 ? sp_connect_fail(call, last) : 0;
}

int sp_connect_tcp(int *ret_fd, const struct sp_connecting *call) {
    struct sp_shown shown;
    int pause_ms = 10;
    int r;

    if (call->type != SUNPATH_STREAM || call->options.bind || call->options.expect_user) {
        return sp_fail(call->error, -EINVAL, SUNPATH_REASON_INVALID, "connect",
                       "'%s': TCP has streams only, no bound name and no owner to expect",
                       sp_show_address(&shown, call->address));
    }
    for (;;) {
        r = connect_any(ret_fd, call);
        if (r != -ECONNREFUSED || !call->options.wait || call->options.no_wait) {
            return r;
        }
        r = sp_connect_wait(call, -1, pause_ms);
        if (r < 0) {
            return sp_connect_fail(call, r);
        }
        pause_ms = pause_ms < 100 ? pause_ms * 2 : pause_ms;
    }
}
