/* SPDX-License-Identifier: MIT */
/* test-auth-guard.c - requests pass that say who they are, now or later. */

#include <sunpath/auth.h>

#include "routing.h"

#define A_B "Authorization: Basic YTpi\r\n" /* a:b */

static struct sunpath_auth *auth;
static struct sunpath_auth_table *table;
static struct sunpath_auth_options options = {.size = sizeof(struct sunpath_auth_options)};
static struct sunpath_auth_decision *pending;
static struct sunpath_http_exchange *asked;

static void welcome(struct sunpath_http_exchange *exchange, void *user) {
    const char *name = sunpath_auth_user(exchange);
    char text[64];
    int n = snprintf(text, sizeof(text), "welcome %s.", name ? name : "peer");

    ck_assert_str_eq(user, "user");
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, text, (size_t)n), 0);
}

static void guard(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_auth_check(auth, exchange, welcome, "user");
}

static void guarded_open(void) {
    if (!serving.handler.on_head) {
        serving.handler.on_request = guard;
    }
    serving_open(NULL);
    ck_assert_int_eq(sunpath_auth_new(&auth, &options), 0);
}

static void guarded_close(void) {
    serving_close();
    auth = sunpath_auth_free(auth);
    table = sunpath_auth_table_free(table);
}

static int ask_with(const char *headers) {
    int fd = client();

    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n");
    say(fd, headers);
    say(fd, "\r\n");
    return fd;
}

static void check(const char *headers, const char *expected) {
    int fd = ask_with(headers);
    const char *heard = hear(fd, "."); /* the version's, at least */

    heard = strstr(heard, "401") || strstr(heard, "400") || strstr(heard, "403")
                ? heard
                : strstr(heard, "welcome");
    ck_assert_msg(heard && strstr(heard, expected), "%s: %s", headers, heard);
    close(fd);
}

START_TEST(the_table_decides) {
    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    ck_assert_int_eq(sunpath_auth_table_add_password(table, "a", "b"), 0);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "ci", "token"), 0);
    options.table = table;
    options.realm = "here";
    guarded_open();
    check(A_B, "welcome a.");
    check("Authorization: Bearer token\r\n", "welcome ci.");
    check("", "401 ");
    check("", "WWW-Authenticate: Bearer realm=\"here\"\r\n"
              "WWW-Authenticate: Basic realm=\"here\", charset=\"UTF-8\"\r\n");
    check("Authorization: Bearer wrong\r\n", "Bearer realm=\"here\", error=\"invalid_token\"\r\n");
    check("Authorization: Basic YTpj\r\n", "401 ");
    check("Authorization: Basic YTpj\r\n", "Bearer realm=\"here\"\r\n");
    check("Authorization: Basic ?\r\n", "400 ");
    check("Authorization: Negotiate x\r\n", "401 ");
    guarded_close();
}
END_TEST

START_TEST(only_what_the_table_has_is_offered) {
    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "ci", "token"), 0);
    options.table = table;
    guarded_open();
    check("", "\r\nWWW-Authenticate: Bearer realm=\"restricted\"\r\nContent-Type");
    check(A_B, "401 ");
    guarded_close();
}
END_TEST

static enum sunpath_auth_verdict verify(struct sunpath_http_exchange *exchange,
                                        const struct sunpath_auth_attempt *attempt,
                                        struct sunpath_auth_decision *decision, void *user) {
    (void)user;
    asked = exchange;
    note("%s/%s;", attempt->user ? attempt->user : "-", attempt->secret);
    if (strcmp(attempt->secret, "later") == 0) {
        pending = decision;
        return SUNPATH_AUTH_LATER;
    }
    if (strcmp(attempt->secret, "now") == 0) {
        sunpath_auth_decide(decision, true, "decided"); /* inside is as good as outside */
        return SUNPATH_AUTH_LATER;
    }
    return strcmp(attempt->secret, "b") == 0 ? SUNPATH_AUTH_YES : SUNPATH_AUTH_NO;
}

START_TEST(the_program_decides_at_once) {
    options.verify = verify;
    guarded_open();
    check(A_B, "welcome a.");
    check("Authorization: Bearer b\r\n", "welcome peer.");
    check("Authorization: Bearer now\r\n", "welcome decided.");
    check("Authorization: Bearer c\r\n", "401 ");
    ck_assert_str_eq(serving.log, "a/b;-/b;-/now;-/c;");
    guarded_close();
}
END_TEST

static int ask_later(const char *more) {
    int fd = ask_with(more);

    pending = NULL;
    while (!pending) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    return fd;
}

START_TEST(the_program_decides_later) {
    int fd;

    options.verify = verify;
    guarded_open();
    fd = ask_later("Authorization: Bearer later\r\n");
    sunpath_auth_decide(pending, true, "found");
    ck_assert_ptr_nonnull(strstr(hear(fd, "found."), "welcome found."));
    say(fd, GET("/")); /* the connection goes on */
    hear(fd, "401 ");
    close(fd);
    fd = ask_later("Authorization: Bearer later\r\n");
    sunpath_auth_decide(pending, false, NULL);
    hear(fd, "401 ");
    close(fd);
    guarded_close();
}
END_TEST

START_TEST(a_client_that_leaves_does_not_wait) {
    int fd;

    options.verify = verify;
    serving.handler.on_finish = count_finish;
    guarded_open();
    fd = ask_later("Authorization: Bearer later\r\n");
    close(fd);
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    sunpath_auth_decide(pending, true, "late");
    fd = ask_later("Authorization: Bearer later\r\n");
    ck_assert_int_eq(sunpath_http_respond(asked, 503, NULL, "no.", 3), 0); /* impatient */
    hear(fd, "no.");
    sunpath_auth_decide(pending, true, "late");
    close(fd);
    guarded_close();
}
END_TEST

static void go_on(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange;
    (void)user;
}

static void guard_head(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_auth_check(auth, exchange, go_on, NULL);
}

START_TEST(a_body_waits_for_the_decision) {
    char byte;
    int fd;

    options.verify = verify;
    serving.handler.on_head = guard_head;
    guarded_open();
    fd = client();
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
            "Authorization: Bearer later\r\n\r\n");
    pending = NULL;
    settle();
    ck_assert_ptr_nonnull(pending);
    ck_assert_int_eq(recv(fd, &byte, 1, 0), -1);
    sunpath_auth_decide(pending, true, NULL);
    hear(fd, "100 Continue\r\n\r\n");
    say(fd, "body");
    ck_assert_ptr_nonnull(strstr(hear(fd, "body"), "PUT / body"));
    close(fd);
    fd = client();
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    ck_assert_ptr_null(strstr(hear(fd, "401 "), "100 Continue"));
    close(fd);
    guarded_close();
}
END_TEST

START_TEST(a_trusted_peer_is_not_asked) {
    struct sunpath_access *own = NULL;
    char rule[64];

    ck_assert_int_eq(sunpath_access_new(&own), 0);
    options.trusted = own;
    guarded_open();
    check("", "403 "); /* nobody is trusted yet, and nothing else would do */
    snprintf(rule, sizeof(rule), "uid=%u", (unsigned)getuid());
    ck_assert_int_eq(sunpath_access_allow(own, rule, NULL), 0);
    check("", "welcome peer.");
    guarded_close();
    sunpath_access_free(own);
}
END_TEST

static void routed_open(void) {
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_auth_new(&auth, &options), 0);
    ck_assert_int_eq(sunpath_router_use(router, "/private", sunpath_auth_middleware, auth), 0);
    ck_assert_int_eq(sunpath_router_on(router, "GET /private", welcome, "user"), 0);
    ck_assert_int_eq(sunpath_router_on(router, "GET /", welcome, "user"), 0);
    routing_open(NULL);
}

static void routed_close(void) {
    routing_close();
    auth = sunpath_auth_free(auth);
}

START_TEST(it_is_a_middleware) {
    int fd;

    options.verify = verify;
    routed_open();
    fd = client();
    say(fd, GET("/"));
    hear(fd, "welcome peer.");
    say(fd, GET("/private"));
    hear(fd, "401 ");
    close(fd);
    fd = client();
    say(fd, "GET /private HTTP/1.1\r\nHost: x\r\n" A_B "\r\n");
    hear(fd, "welcome a.");
    say(fd, "GET /private HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer now\r\n\r\n");
    hear(fd, "welcome decided.");
    close(fd);
    routed_close();
}
END_TEST

START_TEST(the_router_waits_for_the_decision) {
    int fd;

    options.verify = verify;
    routed_open();
    for (int i = 0; i < 3; i++) {
        fd = client();
        say(fd, "GET /private HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer later\r\n\r\n");
        pending = NULL;
        settle();
        ck_assert_ptr_nonnull(pending);
        if (i == 2) {
            close(fd);
            while (sunpath_http_server_n_connections(serving.server) > 0) {
                sunpath_loop_dispatch(serving.loop, 1000);
            }
            sunpath_auth_decide(pending, true, "gone");
            continue;
        }
        sunpath_auth_decide(pending, i == 0, "found");
        hear(fd, i == 0 ? "welcome found." : "401 ");
        close(fd);
    }
    routed_close();
}
END_TEST

START_TEST(a_guard_that_lets_nobody_pass_is_a_mistake) {
    ck_assert_int_eq(sunpath_auth_new(&auth, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_auth_new(&auth, &options), -EINVAL);
    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    options.table = table;
    ck_assert_int_eq(sunpath_auth_new(&auth, &options), -EINVAL);
    options.takes_basic = true; /* users may be added later */
    options.realm = "a\nb";
    ck_assert_int_eq(sunpath_auth_new(&auth, &options), -EINVAL);
    options.realm = "a";
    ck_assert_int_eq(sunpath_auth_new(&auth, &options), 0);
    auth = sunpath_auth_free(auth);
    table = sunpath_auth_table_free(table);
}
END_TEST

SP_TESTS("auth-guard", the_table_decides, only_what_the_table_has_is_offered,
         the_program_decides_at_once, the_program_decides_later, a_client_that_leaves_does_not_wait,
         a_body_waits_for_the_decision, a_trusted_peer_is_not_asked, it_is_a_middleware,
         the_router_waits_for_the_decision, a_guard_that_lets_nobody_pass_is_a_mistake)
