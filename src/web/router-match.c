/* SPDX-License-Identifier: MIT */
/* router-match.c - what else must be so for a route: host, headers, query, peer. */

#include <errno.h>
#include <string.h>

#include "base/options.h"
#include "web/router.h"

/* ---- copying --------------------------------------------------------------------------------- */

/*
 * A list of "name<mark>value" or "name", NULL at the end, becomes names and values in turn. Behind
 * the colon of a header there may be a space.
 */
static int copy_pairs(const char ***ret, size_t *ret_n, struct sp_arena *arena,
                      const char *const *list, char mark) {
    size_t n = 0;

    while (list && list[n]) {
        n++;
    }
    *ret = sp_arena_alloc(arena, 2 * n * sizeof(**ret));
    if (!*ret) {
        return -ENOMEM;
    }
    *ret_n = n;
    for (size_t i = 0; i < n; i++) {
        const char *value = strchr(list[i], mark);
        size_t n_name = value ? (size_t)(value - list[i]) : strlen(list[i]);
        const char *name = sp_arena_copy(arena, list[i], n_name);

        if (value) {
            value += 1 + (mark == ':' ? strspn(value + 1, " \t") : 0);
            value = sp_arena_copy(arena, value, strlen(value));
        }
        if (!name || (strchr(list[i], mark) && !value)) {
            return -ENOMEM;
        }
        if (mark == ':' && !sp_http_is_token(name, n_name)) {
            return -EINVAL;
        }
        (*ret)[2 * i] = name;
        (*ret)[2 * i + 1] = value;
    }
    return 0;
}

static bool is_host(const char *host) {
    size_t n = strlen(host);

    return n > 0 && strcspn(host, "/ :?#@") == n && !strchr(host + 1, '*') &&
           (host[0] != '*' || host[1] == '.');
}

int sp_conditions_copy(const struct sp_conditions **ret, struct sp_arena *arena,
                       const struct sunpath_router_match *match, const char **why) {
    struct sp_conditions *conditions;
    struct sunpath_router_match given;
    int r;

    *ret = NULL;
    if (!match) {
        return 0;
    }
    r = sp_options_read(&given, sizeof(given), match);
    *why = "the size of its sunpath_router_match is not set";
    if (r < 0) {
        return r;
    }
    *why = "its host is not like 'a.example' or '*.a.example'";
    if (given.host && !is_host(given.host)) {
        return -EINVAL;
    }
    *why = "out of memory";
    conditions = sp_arena_alloc(arena, sizeof(*conditions));
    if (!conditions) {
        return -ENOMEM;
    }
    *conditions = (struct sp_conditions){.access = given.access};
    if (given.host) {
        conditions->host = sp_arena_copy(arena, given.host, strlen(given.host));
        if (!conditions->host) {
            return -ENOMEM;
        }
    }
    r = copy_pairs(&conditions->headers, &conditions->n_headers, arena, given.headers, ':');
    if (r == 0) {
        r = copy_pairs(&conditions->queries, &conditions->n_queries, arena, given.queries, '=');
    }
    if (r < 0) {
        *why = r == -EINVAL ? "its headers are not like 'Name' or 'Name: value'" : *why;
        return r;
    }
    *ret = conditions;
    return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Of "http://host/path", else of the Host header (RFC 9112 3.2.2); without the port. */
static struct sp_slice host_of(struct sunpath_http_exchange *exchange) {
    const char *target = sunpath_http_target(exchange), *colon;
    struct sp_uri_parts parts;
    struct sp_slice host;

    sp_uri_split(&parts, target, exchange->head.target.size);
    host = parts.authority;
    if (!host.data) {
        host.data = sunpath_http_header(exchange, "Host");
        host.size = host.data ? strlen(host.data) : 0;
    }
    colon = host.size > 0 ? memrchr(host.data, ':', host.size) : NULL;
    if (colon && !memchr(colon, ']', (size_t)(host.data + host.size - colon))) {
        host.size = (size_t)(colon - host.data);
    }
    return host;
}

static bool is_at_host(struct sunpath_http_exchange *exchange, const char *wanted) {
    struct sp_slice host = host_of(exchange);
    size_t n = strlen(wanted);

    if (wanted[0] == '*') {
        wanted++;
        n--;
        if (host.size <= n) {
            return false;
        }
        host.data += host.size - n;
        host.size = n;
    }
    return host.size == n && sp_text_is(host.data, wanted, n, true);
}

static bool has_header(struct sunpath_http_exchange *exchange, const char *wanted,
                       const char *wanted_value) {
    const char *name, *value;

    for (size_t i = 0; sp_http_exchange_field_at(exchange, i, &name, &value); i++) {
        if (strcasecmp(name, wanted) == 0 && (!wanted_value || strcmp(value, wanted_value) == 0)) {
            return true;
        }
    }
    return false;
}

static bool has_query(struct sunpath_http_exchange *exchange, const char *wanted,
                      const char *wanted_value) {
    struct sp_slice target = sp_http_exchange_routed(exchange, sp_http_exchange_head(exchange));
    const char *at, *end;
    struct sp_uri_parts parts;
    struct sp_uri_pair pair;

    sp_uri_split(&parts, target.data, target.size);
    at = parts.query.data;
    end = at ? at + parts.query.size : NULL;
    while (at && sp_uri_next_pair(&pair, &at, end)) {
        if (sp_uri_is(pair.name.data, pair.name.size, wanted, SP_URI_PLUS_SPACE) &&
            (!wanted_value ||
             sp_uri_is(pair.value.data, pair.value.size, wanted_value, SP_URI_PLUS_SPACE))) {
            return true;
        }
    }
    return false;
}

int sp_conditions_hold(const struct sp_conditions *conditions,
                       struct sunpath_http_exchange *exchange) {
    if (!conditions) {
        return 1;
    }
    if (conditions->host && !is_at_host(exchange, conditions->host)) {
        return 0;
    }
    for (size_t i = 0; i < conditions->n_headers; i++) {
        if (!has_header(exchange, conditions->headers[2 * i], conditions->headers[2 * i + 1])) {
            return 0;
        }
    }
    for (size_t i = 0; i < conditions->n_queries; i++) {
        if (!has_query(exchange, conditions->queries[2 * i], conditions->queries[2 * i + 1])) {
            return 0;
        }
    }
    return conditions->access &&
                   sunpath_access_check(conditions->access, sunpath_http_fd(exchange)) < 0
               ? -EACCES
               : 1;
}
