/* SPDX-License-Identifier: MIT */
/* test-http1-response.c - response heads: what is taken, what is refused, how the body ends. */

#include "http1-pieces.h"

static const char *request_method;

static ssize_t parse(struct sp_http_head *head, const char *data, size_t size, size_t n_seen) {
    const struct sp_http_limits limits = {.max_head = 4096, .max_fields = MAX_FIELDS};

    return sp_http_parse_response(head, &limits, data, size, n_seen, request_method);
}

/* ---- taken ----------------------------------------------------------------------------------- */

struct good {
    const char *text;
    int status;
    const char *reason;
    enum sp_http_framing framing;
    uint64_t content_length;
    const char *method; /* NULL: GET */
    bool is_10;
    bool closes;
    bool has_upgrade;
};

#define OK(fields) "HTTP/1.1 200 OK\r\n" fields "\r\n"
#define TAKES(text_, ...) \
    { .text = text_, __VA_ARGS__ }
#define STATUS(code, phrase) .status = code, .reason = phrase
#define LENGTH(n)            .framing = SP_HTTP_LENGTH, .content_length = n
#define CHUNKED              .framing = SP_HTTP_CHUNKED
#define NO_BODY              .framing = SP_HTTP_NO_BODY
#define UNTIL_CLOSE          .framing = SP_HTTP_UNTIL_CLOSE, .closes = true
#define CL5_AND_TE           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"

static const struct good good[] = {
    TAKES(OK("Content-Length: 0\r\n"), STATUS(200, "OK"), LENGTH(0)),
    TAKES("HTTP/1.1 301 MovedPermanently\r\nContent-Length: 219\r\n\r\n",
          STATUS(301, "MovedPermanently"), LENGTH(219)),
    TAKES("HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", STATUS(200, ""), LENGTH(1)),
    TAKES("HTTP/1.1 301\r\nContent-Length: 1\r\n\r\n", STATUS(301, ""), LENGTH(1)),
    TAKES("HTTP/1.1 200  OK\tcaf\xe9 \r\nContent-Length: 1\r\n\r\n", STATUS(200, " OK\tcaf\xe9 "),
          LENGTH(1)),
    TAKES("HTTP/1.1 999 x\r\nContent-Length: 1\r\n\r\n", STATUS(999, "x"), LENGTH(1)),
    TAKES(OK("Transfer-Encoding: chunked\r\n"), STATUS(200, "OK"), CHUNKED),
    TAKES(OK(""), STATUS(200, "OK"), UNTIL_CLOSE),
    TAKES(OK("Connection: keep-alive\r\n"), STATUS(200, "OK"), UNTIL_CLOSE),
    TAKES("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", STATUS(200, "OK"), UNTIL_CLOSE,
          .is_10 = true),
    TAKES(OK("Content-Length: 5\r\nConnection: close\r\n"), STATUS(200, "OK"), LENGTH(5),
          .closes = true),
    TAKES("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", STATUS(200, "OK"), LENGTH(5),
          .is_10 = true, .closes = true),
    TAKES("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
          STATUS(200, "OK"), LENGTH(5), .is_10 = true),
    TAKES(OK("Content-Length: 5\r\nHost: not its business\r\nHost: \r\n"), STATUS(200, "OK"),
          LENGTH(5)),

    /* none of these has a body, RFC 9112 6.3 */
    TAKES("HTTP/1.1 100 Continue\r\n\r\n", STATUS(100, "Continue"), NO_BODY),
    TAKES("HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n" CL5_AND_TE "\r\n",
          STATUS(103, "Early Hints"), NO_BODY),
    TAKES("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n" CL5_AND_TE
          "\r\n",
          STATUS(101, "Switching Protocols"), NO_BODY, .has_upgrade = true),
    TAKES("HTTP/1.1 204 No Content\r\n" CL5_AND_TE "\r\n", STATUS(204, "No Content"), NO_BODY),
    TAKES("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", STATUS(304, "Not Modified"),
          NO_BODY),
    TAKES("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", STATUS(304, "Not Modified"),
          NO_BODY, .closes = true),
    TAKES(OK("Content-Length: 10\r\n"), STATUS(200, "OK"), NO_BODY, .method = "HEAD"),
    TAKES(OK("Transfer-Encoding: chunked\r\n"), STATUS(200, "OK"), NO_BODY, .method = "HEAD"),
    TAKES(OK(CL5_AND_TE), STATUS(200, "OK"), NO_BODY, .method = "CONNECT"),
    TAKES("HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\n", STATUS(407, "No"), LENGTH(5),
          .method = "CONNECT"),
    TAKES(OK("Content-Length: 10\r\n"), STATUS(200, "OK"), LENGTH(10), .method = "head"),
};

static void check_text(const char *data, struct sp_span span, const char *expected) {
    ck_assert_msg(span.size == strlen(expected) && memcmp(data + span.at, expected, span.size) == 0,
                  "'%.*s' instead of '%s'", (int)span.size, data + span.at, expected);
}

START_TEST(good_responses_are_taken) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct good *is = &good[i];
        size_t size = strlen(is->text);
        struct parsed got;

        request_method = is->method ? is->method : "GET";
        parse_every_way(&got, parse, is->text, size);
        ck_assert_msg(got.result == (ssize_t)size, "%s: %zd, %s", is->text, got.result,
                      got.head.why);
        ck_assert_int_eq(got.head.status, is->status);
        check_text(is->text, got.head.reason, is->reason);
        ck_assert_int_eq(got.head.version, is->is_10 ? 10 : 11);
        ck_assert_msg(got.head.framing == is->framing, "%s", is->text);
        ck_assert_uint_eq(got.head.content_length, is->content_length);
        ck_assert_msg(got.head.keep_alive == !is->closes, "%s", is->text);
        ck_assert_msg(got.head.has_upgrade == is->has_upgrade, "%s", is->text);
    }
}
END_TEST

START_TEST(fields_are_found) {
    static const char text[] = OK("Server:a\r\nDCLK_imp: v7;x\r\nX-$Proto: 1\r\nserver: b\r\n");
    size_t n_value = 0;
    struct parsed got;

    request_method = "GET";
    parse_every_way(&got, parse, text, sizeof(text) - 1);
    ck_assert_int_eq(got.result, sizeof(text) - 1);
    ck_assert_uint_eq(got.head.n_fields, 4);
    check_text(text, got.fields[2].name, "X-$Proto");
    ck_assert_ptr_eq(sp_http_find_field(&got.head, text, "SERVER", &n_value), text + 24);
    ck_assert_uint_eq(n_value, 1);
}
END_TEST

/* ---- refused --------------------------------------------------------------------------------- */

static const char *const bad[] = {
    "HTP/1.1 200 OK\r\n\r\n",
    "HTTPER/1.1 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    "RTSP/1.0 200 OK\r\n\r\n",
    "HTTP/01.1 200 OK\r\n\r\n",
    "HTTP/11.1 200 OK\r\n\r\n",
    "HTTP/1.01 200 OK\r\n\r\n",
    "HTTP/5.6 200 OK\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.1\t200 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "\rHTTP/1.1 200 OK\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 2 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/1.1 -20 OK\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
    "HTTP/1.1 200\tOK\r\n\r\n",
    "HTTP/1.1 200 O\x01K\r\n\r\n",
    "HTTP/1.1 200 OK\n\n",
    "HTTP/1.1 200\n\n",
    "HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\rContent-Length: 4\r\n\r\nEvil",
    "HTTP/1.1 200 OK\r\n Host: foo\r\n\r\n",
    OK("Foo: 1\rBar: 2\r\n"),
    OK("Foo: 1\r\n folded\r\n"),
    OK("Foo : 1\r\n"),
    OK("Content-Length: 1\r\nContent-Length: 1\r\n"),
    OK("Content-Length: 1, 1\r\n"),
    OK("Content-Length: -1\r\n"),
    OK(CL5_AND_TE),
    OK("Transfer-Encoding: chunked, deflate\r\n"),
    OK("Transfer-Encoding: deflate, chunked\r\n"),
    OK("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
    OK("Transfer-Encoding: identity\r\n"),
    OK("Transfer-Encoding: chunkedchunked\r\n"),
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
};

START_TEST(bad_responses_are_refused) {
    request_method = "GET";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct parsed got;

        parse_every_way(&got, parse, bad[i], strlen(bad[i]));
        ck_assert_msg(got.result == -EBADMSG, "%s: %zd", bad[i], got.result);
        ck_assert_int_eq(got.head.error_status, 502);
        ck_assert_ptr_nonnull(got.head.why);
    }
}
END_TEST

START_TEST(heads_have_limits) {
    static const char text[] = OK("Content-Length: 1\r\n");
    const struct sp_http_limits tight = {.max_head = sizeof(text) - 2, .max_fields = 8};
    const struct sp_http_limits no_fields = {.max_head = 4096, .max_fields = 0};
    struct sp_http_field fields[8];
    struct sp_http_head head = {.fields = fields};

    ck_assert_int_eq(sp_http_parse_response(&head, &tight, text, sizeof(text) - 1, 0, "GET"),
                     -EMSGSIZE);
    ck_assert_int_eq(sp_http_parse_response(&head, &no_fields, text, sizeof(text) - 1, 0, "GET"),
                     -EMSGSIZE);
    ck_assert_ptr_nonnull(head.why);
}
END_TEST

SP_TESTS("http1-response", good_responses_are_taken, fields_are_found, bad_responses_are_refused,
         heads_have_limits)
