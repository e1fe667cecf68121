/* SPDX-License-Identifier: MIT */
/* test-router-tree.c - patterns in a tree, and what walking it costs. */

#include "web/router-tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

struct place {
    struct sp_endpoint endpoint;
    const char *text;
};

static struct sp_arena arena;
static struct sp_tree tree;
static char seen[65536];

static void plant(bool folds, bool is_strict) {
    sp_arena_deinit(&arena);
    tree = (struct sp_tree){.arena = &arena, .folds = folds, .is_strict = is_strict};
}

static void add(const char *text) {
    struct sp_pattern *pattern = NULL;
    struct sunpath_error error = {0};

    ck_assert_msg(sp_pattern_parse(&pattern, &arena, text, text, &error) == 0, "%s", error.text);
    for (; pattern; pattern = pattern->next) {
        struct place *place = sp_arena_alloc(&arena, sizeof(*place));
        const struct sp_endpoint *first;

        *place = (struct place){.text = text};
        if (tree.is_strict && pattern->n_segments > 0) {
            place->endpoint.slash = pattern->ends_in_slash ? SP_SLASH_YES : SP_SLASH_NO;
        }
        ck_assert_int_eq(sp_tree_add(&tree, &tree.root, pattern, &place->endpoint, &first), 0);
    }
}

static bool offer(struct sp_walk *walk, const struct sp_endpoint *first, bool has_slash) {
    for (; first && !sp_endpoint_takes_slash(first, has_slash); first = first->next) {
    }
    if (!first) {
        return false;
    }
    snprintf(seen, sizeof(seen), "%s", sp_container_of(first, const struct place, endpoint)->text);
    for (size_t i = 0; i < walk->n_values; i++) {
        size_t n = strlen(seen);

        snprintf(seen + n, sizeof(seen) - n, " %.*s", (int)walk->values[i].size,
                 walk->values[i].data);
    }
    return true;
}

/* "<pattern> <value> <value>", or NULL. */
static const char *find(const char *path) {
    struct sp_walk walk = {.separator = '/', .offer = offer};

    return sp_tree_walk(&tree, &walk, path, strlen(path)) ? seen : NULL;
}

static void check(const char *path, const char *expected) {
    const struct sp_endpoint *first = sp_tree_find(&tree, path, strlen(path));
    const char *found = find(path);

    if (first) { /* the short way leads to the same place */
        ck_assert_ptr_nonnull(found);
        ck_assert_str_eq(sp_container_of(first, const struct place, endpoint)->text, found);
    }

    ck_assert_msg(expected ? found && strcmp(found, expected) == 0 : !found, "%s: %s", path,
                  found ? found : "NULL");
}

START_TEST(what_says_more_comes_first) {
    static const char *const patterns[] = {
        "/*rest",          "/users/:id",        "/users/*rest",   "/users/me",
        "/users/:id[0-9]", "/users/u-:x",       "/users/:name/a", "/users/me/b",
        "/users/*r/deep",  "/users/*r/:last/x", "/users/*r.js",   "/:a/:b/:c/z",
    };
    static const struct {
        const char *path, *found;
    } cases[] = {
        {"/", NULL},
        {"/x", "/*rest x"},
        {"/users", "/*rest users"},
        {"/users/", "/*rest users/"},
        {"/users/me", "/users/me"},
        {"/users/me/", "/users/me"},
        {"/users/me/b", "/users/me/b"},
        {"/users/me/a", "/users/:name/a me"},
        {"/users/12", "/users/:id[0-9] 12"},
        {"/users/u-1", "/users/u-:x 1"},
        {"/users/x", "/users/:id x"},
        {"/users/x.js", "/users/:id x.js"},
        {"/users/x/y.js", "/users/*r.js x/y"},
        {"/users/x/y.js/", "/users/*r.js x/y"},
        {"/users/x/y", "/users/*rest x/y"},
        {"/users/x/y/", "/users/*rest x/y/"},
        {"/users/x/y/z", "/users/*rest x/y/z"},
        {"/others/x/y/z", "/:a/:b/:c/z others x y"},
        {"/others/x/y/a", "/*rest others/x/y/a"},
        {"/users/x/y/deep", "/users/*r/deep x/y"},
        {"/users/x/deep/y/x", "/users/*r/:last/x x/deep y"},
        {"/users//x", "/users/*rest /x"},
        {"//", "/*rest /"},
    };

    plant(false, false);
    for (size_t i = 0; i < SP_ARRAY_SIZE(patterns); i++) {
        add(patterns[i]);
    }
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    for (size_t i = 0; i < SP_ARRAY_SIZE(cases); i++) {
        check(cases[i].path, cases[i].found);
    }
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(equals_are_taken_in_their_order) {
    plant(false, false);
    add("/:a-:b");
    add("/:c.:d");
    add("/x{/:one}{/:two}");
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    check("/1.2-3", "/:a-:b 1.2 3");
    check("/1-2.3", "/:a-:b 1 2.3");
    check("/1.2", "/:c.:d 1 2");
    check("/x/1", "/x{/:one}{/:two} 1");
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(slashes_and_case_are_options) {
    plant(true, true);
    add("/Users/:id");
    add("/dir/");
    add("/");
    add("/w/*rest/");
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    check("/uSERS/Ab", "/Users/:id Ab");
    check("/users/a/", NULL);
    check("/dir", NULL);
    check("/DIR/", "/dir/");
    check("/", "/");
    check("/w/a", NULL);
    check("/w/a/", "/w/*rest/ a");
    plant(false, false);
    add("/Users");
    add("/users/a");
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    check("/users", NULL);
    check("/Users", "/Users");
    check("/Users/", "/Users");
    check("/Users//", NULL);
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(paths_without_parameters_have_a_short_way) {
    plant(false, false);
    add("/");
    add("/a/b");
    add("/a/:b");
    add("/100\\%");
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    ck_assert_ptr_nonnull(sp_tree_find(&tree, "/", 1));
    ck_assert_ptr_nonnull(sp_tree_find(&tree, "/a/b", 4));
    ck_assert_ptr_null(sp_tree_find(&tree, "/a/b/", 5));
    ck_assert_ptr_null(sp_tree_find(&tree, "/a", 2));
    ck_assert_ptr_null(sp_tree_find(&tree, "/a/c", 4));
    ck_assert_ptr_null(
        sp_tree_find(&tree, "/100%", 5)); /* as a request has it, that is malformed */
    check("/", "/");
    check("/a/b", "/a/b");
    plant(true, false);
    add("/a");
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    ck_assert_ptr_null(sp_tree_find(&tree, "/a", 2));
    check("/A", "/a");
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(many_literals_are_all_found) {
    static char texts[1000][16];

    plant(false, false);
    for (int i = 0; i < 1000; i++) {
        snprintf(texts[i], sizeof(texts[i]), "/r%d", i * 7919 % 100003);
        add(texts[i]);
    }
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    for (int i = 0; i < 1000; i++) {
        check(texts[i], texts[i]);
    }
    check("/r", NULL);
    check("/r999999", NULL);
    for (int i = 0; i < 1000; i++) {
        ck_assert_ptr_nonnull(sp_tree_find(&tree, texts[i], strlen(texts[i])));
    }
    ck_assert_ptr_null(sp_tree_find(&tree, "/r999999", 8));
    ck_assert_ptr_null(sp_tree_find(&tree, "", 0));
    sp_arena_deinit(&arena);
}
END_TEST

/* ---- what it costs --------------------------------------------------------------------------- */

static size_t n_nodes(const struct sp_node *node) {
    size_t n = 1;

    for (size_t i = 0; i < node->n_literals; i++) {
        n += n_nodes(node->literals[i].node);
    }
    for (const struct sp_node *each = node->params; each; each = each->next) {
        n += n_nodes(each);
    }
    for (const struct sp_wild *each = node->wilds; each; each = each->next) {
        n += each->n_segments;
    }
    return n;
}

static size_t steps(const char *path, bool is_found) {
    struct sp_walk walk = {.separator = '/', .offer = offer};

    ck_assert_int_eq(sp_tree_walk(&tree, &walk, path, strlen(path)), is_found);
    return walk.n_steps;
}

/* All 2^10 ways to write ten segments, each a literal or a parameter, none of which fits. */
START_TEST(no_path_costs_more_than_the_tree_s_size) {
    char text[16384];
    size_t n_tree;

    plant(false, false);
    for (unsigned ways = 0; ways < 1024; ways++) {
        size_t n = 0;

        for (unsigned i = 0; i < 10; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, ways & 1U << i ? "/a" : "/:p%u", i);
        }
        snprintf(text + n, sizeof(text) - n, "/end");
        add(sp_arena_copy(&arena, text, strlen(text)));
    }
    add("/*rest/a/:b/none");
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    n_tree = n_nodes(&tree.root);
    ck_assert_uint_le(steps("/a/a/a/a/a/a/a/a/a/a/x", false), 2 * n_tree);
    ck_assert_uint_le(steps("/a/a/a/a/a/a/a/a/a/a/end", true), 20);

    /* A long path is left where the tree ends, however long it is. */
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] = i % 2 ? 'a' : '/';
    }
    text[sizeof(text) - 1] = '\0';
    ck_assert_uint_le(steps(text, false), 2 * n_tree);
    memset(text, '/', sizeof(text) - 1);
    ck_assert_uint_le(steps(text, false), 8);
    sp_arena_deinit(&arena);
}
END_TEST

/* Patterns whose regular expressions backtrack: here the path's length hardly counts. */
START_TEST(what_blows_up_elsewhere_costs_a_few_steps) {
    char text[16384];

    plant(false, false);
    add("/:a-:b-:c-:d-:e-:f-:g-:h.x");
    add("/*w/x/:y-:z/q");
    ck_assert_int_eq(sp_tree_freeze(&tree), 0);
    memset(text, '-', sizeof(text) - 1);
    text[0] = '/';
    text[sizeof(text) - 1] = '\0';
    ck_assert_uint_le(steps(text, false), 4);
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "/x", 3);
    }
    ck_assert_uint_le(steps(text, false), 6);
    sp_arena_deinit(&arena);
}
END_TEST

SP_TESTS("router-tree", what_says_more_comes_first, equals_are_taken_in_their_order,
         slashes_and_case_are_options, paths_without_parameters_have_a_short_way,
         many_literals_are_all_found, no_path_costs_more_than_the_tree_s_size,
         what_blows_up_elsewhere_costs_a_few_steps)
