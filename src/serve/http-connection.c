/* SPDX-License-Identifier: MIT */
/* http-connection.c - one client's connection: opened, fed by its stream, ended, buried. */

#include "serve/http-server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "flow/stream.h"
#include "os/clock.h"
#include "os/fd.h"

/* ---- exchanges that are over ----------------------------------------------------------------- */

static void finish(struct sunpath_http_exchange *exchange, int error) {
    if (sp_http_is_observed(exchange)) {
        sp_http_exchange_record(exchange, error);
    }
    sp_http_exchange_call_finish(exchange, error);
    if (exchange->is_announced && exchange->handler->on_finish) {
        exchange->handler->on_finish(exchange, error, exchange->handler_user);
    }
}

/* Calls on_finish for responses whose last byte is with the kernel; for all when `error` is set. */
static void finish_sent(struct sp_http_connection *connection, uint64_t n_sent, int error) {
    while (connection->finishing) {
        struct sunpath_http_exchange *first = connection->finishing;
        bool is_sent = first->end_at <= n_sent;

        if (!is_sent && error == 0) {
            return;
        }
        connection->finishing = first->next;
        connection->n_finishing--;
        finish(first, first->error ? first->error : is_sent ? 0 : error);
        sp_http_exchange_give(connection->server, first);
    }
}

/* A stream that failed has dropped its queue: then only what was seen to leave is certain. */
static uint64_t n_sent(const struct sp_http_connection *connection) {
    if (sp_stream_error(connection->stream)) {
        return connection->n_sent;
    }
    return connection->n_written - sp_stream_n_queued(connection->stream);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void bury(struct sp_http_connection *connection) {
    struct sunpath_http_server *server = connection->server;

    connection->is_dead = true;
    connection->stream = NULL;
    sp_timer_deinit(&connection->timer, server->loop);
    sp_task_cancel(&connection->task);
    sp_list_remove(&connection->node);
    sp_list_append(&server->graveyard, &connection->node);
    sp_http_uid_limits_leave(connection);
    server->n_connections--;
    sp_http_server_lost_connection(server);
}

/*
 * What handlers may still ask goes with the stream: on_finish, for the head and the peer; the
 * callback we are in, perhaps, for bytes that it was given before.
 */
static void save_what_is_asked(struct sp_http_connection *connection) {
    struct sunpath_http_exchange *exchange = connection->exchange;

    if (connection->finishing) {
        (void)sunpath_http_peer(connection->finishing);
    } else if (exchange && sp_http_exchange_is_awaited(exchange)) {
        (void)sunpath_http_peer(exchange);
    }
    if (exchange) {
        sp_http_exchange_keep_head(exchange);
        exchange->remains = sp_stream_take_input(connection->stream);
    }
}

void sp_http_connection_kill(struct sp_http_connection *connection, int error) {
    struct sunpath_http_server *server = connection->server;
    uint64_t sent;

    if (connection->is_dead) {
        return;
    }
    sp_http_server_enter(server);
    sent = n_sent(connection);
    save_what_is_asked(connection);
    sunpath_stream_close(connection->stream);
    bury(connection);
    finish_sent(connection, sent, error ? error : -ECONNRESET);
    if (connection->exchange) {
        struct sunpath_http_exchange *exchange = connection->exchange;

        sp_http_exchange_land(exchange);
        exchange->is_started = exchange->is_ended = true;
        finish(exchange, exchange->error ? exchange->error : error ? error : -EPIPE);
    }
    sp_http_server_leave(server);
}

struct sunpath_stream *sp_http_connection_detach(struct sp_http_connection *connection) {
    struct sunpath_http_server *server = connection->server;
    struct sunpath_stream *stream = connection->stream;

    sp_http_server_enter(server);
    bury(connection);
    finish_sent(connection, UINT64_MAX, 0);
    sp_http_exchange_land(connection->exchange);
    finish(connection->exchange, 0);
    sp_http_server_leave(server);
    return stream;
}

/*
 * A Unix socket closed with unread input resets the client, which may not have read the answer yet.
 * So unless the client has nothing more to say, end of file goes first and its input is drained.
 */
void sp_http_connection_end(struct sp_http_connection *connection, bool linger) {
    size_t n_input = 0;

    if (connection->closing != SP_HTTP_OPEN || connection->is_dead) {
        return;
    }
    sp_stream_input(connection->stream, &n_input);
    sunpath_stream_consume(connection->stream, n_input);
    if (connection->is_held) {
        connection->is_held = false;
        sunpath_stream_resume(connection->stream);
    }
    connection->since_ns = sp_loop_now(connection->server->loop);
    if (linger && !connection->is_input_ended) {
        connection->closing = SP_HTTP_LINGERING;
        sunpath_stream_end(connection->stream);
        if (connection->finishing) { /* on_drain does not fire any more */
            sp_task_post(&connection->task, connection->server->loop);
        }
        return;
    }
    connection->closing = SP_HTTP_FLUSHING;
    if (sp_stream_n_queued(connection->stream) == 0) {
        sp_http_connection_poke(connection);
    }
}

/*
 * Shutting the reading side down is exact where closing is not: what the client has sent before is
 * still read and answered, what it sends later fails at once on its side and was never ours.
 */
void sp_http_connection_let_go(struct sp_http_connection *connection) {
    uint64_t now = sp_loop_now(connection->server->loop);
    uint64_t grace_ends = connection->since_ns + SP_HTTP_GRACE_MS * SP_NS_PER_MS;

    if (connection->is_dead || connection->exchange || connection->closing != SP_HTTP_OPEN ||
        connection->n_seen > 0 || connection->is_input_ended) {
        return;
    }
    if (connection->server->is_draining && now < grace_ends) {
        sp_http_connection_arm(connection);
        return;
    }
    (void)shutdown(sunpath_stream_fd(connection->stream), SHUT_RD);
}

/* ---- the stream's events --------------------------------------------------------------------- */

static void discard(struct sp_http_connection *connection) {
    size_t size;

    sp_stream_input(connection->stream, &size);
    sunpath_stream_consume(connection->stream, size);
    connection->n_lingered += size;
    if (connection->n_lingered > SP_HTTP_LINGER_BYTES) {
        sp_http_connection_kill(connection, 0);
    }
}

void sp_http_connection_finish_sent(struct sp_http_connection *connection) {
    if (connection->finishing && !connection->is_dead) {
        finish_sent(connection, n_sent(connection), 0);
    }
}

static void on_data(struct sunpath_stream *stream, void *user) {
    struct sp_http_connection *connection = user;
    struct sunpath_http_server *server = connection->server;

    (void)stream;
    sp_http_server_enter(server);
    if (connection->closing != SP_HTTP_OPEN) {
        discard(connection);
    } else {
        sp_http_connection_pump(connection);
    }
    sp_http_server_leave(server);
}

static void on_end(struct sunpath_stream *stream, void *user) {
    struct sp_http_connection *connection = user;
    struct sunpath_http_server *server = connection->server;

    (void)stream;
    sp_http_server_enter(server);
    connection->is_input_ended = true;
    if (connection->closing == SP_HTTP_OPEN) {
        sp_http_connection_pump(connection);
    } else {
        sunpath_stream_end(connection->stream);
    }
    sp_http_server_leave(server);
}

/* Is there nothing that output leaving could let go on? */
static bool is_idle(const struct sp_http_connection *connection) {
    return connection->closing == SP_HTTP_OPEN && !connection->exchange && !connection->finishing &&
           !connection->is_held;
}

/* Output left: finish what is sent, then go on with what waited for room. */
static void on_drain(struct sunpath_stream *stream, void *user) {
    struct sp_http_connection *connection = user;
    struct sunpath_http_server *server = connection->server;
    struct sunpath_http_exchange *exchange = connection->exchange;

    (void)stream;
    if (connection->closing != SP_HTTP_OPEN || (!exchange && connection->n_seen == 0)) {
        connection->since_ns = sp_loop_now(server->loop); /* lingering begins, or being idle */
    }
    if (is_idle(connection)) {
        sp_http_connection_arm(connection); /* no longer for the client to read */
        return;
    }
    sp_http_server_enter(server);
    sp_http_connection_finish_sent(connection);
    if (!connection->is_dead && exchange && exchange->file_fd >= 0) {
        sp_http_exchange_pump_file(exchange);
    } else if (!connection->is_dead && exchange && exchange->wants_drain && !exchange->is_ended) {
        exchange->wants_drain = false;
        sp_http_exchange_call_drain(exchange);
    }
    if (!connection->is_dead) {
        sp_http_connection_pump(connection);
    }
    sp_http_server_leave(server);
}

static void on_close(struct sunpath_stream *stream, int error, void *user) {
    struct sp_http_connection *connection = user;

    (void)stream;
    sp_http_connection_kill(connection, error);
}

static const struct sunpath_stream_events stream_events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* ---- the beginning --------------------------------------------------------------------------- */

static struct sunpath_stream_options stream_options(const struct sunpath_http_server *server) {
    struct sunpath_stream_options options = SUNPATH_OPTIONS(struct sunpath_stream_options);

    /* Input is consumed as it comes but for a head, and held back when it cannot be. */
    options.max_input = server->limits.max_head + 1024 * 1024;
    options.max_output = SIZE_MAX / 2; /* sunpath_http_write() keeps `max_output` */
    options.high_mark = SP_HTTP_HIGH_MARK;
    options.low_mark = SP_HTTP_LOW_MARK;
    return options;
}

static void on_task(struct sp_task *task) {
    struct sp_http_connection *connection = sp_container_of(task, struct sp_http_connection, task);
    struct sunpath_http_server *server = connection->server;

    sp_http_server_enter(server);
    sp_http_connection_pump(connection);
    sp_http_server_leave(server);
}

/* Tells a client that is one too many, as far as its socket takes it at once, and lets go of it. */
static void turn_away(struct sp_http_connection *connection, const char *why) {
    struct sunpath_http_server *server = connection->server;
    char text[256];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
                     "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n",
                     strlen(why) + 1, why);

    (void)send(sunpath_stream_fd(connection->stream), text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    server->stats.n_dropped++;
    sp_http_server_tell_drop(server, sp_http_connection_peer(connection), why);
}

/* 0, or an error after the client was told: there are enough. */
static int admit(struct sp_http_connection *connection) {
    const struct sunpath_http_server_options *options = &connection->server->options;
    int r;

    if (options->drops_excess && options->max_connections > 0 &&
        connection->server->n_connections >= options->max_connections) {
        turn_away(connection, "too many connections");
        return -EUSERS;
    }
    r = sp_http_uid_limits_enter(connection);
    if (r == -EUSERS) {
        turn_away(connection, "too many connections of this user");
    }
    return r;
}

static int open_stream(struct sp_http_connection *connection, int fd) {
    struct sunpath_stream_options options = stream_options(connection->server);
    int r;

    r = sp_stream_open_socket(&connection->stream, connection->server->loop, fd, &stream_events,
                              connection, &options, NULL);
    if (r < 0) {
        sp_close(fd);
        return r;
    }
    r = admit(connection);
    if (r < 0) {
        sunpath_stream_close(connection->stream);
    }
    return r;
}

int sp_http_connection_open(struct sunpath_http_server *server, int fd) {
    struct sp_http_connection *connection = calloc(1, sizeof(*connection));
    int r;

    if (!connection) {
        sp_close(fd);
        return -ENOMEM;
    }
    connection->server = server;
    server->stats.n_accepted++;
    r = open_stream(connection, fd);
    if (r < 0) {
        free(connection);
        return r;
    }
    connection->since_ns = sp_loop_now(server->loop);
    sp_timer_init(&connection->timer, sp_http_connection_on_due);
    sp_task_init(&connection->task, on_task);
    sp_list_init(&connection->node);
    sp_list_append(&server->connections, &connection->node);
    server->n_connections++;
    sp_http_connection_arm(connection);
    return 0;
}
