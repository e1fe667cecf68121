/* SPDX-License-Identifier: MIT */
/* test-http-client-resume.c - bodies that break off and go on. */

#include "http-peer.h"

#define WHOLE "abcdefghij"
#define TAGGED                                                                         \
    "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nAccept-Ranges: bytes\r\nContent-Length: 10\r\n" \
    "\r\n"
#define TAGGED_PART "HTTP/1.1 206 x\r\nETag: \"1\"\r\nContent-Range: "
#define REST                                                                           \
    "HTTP/1.1 206 x\r\nETag: \"1\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: " \
    "6\r\n\r\nefghij"

static char seen[64];
static int n_heads;

static int see(const struct sunpath_http_response *response, const void *data, size_t size,
               void *user) {
    size_t n = strlen(seen);

    (void)user;
    ck_assert_int_ne(sunpath_http_response_status(response), 416);
    ck_assert_uint_lt(n + size, sizeof(seen));
    memcpy(seen + n, data, size);
    seen[n + size] = '\0';
    return 0;
}

static int see_head(const struct sunpath_http_response *response, void *user) {
    (void)response;
    (void)user;
    n_heads++;
    return 0;
}

static struct sunpath_http_request_options resuming(int max, bool streams) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);

    options.max_resumes = max;
    options.on_body = streams ? see : NULL;
    options.on_head = see_head;
    seen[0] = '\0';
    n_heads = 0;
    return options;
}

/* The peer sends `begin` and closes; returns the head of what it is asked for then. */
static const char *break_off(struct result *result,
                             const struct sunpath_http_request_options *options, const char *begin,
                             int *ret_fd) {
    int fd;

    start();
    ask_with(result, "GET", options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, begin);
    close(fd);
    *ret_fd = peer_accept();
    return peer_head(*ret_fd);
}

static void check_goes_on(const char *begin, const char *expected, const char *rest) {
    for (int streams = 0; streams < 2; streams++) {
        struct sunpath_http_request_options options = resuming(1, streams);
        struct result result = {0};
        const char *head;
        int fd;

        head = break_off(&result, &options, begin, &fd);
        ck_assert_msg(strstr(head, expected) != NULL, "%s", head);
        peer_write(fd, rest);
        finish(&result);
        ck_assert_msg(result.code == 0, "%s", result.error.text);
        ck_assert_int_eq(result.status, 200);
        ck_assert_str_eq(streams ? seen : result.body, WHOLE);
        ck_assert_int_eq(n_heads, 1);
        close(fd);
        stop();
    }
}

START_TEST(goes_on_where_it_stopped) {
    check_goes_on(TAGGED "abcd", "\r\nRange: bytes=4-9\r\nIf-Range: \"1\"\r\n", REST);
    check_goes_on("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "4\r\nabcd\r\n6\r\n",
                  "\r\nRange: bytes=4-\r\nIf-Range: \"1\"\r\n", REST);
    check_goes_on(
        "HTTP/1.1 200 OK\r\nETag: W/\"1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 "
        "GMT\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\nContent-Length: 10\r\n\r\nabcd",
        "\r\nRange: bytes=4-9\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        "HTTP/1.1 206 x\r\nETag: W/\"1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Range: bytes 4-9/*\r\nContent-Length: 6\r\n\r\nefghij");
    /* what the ETag stands for need not be said again */
    check_goes_on("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Encoding: x\r\n"
                  "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 10\r\n\r\nabcd",
                  "\r\nRange: bytes=4-9\r\nIf-Range: \"1\"\r\n", REST);
}
END_TEST

START_TEST(goes_on_inside_a_part_that_was_asked_for) {
    const char *const headers[] = {"Range", "bytes=2-", "If-Range", "\"1\"", NULL};
    struct sunpath_http_request_options options = resuming(1, true);
    struct result result = {0};
    const char *head;
    int fd;

    options.headers = headers;
    head = break_off(&result, &options,
                     "HTTP/1.1 206 x\r\nETag: \"1\"\r\nContent-Range: bytes 2-9/10\r\n"
                     "Content-Length: 8\r\n\r\ncd",
                     &fd);
    ck_assert_ptr_nonnull(strstr(head, "\r\nRange: bytes=4-9\r\n"));
    ck_assert_ptr_null(strstr(head, "bytes=2-"));
    peer_write(fd, REST);
    finish(&result);
    ck_assert_int_eq(result.status, 206);
    ck_assert_str_eq(seen, "cdefghij");
    close(fd);
    stop();
}
END_TEST

START_TEST(breaks_off_more_than_once) {
    struct sunpath_http_request_options options = resuming(3, true);
    struct result result = {0};
    int fd;

    break_off(&result, &options, TAGGED "abcd", &fd);
    close(fd); /* without a word */
    fd = peer_accept();
    ck_assert_ptr_nonnull(strstr(peer_head(fd), "bytes=4-9"));
    peer_write(fd, TAGGED_PART "bytes 4-9/10\r\nContent-Length: 6\r\n\r\nef");
    close(fd);
    fd = peer_accept();
    ck_assert_ptr_nonnull(strstr(peer_head(fd), "bytes=6-9"));
    peer_write(fd, TAGGED_PART "bytes 6-9/10\r\nContent-Length: 4\r\n\r\ng");
    close(fd);
    expect_error(&result, -ECONNRESET, "after 7 of 10 bytes");
    ck_assert_str_eq(seen, "abcdefg");
    stop();
}
END_TEST

static void check_fails_after(const char *begin, const char *answer, const char *text) {
    struct sunpath_http_request_options options = resuming(3, true);
    struct result result = {0};
    int fd;

    break_off(&result, &options, begin, &fd);
    peer_write(fd, answer);
    expect_error(&result, -ESTALE, text);
    ck_assert_str_eq(seen, "abcd");
    close(fd);
    stop();
}

static void check_fails(const char *answer, const char *text) {
    check_fails_after(TAGGED "abcd", answer, text);
}

START_TEST(what_changed_is_an_error) {
    check_fails(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew",
        "broke off after 4 bytes and cannot go on: the server answered 200, it has changed");
    check_fails("HTTP/1.1 416 x\r\nContent-Length: 0\r\n\r\n", "answered 416");
    check_fails(TAGGED_PART "bytes 3-9/10\r\nContent-Length: 7\r\n\r\n", "another part");
    check_fails(TAGGED_PART "bytes 4-10/11\r\nContent-Length: 7\r\n\r\n", "another part");
    check_fails("HTTP/1.1 206 x\r\nETag: \"2\"\r\nContent-Range: bytes 4-9/10\r\n"
                "Content-Length: 6\r\n\r\n",
                "of something else");
    check_fails("HTTP/1.1 206 x\r\nETag: \"1\"\r\nContent-Length: 6\r\n\r\n", "another part");
    check_fails(TAGGED_PART "bytes 4-9/10\r\n\r\nefghij", "another part");
    check_fails(TAGGED_PART "bytes 4-9/10\r\nContent-Length: 3\r\n\r\nefg", "another part");
    check_fails(TAGGED_PART "bytes 4-9/10\r\nContent-Encoding: x\r\nContent-Length: 6\r\n\r\n",
                "of something else");
    check_fails_after(
        "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
        TAGGED_PART "bytes 4-6/10\r\nContent-Length: 3\r\n\r\nefg", "another part");
    check_fails("HTTP/1.1 302 x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "answered 302");
}
END_TEST

#define DATED                                                      \
    "HTTP/1.1 200 OK\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 " \
    "GMT\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
#define UNTAGGED_PART "HTTP/1.1 206 x\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n"

/* As of a server that serves parts, but has never heard of If-Range. */
START_TEST(what_may_have_changed_is_an_error) {
    static const char dated[] = DATED "Content-Length: 10\r\n\r\nabcd";

    check_fails(UNTAGGED_PART "\r\nefghij", "of something else");
    check_fails_after(dated, UNTAGGED_PART "\r\nefghij", "of something else");
    check_fails_after(dated,
                      UNTAGGED_PART "Last-Modified: Sun, 06 Nov 1994 08:49:39 GMT\r\n\r\nefghij",
                      "of something else");
    check_fails_after(DATED "Content-Encoding: x\r\nContent-Length: 10\r\n\r\nabcd",
                      UNTAGGED_PART "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nefghij",
                      "of something else");
    check_fails_after(DATED "ETag: W/\"1\"\r\nContent-Length: 10\r\n\r\nabcd",
                      UNTAGGED_PART "ETag: W/\"2\"\r\n"
                                    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nefghij",
                      "of something else");
}
END_TEST

/* Its chunks say another length than its Content-Range. */
START_TEST(a_rest_that_is_not_what_it_says) {
    static const char *const chunks[] = {"2\r\nef\r\n0\r\n\r\n", "7\r\nefghijk\r\n0\r\n\r\n"};

    for (size_t i = 0; i < 2; i++) {
        struct sunpath_http_request_options options = resuming(1, true);
        struct result result = {0};
        int fd;

        break_off(&result, &options, TAGGED "abcd", &fd);
        peer_write(fd, TAGGED_PART "bytes 4-9/10\r\nTransfer-Encoding: chunked\r\n\r\n");
        peer_write(fd, chunks[i]);
        expect_error(&result, -EBADMSG, "not the part that was announced");
        close(fd);
        stop();
    }
}
END_TEST

START_TEST(a_collected_body_begins_anew) {
    struct sunpath_http_request_options options = resuming(1, false);
    struct result result = {0};
    int fd;

    break_off(&result, &options, TAGGED "abcd", &fd);
    peer_write(fd, OK);
    expect_ok(&result);
    ck_assert_int_eq(n_heads, 2);
    close(fd);
    stop();
}
END_TEST

static void check_does_not(const char *method, int max, const char *begin) {
    struct sunpath_http_request_options options = resuming(max, true);
    struct result result = {0};
    int fd;

    start();
    ask_with(&result, method, &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, begin);
    close(fd);
    expect_error(&result, -ECONNRESET, "after 4 ");
    stop();
}

START_TEST(what_has_no_validator_does_not_go_on) {
    check_does_not("GET", 0, TAGGED "abcd");
    check_does_not("POST", 9, TAGGED "abcd");
    check_does_not("GET", 9, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcd");
    check_does_not("GET", 9, "HTTP/1.1 200 OK\r\nETag: W/\"1\"\r\nContent-Length: 10\r\n\r\nabcd");
    check_does_not("GET", 9,
                   "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nAccept-Ranges: none\r\n"
                   "Content-Length: 10\r\n\r\nabcd");
    check_does_not("GET", 9,
                   "HTTP/1.1 200 OK\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                   "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 10\r\n\r\nabcd");
    check_does_not("GET", 9, "HTTP/1.1 404 x\r\nETag: \"1\"\r\nContent-Length: 10\r\n\r\nabcd");
    check_does_not("GET", 9,
                   "HTTP/1.1 206 x\r\nETag: \"1\"\r\nContent-Type: multipart/byteranges\r\n"
                   "Content-Length: 10\r\n\r\nabcd");
}
END_TEST

SP_TESTS("http-client-resume", goes_on_where_it_stopped, goes_on_inside_a_part_that_was_asked_for,
         breaks_off_more_than_once, what_changed_is_an_error, what_may_have_changed_is_an_error,
         a_rest_that_is_not_what_it_says, a_collected_body_begins_anew,
         what_has_no_validator_does_not_go_on)
