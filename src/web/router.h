/* SPDX-License-Identifier: MIT */
/* router.h - what the parts of the router know of each other. */

#ifndef SP_WEB_ROUTER_H
#define SP_WEB_ROUTER_H

#include <sunpath/router.h>

#include "loop/loop.h"
#include "serve/http-server.h"
#include "web/router-tree.h"

/*
 * A router is filled with routes, mounts and middleware (router.c). Compiling (router-compile.c)
 * puts the routes of the outermost router and of all that are mounted in it into one tree, each
 * with its scope: the routers around it. For a request the tree is walked (router-lookup.c); then
 * the scope's middleware runs, if it has any, and the exchange is handed over to the route's
 * handler (router-dispatch.c).
 */

/* Owned by the arena; `headers` and `queries` are names and values in turn, NULL for "any". */
struct sp_conditions {
    const char *host;
    const char **headers;
    size_t n_headers;
    const char **queries;
    size_t n_queries;
    const struct sunpath_access *access;
};

/* A route, or a mount. */
struct sp_route {
    struct sp_route *next;
    const char *text;    /* as it was added */
    const char *pattern; /* the path in it */
    struct sp_method *methods;
    size_t n_methods;
    struct sp_pattern *alternatives;
    const struct sp_conditions *conditions; /* or NULL */
    struct sunpath_router *child;           /* of a mount */
    const struct sunpath_http_handler *handler;
    struct sunpath_http_handler own; /* of one that is a function */
    void *user;
};

struct sp_middleware {
    struct sp_middleware *next;
    struct sp_pattern *alternatives; /* of its prefix; NULL: none */
    void (*run)(struct sunpath_http_exchange *exchange, void *user);
    void *user;
};

struct sunpath_router {
    struct sunpath_router_options options;
    struct sp_arena arena;
    struct sunpath_router *parent;
    struct sp_route *routes, **last_route;
    struct sp_middleware *middleware, **last_middleware;
    void (*on_error)(struct sunpath_http_exchange *exchange, int status, const char *why,
                     void *user);
    void *error_user;
    struct sunpath_error error; /* the first mistake; code 0: none */
    bool is_frozen;             /* it, or what it is mounted in, is compiled */

    /* Of the outermost, when it is compiled. */
    struct sp_tree tree;
    struct sp_scope *scope;
    size_t n_targets;
};

struct sp_step {
    const struct sp_middleware *middleware;
    const struct sp_scope *scope;
};

/* A router where it is mounted: once for each alternative of the prefix. */
struct sp_scope {
    struct sp_mark mark;
    const struct sp_scope *parent;
    const struct sunpath_router *router;
    const struct sp_route *mount; /* NULL: the outermost */
    const char *pattern;          /* of the way here; "" */
    const char **names;           /* of the parameters on the way */
    size_t n_params;
    struct sp_step *steps; /* all middleware on the way, the outermost first */
    size_t n_steps;
    bool has_prefixes; /* some of these are for some paths only */
    bool is_conditional;
};

/* What an exchange's `routing` points to. */
struct sp_routing {
    const struct sp_target *target; /* NULL: no route was found */
    const struct sp_scope *scope;   /* of the middleware that runs, else of the target */
    const char **values;            /* of the target's parameters */
    struct sp_chain *chain;         /* NULL: there is no middleware */
};

/* One alternative of a route in one scope. */
struct sp_target {
    struct sp_endpoint endpoint;
    const struct sp_route *route;
    const struct sp_scope *scope;
    const char *pattern;
    const char **names;
    size_t n_params;
    struct sp_routing plain; /* for exchanges that need none of their own */
    bool is_plain;           /* they do not: there are neither parameters nor middleware */
    struct sp_http_way way;  /* with is_plain, and without conditions */
};

/* router-match.c */
/* Copies what the caller gave. NULL in *ret when it is nothing. -EINVAL, -ENOMEM; `why` says. */
int sp_conditions_copy(const struct sp_conditions **ret, struct sp_arena *arena,
                       const struct sunpath_router_match *match, const char **why);
/* 1; 0: something else than the peer does not fit; -EACCES: only the peer does not. */
int sp_conditions_hold(const struct sp_conditions *conditions,
                       struct sunpath_http_exchange *exchange);

/* router-lookup.c */
/*
 * What a lookup would find, at a fraction of its cost, when the path is a route's that has no
 * parameters and no conditions; or NULL: look it up.
 */
const struct sp_target *sp_router_find(const struct sunpath_router *router,
                                       struct sunpath_http_exchange *exchange);

struct sp_lookup {
    struct sp_walk walk;
    struct sunpath_http_exchange *exchange;
    const char *path; /* decoded, with NULs for slashes, when it has escapes */
    size_t n_path;
    struct sp_method method;

    const struct sp_target *target; /* or NULL, and then: */
    int status;                     /* the answer */
    const struct sp_scope *scope;   /* whose it is */
    char *allow;                    /* for 405 and 204, in the exchange's arena */
    bool is_forbidden;
};
/* `found`: what sp_router_find() did. -ENOMEM */
int sp_router_lookup(const struct sunpath_router *router, struct sp_lookup *ret,
                     struct sunpath_http_exchange *exchange, const struct sp_target *found);

/* router-error.c */
void sp_router_on_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                        void *user);

/* router-compile.c */
int sp_router_compile(struct sunpath_router *router);

#endif
