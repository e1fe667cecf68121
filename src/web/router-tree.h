/* SPDX-License-Identifier: MIT */
/* router-tree.h - all patterns of a router in one tree, and walking it along a path. */

#ifndef SP_WEB_ROUTER_TREE_H
#define SP_WEB_ROUTER_TREE_H

#include "web/router-pattern.h"

/*
 * A level of the tree is a segment of paths. What leads down from a node is tried in this order:
 *
 *     literals            /users/me         found by binary search
 *     with parameters     /users/u-:id      the ones with more literal text first,
 *                         /users/:id[0-9]   then those with constraints,
 *                         /users/:id        then the bare one
 *     wildcards           /users/x*rest     those with more segments behind them first, then text
 *
 * equals in the order they were added; and when the rest of the path does not fit, the next is
 * tried. Every node has one way that leads to it, so a walk comes to each at most once: its cost is
 * bounded by the path's length and the tree's size, whatever the path.
 */

enum sp_slash {
    SP_SLASH_EITHER,
    SP_SLASH_NO,  /* "/a" but not "/a/" */
    SP_SLASH_YES, /* "/a/" but not "/a" */
};

struct sp_method {
    struct sp_slice name;
    uint64_t word; /* sp_text_word() of it */
};

static inline struct sp_method sp_method(const char *name, size_t size) {
    return (struct sp_method){{name, size}, sp_text_word(name, size)};
}

static inline bool sp_method_is(const struct sp_method *a, const struct sp_method *b) {
    return a->word == b->word && a->name.size == b->name.size &&
           (sp_likely(a->name.size <= 8) || memcmp(a->name.data, b->name.data, a->name.size) == 0);
}

/* Where a pattern ends; what it stands for embeds it. */
struct sp_endpoint {
    struct sp_endpoint *next; /* at the same place, in the order they were added */
    const struct sp_method *methods;
    size_t n_methods; /* 0: all */
    enum sp_slash slash;
    bool is_conditional;
};

/* Something noted at a node; what it stands for embeds it. */
struct sp_mark {
    struct sp_mark *next;
    size_t n_segments; /* from the root to here */
};

struct sp_literal {
    size_t size;
    uint64_t word; /* sp_text_word(), unless case does not count */
    const char *text;
    struct sp_node *node;
};

struct sp_wild {
    struct sp_wild *next;
    const struct sp_segment *segments; /* the wildcard's, and those behind it */
    size_t n_segments, n_params;
    bool is_trimmed; /* a slash at the path's end is not part of the value */
    struct sp_endpoint *endpoints;

    /* While the tree grows: */
    size_t n_text;
    uint64_t hash; /* equal for equals */
};

struct sp_node {
    struct sp_node *next; /* of its parent's `params`, or `added` */
    const struct sp_segment *segment;
    struct sp_node *added; /* literals, while the tree grows */
    struct sp_literal *literals;
    size_t n_literals;
    struct sp_node *params;
    struct sp_wild *wilds;
    struct sp_endpoint *endpoints;
    struct sp_mark *marks;
    size_t n_segments; /* from the root to here */

    /* While the tree grows: */
    const struct sp_node *parent;
    struct sp_node *chain; /* of the index */
    uint64_t hash;
    size_t order; /* that many were there before */
};

struct sp_exact {
    uint64_t hash; /* with the size, all that is to be known of a path of up to eight bytes */
    size_t size;
    const char *path;
    const struct sp_endpoint *first; /* NULL: an empty place */
};

struct sp_tree {
    struct sp_arena *arena;
    struct sp_node root;
    struct sp_exact *exact; /* paths without parameters: a hash table, with open addressing */
    size_t exact_mask;
    struct sp_node **index; /* while it grows: nodes by parent and segment */
    size_t n_index, n_nodes;
    bool folds;     /* case does not count */
    bool is_strict; /* a slash at the end does */
};

/*
 * The node where those segments lead to from `node`. Patterns are borrowed. NULL: out of memory, or
 * deeper than SP_TREE_MAX_DEPTH.
 */
#define SP_TREE_MAX_DEPTH 256
struct sp_node *sp_tree_descend(struct sp_tree *tree, struct sp_node *node,
                                const struct sp_segment *segments, size_t n_segments);

/* Adds where `pattern` leads to from `node`. Stores the first one of that place in *ret_first. */
int sp_tree_add(struct sp_tree *tree, struct sp_node *node, const struct sp_pattern *pattern,
                struct sp_endpoint *endpoint, const struct sp_endpoint **ret_first);

void sp_node_add_mark(struct sp_node *node, struct sp_mark *mark);

/* When everything is added. -ENOMEM */
int sp_tree_freeze(struct sp_tree *tree);

struct sp_walk {
    char separator; /* of the path's segments */
    /*
     * The path leads to these, with a slash at its end or without one. Take one and return true, or
     * let the walk go on.
     */
    bool (*offer)(struct sp_walk *walk, const struct sp_endpoint *first, bool has_slash);
    /* The path, or its beginning, leads to these. May be NULL. */
    void (*pass)(struct sp_walk *walk, struct sp_mark *first);

    struct sp_slice values[SP_PATTERN_MAX_PARAMS]; /* of the parameters on the way */
    size_t n_values;
    size_t n_steps; /* nodes and segments that were looked at */

    bool folds;
    const char *end;
};

static inline uint64_t sp_path_hash(const char *path, size_t size) {
    uint64_t hash = size, word;

    for (; size > 8; size -= 8, path += 8) {
        memcpy(&word, path, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 32;
    }
    return (hash ^ sp_text_word(path, size)) * 0x9e3779b97f4a7c15;
}

/* The place in the table where that path is, or would be. */
static inline struct sp_exact *sp_tree_place(const struct sp_tree *tree, const char *path,
                                             size_t size) {
    uint64_t hash = sp_path_hash(path, size);

    for (size_t i = hash >> 32;; i++) {
        struct sp_exact *exact = &tree->exact[i & tree->exact_mask];
        bool is_it = exact->hash == hash && exact->size == size &&
                     (size <= 8 || memcmp(exact->path, path, size) == 0);

        if (is_it || !exact->first) {
            return exact;
        }
    }
}

/*
 * What ends at this very path, which has no escapes and no slash at its end, or NULL: perhaps there
 * is something yet. Text comes before all else in each segment, so this is where a walk would come
 * to first.
 */
static inline const struct sp_endpoint *sp_tree_find(const struct sp_tree *tree, const char *path,
                                                     size_t size) {
    return sp_tree_place(tree, path, size)->first;
}

/* `path` begins with the separator. Did offer() take one? */
bool sp_tree_walk(const struct sp_tree *tree, struct sp_walk *walk, const char *path, size_t size);

static inline bool sp_endpoint_takes_slash(const struct sp_endpoint *endpoint, bool has_slash) {
    return endpoint->slash == SP_SLASH_EITHER || (endpoint->slash == SP_SLASH_YES) == has_slash;
}

#endif
