/* SPDX-License-Identifier: MIT */
/* test-router-match.c - routes by host, header, query and peer. */

#include "routing.h"

#define MATCH SUNPATH_OPTIONS(struct sunpath_router_match)

static const struct sunpath_http_handler shows = {.on_request = show};

static void add(const char *route, const char *user, const struct sunpath_router_match *match) {
    ck_assert_int_eq(sunpath_router_add(router, route, &shows, (void *)user, match), 0);
}

/* The status and the user of the route that answered. */
static const char *who(const char *request, const char *headers) {
    static char text[64];

    snprintf(text, sizeof(text), "%s", answer_with(request, headers));
    text[4 + strcspn(text + 4, " ")] = '\0';
    return text;
}

START_TEST(by_host) {
    struct sunpath_router_match a = MATCH, below = MATCH;
    int fd;

    a.host = "A.example";
    below.host = "*.example";
    router = new_router(false, false);
    add("GET /", "a", &a);
    add("GET /", "below", &below);
    add("GET /", "other", NULL);
    routing_open(NULL);
    ck_assert_str_eq(who("GET http://a.EXAMPLE/", ""), "200 a");
    ck_assert_str_eq(who("GET http://a.example:80/", ""), "200 a");
    ck_assert_str_eq(who("GET http://user@a.example/", ""), "200 a");
    ck_assert_str_eq(who("GET http://b.example/", ""), "200 below");
    ck_assert_str_eq(who("GET http://x.a.example/", ""), "200 below");
    ck_assert_str_eq(who("GET http://.example/", ""), "200 other");
    ck_assert_str_eq(who("GET http://example/", ""), "200 other");
    ck_assert_str_eq(who("GET http://[::1]/", ""), "200 other");
    ck_assert_str_eq(who("GET /", ""), "200 other");
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: a.example:1\r\n\r\n");
    hear(fd, "a / ");
    say(fd, "GET / HTTP/1.1\r\nHost: B.Example\r\n\r\n");
    hear(fd, "below / ");
    close(fd);
    settle();
    routing_close();
}
END_TEST

START_TEST(by_header_and_query) {
    static const char *const some_headers[] = {"X-Some", NULL};
    static const char *const two_headers[] = {"X-some:a b", "X-OTHER: 1", NULL};
    static const char *const queries[] = {"debug", "v=a b", NULL};
    struct sunpath_router_match some = MATCH, two = MATCH, query = MATCH;

    some.headers = some_headers;
    two.headers = two_headers;
    query.queries = queries;
    router = new_router(false, false);
    add("/", "two", &two);
    add("/", "some", &some);
    add("/", "query", &query);
    add("GET /only", "only", &query);
    routing_open(NULL);
    ck_assert_str_eq(who("GET /", "x-some: a b\r\nx-other: 1\r\n"), "200 two");
    ck_assert_str_eq(who("GET /", "X-Some: c\r\nX-Some: a b\r\nX-Other: 1\r\n"), "200 two");
    ck_assert_str_eq(who("GET /", "X-Some: a b\r\nX-Other: 2\r\n"), "200 some");
    ck_assert_str_eq(who("GET /", "X-Some:\r\n"), "200 some");
    ck_assert_str_eq(who("GET /?debug&v=a+b", ""), "200 query");
    ck_assert_str_eq(who("GET /?v=x&%76=a%20b&debug=1", ""), "200 query");
    ck_assert_str_eq(who("GET /?debug&v=A+b", ""), "404 Not");
    ck_assert_str_eq(who("GET /?v=a+b", ""), "404 Not");
    ck_assert_str_eq(who("GET /only", ""), "404 Not");
    ck_assert_str_eq(who("PUT /only", ""), "404 Not");
    ck_assert_str_eq(who("PUT /only?debug&v=a+b", ""), "405 Method");
    routing_close();
}
END_TEST

START_TEST(by_peer) {
    struct sunpath_access *me, *nobody;
    struct sunpath_router_match mine = MATCH, nobodys = MATCH, both = MATCH;
    char rule[32];

    snprintf(rule, sizeof(rule), "uid=%u", geteuid());
    ck_assert_int_eq(sunpath_access_new(&me), 0);
    ck_assert_int_eq(sunpath_access_new(&nobody), 0);
    ck_assert_int_eq(sunpath_access_allow(me, rule, NULL), 0);
    ck_assert_int_eq(sunpath_access_deny(nobody, rule, NULL), 0);
    mine.access = me;
    nobodys.access = nobody;
    both.access = nobody;
    both.host = "elsewhere";
    router = new_router(false, false);
    add("GET /mine", "mine", &mine);
    add("GET /two", "refused", &nobodys);
    add("GET /two", "open", NULL);
    add("GET /closed", "never", &nobodys);
    add("GET /elsewhere", "never", &both);
    routing_open(NULL);
    ck_assert_str_eq(who("GET /mine", ""), "200 mine");
    ck_assert_str_eq(who("GET /two", ""), "200 open");
    ck_assert_str_eq(who("GET /closed", ""), "403 Forbidden");
    ck_assert_str_eq(who("PUT /closed", ""), "404 Not");
    ck_assert_str_eq(who("GET /elsewhere", ""), "404 Not");
    routing_close();
    sunpath_access_free(me);
    sunpath_access_free(nobody);
}
END_TEST

START_TEST(a_mount_has_conditions_for_all_in_it) {
    struct sunpath_router_match match = MATCH;
    struct sunpath_router *child = new_router(false, false), *inner = new_router(false, false);
    struct sunpath_access *nobody;
    char rule[32];

    snprintf(rule, sizeof(rule), "uid=%u", geteuid());
    ck_assert_int_eq(sunpath_access_new(&nobody), 0);
    ck_assert_int_eq(sunpath_access_deny(nobody, rule, NULL), 0);
    router = new_router(false, false);
    match.host = "in.side";
    ck_assert_int_eq(sunpath_router_mount(router, "/", child, &match), 0);
    match.host = NULL;
    match.access = nobody;
    ck_assert_int_eq(sunpath_router_mount(child, "/x", inner, &match), 0);
    on(child, "GET /");
    on(inner, "GET /y");
    add("GET /", "outside", NULL);
    routing_open(NULL);
    ck_assert_str_eq(who("GET http://in.side/", ""), "200 -");
    ck_assert_str_eq(who("GET /", ""), "200 outside");
    ck_assert_str_eq(who("GET http://in.side/x/y", ""), "403 Forbidden");
    ck_assert_str_eq(who("GET /x/y", ""), "404 Not");
    routing_close();
    sunpath_access_free(nobody);
}
END_TEST

START_TEST(conditions_that_make_no_sense_are_refused) {
    static const char *const bad_headers[] = {"A b: c", NULL};
    static const char *const bad_hosts[] = {"", "a:80", "a/b", "*a", "a.*", "http://a"};
    struct sunpath_router_match match = {0};
    struct sunpath_error error;

    for (size_t i = 0; i < sizeof(bad_hosts) / sizeof(bad_hosts[0]); i++) {
        match = MATCH;
        match.host = bad_hosts[i];
        router = new_router(false, false);
        ck_assert_int_eq(sunpath_router_add(router, "GET /", &shows, NULL, &match), -EINVAL);
        ck_assert_int_eq(sunpath_router_compile(router, &error), -EINVAL);
        ck_assert_str_eq(error.text, "route 'GET /': its host is not like 'a.example' or "
                                     "'*.a.example'");
        router = sunpath_router_free(router);
    }
    match = MATCH;
    match.headers = bad_headers;
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_add(router, "GET /", &shows, NULL, &match), -EINVAL);
    match.size = 0;
    ck_assert_int_eq(sunpath_router_add(router, "GET /", &shows, NULL, &match), -EINVAL);
    ck_assert_int_eq(sunpath_router_compile(router, &error), -EINVAL);
    ck_assert_str_eq(error.text, "route 'GET /': its headers are not like 'Name' or 'Name: value'");
    router = sunpath_router_free(router);
}
END_TEST

SP_TESTS("router-match", by_host, by_header_and_query, by_peer,
         a_mount_has_conditions_for_all_in_it, conditions_that_make_no_sense_are_refused)
