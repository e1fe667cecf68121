/* SPDX-License-Identifier: MIT */
/* router-compile.c - the routes of all routers go into one tree. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "web/router.h"

#define MAX_TARGETS 65536 /* alternatives of mounts and routes multiply */

/* What everything is allocated in and reported to: the outermost router. */
static int fail(struct sunpath_router *root, int code, const char *text, const char *why) {
    struct sp_shown shown;

    return sp_fail(&root->error, code, sp_reason_of_errno(code), "route", "'%s': %s",
                   sp_show(&shown, text, strlen(text)), why);
}

static int no_memory(struct sunpath_router *root) {
    return sp_fail(&root->error, -ENOMEM, SUNPATH_REASON_SYSTEM, "route", "out of memory");
}

/* ---- names ----------------------------------------------------------------------------------- */

static const char **join_names(struct sunpath_router *root, const struct sp_scope *scope,
                               const struct sp_pattern *pattern) {
    const char **names =
        sp_arena_alloc(&root->arena, (scope->n_params + pattern->n_params) * sizeof(*names));
    size_t n = scope->n_params;

    if (!names) {
        return NULL;
    }
    if (n > 0) {
        memcpy(names, scope->names, n * sizeof(*names));
    }
    for (size_t i = 0; i < pattern->n_segments; i++) {
        for (size_t j = 0; j < pattern->segments[i].n_params; j++) {
            struct sp_slice name = pattern->segments[i].params[j].name;

            names[n] = sp_arena_copy(&root->arena, name.data, name.size);
            if (!names[n++]) {
                return NULL;
            }
        }
    }
    return names;
}

/* "/api" and "/users/:id" */
static const char *join_patterns(struct sunpath_router *root, const char *outer,
                                 const char *inner) {
    size_t n_outer = strlen(outer), n_inner = strlen(inner);
    char *joined = sp_arena_alloc(&root->arena, n_outer + n_inner + 1);

    if (n_outer > 0 && outer[n_outer - 1] == '/' && *inner) {
        n_outer--;
    }
    if (joined) {
        memcpy(joined, outer, n_outer);
        memcpy(joined + n_outer, inner, n_inner + 1);
    }
    return joined;
}

/* ---- routes ---------------------------------------------------------------------------------- */

static bool has_method(const struct sp_endpoint *endpoint, const struct sp_method *method) {
    for (size_t i = 0; i < endpoint->n_methods; i++) {
        if (sp_method_is(&endpoint->methods[i], method)) {
            return true;
        }
    }
    return false;
}

static bool is_before(const struct sp_endpoint *first, const struct sp_endpoint *endpoint) {
    return !first->is_conditional &&
           (first->slash == SP_SLASH_EITHER || first->slash == endpoint->slash);
}

/* Who takes all requests of that method (NULL: of those no route names) before `endpoint`? */
static const struct sp_endpoint *find_before(const struct sp_endpoint *first,
                                             const struct sp_endpoint *endpoint,
                                             const struct sp_method *method) {
    for (; first != endpoint; first = first->next) {
        if (is_before(first, endpoint) &&
            (method ? has_method(first, method) : first->n_methods == 0)) {
            return first;
        }
    }
    return NULL;
}

static const struct sp_endpoint *find_hiding(const struct sp_endpoint *first,
                                             const struct sp_endpoint *endpoint) {
    const struct sp_endpoint *hiding = NULL;

    if (endpoint->n_methods == 0) {
        return find_before(first, endpoint, NULL);
    }
    for (size_t i = 0; i < endpoint->n_methods; i++) {
        hiding = find_before(first, endpoint, &endpoint->methods[i]);
        if (!hiding) {
            return NULL;
        }
    }
    return hiding;
}

/* In a strict router "/" of a mounted one is both the mount's path and that with a slash. */
static enum sp_slash slash_of(const struct sunpath_router *root, const struct sp_pattern *pattern) {
    if (!root->options.is_strict || pattern->n_segments == 0) {
        return SP_SLASH_EITHER;
    }
    if (pattern->wild + 1 == pattern->n_segments && !pattern->ends_in_slash &&
        pattern->segments[pattern->wild].params[0].text.size == 0) {
        return SP_SLASH_EITHER; /* a slash at the end is a part of the value */
    }
    return pattern->ends_in_slash ? SP_SLASH_YES : SP_SLASH_NO;
}

static struct sp_target *new_target(struct sunpath_router *root, const struct sp_scope *scope,
                                    const struct sp_route *route,
                                    const struct sp_pattern *pattern) {
    struct sp_target *target = sp_arena_alloc(&root->arena, sizeof(*target));

    if (!target) {
        return NULL;
    }
    *target = (struct sp_target){
        .route = route,
        .scope = scope,
        .pattern = join_patterns(root, scope->pattern, route->pattern),
        .names = join_names(root, scope, pattern),
        .n_params = scope->n_params + pattern->n_params,
    };
    target->plain = (struct sp_routing){.target = target, .scope = scope};
    target->is_plain = target->n_params == 0 && scope->n_steps == 0;
    target->way = (struct sp_http_way){
        .handler = target->route->handler,
        .user = target->route->user,
        .route = target->pattern,
        .routing = &target->plain,
    };
    target->endpoint = (struct sp_endpoint){
        .methods = route->methods,
        .n_methods = route->n_methods,
        .slash = slash_of(root, pattern),
        .is_conditional = scope->is_conditional || route->conditions,
    };
    return target->pattern && target->names ? target : NULL;
}

static int check_room(struct sunpath_router *root, const struct sp_scope *scope,
                      const struct sp_route *route, const struct sp_pattern *pattern) {
    if (scope->n_params + pattern->n_params > SP_PATTERN_MAX_PARAMS) {
        return fail(root, -EINVAL, route->text, "there are too many parameters, with its mounts'");
    }
    if (scope->mark.n_segments + pattern->n_segments > SP_TREE_MAX_DEPTH) {
        return fail(root, -EINVAL, route->text, "there are too many segments, with its mounts'");
    }
    if (++root->n_targets > MAX_TARGETS) {
        return fail(root, -E2BIG, route->text, "there are too many routes");
    }
    return 0;
}

static bool is_of(const struct sp_endpoint *endpoint, const struct sp_route *route) {
    return sp_container_of(endpoint, const struct sp_target, endpoint)->route == route;
}

/* A route that none of its alternatives lets a request reach is a mistake. */
static int add_route(struct sunpath_router *root, const struct sp_scope *scope,
                     struct sp_node *node, const struct sp_route *route) {
    const struct sp_endpoint *hiding = NULL;
    bool is_hidden = true;
    int r;

    for (const struct sp_pattern *each = route->alternatives; each; each = each->next) {
        const struct sp_endpoint *first, *found;
        struct sp_target *target;

        r = check_room(root, scope, route, each);
        if (r < 0) {
            return r;
        }
        target = new_target(root, scope, route, each);
        if (!target || sp_tree_add(&root->tree, node, each, &target->endpoint, &first) < 0) {
            return no_memory(root);
        }
        found = find_hiding(first, &target->endpoint);
        hiding = found ? found : hiding;
        is_hidden = is_hidden && found && !is_of(found, route);
    }
    if (is_hidden) {
        const struct sp_target *other = sp_container_of(hiding, const struct sp_target, endpoint);
        struct sp_shown text, by;

        return sp_fail(&root->error, -EEXIST, SUNPATH_REASON_INVALID, "route",
                       "'%s': no request gets there, '%s' takes them all",
                       sp_show(&text, route->text, strlen(route->text)),
                       sp_show(&by, other->route->text, strlen(other->route->text)));
    }
    return 0;
}

/* ---- scopes ---------------------------------------------------------------------------------- */

/* The steps of the scope around, then those of its own router. */
static int put_steps(struct sunpath_router *root, struct sp_scope *scope) {
    size_t n_outer = scope->parent ? scope->parent->n_steps : 0, n = n_outer;

    for (const struct sp_middleware *each = scope->router->middleware; each; each = each->next) {
        scope->has_prefixes = scope->has_prefixes || each->alternatives;
        n++;
    }
    scope->steps = sp_arena_alloc(&root->arena, n * sizeof(*scope->steps));
    if (!scope->steps) {
        return no_memory(root);
    }
    if (n_outer > 0) {
        memcpy(scope->steps, scope->parent->steps, n_outer * sizeof(*scope->steps));
    }
    scope->n_steps = n;
    n = n_outer;
    for (const struct sp_middleware *each = scope->router->middleware; each; each = each->next) {
        scope->steps[n++] = (struct sp_step){each, scope};
    }
    return 0;
}

static struct sp_scope *new_scope(struct sunpath_router *root, const struct sp_scope *parent,
                                  const struct sp_route *mount, const struct sp_pattern *pattern) {
    struct sp_scope *scope = sp_arena_alloc(&root->arena, sizeof(*scope));

    if (!scope) {
        return NULL;
    }
    *scope = (struct sp_scope){.router = root, .pattern = ""};
    if (parent) {
        scope->parent = parent;
        scope->router = mount->child;
        scope->mount = mount;
        scope->pattern = join_patterns(root, parent->pattern, mount->pattern);
        scope->names = join_names(root, parent, pattern);
        scope->n_params = parent->n_params + pattern->n_params;
        scope->has_prefixes = parent->has_prefixes;
        scope->is_conditional = parent->is_conditional || mount->conditions;
        if (!scope->pattern || !scope->names) {
            return NULL;
        }
    }
    return put_steps(root, scope) < 0 ? NULL : scope;
}

static int add_router(struct sunpath_router *root, struct sp_scope *scope, struct sp_node *node);

static int add_mount(struct sunpath_router *root, const struct sp_scope *parent,
                     struct sp_node *node, const struct sp_route *mount) {
    int r;

    if (mount->child->error.code < 0) {
        root->error = mount->child->error;
        return root->error.code;
    }
    for (const struct sp_pattern *each = mount->alternatives; each; each = each->next) {
        struct sp_node *place;
        struct sp_scope *scope;

        r = check_room(root, parent, mount, each);
        if (r < 0) {
            return r;
        }
        place = sp_tree_descend(&root->tree, node, each->segments, each->n_segments);
        scope = place ? new_scope(root, parent, mount, each) : NULL;
        if (!scope) {
            return no_memory(root);
        }
        sp_node_add_mark(place, &scope->mark);
        r = add_router(root, scope, place);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* As deep as routers are mounted. */
static int add_router(struct sunpath_router *root, struct sp_scope *scope, struct sp_node *node) {
    const struct sunpath_router *router = scope->router;
    int r = 0;

    for (const struct sp_route *each = router->routes; r == 0 && each; each = each->next) {
        r = each->child ? add_mount(root, scope, node, each) : add_route(root, scope, node, each);
    }
    return r;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void freeze(struct sunpath_router *router) {
    router->is_frozen = true;
    for (struct sp_route *each = router->routes; each; each = each->next) {
        if (each->child) {
            freeze(each->child);
        }
    }
}

int sp_router_compile(struct sunpath_router *router) {
    int r;

    if (router->error.code < 0) {
        return router->error.code;
    }
    freeze(router);
    router->tree = (struct sp_tree){
        .arena = &router->arena,
        .folds = router->options.ignores_case,
        .is_strict = router->options.is_strict,
    };
    router->scope = new_scope(router, NULL, NULL, NULL);
    if (!router->scope) {
        return no_memory(router);
    }
    r = add_router(router, router->scope, &router->tree.root);
    if (r == 0 && sp_tree_freeze(&router->tree) < 0) {
        r = no_memory(router);
    }
    return r;
}
