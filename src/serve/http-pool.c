/* SPDX-License-Identifier: MIT */
/* http-pool.c - exchanges, with their memory, from one request to the next. */

#include "serve/http-server.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/fd.h"

#define KEPT 16384 /* bytes of a buffer kept for the next request */

static void clear(struct sp_buffer *buffer) {
    if (sp_unlikely(buffer->capacity > KEPT)) {
        sp_buffer_deinit(buffer);
        return;
    }
    buffer->begin = buffer->end = 0;
}

/* Most requests are answered without any of them. */
static void clear_buffers(struct sunpath_http_exchange *exchange) {
    if ((exchange->kept.capacity | exchange->collected.capacity | exchange->trailers.capacity |
         exchange->fields.capacity) == 0) {
        return;
    }
    clear(&exchange->kept);
    clear(&exchange->collected);
    clear(&exchange->trailers);
    clear(&exchange->fields);
}

/*
 * The compiler would do so little with "rep stos", which takes longer to begin than memset(3) takes
 * for all of it: so it is not told how little it is.
 */
static void zero(void *at, size_t size) {
    __asm__("" : "+r"(size));
    memset(at, 0, size);
}

static void deinit(struct sunpath_http_exchange *exchange) {
    sp_buffer_deinit(&exchange->kept);
    sp_buffer_deinit(&exchange->collected);
    sp_buffer_deinit(&exchange->trailers);
    sp_buffer_deinit(&exchange->fields);
    sp_arena_deinit(&exchange->arena);
    free(exchange);
}

struct sunpath_http_exchange *sp_http_exchange_take(struct sunpath_http_server *server) {
    struct sunpath_http_exchange *exchange = server->pool;
    size_t n_fields = server->limits.max_fields;

    if (exchange) {
        server->pool = exchange->next;
        server->n_pool--;
    } else {
        exchange = calloc(1, sizeof(*exchange) + n_fields * sizeof(exchange->room[0]));
        if (!exchange) {
            return NULL;
        }
    }
    exchange->head.fields = exchange->room;
    exchange->handler = server->handler;
    exchange->handler_user = server->user;
    exchange->left = -1;
    exchange->file_fd = -1;
    return exchange;
}

void sp_http_exchange_give(struct sunpath_http_server *server,
                           struct sunpath_http_exchange *exchange) {
    if (sp_unlikely(exchange->file_fd >= 0)) {
        sp_close(exchange->file_fd);
    }
    if (sp_unlikely(exchange->encoder)) {
        sp_http_exchange_drop_encoder(server, exchange);
    }
    if (sp_unlikely(exchange->decoder)) {
        sp_http_exchange_drop_decoder(exchange);
    }
    if (sp_unlikely(exchange->remains.data)) {
        sp_buffer_deinit(&exchange->remains);
    }
    if (server->n_pool >= SP_HTTP_POOL) {
        deinit(exchange);
        return;
    }
    clear_buffers(exchange);
    sp_arena_reset(&exchange->arena);
    zero(&exchange->connection, offsetof(struct sunpath_http_exchange, room) -
                                    offsetof(struct sunpath_http_exchange, connection));
    exchange->next = server->pool;
    server->pool = exchange;
    server->n_pool++;
}

void sp_http_pool_deinit(struct sunpath_http_server *server) {
    while (server->pool) {
        struct sunpath_http_exchange *exchange = server->pool;

        server->pool = exchange->next;
        deinit(exchange);
    }
    server->n_pool = 0;
}
