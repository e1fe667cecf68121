/* SPDX-License-Identifier: MIT */
/* serve-handover.c - a new server takes the old one's listener, so that no connect ever fails. */

#include <errno.h>
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

/* ---- the old server -------------------------------------------------------------------------- */

/* The 101 has left: from here on the connection speaks the listener's own protocol. */
static void on_answered(struct sunpath_stream *stream, void *user) {
    struct serve *serve = user;
    struct sunpath_listener *listener = sunpath_http_server_listener(serve->server, 0);
    struct sunpath_error error;
    int fd, r = -ESHUTDOWN;

    if (sunpath_stream_n_queued(stream) > 0) {
        return;
    }
    serve->successor = NULL;
    fd = sunpath_stream_take_fd(stream);
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
    close(fd); /* only now: it tells the successor that the other listeners are closed */
}

static void on_gone(struct sunpath_stream *stream, int error, void *user) {
    struct serve *serve = user;

    (void)error;
    serve->successor = sunpath_stream_close(stream);
}

static void answer(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_stream_events events = {.on_drain = on_answered,
                                                        .on_close = on_gone};
    struct serve *serve = user;

    if (!is_trusted(sunpath_http_peer(exchange))) {
        (void)sunpath_http_fail(exchange, 403, "only the server's own user or root may take over");
    } else if (serve->is_worker) {
        (void)sunpath_http_fail(exchange, 409, "one of several workers cannot hand over");
    } else if (serve->successor || serve->is_ending) {
        (void)sunpath_http_fail(exchange, 409, "somebody else is taking over");
    } else if (sunpath_http_upgrade(exchange, PROTOCOL, &serve->successor, &events, serve) < 0) {
        (void)sunpath_http_fail(exchange, 400, "not an upgrade");
    }
}

void serve_hand_over(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_http_handler handler = {.on_request = answer};
    const char *upgrade = sunpath_http_header(exchange, "Upgrade");

    if (!upgrade || strcasecmp(upgrade, PROTOCOL) != 0) {
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
        r = sunpath_listener_take_over(ret, fd, TIMEOUT_MS, options, error);
        if (r >= 0) {
            wait_for_end(fd);
        }
    }
    close(fd);
    return r;
}
