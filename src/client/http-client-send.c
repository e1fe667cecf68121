/* SPDX-License-Identifier: MIT */
/* http-client-send.c - a request on its way: the head, then the body as the stream takes it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "client/http-client.h"
#include "flow/stream.h"

#define CONTINUE_MS 1000 /* how long "100 Continue" is waited for: RFC 9110 10.1.1 */
#define SOURCE_MS   2    /* until a source that had nothing is asked again */

/* Returns false when there is no going on: the connection failed, or the high mark is reached. */
static bool write_out(struct sp_client_connection *connection, const void *data, size_t size) {
    int r = sunpath_stream_write(connection->stream, data, size);

    if (r >= 0) {
        return r == 0;
    }
    if (r != -EPIPE) { /* of a broken pipe the stream tells by itself, after what it has read */
        sp_client_fail(connection, r, sp_reason_of_errno(r), "sending: ", strerror(-r));
    }
    return false;
}

static bool has_room(struct sp_client_connection *connection) {
    struct sunpath_http_client *client = connection->client;

    if (!client->room) {
        client->room = malloc(SP_HTTP_PIECE_ROOM);
    }
    if (!client->room) {
        sp_client_fail(connection, -ENOMEM, SUNPATH_REASON_SYSTEM, "out of memory", "");
    }
    return client->room != NULL;
}

static void wait_for_source(struct sp_client_connection *connection) {
    connection->request->sending = SP_HTTP_SEND_WAIT;
    sp_client_set_work(connection, SOURCE_MS);
}

void sp_client_send_more(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;
    struct sunpath_error error;

    if (!has_room(connection)) {
        return;
    }
    while (request->sending == SP_HTTP_SEND_BODY) {
        const char *data;
        ssize_t n;

        n = sp_http_request_next_piece(request, &data, connection->client->room, &error);
        if (connection->request != request) {
            return;
        }
        if (n == -EAGAIN) {
            wait_for_source(connection);
            return;
        }
        if (n < 0) {
            sp_client_finish(connection, (int)n, &error);
            return;
        }
        if (!write_out(connection, data, (size_t)n)) {
            return;
        }
    }
}

void sp_client_stop_waiting(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;

    if (request && request->sending == SP_HTTP_SEND_WAIT) {
        request->sending = SP_HTTP_SEND_BODY;
        sp_client_send_more(connection);
        if (connection->request == request) {
            sp_client_mind_from_now(connection);
        }
    }
}

static bool tell_start(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;
    const struct sunpath_http_request_options *options = &request->options;
    int r;

    if (!options->on_start) {
        return true;
    }
    r = options->on_start(request->head, request->n_head,
                          connection->has_peer ? &connection->peer : NULL, options->user);
    if (connection->request == request && r != 0) {
        sp_client_stop(connection, r, "on_start");
    }
    return connection->request == request;
}

void sp_client_begin(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;
    const struct sunpath_http_request_options *options = &request->options;

    if (!sp_client_dress(connection) || !tell_start(connection)) {
        return;
    }
    request->sending = !options->body && !request->source.read ? SP_HTTP_SENT
                       : request->expects_continue             ? SP_HTTP_SEND_WAIT
                                                               : SP_HTTP_SEND_BODY;
    connection->n_taken_before = sp_stream_n_taken(connection->stream);
    if (!write_out(connection, request->head, request->n_head)) {
        return;
    }
    if (request->sending == SP_HTTP_SEND_WAIT) {
        sp_client_set_work(connection, CONTINUE_MS);
    } else if (request->sending == SP_HTTP_SEND_BODY) {
        sp_client_send_more(connection);
    }
    if (connection->request == request) {
        sp_client_mind_from_now(connection);
    }
}
