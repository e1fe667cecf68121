/* SPDX-License-Identifier: MIT */
/* rules.c - a request under the rules: redirected, rewritten, its answer's headers changed. */

#include <errno.h>
#include <string.h>

#include <sunpath/router.h>

#include "serve/http-server.h"
#include "web/rules.h"

struct header {
    enum sp_rule_kind kind;
    const char *name, *value;
};

/* The headers that an exchange's answer gets; in its arena, so that the rules may go meanwhile. */
struct headers {
    struct sp_http_hook hook;
    bool is_done; /* what is added is there */
    size_t n;
    struct header headers[];
};

/* ---- matching -------------------------------------------------------------------------------- */

static bool take(struct sp_walk *walk, const struct sp_endpoint *first, bool has_slash) {
    struct sp_rule_match *match = sp_container_of(walk, struct sp_rule_match, walk);

    for (; first; first = first->next) {
        if (sp_endpoint_takes_slash(first, has_slash)) {
            match->way = sp_container_of(first, const struct sp_rule_way, endpoint);
            return true;
        }
    }
    return false;
}

static bool fits(const struct sp_rule *rule, struct sp_rule_match *match, struct sp_slice path,
                 char separator) {
    match->way = NULL;
    match->walk.separator = separator;
    match->walk.offer = take;
    match->walk.pass = NULL;
    return sp_tree_walk(&rule->tree, &match->walk, path.data, path.size);
}

/* As rules see it. 0: there is none that could fit. */
static int read_path(struct sunpath_http_exchange *exchange, struct sp_slice *ret,
                     char *ret_separator) {
    const char *path = sunpath_http_path(exchange);
    size_t size = strlen(path);
    char *room;
    ssize_t n;

    *ret = (struct sp_slice){path, size};
    *ret_separator = '/';
    if (path[0] != '/' || !memchr(path, '%', size)) {
        return path[0] == '/';
    }
    room = sp_arena_alloc(&exchange->arena, size + 1);
    if (!room) {
        return -ENOMEM;
    }
    n = sp_path_decode(room, path, size);
    *ret = (struct sp_slice){room, n < 0 ? 0 : (size_t)n};
    *ret_separator = '\0';
    return n >= 0;
}

/* ---- headers --------------------------------------------------------------------------------- */

static int on_start(struct sp_http_hook *hook, struct sunpath_http_exchange *exchange) {
    struct headers *headers = sp_container_of(hook, struct headers, hook);
    int r = 0;

    for (size_t i = 0; r == 0 && i < headers->n; i++) {
        const struct header *header = &headers->headers[i];

        if (header->kind != SP_RULE_ADD) {
            r = sunpath_http_set_header(exchange, header->name, header->value);
        } else if (!headers->is_done) {
            r = sunpath_http_add_header(exchange, header->name, header->value);
        }
    }
    headers->is_done = r == 0;
    return r;
}

static int copy_header(struct header *ret, struct sp_arena *arena, const struct sp_rule *rule) {
    const char *value = rule->value;

    ret->kind = rule->kind;
    ret->name = sp_arena_copy(arena, rule->name, strlen(rule->name));
    ret->value = value ? sp_arena_copy(arena, value, strlen(value)) : NULL;
    return ret->name && (ret->value || !value) ? 0 : -ENOMEM;
}

static int note_headers(const struct sunpath_rules *rules, struct sunpath_http_exchange *exchange,
                        struct sp_slice path, char separator) {
    struct headers *headers = NULL;
    struct sp_rule_match match;

    for (const struct sp_rule *each = rules->first; each; each = each->next) {
        if (each->kind < SP_RULE_SET || !fits(each, &match, path, separator)) {
            continue;
        }
        if (!headers) {
            headers = sp_arena_alloc(&exchange->arena,
                                     sizeof(*headers) + rules->n * sizeof(*headers->headers));
            if (!headers) {
                return -ENOMEM;
            }
            *headers = (struct headers){.hook = {.on_start = on_start}};
        }
        if (copy_header(&headers->headers[headers->n++], &exchange->arena, each) < 0) {
            return -ENOMEM;
        }
    }
    if (headers) {
        sp_http_exchange_add_hook(exchange, &headers->hook);
    }
    return 0;
}

/* ---- redirects and rewrites ------------------------------------------------------------------ */

static int lead(const struct sp_rule *rule, struct sunpath_http_exchange *exchange,
                const char *target) {
    int r;

    if (rule->kind == SP_RULE_REWRITE) {
        return sunpath_http_rewrite(exchange, target);
    }
    r = sunpath_http_set_header(exchange, "Location", target);
    r = r < 0 ? r : sunpath_http_respond(exchange, rule->status, NULL, NULL, 0);
    return r < 0 ? r : 1;
}

int sunpath_rules_apply(const struct sunpath_rules *rules, struct sunpath_http_exchange *exchange) {
    struct sp_rule_match match;
    struct sp_slice path;
    char separator;
    int r;

    r = read_path(exchange, &path, &separator);
    if (r <= 0) {
        return r;
    }
    r = note_headers(rules, exchange, path, separator);
    for (const struct sp_rule *each = rules->first; each && r == 0; each = each->next) {
        const char *target;

        if (each->kind > SP_RULE_REWRITE || !fits(each, &match, path, separator)) {
            continue;
        }
        r = sp_rule_fill(&target, each, &exchange->arena, &match,
                         sunpath_http_query_string(exchange));
        if (r == 1) {
            return lead(each, exchange, target);
        }
    }
    return r;
}

/* ---- in front of others ---------------------------------------------------------------------- */

/* Does the request go on? Else it is answered. */
static bool passes(const struct sunpath_rules *rules, struct sunpath_http_exchange *exchange) {
    int r = sunpath_rules_apply(rules, exchange);

    if (r < 0) {
        (void)sunpath_http_fail(exchange, r == -EMSGSIZE ? 414 : 503, NULL);
    }
    return r == 0;
}

void sunpath_rules_middleware(struct sunpath_http_exchange *exchange, void *user) {
    if (passes(user, exchange)) {
        (void)sunpath_router_next(exchange);
    }
}

static void on_head(struct sunpath_http_exchange *exchange, void *user) {
    const struct sunpath_ruled *ruled = user;

    if (!passes(ruled->rules, exchange)) {
        return;
    }
    if (sunpath_http_set_handler(exchange, ruled->handler, ruled->user) < 0) {
        (void)sunpath_http_fail(exchange, 500, NULL);
    } else if (ruled->handler->on_head) {
        ruled->handler->on_head(exchange, ruled->user);
    }
}

/* Only of a request that is answered. */
static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange;
    (void)user;
}

/* When it is a route's by now, or never got there: what is around the routes has its say as well.
 */
static void on_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                     void *user) {
    const struct sunpath_ruled *ruled = user;

    if (exchange->handler != ruled->handler && ruled->handler->on_error) {
        ruled->handler->on_error(exchange, status, why, ruled->user);
    }
}

const struct sunpath_http_handler *sunpath_rules_handler(void) {
    static const struct sunpath_http_handler handler = {
        .on_head = on_head,
        .on_request = on_request,
        .on_error = on_error,
    };

    return &handler;
}
