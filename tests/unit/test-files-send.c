/* SPDX-License-Identifier: MIT */
/* test-files-send.c - conditional requests and ranges of files. */

#include "filing.h"

#define TARGET    "/sub/file%20name.TXT"
#define FILE_NAME "www/sub/file name.TXT"
#define MODIFIED  "Sun, 06 Nov 1994 08:49:37 GMT"

static char etag[80];

static void open_old(const struct sunpath_files_options *options) {
    filing_open(options);
    set_age(FILE_NAME, 784111777);
    check_ask("GET " TARGET " HTTP/1.1\r\n", "200 OK", "0123456789");
    strcpy(etag, header("ETag"));
}

/* Asks with these headers, "%s" in them being the tag. */
static void check_with(const char *format, const char *line, const char *text)
    __attribute__((format(printf, 1, 0)));
static void check_with(const char *format, const char *line, const char *text) {
    char request[1024] = "GET " TARGET " HTTP/1.1\r\n";
    size_t n = strlen(request);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(request + n, sizeof(request) - n, format, etag);
#pragma GCC diagnostic pop
    check_ask(request, line, text);
}

START_TEST(conditions) {
    open_old(NULL);
    check_with("If-None-Match: %s\r\n", "304 Not Modified", "");
    ck_assert_str_eq(header("ETag"), etag);
    ck_assert_str_eq(header("Last-Modified"), MODIFIED);
    ck_assert_str_eq(header("Content-Type"), "");
    ck_assert_str_eq(header("Content-Length"), "");
    check_with("If-None-Match: \"x\"\r\nIf-None-Match: W/%s\r\n", "304 Not Modified", "");
    check_with("If-None-Match: \"x\"\r\nIf-Modified-Since: " MODIFIED "\r\n", "200 OK",
               "0123456789");
    check_with("If-Modified-Since: " MODIFIED "\r\n", "304 Not Modified", "");
    check_with("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", "304 Not Modified", "");
    check_with("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", "200 OK", "0123456789");
    check_with("If-Modified-Since: nonsense\r\n", "200 OK", "0123456789");
    check_with("If-Match: %s\r\n", "200 OK", "0123456789");
    check_with("If-Match: \"x\", *\r\n", "200 OK", "0123456789");
    check_with("If-Match: \"x\"\r\n", "412 Precondition Failed",
               "the file is not the one that was meant\n");
    check_with("If-Unmodified-Since: " MODIFIED "\r\n", "200 OK", "0123456789");
    check_with("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", "412 Precondition Failed",
               "the file is not the one that was meant\n");
    check_with("If-None-Match: %s\r\nRange: bytes=2-4\r\n", "304 Not Modified", "");
    write_file(FILE_NAME, "0123456789"); /* the same bytes, at another time */
    check_with("If-None-Match: %s\r\n", "200 OK", "0123456789");
    check_with("If-Match: %s\r\n", "412 Precondition Failed",
               "the file is not the one that was meant\n");
    filing_close();
}
END_TEST

START_TEST(what_is_omitted_decides_nothing) {
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    options.omits_etags = options.omits_dates = true;
    open_old(&options);
    ck_assert_str_eq(header("ETag"), "");
    ck_assert_str_eq(header("Last-Modified"), "");
    check_with("If-None-Match: \"x\"\r\nIf-Modified-Since: " MODIFIED "\r\n", "200 OK",
               "0123456789");
    check_with("If-Modified-Since: " MODIFIED "\r\n", "200 OK", "0123456789");
    filing_close();
}
END_TEST

START_TEST(ranges) {
    static const char *const wrong[] = {"bytes=10-", "bytes=-0", "bytes=99999999999999999999-"};
    static const struct {
        const char *range, *text, *shown;
    } right[] = {
        {"bytes=2-4", "234", "bytes 2-4/10"},    {"bytes=7-", "789", "bytes 7-9/10"},
        {"bytes=-2", "89", "bytes 8-9/10"},      {"bytes=-20", "0123456789", "bytes 0-9/10"},
        {"bytes=5-99", "56789", "bytes 5-9/10"}, {"bytes=0-1,2-3", "0123", "bytes 0-3/10"}};

    open_old(NULL);
    for (size_t i = 0; i < SP_ARRAY_SIZE(right); i++) {
        char headers[128];

        snprintf(headers, sizeof(headers), "Range: %s\r\n", right[i].range);
        check_with(headers, "206 Partial Content", right[i].text);
        ck_assert_str_eq(header("Content-Range"), right[i].shown);
        ck_assert_str_eq(header("ETag"), etag);
        ck_assert_str_eq(header("Content-Type"), "text/plain; charset=utf-8");
    }
    for (size_t i = 0; i < SP_ARRAY_SIZE(wrong); i++) {
        char headers[128];

        snprintf(headers, sizeof(headers), "Range: %s\r\n", wrong[i]);
        check_with(headers, "416 Range Not Satisfiable", "the range is outside of the file\n");
        ck_assert_str_eq(header("Content-Range"), "bytes */10");
    }
    check_with("Range: bytes=4-2\r\n", "200 OK", "0123456789");
    check_with("Range: lines=1-2\r\n", "200 OK", "0123456789");
    check_with("Range: bytes=0-,0-\r\n", "200 OK", "0123456789");
    check_ask("HEAD " TARGET " HTTP/1.1\r\nRange: bytes=2-4\r\n", "200 OK", "");
    check_ask("GET /empty HTTP/1.1\r\nRange: bytes=0-\r\n", "200 OK", "");
    filing_close();
}
END_TEST

START_TEST(if_range_wants_proof) {
    open_old(NULL);
    check_with("Range: bytes=2-4\r\nIf-Range: %s\r\n", "206 Partial Content", "234");
    check_with("Range: bytes=2-4\r\nIf-Range: W/%s\r\n", "200 OK", "0123456789");
    check_with("Range: bytes=2-4\r\nIf-Range: \"x\"\r\n", "200 OK", "0123456789");
    check_with("Range: bytes=2-4\r\nIf-Range: " MODIFIED "\r\n", "206 Partial Content", "234");
    check_with("Range: bytes=2-4\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n", "200 OK",
               "0123456789");
    check_with("Range: bytes=12-\r\nIf-Range: \"x\"\r\n", "200 OK", "0123456789");
    write_file(FILE_NAME, "0123456789");
    check_ask("GET " TARGET " HTTP/1.1\r\n", "200 OK", "0123456789");
    strcpy(etag, header("ETag") + 2); /* strong it is not yet */
    check_with("Range: bytes=2-4\r\nIf-Range: %s\r\n", "200 OK", "0123456789");
    filing_close();
}
END_TEST

START_TEST(dates_beyond_http_are_left_out) {
    filing_open(NULL);
    write_file("www/old.txt", "old");
    set_age("www/old.txt", -86400);
    check_ask("GET /old.txt HTTP/1.1\r\nIf-Modified-Since: " MODIFIED "\r\n", "200 OK", "old");
    ck_assert_str_eq(header("Last-Modified"), "");
    ck_assert_int_eq(header("ETag")[0], '"');
    filing_close();
}
END_TEST

START_TEST(large_files_arrive_whole) {
    const size_t size = 5000000;
    char *bytes = malloc(size);

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i * 7 + i / 4096);
    }
    filing_open(NULL);
    write_bytes("www/large.bin", bytes, size);
    ask("GET /large.bin HTTP/1.1\r\n");
    ck_assert_int_eq(status, 200);
    ck_assert_uint_eq(n_body, size);
    ck_assert_int_eq(memcmp(body, bytes, size), 0);
    ask("GET /large.bin HTTP/1.1\r\nRange: bytes=100-4000000\r\n");
    ck_assert_int_eq(status, 206);
    ck_assert_uint_eq(n_body, 4000000 - 99);
    ck_assert_int_eq(memcmp(body, bytes + 100, n_body), 0);
    free(bytes);
    filing_close();
}
END_TEST

static void compress_and_serve(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_http_compress(exchange, NULL), 0);
    ck_assert_int_eq(sunpath_files_serve(user, exchange, NULL), 0);
}

/* What is compressed on the way has a weak tag, and no ranges. */
START_TEST(files_may_be_compressed_on_their_way) {
    static const struct sunpath_http_handler handler = {.on_request = compress_and_serve};
    static char bytes[100000];
    char request[256];

    if (!strstr(sunpath_optional_parts(), "zlib")) {
        return;
    }
    memset(bytes, 'a', sizeof(bytes));
    filing_open_with(&handler, NULL);
    write_bytes("www/large.txt", bytes, sizeof(bytes));
    set_age("www/large.txt", 784111777);
    ask("GET /large.txt HTTP/1.1\r\nAccept-Encoding: gzip\r\n");
    ck_assert_int_eq(status, 200);
    ck_assert_str_eq(header("Content-Encoding"), "gzip");
    ck_assert_uint_lt(n_body, 2000);
    ck_assert_int_eq(strncmp(header("ETag"), "W/\"", 3), 0);
    snprintf(request, sizeof(request),
             "GET /large.txt HTTP/1.1\r\nAccept-Encoding: gzip\r\nIf-None-Match: %s\r\n",
             header("ETag"));
    check_ask(request, "304 Not Modified", "");
    ck_assert_int_eq(strncmp(header("ETag"), "W/\"", 3), 0);
    check_ask("GET /large.txt HTTP/1.1\r\nAccept-Encoding: gzip\r\nRange: bytes=-2\r\n",
              "206 Partial Content", "aa");
    ck_assert_str_eq(header("Content-Encoding"), "");
    filing_close();
}
END_TEST

SP_TESTS("files-send", conditions, what_is_omitted_decides_nothing, ranges, if_range_wants_proof,
         dates_beyond_http_are_left_out, large_files_arrive_whole,
         files_may_be_compressed_on_their_way)
