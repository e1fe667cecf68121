/* SPDX-License-Identifier: MIT */
/* test-http-range.c - Range fields, sensible and not. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "wire/http-range.h"

/* "0+5 10+5": what is to be sent; "": ignored, "outside": 416. */
static const char *read_as(const char *field, uint64_t size) {
    struct sp_http_range ranges[SP_HTTP_MAX_RANGES];
    size_t n_field = strlen(field);
    char *copy = malloc(n_field + 1);
    static char text[2048];
    size_t n = 0;
    int r;

    memcpy(copy, field, n_field);
    r = sp_http_read_ranges(ranges, copy, n_field, size);
    free(copy);
    text[0] = '\0';
    if (r < 0) {
        ck_assert_int_eq(r, -ERANGE);
        return "outside";
    }
    ck_assert_int_le(r, SP_HTTP_MAX_RANGES);
    for (int i = 0; i < r; i++) {
        ck_assert_uint_gt(ranges[i].size, 0);
        ck_assert_uint_le(ranges[i].first + ranges[i].size, size);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%" PRIu64 "+%" PRIu64, i ? " " : "",
                              ranges[i].first, ranges[i].size);
    }
    return text;
}

START_TEST(one_range) {
    ck_assert_str_eq(read_as("bytes=0-4", 1000), "0+5");
    ck_assert_str_eq(read_as("bytes=0-0", 1), "0+1");
    ck_assert_str_eq(read_as("Bytes=7-", 10), "7+3");
    ck_assert_str_eq(read_as("bytes=-2", 10), "8+2");
    ck_assert_str_eq(read_as("bytes=-20", 10), "0+10");
    ck_assert_str_eq(read_as("bytes=5-99", 10), "5+5");
    ck_assert_str_eq(read_as("bytes=5-99999999999999999999999", 10), "5+5");
    ck_assert_str_eq(read_as("bytes=0-18446744073709551615", 10), "0+10");
    ck_assert_str_eq(read_as("bytes= 0-4 ", 10), "0+5");
}
END_TEST

START_TEST(several_ranges_stay_in_their_order) {
    ck_assert_str_eq(read_as("bytes=0-4,500-504", 1000), "0+5 500+5");
    ck_assert_str_eq(read_as("bytes=500-504 ,\t0-4,,", 1000), "500+5 0+5");
    ck_assert_str_eq(read_as("bytes=900-,-10,2000-", 1000), "900+100");
    ck_assert_str_eq(read_as("bytes=2000-,0-0,-1", 1000), "0+1 999+1");
}
END_TEST

START_TEST(what_touches_becomes_one) {
    ck_assert_str_eq(read_as("bytes=0-4,5-9", 100), "0+10");
    ck_assert_str_eq(read_as("bytes=5-9,0-4", 100), "0+10");
    ck_assert_str_eq(read_as("bytes=0-4,3-9,20-29,2-2", 100), "0+10 20+10");
    ck_assert_str_eq(read_as("bytes=0-4,6-9", 100), "0+5 6+4");
    ck_assert_str_eq(read_as("bytes=50-59,0-4,20-24,5-19", 100), "50+10 0+25");
    ck_assert_str_eq(read_as("bytes=0-4,10-14,20-24,5-19", 100), "0+25");
    ck_assert_str_eq(read_as("bytes=20-24,10-14,0-4,5-19", 100), "0+25");
}
END_TEST

START_TEST(floods_are_not_followed) {
    char text[8192] = "bytes=";

    for (int i = 0; i < SP_HTTP_MAX_RANGES; i++) {
        snprintf(text + strlen(text), 64, "%d-%d,", i * 1000, i * 1000);
    }
    ck_assert_str_ne(read_as(text, 1000000), "");
    snprintf(text + strlen(text), 64, "%d-%d", 900000, 900000);
    ck_assert_str_eq(read_as(text, 1000000), "");
    ck_assert_str_eq(read_as("bytes=0-,0-", 1000), "");
    ck_assert_str_eq(read_as("bytes=0-,0-0", 1000), "");
    ck_assert_str_eq(read_as("bytes=-1,0-998", 1000), "0+1000");
}
END_TEST

START_TEST(nothing_inside_is_an_error_of_its_own) {
    ck_assert_str_eq(read_as("bytes=10-", 10), "outside");
    ck_assert_str_eq(read_as("bytes=-0", 10), "outside");
    ck_assert_str_eq(read_as("bytes=99999999999999999999-", 10), "outside");
    ck_assert_str_eq(read_as("bytes=10-11,20-30,-0", 10), "outside");
    ck_assert_str_eq(read_as("bytes=0-", 0), "outside");
    ck_assert_str_eq(read_as("bytes=-5", 0), "outside");
}
END_TEST

START_TEST(what_makes_no_sense_is_ignored) {
    static const char *const bad[] = {
        "",           "bytes",      "bytes=",     "bytes=,",       "bytes=-",      "bytes=4-2",
        "bytes=a-b",  "bytes=1",    "bytes=1-2x", "bytes=--1",     "lines=1-2",    "bytes 1-2",
        "bytes=1 -2", "bytes=1- 2", "bytes=+1-2", "bytes=1-2;3-4", "bytes=0-1,4-2"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(strcmp(read_as(bad[i], 10), "") == 0, "'%s'", bad[i]);
    }
    ck_assert_str_eq(read_as("bytes=,0-1, ,", 10), "0+2"); /* empty elements are */
}
END_TEST

SP_TESTS("http-range", one_range, several_ranges_stay_in_their_order, what_touches_becomes_one,
         floods_are_not_followed, nothing_inside_is_an_error_of_its_own,
         what_makes_no_sense_is_ignored)
