/* SPDX-License-Identifier: MIT */
/* http-client-upgrade.c - asks a server to switch protocols, and hands out the descriptor. */

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "client/http-client.h"
#include "os/clock.h"
#include "os/fd.h"

/*
 * Not on a stream: a stream reads ahead, and what follows the head belongs to the caller, unread.
 */
struct upgrade {
    struct sunpath_address address;
    struct sunpath_http_request_options options;
    struct sunpath_connect_options connect;
    const char *protocol;
    struct sunpath_http_request *request;
    struct sunpath_error *error;
    uint64_t deadline_ns;
    int fd;
    char *room; /* first for pieces of the body, then for the head */
};

_Static_assert(SP_HTTP_PIECE_ROOM >= SP_HTTP_CLIENT_MAX_HEAD, "a head fits where a piece does");

static void upgrade_deinit(struct upgrade *upgrade) {
    sp_close(upgrade->fd);
    sp_http_request_free(upgrade->request);
    free(upgrade->room);
}

static int fail(const struct upgrade *upgrade, int code, const char *what, const char *why) {
    enum sunpath_reason reason = code == -ECONNRESET || code == -EBADMSG || code == -EMSGSIZE
                                     ? SUNPATH_REASON_PROTOCOL
                                     : sp_reason_of_errno(code);

    return sp_http_request_fail(upgrade->request, upgrade->error, code, reason, "%s%s", what, why);
}

/* Waits for the socket, or for `events` 0 just a little. */
static int wait_for(const struct upgrade *upgrade, short events, const char *what) {
    struct pollfd fds[] = {
        {.fd = events ? upgrade->fd : -1, .events = events},
        {.fd = upgrade->connect.cancel_fd ? *upgrade->connect.cancel_fd : -1, .events = POLLIN},
    };
    int left = sp_left_ms(upgrade->deadline_ns);
    int n;

    if (left == 0) {
        return sp_http_request_fail(upgrade->request, upgrade->error, -ETIMEDOUT,
                                    SUNPATH_REASON_TIMEOUT, "timed out after %d ms, %s",
                                    upgrade->options.timeout_ms, what);
    }
    n = poll(fds, 2, events ? left : 2);
    if (n < 0 && errno != EINTR) {
        return fail(upgrade, -errno, "waiting: ", strerror(errno));
    }
    if (n > 0 && fds[1].revents) {
        return fail(upgrade, -ECANCELED, "canceled ", what);
    }
    return 0;
}

/* 0, or -EPIPE when the server does not read on: it may have answered, so `error` is not filled. */
static int send_all(struct upgrade *upgrade, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = send(upgrade->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        int r;

        if (n >= 0) {
            data += n;
            size -= (size_t)n;
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) {
            return -EPIPE;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return fail(upgrade, -errno, "sending: ", strerror(errno));
        }
        r = wait_for(upgrade, POLLOUT, "while the request was being sent");
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int send_body(struct upgrade *upgrade) {
    struct sunpath_http_request *request = upgrade->request;
    int r = 0;

    while (r == 0 && request->sending != SP_HTTP_SENT) {
        const char *data;
        ssize_t n;

        n = sp_http_request_next_piece(request, &data, upgrade->room, upgrade->error);
        if (n == -EAGAIN) {
            r = wait_for(upgrade, 0, "waiting for the body to send");
        } else {
            r = n < 0 ? (int)n : send_all(upgrade, data, (size_t)n);
        }
    }
    return r;
}

static int send_request(struct upgrade *upgrade) {
    const struct sunpath_http_request_options *options = &upgrade->options;
    struct sunpath_http_request *request = upgrade->request;
    struct sunpath_peer peer;
    int r;

    if (options->on_start) {
        bool has_peer = sunpath_peer_read(&peer, upgrade->fd) == 0;

        r = options->on_start(request->head, request->n_head, has_peer ? &peer : NULL,
                              options->user);
        if (r != 0) {
            return fail(upgrade, r, "ended by ", "on_start");
        }
    }
    r = send_all(upgrade, request->head, request->n_head);
    if (r == 0 && (options->body || request->source.read)) {
        r = send_body(upgrade);
    }
    return r == -EPIPE ? 0 : r;
}

static int show_head(struct upgrade *upgrade, const struct sp_http_head *head, const char *data,
                     size_t size) {
    const struct sunpath_http_request_options *options = &upgrade->options;
    struct sunpath_http_response *response;
    int r;

    if (!options->on_head) {
        return 0;
    }
    r = sp_http_response_new(&response, head, data, size);
    if (r < 0) {
        return fail(upgrade, r, "out of memory", "");
    }
    r = options->on_head(response, options->user);
    sunpath_http_response_free(response);
    return r == 0 ? 0 : fail(upgrade, r, "ended by ", "on_head");
}

/*
 * Looks at what is there and takes it out of the socket only as far as it belongs to the head.
 * `*n` is how much of the head is in `room`. Returns as sp_http_parse_response().
 */
static ssize_t read_some(struct upgrade *upgrade, struct sp_http_head *head, size_t *n) {
    const struct sp_http_limits limits = {SP_HTTP_CLIENT_MAX_HEAD, SP_HTTP_CLIENT_MAX_FIELDS};
    ssize_t n_peeked, parsed;
    size_t n_taken;

    n_peeked = recv(upgrade->fd, upgrade->room + *n, SP_HTTP_CLIENT_MAX_HEAD - *n,
                    MSG_PEEK | MSG_DONTWAIT);
    if (n_peeked < 0 && (errno == EAGAIN || errno == EINTR)) {
        return wait_for(upgrade, POLLIN, *n ? "in the answer's head" : "before the answer");
    }
    if (n_peeked <= 0) {
        return fail(upgrade, -ECONNRESET, "the server closed the connection ",
                    *n ? "in the answer's head" : "before it answered");
    }
    parsed = sp_http_parse_response(head, &limits, upgrade->room, *n + (size_t)n_peeked, *n,
                                    upgrade->request->method);
    if (parsed < 0) {
        return fail(upgrade, (int)parsed, "the answer's head: ", head->why ? head->why : "");
    }
    n_taken = parsed > 0 ? (size_t)parsed - *n : (size_t)n_peeked;
    if (recv(upgrade->fd, upgrade->room + *n, n_taken, MSG_DONTWAIT) != (ssize_t)n_taken) {
        return fail(upgrade, -EIO, "reading: ", "what was there is gone");
    }
    *n += n_taken;
    return parsed;
}

static bool is_switched(const struct upgrade *upgrade, const struct sp_http_head *head) {
    size_t n_value;
    const char *value;

    if (!upgrade->protocol) {
        return head->status >= 200 && head->status < 300;
    }
    value = sp_http_find_field(head, upgrade->room, "Upgrade", &n_value);
    return head->status == 101 && value && n_value == strlen(upgrade->protocol) &&
           strncasecmp(value, upgrade->protocol, n_value) == 0;
}

/* Reads heads until the one that is not interim; 0 when it is the switch. */
static int read_answer(struct upgrade *upgrade) {
    struct sp_http_field fields[SP_HTTP_CLIENT_MAX_FIELDS];
    struct sp_http_head head = {.fields = fields};
    struct sp_shown reason;
    size_t n = 0, n_informed = 0;

    for (;;) {
        ssize_t parsed = read_some(upgrade, &head, &n);
        int r;

        if (parsed < 0) {
            return (int)parsed;
        }
        if (parsed == 0) {
            continue;
        }
        r = show_head(upgrade, &head, upgrade->room, n);
        if (r != 0) {
            return r;
        }
        if (head.status >= 200 || head.status == 101) {
            break;
        }
        if (n_informed++ == SP_HTTP_CLIENT_MAX_INTERIM) {
            return fail(upgrade, -EMSGSIZE, "the server sent too many interim answers", "");
        }
        n = 0;
    }

    if (is_switched(upgrade, &head)) {
        return 0;
    }
    sp_show(&reason, upgrade->room + head.reason.at, head.reason.size);
    return sp_http_request_fail(upgrade->request, upgrade->error, -EPROTO, SUNPATH_REASON_PROTOCOL,
                                "the server answered %d %s instead of switching to %s", head.status,
                                reason.text, upgrade->protocol ? upgrade->protocol : "a tunnel");
}

static int upgrade_connect(struct upgrade *upgrade) {
    const struct sunpath_connect_options *given = upgrade->options.connect;
    struct sunpath_connect_options *options = &upgrade->connect;
    int left = upgrade->options.timeout_ms;
    int r;

    if (sp_options_read(options, sizeof(*options), given) < 0) {
        return fail(upgrade, -EINVAL, "connect options: ", "their size is wrong");
    }
    options->size = sizeof(*options);
    options->timeout_ms = options->timeout_ms == 0 ? 10000 : options->timeout_ms;
    if (left >= 0 && (options->timeout_ms < 0 || options->timeout_ms > left)) {
        options->timeout_ms = left;
    }
    options->no_wait = false;
    upgrade->deadline_ns = sp_deadline_ns(left);
    r = sunpath_connect_address(&upgrade->fd, &upgrade->address, options, upgrade->error);
    if (r < 0) {
        return r;
    }
    upgrade->room = malloc(SP_HTTP_PIECE_ROOM);
    return upgrade->room ? 0 : fail(upgrade, -ENOMEM, "out of memory", "");
}

int sunpath_http_request_upgrade(int *ret_fd, const char *method, const char *target,
                                 const char *protocol,
                                 const struct sunpath_http_request_options *options,
                                 struct sunpath_error *error) {
    _cleanup_(upgrade_deinit) struct upgrade upgrade = {
        .fd = -1, .protocol = protocol, .error = error};
    const char *uri;
    int r;

    if (!protocol && strcmp(method, "CONNECT") != 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "request",
                       "no protocol to upgrade to");
    }
    r = sp_http_request_read_options(&upgrade.options, options, error);
    if (r >= 0) {
        r = sunpath_address_parse(&upgrade.address, target, error);
    }
    if (r < 0) {
        return r;
    }
    uri = upgrade.options.uri ? upgrade.options.uri : upgrade.address.uri;
    r = sp_http_request_new(&upgrade.request, &upgrade.address, method, uri, protocol,
                            &upgrade.options, error);
    if (r >= 0) {
        r = upgrade_connect(&upgrade);
    }
    if (r >= 0) {
        r = send_request(&upgrade);
    }
    if (r == 0) {
        r = read_answer(&upgrade);
    }
    if (r == 0) {
        *ret_fd = sp_take_fd(&upgrade.fd);
    }
    return r;
}
