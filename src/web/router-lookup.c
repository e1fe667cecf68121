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

/* Decodes each segment by itself, so that an escaped slash separates nothing: a NUL does. */
static int decode_path(struct sp_lookup *lookup) {
    char *room = sp_arena_alloc(&lookup->exchange->arena, lookup->n_path + 1), *to = room;
    const char *at = lookup->path, *end = at + lookup->n_path;

    if (!room) {
        return -ENOMEM;
    }
    while (at < end) {
        const char *text = at + 1;
        const char *stop = memchr(text, '/', (size_t)(end - text));
        ssize_t n;

        stop = stop ? stop : end;
        *to++ = '\0';
        n = sp_uri_decode(to, text, (size_t)(stop - text), SP_URI_STRICT);
        if (n < 0) {
            return -EINVAL;
        }
        to += n;
        at = stop;
    }
    lookup->path = room;
    lookup->n_path = (size_t)(to - room);
    lookup->walk.separator = '\0';
    return 0;
}

/* Sets the answer when the target has no path that can be looked up. */
static int read_path(struct sp_lookup *lookup) {
    const char *target = sunpath_http_target(lookup->exchange), *mark;
    size_t size = lookup->exchange->head.target.size;
    struct sp_uri_parts parts;
    int r;

    lookup->walk.separator = '/';
    if (sp_likely(*target == '/')) {
        mark = memchr(target, '?', size);
        lookup->path = target;
        lookup->n_path = mark ? (size_t)(mark - target) : size;
    } else {
        sp_uri_split(&parts, target, size);
        lookup->path = parts.path.data;
        lookup->n_path = parts.path.size;
    }
    if (!lookup->path) {
        lookup->status = *target == '*' ? 204 : 501;
    } else if (sp_unlikely(memchr(lookup->path, '%', lookup->n_path))) {
        r = decode_path(lookup);
        lookup->status = r == -EINVAL ? 400 : 0;
        return r == -EINVAL ? 0 : r;
    }
    return 0;
}

/* ---- the route ------------------------------------------------------------------------------- */

enum rank {
    NONE,
    FOR_ALL,
    GET_FOR_HEAD,
    EXACT,
};

static enum rank rank_of(const struct sp_lookup *lookup, const struct sp_endpoint *endpoint) {
    enum rank best = endpoint->n_methods == 0 ? FOR_ALL : NONE;

    for (size_t i = 0; i < endpoint->n_methods; i++) {
        struct sp_slice method = endpoint->methods[i];

        if (method.size == lookup->n_method &&
            memcmp(method.data, lookup->method, method.size) == 0) {
            return EXACT;
        }
        if (lookup->exchange->is_head_request && method.size == 3 &&
            memcmp(method.data, "GET", 3) == 0) {
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

static void allow_all(char *list, const struct sp_slice *methods, size_t n) {
    for (size_t i = 0; i < n; i++) {
        allow(list, methods[i].data, methods[i].size);
        if (methods[i].size == 3 && memcmp(methods[i].data, "GET", 3) == 0) {
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

static bool is_options(const struct sp_lookup *lookup) {
    return lookup->n_method == 7 && memcmp(lookup->method, "OPTIONS", 7) == 0;
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
        lookup->status = is_options(lookup) ? 204 : 405;
    } else {
        lookup->status = lookup->is_forbidden ? 403 : 404;
    }
    return 0;
}

int sp_router_lookup(const struct sunpath_router *router, struct sp_lookup *ret,
                     struct sunpath_http_exchange *exchange) {
    int r;

    ret->exchange = exchange;
    ret->target = NULL;
    ret->status = 0;
    ret->allow = NULL;
    ret->is_forbidden = false;
    ret->method = sunpath_http_method(exchange);
    ret->n_method = exchange->head.method.size;
    ret->walk.offer = choose;
    ret->walk.pass = NULL;
    r = read_path(ret);
    if (r < 0) {
        return r;
    }
    if (ret->status == 0 && sp_tree_walk(&router->tree, &ret->walk, ret->path, ret->n_path)) {
        return 0;
    }
    return explain(router, ret);
}
