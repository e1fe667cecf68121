/* SPDX-License-Identifier: MIT */
/* test-form-file.c - names that are safe. What happens to files is in test-form-receive.c. */

#include <sunpath/form.h>

#include <errno.h>
#include <string.h>

#include "fixture.h"

START_TEST(names_are_made_safe) {
    static const struct {
        const char *sent, *made;
    } cases[] = {
        {"a.txt", "a.txt"},
        {"", "file"},
        {"/", "file"},
        {"..", "file"},
        {"../../etc/passwd", "passwd"},
        {"/etc/passwd", "passwd"},
        {"C:\\Users\\me\\My file.doc", "My file.doc"},
        {"a/b\\c/", "file"},
        {".bashrc", "bashrc"},
        {"...x", "x"},
        {". .x", "x"},
        {"a.", "a"},
        {"a. . ", "a"},
        {"a\nb\x1b[31m\x7f.txt", "ab[31m.txt"},
        {"\x01..\x01.", "file"},
        {"\x01.htaccess", "file"},
        {"\xe2\x82\xac.txt", "\xe2\x82\xac.txt"},
        {"a\xff\xe2\x82.txt", "a.txt"},
        {"a\xc2\x9b.txt", "a.txt"},
        {"a\xed\xa0\x80z", "az"},
        {"a.tar.gz", "a.tar.gz"},
    };
    char made[201], longest[400];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int n = sunpath_form_safe_name(made, sizeof(made), cases[i].sent);

        ck_assert_str_eq(made, cases[i].made);
        ck_assert_int_eq(n, (int)strlen(made));
    }
    ck_assert_int_eq(sunpath_form_safe_name(made, 5, "a.txt"), -ENOBUFS);
    ck_assert_int_eq(sunpath_form_safe_name(made, 6, "a.txt"), 5);
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 300, ".jpeg", 6);
    ck_assert_int_eq(sunpath_form_safe_name(made, sizeof(made), longest), 200);
    ck_assert_str_eq(made + 194, "a.jpeg");
    for (size_t i = 0; i < 300; i += 3) { /* not cut within a character */
        memcpy(longest + i, "\xe2\x82\xac", 3);
    }
    ck_assert_int_eq(sunpath_form_safe_name(made, sizeof(made), longest), 200);
    memcpy(longest + 300, ".jpg", 5);
    ck_assert_int_eq(sunpath_form_safe_name(made, sizeof(made), longest), 199);
    ck_assert_str_eq(made + 192, "\xe2\x82\xac.jpg");
}
END_TEST

SP_TESTS("form-file", names_are_made_safe)
