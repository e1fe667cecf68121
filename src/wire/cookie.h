/* SPDX-License-Identifier: MIT */
/* cookie.h - the Set-Cookie header (RFC 6265bis 5.6), read as user agents do: pure functions. */

#ifndef SP_WIRE_COOKIE_H
#define SP_WIRE_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/uri.h"

#define SP_COOKIE_MAX_PAIR 4096 /* bytes of name and value together */
#define SP_COOKIE_MAX_ATTRIBUTE                                      \
    1024 /* bytes of an attribute's value; a longer one is not there \
          */
#define SP_COOKIE_SESSION INT64_MAX

struct sp_set_cookie {
    struct sp_slice name; /* may be "" */
    struct sp_slice value;
    struct sp_slice path; /* NULL: the default of the request that brought it */
    int64_t expires;      /* Unix seconds; SP_COOKIE_SESSION: not said */
    bool has_domain;      /* not empty */
    bool is_secure;
    bool is_http_only;
};

/*
 * Reads the value of one Set-Cookie field. False when it is to be ignored: control bytes (but for
 * tabs around name, value and path), nothing in it, too large, or a name with a prefix whose
 * promise it does not keep (__Secure-, __Host-).
 * `now` in Unix seconds; lifetimes end 400 days from it.
 */
bool sp_set_cookie_parse(struct sp_set_cookie *ret, const char *text, size_t size, int64_t now);

/* A date in any of the forms that are about (RFC 6265 5.1.1), as Unix seconds. */
bool sp_cookie_date(int64_t *ret, const char *text, size_t size);

/* The path a cookie without one gets from the request's path: its folder (RFC 6265 5.1.4). */
struct sp_slice sp_cookie_default_path(struct sp_slice path);
/* Is a cookie of `cookie_path` meant for requests to `path`? */
bool sp_cookie_path_matches(struct sp_slice cookie_path, struct sp_slice path);

#endif
