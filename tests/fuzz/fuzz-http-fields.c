/* SPDX-License-Identifier: MIT */
/* fuzz-http-fields.c - any bytes as fields: the fast way finds what the plain one finds. */

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http1-parts.h"

#define MAX_FIELDS 16

typedef int read_fn(struct sp_http_head *head, struct sp_http_facts *facts, size_t max_fields,
                    struct sp_http_cursor *cursor);

struct result {
    int r;
    const char *why;
    const char *at;
    size_t n_fields;
    struct sp_http_field fields[MAX_FIELDS];
    struct sp_http_facts facts;
};

static void run(struct result *ret, read_fn *read, const char *data, size_t size) {
    struct sp_http_cursor cursor = {data, data, data + size};
    struct sp_http_head head = {.fields = ret->fields};

    memset(ret, 0, sizeof(*ret));
    ret->r = read(&head, &ret->facts, MAX_FIELDS, &cursor);
    ret->why = head.why;
    ret->at = cursor.at;
    ret->n_fields = head.n_fields;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct result fast, plain;
    char *copy = malloc(size ? size : 1); /* of exactly that size */

    sp_assert(copy);
    memcpy(copy, data, size);
    run(&fast, sp_http_read_fields, copy, size);
    run(&plain, sp_http_read_fields_plainly, copy, size);
    sp_assert(fast.r == plain.r && fast.at == plain.at && fast.n_fields == plain.n_fields);
    sp_assert(!fast.why == !plain.why && (!fast.why || strcmp(fast.why, plain.why) == 0));
    sp_assert(memcmp(fast.fields, plain.fields, fast.n_fields * sizeof(fast.fields[0])) == 0);
    sp_assert(memcmp(&fast.facts, &plain.facts, sizeof(fast.facts)) == 0);
    free(copy);
    return 0;
}
