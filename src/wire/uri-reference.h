/* SPDX-License-Identifier: MIT */
/* uri-reference.h - references to other resources (RFC 3986 4.1, 5.2): pure functions. */

#ifndef SP_WIRE_URI_REFERENCE_H
#define SP_WIRE_URI_REFERENCE_H

#include "wire/uri.h"

/* A reference such as a Location header holds. `data` is NULL for a part that is not there. */
struct sp_uri_reference {
    struct sp_slice scheme;
    struct sp_slice authority; /* with userinfo and port, as written */
    struct sp_slice path;      /* "" is there, too */
    struct sp_slice query;     /* without the "?"; a fragment is dropped */
};

void sp_uri_reference_split(struct sp_uri_reference *ret, const char *text, size_t size);

/*
 * Resolves `reference` against the request target `base` (an absolute or origin form) and writes
 * the path and query that are meant, without dot segments; bytes that may not stand in a target
 * (blanks, UTF-8) are percent-encoded, as browsers do. Returns the length; a NUL follows. `out` has
 * room for SP_URI_RESOLVED_ROOM bytes.
 */
#define SP_URI_RESOLVED_ROOM(n_base, n_reference) ((n_base) + 3 * (n_reference) + 3)
size_t sp_uri_resolve(char *out, const char *base, size_t n_base,
                      const struct sp_uri_reference *reference);

#endif
