/* SPDX-License-Identifier: MIT */
/* signed-cookie.h - cookies that only a server who knows the secret can have set. */

#ifndef SUNPATH_SIGNED_COOKIE_H
#define SUNPATH_SIGNED_COOKIE_H

#include <sunpath/http-cookies.h>
#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Signed, not secret: the client can read the value, and cannot change it. Written as Express and
 * its cookie-parser do, so both read each other's: "s:", the value, a dot and its HMAC-SHA256 in
 * base64 without padding (npm's cookie-signature), all of it percent-encoded. A signature does not
 * say for which cookie or client a value was made: put that into the value where it matters.
 */

/*
 * As sunpath_http_set_cookie(), with a `value` of any text. -EINVAL (an empty secret), -EOPNOTSUPP
 * (the library was built without libmd), -EMSGSIZE, -ENOMEM.
 */
SUNPATH_API int sunpath_http_set_signed_cookie(
    struct sunpath_http_exchange *exchange, const char *name, const char *value, const char *secret,
    const struct sunpath_http_set_cookie_options *options);

/*
 * The value of the first cookie of that name, when one of the secrets (NULL at the end; the new one
 * first, old ones behind it while their cookies last) has signed it. NULL: there is none, it is not
 * signed, or not by us. Signatures are compared in a time that depends on their length alone. Valid
 * until on_finish returns.
 */
SUNPATH_API const char *sunpath_http_signed_cookie(struct sunpath_http_exchange *exchange,
                                                   const char *name, const char *const *secrets);

#ifdef __cplusplus
}
#endif

#endif
