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

/* Where a pattern ends; what it stands for embeds it. */
struct sp_endpoint {
    struct sp_endpoint *next; /* at the same place, in the order they were added */
    const struct sp_slice *methods;
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
    const char *text;
    size_t size;
    struct sp_node *node;
};

struct sp_wild {
    struct sp_wild *next;
    const struct sp_segment *segments; /* the wildcard's, and those behind it */
    size_t n_segments, n_params;
    bool is_trimmed; /* a slash at the path's end is not part of the value */
    struct sp_endpoint *endpoints;
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
};

struct sp_tree {
    struct sp_arena *arena;
    struct sp_node root;
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

/* `path` begins with the separator. Did offer() take one? */
bool sp_tree_walk(const struct sp_tree *tree, struct sp_walk *walk, const char *path, size_t size);

static inline bool sp_endpoint_takes_slash(const struct sp_endpoint *endpoint, bool has_slash) {
    return endpoint->slash == SP_SLASH_EITHER || (endpoint->slash == SP_SLASH_YES) == has_slash;
}

#endif
