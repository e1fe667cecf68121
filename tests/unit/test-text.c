/* SPDX-License-Identifier: MIT */
/* test-text.c - escaping of names from outside, strict numbers. */

#include "base/text.h"

#include <string.h>

#include "fixture.h"

static void check_escape(const char *in, size_t n_in, const char *expected) {
    char out[256];

    ck_assert_uint_eq(sunpath_escape(out, sizeof(out), in, n_in), strlen(expected));
    ck_assert_str_eq(out, expected);
}

START_TEST(control_bytes_are_escaped) {
    check_escape("plain", 5, "plain");
    check_escape("a\nb\tc\rd\\e", 9, "a\\nb\\tc\\rd\\\\e");
    check_escape("\x1b[31m\0x", 7, "\\x1b[31m\\x00x");
    check_escape("\x7f", 1, "\\x7f");
}
END_TEST

START_TEST(utf8_passes_and_garbage_does_not) {
    check_escape("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
    check_escape("\xe2\x82\xac \xf0\x9f\x8c\x9e", 8, "\xe2\x82\xac \xf0\x9f\x8c\x9e");
    check_escape("\xc2\x9b", 2, "\\xc2\\x9b");          /* C1 control */
    check_escape("\xc0\xaf", 2, "\\xc0\\xaf");          /* overlong */
    check_escape("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* surrogate */
    check_escape("\xe2\x82", 2, "\\xe2\\x82");          /* cut */
    check_escape("\xff\xfe", 2, "\\xff\\xfe");
}
END_TEST

START_TEST(a_short_buffer_cuts_between_pieces) {
    char out[6];

    ck_assert_uint_eq(sunpath_escape(out, sizeof(out), "abc\n\x01", 5), 9);
    ck_assert_str_eq(out, "abc\\n");
    ck_assert_uint_eq(sunpath_escape(NULL, 0, "abc", 3), 3);
}
END_TEST

START_TEST(numbers_are_strict) {
    uint64_t n = 7;

    ck_assert(sp_parse_number(&n, "0", 1, 10) && n == 0);
    ck_assert(sp_parse_number(&n, "18446744073709551615", 20, UINT64_MAX) && n == UINT64_MAX);
    ck_assert(!sp_parse_number(&n, "18446744073709551616", 20, UINT64_MAX));
    ck_assert(!sp_parse_number(&n, "", 0, 10));
    ck_assert(!sp_parse_number(&n, "+1", 2, 10));
    ck_assert(!sp_parse_number(&n, " 1", 2, 10));
    ck_assert(!sp_parse_number(&n, "11", 2, 10));
    ck_assert(!sp_parse_number(&n, "9", 1, 4));
}
END_TEST

SP_TESTS("text", control_bytes_are_escaped, utf8_passes_and_garbage_does_not,
         a_short_buffer_cuts_between_pieces, numbers_are_strict)
