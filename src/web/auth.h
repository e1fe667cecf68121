/* SPDX-License-Identifier: MIT */
/* auth.h - what authentication's parts know of each other. */

#ifndef SP_WEB_AUTH_H
#define SP_WEB_AUTH_H

#include <sunpath/auth.h>

/* No control characters (RFC 7617 section 2). */
bool sp_auth_is_printable(const char *text);
/* RFC 6750's b64token. */
bool sp_auth_is_token(const char *text);

bool sp_auth_table_has_users(const struct sunpath_auth_table *table);
bool sp_auth_table_has_tokens(const struct sunpath_auth_table *table);

/* Adds a WWW-Authenticate header. `error` as in sunpath_auth_challenge_bearer(). */
int sp_auth_add_basic_challenge(struct sunpath_http_exchange *exchange, const char *realm);
int sp_auth_add_bearer_challenge(struct sunpath_http_exchange *exchange, const char *realm,
                                 const char *error);

#endif
