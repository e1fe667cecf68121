/* SPDX-License-Identifier: MIT */
/* http-table.h - exchanges by the numbers that JavaScript knows them by. */

#ifndef SN_HTTP_TABLE_H
#define SN_HTTP_TABLE_H

#include "http.h"

#define SN_HTTP_N_TEXT (64 * 1024) /* of a string that is copied without asking for its length */

struct sn_http_slot {
    struct sunpath_http_exchange *exchange; /* NULL: free */
    struct sn_http_server *server;
    uint32_t use;  /* how often it was taken, 11 bits */
    uint32_t next; /* free: the next free one */
    bool is_done;  /* answered: JavaScript has let go of it */
};

struct sn_http_table {
    struct sn_http_slot *slots;
    uint32_t n_slots, n_made;
    uint32_t free;
    char text[SN_HTTP_N_TEXT]; /* for strings on their way */
};

/* NULL: there are too many. Pointers to slots hold until the next is taken. */
struct sn_http_slot *sn_http_take_slot(struct sn_http_server *server,
                                       struct sunpath_http_exchange *exchange);
void sn_http_free_slot(struct sn_http_table *table, struct sn_http_slot *slot);

/* NULL: it has none. */
struct sn_http_slot *sn_http_slot_of(struct sn_env *own, struct sunpath_http_exchange *exchange);

uint32_t sn_http_number_of(const struct sn_http_table *table, const struct sn_http_slot *slot);

/* The slot of a number, or NULL when its exchange is over. */
struct sn_http_slot *sn_http_find_slot(struct sn_env *own, uint32_t number);

#endif
