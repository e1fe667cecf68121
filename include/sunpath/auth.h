/* SPDX-License-Identifier: MIT */
/* auth.h - who may ask: Basic (RFC 7617), Bearer (RFC 6750), and the peer's own identity. */

#ifndef SUNPATH_AUTH_H
#define SUNPATH_AUTH_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a request carries. Each call returns 0, -ENOENT (no Authorization header, or another
 * scheme's) or -EBADMSG (malformed, or several of them: answer 400). The strings belong to the
 * exchange and are valid until on_finish returns. -ENOMEM.
 *
 * Basic is decoded strictly: base64 in its one padded form, a colon, no control characters.
 */
SUNPATH_API int sunpath_auth_basic(struct sunpath_http_exchange *exchange, const char **ret_user,
                                   const char **ret_password);
SUNPATH_API int sunpath_auth_bearer(struct sunpath_http_exchange *exchange, const char **ret_token);

/* Compares in a time that depends on the lengths alone. */
SUNPATH_API bool sunpath_auth_is_equal(const char *a, const char *b);

/*
 * Answers 401 with a challenge. `realm` names what is protected (NULL: "restricted"); `error` is
 * NULL when the request carried no token, else RFC 6750's "invalid_token" (401), "invalid_request"
 * (400) or "insufficient_scope" (403). Errors as sunpath_http_fail().
 */
SUNPATH_API int sunpath_auth_challenge_basic(struct sunpath_http_exchange *exchange,
                                             const char *realm);
SUNPATH_API int sunpath_auth_challenge_bearer(struct sunpath_http_exchange *exchange,
                                              const char *realm, const char *error);

/*
 * A table of passwords and tokens. A hash costs what it was made to cost (crypt(5): yescrypt,
 * bcrypt, SHA-512 ...), at the expense of everyone on the loop; so a password that was right is
 * recognized again by a keyed hash of 64 bits, in no time.
 */
struct sunpath_auth_table;

SUNPATH_API int sunpath_auth_table_new(struct sunpath_auth_table **ret);
SUNPATH_API struct sunpath_auth_table *sunpath_auth_table_free(struct sunpath_auth_table *table);

/*
 * Adds a user. `hash` is as htpasswd(1) -B or mkpasswd(1) write it. -EINVAL (an empty name, one
 * with a colon or control characters, a hash by DES, or one that crypt(3) does not know: $apr1$
 * and {SHA} among them), -EEXIST, -EOPNOTSUPP (built without libcrypt), -ENOMEM.
 */
SUNPATH_API int sunpath_auth_table_add_hash(struct sunpath_auth_table *table, const char *user,
                                            const char *hash);
/* The same with a password as it is, for tests and secrets that were just made up. */
SUNPATH_API int sunpath_auth_table_add_password(struct sunpath_auth_table *table, const char *user,
                                                const char *password);
/* A bearer token (RFC 6750's b64token, else -EINVAL) and the name of who bears it. */
SUNPATH_API int sunpath_auth_table_add_token(struct sunpath_auth_table *table, const char *name,
                                             const char *token);

/*
 * Adds what a file has: a line "user:hash" or "name:token" each; empty lines and those that begin
 * with "#" are skipped. All or nothing. -EINVAL with the line in `error`; what open(2) says;
 * -EFBIG (over 1 MiB).
 */
SUNPATH_API int sunpath_auth_table_load_passwords(struct sunpath_auth_table *table,
                                                  const char *path, struct sunpath_error *error);
SUNPATH_API int sunpath_auth_table_load_tokens(struct sunpath_auth_table *table, const char *path,
                                               struct sunpath_error *error);

/* 0, or -EACCES: wrong. A user who is not there takes as long as one who is. */
SUNPATH_API int sunpath_auth_table_check(struct sunpath_auth_table *table, const char *user,
                                         const char *password);
/* The name of who bears the token (borrowed from the table), or NULL. */
SUNPATH_API const char *sunpath_auth_table_bearer(const struct sunpath_auth_table *table,
                                                  const char *token);

/* A guard: lets requests pass that say who they are, and answers the others. */
struct sunpath_auth;

/* What a client offers: valid until on_finish returns, which may be before it is decided. */
struct sunpath_auth_attempt {
    const char *user;   /* Basic; NULL: Bearer */
    const char *secret; /* the password or the token */
};

/* An attempt that is being looked into. */
struct sunpath_auth_decision;

enum sunpath_auth_verdict {
    SUNPATH_AUTH_NO = 0,
    SUNPATH_AUTH_YES,
    SUNPATH_AUTH_LATER /* sunpath_auth_decide() will say */
};

struct sunpath_auth_options {
    size_t size;
    const char *realm;                /* copied; NULL: "restricted" */
    struct sunpath_auth_table *table; /* borrowed: what it knows passes */
    /*
     * Optional, asked for what the table does not know. It may decide at once, or return
     * SUNPATH_AUTH_LATER and have sunpath_auth_decide() called with `decision` exactly once,
     * whether the client is still there by then or not; the request is held back meanwhile.
     */
    enum sunpath_auth_verdict (*verify)(struct sunpath_http_exchange *exchange,
                                        const struct sunpath_auth_attempt *attempt,
                                        struct sunpath_auth_decision *decision, void *user);
    void *user;
    bool takes_basic, takes_bearer; /* neither: what the table has, or both with `verify` */
    /*
     * Peers that need no password: who is at the other end of a Unix socket is known. Borrowed;
     * asked with sunpath_access_trusts().
     */
    const struct sunpath_access *trusted;
};

/* -EINVAL: nothing that could let anybody pass, or a realm that may not stand in a header. */
SUNPATH_API int sunpath_auth_new(struct sunpath_auth **ret,
                                 const struct sunpath_auth_options *options);
/* Not while a decision is awaited. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_auth *sunpath_auth_free(struct sunpath_auth *auth);

/*
 * Calls `on_pass` when the request may pass: before this returns, or, when it returns 1, perhaps
 * later. Else the request is answered with 401 (or 400) and the challenges, or with 403 where only
 * trusted peers may pass. To be called in on_head or on_request.
 */
SUNPATH_API int sunpath_auth_check(
    struct sunpath_auth *auth, struct sunpath_http_exchange *exchange,
    void (*on_pass)(struct sunpath_http_exchange *exchange, void *user), void *user);

/* The same for sunpath_router_use(), whose `user` is the guard. */
SUNPATH_API void sunpath_auth_middleware(struct sunpath_http_exchange *exchange, void *user);

/* Ends a decision. `name` (copied; NULL: the one in the attempt) is who it is. */
SUNPATH_API void sunpath_auth_decide(struct sunpath_auth_decision *decision, bool may_pass,
                                     const char *name);

/* Who has passed: the user, or the token's name. NULL for a trusted peer, and without a guard. */
SUNPATH_API const char *sunpath_auth_user(struct sunpath_http_exchange *exchange);

#ifdef __cplusplus
}
#endif

#endif
