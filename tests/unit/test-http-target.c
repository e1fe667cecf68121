/* SPDX-License-Identifier: MIT */
/* test-http-target.c - what handlers can ask about the target and the cookies. */

#include "http-serving.h"

static const char *shown(const char *text) {
    return text ? text : "NULL";
}

static void show_target(struct sunpath_http_exchange *exchange, void *user) {
    const char *name, *value, *path = sunpath_http_path(exchange);

    (void)user;
    note("%s ? %s;", path, shown(sunpath_http_query_string(exchange)));
    for (size_t i = 0; sunpath_http_query_at(exchange, i, &name, &value); i++) {
        note(" %s=%s", name, value);
    }
    note(" b:%s", shown(sunpath_http_query(exchange, "b c")));
    note(" k:%s", shown(sunpath_http_cookie(exchange, "k")));
    ck_assert_ptr_eq(path, sunpath_http_path(exchange));
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, NULL, 0), 0);
}

START_TEST(targets_and_cookies_are_taken_apart) {
    static const struct {
        const char *request, *seen;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "/ ? NULL; b:NULL k:NULL"},
        {"GET /a%20b?a=1&b+c=%41+&a=2&%zz HTTP/1.1\r\nHost: x\r\nCookie: j=1; k=v=w; k=2\r\n\r\n",
         "/a%20b ? a=1&b+c=%41+&a=2&%zz; a=1 b c=A  a=2 %zz= b:A  k:v=w"},
        {"GET http://x?b%20c HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nCookie: k=\r\n\r\n",
         "/ ? b%20c; b c= b: k:"},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nCookie: k=1\r\n\r\n",
         "/ ? NULL; b:NULL k:NULL"}, /* a trailer is no header */
        {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "* ? NULL; b:NULL k:NULL"},
        {"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "h:1 ? NULL; b:NULL k:NULL"},
    };
    int fd;

    serving.handler.on_request = show_target;
    serving_open(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fd = client();
        serving.log[0] = '\0';
        say(fd, cases[i].request);
        hear(fd, "\r\n\r\n");
        ck_assert_str_eq(serving.log, cases[i].seen);
        close(fd);
    }
    serving_close();
}
END_TEST

static const char *kept_path, *kept_value;

static void keep_strings(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    kept_path = sunpath_http_path(exchange);
    kept_value = sunpath_http_query(exchange, "v");
    hold(exchange, user);
}

START_TEST(strings_last_as_long_as_the_exchange) {
    int fd;

    serving.handler.on_request = keep_strings;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/kept?v=word"));
    settle();
    say(fd, GET("/another"));
    settle();
    ck_assert_str_eq(kept_path, "/kept");
    ck_assert_str_eq(kept_value, "word");
    answer_held("x");
    settle();
    answer_held("y");
    hear(fd, "\r\n\r\ny");
    close(fd);
    serving_close();
}
END_TEST

static void rewrite(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_str_eq(sunpath_http_path(exchange), "/sent");
    ck_assert_int_eq(sunpath_http_rewrite(exchange, "nowhere"), -EINVAL);
    ck_assert_int_eq(sunpath_http_rewrite(exchange, "/a b"), -EINVAL);
    ck_assert_int_eq(sunpath_http_rewrite(exchange, "/a\r\nb"), -EINVAL);
    ck_assert_int_eq(sunpath_http_rewrite(exchange, ""), -EINVAL);
    ck_assert_int_eq(sunpath_http_rewrite(exchange, "/once"), 0);
    ck_assert_str_eq(sunpath_http_path(exchange), "/once");
    ck_assert_ptr_null(sunpath_http_query_string(exchange));
    ck_assert_int_eq(sunpath_http_rewrite(exchange, "/seen%20so?b+c=1"), 0);
}

static void show_rewritten(struct sunpath_http_exchange *exchange, void *user) {
    note("%s ", sunpath_http_target(exchange));
    show_target(exchange, user);
    ck_assert_int_eq(sunpath_http_rewrite(exchange, "/late"), -EALREADY);
}

/* The next request of the connection is as it was sent. */
START_TEST(a_target_is_rewritten_for_one_request) {
    int fd;

    serving.handler.on_head = rewrite;
    serving.handler.on_request = show_rewritten;
    serving_open(NULL);
    fd = client();
    for (int i = 0; i < 2; i++) {
        serving.log[0] = '\0';
        say(fd, GET("/sent?q"));
        hear(fd, "\r\n\r\n");
        ck_assert_str_eq(serving.log, "/sent?q /seen%20so ? b+c=1; b c=1 b:1 k:NULL");
    }
    close(fd);
    serving_close();
}
END_TEST

static void look_around(struct sunpath_http_exchange *exchange, void *user) {
    static const size_t order[] = {2, 0, 1, 1, 3, 4, 3};
    const char *name, *value;

    (void)user;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        note("%s;", sunpath_http_query_at(exchange, order[i], &name, &value) ? name : "-");
    }
    ck_assert_int_eq(sunpath_http_rewrite(exchange, "/?p&q&r&s&t&u"), 0);
    ck_assert(sunpath_http_query_at(exchange, 4, &name, &value));
    ck_assert_str_eq(name, "t");
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, NULL, 0), 0);
}

START_TEST(pairs_can_be_had_in_any_order) {
    int fd;

    serving.handler.on_request = look_around;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/?a&&b=1&c&d&"));
    hear(fd, "\r\n\r\n");
    ck_assert_str_eq(serving.log, "c;a;b;b;d;-;d;");
    say(fd, GET("/?e")); /* in the same exchange's memory */
    hear(fd, "\r\n\r\n");
    ck_assert_str_eq(serving.log, "c;a;b;b;d;-;d;-;e;-;-;-;-;-;");
    close(fd);
    serving_close();
}
END_TEST

SP_TESTS("http-target", targets_and_cookies_are_taken_apart, strings_last_as_long_as_the_exchange,
         a_target_is_rewritten_for_one_request, pairs_can_be_had_in_any_order)
