/* SPDX-License-Identifier: MIT */
/* test-json.c - the command's JSON lines are valid whatever a name contains. */

#include "../../cli/json.c"

#include <stdlib.h>

#include "fixture.h"

static void check_text(const char *in, size_t n_in, const char *expected) {
    char *line = NULL;
    size_t n_line = 0;
    FILE *out = open_memstream(&line, &n_line);
    struct cli_json json;

    ck_assert_ptr_nonnull(out);
    cli_json_begin(&json, out);
    cli_json_bytes(&json, "k", in, n_in);
    cli_json_end(&json);
    fclose(out);
    ck_assert_uint_eq(n_line, strlen(expected) + strlen("{\"k\":\"\"}\n"));
    ck_assert(memcmp(line + 6, expected, strlen(expected)) == 0);
    ck_assert_str_eq(line + n_line - 3, "\"}\n");
    free(line);
}

START_TEST(text_is_escaped) {
    check_text("plain", 5, "plain");
    check_text("", 0, "");
    check_text("a\"b\\c", 5, "a\\\"b\\\\c");
    check_text("\n\t\r\x1b\0\x7f", 6, "\\n\\t\\u000d\\u001b\\u0000\\u007f");
}
END_TEST

START_TEST(utf8_passes_and_garbage_does_not) {
    check_text("\xc3\xbc \xe2\x82\xac \xf0\x9f\x8c\x9e", 11,
               "\xc3\xbc \xe2\x82\xac \xf0\x9f\x8c\x9e");
    check_text("\xff\xfe", 2, "\\\\xff\\\\xfe");
    check_text("\xc0\xaf", 2, "\\\\xc0\\\\xaf");                       /* overlong */
    check_text("\xe0\x9f\xbf", 3, "\\\\xe0\\\\x9f\\\\xbf");            /* overlong */
    check_text("\xf0\x8f\xbf\xbf", 4, "\\\\xf0\\\\x8f\\\\xbf\\\\xbf"); /* overlong */
    check_text("\xed\xa0\x80", 3, "\\\\xed\\\\xa0\\\\x80");            /* surrogate */
    check_text("\xf4\x90\x80\x80", 4, "\\\\xf4\\\\x90\\\\x80\\\\x80"); /* beyond U+10FFFF */
    check_text("\xe2\x82", 2, "\\\\xe2\\\\x82");                       /* cut */
    check_text("\xe2\x82x", 3, "\\\\xe2\\\\x82x");
}
END_TEST

START_TEST(members_nest) {
    char *line = NULL;
    size_t n_line = 0;
    FILE *out = open_memstream(&line, &n_line);
    struct cli_json json;

    ck_assert_ptr_nonnull(out);
    cli_json_begin(&json, out);
    cli_json_string(&json, "none", NULL);
    cli_json_bool(&json, "yes", true);
    cli_json_array(&json, "list");
    cli_json_number(&json, NULL, INT64_MIN);
    cli_json_object(&json, NULL);
    cli_json_string(&json, "a", "b");
    cli_json_close(&json);
    cli_json_array(&json, NULL);
    cli_json_close(&json);
    cli_json_close(&json);
    cli_json_number(&json, "n", 7);
    cli_json_object(&json, "left open");
    cli_json_end(&json);
    fclose(out);
    ck_assert_str_eq(line, "{\"none\":null,\"yes\":true,\"list\":[-9223372036854775808,"
                           "{\"a\":\"b\"},[]],\"n\":7,\"left open\":{}}\n");
    free(line);
}
END_TEST

SP_TESTS("json", text_is_escaped, utf8_passes_and_garbage_does_not, members_nest)
