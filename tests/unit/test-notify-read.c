/* SPDX-License-Identifier: MIT */
/* test-notify-read.c - notifications taken apart, whatever their senders thought. */

#include <sunpath/notify.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"

/* Each line as "[name]" or "[name=value]". */
static void check(const char *text, size_t size, const char *expected) {
    const char *at = text, *end = text + size;
    struct sunpath_notify_field field;
    char read[256] = "";

    while (sunpath_notify_next(&field, &at, end)) {
        size_t n = strlen(read);

        ck_assert(field.name >= text && field.name + field.n_name <= end);
        ck_assert(!field.value || (field.value > text && field.value + field.n_value <= end));
        snprintf(read + n, sizeof(read) - n, field.value ? "[%.*s=%.*s]" : "[%.*s]",
                 (int)field.n_name, field.name, (int)field.n_value, field.value);
    }
    ck_assert_ptr_eq(at, end);
    ck_assert_str_eq(read, expected);
}

START_TEST(lines_are_fields) {
    check("READY=1", 7, "[READY=1]");
    check("READY=1\nSTATUS=it = works\n", 26, "[READY=1][STATUS=it = works]");
    check("STATUS=\nX=1", 11, "[STATUS=][X=1]");
    check("\n\nA=1\n\n", 7, "[A=1]");
    check("", 0, "");
    check("\n", 1, "");
}
END_TEST

START_TEST(nonsense_is_shown_as_it_is) {
    check("no equals sign", 14, "[no equals sign]");
    check("=value", 6, "[=value]");
    check("A=1", 2, "[A=]"); /* what is behind the end is not looked at */
    check("A=\r\nB=2", 7, "[A=\r][B=2]");
}
END_TEST

SP_TESTS("notify-read", lines_are_fields, nonsense_is_shown_as_it_is)
