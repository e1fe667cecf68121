/* SPDX-License-Identifier: MIT */
/* test-auth-table.c - passwords and tokens, and files of them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sunpath/auth.h>

#include "fixture.h"

/* As htpasswd -B and mkpasswd write them: bcrypt and SHA-512 of "secret". */
#define BCRYPT "$2y$05$mtNTFiXh8rLTzSt4kVlsF.8dwfHUUj.IQnBWfr6OhmzRSF9fkJ6/2"
#define SHA512                 \
    "$6$rounds=1000$abcdefgh$" \
    "nhYjN017qxiYztzyUpZtPnUQcnLy62KsunSLHNeLahp2EHPlAKmFFlrjEwSXGo2kgY5hR2.peKEg2VGUqIJJu1"

static struct sunpath_auth_table *table;

static void check(const char *user, const char *password, int expected) {
    ck_assert_msg(sunpath_auth_table_check(table, user, password) == expected, "%s:%s", user,
                  password);
}

static void write_file(const char *text) {
    FILE *out = fopen("file", "w");

    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(hashes_are_checked) {
    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    ck_assert_int_eq(sunpath_auth_table_add_hash(table, "b", BCRYPT), 0);
    ck_assert_int_eq(sunpath_auth_table_add_hash(table, "s", SHA512), 0);
    ck_assert_int_eq(sunpath_auth_table_add_hash(table, "s", SHA512), -EEXIST);
    for (int i = 0; i < 3; i++) { /* the second time it is remembered */
        check("b", "secret", 0);
        check("b", "Secret", -EACCES);
        check("b", "", -EACCES);
        check("b", BCRYPT, -EACCES);
        check("s", "secret", 0);
        check("s", "secret ", -EACCES);
        check("nobody", "secret", -EACCES);
    }
    table = sunpath_auth_table_free(table);
}
END_TEST

START_TEST(what_is_no_hash_is_refused) {
    const char *bad[] = {
        "",  "secret", "abcdefghijklm", "$apr1$x$HSRGDm9CJVWcyiBHG0yfN.", "{SHA}x", "$1", "*",
        "!", "x"};

    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(sunpath_auth_table_add_hash(table, "a", bad[i]) == -EINVAL, "%s", bad[i]);
    }
    ck_assert_int_eq(sunpath_auth_table_add_hash(table, "", BCRYPT), -EINVAL);
    ck_assert_int_eq(sunpath_auth_table_add_hash(table, "a:b", BCRYPT), -EINVAL);
    ck_assert_int_eq(sunpath_auth_table_add_hash(table, "a\n", BCRYPT), -EINVAL);
    check("a", "x", -EACCES);
    table = sunpath_auth_table_free(table);
}
END_TEST

START_TEST(plain_passwords_only_when_asked) {
    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    ck_assert_int_eq(sunpath_auth_table_add_password(table, "a", "pass:word"), 0);
    ck_assert_int_eq(sunpath_auth_table_add_password(table, "b", "\x01"), -EINVAL);
    check("a", "pass:word", 0);
    check("a", "pass", -EACCES);
    table = sunpath_auth_table_free(table);
}
END_TEST

START_TEST(tokens_have_names) {
    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "ci", "abc-._~+/123=="), 0);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "me", "other"), 0);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "me", "other"), -EEXIST);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "me", "another"), 0);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "x", ""), -EINVAL);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "x", "a b"), -EINVAL);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "x", "=a"), -EINVAL);
    ck_assert_int_eq(sunpath_auth_table_add_token(table, "x", "a=b"), -EINVAL);
    ck_assert_str_eq(sunpath_auth_table_bearer(table, "abc-._~+/123=="), "ci");
    ck_assert_str_eq(sunpath_auth_table_bearer(table, "another"), "me");
    ck_assert_ptr_null(sunpath_auth_table_bearer(table, "abc-._~+/123="));
    ck_assert_ptr_null(sunpath_auth_table_bearer(table, ""));
    table = sunpath_auth_table_free(table);
}
END_TEST

START_TEST(files_are_read_whole_or_not_at_all) {
    struct sunpath_error error;

    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    write_file("# users\n\nb:" BCRYPT "\r\ns:" SHA512);
    ck_assert_int_eq(sunpath_auth_table_load_passwords(table, "file", &error), 0);
    check("b", "secret", 0);
    check("s", "secret", 0);

    write_file("c:" BCRYPT "\nd:plain\n");
    ck_assert_int_eq(sunpath_auth_table_load_passwords(table, "file", &error), -EINVAL);
    ck_assert_str_eq(error.text, "read 'file' line 2: not USER:HASH with a hash that crypt(3) "
                                 "knows, such as htpasswd -B writes");
    check("c", "secret", -EACCES);
    write_file("no colon\n");
    ck_assert_int_eq(sunpath_auth_table_load_passwords(table, "file", &error), -EINVAL);
    write_file("b:" BCRYPT "\n");
    ck_assert_int_eq(sunpath_auth_table_load_passwords(table, "file", &error), -EEXIST);
    ck_assert_int_eq(sunpath_auth_table_load_tokens(table, "missing", &error), -ENOENT);
    ck_assert_str_eq(error.text, "read 'missing': No such file or directory");

    write_file("ci:token1\nme:token2\n");
    ck_assert_int_eq(sunpath_auth_table_load_tokens(table, "file", &error), 0);
    ck_assert_str_eq(sunpath_auth_table_bearer(table, "token2"), "me");
    write_file("x:token3\ny:token2\n");
    ck_assert_int_eq(sunpath_auth_table_load_tokens(table, "file", &error), -EEXIST);
    ck_assert_ptr_null(sunpath_auth_table_bearer(table, "token3"));
    table = sunpath_auth_table_free(table);
}
END_TEST

START_TEST(files_have_a_limit) {
    static char large[1024 * 1024 + 2];
    struct sunpath_error error;

    ck_assert_int_eq(sunpath_auth_table_new(&table), 0);
    memset(large, '#', sizeof(large) - 1);
    write_file(large);
    ck_assert_int_eq(sunpath_auth_table_load_tokens(table, "file", &error), -EFBIG);
    large[1024 * 1024] = '\0';
    write_file(large);
    ck_assert_int_eq(sunpath_auth_table_load_tokens(table, "file", &error), 0);
    table = sunpath_auth_table_free(table);
}
END_TEST

SP_TESTS("auth-table", hashes_are_checked, what_is_no_hash_is_refused,
         plain_passwords_only_when_asked, tokens_have_names, files_are_read_whole_or_not_at_all,
         files_have_a_limit)
