/* SPDX-License-Identifier: MIT */
/* http-invariants.h - what must hold for any head, shared by the HTTP fuzz targets. */

#ifndef TESTS_HTTP_INVARIANTS_H
#define TESTS_HTTP_INVARIANTS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http1.h"

#define MAX_FIELDS 16
#define MAX_HEAD   4096

static const struct sp_http_limits limits = {.max_head = MAX_HEAD, .max_fields = MAX_FIELDS};

/* A head with the room its fields need. */
struct parsed {
    struct sp_http_head head;
    struct sp_http_field fields[MAX_FIELDS];
    ssize_t result;
};

typedef ssize_t parse_fn(struct sp_http_head *head, const char *data, size_t size, size_t n_seen);

/* In memory of exactly that size, so that every byte read beyond it is seen. */
static void parse_exactly(struct parsed *ret, parse_fn *parse, const uint8_t *data, size_t size,
                          size_t n_seen) {
    char *copy = malloc(size ? size : 1);

    sp_assert(copy);
    memcpy(copy, data, size);
    memset(ret, 0, sizeof(*ret));
    ret->head.fields = ret->fields;
    ret->result = parse(&ret->head, copy, size, n_seen);
    free(copy);
}

static void check_inside(struct sp_span span, size_t size) {
    sp_assert((size_t)span.at + span.size <= size);
}

static void check_head(const struct parsed *got, const uint8_t *data, size_t size) {
    const char *text = (const char *)data;

    if (got->result < 0) {
        sp_assert(got->head.why && got->head.error_status >= 400);
        return;
    }
    if (got->result == 0) {
        sp_assert(size < MAX_HEAD);
        return;
    }
    sp_assert((size_t)got->result <= size && got->result <= MAX_HEAD);
    sp_assert(memcmp(text + got->result - 4, "\r\n\r\n", 4) == 0);
    check_inside(got->head.method, (size_t)got->result);
    check_inside(got->head.target, (size_t)got->result);
    check_inside(got->head.reason, (size_t)got->result);
    sp_assert(got->head.n_fields <= MAX_FIELDS);
    for (size_t i = 0; i < got->head.n_fields; i++) {
        const struct sp_http_field *field = &got->fields[i];

        check_inside(field->name, (size_t)got->result);
        check_inside(field->value, (size_t)got->result);
        sp_assert(sp_http_is_token(text + field->name.at, field->name.size));
        sp_assert(sp_http_is_value(text + field->value.at, field->value.size));
    }
}

static bool same_text(const uint8_t *a, struct sp_span in_a, const uint8_t *b,
                      struct sp_span in_b) {
    return in_a.size == in_b.size && memcmp(a + in_a.at, b + in_b.at, in_a.size) == 0;
}

/* The same meaning, wherever its bytes are. */
static void check_same(const struct parsed *a, const uint8_t *in_a, const struct parsed *b,
                       const uint8_t *in_b) {
    sp_assert(a->head.n_fields == b->head.n_fields);
    for (size_t i = 0; i < a->head.n_fields; i++) {
        sp_assert(same_text(in_a, a->fields[i].name, in_b, b->fields[i].name));
        sp_assert(same_text(in_a, a->fields[i].value, in_b, b->fields[i].value));
    }
    sp_assert(same_text(in_a, a->head.method, in_b, b->head.method));
    sp_assert(same_text(in_a, a->head.target, in_b, b->head.target));
    sp_assert(a->head.status == b->head.status);
    sp_assert(a->head.framing == b->head.framing);
    sp_assert(a->head.content_length == b->head.content_length);
    sp_assert(a->head.has_upgrade == b->head.has_upgrade);
    sp_assert(a->head.keep_alive == b->head.keep_alive);
    sp_assert(a->head.expects_continue == b->head.expects_continue);
}

/* Cut at `cut`, a head is what it is whole; only a line that has not ended may still be unjudged.
 */
static void check_cut(const struct parsed *whole, parse_fn *parse, const uint8_t *data, size_t size,
                      size_t cut) {
    struct parsed first, second;
    bool no_line_ended = !memchr(data + cut, '\n', size - cut);

    parse_exactly(&first, parse, data, cut, 0);
    if (first.result != 0) {
        sp_assert(first.result == whole->result);
        return;
    }
    parse_exactly(&second, parse, data, size, cut);
    check_head(&second, data, size);
    if (second.result == 0 && whole->result < 0 && (no_line_ended || whole->result == -EMSGSIZE)) {
        return; /* the number of fields, too, is known only at the end */
    }
    if (whole->result < 0) {
        sp_assert(second.result < 0);
        return;
    }
    sp_assert(second.result == whole->result);
    if (whole->result > 0) {
        check_same(whole, data, &second, data);
    }
}

/* Writes the fields of `got` and the empty line. */
static char *put_fields(char *at, const struct parsed *got, const char *text) {
    for (size_t i = 0; i < got->head.n_fields; i++) {
        const struct sp_http_field *field = &got->fields[i];

        at = sp_http_put_field(at, text + field->name.at, field->name.size, text + field->value.at,
                               field->value.size);
    }
    memcpy(at, "\r\n", 2);
    return at + 2;
}

#endif
