/* SPDX-License-Identifier: MIT */
/* test-signed-cookie.c - cookies that only a server who knows the secret can have set. */

#include "http-serving.h"

#include <sunpath/signed-cookie.h>

static const char *const secrets[] = {"new", "tobiiscool", NULL};
static const char *value, *secret;
static int result;

static void set_it(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    result = sunpath_http_set_signed_cookie(exchange, "n", value, secret, NULL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 204, NULL, NULL, 0), 0);
}

/* The cookie that is set for a value, as it goes out, or NULL. */
static const char *set(const char *given, const char *by) {
    static char cookie[8192];
    char *heard, *from, *to;
    int fd = client();

    value = given;
    secret = by;
    say(fd, GET("/"));
    heard = hear(fd, "\r\n\r\n");
    close(fd);
    from = strstr(heard, "Set-Cookie: n=");
    if (!from) {
        return NULL;
    }
    from += strlen("Set-Cookie: n=");
    to = strchr(from, ';');
    snprintf(cookie, sizeof(cookie), "%.*s", (int)(to - from), from);
    return cookie;
}

/* What npm's cookie-signature makes of them, as Express writes it. */
START_TEST(cookies_are_signed_as_express_does) {
    char long_secret[101];

    serving.handler.on_request = set_it;
    serving_open(NULL);
    ck_assert_str_eq(set("hello", "tobiiscool"),
                     "s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI");
    ck_assert_str_eq(set("", "tobiiscool"), "s%3A.vSL46q0CTANPH45to%2FhQj%2FsrOUhYSCmMElOFMnD4QOk");
    memset(long_secret, 'x', 100);
    long_secret[100] = '\0';
    ck_assert_ptr_nonnull(set("a b;c\xc3\xa9", long_secret));
    ck_assert_ptr_null(set("hello", ""));
    ck_assert_int_eq(result, -EINVAL);
    serving_close();
}
END_TEST

static void read_it(struct sunpath_http_exchange *exchange, void *user) {
    const char *found = sunpath_http_signed_cookie(exchange, "n", secrets);

    (void)user;
    note("%s;", found ? found : "NULL");
    ck_assert_int_eq(sunpath_http_respond(exchange, 204, NULL, NULL, 0), 0);
}

static const char *read_back(const char *cookie) {
    char request[8192];
    int fd = client();

    serving.log[0] = '\0';
    snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: x\r\nCookie: n=%s\r\n\r\n", cookie);
    say(fd, request);
    hear(fd, "\r\n\r\n");
    close(fd);
    return serving.log;
}

START_TEST(only_signed_values_come_back) {
    static const char *const refused[] = {
        "",
        "hello",
        "s%3Ahello",
        "s%3A",
        "s%3Ahallo.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI",
        "s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5Q",
        "s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QJ",
        "s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI%",
        "hello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI",
    };

    serving.handler.on_request = read_it;
    serving_open(NULL);
    ck_assert_str_eq(read_back("s%3Ahello.DGDUkGlIkCzPz%2BC0B064FNgHdEjox7ch8tOBGslZ5QI"),
                     "hello;");
    ck_assert_str_eq(read_back("s:hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI"), "hello;");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        ck_assert_msg(strcmp(read_back(refused[i]), "NULL;") == 0, "%s", refused[i]);
    }
    serving_close();
}
END_TEST

START_TEST(any_text_goes_there_and_back) {
    static const char *const texts[] = {"a b;c,\"\\", "\xc3\xa9\n\x7f", "%41+.", "x.y.z"};
    char cookie[8192];

    serving_open(NULL);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        serving.handler.on_request = set_it;
        snprintf(cookie, sizeof(cookie), "%s", set(texts[i], "new"));
        serving.handler.on_request = read_it;
        ck_assert_int_eq(strncmp(read_back(cookie), texts[i], strlen(texts[i])), 0);
    }
    serving_close();
}
END_TEST

SP_TESTS("signed-cookie", cookies_are_signed_as_express_does, only_signed_values_come_back,
         any_text_goes_there_and_back)
