/* SPDX-License-Identifier: MIT */
/* http1-pieces.h - parse a head whole, cut at every byte, and byte by byte: all must agree. */

#ifndef TESTS_HTTP1_PIECES_H
#define TESTS_HTTP1_PIECES_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1.h"

#include "fixture.h"

#define MAX_FIELDS 8

/* A head with the room its fields need. */
struct parsed {
    struct sp_http_head head;
    struct sp_http_field fields[MAX_FIELDS];
    ssize_t result;
};

/* Parses `size` bytes at `data` for a test of requests or of responses. */
typedef ssize_t parse_fn(struct sp_http_head *head, const char *data, size_t size, size_t n_seen);

/* In memory of exactly that size, so that the sanitizer sees every byte read beyond it. */
static void parse_exactly(struct parsed *ret, parse_fn *parse, const char *data, size_t size,
                          size_t n_seen) {
    char *copy = malloc(size ? size : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, size);
    memset(ret, 0, sizeof(*ret));
    ret->head.fields = ret->fields;
    ret->result = parse(&ret->head, copy, size, n_seen);
    free(copy);
}

static bool same_span(struct sp_span a, struct sp_span b) {
    return a.at == b.at && a.size == b.size;
}

static void check_same_head(const struct parsed *a, const struct parsed *b) {
    ck_assert_uint_eq(a->head.n_fields, b->head.n_fields);
    for (size_t i = 0; i < a->head.n_fields; i++) {
        ck_assert(same_span(a->fields[i].name, b->fields[i].name));
        ck_assert(same_span(a->fields[i].value, b->fields[i].value));
    }
    ck_assert(same_span(a->head.method, b->head.method));
    ck_assert(same_span(a->head.target, b->head.target));
    ck_assert(same_span(a->head.reason, b->head.reason));
    ck_assert_int_eq(a->head.status, b->head.status);
    ck_assert_int_eq(a->head.version, b->head.version);
    ck_assert_int_eq(a->head.framing, b->head.framing);
    ck_assert_uint_eq(a->head.content_length, b->head.content_length);
    ck_assert_int_eq(a->head.keep_alive, b->head.keep_alive);
    ck_assert_int_eq(a->head.expects_continue, b->head.expects_continue);
    ck_assert_int_eq(a->head.has_upgrade, b->head.has_upgrade);
}

/* A later look agrees with `whole`, but may not judge yet a line that has not ended. */
static void check_agrees(const struct parsed *whole, const struct parsed *later, const char *data,
                         size_t size, size_t n_seen) {
    bool no_line_ended = !memchr(data + n_seen, '\n', size - n_seen);

    if (whole->result < 0 && later->result == 0 && no_line_ended) {
        return;
    }
    ck_assert_msg(later->result == whole->result, "%.*s: %zd whole, %zd after %zu", (int)size, data,
                  whole->result, later->result, n_seen);
    if (whole->result > 0) {
        check_same_head(whole, later);
    } else if (whole->result < 0 && !no_line_ended) {
        ck_assert_int_eq(whole->head.error_status, later->head.error_status);
    }
}

/* Parses all of `data` into `ret`, then checks that no way of cutting it gives anything else. */
static void parse_every_way(struct parsed *ret, parse_fn *parse, const char *data, size_t size) {
    struct parsed first, later;
    size_t n_seen = 0;

    parse_exactly(ret, parse, data, size, 0);
    for (size_t cut = 0; cut <= size; cut++) {
        parse_exactly(&first, parse, data, cut, 0);
        if (first.result == 0) {
            parse_exactly(&later, parse, data, size, cut);
            check_agrees(ret, &later, data, size, cut);
        } else {
            ck_assert_int_eq(first.result < 0, ret->result < 0);
            ck_assert(first.result < 0 || first.result == ret->result);
        }
    }
    do {
        parse_exactly(&later, parse, data, n_seen + 1, n_seen);
        n_seen++;
    } while (later.result == 0 && n_seen < size);
    ck_assert_msg(later.result == ret->result ||
                      (ret->result < 0 && later.result == 0 && data[size - 1] != '\n'),
                  "%.*s: %zd whole, %zd byte by byte", (int)size, data, ret->result, later.result);
}

#endif
