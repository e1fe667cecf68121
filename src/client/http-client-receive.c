/* SPDX-License-Identifier: MIT */
/* http-client-receive.c - an answer as it arrives: interim heads, the head, the body. */

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "client/http-client.h"

void sp_client_complete(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;

    if (request->location) {
        sp_client_follow(connection);
        return;
    }
    sp_http_response_complete(connection->response);
    sp_client_keep(connection);
    if (request->on_upgrade) {
        sp_client_refuse_switch(connection);
    } else {
        sp_client_finish(connection, 0, NULL);
    }
}

void sp_client_keep(struct sp_client_connection *connection) {
    const struct sunpath_http_request *request = connection->request;

    connection->is_reused = true;
    if (!connection->is_keep_alive || connection->is_lost || request->closes ||
        request->sending != SP_HTTP_SENT || sunpath_stream_n_queued(connection->stream) > 0) {
        sp_client_disconnect(connection);
    }
}

/* Tells the caller of a head. False when that ended the request. */
static bool show_head(struct sp_client_connection *connection,
                      const struct sunpath_http_response *response) {
    struct sunpath_http_request *request = connection->request;
    const struct sunpath_http_request_options *options = &request->options;
    int r = options->on_head ? options->on_head(response, options->user) : 0;

    if (connection->request == request && r != 0) {
        sp_client_stop(connection, r, "on_head");
    }
    return connection->request == request;
}

/* 1xx: the answer is still to come (RFC 9110 15.2). */
static void take_interim(struct sp_client_connection *connection,
                         struct sunpath_http_response *response) {
    bool goes_on;

    if (connection->n_informed++ == SP_HTTP_CLIENT_MAX_INTERIM) {
        sunpath_http_response_free(response);
        sp_client_fail(connection, -EMSGSIZE, SUNPATH_REASON_PROTOCOL,
                       "the server sent too many interim answers", "");
        return;
    }
    goes_on = show_head(connection, response);
    if (goes_on) {
        connection->has_answered = false; /* patience is for the answer itself */
        sp_client_mind(connection);
    }
    if (goes_on && response->status == 100 && connection->request->expects_continue) {
        sp_timer_cancel(&connection->work);
        sp_client_stop_waiting(connection);
    }
    sunpath_http_response_free(response);
}

/* An error, or an answer to a body that was not sent yet, makes sending it pointless. */
static void stop_sending(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;
    bool is_waiting =
        request->sending == SP_HTTP_SEND_WAIT && request->expects_continue && request->n_sent == 0;

    if (request->sending != SP_HTTP_SENT &&
        (connection->response->status >= 400 || request->location || is_waiting)) {
        request->sending = SP_HTTP_SEND_GIVEN_UP;
        sp_timer_cancel(&connection->work);
    }
}

static void take_final(struct sp_client_connection *connection, const struct sp_http_head *head) {
    const struct sunpath_http_request_options *options = &connection->request->options;

    sp_http_body_init(&connection->body, head);
    connection->is_keep_alive = head->keep_alive && head->framing != SP_HTTP_UNTIL_CLOSE;
    sp_client_remember(connection);
    if (!sp_client_consider_redirect(connection)) {
        return;
    }
    stop_sending(connection);
    if (!connection->request->location &&
        (!sp_client_prepare_decoding(connection) || !show_head(connection, connection->response))) {
        return;
    }
    if (connection->request->location && head->framing != SP_HTTP_NO_BODY) {
        sp_client_skip_body(connection);
    } else if (head->framing == SP_HTTP_LENGTH && !options->on_body &&
               head->content_length > options->max_body) {
        sp_client_fail(
            connection, -EMSGSIZE, SUNPATH_REASON_PROTOCOL,
            "the answer's body is too large: ", "its announced length is over the limit");
    } else if (head->framing == SP_HTTP_NO_BODY) {
        sp_client_complete(connection);
    }
}

static void refuse_head(struct sp_client_connection *connection, const struct sp_http_head *head,
                        int code, const char *data, size_t size) {
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, code, SUNPATH_REASON_PROTOCOL,
                         "the answer's head is %s: %s; it begins '%.60s'",
                         code == -EMSGSIZE ? "too large" : "not HTTP",
                         head->why ? head->why : strerror(-code),
                         sp_show(&(struct sp_shown){0}, data, size < 40 ? size : 40));
    sp_client_finish(connection, code, &error);
}

/* The answer to a request for the rest of one. */
static void take_rest(struct sp_client_connection *connection, const struct sp_http_head *head,
                      struct sunpath_http_response *rest) {
    if (sp_client_take_rest(connection, head, rest) == SP_CLIENT_REST_IS_NEW) {
        connection->response = rest;
        take_final(connection, head);
    } else {
        sunpath_http_response_free(rest);
    }
}

/* `response` is owned from now on. */
static void take_response(struct sp_client_connection *connection, const struct sp_http_head *head,
                          struct sunpath_http_response *response) {
    if (sp_client_is_switch(connection->request, head->status)) {
        sp_client_take_switch(connection, response);
    } else if (head->status < 200) {
        take_interim(connection, response);
    } else if (connection->is_resuming) {
        take_rest(connection, head, response);
    } else {
        connection->response = response;
        take_final(connection, head);
    }
}

/* Returns the bytes used, 0 when more are needed. */
static size_t take_head(struct sp_client_connection *connection, const char *data, size_t size) {
    const struct sp_http_limits limits = {SP_HTTP_CLIENT_MAX_HEAD, SP_HTTP_CLIENT_MAX_FIELDS};
    struct sp_http_field fields[SP_HTTP_CLIENT_MAX_FIELDS];
    struct sp_http_head head = {.fields = fields};
    struct sunpath_http_response *response;
    ssize_t n;
    int r;

    if (!connection->has_answered) {
        connection->has_answered = true;
        sp_client_mind(connection);
    }
    n = sp_http_parse_response(&head, &limits, data, size, connection->n_seen,
                               connection->request->method);
    if (n < 0) {
        refuse_head(connection, &head, (int)n, data, size);
        return 0;
    }
    connection->n_seen = n == 0 ? size : 0;
    if (n == 0) {
        return 0;
    }
    r = sp_http_response_new(&response, &head, data, (size_t)n);
    if (r < 0) {
        sp_client_fail(connection, r, SUNPATH_REASON_SYSTEM, "out of memory", "");
    } else {
        take_response(connection, &head, response);
    }
    return (size_t)n;
}

/* ---- the body -------------------------------------------------------------------------------- */

static bool collect(struct sp_client_connection *connection, const char *data, size_t size) {
    uint64_t max = connection->request->options.max_body;
    int r = sp_http_response_append(connection->response, data, size, max);

    if (r < 0) {
        sp_client_fail(
            connection, r, r == -EMSGSIZE ? SUNPATH_REASON_PROTOCOL : SUNPATH_REASON_SYSTEM,
            "the answer's body: ", r == -EMSGSIZE ? "larger than the limit" : strerror(-r));
    }
    return r == 0;
}

bool sp_client_give_body(struct sp_client_connection *connection, const char *data, size_t size) {
    struct sunpath_http_request *request = connection->request;
    const struct sunpath_http_request_options *options = &request->options;
    int r;

    if (!options->on_body) {
        return collect(connection, data, size);
    }
    r = options->on_body(connection->response, data, size, options->user);
    if (connection->request != request) {
        return false;
    }
    if (r == SUNPATH_HTTP_PAUSE && !request->ret_response) {
        request->is_paused = true;
        sunpath_stream_pause(connection->stream);
        sp_client_mind(connection);
    } else if (r != 0) { /* a blocking call has nobody who could resume it */
        sp_client_stop(connection, r == SUNPATH_HTTP_PAUSE ? -EINVAL : r, "on_body");
    }
    return connection->request == request;
}

static bool take_piece(struct sp_client_connection *connection, const struct sp_http_piece *piece) {
    connection->n_received += piece->size;
    if (connection->request->location) {
        return sp_client_skip_body(connection);
    }
    return connection->decoder ? sp_client_decode(connection, piece->data, piece->size)
                               : sp_client_give_body(connection, piece->data, piece->size);
}

static void refuse_body(struct sp_client_connection *connection, int code) {
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, code, SUNPATH_REASON_PROTOCOL,
                         "the answer's body is malformed after %llu bytes: %s",
                         (unsigned long long)connection->n_received,
                         connection->body.why ? connection->body.why : strerror(-code));
    sp_client_finish(connection, code, &error);
}

static void end_body(struct sp_client_connection *connection) {
    if (connection->n_promised > 0 && connection->n_received != connection->n_promised) {
        connection->body.why = "its chunks are not the part that was announced";
        refuse_body(connection, -EBADMSG);
    } else {
        sp_client_end_body(connection);
    }
}

static bool take_trailer(struct sp_client_connection *connection,
                         const struct sp_http_piece *piece) {
    int r = sp_http_response_add_trailer(connection->response, piece->data, piece->size);

    if (r < 0) {
        sp_client_fail(connection, r, SUNPATH_REASON_SYSTEM, "out of memory", "");
    }
    return r == 0;
}

/* Returns the bytes used; *ret_goes_on is false when more are needed or the request is over. */
static size_t take_body(struct sp_client_connection *connection, const char *data, size_t size,
                        bool *ret_goes_on) {
    struct sp_http_piece piece = {0};
    size_t used = 0;
    int r;

    *ret_goes_on = false;
    r = sp_http_body_step(&connection->body, data, size, &used, &piece);
    if (r < 0) {
        refuse_body(connection, r);
    } else if (r == SP_HTTP_BODY_PIECE) {
        *ret_goes_on = take_piece(connection, &piece);
    } else if (r == SP_HTTP_BODY_TRAILER) {
        *ret_goes_on = take_trailer(connection, &piece);
    } else if (r == SP_HTTP_BODY_END) {
        end_body(connection);
    }
    return used;
}

size_t sp_client_receive(struct sp_client_connection *connection, const char *data, size_t size) {
    const struct sunpath_http_request *request = connection->request;
    size_t used = 0;
    bool goes_on = request != NULL;

    while (goes_on && connection->request == request && !request->is_paused &&
           !connection->wants_start && !connection->wants_hand_out) {
        size_t n;

        if (connection->is_decoding) {
            goes_on = sp_client_go_on_decoding(connection);
            continue;
        }
        if (connection->response && !connection->is_resuming) {
            used += take_body(connection, data + used, size - used, &goes_on);
            continue;
        }
        n = size > used ? take_head(connection, data + used, size - used) : 0;
        used += n;
        goes_on = n > 0;
    }
    return used;
}
