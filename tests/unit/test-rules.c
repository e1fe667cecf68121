/* SPDX-License-Identifier: MIT */
/* test-rules.c - rules before a router, and among its middleware. */

#include <sunpath/rules.h>

#include "routing.h"

static struct sunpath_rules *rules;
static struct sunpath_ruled ruled;

static void read_rules(const char *text) {
    struct sunpath_error error;

    ck_assert_msg(sunpath_rules_parse(&rules, text, "test", &error) == 0, "%s", error.text);
}

static void ruling_open(void) {
    routing_open(NULL);
    ruled =
        (struct sunpath_ruled){.rules = rules, .handler = sunpath_router_handler(), .user = router};
    serving.server->handler = sunpath_rules_handler();
    serving.server->user = &ruled;
}

static void ruling_close(void) {
    routing_close();
    rules = sunpath_rules_free(rules);
}

START_TEST(rewrites_decide_the_route) {
    struct sunpath_router_match match = SUNPATH_OPTIONS(struct sunpath_router_match);
    static const struct sunpath_http_handler handler = {.on_request = show};
    static const char *const queries[] = {"v=2", NULL};

    read_rules("rewrite /old/:id /users/:id\nrewrite /two /asked?v=2\nrewrite /p/*rest /plain\n"
               "rewrite /old/:id /never\n");
    router = new_router(false, false);
    on(router, "/users/:id");
    on(router, "/plain");
    match.queries = queries;
    ck_assert_int_eq(sunpath_router_add(router, "/asked", &handler, (void *)"v2", &match), 0);
    on(router, "/asked");
    ruling_open();
    ck_assert_str_eq(answer("GET /old/a%2Fb"), "200 - /users/:id [|/users/a%2Fb] id=a/b");
    ck_assert_str_eq(answer("GET /p/x"), "200 - /plain [|/plain]");
    ck_assert_str_eq(answer("GET http://x/p/x"), "200 - /plain [|/plain]");
    ck_assert_str_eq(answer("GET /plain"), "200 - /plain [|/plain]");
    ck_assert_str_eq(answer("GET /asked?v=1"), "200 - /asked [|/asked]");
    ck_assert_str_eq(answer("GET /two"), "200 v2 /asked [|/asked]");
    ck_assert_int_eq(atoi(answer("GET /p")), 404);
    ck_assert_int_eq(atoi(answer("OPTIONS *")), 204);
    ruling_close();
}
END_TEST

static void respond_typed(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_add_header(exchange, "N", "handler"), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "text/plain", "x", 1), 0);
}

static void explain(struct sunpath_http_exchange *exchange, int status, const char *why,
                    void *user) {
    (void)user;
    note("%d ", status);
    ck_assert_int_eq(sunpath_http_respond(exchange, status, NULL, why, strlen(why)), 0);
}

static void give_up(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_fail(exchange, 507, "full"), 0);
}

START_TEST(the_routers_error_stage_is_asked_once) {
    read_rules("rewrite /a /give-up\n");
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_on(router, "/give-up", give_up, NULL), 0);
    ck_assert_int_eq(sunpath_router_on_error(router, explain, NULL), 0);
    ruling_open();
    ck_assert_str_eq(answer("GET /a"), "507 full");
    ck_assert_int_eq(atoi(answer("GET /b")), 404);
    ck_assert_str_eq(serving.log, "507 404 ");
    ruling_close();
}
END_TEST

START_TEST(headers_are_changed_last) {
    read_rules("header /set N rule\nheader /add +N rule\nheader /none -N\n"
               "header /type Content-Type a/b\nheader /redirect +N on\nredirect 302 /redirect /\n");
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_on(router, "/:x", respond_typed, NULL), 0);
    ruling_open();
    ck_assert_ptr_nonnull(strstr(response("GET /set", ""), "\r\nN: rule\r\n"));
    ck_assert_ptr_null(strstr(response("GET /set", ""), "handler"));
    ck_assert_ptr_nonnull(strstr(response("GET /add", ""), "\r\nN: handler\r\nN: rule\r\n"));
    ck_assert_ptr_null(strstr(response("GET /none", ""), "\r\nN: "));
    ck_assert_ptr_nonnull(strstr(response("GET /type", ""), "\r\nContent-Type: a/b\r\n"));
    ck_assert_ptr_null(strstr(response("GET /type", ""), "text/plain"));
    ck_assert_ptr_nonnull(strstr(response("GET /other", ""), "\r\nContent-Type: text/plain\r\n"));
    ck_assert_ptr_nonnull(
        strstr(response("GET /redirect?q", ""), "\r\nLocation: /?q\r\nN: on\r\n"));
    ruling_close();
}
END_TEST

static void respond_under_others(struct sunpath_http_exchange *exchange, void *user) {
    rules = sunpath_rules_free(rules);
    read_rules("header /a N others\n");
    ruled.rules = rules;
    respond_typed(exchange, user);
}

START_TEST(requests_under_way_keep_theirs) {
    read_rules("header /a N first\nheader /a -X\n");
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_on(router, "/a", respond_under_others, NULL), 0);
    ruling_open();
    ck_assert_ptr_nonnull(strstr(response("GET /a", ""), "\r\nN: first\r\n"));
    ck_assert_ptr_nonnull(strstr(response("GET /a", ""), "\r\nN: others\r\n"));
    ruling_close();
}
END_TEST

START_TEST(they_are_middleware) {
    read_rules("redirect 301 /a/:x /b/:x\nrewrite /c/:x /d/:x\n");
    router = new_router(false, false);
    on(router, "/c/:x");
    ck_assert_int_eq(sunpath_router_use(router, NULL, sunpath_rules_middleware, rules), 0);
    routing_open(NULL);
    ck_assert_int_eq(atoi(answer("GET /a/1")), 301);
    ck_assert_str_eq(answer("GET /c/1"), "200 - /c/:x [|/d/1] x=1");
    ruling_close();
}
END_TEST

SP_TESTS("rules", rewrites_decide_the_route, the_routers_error_stage_is_asked_once,
         headers_are_changed_last, requests_under_way_keep_theirs, they_are_middleware)
