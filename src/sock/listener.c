/* SPDX-License-Identifier: MIT */
/* listener.c - open a listener on any address, accept on it, close it. */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <sunpath/connection.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "inspect/explain.h"
#include "os/fd.h"
#include "os/socket-buffers.h"
#include "sock/listener-internal.h"

#define N_REFUSED_MAX 128 /* in a row, before accept() lets the program do something else */

int sp_listener_new(struct sunpath_listener **ret, const struct sunpath_address *address,
                    struct sunpath_error *error) {
    struct sunpath_listener *listener = malloc(sizeof(*listener));

    if (!listener) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "listen", "out of memory");
    }
    *listener = (struct sunpath_listener){
        .fd = -1, .type = address->type, .claim = SP_CLAIM_NONE, .pid = getpid()};
    listener->address = *address;
    listener->address.uri = NULL; /* it points into the caller's text */
    *ret = listener;
    return 0;
}

void sp_listener_closep(struct sunpath_listener **listener) {
    *listener = sunpath_listener_close(*listener);
}

int sp_listener_set_up(int fd, const struct sunpath_listen_options *options,
                       struct sunpath_error *error) {
    int r = sp_socket_buffers_set(fd, options->send_buffer, options->receive_buffer);

    if (r < 0) {
        errno = -r;
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "socket", "SO_SNDBUF, SO_RCVBUF: %m");
    }
    if (options->want_credentials) {
        r = sunpath_want_credentials(fd, true);
        errno = -r;
        return r < 0 ? sp_fail(error, r, SUNPATH_REASON_SYSTEM, "socket", "SO_PASSCRED: %m") : 0;
    }
    return 0;
}

int sp_listener_socket(struct sunpath_listener *listener, int domain,
                       const struct sunpath_listen_options *options, struct sunpath_error *error) {
    struct sp_shown shown;

    listener->fd = socket(domain, (int)listener->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0) {
        return sp_fail(error, -errno, SUNPATH_REASON_SYSTEM, "socket", "'%s': %m",
                       sp_show_address(&shown, &listener->address));
    }
    return sp_listener_set_up(listener->fd, options, error);
}

static int publish_abstract(struct sunpath_listener *listener,
                            const struct sunpath_listen_options *options,
                            struct sunpath_error *error) {
    struct sp_shown shown;
    struct sockaddr_un address;
    int n, r;

    n = sunpath_address_to_sockaddr(&listener->address, &address);
    if (n < 0) {
        return sp_fail(error, n, SUNPATH_REASON_NAME_TOO_LONG, "bind",
                       "'%s': an abstract name can have 107 bytes",
                       sp_show_address(&shown, &listener->address));
    }
    r = sp_listener_socket(listener, AF_UNIX, options, error);
    if (r < 0) {
        return r;
    }
    if (bind(listener->fd, (struct sockaddr *)&address, (socklen_t)n) < 0) {
        return sp_explain_listen(error, -errno, "bind", &listener->address);
    }
    if (listener->type != SUNPATH_DGRAM && listen(listener->fd, sp_listen_backlog(options)) < 0) {
        return sp_explain_listen(error, -errno, "listen", &listener->address);
    }
    if (listener->address.is_auto) {
        socklen_t size = sizeof(address);

        if (getsockname(listener->fd, (struct sockaddr *)&address, &size) < 0) {
            return sp_explain_listen(error, -errno, "bind", &listener->address);
        }
        return sunpath_address_from_sockaddr(&listener->address, &address, size, listener->type);
    }
    return 0;
}

static int choose_type(struct sunpath_address *address,
                       const struct sunpath_listen_options *options, struct sunpath_error *error) {
    struct sp_shown shown;

    if (options->type != 0 && address->is_typed && options->type != address->type) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "listen",
                       "'%s': the address and the options name different socket types",
                       sp_show_address(&shown, address));
    }
    if (options->type != 0) {
        address->type = options->type;
    }
    if (address->kind == SUNPATH_ADDRESS_TCP && address->type != SUNPATH_STREAM) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "listen", "'%s': TCP is a stream",
                       sp_show_address(&shown, address));
    }
    return 0;
}

static int adopt_address(struct sunpath_listener **ret, const struct sunpath_address *address,
                         const struct sunpath_listen_options *options,
                         struct sunpath_error *error) {
    int fd = address->number;

    if (address->kind == SUNPATH_ADDRESS_SYSTEMD) {
        int r = sp_activation_find(&fd, address->name, error);

        if (r < 0) {
            return r;
        }
    }
    return sp_listener_adopt(ret, fd, options, error);
}

static int publish(struct sunpath_listener *listener, const struct sunpath_listen_options *options,
                   struct sunpath_error *error) {
    switch (listener->address.kind) {
    case SUNPATH_ADDRESS_PATH:
        return sp_listener_publish_path(listener, options, error);
    case SUNPATH_ADDRESS_ABSTRACT:
        return publish_abstract(listener, options, error);
    case SUNPATH_ADDRESS_TCP:
        return sp_listener_publish_tcp(listener, options, error);
    default:
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "listen", "not an address");
    }
}

int sunpath_listener_open_address(struct sunpath_listener **ret,
                                  const struct sunpath_address *address,
                                  const struct sunpath_listen_options *options,
                                  struct sunpath_error *error) {
    _cleanup_(sp_listener_closep) struct sunpath_listener *listener = NULL;
    struct sunpath_listen_options read;
    int r;

    r = sp_listen_options_read(&read, options, error);
    if (r < 0) {
        return r;
    }
    r = sp_listen_check_rights(address, &read, error);
    if (r < 0) {
        return r;
    }
    if (address->kind == SUNPATH_ADDRESS_FD || address->kind == SUNPATH_ADDRESS_SYSTEMD) {
        return adopt_address(ret, address, &read, error);
    }

    r = sp_listener_new(&listener, address, error);
    if (r < 0) {
        return r;
    }
    r = choose_type(&listener->address, &read, error);
    if (r < 0) {
        return r;
    }
    listener->type = listener->address.type;
    listener->access = read.access;
    listener->send_buffer = read.send_buffer;
    listener->receive_buffer = read.receive_buffer;
    r = publish(listener, &read, error);
    if (r < 0) {
        return r;
    }
    *ret = sp_take_ptr(&listener);
    return 0;
}

int sunpath_listener_open(struct sunpath_listener **ret, const char *address,
                          const struct sunpath_listen_options *options,
                          struct sunpath_error *error) {
    struct sunpath_address parsed;
    int r = sunpath_address_parse(&parsed, address, error);

    return r < 0 ? r : sunpath_listener_open_address(ret, &parsed, options, error);
}

/* accept(2): errors of a connection that is gone again, not of the listener. */
static bool is_of_connection(int code) {
    switch (code) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

int sunpath_listener_accept(struct sunpath_listener *listener, int *ret_fd) {
    if (listener->type == SUNPATH_DGRAM) {
        return -EOPNOTSUPP;
    }
    for (int i = 0; i < N_REFUSED_MAX; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0 && is_of_connection(errno)) {
            continue;
        }
        if (fd < 0) {
            return -errno;
        }
        if (sunpath_access_check(listener->access, fd) == 0) {
            /* TCP connections have them from the listener, others do not */
            (void)sp_socket_buffers_set(fd, listener->send_buffer, listener->receive_buffer);
            *ret_fd = fd;
            return 0;
        }
        sp_close(fd);
        listener->n_refused++;
    }
    return -EAGAIN;
}

int sunpath_listener_fd(const struct sunpath_listener *listener) {
    return listener->fd;
}

const struct sunpath_address *sunpath_listener_address(const struct sunpath_listener *listener) {
    return &listener->address;
}

uint64_t sunpath_listener_n_refused(const struct sunpath_listener *listener) {
    return listener->n_refused;
}

int sunpath_listener_take_fd(struct sunpath_listener *listener) {
    int fd = listener->fd;

    sp_claim_release(&listener->claim, listener->pid == getpid());
    free(listener);
    return fd;
}

/*
 * The inode number of the file cannot be given to another one while our socket is open, so the file
 * goes first. A forked process removes nothing as long as somebody else shares the lock.
 */
static void remove_file(struct sunpath_listener *listener) {
    bool is_ours = listener->pid == getpid() || sp_claim_is_last(&listener->claim);

    if (is_ours) {
        sp_claim_remove(&listener->claim, &listener->file);
    }
    listener->fd = sp_close(listener->fd);
    sp_claim_release(&listener->claim, is_ours);
}

struct sunpath_listener *sunpath_listener_close(struct sunpath_listener *listener) {
    if (!listener) {
        return NULL;
    }
    if (listener->claim.lock_fd >= 0) {
        remove_file(listener);
    }
    sp_close(listener->fd);
    free(listener);
    return NULL;
}
