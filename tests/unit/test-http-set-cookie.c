/* SPDX-License-Identifier: MIT */
/* test-http-set-cookie.c - cookies that a server sets. */

#include <sunpath/http-cookies.h>

#include "http-serving.h"

#define OPTIONS SUNPATH_OPTIONS(struct sunpath_http_set_cookie_options)

static struct sunpath_http_exchange *asking;

static int set(const char *name, const char *value,
               const struct sunpath_http_set_cookie_options *options) {
    return sunpath_http_set_cookie(asking, name, value, options);
}

static void set_good_ones(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_http_set_cookie_options options = OPTIONS;

    (void)user;
    asking = exchange;
    ck_assert_int_eq(set("a", "", NULL), 0);
    options.path = "/app";
    options.domain = "a.example";
    options.max_age_s = 86400;
    options.is_secure = options.is_http_only = options.is_partitioned = true;
    options.same_site = SUNPATH_SAME_SITE_NONE;
    ck_assert_int_eq(set("b", "v=1", &options), 0);
    options = OPTIONS;
    options.max_age_s = -1;
    options.same_site = SUNPATH_SAME_SITE_STRICT;
    ck_assert_int_eq(set("c", "x", &options), 0);
    options = OPTIONS;
    options.is_secure = true;
    options.same_site = SUNPATH_SAME_SITE_LAX;
    ck_assert_int_eq(set("__Host-d", "x", &options), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 204, NULL, NULL, 0), 0);
    ck_assert_int_eq(set("late", "x", NULL), -EALREADY);
}

START_TEST(cookies_are_set_with_their_attributes) {
    int fd;

    serving.handler.on_request = set_good_ones;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "\r\n\r\n"),
                   "HTTP/1.1 204 No Content\r\n"
                   "Set-Cookie: a=; Path=/\r\n"
                   "Set-Cookie: b=v=1; Path=/app; Domain=a.example; Max-Age=86400; Secure; "
                   "HttpOnly; SameSite=None; Partitioned\r\n"
                   "Set-Cookie: c=x; Path=/; Max-Age=0; SameSite=Strict\r\n"
                   "Set-Cookie: __Host-d=x; Path=/; Secure; SameSite=Lax\r\n\r\n");
    close(fd);
    serving_close();
}
END_TEST

static void set_bad_ones(struct sunpath_http_exchange *exchange, void *user) {
    static const char *const bad_values[] = {"a b",  "a;b",      "a,b", "\"a\"",
                                             "a\\b", "\xc3\xa9", "\n"};
    struct sunpath_http_set_cookie_options options = OPTIONS;
    char large[4200];

    (void)user;
    asking = exchange;
    ck_assert_int_eq(set("", "a", NULL), -EINVAL);
    ck_assert_int_eq(set("a b", "a", NULL), -EINVAL);
    ck_assert_int_eq(set("a=b", "a", NULL), -EINVAL);
    ck_assert_int_eq(set(NULL, "a", NULL), -EINVAL);
    ck_assert_int_eq(set("a", NULL, NULL), -EINVAL);
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        ck_assert_int_eq(set("a", bad_values[i], NULL), -EINVAL);
    }
    memset(large, 'x', sizeof(large));
    large[4095] = '\0';
    ck_assert_int_eq(set("a", large, NULL), 0);
    ck_assert_int_eq(set("ab", large, NULL), -EMSGSIZE);
    ck_assert_int_eq(set("__Secure-a", "b", NULL), -EINVAL);
    ck_assert_int_eq(set("__host-a", "b", NULL), -EINVAL);
    options.same_site = SUNPATH_SAME_SITE_NONE;
    ck_assert_int_eq(set("a", "b", &options), -EINVAL);
    options = OPTIONS;
    options.is_partitioned = true;
    ck_assert_int_eq(set("a", "b", &options), -EINVAL);
    options = OPTIONS;
    options.is_secure = true;
    options.path = "/x";
    ck_assert_int_eq(set("__Host-a", "b", &options), -EINVAL);
    options.path = "x";
    ck_assert_int_eq(set("a", "b", &options), -EINVAL);
    options.path = "/x; Domain=y";
    ck_assert_int_eq(set("a", "b", &options), -EINVAL);
    options.path = NULL;
    options.domain = "a/b";
    ck_assert_int_eq(set("a", "b", &options), -EINVAL);
    options.domain = NULL;
    options.max_age_s = -2;
    ck_assert_int_eq(set("a", "b", &options), -EINVAL);
    options.size = 1;
    ck_assert_int_eq(set("a", "b", &options), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 204, NULL, NULL, 0), 0);
}

START_TEST(what_browsers_would_not_take_is_refused) {
    int fd;

    serving.handler.on_request = set_bad_ones;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    hear(fd, "\r\n\r\n");
    close(fd);
    serving_close();
}
END_TEST

SP_TESTS("http-set-cookie", cookies_are_set_with_their_attributes,
         what_browsers_would_not_take_is_refused)
