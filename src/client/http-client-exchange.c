/* SPDX-License-Identifier: MIT */
/* http-client-exchange.c - one request and its answer on a connection, and the loss of that. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/http-client.h"
#include "flow/stream.h"

void sp_client_forget_answer(struct sp_client_connection *connection) {
    connection->response = sunpath_http_response_free(connection->response);
    sp_client_stop_decoding(connection);
    connection->n_received = connection->n_promised = 0;
    connection->is_resuming = false;
}

void sp_client_reset(struct sp_client_connection *connection) {
    if (!connection->is_resuming) {
        sp_client_forget_answer(connection);
    }
    connection->n_seen = 0;
    connection->sent_ns = SP_NEVER;
    connection->has_answered = false;
    connection->n_informed = 0;
    connection->is_unsent = connection->is_lost = false;
    connection->wants_hand_out = connection->wants_start = connection->wants_input = false;
}

const char *sp_client_phase(struct sp_client_phase *phase,
                            const struct sp_client_connection *connection) {
    const struct sunpath_http_response *response = connection->response;
    const struct sunpath_http_request *request = connection->request;
    unsigned long long n_received = connection->n_received;

    if (response && response->content_length >= 0) {
        snprintf(phase->text, sizeof(phase->text), "in the answer's body, after %llu of %lld bytes",
                 n_received, (long long)response->content_length);
    } else if (response) {
        snprintf(phase->text, sizeof(phase->text), "in the answer's body, after %llu bytes",
                 n_received);
    } else if (connection->n_seen > 0) {
        snprintf(phase->text, sizeof(phase->text), "in the answer's head, after %zu bytes",
                 connection->n_seen);
    } else if (request->sending != SP_HTTP_SENT || connection->is_unsent ||
               (connection->stream && sunpath_stream_n_queued(connection->stream) > 0)) {
        snprintf(phase->text, sizeof(phase->text),
                 "while the request was being sent (%llu bytes of its body so far)",
                 (unsigned long long)request->n_sent);
    } else {
        snprintf(phase->text, sizeof(phase->text), "before the first byte of the %sanswer",
                 connection->n_informed > 0 ? "final " : "");
    }
    return phase->text;
}

void sp_client_fail(struct sp_client_connection *connection, int code, enum sunpath_reason reason,
                    const char *what, const char *where) {
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, code, reason, "%s%s", what, where);
    sp_client_finish(connection, code, &error);
}

void sp_client_stop(struct sp_client_connection *connection, int code, const char *callback) {
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, code, SUNPATH_REASON_NONE, "ended by %s: %s",
                         callback, code < 0 ? strerror(-code) : "as it wished");
    sp_client_finish(connection, code, &error);
}

/* ---- losing the connection ------------------------------------------------------------------- */

/*
 * A server may close an idle connection in the very moment we send on it. Then the request goes out
 * again, only once since the next connection is a new one: when the server cannot have seen it, or
 * may see it twice (RFC 9110 9.2.2).
 */
static bool may_repeat(const struct sp_client_connection *connection) {
    const struct sunpath_http_request *request = connection->request;

    return connection->is_reused && !connection->response && connection->n_informed == 0 &&
           connection->n_seen == 0 && (!request->is_read || request->source.rewind) &&
           (request->is_idempotent || connection->is_unsent);
}

void sp_client_start_again(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;
    int r = request->is_read ? request->source.rewind(request->source.user) : 0;

    if (connection->request != request) {
        return;
    }
    request->is_read = false;
    if (r != 0) {
        sp_client_stop(connection, r, "rewind_body");
    } else {
        sp_client_start(connection);
    }
}

static void lose(struct sp_client_connection *connection, int error) {
    struct sp_client_phase phase;
    bool is_left = error == 0 || error == -EPIPE || error == -ECONNRESET;

    connection->is_unsent = sp_stream_n_taken(connection->stream) == connection->n_taken_before;
    /*
     * Over a Unix socket ECONNRESET only says that the server left part of the request unread; all
     * it sent has been read before (unix(7)). Over TCP some of it may be lost.
     */
    if (is_left && connection->request->location) {
        sp_client_follow(connection); /* nobody reads what is missing */
    } else if (connection->response && connection->body.framing == SP_HTTP_UNTIL_CLOSE &&
               (error == 0 || (is_left && connection->has_peer))) {
        sp_client_end_body(connection);
    } else if (is_left && may_repeat(connection)) {
        sp_client_disconnect(connection);
        sp_client_start_again(connection);
    } else if (is_left && sp_client_may_resume(connection)) {
        sp_client_resume_body(connection);
    } else if (is_left) {
        sp_client_fail(connection, -ECONNRESET, SUNPATH_REASON_PROTOCOL,
                       "the server closed the connection ", sp_client_phase(&phase, connection));
    } else {
        sp_client_fail(connection, error, sp_reason_of_errno(error),
                       "the connection failed: ", strerror(-error));
    }
}

/* ---- events of the stream -------------------------------------------------------------------- */

/* The request goes to another target, on the same connection if nothing is left in that. */
static void start_anew(struct sp_client_connection *connection, bool is_clean) {
    sp_client_keep(connection);
    connection->wants_start = false;
    if (!is_clean) {
        sp_client_disconnect(connection);
    }
    sp_client_start_again(connection);
}

/* Something arrived, or what had arrived may be taken now. */
static void take_input(struct sp_client_connection *connection) {
    struct sunpath_stream *stream = connection->stream;
    const char *data;
    size_t size, used;

    data = sunpath_stream_input(stream, &size);
    used = connection->request ? sp_client_receive(connection, data, size) : 0;
    if (connection->stream != stream) {
        return;
    }
    sunpath_stream_consume(stream, used);
    if (!connection->request && used < size) {
        sp_client_drop_connection(connection); /* nobody asked for what follows */
    } else if (connection->wants_start) {
        start_anew(connection, used == size);
    } else if (connection->wants_hand_out) {
        sp_client_hand_out(connection);
    }
}

static void be_lost(struct sp_client_connection *connection, int error) {
    lose(connection, error); /* the stream has told all that was to be read before */
    if (connection->wants_start) {
        start_anew(connection, false);
    }
}

void sp_client_go_on(struct sp_client_connection *connection) {
    const struct sunpath_http_request *request = connection->request;

    connection->wants_input = false;
    sunpath_stream_resume(connection->stream);
    sp_client_mind_from_now(connection);
    take_input(connection);
    if (connection->is_lost && connection->request == request && !request->is_paused) {
        be_lost(connection, connection->lost_error);
    }
}

static void on_data(struct sunpath_stream *stream, void *user) {
    struct sp_client_connection *connection = user;
    struct sunpath_http_client *client = connection->client;

    (void)stream;
    sp_client_enter(client);
    take_input(connection);
    sp_client_leave(client);
}

static void on_drain(struct sunpath_stream *stream, void *user) {
    struct sp_client_connection *connection = user;
    struct sunpath_http_client *client = connection->client;
    struct sunpath_http_request *request = connection->request;

    sp_client_enter(client);
    if (request && request->sending == SP_HTTP_SEND_BODY) {
        sp_client_send_more(connection);
    } else if (request && request->sending == SP_HTTP_SENT &&
               sunpath_stream_n_queued(stream) == 0) {
        connection->sent_ns = sp_loop_now(client->loop);
        sp_client_mind(connection);
    }
    sp_client_leave(client);
}

static void on_over(struct sp_client_connection *connection, int error) {
    struct sunpath_http_client *client = connection->client;

    sp_client_enter(client);
    if (connection->request && (connection->request->is_paused || connection->wants_input)) {
        connection->is_lost = true; /* its reader has not seen all of it yet */
        connection->lost_error = error;
    } else if (connection->request) {
        be_lost(connection, error);
    } else {
        sp_client_drop_connection(connection);
    }
    sp_client_leave(client);
}

static void on_end(struct sunpath_stream *stream, void *user) {
    (void)stream;
    on_over(user, 0);
}

static void on_close(struct sunpath_stream *stream, int error, void *user) {
    (void)stream;
    on_over(user, error);
}

const struct sunpath_stream_events sp_client_stream_events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};
