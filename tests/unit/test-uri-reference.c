/* SPDX-License-Identifier: MIT */
/* test-uri-reference.c - RFC 3986 5.4's examples, and what servers write into Location. */

#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "wire/uri-reference.h"

static void check(const char *base, const char *text, const char *expected) {
    size_t room = SP_URI_RESOLVED_ROOM(strlen(base), strlen(text));
    struct sp_uri_reference reference;
    char *out = malloc(room);
    size_t size;

    sp_uri_reference_split(&reference, text, strlen(text));
    size = sp_uri_resolve(out, base, strlen(base), &reference);
    ck_assert_uint_eq(size, strlen(out));
    ck_assert_uint_lt(size, room);
    ck_assert_msg(strcmp(out, expected) == 0, "'%s' on '%s': '%s', not '%s'", text, base, out,
                  expected);
    free(out);
}

START_TEST(the_examples_of_the_rfc) {
    static const char *const cases[][2] = {
        {"g", "/b/c/g"},
        {"./g", "/b/c/g"},
        {"g/", "/b/c/g/"},
        {"/g", "/g"},
        {"//g", "/"},
        {"?y", "/b/c/d;p?y"},
        {"g?y", "/b/c/g?y"},
        {"#s", "/b/c/d;p?q"},
        {"g#s", "/b/c/g"},
        {"g?y#s", "/b/c/g?y"},
        {";x", "/b/c/;x"},
        {"g;x", "/b/c/g;x"},
        {"", "/b/c/d;p?q"},
        {".", "/b/c/"},
        {"./", "/b/c/"},
        {"..", "/b/"},
        {"../", "/b/"},
        {"../g", "/b/g"},
        {"../..", "/"},
        {"../../", "/"},
        {"../../g", "/g"},
        {"../../../g", "/g"},
        {"../../../../g", "/g"},
        {"/./g", "/g"},
        {"/../g", "/g"},
        {"g.", "/b/c/g."},
        {".g", "/b/c/.g"},
        {"g..", "/b/c/g.."},
        {"..g", "/b/c/..g"},
        {"./../g", "/b/g"},
        {"./g/.", "/b/c/g/"},
        {"g/./h", "/b/c/g/h"},
        {"g/../h", "/b/c/h"},
        {"g;x=1/../y", "/b/c/y"},
        {"g?y/../x", "/b/c/g?y/../x"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check("/b/c/d;p?q", cases[i][0], cases[i][1]);
        check("http://a/b/c/d;p?q", cases[i][0], cases[i][1]);
    }
}
END_TEST

START_TEST(what_servers_write) {
    check("/x", "http://localhost/y?z=1", "/y?z=1");
    check("/x", "http://localhost", "/");
    check("/x", "http://localhost?q", "/?q");
    check("/x", "/a b/\xc3\xa9", "/a%20b/%C3%A9");
    check("/x", "/a%20b?c d", "/a%20b?c%20d");
    check("/x", "/%2e%2E/y", "/y");
    check("/x/y", "%2e/z", "/x/z");
    check("/x", "//other/y", "/y");
    check("*", "y", "/y");
    check("http://a", "y", "/y");
    check("/", "/a//b/../c", "/a//c");
    check("/", "/..", "/");
    check("/", "a:b", "/b"); /* a scheme; nobody follows it */
}
END_TEST

static void check_split(const char *text, const char *scheme, const char *authority,
                        const char *path, const char *query) {
    struct sp_uri_reference got;
    const char *expected[] = {scheme, authority, path, query};
    const struct sp_slice *parts[] = {&got.scheme, &got.authority, &got.path, &got.query};

    sp_uri_reference_split(&got, text, strlen(text));
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(!!parts[i]->data, !!expected[i]);
        if (expected[i]) {
            ck_assert_uint_eq(parts[i]->size, strlen(expected[i]));
            ck_assert_int_eq(memcmp(parts[i]->data, expected[i], parts[i]->size), 0);
        }
    }
}

START_TEST(the_parts) {
    check_split("http://u@h:1/p?q#f", "http", "u@h:1", "/p", "q");
    check_split("http+unix://%2Frun%2Fx/p", "http+unix", "%2Frun%2Fx", "/p", NULL);
    check_split("//h", NULL, "h", "", NULL);
    check_split("p:q/r", "p", NULL, "q/r", NULL);
    check_split("1p:q", NULL, NULL, "1p:q", NULL);
    check_split("./p:q", NULL, NULL, "./p:q", NULL);
    check_split("?", NULL, NULL, "", "");
    check_split("", NULL, NULL, "", NULL);
    check_split("#://h", NULL, NULL, "", NULL);
}
END_TEST

SP_TESTS("uri-reference", the_examples_of_the_rfc, what_servers_write, the_parts)
