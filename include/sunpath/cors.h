/* SPDX-License-Identifier: MIT */
/* cors.h - what pages of other origins may ask for (WHATWG Fetch, CORS protocol). */

#ifndef SUNPATH_CORS_H
#define SUNPATH_CORS_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Only browsers care: it protects their users, not the server. */
struct sunpath_cors;

struct sunpath_cors_options {
    size_t size;
    /*
     * Origins as browsers write them ("https://app.example"), "https://" and "*." and a domain for
     * those below it, or "*" for all; NULL at the end. Copied.
     */
    const char *const *origins;
    const char *methods;     /* "GET, PUT"; NULL: GET, HEAD, POST, PUT, PATCH, DELETE */
    const char *headers;     /* that requests may have; NULL: what the browser asks for */
    const char *expose;      /* that scripts may read; NULL: none beside the usual */
    bool allows_credentials; /* cookies and the like; not with the origin "*" */
    int max_age_s;           /* how long a browser may remember the answer; 0: its choice */
};

/* -EINVAL: no origin, one that is none, "*" with credentials, a value that cannot be a header. */
SUNPATH_API int sunpath_cors_new(struct sunpath_cors **ret,
                                 const struct sunpath_cors_options *options);
/* Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_cors *sunpath_cors_free(struct sunpath_cors *cors);

/*
 * Adds the headers that the request's origin gets, and "Vary: Origin" where it depends on that. A
 * preflight (OPTIONS with Access-Control-Request-Method) is answered with 204, and 1 returned; else
 * 0: answer as always. Requests of origins that are not allowed are not refused, the browser keeps
 * the answer from the page. Errors as sunpath_http_add_header().
 */
SUNPATH_API int sunpath_cors_apply(const struct sunpath_cors *cors,
                                   struct sunpath_http_exchange *exchange);

/* The same for sunpath_router_use(), whose `user` is the struct sunpath_cors. */
SUNPATH_API void sunpath_cors_middleware(struct sunpath_http_exchange *exchange, void *user);

#ifdef __cplusplus
}
#endif

#endif
