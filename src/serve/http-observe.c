/* SPDX-License-Identifier: MIT */
/* http-observe.c - what logs and metrics are told. */

#include "serve/http-server.h"

#include <errno.h>

#include "os/clock.h"

int sunpath_http_server_observe(struct sunpath_http_server *server,
                                const struct sunpath_http_observer *observer, void *user) {
    if (!server || !observer) {
        return -EINVAL;
    }
    if (server->n_observers == SP_HTTP_MAX_OBSERVERS) {
        return -ENOBUFS;
    }
    server->observers[server->n_observers].observer = observer;
    server->observers[server->n_observers++].user = user;
    return 0;
}

void sp_http_exchange_tell_begin(struct sunpath_http_exchange *exchange) {
    struct sunpath_http_server *server = exchange->connection->server;

    for (size_t i = 0; i < server->n_observers; i++) {
        const struct sunpath_http_observer *observer = server->observers[i].observer;

        if (observer->on_begin) {
            observer->on_begin(exchange, server->observers[i].user);
        }
    }
}

/* The head's last byte is counted from the loop's time, the answer's from the real one. */
static void fill_times(struct sunpath_http_record *record, struct sunpath_http_exchange *exchange) {
    uint64_t ended_ns = exchange->ended_ns ? exchange->ended_ns : sp_now_ns();
    uint64_t began_ns = exchange->began_ns;

    record->duration_ns = ended_ns > began_ns ? ended_ns - began_ns : 0;
    record->time_ns = sp_wall_ns() - (int64_t)(sp_now_ns() - began_ns);
}

void sp_http_exchange_record(struct sunpath_http_exchange *exchange, int error) {
    struct sunpath_http_server *server = exchange->connection->server;
    struct sunpath_http_record record = {
        .status = exchange->status,
        .error = error,
        .why = exchange->why,
        .route = exchange->route,
        .n_received = exchange->n_body,
        .n_sent = exchange->end_at - exchange->begin_at,
        .n_body_sent = exchange->n_body_sent,
    };

    fill_times(&record, exchange);
    for (size_t i = 0; i < server->n_observers; i++) {
        const struct sunpath_http_observer *observer = server->observers[i].observer;

        if (observer->on_record) {
            observer->on_record(exchange, &record, server->observers[i].user);
        }
    }
}

int sp_http_exchange_fault(struct sunpath_http_exchange *exchange, int code, const char *what) {
    struct sunpath_http_server *server = exchange->connection->server;

    for (size_t i = 0; i < server->n_observers; i++) {
        const struct sunpath_http_observer *observer = server->observers[i].observer;

        if (observer->on_fault) {
            observer->on_fault(exchange, what, server->observers[i].user);
        }
    }
    return code;
}

void sp_http_server_tell_drop(struct sunpath_http_server *server, const struct sunpath_peer *peer,
                              const char *why) {
    for (size_t i = 0; i < server->n_observers; i++) {
        const struct sunpath_http_observer *observer = server->observers[i].observer;

        if (observer->on_drop) {
            observer->on_drop(server, peer, why, server->observers[i].user);
        }
    }
}
