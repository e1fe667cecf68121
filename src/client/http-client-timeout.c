/* SPDX-License-Identifier: MIT */
/* http-client-timeout.c - how long the client waits for the server, and what it says when that
 * ends.
 */

#include <errno.h>

#include "base/error.h"
#include "client/http-client.h"
#include "flow/stream.h"

static uint64_t after(uint64_t since_ns, int ms) {
    return ms > 0 && since_ns != SP_NEVER ? since_ns + (uint64_t)ms * SP_NS_PER_MS : SP_NEVER;
}

static bool is_waiting_for_first_byte(const struct sp_client_connection *connection) {
    return connection->request->sending == SP_HTTP_SENT && !connection->has_answered &&
           sp_stream_n_queued(connection->stream) == 0;
}

static uint64_t first_byte_ns(const struct sp_client_connection *connection) {
    return is_waiting_for_first_byte(connection)
               ? after(connection->sent_ns, connection->request->options.first_byte_ms)
               : SP_NEVER;
}

static uint64_t idle_ns(const struct sp_client_connection *connection) {
    uint64_t since_ns = sp_stream_active_ns(connection->stream);

    if (is_waiting_for_first_byte(connection) && connection->n_informed == 0) {
        return SP_NEVER;
    }
    if (since_ns < connection->since_ns) {
        since_ns = connection->since_ns;
    }
    return after(since_ns, connection->request->options.idle_ms);
}

/* When patience ends, if nothing comes until then. */
static uint64_t patience_ns(const struct sp_client_connection *connection) {
    const struct sunpath_http_request *request = connection->request;
    uint64_t first_ns, next_ns;

    if (!connection->stream) {
        return SP_NEVER; /* connecting has its own */
    }
    if (!request) {
        return after(connection->idle_ns, connection->client->idle_ms);
    }
    if (request->is_paused || request->sending == SP_HTTP_SEND_WAIT) {
        return SP_NEVER; /* it is not the server that is slow */
    }
    first_ns = first_byte_ns(connection);
    next_ns = idle_ns(connection);
    return first_ns < next_ns ? first_ns : next_ns;
}

void sp_client_mind(struct sp_client_connection *connection) {
    uint64_t due_ns = patience_ns(connection);

    if (due_ns == SP_NEVER) {
        sp_timer_cancel(&connection->patience);
    } else {
        sp_timer_set(&connection->patience, connection->client->loop, due_ns);
    }
}

void sp_client_mind_from_now(struct sp_client_connection *connection) {
    connection->since_ns = sp_loop_now(connection->client->loop);
    sp_client_mind(connection);
}

static void fail(struct sp_client_connection *connection) {
    const struct sunpath_http_request *request = connection->request;
    struct sp_client_phase phase;
    struct sunpath_error error;

    if (first_byte_ns(connection) <= sp_loop_now(connection->client->loop)) {
        sp_http_request_fail(request, &error, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT,
                             "timed out, no byte of %s answer %d ms after the request was sent",
                             connection->n_informed > 0 ? "a final" : "an",
                             request->options.first_byte_ms);
    } else {
        sp_http_request_fail(request, &error, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT,
                             "timed out, no byte moved for %d ms, %s", request->options.idle_ms,
                             sp_client_phase(&phase, connection));
    }
    sp_client_finish(connection, -ETIMEDOUT, &error);
}

void sp_client_on_patience(struct sp_timer *timer) {
    struct sp_client_connection *connection =
        sp_container_of(timer, struct sp_client_connection, patience);
    struct sunpath_http_client *client = connection->client;
    uint64_t due_ns = patience_ns(connection);

    if (due_ns > sp_loop_now(client->loop)) {
        sp_client_mind(connection); /* there was traffic since */
        return;
    }
    sp_client_enter(client);
    if (connection->request) {
        fail(connection);
    } else {
        sp_client_drop_connection(connection);
    }
    sp_client_leave(client);
}

void sp_client_on_deadline(struct sp_timer *timer) {
    struct sunpath_http_request *request =
        sp_container_of(timer, struct sunpath_http_request, deadline);
    struct sp_client_connection *connection = request->connection;
    struct sunpath_http_client *client = request->client;
    int timeout_ms = request->options.timeout_ms;
    struct sp_client_phase phase;
    struct sunpath_error error;

    sp_client_enter(client);
    if (!connection) {
        sp_client_fail_queued(request);
    } else if (!connection->stream) {
        sp_client_fail_connecting(connection, timeout_ms);
    } else {
        sp_http_request_fail(request, &error, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT,
                             "timed out after %d ms, %s", timeout_ms,
                             sp_client_phase(&phase, connection));
        sp_client_finish(connection, -ETIMEDOUT, &error);
    }
    sp_client_leave(client);
}
