/* SPDX-License-Identifier: MIT */
/* test-files-parts.c - several ranges in one answer. */

#include "filing.h"
#include "wire/http-range.h"

/* The boundary of the last answer, with its dashes. */
static const char *boundary(void) {
    static char text[128];
    const char *type = header("Content-Type");

    ck_assert_int_eq(strncmp(type, "multipart/byteranges; boundary=", 31), 0);
    snprintf(text, sizeof(text), "--%s", type + 31);
    return text;
}

/* Takes the part at *at off: what it is of, and its `size` bytes. */
static const char *take_part(const char **at, const char *type, const char *range, size_t size) {
    char expected[512];
    const char *content;

    snprintf(expected, sizeof(expected),
             "\r\n%s\r\nContent-Type: %s\r\nContent-Range: bytes %s\r\n\r\n", boundary(), type,
             range);
    ck_assert_msg(strncmp(*at, expected, strlen(expected)) == 0, "'%.200s' instead of '%s'", *at,
                  expected);
    content = *at + strlen(expected);
    *at = content + size;
    return content;
}

static void check_end(const char *at) {
    char expected[128];

    snprintf(expected, sizeof(expected), "\r\n%s--\r\n", boundary());
    ck_assert_str_eq(at, expected);
    ck_assert_uint_eq(strtoul(header("Content-Length"), NULL, 10), n_body);
}

START_TEST(parts_come_in_the_order_they_were_asked_for) {
    const char *at;

    filing_open(NULL);
    ask("GET /sub/file%20name.TXT HTTP/1.1\r\nRange: bytes=0-1,7-,3-4\r\n");
    ck_assert_int_eq(status, 206);
    ck_assert_str_eq(header("Content-Range"), "");
    at = body;
    ck_assert_int_eq(memcmp(take_part(&at, "text/plain; charset=utf-8", "0-1/10", 2), "01", 2), 0);
    ck_assert_int_eq(memcmp(take_part(&at, "text/plain; charset=utf-8", "7-9/10", 3), "789", 3), 0);
    ck_assert_int_eq(memcmp(take_part(&at, "text/plain; charset=utf-8", "3-4/10", 2), "34", 2), 0);
    check_end(at);
    filing_close();
}
END_TEST

START_TEST(parts_may_be_large) {
    const size_t size = 3000000;
    char *bytes = malloc(size);
    const char *at;

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)('a' + i / 1000 % 26);
    }
    filing_open(NULL);
    write_bytes("www/large.bin", bytes, size);
    ask("GET /large.bin HTTP/1.1\r\nRange: bytes=2000000-,0-999999,1500000-1500009\r\n");
    ck_assert_int_eq(status, 206);
    at = body;
    ck_assert_int_eq(
        memcmp(take_part(&at, "application/octet-stream", "2000000-2999999/3000000", 1000000),
               bytes + 2000000, 1000000),
        0);
    ck_assert_int_eq(memcmp(take_part(&at, "application/octet-stream", "0-999999/3000000", 1000000),
                            bytes, 1000000),
                     0);
    ck_assert_int_eq(
        memcmp(take_part(&at, "application/octet-stream", "1500000-1500009/3000000", 10),
               bytes + 1500000, 10),
        0);
    check_end(at);
    free(bytes);
    filing_close();
}
END_TEST

START_TEST(many_parts_are_all_there) {
    char request[2048] = "GET /many.bin HTTP/1.1\r\nRange: bytes=";
    static char bytes[1000000];
    const char *at;

    filing_open(NULL);
    write_bytes("www/many.bin", bytes, sizeof(bytes));
    for (int i = 0; i < SP_HTTP_MAX_RANGES; i++) {
        snprintf(request + strlen(request), 64, "%s%d-%d", i ? "," : "", i * 30000,
                 i * 30000 + 20000);
    }
    strcat(request, "\r\n");
    ask(request);
    ck_assert_int_eq(status, 206);
    at = body;
    for (int i = 0; i < SP_HTTP_MAX_RANGES; i++) {
        char range[64];

        snprintf(range, sizeof(range), "%d-%d/1000000", i * 30000, i * 30000 + 20000);
        take_part(&at, "application/octet-stream", range, 20001);
    }
    check_end(at);
    filing_close();
}
END_TEST

SP_TESTS("files-parts", parts_come_in_the_order_they_were_asked_for, parts_may_be_large,
         many_parts_are_all_there)
