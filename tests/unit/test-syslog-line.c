/* SPDX-License-Identifier: MIT */
/* test-syslog-line.c - headers of both formats, and text that stays one line. */

#include "sock/syslog-line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

#define WHEN_NS 1730808065123456789LL /* 2024-11-05 12:01:05.123456 UTC */

static const char *header(const char *zone, bool rfc5424, bool with_pid) {
    static char out[SP_SYSLOG_HEADER_MAX];
    struct sp_syslog_style style = {.ident = "app", .rfc5424 = rfc5424, .with_pid = with_pid};

    setenv("TZ", zone, 1);
    tzset();
    ck_assert_uint_eq(sp_syslog_put_header(out, &style, 30, WHEN_NS), strlen(out));
    return out;
}

START_TEST(headers) {
    char expected[300], host[65];

    ck_assert_str_eq(header("UTC0", false, false), "<30>Nov  5 12:01:05 app: ");
    snprintf(expected, sizeof(expected), "<30>Nov  5 12:01:05 app[%d]: ", (int)getpid());
    ck_assert_str_eq(header("UTC0", false, true), expected);
    ck_assert_str_eq(header("XXX-5:30", false, false), "<30>Nov  5 17:31:05 app: ");

    ck_assert_int_eq(gethostname(host, sizeof(host)), 0);
    snprintf(expected, sizeof(expected), "<30>1 2024-11-05T12:01:05.123456+00:00 %s app - - - ",
             host);
    ck_assert_str_eq(header("UTC0", true, false), expected);
    snprintf(expected, sizeof(expected), "<30>1 2024-11-05T17:31:05.123456+05:30 %s app %d - - ",
             host, (int)getpid());
    ck_assert_str_eq(header("XXX-5:30", true, true), expected);
    ck_assert_ptr_nonnull(strstr(header("XXX8", true, true), "T04:01:05.123456-08:00 "));
}
END_TEST

static bool takes(const char *ident, bool rfc5424) {
    struct sp_syslog_style style = {.rfc5424 = rfc5424};
    bool is_taken = sp_syslog_set_ident(&style, ident);

    ck_assert(!is_taken || strcmp(style.ident, ident) == 0);
    return is_taken;
}

START_TEST(idents_are_words) {
    static const char longest[] = "123456789012345678901234567890123456789012345678";
    struct sp_syslog_style style = {.with_pid = false};

    ck_assert_uint_eq(strlen(longest), SP_SYSLOG_IDENT_MAX);
    for (int i = 0; i < 2; i++) {
        ck_assert(takes("a", i) && takes("postfix/smtpd", i) && takes(longest, i));
        ck_assert(!takes("", i) && !takes("a b", i) && !takes("a\n", i));
        ck_assert(!takes("gr\xc3\xbc", i) &&
                  !takes("1"
                         "123456789012345678901234567890123456789012345678",
                         i));
        ck_assert_int_eq(takes("a:b", i), i);
        ck_assert_int_eq(takes("a[b", i), i);
    }
    ck_assert(sp_syslog_set_ident(&style, NULL));
    ck_assert_str_eq(style.ident, "unit-test-syslog-line");
    program_invocation_short_name =
        (char *)"my app: 1 with a name that is far longer than any ident";
    ck_assert(sp_syslog_set_ident(&style, NULL));
    ck_assert_str_eq(style.ident, "my_app__1_with_a_name_that_is_far_longer_than_an");
    program_invocation_short_name = (char *)"";
    ck_assert(sp_syslog_set_ident(&style, NULL));
    ck_assert_str_eq(style.ident, "-");
}
END_TEST

static void put(const char *text, size_t size, size_t room, const char *expected, size_t used) {
    char out[64];
    size_t n_used, n = sp_syslog_put_text(out, room, text, size, &n_used);

    ck_assert_uint_eq(n, strlen(expected));
    ck_assert_mem_eq(out, expected, n);
    ck_assert_uint_eq(n_used, used);
}

START_TEST(text_is_one_line) {
    put("", 0, 64, "", 0);
    put("a\\b \"c\"", 7, 64, "a\\b \"c\"", 7);
    put("a\nb\tc\0d\x1b", 8, 64, "a\\nb\\tc\\x00d\\x1b", 8);
    put("gr\xc3\xbc\xc3", 5, 64, "gr\xc3\xbc\\xc3", 5);
}
END_TEST

START_TEST(no_character_is_split) {
    put("abc", 3, 2, "ab", 2);
    put("ab\xc3\xbc", 4, 3, "ab", 2);
    put("ab\xc3\xbc", 4, 4, "ab\xc3\xbc", 4);
    put("ab\ncd", 5, 3, "ab", 2);
    put("ab\ncd", 5, 4, "ab\\n", 3);
    put("ab\x01", 3, 5, "ab", 2);
    put("ab", 2, 0, "", 0);
}
END_TEST

SP_TESTS("syslog-line", headers, idents_are_words, text_is_one_line, no_character_is_split)
