/* SPDX-License-Identifier: MIT */
/* http-cookies.h - the jar from inside: what requests take out and answers put in. */

#ifndef SP_CLIENT_HTTP_COOKIES_H
#define SP_CLIENT_HTTP_COOKIES_H

#include <sunpath/address.h>
#include <sunpath/http-cookies.h>

#include "base/buffer.h"
#include "wire/uri.h"

/* The jar is for `address` from now on. -EINVAL: it is another one's. */
int sp_http_cookies_bind(struct sunpath_http_cookies *cookies,
                         const struct sunpath_address *address);

/* What an answer to a request for `path` brought; what cannot be kept is ignored. */
void sp_http_cookies_store(struct sunpath_http_cookies *cookies, struct sp_slice path,
                           const char *set_cookie);

/*
 * Appends the "Cookie: ...\r\n" for a request for `path`: the caller's own cookies, then those of
 * the jar that have other names. Nothing when there is none in the jar. -ENOMEM.
 */
int sp_http_cookies_put(struct sunpath_http_cookies *cookies, struct sp_buffer *line,
                        struct sp_slice path, struct sp_slice own);

#endif
