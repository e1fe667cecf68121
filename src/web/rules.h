/* SPDX-License-Identifier: MIT */
/* rules.h - redirects, rewrites and headers, as they are read. */

#ifndef SP_WEB_RULES_H
#define SP_WEB_RULES_H

#include <sunpath/rules.h>

#include "web/router-tree.h"

#define SP_RULES_MAX_TEXT   (1024 * 1024)
#define SP_RULES_MAX_LINE   4096
#define SP_RULES_MAX        1000
#define SP_RULES_MAX_TARGET (64 * 1024) /* bytes, filled in */

enum sp_rule_kind {
    SP_RULE_REDIRECT,
    SP_RULE_REWRITE,
    SP_RULE_SET,
    SP_RULE_ADD,
    SP_RULE_REMOVE
};

/* A piece of a target: text, or a parameter of the pattern. */
struct sp_rule_piece {
    struct sp_rule_piece *next;
    struct sp_slice text; /* or the parameter's name */
    bool is_param;
};

/* One alternative of a rule's pattern. */
struct sp_rule_way {
    struct sp_endpoint endpoint;
    const struct sp_pattern *pattern;
};

struct sp_rule {
    struct sp_rule *next;
    enum sp_rule_kind kind;
    struct sp_tree tree; /* its pattern alone */

    /* Of a redirect or a rewrite. */
    int status;
    struct sp_rule_piece *path, *query; /* the path begins with scheme and host, if it has them */
    bool has_query, is_absolute;
    const char *fragment; /* with its "#", or "" */

    /* Of a header. */
    const char *name, *value;
};

/* Everything is in the arena. */
struct sunpath_rules {
    struct sp_arena arena;
    struct sp_rule *first, **last;
    size_t n;
};

/* A path with the values that its parameters take. */
struct sp_rule_match {
    struct sp_walk walk;
    const struct sp_rule_way *way;
};

/* rules-target.c */
/*
 * Takes a target apart. `way`: each parameter must be in the pattern. Returns NULL, or what is
 * wrong with it; "out of memory" is SP_RULE_NO_MEMORY itself.
 */
extern const char SP_RULE_NO_MEMORY[];
const char *sp_rule_read_target(struct sp_rule *rule, struct sp_arena *arena, const char *text,
                                const struct sp_pattern *pattern);
/*
 * The target for a request. `query`: the request's, or NULL. 1; 0: it would have a segment "." or
 * ".."; -EMSGSIZE, -ENOMEM.
 */
int sp_rule_fill(const char **ret, const struct sp_rule *rule, struct sp_arena *arena,
                 const struct sp_rule_match *match, const char *query);

#endif
