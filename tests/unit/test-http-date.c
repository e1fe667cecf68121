/* SPDX-License-Identifier: MIT */
/* test-http-date.c - dates of HTTP, read in their three forms. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "wire/http-date.h"

#define NOW 1790000000 /* in 2026 */

static int64_t read_date(const char *text) {
    size_t size = strlen(text);
    char *copy = malloc(size); /* its exact size: reading beyond is noticed */
    int64_t date = -12345;

    memcpy(copy, text, size);
    if (!sp_http_read_date(&date, copy, size, NOW)) {
        ck_assert_int_eq(date, -12345);
        date = INT64_MIN;
    }
    free(copy);
    return date;
}

START_TEST(the_three_forms_are_one_moment) {
    ck_assert_int_eq(read_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(read_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    ck_assert_int_eq(read_date("Sun Nov  6 08:49:37 1994"), 784111777);
    ck_assert_int_eq(read_date("Wed Nov 16 08:49:37 1994"), 784975777);
    ck_assert_int_eq(read_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    ck_assert_int_eq(read_date("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
}
END_TEST

START_TEST(years_of_two_digits_are_near) {
    ck_assert_int_eq(read_date("Friday, 01-Jan-27 00:00:00 GMT"), 1798761600);
    ck_assert_int_eq(read_date("Wednesday, 01-Jan-76 00:00:00 GMT"), 3345062400); /* 2076 */
    ck_assert_int_eq(read_date("Saturday, 01-Jan-77 00:00:00 GMT"), 220924800);   /* 1977 */
    ck_assert_int_eq(read_date("Saturday, 01-Jan-00 00:00:00 GMT"), 946684800);
}
END_TEST

START_TEST(what_is_written_can_be_read) {
    char text[SP_HTTP_DATE_SIZE];
    int64_t date;

    for (int64_t seconds = 0; seconds < 253402300800; seconds += 86400 * 11 + 12345) {
        ck_assert_ptr_eq(sp_http_write_date(text, seconds), text + sizeof(text));
        ck_assert(sp_http_read_date(&date, text, sizeof(text), NOW));
        if (date != seconds) {
            ck_abort_msg("%lld became %lld", (long long)seconds, (long long)date);
        }
    }
}
END_TEST

START_TEST(years_before_1970_agree_with_libc) {
    for (int year = 1; year < 1970; year += 7) {
        struct tm tm = {.tm_year = year - 1900, .tm_mon = 1, .tm_mday = 28};
        char text[64];

        strftime(text, sizeof(text), "Mon, %d Feb ", &tm);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%04d 00:00:00 GMT", year);
        ck_assert_int_eq(read_date(text), timegm(&tm));
    }
}
END_TEST

START_TEST(what_is_no_date_is_refused) {
    static const char *const bad[] = {"",
                                      "Sun",
                                      "nonsense",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      " Sun, 06 Nov 1994 08:49:37 GMT",
                                      "sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 94 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:60:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 06 Nov 1994 8:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Sun, 29 Feb 1995 08:49:37 GMT",
                                      "Sun, 29 Feb 1900 08:49:37 GMT",
                                      "Sun, 06 Nov 0000 08:49:37 GMT",
                                      "Sun, 06-Nov-1994 08:49:37 GMT",
                                      "Sunday, 06 Nov 1994 08:49:37 GMT",
                                      "Monday, 06-Nov-1994 08:49:37 GMT",
                                      "Sun Nov 6 08:49:37 1994",
                                      "Sun Nov 06 08:49:37 94",
                                      "Sun, 06 Nov -994 08:49:37 GMT",
                                      "784111777"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(read_date(bad[i]) == INT64_MIN, "'%s'", bad[i]);
    }
    for (size_t size = 0; size < SP_HTTP_DATE_SIZE; size++) {
        char cut[SP_HTTP_DATE_SIZE + 1] = "Sun, 06 Nov 1994 08:49:37 GMT";

        cut[size] = '\0';
        ck_assert(read_date(cut) == INT64_MIN);
    }
}
END_TEST

SP_TESTS("http-date", the_three_forms_are_one_moment, years_of_two_digits_are_near,
         what_is_written_can_be_read, years_before_1970_agree_with_libc, what_is_no_date_is_refused)
