/* SPDX-License-Identifier: MIT */
/* connect.c - connect to any address, within a deadline, with the reason when it fails. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "inspect/explain.h"
#include "os/clock.h"
#include "os/socket-buffers.h"
#include "os/user.h"
#include "sock/connect-internal.h"

#define DEFAULT_TIMEOUT_MS 10000

int sp_connect_fail(const struct sp_connecting *call, int code) {
    return sp_explain_connect(call->error, code, call->address, call->type);
}

int sp_connect_wait(const struct sp_connecting *call, int fd, int pause_ms) {
    struct pollfd waits[] = {
        {.fd = call->options.cancel_fd ? *call->options.cancel_fd : -1, .events = POLLIN},
        {.fd = fd, .events = POLLOUT},
    };

    for (;;) {
        int left_ms = sp_left_ms(call->deadline_ns);
        bool is_last = pause_ms < 0 || (left_ms >= 0 && left_ms < pause_ms);
        int n;

        if (left_ms == 0) {
            return -ETIMEDOUT;
        }
        n = poll(waits, SP_ARRAY_SIZE(waits), is_last ? left_ms : pause_ms);
        if (n > 0 && waits[0].revents) {
            return -ECANCELED;
        }
        if (n > 0 || (n == 0 && !is_last)) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
    }
}

int sp_connect_set_up(const struct sp_connecting *call, int fd) {
    const struct sunpath_connect_options *options = &call->options;

    int r = sp_socket_buffers_set(fd, options->send_buffer, options->receive_buffer);

    if (r < 0) {
        return r;
    }
    return options->want_credentials && call->address->kind != SUNPATH_ADDRESS_TCP
               ? sunpath_want_credentials(fd, true)
               : 0;
}

/* Is `fd` a connected socket of the wanted type? Nothing about it is changed. */
static int check_adopted(const struct sp_connecting *call, int fd) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    int type;

    if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0) {
        return -errno;
    }
    size = sizeof(type);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) {
        return -errno;
    }
    return call->options.type && (int)call->options.type != type ? -EPROTOTYPE : 0;
}

static int adopt(int *ret_fd, const struct sp_connecting *call) {
    int fd = call->address->number;
    struct sp_shown shown;
    int r = call->options.bind ? -EINVAL : check_adopted(call, fd);

    if (r < 0) {
        return sp_fail(
            call->error, r, r == -EPROTOTYPE ? SUNPATH_REASON_WRONG_TYPE : SUNPATH_REASON_INVALID,
            "connect", "'%s': the descriptor %s: %s", sp_show_address(&shown, call->address),
            r == -EINVAL ? "cannot be bound" : "is no connected socket of that type", strerror(-r));
    }
    r = call->options.expect_user ? sp_connect_check_owner(call, fd) : 0;
    if (r < 0) {
        return r;
    }
    r = sp_connect_set_up(call, fd);
    if (r == 0) {
        r = sunpath_adopt(fd);
    }
    if (r < 0) {
        return sp_connect_fail(call, r);
    }
    *ret_fd = fd;
    return 0;
}

static int check_options(struct sp_connecting *call) {
    struct sunpath_connect_options *options = &call->options;
    struct sp_shown shown;

    if (options->type == 0) {
        call->type = call->address->type;
    } else if (call->address->is_typed && options->type != call->address->type) {
        return sp_fail(call->error, -EINVAL, SUNPATH_REASON_INVALID, "connect",
                       "'%s': the options ask for another socket type than the address",
                       sp_show_address(&shown, call->address));
    } else {
        call->type = options->type;
    }
    if (options->timeout_ms < -1 || options->send_buffer < 0 || options->receive_buffer < 0 ||
        (call->type != SUNPATH_STREAM && call->type != SUNPATH_DGRAM &&
         call->type != SUNPATH_SEQPACKET)) {
        return sp_fail(call->error, -EINVAL, SUNPATH_REASON_INVALID, "connect",
                       "'%s': an option is out of range", sp_show_address(&shown, call->address));
    }
    if (options->expect_user && sp_user_find(&call->expected, options->expect_user) < 0) {
        return sp_fail(call->error, -EINVAL, SUNPATH_REASON_INVALID, "connect",
                       "there is no user '%s' to expect",
                       sp_show(&shown, options->expect_user, strlen(options->expect_user)));
    }
    call->deadline_ns =
        sp_deadline_ns(options->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : options->timeout_ms);
    return 0;
}

int sunpath_connect_address(int *ret_fd, const struct sunpath_address *address,
                            const struct sunpath_connect_options *options,
                            struct sunpath_error *error) {
    struct sp_connecting call = {.address = address, .error = error};
    struct sp_shown shown;
    int r = sp_options_read(&call.options, sizeof(call.options), options);

    if (r < 0) {
        return sp_fail(error, r, SUNPATH_REASON_INVALID, "connect",
                       "'%s': the options' size is not set", sp_show_address(&shown, address));
    }
    r = check_options(&call);
    if (r < 0) {
        return r;
    }
    if (address->is_auto) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "connect",
                       "'autobind:': that is a name to bind; connect to the one the server got");
    }
    switch (address->kind) {
    case SUNPATH_ADDRESS_PATH:
    case SUNPATH_ADDRESS_ABSTRACT:
        return sp_connect_unix(ret_fd, &call);
    case SUNPATH_ADDRESS_TCP:
        return sp_connect_tcp(ret_fd, &call);
    case SUNPATH_ADDRESS_FD:
        return adopt(ret_fd, &call);
    case SUNPATH_ADDRESS_SYSTEMD:
        break;
    }
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "connect",
                   "'%s': that is a listener; connect to the address it listens on",
                   sp_show_address(&shown, address));
}

int sunpath_connect(int *ret_fd, const char *address, const struct sunpath_connect_options *options,
                    struct sunpath_error *error) {
    struct sunpath_address parsed;
    int r = sunpath_address_parse(&parsed, address, error);

    return r < 0 ? r : sunpath_connect_address(ret_fd, &parsed, options, error);
}
