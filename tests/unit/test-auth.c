/* SPDX-License-Identifier: MIT */
/* test-auth.c - what requests say of who asks, and the challenges. */

#include <sunpath/auth.h>

#include "http-serving.h"

static void read_both(struct sunpath_http_exchange *exchange, void *user) {
    const char *name = "-", *password = "-", *token = "-";
    int basic = sunpath_auth_basic(exchange, &name, &password);
    int bearer = sunpath_auth_bearer(exchange, &token);
    char text[256];
    int n = snprintf(text, sizeof(text), "%d %s %s %d %s.", basic, name, password, bearer, token);

    (void)user;
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, text, (size_t)n), 0);
}

static void check(const char *headers, const char *expected) {
    int fd = client();
    char *heard;

    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n");
    say(fd, headers);
    say(fd, "\r\n");
    heard = hear(fd, ".");
    ck_assert_str_eq(strstr(heard, "\r\n\r\n") + 4, expected);
    close(fd);
}

START_TEST(credentials_are_read_strictly) {
    char text[128];

    serving.handler.on_request = read_both;
    serving_open(NULL);
    snprintf(text, sizeof(text), "%d - - %d -.", -ENOENT, -ENOENT);
    check("", text);
    check("Authorization: Digest x\r\n", text);
    check("Authorization: Basically YTpi\r\n", text);
    snprintf(text, sizeof(text), "0 a b %d -.", -ENOENT);
    check("Authorization: Basic YTpi\r\n", text);
    check("authorization: bAsIc   YTpi\r\n", text);
    snprintf(text, sizeof(text), "0  b:c %d -.", -ENOENT);
    check("Authorization: Basic OmI6Yw==\r\n", text); /* ":b:c" */
    snprintf(text, sizeof(text), "%d - - %d -.", -EBADMSG, -ENOENT);
    check("Authorization: Basic\r\n", text);
    check("Authorization: Basic YTpi=\r\n", text);
    check("Authorization: Basic YQ==\r\n", text);     /* "a" */
    check("Authorization: Basic YTpiCg==\r\n", text); /* "a:b\n" */
    check("Authorization: Basic YTpiAGM=\r\n", text); /* "a:b\0c" */
    check("Authorization: Basic YTpi YTpi\r\n", text);
    snprintf(text, sizeof(text), "%d - - 0 abc.", -ENOENT);
    check("Authorization: Bearer abc\r\n", text);
    snprintf(text, sizeof(text), "%d - - %d -.", -ENOENT, -EBADMSG);
    check("Authorization: Bearer a b\r\n", text);
    check("Authorization: Bearer \"a\"\r\n", text);
    snprintf(text, sizeof(text), "%d - - %d -.", -EBADMSG, -EBADMSG);
    check("Authorization: Basic YTpi\r\nAuthorization: Bearer abc\r\n", text);
    snprintf(text, sizeof(text), "%d - - %d -.", -ENOENT, -ENOENT);
    check("Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Basic YTpi\r\n", text);
    serving_close();
}
END_TEST

static void challenge(struct sunpath_http_exchange *exchange, void *user) {
    const char *path = sunpath_http_path(exchange);

    (void)user;
    if (strcmp(path, "/basic") == 0) {
        ck_assert_int_eq(sunpath_auth_challenge_basic(exchange, "a \"b\" \\"), 0);
    } else if (strcmp(path, "/none") == 0) {
        ck_assert_int_eq(sunpath_auth_challenge_bearer(exchange, NULL, NULL), 0);
    } else {
        ck_assert_int_eq(sunpath_auth_challenge_bearer(exchange, NULL, "what"), -EINVAL);
        ck_assert_int_eq(sunpath_auth_challenge_bearer(exchange, NULL, path + 1), 0);
    }
}

START_TEST(challenges_say_what_is_wanted) {
    static const char *const expected[][3] = {
        {GET("/basic"), "401 Unauthorized\r\n",
         "WWW-Authenticate: Basic realm=\"a \\\"b\\\" \\\\\", charset=\"UTF-8\"\r\n"},
        {GET("/none"), "401 Unauthorized\r\n", "WWW-Authenticate: Bearer realm=\"restricted\"\r\n"},
        {GET("/invalid_token"), "401 Unauthorized\r\n",
         "restricted\", error=\"invalid_token\"\r\n"},
        {GET("/invalid_request"), "400 Bad Request\r\n", ", error=\"invalid_request\"\r\n"},
        {GET("/insufficient_scope"), "403 Forbidden\r\n", ", error=\"insufficient_scope\"\r\n"}};

    serving.handler.on_request = challenge;
    serving_open(NULL);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        int fd = client();
        const char *heard;

        say(fd, expected[i][0]);
        heard = hear(fd, "\n\r\n");
        ck_assert_msg(strstr(heard, expected[i][1]) && strstr(heard, expected[i][2]), "%s", heard);
        close(fd);
    }
    serving_close();
}
END_TEST

START_TEST(texts_are_compared_whole) {
    ck_assert(sunpath_auth_is_equal("", ""));
    ck_assert(sunpath_auth_is_equal("abc", "abc"));
    ck_assert(!sunpath_auth_is_equal("abc", "abd"));
    ck_assert(!sunpath_auth_is_equal("abc", "ab"));
    ck_assert(!sunpath_auth_is_equal("", "a"));
}
END_TEST

SP_TESTS("auth", credentials_are_read_strictly, challenges_say_what_is_wanted,
         texts_are_compared_whole)
