/* SPDX-License-Identifier: MIT */
/* test-router.c - a router is filled, and its first mistake told. */

#include "routing.h"

static void nothing(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange;
    (void)user;
}

static void no_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                     void *user) {
    (void)exchange;
    (void)status;
    (void)why;
    (void)user;
}

/* The sentence when that route is added. */
static const char *mistake_in(const char *route) {
    static struct sunpath_error error;
    int r;

    router = new_router(false, false);
    r = sunpath_router_on(router, route, show, NULL);
    ck_assert_int_eq(sunpath_router_compile(router, &error), r);
    router = sunpath_router_free(router);
    return r < 0 ? error.text : "";
}

START_TEST(routes_are_a_method_and_a_path) {
    ck_assert_str_eq(mistake_in("/a"), "");
    ck_assert_str_eq(mistake_in("{/a}"), "");
    ck_assert_str_eq(mistake_in("GET /a"), "");
    ck_assert_str_eq(mistake_in("GET   /a b"), "");
    ck_assert_str_eq(mistake_in("GET|POST|M-SEARCH /a"), "");
    ck_assert_str_eq(mistake_in("GET"), "route 'GET': a route is as in 'GET /path', or '/path'");
    ck_assert_str_eq(mistake_in(""), "route '': a route is as in 'GET /path', or '/path'");
    ck_assert_str_eq(mistake_in("GET "), "route 'GET ': the path is missing");
    ck_assert_str_eq(mistake_in("get /a"), "route 'get /a': methods are written in capitals");
    ck_assert_str_eq(mistake_in("GET| /a"), "route 'GET| /a': a method is missing or malformed");
    ck_assert_str_eq(mistake_in(" /a"), "route ' /a': a method is missing or malformed");
    for (size_t i = 0; i < 3; i++) {
        static const char *const routes[] = {"* /a", "ANY /a", "GET|ALL /a"};

        ck_assert_ptr_nonnull(strstr(mistake_in(routes[i]),
                                     ": a route for all methods has none in front of its path"));
    }
    ck_assert_str_eq(mistake_in("ANYWAY /a"), "");
    ck_assert_str_eq(mistake_in("GET a"), "route 'GET a', at 'GET ': a path begins with a slash");
    ck_assert_str_eq(mistake_in("GET /\n:"),
                     "route 'GET /\\n:', at 'GET /\\n:': a name is missing: letters, digits and _");
}
END_TEST

START_TEST(the_first_mistake_is_remembered) {
    static const struct sunpath_http_handler empty = {.on_head = nothing};
    struct sunpath_error error;

    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_on(router, "GET /a", NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_add(router, "GET /b", &empty, NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_add(router, "GET /b", NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_mount_handler(router, "/b", &empty, NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_use(router, "/c", NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_use(router, "/*c", nothing, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_mount(router, "/d", NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_on_error(router, NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_on(router, NULL, show, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_on(NULL, "/", show, NULL), -EINVAL);
    on(router, "GET /good");
    ck_assert_int_eq(sunpath_router_compile(router, &error), -EINVAL);
    ck_assert_str_eq(error.text, "route 'GET /a': it has no handler");
    ck_assert_int_eq(sunpath_router_compile(router, NULL), -EINVAL);
    router = sunpath_router_free(router);
    ck_assert_int_eq(sunpath_router_compile(NULL, &error), -EINVAL);
    ck_assert_int_eq(sunpath_router_new(NULL, NULL), -EINVAL);
    ck_assert_ptr_null(sunpath_router_free(NULL));
}
END_TEST

START_TEST(mounting_has_rules) {
    struct sunpath_router *child = new_router(false, false), *inner = new_router(false, false);
    struct sunpath_error error;

    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_mount(router, "/*rest", child, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_mount(router, "/a:", child, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_mount(router, "/", router, NULL), -ELOOP);
    ck_assert_int_eq(sunpath_router_mount(router, "/a", child, NULL), 0);
    ck_assert_int_eq(sunpath_router_mount(router, "/b", child, NULL), -EBUSY);
    ck_assert_int_eq(sunpath_router_mount(child, "/c", inner, NULL), 0);
    ck_assert_int_eq(sunpath_router_mount(inner, "/d", router, NULL), -ELOOP);
    ck_assert_int_eq(sunpath_router_compile(child, &error), -EINVAL);
    ck_assert_str_eq(error.text, "route: a mounted router is compiled with the one around it");
    ck_assert_ptr_null(sunpath_router_free(child)); /* it is the other's */
    router = sunpath_router_free(router);
}
END_TEST

START_TEST(a_mounted_router_s_mistake_is_told_too) {
    struct sunpath_router *child = new_router(false, false);
    struct sunpath_error error;

    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_mount(router, "/api", child, NULL), 0);
    ck_assert_int_eq(sunpath_router_on(child, "GET /:", show, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_router_compile(router, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "'GET /:'"));
    router = sunpath_router_free(router);
}
END_TEST

START_TEST(a_compiled_router_stays_as_it_is) {
    static const struct sunpath_http_handler handler = {.on_request = show};
    struct sunpath_router *child = new_router(false, false), *other = new_router(false, false);

    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_mount(router, "/api", child, NULL), 0);
    ck_assert_int_eq(sunpath_router_compile(router, NULL), 0);
    ck_assert_int_eq(sunpath_router_on(router, "/", show, NULL), -EBUSY);
    ck_assert_int_eq(sunpath_router_on(child, "/", show, NULL), -EBUSY);
    ck_assert_int_eq(sunpath_router_use(router, NULL, nothing, NULL), -EBUSY);
    ck_assert_int_eq(sunpath_router_mount(router, "/o", other, NULL), -EBUSY);
    ck_assert_int_eq(sunpath_router_mount_handler(router, "/o", &handler, NULL, NULL), -EBUSY);
    ck_assert_int_eq(sunpath_router_on_error(router, no_error, NULL), -EBUSY);
    ck_assert_int_eq(sunpath_router_mount(other, "/", router, NULL), -EBUSY);
    ck_assert_int_eq(sunpath_router_on_error(other, no_error, NULL), 0);
    ck_assert_int_eq(sunpath_router_on_error(other, no_error, NULL), -EEXIST);
    other = sunpath_router_free(other);
    router = sunpath_router_free(router);
}
END_TEST

START_TEST(a_router_with_a_mistake_says_so_to_whom_asks) {
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_on(router, "GET /:", show, NULL), -EINVAL);
    serving_open(NULL);
    serving.server->handler = sunpath_router_handler();
    serving.server->user = router;
    ck_assert_str_eq(answer("GET /"),
                     "500 route 'GET /:', at 'GET /:': a name is missing: letters, "
                     "digits and _");
    routing_close();
}
END_TEST

START_TEST(the_first_request_compiles) {
    router = new_router(false, false);
    on(router, "GET /");
    serving_open(NULL);
    serving.server->handler = sunpath_router_handler();
    serving.server->user = router;
    ck_assert_str_eq(answer("GET /"), "200 - / [|/]");
    ck_assert_int_eq(sunpath_router_on(router, "/b", show, NULL), -EBUSY);
    ck_assert_str_eq(answer("GET /"), "200 - / [|/]");
    routing_close();
}
END_TEST

START_TEST(a_handler_is_mounted_with_all_below) {
    static const struct sunpath_http_handler handler = {.on_request = show};

    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_mount_handler(router, "/static", &handler, "files", NULL), 0);
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /static"), "200 files /static{/*path} [/static|/]");
    ck_assert_str_eq(answer("PUT /static/"), "200 files /static{/*path} [/static|/]");
    ck_assert_str_eq(answer("GET /static/a/b%20c?x"),
                     "200 files /static{/*path} [/static|/a/b%20c] path=a/b c");
    ck_assert_str_eq(answer("GET /statics"), "404 Not Found");
    routing_close();
}
END_TEST

SP_TESTS("router", routes_are_a_method_and_a_path, the_first_mistake_is_remembered,
         mounting_has_rules, a_mounted_router_s_mistake_is_told_too,
         a_compiled_router_stays_as_it_is, a_router_with_a_mistake_says_so_to_whom_asks,
         the_first_request_compiles, a_handler_is_mounted_with_all_below)
