/* SPDX-License-Identifier: MIT */
/* http-deadline.c - how long a client may take for what it is at. */

#include "serve/http-server.h"

#include <errno.h>

#include "flow/stream.h"
#include "os/clock.h"

static uint64_t after(uint64_t since_ns, int limit_ms) {
    return limit_ms < 0 ? SP_NEVER : since_ns + (uint64_t)limit_ms * SP_NS_PER_MS;
}

/* What the client owes us. */
static uint64_t input_due(const struct sp_http_connection *connection) {
    const struct sunpath_http_server_options *options = &connection->server->options;
    const struct sunpath_http_exchange *exchange = connection->exchange;

    if (exchange && sp_http_exchange_is_unanswered(exchange)) {
        return after(connection->since_ns, options->answer_ms);
    }
    if (exchange) {
        bool is_waiting =
            exchange->is_reading && !sp_http_exchange_is_paused(exchange) && !connection->is_held;

        return is_waiting ? after(connection->since_ns, options->body_ms) : SP_NEVER;
    }
    if (connection->n_seen > 0) {
        return after(connection->since_ns, options->head_ms);
    }
    if (connection->server->is_draining) {
        return after(connection->since_ns, SP_HTTP_GRACE_MS);
    }
    return after(connection->since_ns, options->keep_alive_ms);
}

/* A file is not queued: what is left of it waits all the same. */
static bool has_output(const struct sp_http_connection *connection) {
    const struct sunpath_http_exchange *exchange = connection->exchange;

    return sp_stream_n_queued(connection->stream) > 0 || (exchange && exchange->file_fd >= 0);
}

static uint64_t output_due(const struct sp_http_connection *connection) {
    if (!has_output(connection)) {
        return SP_NEVER;
    }
    return after(connection->sent_ns, connection->server->options.write_ms);
}

static uint64_t due(const struct sp_http_connection *connection) {
    uint64_t output = output_due(connection), input;

    if (connection->closing != SP_HTTP_OPEN) {
        input = after(connection->since_ns, SP_HTTP_LINGER_MS);
        return input < output ? input : output;
    }
    if (output != SP_NEVER && !connection->exchange) {
        return output; /* idle is counted from the moment the answer has left */
    }
    input = input_due(connection);
    return input < output ? input : output;
}

static void note_progress(struct sp_http_connection *connection) {
    uint64_t n_sent = connection->n_written - sp_stream_n_queued(connection->stream);

    if (n_sent != connection->n_sent) {
        connection->n_sent = n_sent;
        connection->sent_ns = sp_stream_active_ns(connection->stream);
    }
    if (connection->closing != SP_HTTP_OPEN && n_sent < connection->n_written) {
        connection->since_ns = sp_loop_now(connection->server->loop); /* not lingering yet */
    }
}

void sp_http_connection_arm(struct sp_http_connection *connection) {
    if (!connection->is_dead) {
        sp_timer_set(&connection->timer, connection->server->loop, due(connection));
    }
}

static void on_overdue(struct sp_http_connection *connection) {
    struct sunpath_http_exchange *exchange = connection->exchange;

    if (connection->closing != SP_HTTP_OPEN) {
        sp_http_connection_kill(connection, -ETIMEDOUT);
    } else if (output_due(connection) <= sp_loop_now(connection->server->loop)) {
        sp_http_connection_kill(connection, -ETIMEDOUT);
    } else if (exchange && exchange->is_started) {
        sp_http_exchange_cut(exchange, -ETIMEDOUT);
        sp_http_connection_pump(connection);
    } else if (exchange && sp_http_exchange_is_unanswered(exchange)) {
        (void)sp_http_exchange_fault(exchange, 0, "it did not answer in time");
        exchange->error = -ETIMEDOUT;
        sp_http_connection_refuse(connection, 503, "the answer took too long");
    } else if (exchange) {
        exchange->error = -ETIMEDOUT;
        sp_http_connection_refuse(connection, 408, "the body took too long");
    } else if (connection->n_seen > 0) {
        sp_http_connection_refuse(connection, 408, "the request took too long");
    } else {
        sp_http_connection_let_go(connection);
        connection->since_ns = sp_loop_now(connection->server->loop);
    }
}

void sp_http_connection_on_due(struct sp_timer *timer) {
    struct sp_http_connection *connection =
        sp_container_of(timer, struct sp_http_connection, timer);
    struct sunpath_http_server *server = connection->server;

    sp_http_server_enter(server);
    note_progress(connection);
    if (due(connection) <= sp_loop_now(server->loop)) {
        on_overdue(connection);
    }
    sp_http_connection_arm(connection);
    sp_http_server_leave(server);
}
