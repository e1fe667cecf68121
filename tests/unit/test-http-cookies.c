/* SPDX-License-Identifier: MIT */
/* test-http-cookies.c - the jar alone, and in the hands of a client. */

#include <time.h>

#include "http-peer.h"

static struct sunpath_http_cookies *jar;

static void open_jar(void) {
    ck_assert_int_eq(sunpath_http_cookies_new(&jar), 0);
}

static void close_jar(void) {
    jar = sunpath_http_cookies_free(jar);
}

static void set(const char *text, const char *path) {
    ck_assert_int_eq(sunpath_http_cookies_set(jar, text, path), 0);
}

/* "name=value@path " of all of them. */
static const char *contents(void) {
    static char text[16384];
    struct sunpath_http_cookie cookie;
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; sunpath_http_cookies_at(jar, i, &cookie); i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s=%s@%s ", cookie.name, cookie.value,
                              cookie.path);
    }
    return text;
}

START_TEST(keeps_them_in_the_order_they_are_sent) {
    open_jar();
    ck_assert_str_eq(contents(), "");
    set("a=1", "/x/y");
    set("b=2; Path=/", "/x/y");
    set("c=3; Path=/", "/x/y");
    ck_assert_str_eq(contents(), "a=1@/x b=2@/ c=3@/ ");
    set("b=4; Path=/", "/");
    ck_assert_str_eq(contents(), "a=1@/x b=4@/ c=3@/ ");
    set("b=; Path=/; Max-Age=0", "/");
    set("nothing=; Max-Age=0", "/");
    ck_assert_str_eq(contents(), "a=1@/x c=3@/ ");
    close_jar();
}
END_TEST

START_TEST(takes_what_a_program_adds) {
    struct sunpath_http_cookie cookie = {.name = "a", .value = "1"};

    open_jar();
    ck_assert_int_eq(sunpath_http_cookies_add(jar, &cookie), 0);
    ck_assert_str_eq(contents(), "a=1@/ ");
    cookie.expires = 1;
    ck_assert_int_eq(sunpath_http_cookies_add(jar, &cookie), 0);
    ck_assert_str_eq(contents(), "");
    cookie = (struct sunpath_http_cookie){.name = "a", .value = "x;y"};
    ck_assert_int_eq(sunpath_http_cookies_add(jar, &cookie), -EINVAL);
    cookie = (struct sunpath_http_cookie){.name = "a=b", .value = ""};
    ck_assert_int_eq(sunpath_http_cookies_add(jar, &cookie), -EINVAL);
    cookie = (struct sunpath_http_cookie){.name = "a", .value = "x\r\n"};
    ck_assert_int_eq(sunpath_http_cookies_add(jar, &cookie), -EINVAL);
    cookie = (struct sunpath_http_cookie){.name = "a", .value = "", .path = "x"};
    ck_assert_int_eq(sunpath_http_cookies_add(jar, &cookie), -EINVAL);
    ck_assert_int_eq(sunpath_http_cookies_set(jar, "__Host-x=1", "/"), -EINVAL);
    close_jar();
}
END_TEST

START_TEST(has_a_limit) {
    static char text[4200];
    struct sunpath_http_cookie cookie;
    size_t n = 0;

    open_jar();
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), "c%d=x", i);
        set(text, "/");
    }
    ck_assert(sunpath_http_cookies_at(jar, 149, &cookie));
    ck_assert(!sunpath_http_cookies_at(jar, 150, &cookie));
    ck_assert(sunpath_http_cookies_at(jar, 0, &cookie));
    ck_assert_str_eq(cookie.name, "c50");
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "big%d=%04000d", i, 0);
        set(text, "/");
    }
    while (sunpath_http_cookies_at(jar, n, &cookie)) {
        n++;
    }
    ck_assert_uint_lt(n, 17);
    ck_assert_uint_gt(n, 12);
    close_jar();
}
END_TEST

/* ---- with a client --------------------------------------------------------------------------- */

static void start_with_jar(void) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);

    open_jar();
    options.cookies = jar;
    start_with(&options, 16);
}

static void request(int *fd, const char *uri, const char *own, const char *expected,
                    const char *answer) {
    const char *const headers[] = {own ? "Cookie" : NULL, own, NULL};
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result result = {0};
    const char *head, *cookie;

    options.headers = headers;
    ck_assert_int_eq(sunpath_http_client_send(client, "GET", uri, &options, on_done, &result), 0);
    if (*fd < 0) {
        *fd = peer_accept();
    }
    head = peer_head(*fd);
    cookie = strstr(head, "Cookie: ");
    if (!expected) {
        ck_assert_msg(!cookie, "%s", head);
    } else {
        ck_assert_msg(cookie && strncmp(cookie + 8, expected, strlen(expected)) == 0 &&
                          strncmp(cookie + 8 + strlen(expected), "\r\n", 2) == 0,
                      "%s", head);
        ck_assert_ptr_null(strstr(cookie + 8, "Cookie: "));
    }
    peer_write(*fd, answer);
    finish(&result);
    ck_assert_int_eq(result.code, 0);
}

#define SET(cookies) "HTTP/1.1 200 OK\r\n" cookies "Content-Length: 2\r\n\r\nok"

START_TEST(goes_back_and_forth) {
    int fd = -1;

    start_with_jar();
    request(&fd, "/x/login", NULL, NULL,
            SET("Set-Cookie: id=1; HttpOnly; Secure; SameSite=Lax; Domain=example.org\r\n"
                "Set-Cookie: lang=en; Path=/\r\n"));
    request(&fd, "/x/y?z", NULL, "id=1; lang=en", OK);
    request(&fd, "/", NULL, "lang=en", OK);
    request(&fd, "/x/", "own=1; lang=de", "own=1; lang=de; id=1", OK);
    request(&fd, "/", "lang=de", "lang=de", OK);
    request(&fd, "/", NULL, "lang=en", SET("Set-Cookie: lang=; Path=/; Max-Age=0\r\n"));
    request(&fd, "/", NULL, NULL, OK);
    request(&fd, "/", "own=1", "own=1", OK);
    close(fd);
    stop();
    close_jar();
}
END_TEST

START_TEST(a_redirect_brings_cookies_too) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result result = {0};
    int fd;

    start_with_jar();
    options.max_redirects = 1;
    ask_with(&result, "POST", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 302 x\r\nLocation: /home\r\nSet-Cookie: id=7\r\n"
                   "Content-Length: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(peer_head(fd), "\r\nCookie: id=7\r\n"));
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
    close_jar();
}
END_TEST

START_TEST(the_header_has_a_limit) {
    static char text[4200];
    struct result result = {0};
    const char *head;
    int fd;

    start_with_jar();
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof(text), "big%d=%01500d", i, 0);
        set(text, "/");
    }
    ask(&result, "GET");
    fd = peer_accept();
    head = peer_head(fd);
    ck_assert_uint_lt(strlen(head), 8192);
    ck_assert_ptr_nonnull(strstr(head, "big4="));
    ck_assert_ptr_null(strstr(head, "big5="));
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
    close_jar();
}
END_TEST

START_TEST(a_jar_is_for_one_address) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);
    struct sunpath_http_client *other = NULL;
    struct sunpath_error error;

    start_with_jar();
    options.cookies = jar;
    ck_assert_int_eq(sunpath_http_client_new(&other, loop, "./other.sock", &options, &error),
                     -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "of another address"));
    ck_assert_int_eq(sunpath_http_client_new(&other, loop, "./s.sock", &options, &error), 0);
    sunpath_http_client_free(other);
    stop();
    close_jar();
}
END_TEST

START_TEST(over_tcp_nothing_is_trusted) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);
    struct sunpath_http_client *tcp = NULL;

    start();
    open_jar();
    options.cookies = jar;
    ck_assert_int_eq(sunpath_http_client_new(&tcp, loop, "tcp:127.0.0.1:1", &options, NULL), 0);
    ck_assert_int_eq(sunpath_http_cookies_set(jar, "a=b; Secure", "/"), -EINVAL);
    ck_assert_int_eq(sunpath_http_cookies_set(jar, "a=b", "/"), 0);
    sunpath_http_client_free(tcp);
    close_jar();
    stop();
}
END_TEST

SP_TESTS("http-cookies", keeps_them_in_the_order_they_are_sent, takes_what_a_program_adds,
         has_a_limit, goes_back_and_forth, a_redirect_brings_cookies_too, the_header_has_a_limit,
         a_jar_is_for_one_address, over_tcp_nothing_is_trusted)
