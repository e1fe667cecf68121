/* SPDX-License-Identifier: MIT */
/* test-router-lookup.c - which route a request takes, and the answer when there is none. */

#include "routing.h"

static void open_with(const char *const *routes) {
    router = new_router(false, false);
    for (; *routes; routes++) {
        ck_assert_int_eq(sunpath_router_on(router, *routes, show, (void *)*routes), 0);
    }
    routing_open(NULL);
}

START_TEST(methods_choose) {
    static const char *const routes[] = {"GET /a",      "POST|PUT /a", "/b",      "GET /b",
                                         "GET /c/me",   "/c/:id",      "HEAD /d", "GET /d",
                                         "M-SEARCH /e", NULL};

    open_with(routes);
    ck_assert_str_eq(answer("GET /a"), "200 GET /a /a [|/a]");
    ck_assert_str_eq(answer("PUT /a"), "200 POST|PUT /a /a [|/a]");
    ck_assert_str_eq(answer("POST /a"), "200 POST|PUT /a /a [|/a]");
    ck_assert_str_eq(answer("GET /b"), "200 GET /b /b [|/b]");
    ck_assert_str_eq(answer("LOCK /b"), "200 /b /b [|/b]");
    ck_assert_str_eq(answer("OPTIONS /b"), "200 /b /b [|/b]");
    ck_assert_str_eq(answer("GET /c/me"), "200 GET /c/me /c/me [|/c/me]");
    ck_assert_str_eq(answer("DELETE /c/me"), "200 /c/:id /c/:id [|/c/me] id=me");
    ck_assert_str_eq(answer("M-SEARCH /e"), "200 M-SEARCH /e /e [|/e]");
    ck_assert_str_eq(answer("DELETE /a"), "405 Method Not Allowed");
    ck_assert_str_eq(answer("get /a"), "405 Method Not Allowed");
    ck_assert_ptr_nonnull(strstr(response("DELETE /a", ""), "\r\nAllow: GET, HEAD, POST, PUT, "
                                                            "OPTIONS\r\n"));
    ck_assert_ptr_nonnull(strstr(response("HEAD /a", ""), "\r\nContent-Length: 15\r\n"));
    ck_assert_ptr_nonnull(strstr(response("HEAD /d", ""), "\r\nContent-Length: 16\r\n"));
    ck_assert_ptr_nonnull(strstr(response("HEAD /c/x", ""), "\r\nContent-Length: 26\r\n"));
    ck_assert_ptr_nonnull(strstr(response("HEAD /e", ""), " 405 "));
    routing_close();
}
END_TEST

START_TEST(options_are_answered) {
    static const char *const routes[] = {"GET /a/:b",    "POST /a/c", "PATCH /*rest",
                                         "OPTIONS /own", "GET /own",  NULL};

    open_with(routes);
    ck_assert_str_eq(answer("OPTIONS /a/c"), "204 POST, GET, HEAD, PATCH, OPTIONS");
    ck_assert_str_eq(answer("OPTIONS /a/x"), "204 GET, HEAD, PATCH, OPTIONS");
    ck_assert_str_eq(answer("OPTIONS /"), "404 Not Found");
    ck_assert_str_eq(answer("OPTIONS /own"), "200 OPTIONS /own /own [|/own]");
    ck_assert_str_eq(answer("OPTIONS *"), "204 GET, HEAD, POST, PATCH, OPTIONS");
    ck_assert_str_eq(answer("CONNECT x:1"), "501 there are no tunnels here");
    routing_close();
}
END_TEST

START_TEST(paths_are_decoded_segment_by_segment) {
    static const char *const routes[] = {"/caf\xc3\xa9", "/x/:id",  "/f/*path", "/a b/c",
                                         "/a/b",         "/:n.zip", NULL};

    open_with(routes);
    ck_assert_str_eq(answer("GET /caf%c3%A9"), "200 /caf\xc3\xa9 /caf\xc3\xa9 [|/caf%c3%A9]");
    ck_assert_str_eq(answer("GET /x/a%2Fb"), "200 /x/:id /x/:id [|/x/a%2Fb] id=a/b");
    ck_assert_str_eq(answer("GET /x/%252F"), "200 /x/:id /x/:id [|/x/%252F] id=%2F");
    ck_assert_str_eq(answer("GET /x/a+b"), "200 /x/:id /x/:id [|/x/a+b] id=a+b");
    ck_assert_str_eq(answer("GET /f/a%20b/c/%2e%2e"),
                     "200 /f/*path /f/*path [|/f/a%20b/c/%2e%2e] path=a b/c/..");
    ck_assert_str_eq(answer("GET /a%20b/c"), "200 /a b/c /a b/c [|/a%20b/c]");
    ck_assert_str_eq(answer("GET /%61/b"), "200 /a/b /a/b [|/%61/b]");
    ck_assert_str_eq(answer("GET /a%2Fb"), "404 Not Found");
    ck_assert_str_eq(answer("GET /%2e%7aip.zip"), "200 /:n.zip /:n.zip [|/%2e%7aip.zip] n=.zip");
    ck_assert_str_eq(answer("GET /x/%"), "400 the path has a malformed escape");
    ck_assert_str_eq(answer("GET /x/%4"), "400 the path has a malformed escape");
    ck_assert_str_eq(answer("GET /x/%zz"), "400 the path has a malformed escape");
    ck_assert_str_eq(answer("GET /none/%00"), "400 the path has a malformed escape");
    ck_assert_str_eq(answer("GET /x/1?%"), "200 /x/:id /x/:id [|/x/1] id=1");
    ck_assert_str_eq(answer("GET http://h/x/%41?q"), "200 /x/:id /x/:id [|/x/%41] id=A");
    ck_assert_str_eq(answer("GET http://h"), "404 Not Found");
    ck_assert_str_eq(answer("GET /x/1/"), "200 /x/:id /x/:id [|/x/1/] id=1");
    ck_assert_str_eq(answer("GET /x//"), "404 Not Found");
    ck_assert_str_eq(answer("GET /x/%2F"), "200 /x/:id /x/:id [|/x/%2F] id=/");
    routing_close();
}
END_TEST

static void check_memory(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_ptr_null(exchange->arena.blocks);
    ck_assert_ptr_eq(exchange->handler->on_request, check_memory);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "ok", 2), 0);
}

START_TEST(a_plain_route_takes_no_memory) {
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_on(router, "GET /hello", check_memory, NULL), 0);
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /hello?a=b"), "200 ok");
    routing_close();
}
END_TEST

SP_TESTS("router-lookup", methods_choose, options_are_answered,
         paths_are_decoded_segment_by_segment, a_plain_route_takes_no_memory)
