/* SPDX-License-Identifier: MIT */
/* router-error.c - error stages, and what an error looks like when none answers. */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "web/router.h"

/* {"status":404,"error":"Not Found"} */
static void answer_in_json(struct sunpath_http_exchange *exchange, int status, const char *why) {
    static const char format[] = "{\"status\":%d,\"error\":";
    size_t size = strlen(why);
    char *text = sp_arena_alloc(&exchange->arena, sizeof(format) + 16 + SP_JSON_TEXT_ROOM(size));
    char *at = text;

    if (text) {
        at += sprintf(text, format, status);
        at = sp_put_json_text(at, why, size);
        *at++ = '}';
        *at++ = '\n';
        (void)sunpath_http_respond(exchange, status, "application/json", text, (size_t)(at - text));
    }
}

/* Text is the server's own answer. */
static void answer(struct sunpath_http_exchange *exchange, int status, const char *why) {
    static const char json[] = "application/json";

    (void)sunpath_http_add_header(exchange, "Vary", "Accept");
    if (sunpath_http_accepts(exchange, "text/plain", json, NULL) == json) {
        answer_in_json(exchange, status, why);
    }
}

void sp_router_on_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                        void *user) {
    const struct sunpath_router *router = user;
    const struct sp_http_connection *connection = exchange->connection;
    const struct sp_routing *routing = exchange->routing;
    const struct sp_scope *scope = routing ? routing->scope : router->scope;

    for (; scope; scope = scope->parent) {
        if (scope->router->on_error) {
            scope->router->on_error(exchange, status, why, scope->router->error_user);
        }
        if (connection->is_dead || exchange->is_started) {
            return;
        }
    }
    answer(exchange, status, why);
}
