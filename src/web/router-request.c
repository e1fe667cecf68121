/* SPDX-License-Identifier: MIT */
/* router-request.c - what handlers can ask about the route. */

#include <string.h>

#include "web/router.h"

/* ---- parameters ------------------------------------------------------------------------------ */

/* The innermost of that name. */
const char *sunpath_http_param(struct sunpath_http_exchange *exchange, const char *name) {
    const struct sp_routing *routing = exchange->routing;
    const struct sp_target *target = routing ? routing->target : NULL;

    for (size_t i = target ? target->n_params : 0; i-- > 0;) {
        if (strcmp(target->names[i], name) == 0) {
            return routing->values[i];
        }
    }
    return NULL;
}

bool sunpath_http_param_at(struct sunpath_http_exchange *exchange, size_t index,
                           const char **ret_name, const char **ret_value) {
    const struct sp_routing *routing = exchange->routing;

    if (!routing || !routing->target || index >= routing->target->n_params) {
        return false;
    }
    *ret_name = routing->target->names[index];
    *ret_value = routing->values[index];
    return true;
}

const char *sunpath_http_route(struct sunpath_http_exchange *exchange) {
    return exchange->route;
}

/* ---- the path, in two ------------------------------------------------------------------------ */

/* Where the segments of the mount end. */
static const char *find_border(struct sunpath_http_exchange *exchange, const char *path) {
    const struct sp_routing *routing = exchange->routing;
    size_t n = routing ? routing->scope->mark.n_segments : 0;

    for (; n > 0 && *path == '/'; n--) {
        path += 1 + strcspn(path + 1, "/");
    }
    return path;
}

const char *sunpath_http_base_path(struct sunpath_http_exchange *exchange) {
    const char *path = sunpath_http_path(exchange);
    const char *border = find_border(exchange, path), *base;

    if (border == path) {
        return "";
    }
    base = sp_arena_copy(&exchange->arena, path, (size_t)(border - path));
    return base ? base : "";
}

const char *sunpath_http_local_path(struct sunpath_http_exchange *exchange) {
    const char *border = find_border(exchange, sunpath_http_path(exchange));

    return *border ? border : "/";
}
