/* SPDX-License-Identifier: MIT */
/* router.h - which handler gets a request: by method, path, and what else the request says. */

#ifndef SUNPATH_ROUTER_H
#define SUNPATH_ROUTER_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A router is what a server is given for a handler:
 *
 *     sunpath_router_new(&router, NULL);
 *     sunpath_router_on(router, "GET /users/:id", show_user, app);
 *     if (sunpath_router_compile(router, &error) < 0) ...
 *     sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, NULL);
 *
 * It is filled first, then compiled once, by sunpath_router_compile() or the first request, and not
 * changed any more (-EBUSY). Any number of servers may use it; free it after them. Strings and
 * options are copied; handlers, `user` and access rules are borrowed until the router is freed.
 *
 * The calls that fill it return 0 or a negative errno, and the router remembers its first mistake:
 * so a program may check once, at sunpath_router_compile(). -EINVAL (a malformed pattern, a missing
 * handler), -EBUSY, -ENOMEM, and what a call names.
 */
struct sunpath_router;

struct sunpath_router_options {
    size_t size;
    bool ignores_case; /* "/A" is "/a", too (ASCII letters) */
    bool is_strict;    /* "/a/" is not "/a" */
};

/* A router that is mounted goes by the options of the one it is mounted in. */
SUNPATH_API int sunpath_router_new(struct sunpath_router **ret,
                                   const struct sunpath_router_options *options);

/* Frees what is mounted in it, too. Accepts NULL, returns NULL. Not for one that is mounted. */
SUNPATH_API struct sunpath_router *sunpath_router_free(struct sunpath_router *router);

/*
 * The sentence for the first mistake there was (it says where in which pattern), or 0. Also finds
 * routes that no request can reach because an earlier one takes them all (-EEXIST).
 */
SUNPATH_API int sunpath_router_compile(struct sunpath_router *router, struct sunpath_error *error);

/* The handler of every router; the router is its `user`. */
SUNPATH_API const struct sunpath_http_handler *sunpath_router_handler(void);

/*
 * Routes are written "GET /users/:id", "GET|HEAD /x", or "/x" for all methods. A pattern has
 *
 *     /users              text; matched after percent-decoding, so written plainly ("/a b")
 *     :name               one segment, not empty; or a part of it: "/:from-:to", "/v:major.:minor",
 *                         split at the last place of the text between
 *     :name[0-9a-f]       one that has only these bytes
 *     :name(json|xml)     one that is one of these words
 *     *name               the rest, one or more segments; once in a pattern, at its end or not:
 *                         "/v2/img-*name/tags/:tag"
 *     {/:page}            a part that may be missing; up to six, also one in another
 *     \:                  the character itself; needed for  : * { } ( ) [ ] + ? ! \
 *                         and for a letter right behind a name: "/:id\x"
 *
 * as in Express 5 (path-to-regexp 8), with three differences: brackets are constraints, wildcards
 * are strings, and there is one of them. What only other tools would write, such as "/{id}",
 * "/:id(\d+)", "/<id>" or "ANY /x", is malformed here.
 *
 * Of several routes that fit, the order in which they were added does not decide but what they say,
 * segment by segment from the left: text before parameters with text (more text first) before
 * parameters with a constraint before bare parameters before wildcards; then a route for the method
 * before a GET route for HEAD before one for all methods. Only between equals the first added wins.
 * A route whose method or conditions do not fit leaves the request to the next.
 *
 * The work for a request is bounded by its path's length and the number of routes.
 *
 * What no route takes is answered with 404; with 405 and Allow when the path has routes for other
 * methods; OPTIONS with 204 and Allow (OPTIONS * too); 403 when only the peer is wrong; 400 when
 * the path has a malformed escape; 501 for CONNECT.
 */

/* A handler that gets whole requests. */
SUNPATH_API int sunpath_router_on(struct sunpath_router *router, const char *route,
                                  void (*on_request)(struct sunpath_http_exchange *exchange,
                                                     void *user),
                                  void *user);

/* What else must be so. All of what is given must hold. */
struct sunpath_router_match {
    size_t size;
    const char *host;           /* "a.example" or "*.a.example": any case, without a port */
    const char *const *headers; /* "Name" (it is there) or "Name: value", NULL at the end */
    const char *const *queries; /* "name" or "name=value", NULL at the end; not encoded */
    const struct sunpath_access *access; /* the peer passes these rules (over TCP nobody does) */
};

/*
 * A handler of any kind: with on_body it gets the body in pieces. Its on_head is called when all
 * middleware has let the request pass, its on_error before that of any router. `match` may be NULL.
 */
SUNPATH_API int sunpath_router_add(struct sunpath_router *router, const char *route,
                                   const struct sunpath_http_handler *handler, void *user,
                                   const struct sunpath_router_match *match);

/*
 * All that is at `prefix` or below it goes to `child`, whose patterns go on from there; the
 * prefix may have parameters, which are seen inside, but no wildcard. The order of routes above
 * counts over all routers as if `child`'s routes were written here. Owns `child` when 0 is
 * returned. -EBUSY (mounted or compiled already), -ELOOP (in itself).
 */
SUNPATH_API int sunpath_router_mount(struct sunpath_router *router, const char *prefix,
                                     struct sunpath_router *child,
                                     const struct sunpath_router_match *match);

/* Likewise to one handler, whatever the method: sunpath_http_local_path() is the rest. */
SUNPATH_API int sunpath_router_mount_handler(struct sunpath_router *router, const char *prefix,
                                             const struct sunpath_http_handler *handler, void *user,
                                             const struct sunpath_router_match *match);

/* ---- middleware ------------------------------------------------------------------------------ */

/*
 * What comes before the routes of this router and of those mounted in it, wherever it was added:
 * after the route is found (its parameters are there) and before a byte of the body is read. Each
 * in the order of adding, the outer router's first; also before 404, 405 and the like. A middleware
 *
 * - answers (sunpath_http_respond(), sunpath_http_fail(), ...), and that is all; or
 * - calls sunpath_router_next(): the request goes on when the middleware returns; or
 * - calls sunpath_router_wait(), returns, and does one of the above later; or
 * - makes the exchange its own with sunpath_http_set_handler().
 *
 * One that does nothing of these is a mistake in the program: 500, and on_fault of observers.
 *
 * With a `prefix` (NULL: none) it is only for what is at that path or below it, seen from this
 * router; parameters there stand for any segment, their values are not kept.
 */
SUNPATH_API int sunpath_router_use(struct sunpath_router *router, const char *prefix,
                                   void (*middleware)(struct sunpath_http_exchange *exchange,
                                                      void *user),
                                   void *user);

/*
 * Lets the request go on. -EALREADY: it went on already, or was answered, or the exchange is at its
 * route. -EINVAL: it came to no router. Nothing happens then.
 */
SUNPATH_API int sunpath_router_next(struct sunpath_http_exchange *exchange);

/*
 * The middleware that is running will decide later: until then nothing of the body is read. When
 * the exchange is over before sunpath_router_next() was called (the client left, the time for an
 * answer was up, or it was answered) `on_finish` is called (may be NULL), and `exchange` must not
 * be used any more. Errors as sunpath_router_next().
 */
SUNPATH_API int sunpath_router_wait(struct sunpath_http_exchange *exchange,
                                    void (*on_finish)(struct sunpath_http_exchange *exchange,
                                                      int error, void *data),
                                    void *data);

/*
 * The error stage of this router's requests: of what fails in its middleware or routes
 * (sunpath_http_fail()), of 404, 405 and the like, and of the server's own errors (413, 408, 503,
 * ...). Answer or leave it to the router around, at last to the plain answer: JSON
 * {"status":404,"error":"Not Found"} for clients that prefer application/json, else text. -EEXIST:
 * it has one.
 */
SUNPATH_API int sunpath_router_on_error(struct sunpath_router *router,
                                        void (*on_error)(struct sunpath_http_exchange *exchange,
                                                         int status, const char *why, void *user),
                                        void *user);

/* ---- in handlers and middleware; strings are valid until on_finish returns ------------------- */

/*
 * The value of a parameter, percent-decoded, or NULL: the route has none of that name, or its
 * optional part is missing. A "%2F" in a value is a slash like any other.
 */
SUNPATH_API const char *sunpath_http_param(struct sunpath_http_exchange *exchange,
                                           const char *name);
/* The one at `index`, from the left, or false behind the last. */
SUNPATH_API bool sunpath_http_param_at(struct sunpath_http_exchange *exchange, size_t index,
                                       const char **ret_name, const char **ret_value);

/* The route's whole pattern, mounts included ("/api/users/:id"), or NULL: none was found. */
SUNPATH_API const char *sunpath_http_route(struct sunpath_http_exchange *exchange);

/*
 * The path up to where the router is mounted, as it was sent, without a slash at its end: "" for
 * the outermost. In middleware and error stages it is that of their router.
 */
SUNPATH_API const char *sunpath_http_base_path(struct sunpath_http_exchange *exchange);
/* The rest of the path, as it was sent: "/" at least. */
SUNPATH_API const char *sunpath_http_local_path(struct sunpath_http_exchange *exchange);

#ifdef __cplusplus
}
#endif

#endif
