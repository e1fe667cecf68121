/* SPDX-License-Identifier: MIT */
/* json.h - JSON in requests and responses, through Jansson (<jansson.h>). */

#ifndef SUNPATH_JSON_H
#define SUNPATH_JSON_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

struct json_t; /* Jansson's; include <jansson.h> to use it, and link with -ljansson */

/*
 * Reads the collected body as JSON (RFC 8259), any value at the top. *ret is the caller's: give it
 * back with json_decref(). What is wrong can be answered with sunpath_http_fail_error():
 * -EMEDIUMTYPE (the Content-Type is neither application/json nor one that ends with "+json", its
 * charset is not UTF-8, or it is compressed without sunpath_http_decode_body()), -EBADMSG (no JSON;
 * `error` has the line and column. Two members of one name, \u0000, invalid UTF-8, a number out of
 * range and more than 128 levels are none either), -ENOMEM; -EOPNOTSUPP (built without Jansson).
 */
SUNPATH_API int sunpath_http_json(struct sunpath_http_exchange *exchange, struct json_t **ret,
                                  struct sunpath_error *error);

/*
 * Answers with `json` (borrowed), compact, as application/json. Errors as sunpath_http_respond(),
 * and -EINVAL (NULL, or something that is no JSON), -EOPNOTSUPP.
 */
SUNPATH_API int sunpath_http_respond_json(struct sunpath_http_exchange *exchange, int status,
                                          const struct json_t *json);

#ifdef __cplusplus
}
#endif

#endif
