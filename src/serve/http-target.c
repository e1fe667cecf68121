/* SPDX-License-Identifier: MIT */
/* http-target.c - what a handler can ask about the target and the cookies. */

#include "serve/http-server.h"

#include <errno.h>
#include <string.h>

#include "wire/uri.h"

/* ---- the target ------------------------------------------------------------------------------ */

/* As routes go by it. */
static const char *routed(struct sunpath_http_exchange *exchange) {
    return exchange->rewritten.data ? exchange->rewritten.data : sunpath_http_target(exchange);
}

int sunpath_http_rewrite(struct sunpath_http_exchange *exchange, const char *target) {
    size_t size = strlen(target);
    const char *copy;

    if (exchange->is_started) {
        return -EALREADY;
    }
    if (target[0] != '/' || !sp_http_is_target(target, size)) {
        return -EINVAL;
    }
    copy = sp_arena_copy(&exchange->arena, target, size);
    if (!copy) {
        return -ENOMEM;
    }
    exchange->rewritten = (struct sp_slice){copy, size};
    exchange->path = NULL;
    exchange->query_index = exchange->query_at = 0;
    return 0;
}

const char *sunpath_http_path(struct sunpath_http_exchange *exchange) {
    struct sp_uri_parts parts;
    const char *target;
    size_t size;

    if (exchange->path) {
        return exchange->path;
    }
    target = routed(exchange);
    size = strlen(target);
    sp_uri_split(&parts, target, size);
    if (!parts.path.data) {
        parts.path = (struct sp_slice){target, size}; /* "*", or host:port */
    }
    exchange->path = sp_arena_copy(&exchange->arena, parts.path.data, parts.path.size);
    return exchange->path ? exchange->path : "";
}

/* Behind the "?", up to the NUL behind the target. */
static const char *query_of(struct sunpath_http_exchange *exchange) {
    const char *target = routed(exchange);
    const char *mark = strchr(target, '?');

    return mark ? mark + 1 : NULL;
}

const char *sunpath_http_query_string(struct sunpath_http_exchange *exchange) {
    const char *query = query_of(exchange);

    return query ? sp_arena_copy(&exchange->arena, query, strlen(query)) : NULL;
}

static const char *decoded(struct sunpath_http_exchange *exchange, struct sp_slice slice) {
    char *room = sp_arena_alloc(&exchange->arena, slice.size + 1);

    if (room) {
        (void)sp_uri_decode(room, slice.data, slice.size, SP_URI_LENIENT | SP_URI_PLUS_SPACE);
    }
    return room;
}

const char *sunpath_http_query(struct sunpath_http_exchange *exchange, const char *name) {
    const char *at = query_of(exchange), *end = at ? at + strlen(at) : NULL;
    struct sp_uri_pair pair;

    while (at && sp_uri_next_pair(&pair, &at, end)) {
        if (sp_uri_is(pair.name.data, pair.name.size, name, SP_URI_PLUS_SPACE)) {
            return decoded(exchange, pair.value);
        }
    }
    return NULL;
}

/* Goes on where the last call ended, so that going through all of them takes the time of one. */
static bool find_pair(struct sunpath_http_exchange *exchange, size_t index,
                      struct sp_uri_pair *ret) {
    const char *query = query_of(exchange), *at, *end;
    bool is_behind = index >= exchange->query_index;
    size_t i = is_behind ? exchange->query_index : 0;

    if (!query) {
        return false;
    }
    at = query + (is_behind ? exchange->query_at : 0);
    end = query + strlen(query);
    for (; sp_uri_next_pair(ret, &at, end); i++) {
        if (i == index) {
            exchange->query_index = index + 1;
            exchange->query_at = (size_t)(at - query);
            return true;
        }
    }
    return false;
}

bool sunpath_http_query_at(struct sunpath_http_exchange *exchange, size_t index,
                           const char **ret_name, const char **ret_value) {
    struct sp_uri_pair pair;
    const char *name, *value;

    if (!find_pair(exchange, index, &pair)) {
        return false;
    }
    name = decoded(exchange, pair.name);
    value = decoded(exchange, pair.value);
    if (!name || !value) {
        return false;
    }
    *ret_name = name;
    *ret_value = value;
    return true;
}

/* ---- cookies --------------------------------------------------------------------------------- */

static const char *cookie_in(struct sunpath_http_exchange *exchange, const char *header,
                             const char *name) {
    const char *at = header, *end = header + strlen(header);
    size_t n_name = strlen(name);
    struct sp_uri_pair pair;

    while (sp_cookie_next(&pair, &at, end)) {
        if (pair.name.size == n_name && memcmp(pair.name.data, name, n_name) == 0) {
            return sp_arena_copy(&exchange->arena, pair.value.data, pair.value.size);
        }
    }
    return NULL;
}

const char *sunpath_http_cookie(struct sunpath_http_exchange *exchange, const char *name) {
    const char *header, *value, *found = NULL;

    for (size_t i = 0; !found && sp_http_exchange_field_at(exchange, i, &header, &value); i++) {
        if (strcasecmp(header, "Cookie") == 0) {
            found = cookie_in(exchange, value, name);
        }
    }
    return found;
}
