/* SPDX-License-Identifier: MIT */
/* test-cookie.c - Set-Cookie values, dates and paths, the strange ones too. */

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "wire/cookie.h"

#define NOW 1700000000

static struct sp_set_cookie cookie;

static bool parse(const char *text) {
    return sp_set_cookie_parse(&cookie, text, strlen(text), NOW);
}

static bool is(struct sp_slice slice, const char *text) {
    return slice.size == strlen(text) && memcmp(slice.data, text, slice.size) == 0;
}

START_TEST(names_and_values) {
    static const char *const cases[][3] = {
        {"a=b", "a", "b"},
        {" a = b ; x", "a", "b"},
        {"a=b=c", "a", "b=c"},
        {"a=", "a", ""},
        {"=b", "", "b"},
        {"b", "", "b"},
        {"a=\"b c\"", "a", "\"b c\""},
        {"a=b,c", "a", "b,c"},
        {"\ta\t=\tb\t;\tPath\t=\t/\t", "a", "b"},
        {"a=\xc3\xa9;", "a", "\xc3\xa9"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert(parse(cases[i][0]));
        ck_assert(is(cookie.name, cases[i][1]));
        ck_assert(is(cookie.value, cases[i][2]));
        ck_assert(cookie.expires == SP_COOKIE_SESSION);
    }
    ck_assert(!parse(""));
    ck_assert(!parse("="));
    ck_assert(!parse("; Path=/"));
    ck_assert(!parse("a=b\x01"));
    ck_assert(!parse("a=b; x\n"));
    ck_assert(!sp_set_cookie_parse(&cookie, "a=\0b", 4, NOW));
    ck_assert(!parse("a\tx=b"));
    ck_assert(!parse("a=b\tx"));
    ck_assert(!parse("a=b; Path=/x\ty"));
    ck_assert(parse("a=b; Path=/x\ty; Path=/z; other=x\ty"));
}
END_TEST

START_TEST(attributes) {
    ck_assert(parse("a=b; path=/x/y; SECURE; httponly; Domain=.example.org; SameSite=Lax"));
    ck_assert(is(cookie.path, "/x/y"));
    ck_assert(cookie.is_secure && cookie.is_http_only && cookie.has_domain);
    ck_assert(parse("a=b; path=/x; path=y"));
    ck_assert_ptr_null(cookie.path.data);
    ck_assert(parse("a=b; path=/x; path=/z;;"));
    ck_assert(is(cookie.path, "/z"));
    ck_assert(!cookie.is_secure && !cookie.is_http_only && !cookie.has_domain);
}
END_TEST

START_TEST(lifetimes) {
    ck_assert(parse("a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    ck_assert_int_eq(cookie.expires, NOW + 60);
    ck_assert(parse("a=b; Max-Age=-1"));
    ck_assert_int_lt(cookie.expires, NOW);
    ck_assert(parse("a=b; Max-Age=0"));
    ck_assert_int_lt(cookie.expires, NOW);
    ck_assert(parse("a=b; Max-Age=999999999999999999999999"));
    ck_assert_int_eq(cookie.expires, NOW + 400LL * 24 * 3600);
    ck_assert(parse("a=b; Expires=Wed, 15 Nov 2023 10:00:00 GMT"));
    ck_assert_int_eq(cookie.expires, 1700042400);
    ck_assert(parse("a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT"));
    ck_assert_int_eq(cookie.expires, NOW + 400LL * 24 * 3600);
    ck_assert(parse("a=b; Max-Age=; Max-Age=-; Max-Age=+1; Max-Age=1x; Expires=never"));
    ck_assert(cookie.expires == SP_COOKIE_SESSION);
}
END_TEST

START_TEST(sizes) {
    char text[6000];

    memset(text, 'a', sizeof(text));
    text[1] = '=';
    ck_assert(sp_set_cookie_parse(&cookie, text, 4097, NOW));
    ck_assert(!sp_set_cookie_parse(&cookie, text, 4098, NOW));
    snprintf(text, sizeof(text), "a=b; path=/%01023d", 0);
    ck_assert(parse(text));
    ck_assert_uint_eq(cookie.path.size, 1024);
    snprintf(text, sizeof(text), "a=b; path=/%01024d", 0);
    ck_assert(parse(text));
    ck_assert_ptr_null(cookie.path.data);
}
END_TEST

START_TEST(prefixes) {
    ck_assert(parse("__Secure-a=b; Secure"));
    ck_assert(!parse("__Secure-a=b"));
    ck_assert(!parse("__secure-a=b"));
    ck_assert(parse("__Host-a=b; Secure; Path=/"));
    ck_assert(!parse("__Host-a=b; Secure"));
    ck_assert(!parse("__Host-a=b; Path=/"));
    ck_assert(!parse("__Host-a=b; Secure; Path=/x"));
    ck_assert(!parse("__HOST-a=b; Secure; Path=/; Domain=x"));
    ck_assert(!parse("=__Host-a=b; Secure; Path=/"));
    ck_assert(!parse("__Host-; Secure; Path=/"));
}
END_TEST

static int64_t date(const char *text) {
    int64_t time;

    return sp_cookie_date(&time, text, strlen(text)) ? time : -1;
}

START_TEST(dates) {
    ck_assert_int_eq(date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(date("Sun Nov  6 08:49:37 1994"), 784111777);
    ck_assert_int_eq(date("8:49:37 6 november 1994"), 784111777);
    ck_assert_int_eq(date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    ck_assert_int_eq(date("29 Feb 2024 12:00:00"), 1709208000);
    ck_assert_int_eq(date("29 Feb 2023 12:00:00"), -1);
    ck_assert_int_eq(date("29 Feb 2000 12:00:00"), 951825600);
    ck_assert_int_eq(date("29 Feb 2100 12:00:00"), -1);
    ck_assert_int_eq(date("1 Mar 69 00:00:00"), 3129321600);
    ck_assert_int_eq(date("31 Dec 2100 00:00:00"), 4133894400);
    ck_assert_int_eq(date("Sun, 06 Nov 1994"), -1);
    ck_assert_int_eq(date("08:49:37"), -1);
    ck_assert_int_eq(date("32 Nov 1994 08:49:37"), -1);
    ck_assert_int_eq(date("31 Apr 1994 08:49:37"), -1);
    ck_assert_int_eq(date("6 Nov 1994 24:00:00"), -1);
    ck_assert_int_eq(date("6 Nov 1994 08:60:00"), -1);
    ck_assert_int_eq(date("6 Nov 1600 08:00:00"), -1);
    ck_assert_int_eq(date("6 Nox 1994 08:00:00"), -1);
    ck_assert_int_eq(date(""), -1);
}
END_TEST

static bool matches(const char *cookie_path, const char *path) {
    return sp_cookie_path_matches((struct sp_slice){cookie_path, strlen(cookie_path)},
                                  (struct sp_slice){path, strlen(path)});
}

static bool has_default(const char *path, const char *expected) {
    return is(sp_cookie_default_path((struct sp_slice){path, strlen(path)}), expected);
}

START_TEST(paths) {
    ck_assert(matches("/", "/") && matches("/", "/x") && matches("/x", "/x"));
    ck_assert(matches("/x", "/x/") && matches("/x/", "/x/y") && matches("/x", "/x/y"));
    ck_assert(!matches("/x", "/xy") && !matches("/x/", "/x") && !matches("/X", "/x"));
    ck_assert(has_default("/", "/") && has_default("/x", "/") && has_default("", "/"));
    ck_assert(has_default("/x/", "/x") && has_default("/x/y", "/x") && has_default("x/y", "/"));
}
END_TEST

SP_TESTS("cookie", names_and_values, attributes, lifetimes, sizes, prefixes, dates, paths)
