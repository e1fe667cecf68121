/* SPDX-License-Identifier: MIT */
/* rules.h - redirects, rewrites and headers that a text file asks for. */

#ifndef SUNPATH_RULES_H
#define SUNPATH_RULES_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One rule a line; words are separated by blanks, and a word in double quotes may have blanks in it
 * (\" is a quote there). Empty lines count for nothing, nor does "#" at a word's beginning, with
 * all that follows.
 *
 *     redirect 308 /wiki/:page /docs/:page
 *     redirect 301 /img-*rest https://example.org/img/:rest
 *     rewrite /app-*rest /index.html
 *     header /img-*rest Cache-Control "public, max-age=86400"      instead of the handler's
 *     header /img-*rest +X-Served-By sunpath                       beside the handler's
 *     header /img-*rest -X-Powered-By                              none
 *
 * The first pattern is a router's (router.h), held against the whole path as it was sent, once
 * percent-decoded. A slash at the end counts, and a wildcard takes at least a byte: "*rest" behind
 * "/old/" is neither "/old" nor "/old/". A path with a malformed escape fits nothing.
 *
 * A target is a path, or for redirects "http://" or "https://", a host and a path, and perhaps a
 * query; in redirects "#" and a fragment, too. Behind the host :name or *name, which are the same
 * here, stand for what the pattern took ("" when its optional part is missing; \: and \* are the
 * characters themselves),
 * percent-encoded again, so that no value gets out of its place: the slashes between a wildcard's
 * segments stay, all others become %2F, line ends %0D%0A. Without a query of its own the target
 * gets that of the request. A path that would begin with several slashes, which browsers take for a
 * host, begins with one; and when it would have a segment "." or "..", the rule does not fit.
 *
 * Of redirects (301, 302, 303, 307 or 308) and rewrites the first that fits is taken. Of headers
 * all that fit are, in their order, when the response is begun, whoever answers: the handler, an
 * error, a redirect of these rules. What the library sends on its own (Content-Length, Date and the
 * like) cannot be changed, nor can 101 Switching Protocols, and Content-Type can be set only.
 *
 * The work for a request is bounded by its path's length and the number of rules.
 */
struct sunpath_rules;

/*
 * From a file of at most 1 MiB, 1000 rules and 4 KiB a line. -EINVAL (the error names file, line
 * and what is wrong), -EFBIG, -ENOMEM, what open(2) and read(2) say.
 */
SUNPATH_API int sunpath_rules_load(struct sunpath_rules **ret, const char *path,
                                   struct sunpath_error *error);
/* The same from a string; `name` is what errors call it. */
SUNPATH_API int sunpath_rules_parse(struct sunpath_rules **ret, const char *text, const char *name,
                                    struct sunpath_error *error);
/*
 * At any time outside of a call with them: requests under way have what they need. So a program may
 * put others into its struct sunpath_ruled and free these. Accepts NULL, returns NULL.
 */
SUNPATH_API struct sunpath_rules *sunpath_rules_free(struct sunpath_rules *rules);

/*
 * To be called in on_head, once a request, before it comes to a router: 1 when it is redirected,
 * and so answered, else 0: the target may be rewritten (sunpath_http_rewrite()). -EMSGSIZE (the
 * target would be over 64 KiB), -ENOMEM, and errors as sunpath_http_respond().
 */
SUNPATH_API int sunpath_rules_apply(const struct sunpath_rules *rules,
                                    struct sunpath_http_exchange *exchange);

/*
 * The same for sunpath_router_use(), whose `user` is the rules. A router's middleware runs when the
 * route is found: redirects and headers work there, but a rewrite changes no more than what the
 * route's handler sees (so the file that is sent, not the route).
 */
SUNPATH_API void sunpath_rules_middleware(struct sunpath_http_exchange *exchange, void *user);

/*
 * Rules in front of a whole handler, such as a router: rewrites then decide its routes. What a
 * server is given is sunpath_rules_handler() with one of these for `user`; borrowed.
 */
struct sunpath_ruled {
    const struct sunpath_rules *rules;
    const struct sunpath_http_handler *handler; /* gets what is not redirected */
    void *user;                                 /* its */
};
SUNPATH_API const struct sunpath_http_handler *sunpath_rules_handler(void);

#ifdef __cplusplus
}
#endif

#endif
