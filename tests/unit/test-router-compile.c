/* SPDX-License-Identifier: MIT */
/* test-router-compile.c - routers inside routers become one table of routes. */

#include "routing.h"

static struct sunpath_router *mounted(struct sunpath_router *outer, const char *prefix) {
    struct sunpath_router *child = new_router(false, false);

    ck_assert_int_eq(sunpath_router_mount(outer, prefix, child, NULL), 0);
    return child;
}

START_TEST(mounts_strip_their_prefix_and_share_their_parameters) {
    struct sunpath_router *api, *users, *users_too;

    router = new_router(false, false);
    on(router, "GET /");
    on(router, "GET /api/special");
    api = mounted(router, "/api{/:version[0-9]}");
    on(api, "GET /");
    on(api, "GET /:thing");
    users = mounted(api, "/users/:id");
    on(users, "GET /");
    on(users, "GET /files/*path");
    on(users, "GET /as/:id");
    users_too = mounted(router, "/");
    on(users_too, "GET /last");
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /"), "200 - / [|/]");
    ck_assert_str_eq(answer("GET /last"), "200 - /last [|/last]");
    ck_assert_str_eq(answer("GET /api/special"), "200 - /api/special [|/api/special]");
    ck_assert_str_eq(answer("GET /api/other"),
                     "200 - /api{/:version[0-9]}/:thing [/api|/other] thing=other");
    ck_assert_str_eq(answer("GET /api/1"), "200 - /api{/:version[0-9]}/ [/api/1|/] version=1");
    ck_assert_str_eq(answer("GET /api"), "200 - /api{/:version[0-9]}/ [/api|/]");
    ck_assert_str_eq(answer("GET /api/2/users/a%2Fb/"),
                     "200 - /api{/:version[0-9]}/users/:id/ [/api/2/users/a%2Fb|/] version=2 "
                     "id=a/b");
    ck_assert_str_eq(answer("GET /api/users/u/files/x/y?q"),
                     "200 - /api{/:version[0-9]}/users/:id/files/*path [/api/users/u|/files/x/y] "
                     "id=u path=x/y");
    routing_close();
}
END_TEST

static void show_id(struct sunpath_http_exchange *exchange, void *user) {
    const char *id = sunpath_http_param(exchange, "id");

    (void)user;
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, id, strlen(id)), 0);
}

START_TEST(of_two_parameters_with_a_name_the_inner_one_counts) {
    struct sunpath_router *child;

    router = new_router(false, false);
    child = mounted(router, "/a/:id");
    ck_assert_int_eq(sunpath_router_on(child, "GET /b/:id", show_id, NULL), 0);
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /a/outer/b/inner"), "200 inner");
    routing_close();
}
END_TEST

/* The sentence about the second of two routes. */
static const char *conflict(const char *first, const char *second, bool is_strict) {
    static struct sunpath_error error;
    int r;

    router = new_router(false, is_strict);
    on(router, first);
    on(router, second);
    r = sunpath_router_compile(router, &error);
    ck_assert(r == 0 || r == -EEXIST);
    ck_assert_int_eq(sunpath_router_compile(router, NULL), r);
    router = sunpath_router_free(router);
    return r < 0 ? error.text : "";
}

START_TEST(a_route_that_nothing_reaches_is_a_mistake) {
    ck_assert_str_eq(conflict("GET /users/:id", "GET /users/:name", false),
                     "route 'GET /users/:name': no request gets there, 'GET /users/:id' takes them "
                     "all");
    ck_assert_str_eq(conflict("GET|PUT /a", "PUT /a/", false),
                     "route 'PUT /a/': no request gets there, 'GET|PUT /a' takes them all");
    ck_assert_str_eq(conflict("/a", "/a", false),
                     "route '/a': no request gets there, '/a' takes them all");
    ck_assert_str_eq(conflict("/a/*b", "/a/*c", false),
                     "route '/a/*c': no request gets there, '/a/*b' takes them all");
    ck_assert_str_eq(conflict("/a{/:b}", "/a", false),
                     "route '/a': no request gets there, '/a{/:b}' takes them all");
    ck_assert_str_eq(conflict("GET /a", "GET|PUT /a", false), "");
    ck_assert_str_eq(conflict("/a", "GET /a", false), "");
    ck_assert_str_eq(conflict("GET /a", "/a", false), "");
    ck_assert_str_eq(conflict("GET /a", "HEAD /a", false), "");
    ck_assert_str_eq(conflict("/a", "/a{/:b}", false), "");
    ck_assert_str_eq(conflict("/a", "/a/", true), "");
    ck_assert_str_eq(conflict("/:a[0-9]", "/:a", false), "");
    ck_assert_str_eq(conflict("/a", "/A", false), "");
}
END_TEST

START_TEST(routers_at_one_place_add_up) {
    struct sunpath_router *first, *second;

    router = new_router(true, true);
    first = mounted(router, "/api");
    second = mounted(router, "/API");
    on(first, "GET /one");
    on(second, "GET /");
    on(second, "GET /two/");
    on(second, "PUT /one");
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /Api/ONE"), "200 - /api/one [/Api|/ONE]");
    ck_assert_str_eq(answer("PUT /api/one"), "200 - /API/one [/api|/one]");
    ck_assert_str_eq(answer("GET /api/one/"), "404 Not Found");
    ck_assert_str_eq(answer("GET /api/two"), "404 Not Found");
    ck_assert_str_eq(answer("GET /api/two/"), "200 - /API/two/ [/api|/two/]");
    ck_assert_str_eq(answer("GET /api"), "200 - /API/ [/api|/]");
    ck_assert_str_eq(answer("GET /api/"), "200 - /API/ [/api|/]");
    ck_assert_str_eq(answer("DELETE /api/one"), "405 Method Not Allowed");
    routing_close();
}
END_TEST

START_TEST(what_multiplies_has_a_limit) {
    struct sunpath_router *each;
    struct sunpath_error error;

    each = router = new_router(false, false);
    for (int i = 0; i < 3; i++) {
        each = mounted(each, "{/a}{/b}{/c}{/d}{/e}{/f}");
    }
    on(each, "{/a}{/b}{/c}{/d}{/e}{/f}");
    ck_assert_int_eq(sunpath_router_compile(router, &error), -E2BIG);
    ck_assert_ptr_nonnull(strstr(error.text, "there are too many routes"));
    router = sunpath_router_free(router);

    each = router = new_router(false, false);
    for (int i = 0; i < 100; i++) {
        each = mounted(each, "/a/b/c");
    }
    on(each, "/");
    ck_assert_int_eq(sunpath_router_compile(router, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "there are too many segments"));
    router = sunpath_router_free(router);

    each = router = new_router(false, false);
    for (int i = 0; i < 32; i++) {
        each = mounted(each, "/:a");
    }
    on(each, "/:a");
    ck_assert_int_eq(sunpath_router_compile(router, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "there are too many parameters"));
    router = sunpath_router_free(router);
}
END_TEST

SP_TESTS("router-compile", mounts_strip_their_prefix_and_share_their_parameters,
         of_two_parameters_with_a_name_the_inner_one_counts,
         a_route_that_nothing_reaches_is_a_mistake, routers_at_one_place_add_up,
         what_multiplies_has_a_limit)
