/* SPDX-License-Identifier: MIT */
/* http-pool.c - exchanges, with their memory, from one request to the next. */

#include "serve/http-server.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/fd.h"

#define KEPT 16384 /* bytes of a buffer kept for the next request */

/* What is all zero in the pool. */
#define REST                                        \
    (offsetof(struct sunpath_http_exchange, room) - \
     offsetof(struct sunpath_http_exchange, connection))

static void clear_buffer(struct sp_buffer *buffer) {
    if (sp_unlikely(buffer->capacity > KEPT)) {
        sp_buffer_deinit(buffer);
        return;
    }
    buffer->begin = buffer->end = 0;
}

/* Of the compiler's own ways, "rep stos" and memset(3), both take longer to begin than this does.
 */
static inline void zero_rest(struct sunpath_http_exchange *exchange) {
    typedef uint64_t __attribute__((vector_size(16), may_alias)) two_words;
    two_words *at = (two_words *)(void *)&exchange->connection;

#pragma GCC unroll 16
    for (size_t i = 0; i < REST / sizeof(*at); i++) {
        at[i] = (two_words){0};
        __asm__("" : : : "memory"); /* else it would take the loop for a memset(3) */
    }
}

static void deinit(struct sunpath_http_exchange *exchange) {
    sp_buffer_deinit(&exchange->kept);
    sp_buffer_deinit(&exchange->collected);
    sp_buffer_deinit(&exchange->trailers);
    sp_buffer_deinit(&exchange->fields);
    sp_arena_deinit(&exchange->arena);
    free(exchange);
}

/* Does it hold anything but itself? Most requests are answered without. */
static inline bool holds_anything(const struct sunpath_http_exchange *exchange) {
    return (exchange->kept.capacity | exchange->collected.capacity | exchange->trailers.capacity |
            exchange->fields.capacity | (uintptr_t)exchange->arena.blocks |
            (uintptr_t)exchange->encoder | (uintptr_t)exchange->decoder |
            (uintptr_t)exchange->remains.data) != 0 ||
           exchange->file_fd >= 0;
}

static sp_noinline void release(struct sunpath_http_server *server,
                                struct sunpath_http_exchange *exchange) {
    if (exchange->file_fd >= 0) {
        sp_close(exchange->file_fd);
    }
    if (exchange->encoder) {
        sp_http_exchange_drop_encoder(server, exchange);
    }
    if (exchange->decoder) {
        sp_http_exchange_drop_decoder(exchange);
    }
    if (exchange->remains.data) {
        sp_buffer_deinit(&exchange->remains);
    }
    clear_buffer(&exchange->kept);
    clear_buffer(&exchange->collected);
    clear_buffer(&exchange->trailers);
    clear_buffer(&exchange->fields);
    sp_arena_reset(&exchange->arena);
}

/* Nothing of the last request is left but what is written before it is read. */
static inline void clear(struct sunpath_http_server *server,
                         struct sunpath_http_exchange *exchange) {
    if (holds_anything(exchange)) {
        release(server, exchange);
    }
    zero_rest(exchange);
}

static inline void prepare(const struct sunpath_http_server *server,
                           struct sunpath_http_exchange *exchange) {
    exchange->handler = server->handler;
    exchange->handler_user = server->user;
    exchange->left = -1;
    exchange->file_fd = -1;
}

/* malloc(3) aligns to 8 bytes only where a pointer has 4. */
static struct sunpath_http_exchange *make(size_t n_fields) {
    size_t align = _Alignof(struct sunpath_http_exchange);
    size_t size = sizeof(struct sunpath_http_exchange) + n_fields * sizeof(struct sp_http_field);
    struct sunpath_http_exchange *exchange;

    size = (size + align - 1) / align * align;
    exchange = aligned_alloc(align, size);
    if (exchange) {
        memset(exchange, 0, size);
    }
    return exchange;
}

struct sunpath_http_exchange *sp_http_exchange_take(struct sunpath_http_server *server) {
    struct sunpath_http_exchange *exchange = server->pool;
    size_t n_fields = server->limits.max_fields;

    if (exchange) {
        server->pool = exchange->next;
        server->n_pool--;
    } else {
        exchange = make(n_fields);
        if (!exchange) {
            return NULL;
        }
    }
    exchange->head.fields = exchange->room;
    prepare(server, exchange);
    return exchange;
}

void sp_http_exchange_copy_head(struct sunpath_http_exchange *to,
                                const struct sunpath_http_exchange *from) {
    to->head = from->head;
    to->head.fields = to->room;
    memcpy(to->room, from->room, from->head.n_fields * sizeof(from->room[0]));
    to->n_head = from->n_head;
    to->is_head_request = from->is_head_request;
    to->may_follow = from->may_follow;
    to->way = from->way;
    to->memory = from->memory;
}

struct sunpath_http_exchange *sp_http_exchange_take_like(
    struct sunpath_http_server *server, const struct sunpath_http_exchange *model) {
    struct sunpath_http_exchange *exchange = sp_http_exchange_take(server);

    if (exchange) {
        sp_http_exchange_copy_head(exchange, model);
    }
    return exchange;
}

void sp_http_exchange_renew(struct sunpath_http_server *server,
                            struct sunpath_http_exchange *exchange) {
    clear(server, exchange);
    prepare(server, exchange);
}

void sp_http_exchange_give(struct sunpath_http_server *server,
                           struct sunpath_http_exchange *exchange) {
    clear(server, exchange);
    if (server->n_pool >= SP_HTTP_POOL) {
        deinit(exchange);
        return;
    }
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
