/* SPDX-License-Identifier: MIT */
/* forwarded.h - Forwarded (RFC 7239) and the X-Forwarded-* lists: pure functions. */

#ifndef SP_WIRE_FORWARDED_H
#define SP_WIRE_FORWARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/uri.h"

/* One element of Forwarded. Parts that are missing have `data` NULL. */
struct sp_forwarded {
    struct sp_slice node; /* for=, without quotes, as it stands */
    struct sp_slice host;
    struct sp_slice proto;
};

/*
 * Takes the next element and moves *at behind it. 1, 0 at the end, -EBADMSG: malformed, a parameter
 * twice, or an escape in one of the three (none needs any).
 */
int sp_forwarded_next(struct sp_forwarded *ret, const char **at, const char *end);

/* Takes the next part of a list that is separated by commas, trimmed. False at the end. */
bool sp_forwarded_next_item(struct sp_slice *ret, const char **at, const char *end);

/*
 * What a node says of the client's address: "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1",
 * "unknown", "_name", "unix:". *ret is inside `text`, without brackets and port. False when it is
 * none of these.
 */
bool sp_forwarded_address(struct sp_slice *ret, struct sp_slice text);

bool sp_forwarded_is_scheme(struct sp_slice text);
/* A host name or address with a port or none, as in Host. */
bool sp_forwarded_is_host(struct sp_slice text);

#endif
