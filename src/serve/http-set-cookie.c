/* SPDX-License-Identifier: MIT */
/* http-set-cookie.c - a server asks its client to remember something (RFC 6265bis 4.1). */

#include <sunpath/http-cookies.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "serve/http-server.h"
#include "wire/cookie.h"

#define MAX_ATTRIBUTES (2 * SP_COOKIE_MAX_ATTRIBUTE + 256) /* two of them are of any text */

/* ---- what may stand there -------------------------------------------------------------------- */

static bool is_value(const char *value) {
    for (; *value; value++) {
        if (*value <= ' ' || *value >= 0x7f || strchr("\",;\\", *value)) {
            return false;
        }
    }
    return true;
}

static bool is_attribute(const char *text) {
    size_t n = strlen(text);

    return n > 0 && n <= SP_COOKIE_MAX_ATTRIBUTE && sp_http_is_value(text, n) && !strchr(text, ';');
}

static bool is_domain(const char *domain) {
    return is_attribute(domain) && !strpbrk(domain, "/:@ ,");
}

static bool has_prefix(const char *name, const char *prefix) {
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* What browsers would not take is refused here, where somebody sees it. */
static int check(const char *name, const char *value,
                 const struct sunpath_http_set_cookie_options *options) {
    bool is_plain = !options->domain && (!options->path || strcmp(options->path, "/") == 0);
    bool needs_secure = options->same_site == SUNPATH_SAME_SITE_NONE || options->is_partitioned ||
                        has_prefix(name, "__Secure-") || has_prefix(name, "__Host-");

    if (!sp_http_is_token(name, strlen(name)) || !is_value(value) || options->max_age_s < -1 ||
        (options->path && (options->path[0] != '/' || !is_attribute(options->path))) ||
        (options->domain && !is_domain(options->domain)) ||
        (unsigned)options->same_site > SUNPATH_SAME_SITE_NONE) {
        return -EINVAL;
    }
    if ((needs_secure && !options->is_secure) || (has_prefix(name, "__Host-") && !is_plain)) {
        return -EINVAL;
    }
    return strlen(name) + strlen(value) > SP_COOKIE_MAX_PAIR ? -EMSGSIZE : 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_attributes(char *at, size_t size,
                           const struct sunpath_http_set_cookie_options *options) {
    static const char *const same_sites[] = {"", "; SameSite=Lax", "; SameSite=Strict",
                                             "; SameSite=None"};
    char age[48] = "";

    if (options->max_age_s != 0) {
        snprintf(age, sizeof(age), "; Max-Age=%" PRId64,
                 options->max_age_s < 0 ? 0 : options->max_age_s);
    }
    snprintf(at, size, "; Path=%s%s%s%s%s%s%s%s", options->path ? options->path : "/",
             options->domain ? "; Domain=" : "", options->domain ? options->domain : "", age,
             options->is_secure ? "; Secure" : "", options->is_http_only ? "; HttpOnly" : "",
             same_sites[options->same_site], options->is_partitioned ? "; Partitioned" : "");
}

int sunpath_http_set_cookie(struct sunpath_http_exchange *exchange, const char *name,
                            const char *value,
                            const struct sunpath_http_set_cookie_options *options) {
    struct sunpath_http_set_cookie_options given;
    char text[SP_COOKIE_MAX_PAIR + 2 + MAX_ATTRIBUTES];
    int r;

    if (!name || !value) {
        return -EINVAL;
    }
    r = sp_options_read(&given, sizeof(given), options);
    r = r < 0 ? r : check(name, value, &given);
    if (r < 0) {
        return r;
    }
    r = snprintf(text, sizeof(text), "%s=%s", name, value);
    put_attributes(text + r, sizeof(text) - (size_t)r, &given);
    return sunpath_http_add_header(exchange, "Set-Cookie", text);
}
