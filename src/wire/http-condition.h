/* SPDX-License-Identifier: MIT */
/* http-condition.h - conditional requests (RFC 9110 13): pure functions. */

#ifndef SP_WIRE_HTTP_CONDITION_H
#define SP_WIRE_HTTP_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/uri.h"

/* What there is of the representation: what is not known is NULL, or false. */
struct sp_http_validators {
    const char *etag; /* with its quotes, and W/ when it is weak */
    int64_t modified; /* seconds since 1970 */
    bool has_modified;
    bool is_modified_strong; /* it cannot have changed twice in that second (RFC 9110 8.8.2.2) */
};

/*
 * Is the tag in this list, or is the list "*"? Weakly: W/"a" is "a"; else a weak tag is equal to
 * none. What is malformed is passed over up to the next comma.
 */
bool sp_http_etag_matches(struct sp_slice list, const char *etag, bool weakly);

/* The fields of a request; several If-Match or If-None-Match lines joined by commas. NULL: none. */
struct sp_http_conditions {
    struct sp_slice if_match, if_none_match, if_modified_since, if_unmodified_since;
};

/*
 * In the order of RFC 9110 13.2.2: 0 (go on), 304 or 412. For GET and HEAD, of something that
 * exists. A date that is none counts as absent; `now` is for years of two digits.
 */
int sp_http_check_conditions(const struct sp_http_conditions *conditions,
                             const struct sp_http_validators *validators, int64_t now);

/*
 * May the Range field be followed? `if_range` is a strong tag or the exact date of a strong
 * Last-Modified; anything else is no proof that the client's part is of this representation.
 */
bool sp_http_check_if_range(struct sp_slice if_range, const struct sp_http_validators *validators,
                            int64_t now);

#endif
