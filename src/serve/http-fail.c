/* SPDX-License-Identifier: MIT */
/* http-fail.c - error answers: the handler's if it has one, else a plain sentence. */

#include "serve/http-server.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static void ask(struct sunpath_http_exchange *exchange, const struct sunpath_http_handler *handler,
                void *user, int status, const char *why) {
    if (handler->on_error && !exchange->is_started) {
        handler->on_error(exchange, status, why, user);
    }
}

/* "why" and a line feed. */
static int answer_plainly(struct sunpath_http_exchange *exchange, int status, const char *why) {
    size_t size = strlen(why);
    char *text = sp_arena_alloc(&exchange->arena, size + 1);

    if (!text) {
        return -ENOMEM;
    }
    memcpy(text, why, size);
    text[size] = '\n';
    return sunpath_http_respond(exchange, status, "text/plain; charset=utf-8", text, size + 1);
}

/*
 * What would have been sent may be described already, and is not what is sent. What the status has
 * to say in such a header (416: Content-Range) stays.
 */
static void forget_description(struct sunpath_http_exchange *exchange, int status) {
    static const char *const names[] = {
        "Content-Type", "Content-Encoding", "Content-Language", "Content-Location",
        "ETag",         "Last-Modified"};

    for (size_t i = 0; i < SP_ARRAY_SIZE(names); i++) {
        sp_http_exchange_drop_field(exchange, names[i]);
    }
    if (status != 416) {
        sp_http_exchange_drop_field(exchange, "Content-Range");
    }
}

int sp_http_exchange_fail(struct sunpath_http_exchange *exchange, int status, const char *why) {
    struct sunpath_http_server *server = exchange->connection->server;

    if (!why || !*why) {
        why = sp_http_reason(status);
    }
    why = sp_arena_copy(&exchange->arena, why, strlen(why));
    if (!why) {
        return -ENOMEM;
    }
    exchange->why = why;
    forget_description(exchange, status);
    if (!exchange->is_failing && exchange->is_announced) {
        exchange->is_failing = true; /* who fails inside on_error gets the plain answer */
        ask(exchange, exchange->handler, exchange->handler_user, status, why);
        if (exchange->handler != server->handler) {
            ask(exchange, server->handler, server->user, status, why);
        }
        exchange->is_failing = false;
    }
    return exchange->is_started ? 0 : answer_plainly(exchange, status, why);
}

/* What a client may hear of it; what is our own trouble is none of its business. */
static int status_of(int code) {
    switch (code) {
    case -EBADMSG:
        return 400;
    case -EMSGSIZE:
        return 413;
    case -EMEDIUMTYPE:
        return 415;
    case -EOPNOTSUPP:
        return 501;
    case -ENOMEM:
        return 503;
    case -ENOSPC:
    case -EDQUOT:
        return 507;
    default:
        return 500;
    }
}

int sunpath_http_fail_error(struct sunpath_http_exchange *exchange,
                            const struct sunpath_error *error) {
    int status = status_of(error->code);

    return sunpath_http_fail(exchange, status, status < 500 ? error->text : NULL);
}

int sunpath_http_fail(struct sunpath_http_exchange *exchange, int status, const char *why) {
    struct sunpath_http_server *server = exchange->connection->server;
    int r;

    if (exchange->is_started) {
        return sp_http_exchange_fault(exchange, -EALREADY,
                                      "it failed what it had answered already");
    }
    if (status < 400 || status > 599) {
        return -EINVAL;
    }
    sp_http_server_enter(server);
    r = sp_http_exchange_fail(exchange, status, why);
    sp_http_server_leave(server);
    return r;
}

int sunpath_http_abort(struct sunpath_http_exchange *exchange) {
    if (exchange->is_ended) {
        return -EALREADY;
    }
    sp_http_exchange_cut(exchange, -EIO);
    return 0;
}

/* The answer of the server itself: not the handler's, if there is one. */
void sp_http_connection_refuse(struct sp_http_connection *connection, int status, const char *why) {
    struct sunpath_http_exchange *exchange = connection->exchange, *own = exchange;

    connection->server->stats.n_refused++;
    if (exchange && exchange->is_started) {
        exchange->why = why;
        sp_http_exchange_cut(exchange, exchange->error);
        sp_http_connection_pump(connection);
        return;
    }
    if (!own) {
        own = sp_http_exchange_take(connection->server);
    }
    if (!own) {
        sp_http_connection_kill(connection, -ENOMEM);
        return;
    }
    if (!exchange) {
        own->head = (struct sp_http_head){.fields = own->room}; /* as of the request before */
        own->is_head_request = false;
        own->is_kept = true; /* nothing of it */
        own->connection = connection;
        own->began_ns = connection->since_ns;
        own->begin_at = connection->n_written;
    }
    own->keep_alive = false;
    (void)sp_http_exchange_fail(own, status, why);
    if (connection->is_dead) {
        return; /* by on_error; and `own` was told */
    }
    own->is_started = own->is_ended = own->is_cut = true;
    own->error = own->error ? own->error : -EBADMSG;
    if (exchange) {
        sp_http_exchange_keep_head(exchange);
        sp_http_connection_retire(connection, exchange);
    } else {
        own->end_at = connection->n_written;
        if (sp_http_is_observed(own)) {
            sp_http_exchange_record(own, own->error);
        }
        sp_http_exchange_give(connection->server, own);
    }
    sp_http_connection_end(connection, true);
}
