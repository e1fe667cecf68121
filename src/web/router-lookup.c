/* SPDX-License-Identifier: MIT */
/* router-lookup.c - the route that a request takes, or the answer when there is none. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "web/router.h"

#define ALLOW_ROOM 512

static struct sp_lookup *lookup_of(struct sp_walk *walk) {
    return sp_container_of(walk, struct sp_lookup, walk);
}

static const struct sp_target *target_of(const struct sp_endpoint *endpoint) {
    return sp_container_of(endpoint, const struct sp_target, endpoint);
}

/* ---- the path -------------------------------------------------------------------------------- */

static int decode_path(struct sp_lookup *lookup) {
    char *room = sp_arena_alloc(&lookup->exchange->arena, lookup->n_path + 1);
    ssize_t n = room ? sp_path_decode(room, lookup->path, lookup->n_path) : -ENOMEM;

    if (n < 0) {
        return (int)n;
    }
    lookup->path = room;
    lookup->n_path = (size_t)n;
    lookup->walk.separator = '\0';
    return 0;
}

/* Where the path is in a target. Sets the answer when there is none. */
static void read_path(struct sp_lookup *lookup, const char *target, size_t size) {
    struct sp_uri_parts parts;

    if (sp_likely(*target == '/')) {
        const char *mark = memchr(target, '?', size);

        lookup->path = target;
        lookup->n_path = mark ? (size_t)(mark - target) : size;
        return;
    }
    sp_uri_split(&parts, target, size);
    lookup->path = parts.path.data;
    lookup->n_path = parts.path.size;
    if (!lookup->path) {
        lookup->status = *target == '*' ? 204 : 501;
    }
}

/* ---- the route ------------------------------------------------------------------------------- */

static bool is_get(const struct sp_method *method) {
    return method->name.size == 3 && memcmp(method->name.data, "GET", 3) == 0;
}

enum rank {
    NONE,
    FOR_ALL,
    GET_FOR_HEAD,
    EXACT,
};

static enum rank rank_of(const struct sp_lookup *lookup, const struct sp_endpoint *endpoint) {
    enum rank best = endpoint->n_methods == 0 ? FOR_ALL : NONE;

    for (size_t i = 0; i < endpoint->n_methods; i++) {
        if (sp_method_is(&endpoint->methods[i], &lookup->method)) {
            return EXACT;
        }
        if (lookup->exchange->is_head_request && is_get(&endpoint->methods[i])) {
            best = GET_FOR_HEAD;
        }
    }
    return best;
}

/* The mounts' conditions, then its own; -EACCES when only peers do not fit. */
static int scope_holds(const struct sp_scope *scope, struct sunpath_http_exchange *exchange) {
    int result = 1;

    for (; scope && scope->is_conditional && result != 0; scope = scope->parent) {
        int r = sp_conditions_hold(scope->mount->conditions, exchange);

        result = r == 1 ? result : r;
    }
    return result;
}

static int holds(const struct sp_endpoint *endpoint, struct sunpath_http_exchange *exchange) {
    const struct sp_target *target = target_of(endpoint);
    int own, around;

    if (sp_likely(!endpoint->is_conditional)) {
        return 1;
    }
    own = sp_conditions_hold(target->route->conditions, exchange);
    around = own == 0 ? 0 : scope_holds(target->scope, exchange);
    return own == 1 || around == 0 ? around : own;
}

/* Takes the best for the method of those that end at one place. */
static bool choose(struct sp_walk *walk, const struct sp_endpoint *first, bool has_slash) {
    struct sp_lookup *lookup = lookup_of(walk);
    const struct sp_endpoint *best = NULL;
    enum rank best_rank = NONE;

    for (const struct sp_endpoint *each = first; each; each = each->next) {
        enum rank rank = rank_of(lookup, each);
        int r;

        if (rank <= best_rank || !sp_endpoint_takes_slash(each, has_slash)) {
            continue;
        }
        r = holds(each, lookup->exchange);
        if (r == 1) {
            best = each;
            best_rank = rank;
            if (rank == EXACT) {
                break;
            }
        }
        lookup->is_forbidden = lookup->is_forbidden || r == -EACCES;
    }
    if (best) {
        lookup->target = target_of(best);
    }
    return best;
}

/* ---- when there is none ---------------------------------------------------------------------- */

/* Adds it to a list that is separated by commas, once. */
static void allow(char *list, const char *method, size_t size) {
    size_t used = strlen(list);

    for (const char *at = list; *at; at += strspn(at, ", ")) {
        size_t n = strcspn(at, ",");

        if (n == size && memcmp(at, method, size) == 0) {
            return;
        }
        at += n;
    }
    if (used + size + 3 <= ALLOW_ROOM) {
        memcpy(list + used, ", ", 2);
        used += used > 0 ? 2 : 0;
        memcpy(list + used, method, size);
        list[used + size] = '\0';
    }
}

static void allow_all(char *list, const struct sp_method *methods, size_t n) {
    for (size_t i = 0; i < n; i++) {
        allow(list, methods[i].name.data, methods[i].name.size);
        if (is_get(&methods[i])) {
            allow(list, "HEAD", 4);
        }
    }
}

/* Collects methods instead of taking a route. */
static bool collect(struct sp_walk *walk, const struct sp_endpoint *first, bool has_slash) {
    struct sp_lookup *lookup = lookup_of(walk);

    for (const struct sp_endpoint *each = first; each; each = each->next) {
        if (sp_endpoint_takes_slash(each, has_slash) && holds(each, lookup->exchange) == 1) {
            if (!*lookup->allow) {
                lookup->scope = target_of(each)->scope;
            }
            allow_all(lookup->allow, each->methods, each->n_methods);
        }
    }
    return false;
}

/* The deepest router on the way has the say when there is no route at all. */
static void note_scope(struct sp_walk *walk, struct sp_mark *first) {
    struct sp_lookup *lookup = lookup_of(walk);

    for (struct sp_mark *each = first; each && !*lookup->allow; each = each->next) {
        const struct sp_scope *scope = sp_container_of(each, const struct sp_scope, mark);
        size_t n = lookup->scope->mark.n_segments;
        bool is_inside = scope->parent == lookup->scope;

        if ((each->n_segments > n || is_inside) && scope_holds(scope, lookup->exchange) == 1) {
            lookup->scope = scope;
        }
    }
}

/* All methods of all routes: "OPTIONS *" asks for no path in particular. As deep as mounts. */
static void allow_router(char *list, const struct sunpath_router *router) {
    for (const struct sp_route *each = router->routes; each; each = each->next) {
        if (each->child) {
            allow_router(list, each->child);
        }
        allow_all(list, each->methods, each->n_methods);
    }
}

static bool is_options(const struct sp_method *method) {
    return method->name.size == 7 && memcmp(method->name.data, "OPTIONS", 7) == 0;
}

static int explain(const struct sunpath_router *router, struct sp_lookup *lookup) {
    lookup->scope = router->scope;
    if (lookup->status == 400 || lookup->status == 501) {
        return 0;
    }
    lookup->allow = sp_arena_alloc(&lookup->exchange->arena, ALLOW_ROOM);
    if (!lookup->allow) {
        return -ENOMEM;
    }
    *lookup->allow = '\0';
    if (lookup->status == 204) {
        allow_router(lookup->allow, router);
        allow(lookup->allow, "OPTIONS", 7);
        return 0;
    }
    lookup->walk.offer = collect;
    lookup->walk.pass = note_scope;
    (void)sp_tree_walk(&router->tree, &lookup->walk, lookup->path, lookup->n_path);
    if (*lookup->allow) {
        allow(lookup->allow, "OPTIONS", 7);
        lookup->status = is_options(&lookup->method) ? 204 : 405;
    } else {
        lookup->status = lookup->is_forbidden ? 403 : 404;
    }
    return 0;
}

const struct sp_target *sp_router_find(const struct sunpath_router *router,
                                       struct sunpath_http_exchange *exchange) {
    const char *bytes = sp_http_exchange_head(exchange);
    struct sp_slice target = sp_http_exchange_routed(exchange, bytes);
    const char *path = target.data, *mark = memchr(path, '?', target.size);
    struct sp_method method =
        sp_method(bytes + exchange->head.method.at, exchange->head.method.size);
    const struct sp_endpoint *each;

    each = sp_tree_find(&router->tree, path, mark ? (size_t)(mark - path) : target.size);
    for (; each && !each->is_conditional && each->slash != SP_SLASH_YES; each = each->next) {
        for (size_t i = 0; i < each->n_methods; i++) {
            if (sp_method_is(&each->methods[i], &method)) {
                return target_of(each);
            }
        }
    }
    return NULL;
}

static int walk(const struct sunpath_router *router, struct sp_lookup *lookup) {
    int r;

    lookup->walk.offer = choose;
    lookup->walk.pass = NULL;
    if (memchr(lookup->path, '%', lookup->n_path)) {
        r = decode_path(lookup);
        lookup->status = r == -EINVAL ? 400 : 0;
        if (r < 0) {
            return r == -EINVAL ? 0 : r;
        }
    }
    (void)sp_tree_walk(&router->tree, &lookup->walk, lookup->path, lookup->n_path);
    return 0;
}

int sp_router_lookup(const struct sunpath_router *router, struct sp_lookup *ret,
                     struct sunpath_http_exchange *exchange, const struct sp_target *found) {
    const char *bytes = sp_http_exchange_head(exchange);
    struct sp_slice target = sp_http_exchange_routed(exchange, bytes);
    int r = 0;

    ret->exchange = exchange;
    ret->target = found;
    ret->status = 0;
    ret->allow = NULL;
    ret->is_forbidden = false;
    ret->walk.separator = '/';
    ret->method = sp_method(bytes + exchange->head.method.at, exchange->head.method.size);
    read_path(ret, target.data, target.size);
    if (!found && ret->status == 0) {
        r = walk(router, ret);
    }
    return ret->target || r < 0 ? r : explain(router, ret);
}
