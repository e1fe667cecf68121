/* SPDX-License-Identifier: MIT */
/* router-pattern.h - the patterns of routes, taken apart: "/users/:id{/files/:name}". */

#ifndef SP_WEB_ROUTER_PATTERN_H
#define SP_WEB_ROUTER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sunpath/base.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "wire/uri.h"

#define SP_PATTERN_MAX          512 /* bytes of a pattern */
#define SP_PATTERN_MAX_SEGMENTS 64
#define SP_PATTERN_MAX_GROUPS   6  /* optional parts: 64 alternatives */
#define SP_PATTERN_MAX_PARAMS   32 /* of a route, those of its mounts included */

/* What a parameter may be: bytes of a set, or one of some words. */
struct sp_constraint {
    struct sp_slice source; /* as it was written, brackets included */
    uint8_t set[32];        /* one bit a byte: "[...]" */
};

struct sp_segment_param {
    struct sp_slice name;
    const struct sp_constraint *constraint; /* or NULL */
    struct sp_slice text;                   /* that follows it in the segment */
};

/*
 * What is between two slashes: a literal, or text and parameters, or a wildcard, which has one
 * parameter, and takes further segments of a path as well.
 */
struct sp_segment {
    struct sp_slice text; /* before the first parameter */
    struct sp_segment_param *params;
    size_t n_params;
    bool is_wild;
};

/* One alternative of a pattern: without optional parts. */
struct sp_pattern {
    struct sp_pattern *next; /* with fewer of the optional parts */
    struct sp_segment *segments;
    size_t n_segments;
    size_t n_params;
    size_t wild; /* the wildcard's segment; n_segments: none */
    bool ends_in_slash;
};

/*
 * Takes `text` apart and stores its alternatives, those with more optional parts first, in
 * `arena`. Their names and constraints are pieces of `text`, which must live as long as they do.
 * `whole` is what the error shows: `text` is its end.
 * -EINVAL, -ENOMEM; `error` says where.
 */
int sp_pattern_parse(struct sp_pattern **ret, struct sp_arena *arena, const char *text,
                     const char *whole, struct sunpath_error *error);

/* ---- router-segment.c: segments against paths ------------------------------------------------ */

/*
 * All bytes of a text of up to eight in one word, so that texts of one size are compared at once;
 * of a longer one some.
 */
static inline uint64_t sp_text_word(const char *text, size_t size) {
    uint32_t first, last;

    if (size < 4) {
        const unsigned char *bytes = (const unsigned char *)text;

        return size == 0
                   ? 0
                   : bytes[0] | (unsigned)bytes[size / 2] << 8 | (unsigned)bytes[size - 1] << 16;
    }
    memcpy(&first, text, 4);
    memcpy(&last, text + size - 4, 4);
    return (uint64_t)first << 32 | last;
}

/* Equal bytes; with `folds` ASCII letters are so in either case. */
bool sp_text_is(const char *text, const char *other, size_t size, bool folds);

/*
 * Does a path's segment fit one that has parameters and is no wildcard? Stores n_params values.
 * Linear: of several ways to split it the one with the longest first parameters is it.
 */
bool sp_segment_fits(const struct sp_segment *segment, const char *text, size_t size, bool folds,
                     struct sp_slice *values);

/*
 * Does a path begin with that pattern, which has no wildcard, behind its first `n_skipped`
 * segments?
 */
bool sp_pattern_begins(const struct sp_pattern *pattern, const char *path, size_t size,
                       char separator, size_t n_skipped, bool folds);

/* Do both fit the same segments? Names do not count. */
bool sp_segment_is_same(const struct sp_segment *a, const struct sp_segment *b, bool folds);

/* Negative when `a` is to be tried before `b`: the one that says more. 0: equals. */
int sp_segment_compare(const struct sp_segment *a, const struct sp_segment *b);

/* Bytes of literal text. */
size_t sp_segment_n_text(const struct sp_segment *segment);

/*
 * Decodes each segment of a path by itself, so that an escaped slash separates nothing: a NUL does.
 * `room` is for size + 1 bytes. Returns the length, or -EINVAL: a malformed escape.
 */
ssize_t sp_path_decode(char *room, const char *path, size_t size);

#endif
