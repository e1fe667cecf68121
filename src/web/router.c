/* SPDX-License-Identifier: MIT */
/* router.c - a router is filled: routes, mounts, middleware. */

#include "web/router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"
#include "base/text.h"

/* ---- life ------------------------------------------------------------------------------------ */

int sunpath_router_new(struct sunpath_router **ret, const struct sunpath_router_options *options) {
    struct sunpath_router *router;
    int r;

    if (!ret) {
        return -EINVAL;
    }
    router = calloc(1, sizeof(*router));
    if (!router) {
        return -ENOMEM;
    }
    r = sp_options_read(&router->options, sizeof(router->options), options);
    if (r < 0) {
        free(router);
        return r;
    }
    router->last_route = &router->routes;
    router->last_middleware = &router->middleware;
    *ret = router;
    return 0;
}

static void destroy(struct sunpath_router *router) {
    for (struct sp_route *route = router->routes; route; route = route->next) {
        if (route->child) {
            destroy(route->child);
        }
    }
    sp_arena_deinit(&router->arena);
    free(router);
}

struct sunpath_router *sunpath_router_free(struct sunpath_router *router) {
    if (router && !router->parent) {
        destroy(router);
    }
    return NULL;
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static int mistake(struct sunpath_error *error, int code, const char *text, const char *why) {
    struct sp_shown shown;

    return sp_fail(error, code, sp_reason_of_errno(code), "route", "'%s': %s",
                   sp_show(&shown, text, strlen(text)), why);
}

static int no_memory(struct sunpath_error *error, const char *text) {
    return mistake(error, -ENOMEM, text, "out of memory");
}

/* The first one is remembered; what comes too late changes nothing. */
static int remember(struct sunpath_router *router, const struct sunpath_error *error) {
    if (router->error.code == 0 && !router->is_frozen) {
        router->error = *error;
    }
    return error->code;
}

/* ---- routes ---------------------------------------------------------------------------------- */

/* "*", "ANY" and "ALL" are how others say that any method will do. */
static bool is_any(const char *method, size_t size) {
    return (size == 1 && *method == '*') ||
           (size == 3 && (memcmp(method, "ANY", 3) == 0 || memcmp(method, "ALL", 3) == 0));
}

/* "GET|HEAD " in front of a pattern. Stores what follows it. */
static int read_methods(struct sp_route *route, struct sp_arena *arena,
                        struct sunpath_error *error) {
    const char *at = route->text, *space = strchr(at, ' ');
    size_t n = 1;

    route->pattern = at;
    if (*at == '/' || *at == '{') {
        return 0;
    }
    if (!space) {
        return mistake(error, -EINVAL, at, "a route is as in 'GET /path', or '/path'");
    }
    for (const char *each = at; each < space; each++) {
        n += *each == '|';
        if (*each >= 'a' && *each <= 'z') {
            return mistake(error, -EINVAL, at, "methods are written in capitals");
        }
    }
    route->methods = sp_arena_alloc(arena, n * sizeof(*route->methods));
    if (!route->methods) {
        return no_memory(error, at);
    }
    while (route->n_methods < n) {
        size_t size = strcspn(at, "| ");

        if (!sp_http_is_token(at, size)) {
            return mistake(error, -EINVAL, route->text, "a method is missing or malformed");
        }
        if (is_any(at, size)) {
            return mistake(error, -EINVAL, route->text,
                           "a route for all methods has none in front of its path");
        }
        route->methods[route->n_methods++] = sp_method(at, size);
        at += size + 1;
    }
    route->pattern = space + strspn(space, " ");
    return *route->pattern ? 0 : mistake(error, -EINVAL, route->text, "the path is missing");
}

/* `is_prefix`: without a method. */
static int read_route(struct sp_route **ret, struct sunpath_router *router, const char *text,
                      bool is_prefix, const struct sunpath_router_match *match,
                      struct sunpath_error *error) {
    struct sp_route *route = sp_arena_alloc(&router->arena, sizeof(*route));
    const char *why = NULL;
    int r;

    if (router->is_frozen) {
        return mistake(error, -EBUSY, text, "the router is compiled already");
    }
    if (!route) {
        return no_memory(error, text);
    }
    *route = (struct sp_route){0};
    route->text = route->pattern = sp_arena_copy(&router->arena, text, strlen(text));
    if (!route->text) {
        return no_memory(error, text);
    }
    r = is_prefix ? 0 : read_methods(route, &router->arena, error);
    if (r < 0) {
        return r;
    }
    r = sp_pattern_parse(&route->alternatives, &router->arena, route->pattern, route->text, error);
    if (r < 0) {
        return r;
    }
    r = sp_conditions_copy(&route->conditions, &router->arena, match, &why);
    if (r < 0) {
        return mistake(error, r, text, why);
    }
    *ret = route;
    return 0;
}

static void append(struct sunpath_router *router, struct sp_route *route) {
    *router->last_route = route;
    router->last_route = &route->next;
}

int sunpath_router_add(struct sunpath_router *router, const char *route,
                       const struct sunpath_http_handler *handler, void *user,
                       const struct sunpath_router_match *match) {
    struct sunpath_error error = {0};
    struct sp_route *added = NULL;
    int r;

    if (!router || !route) {
        return -EINVAL;
    }
    if (!handler || !handler->on_request) {
        mistake(&error, -EINVAL, route, "it has no handler");
        return remember(router, &error);
    }
    r = read_route(&added, router, route, false, match, &error);
    if (r < 0) {
        return remember(router, &error);
    }
    added->handler = handler;
    added->user = user;
    append(router, added);
    return 0;
}

int sunpath_router_on(struct sunpath_router *router, const char *route,
                      void (*on_request)(struct sunpath_http_exchange *exchange, void *user),
                      void *user) {
    struct sunpath_error error = {0};
    struct sp_route *added = NULL;
    int r;

    if (!router || !route) {
        return -EINVAL;
    }
    if (!on_request) {
        mistake(&error, -EINVAL, route, "it has no handler");
        return remember(router, &error);
    }
    r = read_route(&added, router, route, false, NULL, &error);
    if (r < 0) {
        return remember(router, &error);
    }
    added->own.on_request = on_request;
    added->handler = &added->own;
    added->user = user;
    append(router, added);
    return 0;
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static bool has_wildcard(const struct sp_pattern *alternatives) {
    for (; alternatives; alternatives = alternatives->next) {
        if (alternatives->wild < alternatives->n_segments) {
            return true;
        }
    }
    return false;
}

static int may_mount(const struct sunpath_router *router, const char *prefix,
                     const struct sunpath_router *child, struct sunpath_error *error) {
    if (!child) {
        return mistake(error, -EINVAL, prefix, "there is no router to mount");
    }
    for (const struct sunpath_router *each = router; each; each = each->parent) {
        if (each == child) {
            return mistake(error, -ELOOP, prefix, "a router cannot be mounted in itself");
        }
    }
    if (child->parent || child->is_frozen) {
        return mistake(error, -EBUSY, prefix, "the router is mounted or compiled already");
    }
    return 0;
}

int sunpath_router_mount(struct sunpath_router *router, const char *prefix,
                         struct sunpath_router *child, const struct sunpath_router_match *match) {
    struct sunpath_error error = {0};
    struct sp_route *mount = NULL;
    int r;

    if (!router || !prefix) {
        return -EINVAL;
    }
    r = may_mount(router, prefix, child, &error);
    r = r < 0 ? r : read_route(&mount, router, prefix, true, match, &error);
    if (r == 0 && has_wildcard(mount->alternatives)) {
        r = mistake(&error, -EINVAL, prefix, "a prefix has no wildcard");
    }
    if (r < 0) {
        return remember(router, &error);
    }
    mount->child = child;
    child->parent = router;
    append(router, mount);
    return 0;
}

int sunpath_router_mount_handler(struct sunpath_router *router, const char *prefix,
                                 const struct sunpath_http_handler *handler, void *user,
                                 const struct sunpath_router_match *match) {
    struct sunpath_router *child = NULL;
    struct sunpath_error error = {0};
    int r;

    if (!router || !prefix) {
        return -EINVAL;
    }
    if (!handler || !handler->on_request) {
        mistake(&error, -EINVAL, prefix, "it has no handler");
        return remember(router, &error);
    }
    r = sunpath_router_new(&child, NULL);
    r = r < 0 ? r : sunpath_router_add(child, "{/*path}", handler, user, NULL);
    if (r < 0) {
        sunpath_router_free(child);
        no_memory(&error, prefix);
        return remember(router, &error);
    }
    r = sunpath_router_mount(router, prefix, child, match);
    if (r < 0) {
        sunpath_router_free(child);
    }
    return r;
}

/* ---- middleware ------------------------------------------------------------------------------ */

static int add_middleware(struct sunpath_router *router, const char *prefix,
                          void (*middleware)(struct sunpath_http_exchange *exchange, void *user),
                          void *user, struct sunpath_error *error) {
    struct sp_middleware *added = sp_arena_alloc(&router->arena, sizeof(*added));
    struct sp_route *route = NULL;
    int r;

    if (!middleware) {
        return mistake(error, -EINVAL, prefix, "the middleware is no function");
    }
    if (!added) {
        return no_memory(error, prefix);
    }
    r = read_route(&route, router, prefix, true, NULL, error);
    if (r < 0) {
        return r;
    }
    if (has_wildcard(route->alternatives)) {
        return mistake(error, -EINVAL, prefix, "a prefix has no wildcard");
    }
    *added = (struct sp_middleware){.run = middleware, .user = user};
    if (route->alternatives->n_segments > 0) {
        added->alternatives = route->alternatives;
    }
    *router->last_middleware = added;
    router->last_middleware = &added->next;
    return 0;
}

int sunpath_router_use(struct sunpath_router *router, const char *prefix,
                       void (*middleware)(struct sunpath_http_exchange *exchange, void *user),
                       void *user) {
    struct sunpath_error error = {0};

    if (!router) {
        return -EINVAL;
    }
    if (add_middleware(router, prefix ? prefix : "", middleware, user, &error) < 0) {
        return remember(router, &error);
    }
    return 0;
}

int sunpath_router_on_error(struct sunpath_router *router,
                            void (*on_error)(struct sunpath_http_exchange *exchange, int status,
                                             const char *why, void *user),
                            void *user) {
    struct sunpath_error error = {0};

    if (!router) {
        return -EINVAL;
    }
    if (!on_error) {
        sp_fail(&error, -EINVAL, SUNPATH_REASON_INVALID, "route", "the error stage is no function");
        return remember(router, &error);
    }
    if (router->on_error || router->is_frozen) {
        sp_fail(&error, router->on_error ? -EEXIST : -EBUSY, SUNPATH_REASON_INVALID, "route", "%s",
                router->on_error ? "a router has one error stage"
                                 : "the router is compiled already");
        return remember(router, &error);
    }
    router->on_error = on_error;
    router->error_user = user;
    return 0;
}

int sunpath_router_compile(struct sunpath_router *router, struct sunpath_error *error) {
    int r;

    if (!router || router->parent) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "route",
                       router ? "a mounted router is compiled with the one around it"
                              : "without a router");
    }
    r = router->is_frozen ? router->error.code : sp_router_compile(router);
    if (r < 0 && error) {
        *error = router->error;
    }
    return r;
}
