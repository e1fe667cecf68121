/* SPDX-License-Identifier: MIT */
/* http-cookies.h - what a server asks its clients to remember (RFC 6265bis). */

#ifndef SUNPATH_HTTP_COOKIES_H
#define SUNPATH_HTTP_COOKIES_H

#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sunpath_http_exchange;

/* ---- a server sets them ---------------------------------------------------------------------- */

enum sunpath_same_site {
    SUNPATH_SAME_SITE_DEFAULT = 0, /* nothing is said: browsers take it for Lax */
    SUNPATH_SAME_SITE_LAX,
    SUNPATH_SAME_SITE_STRICT,
    SUNPATH_SAME_SITE_NONE /* needs is_secure */
};

struct sunpath_http_set_cookie_options {
    size_t size;
    const char *path;    /* requests below it get the cookie; NULL: "/" */
    const char *domain;  /* and hosts below that; NULL: this host alone */
    int64_t max_age_s;   /* 0: until the browser ends; -1: the cookie is removed */
    bool is_secure;      /* over TLS alone */
    bool is_http_only;   /* not for scripts */
    bool is_partitioned; /* one for each site that embeds this one; needs is_secure */
    enum sunpath_same_site same_site;
};

/*
 * Adds a Set-Cookie header to the response. `value` goes out as it is, and sunpath_http_cookie()
 * reads it back as it is, so encode what may not stand there. -EINVAL: a name that is no token, a
 * value with spaces, quotes, commas, semicolons, backslashes or bytes that are not ASCII; what
 * needs is_secure without it, "__Secure-" names included; a "__Host-" name that is not secure, with
 * a domain or another path than "/". -EMSGSIZE: over 4,096 bytes, which browsers ignore. Else as
 * sunpath_http_add_header().
 */
SUNPATH_API int sunpath_http_set_cookie(struct sunpath_http_exchange *exchange, const char *name,
                                        const char *value,
                                        const struct sunpath_http_set_cookie_options *options);

/* ---- a client keeps them --------------------------------------------------------------------- */

/*
 * A jar belongs to one socket address: that of the first client that uses it. Behind a socket there
 * is one server, so cookies have no domain; the Domain attribute is read over (services behind a
 * proxy set their public one). Clients of the same address may share a jar, in one thread; it must
 * outlive them.
 *
 * Secure cookies are kept and sent over Unix sockets: what goes through one does not leave the
 * kernel, which is the trust that browsers give to localhost. Over TCP they are neither.
 *
 * At most 150 cookies and 64 KiB; then those go that were not sent or set for longest. A cookie
 * over 4,096 bytes is ignored, and requests carry up to 8,190 bytes of them.
 */
struct sunpath_http_cookies;

struct sunpath_http_cookie {
    const char *name;
    const char *value;
    const char *path;  /* requests below it get the cookie; NULL: "/" */
    int64_t expires;   /* Unix seconds; 0: when the program ends */
    bool is_secure;    /* not over TCP */
    bool is_http_only; /* for browsers; kept for whoever reads the jar */
};

/* -ENOMEM. */
SUNPATH_API int sunpath_http_cookies_new(struct sunpath_http_cookies **ret);
SUNPATH_API struct sunpath_http_cookies *sunpath_http_cookies_free(
    struct sunpath_http_cookies *cookies);

/*
 * Adds a copy of a cookie, or replaces the one of the same name and path; a time in the past
 * removes it. -EINVAL: bytes that may not stand in it, a path that does not begin with "/";
 * -EMSGSIZE, -ENOMEM.
 */
SUNPATH_API int sunpath_http_cookies_add(struct sunpath_http_cookies *cookies,
                                         const struct sunpath_http_cookie *cookie);

/*
 * The same from a Set-Cookie header's value, as though the answer to a request for `path` had
 * brought it. -EINVAL: it is none, or one that is to be ignored.
 */
SUNPATH_API int sunpath_http_cookies_set(struct sunpath_http_cookies *cookies,
                                         const char *set_cookie, const char *path);

/* False behind the last. The strings live until the jar is changed. */
SUNPATH_API bool sunpath_http_cookies_at(const struct sunpath_http_cookies *cookies, size_t index,
                                         struct sunpath_http_cookie *ret);

#ifdef __cplusplus
}
#endif

#endif
