/* SPDX-License-Identifier: MIT */
/* http-hook.c - what lives with an exchange beside its handler. */

#include "serve/http-server.h"

void sp_http_exchange_add_hook(struct sunpath_http_exchange *exchange, struct sp_http_hook *hook) {
    hook->next = exchange->hooks;
    exchange->hooks = hook;
}

void sp_http_exchange_remove_hook(struct sunpath_http_exchange *exchange,
                                  struct sp_http_hook *hook) {
    struct sp_http_hook **at = &exchange->hooks;

    while (*at && *at != hook) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = hook->next;
    }
}

int sp_http_exchange_call_start(struct sunpath_http_exchange *exchange) {
    int r = 0;

    for (struct sp_http_hook *hook = exchange->hooks; hook && r >= 0; hook = hook->next) {
        r = hook->on_start ? hook->on_start(hook, exchange) : 0;
    }
    return r < 0 ? r : 0;
}

void sp_http_exchange_call_drain(struct sunpath_http_exchange *exchange) {
    const struct sunpath_http_handler *handler = exchange->handler;
    struct sp_http_hook *hook, *next;

    for (hook = exchange->hooks; hook; hook = next) {
        next = hook->next;
        if (hook->on_drain) {
            hook->on_drain(hook, exchange);
        }
        if (exchange->connection->is_dead) {
            return;
        }
    }
    if (handler->on_drain) {
        handler->on_drain(exchange, exchange->handler_user);
    }
}

void sp_http_exchange_call_finish(struct sunpath_http_exchange *exchange, int error) {
    while (exchange->hooks) {
        struct sp_http_hook *hook = exchange->hooks;

        exchange->hooks = hook->next;
        if (hook->on_finish) {
            hook->on_finish(hook, error);
        }
    }
}

void sp_http_exchange_call_leave(struct sunpath_http_exchange *exchange) {
    struct sp_http_hook *hook, *next;

    for (hook = exchange->hooks; hook; hook = next) {
        next = hook->next;
        if (hook->on_leave) {
            hook->on_leave(hook);
        }
    }
}
