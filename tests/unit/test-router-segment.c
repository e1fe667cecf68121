/* SPDX-License-Identifier: MIT */
/* test-router-segment.c - one segment of a pattern against one of a path. */

#include "web/router-pattern.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"

static struct sp_arena arena;

static const struct sp_pattern *parse(const char *text) {
    struct sp_pattern *pattern = NULL;
    struct sunpath_error error = {0};

    ck_assert_msg(sp_pattern_parse(&pattern, &arena, text, text, &error) == 0, "%s", error.text);
    return pattern;
}

/* The values, separated by commas, or NULL. */
static const char *split(const char *pattern, const char *text, bool folds) {
    static char out[256];
    const struct sp_segment *segment = &parse(pattern)->segments[0];
    struct sp_slice values[SP_PATTERN_MAX_PARAMS];
    char copy[256];
    size_t n = 0;

    memcpy(copy, text, strlen(text)); /* no NUL: nothing behind is looked at */
    if (!sp_segment_fits(segment, copy, strlen(text), folds, values)) {
        return NULL;
    }
    for (size_t i = 0; i < segment->n_params; i++) {
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", i ? "," : "", (int)values[i].size,
                              values[i].data);
    }
    return out;
}

START_TEST(segments_are_split_from_the_right) {
    static const struct {
        const char *pattern, *text, *values;
    } cases[] = {
        {"/:a", "x", "x"},
        {"/:a", "x.y-z", "x.y-z"},
        {"/u-:a", "u-x", "x"},
        {"/u-:a", "u-", NULL},
        {"/u-:a", "v-x", NULL},
        {"/u-:a", "u", NULL},
        {"/:a.json", "x.json", "x"},
        {"/:a.json", "x.json.json", "x.json"},
        {"/:a.json", ".json", NULL},
        {"/:a.json", "x.jso", NULL},
        {"/:a-:b", "x-y", "x,y"},
        {"/:a-:b", "x-y-z", "x-y,z"},
        {"/:a-:b", "x-", NULL},
        {"/:a-:b", "-y", NULL},
        {"/:a-:b", "x--", "x,-"},
        {"/:a-:b", "x--y", "x-,y"},
        {"/:a-:b", "x-y-", NULL},
        {"/:a-:b", "x-y--", "x-y,-"},
        {"/:a--:b", "x---", "x,-"},
        {"/:a--:b", "x--y--", NULL},
        {"/:a.:b-:c", "a.b.-c", NULL},
        {"/:a-:b", "--", NULL},
        {"/:a-:b-:c", "1-2-3-4", "1-2,3,4"},
        {"/:a-:b.:c", "1-2.3", "1,2,3"},
        {"/:a-:b.:c", "1.2-3", NULL},
        {"/:a.tar.:b", "x.tar.gz", "x,gz"},
        {"/:a.tar.:b", "x.tar.tar.gz", "x.tar,gz"},
        {"/:a[0-9]", "123", "123"},
        {"/:a[0-9]", "12a", NULL},
        {"/:a[a-f0-9_-]", "0-f_", "0-f_"},
        {"/:a[x]", "y", NULL},
        {"/:a(json|xml)", "xml", "xml"},
        {"/:a(json|xml)", "json", "json"},
        {"/:a(json|xml)", "jso", NULL},
        {"/:a(json|xml)", "json|xml", NULL},
        {"/:a-:b[0-9]", "x-1-2", "x-1,2"},
        {"/:a-:b[0-9]", "x-1-y", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *values = split(cases[i].pattern, cases[i].text, false);

        ck_assert_msg(cases[i].values ? values && strcmp(values, cases[i].values) == 0 : !values,
                      "%s of %s: %s", cases[i].pattern, cases[i].text, values ? values : "NULL");
    }
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(case_counts_or_not) {
    ck_assert_ptr_null(split("/U-:a.Json", "u-X.JSON", false));
    ck_assert_str_eq(split("/U-:a.Json", "u-X.JSON", true), "X");
    ck_assert_ptr_null(split("/:a[a-f]", "AB", false));
    ck_assert_str_eq(split("/:a[a-f]", "AB", true), "AB");
    ck_assert_ptr_null(split("/:a[a-f]", "@", true));
    ck_assert_ptr_null(split("/:a(x|y)", "Y", false));
    ck_assert_str_eq(split("/:a(x|y)", "Y", true), "Y");
    sp_arena_deinit(&arena);
}
END_TEST

static bool begins(const char *pattern, const char *path, size_t n_skipped) {
    return sp_pattern_begins(parse(pattern), path, strlen(path), '/', n_skipped, false);
}

START_TEST(prefixes_end_at_segments) {
    ck_assert(begins("/", "/", 0));
    ck_assert(begins("/", "/a/b", 0));
    ck_assert(begins("/a", "/a", 0));
    ck_assert(begins("/a", "/a/", 0));
    ck_assert(begins("/a", "/a/b", 0));
    ck_assert(!begins("/a", "/ab", 0));
    ck_assert(!begins("/a", "/", 0));
    ck_assert(!begins("/a/b", "/a", 0));
    ck_assert(!begins("/a/b", "/a/", 0));
    ck_assert(begins("/:x/b", "/a/b/c", 0));
    ck_assert(begins("/b", "/a/b/c", 1));
    ck_assert(!begins("/b", "/b", 1));
    ck_assert(begins("/", "/b", 1));
    ck_assert(!begins("/:x", "/b", 1));
    sp_arena_deinit(&arena);
}
END_TEST

static int order(const char *a, const char *b) {
    return sp_segment_compare(&parse(a)->segments[0], &parse(b)->segments[0]);
}

static bool is_same(const char *a, const char *b, bool folds) {
    return sp_segment_is_same(&parse(a)->segments[0], &parse(b)->segments[0], folds);
}

START_TEST(the_one_that_says_more_comes_first) {
    ck_assert_int_lt(order("/:a.json", "/:a.js"), 0);
    ck_assert_int_lt(order("/x:a", "/:a[0-9]"), 0);
    ck_assert_int_lt(order("/:a[0-9]", "/:a"), 0);
    ck_assert_int_gt(order("/:a", "/:a(b)"), 0);
    ck_assert_int_eq(order("/:a", "/:b"), 0);
    ck_assert_int_eq(order("/:a-:b", "/.:b"), 0);
    ck_assert(is_same("/:a-:b", "/:c-:d", false));
    ck_assert(!is_same("/:a-:b", "/:c.:d", false));
    ck_assert(!is_same("/:a-:b", "/:c-", false));
    ck_assert(!is_same("/:a", "/*a", false));
    ck_assert(!is_same("/A", "/a", false));
    ck_assert(is_same("/A", "/a", true));
    ck_assert(is_same("/:a[0-9]", "/:b[0-9]", false));
    ck_assert(!is_same("/:a[0-9]", "/:b[0-8]", false));
    ck_assert(!is_same("/:a[0-9]", "/:b", false));
    sp_arena_deinit(&arena);
}
END_TEST

SP_TESTS("router-segment", segments_are_split_from_the_right, case_counts_or_not,
         prefixes_end_at_segments, the_one_that_says_more_comes_first)
