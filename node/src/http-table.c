/* SPDX-License-Identifier: MIT */
/* http-table.c - exchanges by the numbers that JavaScript knows them by. */

#include "http-table.h"

#include <stdlib.h>

#define INDEX_BITS 20 /* of a number; 11 more tell a slot's uses apart */
#define N_MAX      (1 << INDEX_BITS)
#define NO_SLOT    UINT32_MAX

void sn_http_table_free(struct sn_http_table *table) {
    if (table) {
        free(table->slots);
        free(table);
    }
}

static bool grow(struct sn_http_table *table) {
    uint32_t n = table->n_slots ? 2 * table->n_slots : 64;
    struct sn_http_slot *slots;

    if (table->n_made < table->n_slots) {
        return true;
    }
    if (n > N_MAX) {
        return false;
    }
    slots = realloc(table->slots, n * sizeof(*slots));
    if (!slots) {
        return false;
    }
    table->slots = slots;
    table->n_slots = n;
    return true;
}

static struct sn_http_table *table_of(struct sn_env *own) {
    if (!own->http) {
        own->http = malloc(sizeof(*own->http));
        if (own->http) {
            *own->http = (struct sn_http_table){.free = NO_SLOT};
        }
    }
    return own->http;
}

struct sn_http_slot *sn_http_take_slot(struct sn_http_server *server,
                                       struct sunpath_http_exchange *exchange) {
    struct sn_http_table *table = table_of(server->object.own);
    struct sn_http_slot *slot;

    if (!table || (table->free == NO_SLOT && !grow(table))) {
        return NULL;
    }
    if (table->free != NO_SLOT) {
        slot = &table->slots[table->free];
        table->free = slot->next;
    } else {
        slot = &table->slots[table->n_made++];
        slot->use = 0;
    }
    slot->exchange = exchange;
    slot->server = server;
    slot->is_done = false;
    sunpath_http_set_user(exchange, (void *)(uintptr_t)(slot - table->slots + 1));
    return slot;
}

void sn_http_free_slot(struct sn_http_table *table, struct sn_http_slot *slot) {
    slot->exchange = NULL;
    slot->use = (slot->use + 1) & ((1U << (31 - INDEX_BITS)) - 1);
    slot->next = table->free;
    table->free = (uint32_t)(slot - table->slots);
}

struct sn_http_slot *sn_http_slot_of(struct sn_env *own, struct sunpath_http_exchange *exchange) {
    uintptr_t index = (uintptr_t)sunpath_http_user(exchange);

    return index ? &own->http->slots[index - 1] : NULL;
}

uint32_t sn_http_number_of(const struct sn_http_table *table, const struct sn_http_slot *slot) {
    return slot->use << INDEX_BITS | (uint32_t)(slot - table->slots);
}

struct sn_http_slot *sn_http_find_slot(struct sn_env *own, uint32_t number) {
    struct sn_http_table *table = own->http;
    uint32_t index = number & (N_MAX - 1);
    struct sn_http_slot *slot;

    if (!table || index >= table->n_made) {
        return NULL;
    }
    slot = &table->slots[index];
    return slot->exchange && slot->use == number >> INDEX_BITS ? slot : NULL;
}
