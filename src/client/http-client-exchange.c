/* SPDX-License-Identifier: MIT */
/* http-client-exchange.c - one request and its answer on the client's connection. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "client/http-client.h"
#include "flow/stream.h"

#define CONTINUE_MS 1000 /* how long "100 Continue" is waited for: RFC 9110 10.1.1 */
#define SOURCE_MS   2    /* until a source that had nothing is asked again */

void sp_http_client_reset(struct sunpath_http_client *client) {
    client->response = sunpath_http_response_free(client->response);
    client->n_received = 0;
    client->n_seen = 0;
    client->has_informed = false;
    client->is_unsent = false;
}

const char *sp_http_client_phase(struct sp_http_phase *phase,
                                 const struct sunpath_http_client *client) {
    const struct sunpath_http_response *response = client->response;
    const struct sp_http_request *request = client->current;
    unsigned long long n_received = client->n_received;

    if (response && response->content_length >= 0) {
        snprintf(phase->text, sizeof(phase->text), "in the answer's body, after %llu of %lld bytes",
                 n_received, (long long)response->content_length);
    } else if (response) {
        snprintf(phase->text, sizeof(phase->text), "in the answer's body, after %llu bytes",
                 n_received);
    } else if (client->n_seen > 0) {
        snprintf(phase->text, sizeof(phase->text), "in the answer's head, after %zu bytes",
                 client->n_seen);
    } else if (request->sending != SP_HTTP_SENT || client->is_unsent ||
               (client->stream && sunpath_stream_n_queued(client->stream) > 0)) {
        snprintf(phase->text, sizeof(phase->text),
                 "while the request was being sent (%llu bytes of its body so far)",
                 (unsigned long long)request->n_sent);
    } else {
        snprintf(phase->text, sizeof(phase->text), "before the first byte of the answer");
    }
    return phase->text;
}

static void fail(struct sunpath_http_client *client, int code, enum sunpath_reason reason,
                 const char *what, const char *where) {
    struct sunpath_error error;

    sp_http_request_fail(client->current, &error, code, reason, "%s%s", what, where);
    sp_http_client_finish(client, code, &error);
}

/* A callback of the caller's ended the request. */
static void stop(struct sunpath_http_client *client, int code, const char *callback) {
    struct sunpath_error error;

    sp_http_request_fail(client->current, &error, code, SUNPATH_REASON_NONE, "ended by %s: %s",
                         callback, code < 0 ? strerror(-code) : "as it wished");
    sp_http_client_finish(client, code, &error);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Returns false when there is no going on: the connection failed, or the high mark is reached. */
static bool write_out(struct sunpath_http_client *client, const void *data, size_t size) {
    int r = sunpath_stream_write(client->stream, data, size);

    if (r >= 0) {
        return r == 0;
    }
    if (r != -EPIPE) { /* of a broken pipe the stream tells by itself, after what it has read */
        fail(client, r, sp_reason_of_errno(r), "sending: ", strerror(-r));
    }
    return false;
}

void sp_http_client_send_more(struct sunpath_http_client *client) {
    struct sunpath_error error;

    if (!client->room && !(client->room = malloc(SP_HTTP_PIECE_ROOM))) {
        fail(client, -ENOMEM, SUNPATH_REASON_SYSTEM, "out of memory", "");
        return;
    }
    while (client->current->sending == SP_HTTP_SEND_BODY) {
        const char *data;
        ssize_t n;

        n = sp_http_request_next_piece(client->current, &data, client->room, &error);
        if (client->is_freed) {
            return;
        }
        if (n == -EAGAIN) {
            client->current->sending = SP_HTTP_SEND_WAIT;
            sunpath_timer_set(client->work, SOURCE_MS);
            return;
        }
        if (n < 0) {
            sp_http_client_finish(client, (int)n, &error);
            return;
        }
        if (!write_out(client, data, (size_t)n)) {
            return;
        }
    }
}

void sp_http_client_begin(struct sunpath_http_client *client) {
    struct sp_http_request *request = client->current;
    const struct sunpath_http_request_options *options = &request->options;
    int r;

    if (options->on_start) {
        r = options->on_start(request->head, request->n_head,
                              client->has_peer ? &client->peer : NULL, options->user);
        if (client->is_freed) {
            return;
        }
        if (r != 0) {
            stop(client, r, "on_start");
            return;
        }
    }

    request->sending = !options->body && !options->read_body ? SP_HTTP_SENT
                       : request->expects_continue           ? SP_HTTP_SEND_WAIT
                                                             : SP_HTTP_SEND_BODY;
    client->n_taken_before = sp_stream_n_taken(client->stream);
    if (!write_out(client, request->head, request->n_head)) {
        return;
    }
    if (request->sending == SP_HTTP_SEND_WAIT) {
        sunpath_timer_set(client->work, CONTINUE_MS);
    } else if (request->sending == SP_HTTP_SEND_BODY) {
        sp_http_client_send_more(client);
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void complete(struct sunpath_http_client *client) {
    struct sp_http_request *request = client->current;

    sp_http_response_complete(client->response);
    client->is_reused = true;
    if (!client->is_keep_alive || request->closes || request->sending != SP_HTTP_SENT ||
        sunpath_stream_n_queued(client->stream) > 0) {
        sp_http_client_disconnect(client);
    }
    sp_http_client_finish(client, 0, NULL);
}

/* Tells the caller of a head. False when that ended the request or freed the client. */
static bool show_head(struct sunpath_http_client *client,
                      const struct sunpath_http_response *response) {
    const struct sunpath_http_request_options *options = &client->current->options;
    int r = options->on_head ? options->on_head(response, options->user) : 0;

    if (client->is_freed) {
        return false;
    }
    if (r != 0) {
        stop(client, r, "on_head");
    }
    return r == 0;
}

/* 1xx: the answer is still to come (RFC 9110 15.2). */
static void take_interim(struct sunpath_http_client *client,
                         struct sunpath_http_response *response) {
    bool goes_on = show_head(client, response);

    client->has_informed = true;
    if (goes_on && response->status == 100 && client->current->sending == SP_HTTP_SEND_WAIT) {
        sunpath_timer_cancel(client->work);
        client->current->sending = SP_HTTP_SEND_BODY;
        sp_http_client_send_more(client);
    }
    sunpath_http_response_free(response);
}

/* An error, or an answer to a body that was not sent yet, makes sending it pointless. */
static void stop_sending(struct sunpath_http_client *client) {
    struct sp_http_request *request = client->current;
    bool is_waiting =
        request->sending == SP_HTTP_SEND_WAIT && request->expects_continue && request->n_sent == 0;

    if (request->sending != SP_HTTP_SENT && (client->response->status >= 400 || is_waiting)) {
        request->sending = SP_HTTP_SEND_GIVEN_UP;
        sunpath_timer_cancel(client->work);
    }
}

static void take_final(struct sunpath_http_client *client, const struct sp_http_head *head) {
    const struct sunpath_http_request_options *options = &client->current->options;

    sp_http_body_init(&client->body, head);
    client->is_keep_alive = head->keep_alive && head->framing != SP_HTTP_UNTIL_CLOSE;
    stop_sending(client);
    if (!show_head(client, client->response)) {
        return;
    }
    if (head->framing == SP_HTTP_LENGTH && !options->on_body &&
        head->content_length > options->max_body) {
        fail(client, -EMSGSIZE, SUNPATH_REASON_PROTOCOL,
             "the answer's body is too large: ", "its announced length is over the limit");
    } else if (head->framing == SP_HTTP_NO_BODY) {
        complete(client);
    }
}

static void refuse_head(struct sunpath_http_client *client, const struct sp_http_head *head,
                        int code, const char *data, size_t size) {
    struct sunpath_error error;

    sp_http_request_fail(client->current, &error, code, SUNPATH_REASON_PROTOCOL,
                         "the answer's head is %s: %s; it begins '%.60s'",
                         code == -EMSGSIZE ? "too large" : "not HTTP",
                         head->why ? head->why : strerror(-code),
                         sp_show(&(struct sp_shown){0}, data, size < 40 ? size : 40));
    sp_http_client_finish(client, code, &error);
}

/* Returns the bytes used, 0 when more are needed. */
static size_t take_head(struct sunpath_http_client *client, const char *data, size_t size) {
    const struct sp_http_limits limits = {SP_HTTP_CLIENT_MAX_HEAD, SP_HTTP_CLIENT_MAX_FIELDS};
    struct sp_http_field fields[SP_HTTP_CLIENT_MAX_FIELDS];
    struct sp_http_head head = {.fields = fields};
    struct sunpath_http_response *response;
    ssize_t n;
    int r;

    n = sp_http_parse_response(&head, &limits, data, size, client->n_seen, client->current->method);
    if (n < 0) {
        refuse_head(client, &head, (int)n, data, size);
        return 0;
    }
    client->n_seen = n == 0 ? size : 0;
    if (n == 0) {
        return 0;
    }
    r = sp_http_response_new(&response, &head, data, (size_t)n);
    if (r < 0) {
        fail(client, r, SUNPATH_REASON_SYSTEM, "out of memory", "");
    } else if (head.status == 101 || (strcmp(client->current->method, "CONNECT") == 0 &&
                                      head.status >= 200 && head.status < 300)) {
        sunpath_http_response_free(response);
        fail(client, -EPROTO, SUNPATH_REASON_PROTOCOL, "the server switched protocols",
             "; sunpath_http_request_upgrade() asks for that");
    } else if (head.status < 200) {
        take_interim(client, response);
    } else {
        client->response = response;
        take_final(client, &head);
    }
    return (size_t)n;
}

/* Returns false when the request is over. */
static bool take_piece(struct sunpath_http_client *client, const struct sp_http_piece *piece) {
    const struct sunpath_http_request_options *options = &client->current->options;
    int r;

    client->n_received += piece->size;
    if (!options->on_body) {
        r = sp_http_response_append(client->response, piece->data, piece->size, options->max_body);
        if (r < 0) {
            fail(client, r, r == -EMSGSIZE ? SUNPATH_REASON_PROTOCOL : SUNPATH_REASON_SYSTEM,
                 "the answer's body: ", r == -EMSGSIZE ? "larger than the limit" : strerror(-r));
        }
        return r == 0;
    }
    r = options->on_body(client->response, piece->data, piece->size, options->user);
    if (client->is_freed) {
        return false;
    }
    if (r != 0) {
        stop(client, r, "on_body");
    }
    return r == 0;
}

static void refuse_body(struct sunpath_http_client *client, int code) {
    struct sunpath_error error;

    sp_http_request_fail(client->current, &error, code, SUNPATH_REASON_PROTOCOL,
                         "the answer's body is malformed after %llu bytes: %s",
                         (unsigned long long)client->n_received,
                         client->body.why ? client->body.why : strerror(-code));
    sp_http_client_finish(client, code, &error);
}

/* Returns the bytes used; *ret_goes_on is false when more are needed or the request is over. */
static size_t take_body(struct sunpath_http_client *client, const char *data, size_t size,
                        bool *ret_goes_on) {
    struct sp_http_piece piece = {0};
    size_t used = 0;
    int r;

    *ret_goes_on = false;
    r = sp_http_body_step(&client->body, data, size, &used, &piece);
    if (r < 0) {
        refuse_body(client, r);
    } else if (r == SP_HTTP_BODY_PIECE) {
        *ret_goes_on = take_piece(client, &piece);
    } else if (r == SP_HTTP_BODY_TRAILER) {
        r = sp_http_response_add_trailer(client->response, piece.data, piece.size);
        *ret_goes_on = r == 0;
        if (r < 0) {
            fail(client, r, SUNPATH_REASON_SYSTEM, "out of memory", "");
        }
    } else if (r == SP_HTTP_BODY_END) {
        complete(client);
    }
    return used;
}

/* Returns the bytes used. Afterwards the request may be over, and the client freed. */
static size_t receive(struct sunpath_http_client *client, const char *data, size_t size) {
    size_t used = 0;
    bool goes_on = true;

    while (goes_on && !client->is_freed && client->current) {
        size_t n;

        if (client->response) {
            used += take_body(client, data + used, size - used, &goes_on);
            continue;
        }
        n = size > used ? take_head(client, data + used, size - used) : 0;
        used += n;
        goes_on = n > 0;
    }
    return used;
}

/* ---- losing the connection ------------------------------------------------------------------- */

/*
 * A server may close an idle connection in the very moment we send on it. Then the request goes out
 * again, only once since the next connection is a new one: when the server cannot have seen it, or
 * may see it twice (RFC 9110 9.2.2).
 */
static bool may_repeat(const struct sunpath_http_client *client) {
    const struct sp_http_request *request = client->current;

    return client->is_reused && !client->response && !client->has_informed && client->n_seen == 0 &&
           !request->is_read && (request->is_idempotent || client->is_unsent);
}

static void lose(struct sunpath_http_client *client, int error) {
    struct sp_http_phase phase;
    bool is_left = error == 0 || error == -EPIPE || error == -ECONNRESET;

    /*
     * Over a Unix socket ECONNRESET only says that the server left part of the request unread; all
     * it sent has been read before (unix(7)). Over TCP some of it may be lost.
     */
    if (client->response && client->body.framing == SP_HTTP_UNTIL_CLOSE &&
        (error == 0 || (is_left && client->has_peer))) {
        complete(client);
    } else if (is_left && may_repeat(client)) {
        sp_http_client_disconnect(client);
        sp_http_client_start(client);
    } else if (is_left) {
        fail(client, -ECONNRESET, SUNPATH_REASON_PROTOCOL, "the server closed the connection ",
             sp_http_client_phase(&phase, client));
    } else {
        fail(client, error, sp_reason_of_errno(error), "the connection failed: ", strerror(-error));
    }
}

/* ---- events of the stream -------------------------------------------------------------------- */

static void on_data(struct sunpath_stream *stream, void *user) {
    struct sunpath_http_client *client = user;
    const char *data;
    size_t size, used;

    sp_http_client_enter(client);
    data = sunpath_stream_input(stream, &size);
    used = client->current ? receive(client, data, size) : 0;
    if (!client->is_freed && client->stream) {
        sunpath_stream_consume(stream, used);
        if (!client->current && used < size) {
            sp_http_client_disconnect(client); /* nobody asked for what follows */
        }
    }
    sp_http_client_leave(client);
}

static void on_drain(struct sunpath_stream *stream, void *user) {
    struct sunpath_http_client *client = user;

    (void)stream;
    sp_http_client_enter(client);
    if (client->current && client->current->sending == SP_HTTP_SEND_BODY) {
        sp_http_client_send_more(client);
    }
    sp_http_client_leave(client);
}

static bool has_sent_nothing(const struct sunpath_http_client *client) {
    return sp_stream_n_taken(client->stream) == client->n_taken_before;
}

static void on_end(struct sunpath_stream *stream, void *user) {
    struct sunpath_http_client *client = user;

    (void)stream;
    sp_http_client_enter(client);
    if (client->current) {
        client->is_unsent = has_sent_nothing(client);
        lose(client, 0);
    } else {
        sp_http_client_disconnect(client);
    }
    sp_http_client_leave(client);
}

static void on_close(struct sunpath_stream *stream, int error, void *user) {
    struct sunpath_http_client *client = user;

    (void)stream;
    sp_http_client_enter(client);
    if (client->current) {
        client->is_unsent = has_sent_nothing(client);
        lose(client, error); /* the stream has told all that was to be read before */
    }
    if (!client->is_freed && !client->current) {
        sp_http_client_disconnect(client);
    }
    sp_http_client_leave(client);
}

const struct sunpath_stream_events sp_http_client_stream_events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};
