/* SPDX-License-Identifier: MIT */
/* test-text.c - escaping of names from outside, strict numbers. */

#include "base/cleanup.h"
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

START_TEST(json_strings_are_json) {
    static const char text[] = "a\"b\\c\n\x01\xff gr\xc3\xbc\xc3\x9f";
    char out[SP_JSON_TEXT_ROOM(sizeof(text))], worst[SP_JSON_TEXT_ROOM(3)];

    *sp_put_json_text(out, text, sizeof(text) - 1) = '\0';
    ck_assert_str_eq(out, "\"a\\\"b\\\\\\\\c\\\\n\\\\x01\\\\xff gr\xc3\xbc\xc3\x9f\"");
    *sp_put_json_text(out, "", 0) = '\0';
    ck_assert_str_eq(out, "\"\"");
    ck_assert_ptr_eq(sp_put_json_text(worst, "\x01\x02\x03", 3), worst + sizeof(worst));
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

START_TEST(text_for_logs_keeps_backslashes) {
    static const char text[] = "a\\b\n\xc3\xbc\xff";
    static const char *const pieces[] = {"a", "\\", "b", "\\n", "\xc3\xbc", "\\xff"};
    size_t at = 0;

    for (size_t i = 0; i < SP_ARRAY_SIZE(pieces); i++) {
        char out[4];
        size_t n_used = 0, n = sp_escape_next(out, &n_used, text + at, sizeof(text) - 1 - at);

        ck_assert_uint_eq(n, strlen(pieces[i]));
        ck_assert_mem_eq(out, pieces[i], n);
        at += n_used;
    }
    ck_assert_uint_eq(at, sizeof(text) - 1);
}
END_TEST

START_TEST(plain_text_is_told_apart) {
    ck_assert(sp_is_plain("", 0));
    ck_assert(sp_is_plain("a b\\\xc3\xbc", 6));
    ck_assert(!sp_is_plain("a\nb", 3));
    ck_assert(!sp_is_plain("a\0b", 3));
    ck_assert(!sp_is_plain("a\x7f", 2));
    ck_assert(!sp_is_plain("\xc3", 1));
    ck_assert(!sp_is_plain("\xc2\x9b", 2));
}
END_TEST

SP_TESTS("text", control_bytes_are_escaped, utf8_passes_and_garbage_does_not,
         a_short_buffer_cuts_between_pieces, json_strings_are_json, numbers_are_strict,
         text_for_logs_keeps_backslashes, plain_text_is_told_apart)
