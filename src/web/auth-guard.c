/* SPDX-License-Identifier: MIT */
/* auth-guard.c - lets requests pass that say who they are, now or when somebody has decided. */

#include "web/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sunpath/router.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "serve/http-server.h"

struct sunpath_auth {
    struct sunpath_auth_options options;
    char *realm;
};

struct sunpath_auth_decision {
    struct sp_http_hook hook;
    struct sunpath_auth *auth;
    struct sunpath_http_exchange *exchange; /* NULL: the client has left */
    struct sunpath_auth_attempt attempt;    /* in the exchange's memory */
    bool is_late;                           /* the request is held back */
    bool *ret_is_over;                      /* where to say that it was decided, or NULL */
    void (*on_pass)(struct sunpath_http_exchange *exchange, void *user);
    void *user;
};

static const char user_key; /* its address says whose note it is */

/* ---- answers --------------------------------------------------------------------------------- */

static void refuse(struct sunpath_auth *auth, struct sunpath_http_exchange *exchange, int status,
                   const char *error) {
    int r = 0;

    if (!auth->options.takes_bearer && !auth->options.takes_basic) {
        status = 403; /* nothing the client could send would help */
    }
    if (auth->options.takes_bearer) {
        r = sp_auth_add_bearer_challenge(exchange, auth->realm, error);
    }
    if (r >= 0 && auth->options.takes_basic) {
        r = sp_auth_add_basic_challenge(exchange, auth->realm);
    }
    (void)sunpath_http_fail(exchange, r < 0 ? 503 : status, NULL);
}

static void pass(struct sunpath_auth_decision *decision, const char *name) {
    struct sunpath_http_exchange *exchange = decision->exchange;
    char *copy = name ? sunpath_http_alloc(exchange, strlen(name) + 1) : NULL;

    if (name && (!copy || sunpath_http_set_note(exchange, &user_key, strcpy(copy, name)) < 0)) {
        (void)sunpath_http_fail(exchange, 503, NULL);
        return;
    }
    decision->on_pass(exchange, decision->user);
}

const char *sunpath_auth_user(struct sunpath_http_exchange *exchange) {
    return sunpath_http_note(exchange, &user_key);
}

/* ---- deciding -------------------------------------------------------------------------------- */

static void on_finish(struct sp_http_hook *hook, int error) {
    struct sunpath_auth_decision *decision =
        sp_container_of(hook, struct sunpath_auth_decision, hook);

    (void)error;
    decision->exchange = NULL;
}

void sunpath_auth_decide(struct sunpath_auth_decision *decision, bool may_pass, const char *name) {
    struct sunpath_http_exchange *exchange = decision->exchange;
    struct sunpath_http_server *server;

    if (decision->ret_is_over) {
        *decision->ret_is_over = true;
    }
    if (!exchange || exchange->is_started) { /* it left, or waited too long */
        if (exchange) {
            sp_http_exchange_remove_hook(exchange, &decision->hook);
        }
        free(decision);
        return;
    }
    server = exchange->connection->server;
    sp_http_server_enter(server);
    sp_http_exchange_remove_hook(exchange, &decision->hook);
    if (may_pass) {
        pass(decision, name ? name : decision->attempt.user);
    } else {
        refuse(decision->auth, exchange, 401, decision->attempt.user ? NULL : "invalid_token");
    }
    if (decision->is_late) {
        sunpath_http_resume(exchange);
    }
    free(decision);
    sp_http_server_leave(server);
}

/* Returns 1 when it will be decided later. */
static int ask(struct sunpath_auth_decision *decision) {
    const struct sunpath_auth_options *options = &decision->auth->options;
    struct sunpath_http_exchange *exchange = decision->exchange;
    enum sunpath_auth_verdict verdict = SUNPATH_AUTH_NO;
    bool is_over = false;

    if (options->verify) {
        decision->is_late = true;
        decision->ret_is_over = &is_over;
        sp_http_exchange_add_hook(exchange, &decision->hook);
        sunpath_http_pause(exchange);
        verdict = options->verify(exchange, &decision->attempt, decision, options->user);
    }
    if (is_over) {
        return 0;
    }
    decision->ret_is_over = NULL;
    if (verdict == SUNPATH_AUTH_LATER) {
        return 1;
    }
    sunpath_auth_decide(decision, verdict == SUNPATH_AUTH_YES, NULL);
    return 0;
}

static int look_up(struct sunpath_auth_decision *decision) {
    struct sunpath_auth_table *table = decision->auth->options.table;
    const struct sunpath_auth_attempt *attempt = &decision->attempt;
    const char *name = NULL;

    if (table && attempt->user) {
        name = sunpath_auth_table_check(table, attempt->user, attempt->secret) == 0 ? attempt->user
                                                                                    : NULL;
    } else if (table) {
        name = sunpath_auth_table_bearer(table, attempt->secret);
    }
    if (!name) {
        return ask(decision);
    }
    sunpath_auth_decide(decision, true, name);
    return 0;
}

/* ---- checking -------------------------------------------------------------------------------- */

static int read_attempt(const struct sunpath_auth *auth, struct sunpath_http_exchange *exchange,
                        struct sunpath_auth_attempt *ret) {
    int r = -ENOENT;

    *ret = (struct sunpath_auth_attempt){NULL, NULL};
    if (auth->options.takes_basic) {
        r = sunpath_auth_basic(exchange, &ret->user, &ret->secret);
    }
    if (r == -ENOENT && auth->options.takes_bearer) {
        r = sunpath_auth_bearer(exchange, &ret->secret);
    }
    return r;
}

int sunpath_auth_check(struct sunpath_auth *auth, struct sunpath_http_exchange *exchange,
                       void (*on_pass)(struct sunpath_http_exchange *exchange, void *user),
                       void *user) {
    struct sunpath_auth_decision *decision;
    struct sunpath_auth_attempt attempt;
    int r;

    if (sunpath_access_trusts(auth->options.trusted, sunpath_http_fd(exchange))) {
        on_pass(exchange, user);
        return 0;
    }
    r = read_attempt(auth, exchange, &attempt);
    if (r == -ENOENT || r == -EBADMSG) {
        refuse(auth, exchange, r == -ENOENT ? 401 : 400, r == -ENOENT ? NULL : "invalid_request");
        return 0;
    }
    decision = r < 0 ? NULL : calloc(1, sizeof(*decision));
    if (!decision) {
        (void)sunpath_http_fail(exchange, 503, NULL);
        return 0;
    }
    decision->hook.on_finish = on_finish;
    decision->auth = auth;
    decision->exchange = exchange;
    decision->attempt = attempt;
    decision->on_pass = on_pass;
    decision->user = user;
    return look_up(decision);
}

/* ---- as middleware --------------------------------------------------------------------------- */

static void go_on(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    (void)sunpath_router_next(exchange);
}

void sunpath_auth_middleware(struct sunpath_http_exchange *exchange, void *user) {
    if (sunpath_auth_check(user, exchange, go_on, NULL) == 1) {
        (void)sunpath_router_wait(exchange, NULL, NULL);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static void choose_schemes(struct sunpath_auth_options *options) {
    if (options->takes_basic || options->takes_bearer) {
        return;
    }
    options->takes_basic = options->verify || sp_auth_table_has_users(options->table);
    options->takes_bearer = options->verify || sp_auth_table_has_tokens(options->table);
}

int sunpath_auth_new(struct sunpath_auth **ret, const struct sunpath_auth_options *given) {
    struct sunpath_auth *auth = calloc(1, sizeof(*auth));
    struct sunpath_auth_options *options;
    int r;

    if (!auth) {
        return -ENOMEM;
    }
    options = &auth->options;
    r = sp_options_read(options, sizeof(*options), given);
    if (r >= 0) {
        choose_schemes(options);
    }
    if (r >= 0 && !options->takes_basic && !options->takes_bearer && !options->trusted) {
        r = -EINVAL;
    }
    if (r >= 0 && options->realm && !sp_http_is_value(options->realm, strlen(options->realm))) {
        r = -EINVAL;
    }
    auth->realm = r < 0 ? NULL : strdup(options->realm ? options->realm : "restricted");
    if (!auth->realm) {
        free(auth);
        return r < 0 ? r : -ENOMEM;
    }
    *ret = auth;
    return 0;
}

struct sunpath_auth *sunpath_auth_free(struct sunpath_auth *auth) {
    if (auth) {
        free(auth->realm);
        free(auth);
    }
    return NULL;
}
