/* SPDX-License-Identifier: MIT */
/* listener-adopt.c - listen on a descriptor that somebody else has published. */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sock/listener-internal.h"

union any_sockaddr {
    struct sockaddr any;
    struct sockaddr_un un;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

static int refuse(struct sunpath_error *error, int code, int fd, const char *why) {
    return sp_fail(error, code, SUNPATH_REASON_INVALID, "adopt", "descriptor %d: %s", fd, why);
}

static int check_socket(int fd, struct sunpath_error *error) {
    struct stat file;

    if (fd < 0 || fstat(fd, &file) < 0) {
        return refuse(error, -EBADF, fd, "is not open");
    }
    return S_ISSOCK(file.st_mode) ? 0 : refuse(error, -ENOTSOCK, fd, "is not a socket");
}

static int option_of(int fd, int option) {
    int value = 0;
    socklen_t n = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &n) < 0 ? -errno : value;
}

/* "tcp:HOST:PORT" in numbers. */
static void read_tcp(struct sunpath_address *ret, const union any_sockaddr *bound, socklen_t n) {
    if (getnameinfo(&bound->any, n, ret->name, sizeof(ret->name), NULL, 0, NI_NUMERICHOST) != 0) {
        return;
    }
    ret->kind = SUNPATH_ADDRESS_TCP;
    ret->n_name = strlen(ret->name);
    ret->number =
        ntohs(bound->any.sa_family == AF_INET6 ? bound->in6.sin6_port : bound->in.sin_port);
}

/*
 * What the socket is bound to; "fd:N" when that cannot be told. A file that was renamed is shown
 * under the name it was bound to, because nothing else is known of it here.
 */
static int read_address(struct sunpath_address *ret, int fd, enum sunpath_type type,
                        struct sunpath_error *error) {
    union any_sockaddr bound = {0};
    socklen_t n = sizeof(bound);

    *ret = (struct sunpath_address){
        .kind = SUNPATH_ADDRESS_FD, .type = type, .is_typed = type != SUNPATH_STREAM, .number = fd};
    if (getsockname(fd, &bound.any, &n) < 0) {
        return refuse(error, -errno, fd, "has no address");
    }
    if (bound.any.sa_family == AF_UNIX) {
        if (n <= offsetof(struct sockaddr_un, sun_path)) {
            return refuse(error, -EINVAL, fd, "is not bound to an address");
        }
        (void)sunpath_address_from_sockaddr(ret, &bound, n, type);
    } else if (type == SUNPATH_STREAM) {
        read_tcp(ret, &bound, n);
    }
    return 0;
}

static int check_listening(int fd, enum sunpath_type type, struct sunpath_error *error) {
    int listens;

    if (type == SUNPATH_DGRAM) {
        return option_of(fd, SO_DOMAIN) == AF_UNIX
                   ? 0
                   : refuse(error, -EINVAL, fd, "is not a Unix datagram socket");
    }
    listens = option_of(fd, SO_ACCEPTCONN);
    return listens == 1 ? 0 : refuse(error, -EINVAL, fd, "does not listen");
}

static int set_flags(int fd) {
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return -errno;
    }
    return 0;
}

/* Options that still apply to a socket that listens already. */
static int apply(int fd, const struct sunpath_listen_options *options, enum sunpath_type type,
                 struct sunpath_error *error) {
    int r = sp_listener_set_up(fd, options, error);

    if (r < 0) {
        return r;
    }
    if (options->backlog != 0 && type != SUNPATH_DGRAM &&
        listen(fd, sp_listen_backlog(options)) < 0) {
        return sp_fail(error, -errno, SUNPATH_REASON_SYSTEM, "listen", "descriptor %d: %m", fd);
    }
    r = set_flags(fd);
    if (r < 0) {
        errno = -r;
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "adopt", "descriptor %d: %m", fd);
    }
    return 0;
}

int sp_listener_adopt(struct sunpath_listener **ret, int fd,
                      const struct sunpath_listen_options *options, struct sunpath_error *error) {
    _cleanup_(sp_listener_closep) struct sunpath_listener *listener = NULL;
    struct sunpath_address address;
    enum sunpath_type type;
    int r;

    r = check_socket(fd, error);
    if (r < 0) {
        return r;
    }
    type = (enum sunpath_type)option_of(fd, SO_TYPE);
    if (options->type != 0 && options->type != type) {
        return refuse(error, -EINVAL, fd, "has another socket type than was asked for");
    }
    r = check_listening(fd, type, error);
    if (r < 0) {
        return r;
    }
    r = read_address(&address, fd, type, error);
    if (r < 0) {
        return r;
    }
    r = sp_listener_new(&listener, &address, error);
    if (r < 0) {
        return r;
    }
    r = apply(fd, options, type, error);
    if (r < 0) {
        return r;
    }
    listener->access = options->access;
    listener->send_buffer = options->send_buffer;
    listener->receive_buffer = options->receive_buffer;
    listener->fd = fd;
    *ret = sp_take_ptr(&listener);
    return 0;
}

int sunpath_listener_adopt(struct sunpath_listener **ret, int fd,
                           const struct sunpath_listen_options *options,
                           struct sunpath_error *error) {
    const struct sunpath_address address = {
        .kind = SUNPATH_ADDRESS_FD, .type = SUNPATH_STREAM, .number = fd};
    struct sunpath_listen_options read;
    int r = sp_listen_options_read(&read, options, error);

    if (r == 0) {
        r = sp_listen_check_rights(&address, &read, error);
    }
    return r < 0 ? r : sp_listener_adopt(ret, fd, &read, error);
}
