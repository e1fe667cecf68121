/* SPDX-License-Identifier: MIT */
/* cors.c - what pages of other origins may ask for. */

#include <sunpath/cors.h>
#include <sunpath/router.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "wire/http1.h"

struct sunpath_cors {
    char **origins;
    size_t n_origins;
    char *methods, *headers, *expose;
    bool allows_all, allows_credentials;
    char max_age[16]; /* "" when it is not said */
};

/* ---- origins --------------------------------------------------------------------------------- */

/* "scheme://host" with perhaps a port: neither path nor space. "*." before the host is ours. */
static bool is_origin(const char *text) {
    const char *host = strstr(text, "://");

    if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0) {
        return true;
    }
    return host && host > text && host[3] && !strpbrk(host + 3, "/ ,?#@") &&
           sp_http_is_value(text, strlen(text));
}

/* A rule with "*." matches what ends in its rest and has something before it. */
static bool matches(const char *rule, const char *origin) {
    const char *star = strstr(rule, "://*.");
    size_t n_scheme, n_rest, n_origin;

    if (!star) {
        return strcasecmp(rule, origin) == 0;
    }
    n_scheme = (size_t)(star + 3 - rule);
    n_rest = strlen(star + 4); /* ".example" */
    n_origin = strlen(origin);
    return n_origin > n_scheme + n_rest && strncasecmp(rule, origin, n_scheme) == 0 &&
           strcasecmp(origin + n_origin - n_rest, star + 4) == 0;
}

static bool is_allowed(const struct sunpath_cors *cors, const char *origin) {
    for (size_t i = 0; i < cors->n_origins; i++) {
        if (matches(cors->origins[i], origin)) {
            return true;
        }
    }
    return cors->allows_all;
}

/* ---- headers --------------------------------------------------------------------------------- */

static int add(struct sunpath_http_exchange *exchange, int r, const char *name, const char *value) {
    return r < 0 || !value ? r : sunpath_http_add_header(exchange, name, value);
}

static int answer_preflight(const struct sunpath_cors *cors, struct sunpath_http_exchange *exchange,
                            bool may_ask) {
    const char *asked = sunpath_http_header(exchange, "Access-Control-Request-Headers");
    int r = 0;

    r = add(exchange, r, "Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
    if (may_ask) {
        r = add(exchange, r, "Access-Control-Allow-Methods", cors->methods);
        r = add(exchange, r, "Access-Control-Allow-Headers", cors->headers ? cors->headers : asked);
        r = add(exchange, r, "Access-Control-Max-Age", *cors->max_age ? cors->max_age : NULL);
    }
    r = r < 0 ? r : sunpath_http_respond(exchange, 204, NULL, NULL, 0);
    return r < 0 ? r : 1;
}

int sunpath_cors_apply(const struct sunpath_cors *cors, struct sunpath_http_exchange *exchange) {
    const char *origin = sunpath_http_header(exchange, "Origin");
    bool may_ask = origin && is_allowed(cors, origin);
    bool says_star = cors->allows_all && !cors->allows_credentials;
    int r = 0;

    if (!says_star) {
        r = add(exchange, r, "Vary", "Origin"); /* also when none came: caches keep that answer */
    }
    if (may_ask) {
        r = add(exchange, r, "Access-Control-Allow-Origin", says_star ? "*" : origin);
        r = add(exchange, r, "Access-Control-Allow-Credentials",
                cors->allows_credentials ? "true" : NULL);
    }
    if (r < 0) {
        return r;
    }
    if (origin && strcmp(sunpath_http_method(exchange), "OPTIONS") == 0 &&
        sunpath_http_header(exchange, "Access-Control-Request-Method")) {
        return answer_preflight(cors, exchange, may_ask);
    }
    return may_ask ? add(exchange, r, "Access-Control-Expose-Headers", cors->expose) : 0;
}

void sunpath_cors_middleware(struct sunpath_http_exchange *exchange, void *user) {
    int r = sunpath_cors_apply(user, exchange);

    if (r == 0) {
        (void)sunpath_router_next(exchange);
    } else if (r < 0) {
        (void)sunpath_http_fail(exchange, 503, NULL);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static int set_text(char **ret, const char *text) {
    if (!text) {
        return 0;
    }
    if (!sp_http_is_value(text, strlen(text))) {
        return -EINVAL;
    }
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

static int set_origins(struct sunpath_cors *cors, const char *const *origins) {
    size_t n = 0;

    while (origins && origins[n]) {
        if (!is_origin(origins[n++])) {
            return -EINVAL;
        }
    }
    if (n == 0) {
        return -EINVAL;
    }
    cors->origins = calloc(n, sizeof(*cors->origins));
    if (!cors->origins) {
        return -ENOMEM;
    }
    for (; cors->n_origins < n; cors->n_origins++) {
        char *copy = strdup(origins[cors->n_origins]);

        if (!copy) {
            return -ENOMEM;
        }
        cors->allows_all = cors->allows_all || strcmp(copy, "*") == 0;
        cors->origins[cors->n_origins] = copy;
    }
    return cors->allows_all && cors->allows_credentials ? -EINVAL : 0;
}

int sunpath_cors_new(struct sunpath_cors **ret, const struct sunpath_cors_options *given) {
    struct sunpath_cors_options options;
    struct sunpath_cors *cors;
    int r;

    r = sp_options_read(&options, sizeof(options), given);
    if (r < 0 || options.max_age_s < 0) {
        return -EINVAL;
    }
    cors = calloc(1, sizeof(*cors));
    if (!cors) {
        return -ENOMEM;
    }
    cors->allows_credentials = options.allows_credentials;
    if (options.max_age_s > 0) {
        snprintf(cors->max_age, sizeof(cors->max_age), "%d", options.max_age_s);
    }
    r = set_origins(cors, options.origins);
    r = r < 0 ? r
              : set_text(&cors->methods,
                         options.methods ? options.methods : "GET, HEAD, POST, PUT, PATCH, DELETE");
    r = r < 0 ? r : set_text(&cors->headers, options.headers);
    r = r < 0 ? r : set_text(&cors->expose, options.expose);
    if (r < 0) {
        sunpath_cors_free(cors);
        return r;
    }
    *ret = cors;
    return 0;
}

struct sunpath_cors *sunpath_cors_free(struct sunpath_cors *cors) {
    if (!cors) {
        return NULL;
    }
    for (size_t i = 0; i < cors->n_origins; i++) {
        free(cors->origins[i]);
    }
    free(cors->origins);
    free(cors->methods);
    free(cors->headers);
    free(cors->expose);
    free(cors);
    return NULL;
}
