/* SPDX-License-Identifier: MIT */
/* serve-handover.c - a new server takes the old one's listener, so that no connect ever fails. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "output.h"
#include "serve.h"

#define PROTOCOL   "sunpath-handover"
#define TIMEOUT_MS 10000

/* Only who could end this process and start another in its place anyway. */
static bool is_trusted(const struct sunpath_peer *peer) {
    return peer && !peer->is_unmapped && (peer->uid == 0 || peer->uid == geteuid());
}

/*
 * After the 101 the successor sends a byte with a descriptor, any one: so it is at the other end of
 * this very socket. A proxy that runs as the same user passes bytes of anybody on, and upgrades,
 * but no descriptors.
 */
static int send_proof(int fd) {
    struct sunpath_send_options options = SUNPATH_OPTIONS(struct sunpath_send_options);
    int proof = open("/", O_PATH | O_CLOEXEC);
    ssize_t n;

    if (proof < 0) {
        return -errno;
    }
    options.fds = &proof;
    options.n_fds = 1;
    n = sunpath_send(fd, "", 1, &options); /* there is room: it is the first */
    close(proof);
    return n < 0 ? (int)n : 0;
}

/* 1; 0: not yet; or it will not come. */
static int receive_proof(int fd) {
    char byte;
    int proof = -1, r;
    struct sunpath_message message = {.data = &byte, .n_data = 1, .fds = &proof, .max_fds = 1};

    r = sunpath_receive(fd, &message);
    if (r == 1 && message.n_fds == 1) {
        close(proof);
        return 1;
    }
    return r == -EAGAIN ? 0 : r < 0 ? r : -EPROTO;
}

/* ---- the old server -------------------------------------------------------------------------- */

void serve_forget_successor(struct serve *serve) {
    struct serve_successor *successor = &serve->successor;

    successor->stream = sunpath_stream_close(successor->stream);
    successor->timer = sunpath_timer_free(successor->timer);
    if (successor->watch) {
        successor->watch = sunpath_watch_close(successor->watch);
        close(successor->fd);
    }
}

/* It is one: now it is waited for, and nobody else is served meanwhile. */
static void hand_over(struct serve *serve, int fd) {
    struct sunpath_listener *listener = sunpath_http_server_listener(serve->server, 0);
    struct sunpath_error error;
    int r = -ESHUTDOWN;

    if (listener) {
        r = sunpath_listener_hand_over(listener, fd, TIMEOUT_MS, &error);
        if (r < 0) {
            cli_print_error(&error);
        }
    }
    if (r >= 0) {
        if (!serve->is_quiet) {
            cli_say("a successor has taken over");
        }
        serve_drain(serve);
    }
}

static void on_proof(struct sunpath_watch *watch, unsigned events, void *user) {
    struct serve *serve = user;
    int r = receive_proof(serve->successor.fd);

    (void)watch;
    (void)events;
    if (r == 1) {
        hand_over(serve, serve->successor.fd);
    }
    if (r != 0) { /* closed only now: it tells that the other listeners are closed */
        serve_forget_successor(serve);
    }
}

/* The 101 has left: from here on the connection speaks the listener's own protocol. */
static void on_answered(struct sunpath_stream *stream, void *user) {
    struct serve *serve = user;
    struct serve_successor *successor = &serve->successor;

    if (sunpath_stream_n_queued(stream) > 0) {
        return;
    }
    successor->stream = NULL;
    successor->fd = sunpath_stream_take_fd(stream);
    if (sunpath_watch_open(&successor->watch, serve->loop, successor->fd, SUNPATH_READABLE,
                           on_proof, serve) < 0) {
        close(successor->fd);
        serve_forget_successor(serve);
    }
}

static void on_gone(struct sunpath_stream *stream, int error, void *user) {
    (void)stream;
    (void)error;
    serve_forget_successor(user);
}

static void on_overdue(struct sunpath_timer *timer, void *user) {
    (void)timer;
    serve_forget_successor(user);
}

static int begin(struct serve *serve, struct sunpath_http_exchange *exchange) {
    static const struct sunpath_stream_events events = {.on_drain = on_answered,
                                                        .on_close = on_gone};
    struct serve_successor *successor = &serve->successor;
    int r = sunpath_timer_new(&successor->timer, serve->loop, on_overdue, serve);

    if (r >= 0) {
        r = sunpath_timer_set(successor->timer, TIMEOUT_MS);
    }
    if (r >= 0) {
        r = sunpath_http_upgrade(exchange, PROTOCOL, &successor->stream, &events, serve);
    }
    if (r < 0) {
        serve_forget_successor(serve);
        return r;
    }
    sunpath_stream_pause(successor->stream); /* what comes is not read as bytes alone */
    return 0;
}

static void answer(struct sunpath_http_exchange *exchange, void *user) {
    struct serve *serve = user;

    if (!is_trusted(sunpath_http_peer(exchange))) {
        (void)sunpath_http_fail(exchange, 403, "only the server's own user or root may take over");
    } else if (serve->is_worker) {
        (void)sunpath_http_fail(exchange, 409, "one of several workers cannot hand over");
    } else if (serve->successor.timer || serve->is_ending) {
        (void)sunpath_http_fail(exchange, 409, "somebody else is taking over");
    } else if (begin(serve, exchange) < 0) {
        (void)sunpath_http_fail(exchange, 400, "not an upgrade");
    }
}

bool serve_is_hand_over(struct sunpath_http_exchange *exchange) {
    const char *upgrade = sunpath_http_header(exchange, "Upgrade");

    return upgrade && strcasecmp(upgrade, PROTOCOL) == 0;
}

void serve_hand_over(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_http_handler handler = {.on_request = answer};

    if (!serve_is_hand_over(exchange)) {
        (void)sunpath_router_next(exchange);
    } else if (sunpath_http_set_handler(exchange, &handler, user) < 0) {
        (void)sunpath_http_fail(exchange, 500, NULL);
    }
}

/* ---- the new server -------------------------------------------------------------------------- */

/* What is not handed over (--tcp-too) can be listened on when the predecessor has let go of it. */
static void wait_for_end(int fd) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    int n;

    do {
        n = poll(&readable, 1, TIMEOUT_MS);
    } while (n < 0 && errno == EINTR);
}

static int note_status(const struct sunpath_http_response *response, void *user) {
    int *status = user;

    *status = sunpath_http_response_status(response);
    return 0;
}

static int refuse(struct sunpath_error *error, int code, enum sunpath_reason reason,
                  const char *address, const char *why) {
    struct cli_shown shown;

    *error = (struct sunpath_error){.code = code, .reason = reason};
    snprintf(error->step, sizeof(error->step), "take over");
    snprintf(error->text, sizeof(error->text), "take over '%.*s': %s", (int)sizeof(error->text) / 2,
             cli_show(&shown, address), why);
    return code;
}

/* Says it in our words when whoever is there has answered, and no. */
static int explain(struct sunpath_error *error, const char *address, int r, int status) {
    char why[160];

    if (status == 403 && geteuid() != 0) {
        return refuse(error, -EPERM, SUNPATH_REASON_PERMISSION, address,
                      "refused (403): only the user its server runs as, or root, may take over");
    }
    if (status == 409) {
        return refuse(
            error, -EBUSY, SUNPATH_REASON_IN_USE, address,
            "refused (409): somebody else is taking over, it is ending, or it has workers");
    }
    if (r != -EPROTO && r != -EBADMSG) {
        return r;
    }
    if (status == 0) {
        return refuse(error, r, SUNPATH_REASON_PROTOCOL, address,
                      "what runs there is no `sunpath serve`: it does not speak HTTP");
    }
    snprintf(why, sizeof(why),
             "what runs there is no `sunpath serve` that hands over: it answered %d %s", status,
             sunpath_http_reason(status));
    return refuse(error, r, SUNPATH_REASON_PROTOCOL, address, why);
}

int serve_take_over(struct sunpath_listener **ret, const char *address,
                    const struct sunpath_listen_options *options, struct sunpath_error *error) {
    struct sunpath_http_request_options request =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_peer peer;
    int fd, r, status = 0;

    request.on_head = note_status;
    request.user = &status;
    r = sunpath_http_request_upgrade(&fd, "GET", address, PROTOCOL, &request, error);
    if (r < 0) {
        return explain(error, address, r, status);
    }
    if (sunpath_peer_read(&peer, fd) < 0 || !is_trusted(&peer)) {
        r = refuse(error, -EPERM, SUNPATH_REASON_WRONG_OWNER, address,
                   "the server there runs as another user");
    } else {
        (void)send_proof(fd); /* without it the other end hangs up, which is told next */
        r = sunpath_listener_take_over(ret, fd, TIMEOUT_MS, options, error);
        if (r >= 0) {
            wait_for_end(fd);
        }
    }
    close(fd);
    return r;
}
