/* SPDX-License-Identifier: MIT */
/* test-http1-write.c - the lines of a message, and what may stand in them. */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wire/http1.h"

#include "fixture.h"

/* Checks what was written to `at` up to `end`, and that it kept within its room. */
static void check_written(const char *at, const char *end, size_t room, const char *expected) {
    size_t n = (size_t)(end - at);

    ck_assert_uint_le(n, room);
    ck_assert_msg(n == strlen(expected) && memcmp(at, expected, n) == 0, "%.*s, not %s", (int)n, at,
                  expected);
}

START_TEST(statuses_are_written) {
    char *at = malloc(SP_HTTP_STATUS_ROOM); /* exactly the room, for the sanitizer */

    check_written(at, sp_http_put_status(at, 200), SP_HTTP_STATUS_ROOM, "HTTP/1.1 200 OK\r\n");
    check_written(at, sp_http_put_status(at, 404), SP_HTTP_STATUS_ROOM,
                  "HTTP/1.1 404 Not Found\r\n");
    check_written(at, sp_http_put_status(at, 299), SP_HTTP_STATUS_ROOM, "HTTP/1.1 299 \r\n");
    check_written(at, sp_http_put_status(at, 999), SP_HTTP_STATUS_ROOM, "HTTP/1.1 999 \r\n");
    for (int status = 100; status < 1000; status++) {
        ck_assert(sp_http_put_status(at, status) <= at + SP_HTTP_STATUS_ROOM);
    }
    free(at);
}
END_TEST

START_TEST(reasons_are_those_of_the_registry) {
    ck_assert_str_eq(sp_http_reason(100), "Continue");
    ck_assert_str_eq(sp_http_reason(103), "Early Hints");
    ck_assert_str_eq(sp_http_reason(206), "Partial Content");
    ck_assert_str_eq(sp_http_reason(226), "IM Used");
    ck_assert_str_eq(sp_http_reason(304), "Not Modified");
    ck_assert_str_eq(sp_http_reason(308), "Permanent Redirect");
    ck_assert_str_eq(sp_http_reason(413), "Content Too Large");
    ck_assert_str_eq(sp_http_reason(421), "Misdirected Request");
    ck_assert_str_eq(sp_http_reason(431), "Request Header Fields Too Large");
    ck_assert_str_eq(sp_http_reason(451), "Unavailable For Legal Reasons");
    ck_assert_str_eq(sp_http_reason(505), "HTTP Version Not Supported");
    ck_assert_str_eq(sp_http_reason(511), "Network Authentication Required");
    for (int status = -1000; status < 100; status++) {
        ck_assert_str_eq(sp_http_reason(status), "");
    }
    ck_assert_str_eq(sp_http_reason(199), "");
    ck_assert_str_eq(sp_http_reason(306), "");
    ck_assert_str_eq(sp_http_reason(418), "");
    ck_assert_str_eq(sp_http_reason(600), "");
    ck_assert_str_eq(sp_http_reason(INT32_MAX), "");
}
END_TEST

START_TEST(fields_are_written) {
    char at[10];

    check_written(at, sp_http_put_field(at, "A-b", 3, "c d", 3), 10, "A-b: c d\r\n");
    check_written(at, sp_http_put_field(at, "A", 1, "", 0), 5, "A: \r\n");
}
END_TEST

static void check_length(uint64_t length) {
    char *at = malloc(SP_HTTP_LENGTH_ROOM);
    char expected[64];

    snprintf(expected, sizeof(expected), "Content-Length: %" PRIu64 "\r\n", length);
    check_written(at, sp_http_put_length(at, length), SP_HTTP_LENGTH_ROOM, expected);
    free(at);
}

static void check_chunk_head(uint64_t size) {
    char *at = malloc(SP_HTTP_CHUNK_ROOM);
    char expected[64];

    snprintf(expected, sizeof(expected), "%" PRIx64 "\r\n", size);
    check_written(at, sp_http_put_chunk_head(at, size), SP_HTTP_CHUNK_ROOM, expected);
    free(at);
}

START_TEST(numbers_are_written) {
    for (int bit = 0; bit < 64; bit++) {
        check_length(UINT64_C(1) << bit);
        check_length((UINT64_C(1) << bit) - 1);
        check_chunk_head(UINT64_C(1) << bit);
        check_chunk_head((UINT64_C(1) << bit) - 1);
    }
    check_length(UINT64_MAX);
    check_chunk_head(UINT64_MAX);
}
END_TEST

static void check_date(int64_t seconds) {
    time_t time = (time_t)seconds;
    char *at = malloc(SP_HTTP_DATE_ROOM);
    char expected[64];
    struct tm tm;

    ck_assert_ptr_nonnull(gmtime_r(&time, &tm));
    strftime(expected, sizeof(expected), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    check_written(at, sp_http_put_date(at, seconds), SP_HTTP_DATE_ROOM, expected);
    free(at);
}

START_TEST(dates_agree_with_libc) {
    char at[SP_HTTP_DATE_ROOM];

    check_written(at, sp_http_put_date(at, 784111777), SP_HTTP_DATE_ROOM,
                  "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    for (int64_t day = 0; day < 400 * 366; day++) { /* every day of more than a Gregorian cycle */
        check_date(day * 86400);
        check_date(day * 86400 + 86399);
    }
    for (int64_t seconds = 0; seconds < 253402300800; seconds += 86400 * 365 * 7 + 12345) {
        check_date(seconds);
    }
    check_date(253402300799);
    check_written(at, sp_http_put_date(at, INT64_MAX), SP_HTTP_DATE_ROOM,
                  "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n");
    check_written(at, sp_http_put_date(at, INT64_MIN), SP_HTTP_DATE_ROOM,
                  "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
}
END_TEST

/* ---- what may stand where -------------------------------------------------------------------- */

/* Every byte, alone and at each place of a text of more than one vector, against the grammar. */
static void check_bytes(bool (*is)(const char *text, size_t size), const char *good,
                        bool (*may_stand)(int byte)) {
    size_t size = strlen(good);
    char *copy = malloc(size);

    ck_assert(is(good, size));
    for (size_t at = 1; at < size - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, good, size);
            copy[at] = (char)byte;
            ck_assert_msg(is(copy, size) == may_stand(byte), "byte %d at %zu", byte, at);
        }
    }
    free(copy);
}

static bool may_stand_in_token(int byte) {
    return byte && strchr("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "abcdefghijklmnopqrstuvwxyz",
                          byte);
}

static bool may_stand_in_value(int byte) {
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

static bool may_stand_in_target(int byte) {
    return byte > 0x20 && byte < 0x7f && byte != '#';
}

START_TEST(every_byte_is_judged) {
    check_bytes(sp_http_is_token, "a-token-of-more-than-two-vectors-length", may_stand_in_token);
    check_bytes(sp_http_is_value, "a value of more than two vectors length", may_stand_in_value);
    check_bytes(sp_http_is_target, "/a/target/of/more/than/two/vectors?len=x", may_stand_in_target);
}
END_TEST

START_TEST(ends_are_judged) {
    ck_assert(!sp_http_is_token("", 0));
    ck_assert(sp_http_is_token("a", 1));
    ck_assert(!sp_http_is_token("a b", 3));
    ck_assert(sp_http_is_value("", 0));
    ck_assert(sp_http_is_value("a b", 3));
    ck_assert(!sp_http_is_value(" a", 2));
    ck_assert(!sp_http_is_value("a\t", 2));
    ck_assert(!sp_http_is_value("a\r\nB: c", 7));
    ck_assert(!sp_http_is_target("", 0));
    ck_assert(sp_http_is_target("*", 1));
    ck_assert(sp_http_is_target("/", 1));
    ck_assert(sp_http_is_target("http://x", 8));
    ck_assert(sp_http_is_target("x:80", 4));
    ck_assert(!sp_http_is_target("x", 1));
    ck_assert(!sp_http_is_target("/ HTTP/1.1", 10));
}
END_TEST

SP_TESTS("http1-write", statuses_are_written, reasons_are_those_of_the_registry, fields_are_written,
         numbers_are_written, dates_agree_with_libc, every_byte_is_judged, ends_are_judged)
