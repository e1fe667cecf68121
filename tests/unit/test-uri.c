/* SPDX-License-Identifier: MIT */
/* test-uri.c - targets taken apart, escapes undone, pairs of queries and cookies. */

#include "wire/uri.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

static bool slice_is(struct sp_slice slice, const char *text) {
    if (!text) {
        return slice.data == NULL;
    }
    return slice.data && slice.size == strlen(text) && memcmp(slice.data, text, slice.size) == 0;
}

START_TEST(targets_have_parts) {
    static const struct {
        const char *target, *authority, *path, *query;
    } cases[] = {
        {"/", NULL, "/", NULL},
        {"/a/b?x=1&y=?", NULL, "/a/b", "x=1&y=?"},
        {"/a?", NULL, "/a", ""},
        {"//host/a", NULL, "//host/a", NULL},
        {"http://host/a?b", "host", "/a", "b"},
        {"http://user:pw@host:80/a", "host:80", "/a", NULL},
        {"http://host", "host", "/", NULL},
        {"http://host?q", "host", "/", "q"},
        {"http://[::1]:8/@", "[::1]:8", "/@", NULL},
        {"*", NULL, NULL, NULL},
        {"host:443", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_uri_parts parts;

        sp_uri_split(&parts, cases[i].target, strlen(cases[i].target));
        ck_assert_msg(slice_is(parts.authority, cases[i].authority), "%s", cases[i].target);
        ck_assert_msg(slice_is(parts.path, cases[i].path), "%s", cases[i].target);
        ck_assert_msg(slice_is(parts.query, cases[i].query), "%s", cases[i].target);
    }
}
END_TEST

START_TEST(escapes_are_undone) {
    static const struct {
        const char *text;
        int flags;
        const char *decoded; /* NULL: -EINVAL */
    } cases[] = {
        {"", SP_URI_STRICT, ""},
        {"a%20b+c", SP_URI_STRICT, "a b+c"},
        {"a%20b+c", SP_URI_PLUS_SPACE, "a b c"},
        {"%2f%2F%e2%82%AC", SP_URI_STRICT, "//\xe2\x82\xac"},
        {"%", SP_URI_STRICT, NULL},
        {"%2", SP_URI_STRICT, NULL},
        {"%2g", SP_URI_STRICT, NULL},
        {"a%00b", SP_URI_STRICT, NULL},
        {"%", SP_URI_LENIENT, "%"},
        {"%2", SP_URI_LENIENT, "%2"},
        {"%zz%41", SP_URI_LENIENT, "%zzA"},
        {"a%00b", SP_URI_LENIENT, "a%00b"},
        {"%2541", SP_URI_STRICT, "%41"}, /* once, not twice */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].text);
        char out[64];
        ssize_t n = sp_uri_decode(out, cases[i].text, size, cases[i].flags);

        if (!cases[i].decoded) {
            ck_assert_int_eq(n, -EINVAL);
            continue;
        }
        ck_assert_int_eq(n, (ssize_t)strlen(cases[i].decoded));
        ck_assert_str_eq(out, cases[i].decoded);
        ck_assert(sp_uri_is(cases[i].text, size, cases[i].decoded, cases[i].flags));
        ck_assert(!sp_uri_is(cases[i].text, size, "something else", cases[i].flags));
    }
    ck_assert(!sp_uri_is("ab", 2, "a", 0));
    ck_assert(!sp_uri_is("a", 1, "ab", 0));
}
END_TEST

START_TEST(decoding_works_in_place) {
    char text[] = "%41%42c%20";

    ck_assert_int_eq(sp_uri_decode(text, text, strlen(text), SP_URI_STRICT), 4);
    ck_assert_str_eq(text, "ABc ");
}
END_TEST

/* "name=value|name=value|" of all pairs. */
static const char *pairs(const char *text,
                         bool next(struct sp_uri_pair *, const char **, const char *)) {
    static char shown[256];
    struct sp_uri_pair pair;
    const char *at = text;
    size_t n = 0;

    shown[0] = '\0';
    while (next(&pair, &at, text + strlen(text))) {
        n += (size_t)snprintf(shown + n, sizeof(shown) - n, "%.*s=%.*s|", (int)pair.name.size,
                              pair.name.data, (int)pair.value.size, pair.value.data);
    }
    return shown;
}

START_TEST(queries_have_pairs) {
    ck_assert_str_eq(pairs("a=1&b=2", sp_uri_next_pair), "a=1|b=2|");
    ck_assert_str_eq(pairs("", sp_uri_next_pair), "");
    ck_assert_str_eq(pairs("&&a&&=x&b=&c==&", sp_uri_next_pair), "a=|=x|b=|c==|");
}
END_TEST

START_TEST(cookies_have_pairs) {
    ck_assert_str_eq(pairs("a=1; b=2", sp_cookie_next), "a=1|b=2|");
    ck_assert_str_eq(pairs(" a = 1 ;b=\"q\";; c ;=x;d=e=f", sp_cookie_next), "a=1|b=\"q\"|d=e=f|");
    ck_assert_str_eq(pairs("", sp_cookie_next), "");
}
END_TEST

SP_TESTS("uri", targets_have_parts, escapes_are_undone, decoding_works_in_place, queries_have_pairs,
         cookies_have_pairs)
