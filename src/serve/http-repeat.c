/* SPDX-License-Identifier: MIT */
/* http-repeat.c - heads that come again need not be parsed again. */

#include "serve/http-server.h"

#include <string.h>

#include "base/cleanup.h"

/*
 * What a head means is decided by its bytes alone, and most clients of a service send the same head
 * over and over. So what comes behind a head in the same input is compared with it, and what begins
 * an input with a head that came that way before: on the same connection, as long as few others
 * share its place.
 */

/* They are counted when the first is parsed: later accessors have written NULs into it. */
size_t sp_http_count_repeats(const char *input, size_t n_head, size_t size) {
    size_t n = size < 2 * n_head ? 0 : size / n_head - 1;

    if (memcmp(input, input + n_head, n * n_head) == 0) {
        return n;
    }
    for (n = 0; memcmp(input, input + (n + 1) * n_head, n_head) == 0; n++) {
    }
    return n;
}

static struct sp_http_memory *memory_of(const struct sp_http_connection *connection) {
    return &connection->server->memories[((uintptr_t)connection >> 6) % SP_HTTP_MEMORIES];
}

struct sunpath_http_exchange *sp_http_recall(struct sp_http_connection *connection,
                                             const char *input, size_t size) {
    const struct sunpath_http_exchange *known = memory_of(connection)->exchange;

    if (!known || size < known->n_head ||
        memcmp(input, sp_buffer_bytes(&known->kept), known->n_head) != 0) {
        return NULL;
    }
    return sp_http_exchange_take_like(connection->server, known);
}

static void remember(struct sunpath_http_server *server, struct sunpath_http_exchange *known,
                     struct sunpath_http_exchange *exchange, const char *input) {
    known->kept.begin = known->kept.end = 0;
    if (sp_buffer_append(&known->kept, input, exchange->n_head, SP_HTTP_MAX_MEMORY) < 0) {
        known->n_head = SIZE_MAX; /* out of memory: no head is that long */
        return;
    }
    exchange->memory = ++server->n_memories;
    sp_http_exchange_copy_head(known, exchange);
}

/* What most likely is another for another head: its length, and the end of its target. */
static uint64_t print_of(const struct sunpath_http_exchange *exchange, const char *input) {
    size_t end = exchange->head.target.at + exchange->head.target.size;
    uint64_t word;

    memcpy(&word, input + (end < 8 ? 0 : end - 8), 8);
    return (word ^ exchange->n_head) * 0x9e3779b97f4a7c15;
}

/* Only what seems to come for the second time, so that heads which all differ cost next to nothing.
 */
void sp_http_remember(struct sp_http_connection *connection, struct sunpath_http_exchange *exchange,
                      const char *input) {
    struct sunpath_http_server *server = connection->server;
    struct sp_http_memory *memory = memory_of(connection);
    uint64_t print = print_of(exchange, input);
    bool is_new = print != memory->print;

    memory->print = print;
    exchange->memory = 0;
    if (is_new || exchange->n_head > SP_HTTP_MAX_MEMORY) {
        return;
    }
    if (!memory->exchange) {
        memory->exchange = sp_http_exchange_take(server);
    }
    if (memory->exchange) {
        remember(server, memory->exchange, exchange, input);
    }
}

void sp_http_exchange_set_way(struct sunpath_http_exchange *exchange,
                              const struct sp_http_way *way) {
    struct sunpath_http_exchange *known = memory_of(exchange->connection)->exchange;

    exchange->way = way;
    if (known && exchange->memory > 0 && known->memory == exchange->memory) {
        known->way = way;
    }
}

void sp_http_forget_all(struct sunpath_http_server *server) {
    for (size_t i = 0; i < SP_HTTP_MEMORIES; i++) {
        if (server->memories[i].exchange) {
            sp_http_exchange_give(server, server->memories[i].exchange);
        }
        server->memories[i] = (struct sp_http_memory){0};
    }
}
