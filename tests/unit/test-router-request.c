/* SPDX-License-Identifier: MIT */
/* test-router-request.c - what handlers can ask about the route. */

#include "routing.h"

static void ask_much(struct sunpath_http_exchange *exchange, void *user) {
    const char *name, *value;

    (void)user;
    ck_assert_str_eq(sunpath_http_param(exchange, "id"), "7");
    ck_assert_ptr_eq(sunpath_http_param(exchange, "id"), sunpath_http_param(exchange, "id"));
    ck_assert_ptr_null(sunpath_http_param(exchange, "i"));
    ck_assert_ptr_null(sunpath_http_param(exchange, "page"));
    ck_assert(sunpath_http_param_at(exchange, 0, &name, &value));
    ck_assert_str_eq(name, "id");
    ck_assert_str_eq(value, "7");
    ck_assert(!sunpath_http_param_at(exchange, 1, &name, &value));
    ck_assert_str_eq(sunpath_http_route(exchange), "/a/:id{/:page}");
    ck_assert_str_eq(sunpath_http_base_path(exchange), "");
    ck_assert_str_eq(sunpath_http_local_path(exchange), "/a/7");
    hold(exchange, user);
}

static const char *kept_value, *kept_route;

static void keep(struct sunpath_http_exchange *exchange, int error, void *user) {
    (void)user;
    ck_assert_int_eq(error, 0);
    kept_value = sunpath_http_param(exchange, "id");
    kept_route = sunpath_http_route(exchange);
    note("%s of %s;", kept_value, kept_route);
}

START_TEST(parameters_last_as_long_as_the_exchange) {
    static const struct sunpath_http_handler handler = {.on_request = ask_much, .on_finish = keep};
    int fd;

    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_add(router, "GET /a/:id{/:page}", &handler, NULL, NULL), 0);
    routing_open(NULL);
    fd = client();
    say(fd, GET("/a/7?x"));
    settle();
    answer_held("late");
    hear(fd, "late");
    settle();
    ck_assert_str_eq(serving.log, "7 of /a/:id{/:page};");
    close(fd);
    routing_close();
}
END_TEST

static void ask_unrouted(struct sunpath_http_exchange *exchange, void *user) {
    const char *name, *value;

    (void)user;
    ck_assert_ptr_null(sunpath_http_param(exchange, "id"));
    ck_assert(!sunpath_http_param_at(exchange, 0, &name, &value));
    ck_assert_ptr_null(sunpath_http_route(exchange));
    ck_assert_str_eq(sunpath_http_base_path(exchange), "");
    ck_assert_str_eq(sunpath_http_local_path(exchange), "/x");
    ck_assert_int_eq(sunpath_router_next(exchange), -EINVAL);
    ck_assert_int_eq(sunpath_router_wait(exchange, NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "none", 4), 0);
}

START_TEST(without_a_router_there_is_nothing) {
    serving.handler.on_request = ask_unrouted;
    serving_open(NULL);
    ck_assert_str_eq(answer("GET /x"), "200 none");
    serving_close();
}
END_TEST

SP_TESTS("router-request", parameters_last_as_long_as_the_exchange,
         without_a_router_there_is_nothing)
