/* SPDX-License-Identifier: MIT */
/* test-http1-request.c - request heads: what is taken, what is refused and with which status. */

#include "http1-pieces.h"

static ssize_t parse(struct sp_http_head *head, const char *data, size_t size, size_t n_seen) {
    const struct sp_http_limits limits = {.max_head = 4096, .max_fields = MAX_FIELDS};

    return sp_http_parse_request(head, &limits, data, size, n_seen);
}

/* ---- taken ----------------------------------------------------------------------------------- */

struct good {
    const char *text; /* a head and nothing behind it */
    const char *method;
    const char *target;
    size_t n_fields;
    enum sp_http_framing framing;
    uint64_t content_length;
    bool is_10;
    bool closes;
    bool expects_continue;
    bool has_upgrade;
};

#define GET11(target, fields) "GET " target " HTTP/1.1\r\nHost: x\r\n" fields "\r\n"
#define POST11(fields)        "POST / HTTP/1.1\r\nHost: x\r\n" fields "\r\n"

#define TAKES(text_, method_, target_, n_, ...) \
    { .text = text_, .method = method_, .target = target_, .n_fields = n_, __VA_ARGS__ }
#define NO_BODY   .framing = SP_HTTP_NO_BODY
#define LENGTH(n) .framing = SP_HTTP_LENGTH, .content_length = n
#define CHUNKED   .framing = SP_HTTP_CHUNKED

static const struct good good[] = {
    TAKES(GET11("/", ""), "GET", "/", 1, NO_BODY),
    TAKES("\r\n" GET11("/after-an-empty-line", ""), "GET", "/after-an-empty-line", 1, NO_BODY),
    TAKES("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", 1, NO_BODY),
    TAKES("GET / HTTP/1.1\r\nHost: /run/My-app_1.~%20+.sock\r\n\r\n", "GET", "/", 1, NO_BODY),
    TAKES("GET / HTTP/1.1\r\nhOsT: x\r\n\r\n", "GET", "/", 1, NO_BODY),
    TAKES("a!#$%&'*+-.^_`|~Z9 / HTTP/1.1\r\nHost: x\r\n\r\n", "a!#$%&'*+-.^_`|~Z9", "/", 1,
          NO_BODY),
    TAKES(GET11("/q?a=\"b\"|{}[]^`<>\\", ""), "GET", "/q?a=\"b\"|{}[]^`<>\\", 1, NO_BODY),
    TAKES(GET11("//double", ""), "GET", "//double", 1, NO_BODY),
    TAKES(GET11("/%zz", ""), "GET", "/%zz", 1, NO_BODY),
    TAKES(GET11("http://other", ""), "GET", "http://other", 1, NO_BODY),
    TAKES(GET11("http://hypnotoad.org:1234?hail=all", ""), "GET",
          "http://hypnotoad.org:1234?hail=all", 1, NO_BODY),
    TAKES(GET11("http://a%12:b!&*$@hypnotoad.org:1234/toto", ""), "GET",
          "http://a%12:b!&*$@hypnotoad.org:1234/toto", 1, NO_BODY),
    TAKES(GET11("HTTPS://[::1]:8443/x", ""), "GET", "HTTPS://[::1]:8443/x", 1, NO_BODY),
    TAKES("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS", "*", 1, NO_BODY),
    TAKES("OPTIONS /x HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS", "/x", 1, NO_BODY),
    TAKES("CONNECT home_0.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT", "home_0.example:443",
          1, NO_BODY),
    TAKES("CONNECT [::1]:1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "CONNECT", "[::1]:1",
          2, LENGTH(0)),
    TAKES("CONNECT 10.0.0.1:65535 HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT", "10.0.0.1:65535", 1,
          NO_BODY),

    /* Host: a name, an address, a percent-encoded socket path, a port or an empty one */
    TAKES("GET / HTTP/1.1\r\nHost: 0.0.0.0=5000\r\n\r\n", "GET", "/", 1, NO_BODY),
    TAKES("GET / HTTP/1.1\r\nHost: %2Frun%2Fapp.sock\r\n\r\n", "GET", "/", 1, NO_BODY),
    TAKES("GET / HTTP/1.1\r\nHost: [fe80::1]:80\r\n\r\n", "GET", "/", 1, NO_BODY),
    TAKES("GET / HTTP/1.1\r\nHost: x:\r\n\r\n", "GET", "/", 1, NO_BODY),

    /* fields */
    TAKES(GET11("/", "A:b\r\nC: \t d e \t \r\nE:\r\nF: \r\n"), "GET", "/", 5, NO_BODY),
    TAKES(GET11("/", "X: caf\xc3\xa9 \xff tab\there\r\n"), "GET", "/", 2, NO_BODY),
    TAKES(GET11("/", "a-name-of-more-than-sixteen_bytes.with!rare: x\r\n"), "GET", "/", 2, NO_BODY),

    /* framing, RFC 9112 6.3 */
    TAKES(POST11("Content-Length: 0\r\n"), "POST", "/", 2, LENGTH(0)),
    TAKES(POST11("content-length:\t42\t  \r\n"), "POST", "/", 2, LENGTH(42)),
    TAKES(POST11("Content-Length: 003\r\n"), "POST", "/", 2, LENGTH(3)),
    TAKES(POST11("Content-Length: 9223372036854775807\r\n"), "POST", "/", 2, LENGTH(INT64_MAX)),
    TAKES(POST11("Content-Length-X: 1\r\n"), "POST", "/", 2, NO_BODY),
    TAKES(POST11("Transfer-Encoding: chunked\r\n"), "POST", "/", 2, CHUNKED),
    TAKES(POST11("transfer-encoding:  cHuNKeD \r\n"), "POST", "/", 2, CHUNKED),
    TAKES("GET / HTTP/1.0\r\ncontent-LENGTH: 5\r\n\r\n", "GET", "/", 1, LENGTH(5), .is_10 = true,
          .closes = true),

    /* the connection, RFC 9112 9.3 */
    TAKES(GET11("/", "Connection: close\r\n"), "GET", "/", 2, .closes = true),
    TAKES(GET11("/", "Connection: CLOSE\t\r\n"), "GET", "/", 2, .closes = true),
    TAKES(GET11("/", "Connection: x, close , y\r\n"), "GET", "/", 2, .closes = true),
    TAKES(GET11("/", "Connection: keep-alive\r\nConnection: close\r\n"), "GET", "/", 3,
          .closes = true),
    TAKES(GET11("/", "Connection: closed, clos, x close\r\n"), "GET", "/", 2, NO_BODY),
    TAKES(GET11("/", "Connection:\r\nProxy-Connection: close\r\n"), "GET", "/", 3, NO_BODY),
    TAKES("GET / HTTP/1.0\r\n\r\n", "GET", "/", 0, .is_10 = true, .closes = true),
    TAKES("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/", 1, .is_10 = true),
    TAKES("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive, close\r\n\r\n", "GET", "/", 2,
          .is_10 = true, .closes = true),
    TAKES(GET11("/", "Connection: ,,Upgrade,\r\nUpgrade: websocket\r\n"), "GET", "/", 3,
          .has_upgrade = true),
    TAKES(GET11("/", "Upgrade: websocket\r\n"), "GET", "/", 2, NO_BODY),
    TAKES(GET11("/", "Connection: upgrade\r\n"), "GET", "/", 2, NO_BODY),
    TAKES("GET / HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: h2c\r\n\r\n", "GET", "/",
          2, .is_10 = true),

    /* Expect, RFC 9110 10.1.1: nothing to wait for without a body, and not in HTTP/1.0 */
    TAKES(POST11("Expect: 100-Continue\r\nContent-Length: 3\r\n"), "POST", "/", 3, LENGTH(3),
          .expects_continue = true),
    TAKES(POST11("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"), "POST", "/", 3, CHUNKED,
          .expects_continue = true),
    TAKES(POST11("Expect: 100-continue\r\n"), "POST", "/", 2, NO_BODY),
    TAKES(POST11("Expect: 100-continue\r\nContent-Length: 0\r\n"), "POST", "/", 3, LENGTH(0)),
    TAKES(POST11("Expect: 200-maybe\r\nContent-Length: 3\r\n"), "POST", "/", 3, LENGTH(3)),
    TAKES("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", "POST", "/", 2,
          LENGTH(3), .is_10 = true, .closes = true),
};

static void check_text(const char *data, struct sp_span span, const char *expected) {
    ck_assert_msg(span.size == strlen(expected) && memcmp(data + span.at, expected, span.size) == 0,
                  "'%.*s' instead of '%s'", (int)span.size, data + span.at, expected);
}

START_TEST(good_requests_are_taken) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct good *is = &good[i];
        size_t size = strlen(is->text);
        struct parsed got;

        parse_every_way(&got, parse, is->text, size);
        ck_assert_msg(got.result == (ssize_t)size, "%s: %zd, %s", is->text, got.result,
                      got.head.why);
        check_text(is->text, got.head.method, is->method);
        check_text(is->text, got.head.target, is->target);
        ck_assert_int_eq(got.head.version, is->is_10 ? 10 : 11);
        ck_assert_uint_eq(got.head.n_fields, is->n_fields);
        ck_assert_int_eq(got.head.framing, is->framing);
        ck_assert_uint_eq(got.head.content_length, is->content_length);
        ck_assert_msg(got.head.keep_alive == !is->closes, "%s", is->text);
        ck_assert_msg(got.head.expects_continue == is->expects_continue, "%s", is->text);
        ck_assert_msg(got.head.has_upgrade == is->has_upgrade, "%s", is->text);
    }
}
END_TEST

START_TEST(what_follows_a_head_is_left_alone) {
    static const char text[] = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nbroken\n";
    struct parsed got;

    parse_every_way(&got, parse, text, sizeof(text) - 1);
    ck_assert_int_eq(got.result, 28);
    check_text(text, got.head.target, "/1");
}
END_TEST

START_TEST(values_lose_the_white_space_around_them) {
    static const char text[] =
        "GET / HTTP/1.1\r\nHost:x\r\nA: \t in side \t \r\nB: \r\nC:\xe9\t\xe8\r\n\r\n";
    size_t n_value = 0;
    struct parsed got;

    parse_every_way(&got, parse, text, sizeof(text) - 1);
    ck_assert_int_eq(got.result, sizeof(text) - 1);
    check_text(text, got.fields[0].name, "Host");
    check_text(text, got.fields[0].value, "x");
    check_text(text, got.fields[1].value, "in side");
    check_text(text, got.fields[2].value, "");
    check_text(text, got.fields[3].value, "\xe9\t\xe8");

    ck_assert_ptr_eq(sp_http_find_field(&got.head, text, "hOST", &n_value), text + 21);
    ck_assert_uint_eq(n_value, 1);
    ck_assert_ptr_null(sp_http_find_field(&got.head, text, "Hos", &n_value));
    ck_assert_ptr_null(sp_http_find_field(&got.head, text, "Hosu", &n_value));
    ck_assert_ptr_null(sp_http_find_field(&got.head, text, "", &n_value));
}
END_TEST

/* ---- refused --------------------------------------------------------------------------------- */

struct bad {
    int status;
    const char *text;
    size_t size;
};

#define REFUSES(status, text) \
    { status, text, sizeof(text) - 1 }

static const struct bad bad[] = {
    /* the request line */
    REFUSES(400, "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, " GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET /  HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET /\tHTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET / x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET /\r\n\r\n"), /* HTTP/0.9 */
    REFUSES(400, "GET\r\n\r\n"),
    REFUSES(400, "G<T / HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET / http/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET / IHTTP/1.0\r\n\r\n"),
    REFUSES(400, "GET / ICE/1.0\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.10\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/11.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1,1\r\nHost: x\r\n\r\n"),
    REFUSES(505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"),
    REFUSES(505, "GET / HTTP/1.2\r\nHost: x\r\n\r\n"),
    REFUSES(505, "GET / HTTP/0.9\r\nHost: x\r\n\r\n"),
    REFUSES(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), /* the preface of HTTP/2, RFC 9113 3.4 */
    REFUSES(400, "\x16\x03\x01\x02\x01\x01"),         /* TLS */
    REFUSES(400, "SSH-2.0-OpenSSH_9.2\r\n"),

    /* targets, RFC 9112 3.2 */
    REFUSES(400, "GET index.html HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET * HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "PRI * HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "OPTIONS ** HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET http://u@:80/x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET http:/x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET ://x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET 1http://x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET h_p://x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET http://a b/ HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET http://a:b/ HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET /#fragment HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET /\xce\xb4 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET /a-long-target-with-a\x01 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET /a-long-target-with-a\x80 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT /x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT * HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT http://x:80/ HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT x: HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT :80 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT x:0 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT x:65536 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT x:000080 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT x:8a HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT u@x:80 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "CONNECT x:80 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"),
    REFUSES(400, "CONNECT x:80 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),

    /* line ends and bytes that may stand nowhere, RFC 9112 2.2 and 5.2 */
    REFUSES(400, "GET / HTTP/1.1\nHost: x\n\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\n\n"),
    REFUSES(400, "GET / HTTP/1.1\rHost: x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\rA: b\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\n\rZGET /evil: HTTP/1.1\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA:\rTransfer-Encoding: chunked\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA:\nTransfer-Encoding: chunked\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"), /* obs-fold */
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA: sixteen bytes more\0c\r\n\r\n"),
    REFUSES(400, "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "G\0T / HTTP/1.1\r\nHost: x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA: \f\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA: more than sixteen \x1b[31m bytes\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nA: more than sixteen \x7f bytes\r\n\r\n"),

    /* field names, RFC 9112 5.1 */
    REFUSES(400, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost\t: x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nFo@: b\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nF\xc3\xb6: b\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nno colon at all\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nnocolon\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nConnection\r\033\065\325eep-Alive\r\nA: b\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x\r\nContent\rLength: 3\r\n\r\n"),

    /* Host, RFC 9112 3.2 */
    REFUSES(400, "GET / HTTP/1.1\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: /run/app.sock?x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: /run/app.sock,x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: /run/u@x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: run/app.sock\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: u@x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x:8o\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: x:80:80\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: %2\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: %zz\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
    REFUSES(400, "GET / HTTP/1.1\r\nHost: caf\xc3\xa9\r\n\r\n"),

    /* Content-Length, RFC 9110 8.6 */
    REFUSES(400, POST11("Content-Length: 1\r\nContent-Length: 2\r\n")),
    REFUSES(400, POST11("Content-Length: 1\r\nContent-Length: 1\r\n")),
    REFUSES(400, POST11("Content-Length: 1, 1\r\n")),
    REFUSES(400, POST11("Content-Length: +1\r\n")),
    REFUSES(400, POST11("Content-Length: -1\r\n")),
    REFUSES(400, POST11("Content-Length: 0x1\r\n")),
    REFUSES(400, POST11("Content-Length: 1.0\r\n")),
    REFUSES(400, POST11("Content-Length: 4 2\r\n")),
    REFUSES(400, POST11("Content-Length: 1;\r\n")),
    REFUSES(400, POST11("Content-Length:\r\n")),
    REFUSES(400, POST11("Content-Length: \xd9\xa1\r\n")),
    REFUSES(400, POST11("Content-Length: 9223372036854775808\r\n")),
    REFUSES(400, POST11("Content-Length: 18446744073709551617\r\n")),
    REFUSES(400, POST11("Content-Length: 1000000000000000000000\r\n")),
    REFUSES(400, "POST / HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),

    /* Transfer-Encoding and the ways to smuggle with it, RFC 9112 6.1, 6.3 and 11.2 */
    REFUSES(400, POST11("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: identity\r\nContent-Length: 1\r\n")),
    REFUSES(400, POST11("Content-Length: 10\r\nTransfer-Encoding:\r\n")),
    REFUSES(400, POST11("Transfer-Encoding:\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: identity\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: xchunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunkedx\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunkedchunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: \"chunked\"\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunked;a=b\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunked, deflate\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunked, chunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunked, gzip, chunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: , chunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chunked,\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: \x0b"
                        "chunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding: chun\xeb"
                        "ed\r\n")),
    REFUSES(400, POST11("Transfer-Encoding : chunked\r\n")),
    REFUSES(400, POST11("Transfer-Encoding\r\n : chunked\r\n")),
    REFUSES(400, POST11(" Transfer-Encoding: chunked\r\n")),
    REFUSES(400, POST11("A: b\nTransfer-Encoding: chunked\r\n")),
    REFUSES(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    REFUSES(501, POST11("Transfer-Encoding: gzip, chunked\r\n")),
    REFUSES(501, POST11("Transfer-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n")),
};

START_TEST(bad_requests_are_refused) {
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct parsed got;

        parse_every_way(&got, parse, bad[i].text, bad[i].size);
        ck_assert_msg(got.result == -EBADMSG, "%s: %zd", bad[i].text, got.result);
        ck_assert_msg(got.head.error_status == bad[i].status, "%s: %d, %s", bad[i].text,
                      got.head.error_status, got.head.why);
        ck_assert_ptr_nonnull(got.head.why);
    }
}
END_TEST

/* Every byte of a good head, replaced by every other: taken or refused, never misread. */
START_TEST(no_single_byte_confuses_it) {
    static const char text[] = "GET /a HTTP/1.1\r\nHost: x\r\nA: sixteen bytes and more\r\n\r\n";
    char copy[sizeof(text)];
    struct parsed got;

    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, text, sizeof(copy));
            copy[at] = (char)byte;
            parse_exactly(&got, parse, copy, sizeof(text) - 1, 0);
            ck_assert(got.result <= (ssize_t)sizeof(text) - 1);
            if (got.result > 0 && copy[at] != text[at]) {
                ck_assert(byte == '\t' || (byte >= 0x20 && byte != 0x7f));
            }
        }
    }
}
END_TEST

/* The byte at which a head that comes byte by byte is refused. */
static size_t refused_at(const char *text) {
    size_t size = strlen(text);
    struct parsed got;

    for (size_t n = 1; n <= size; n++) {
        parse_exactly(&got, parse, text, n, n - 1);
        if (got.result != 0) {
            ck_assert_int_eq(got.result, -EBADMSG);
            return n;
        }
    }
    return 0;
}

/* Nobody waits for the end of a head that cannot become good any more. */
START_TEST(bad_heads_are_refused_early) {
    ck_assert_uint_eq(refused_at("\x16\x03\x01"), 1);
    ck_assert_uint_eq(refused_at("GET /\x01"), 6);
    ck_assert_uint_eq(refused_at("GET / HTTP/1.1\nHost"), 15);
    ck_assert_uint_eq(refused_at("GET / HTTP/1.1\rHost"), 16);
    ck_assert_uint_eq(refused_at("GET / HTTP/1.1\r\nHost: x\rA"), 25);
    ck_assert_uint_eq(refused_at("GET / HTTP/1.1\r\nHost: x\r\n\rA"), 27);
    ck_assert_uint_eq(refused_at("hello\r\n"), 7);
    ck_assert_uint_eq(refused_at("GET / HTTP/2.0\r\n"), 16);
    ck_assert_uint_eq(refused_at("\r\nGET / HTTP/2.0\r\n"), 18);
    ck_assert_uint_eq(refused_at("GET / HTTP/1.1\r\nHost : x\r\nA"), 26);
    ck_assert_uint_eq(refused_at("GET / HTTP/1.1\r\nHost: x\r\n fold\r\n"), 32);
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */

static void check_limit(const char *text, size_t max_head, size_t max_fields, int status) {
    const struct sp_http_limits limits = {.max_head = max_head, .max_fields = max_fields};
    struct sp_http_field fields[MAX_FIELDS];
    struct sp_http_head head = {.fields = fields};
    ssize_t n;

    n = sp_http_parse_request(&head, &limits, text, strlen(text), 0);
    ck_assert_msg(n == (status ? -EMSGSIZE : (ssize_t)strlen(text)), "%s within %zu: %zd", text,
                  max_head, n);
    ck_assert_int_eq(head.error_status, status);
}

START_TEST(heads_have_limits) {
    static const char text[] = "GET /target HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";

    check_limit(text, sizeof(text) - 1, 2, 0);
    check_limit(text, sizeof(text) - 2, 2, 431);
    check_limit(text, 22, 2, 431);
    check_limit(text, 21, 2, 414);
    check_limit(text, 1, 2, 414);
    check_limit("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 10, 2, 414);
    check_limit(text, 4096, 1, 431);
    check_limit(text, 4096, 0, 431);
    check_limit("GET / HTTP/1.0\r\n\r\n", 18, 0, 0);
}
END_TEST

/* The limit is noticed when it is reached, not only when the head would be complete. */
START_TEST(a_head_without_an_end_is_refused_in_time) {
    static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    char *text = malloc(8192);
    struct parsed got;
    size_t n_seen = 0;

    ck_assert_ptr_nonnull(text);
    memset(text, 'b', 8192);
    memcpy(text, start, sizeof(start) - 1);
    do {
        parse_exactly(&got, parse, text, n_seen + 1, n_seen);
        n_seen++;
    } while (got.result == 0 && n_seen < 8192);
    ck_assert_int_eq(got.result, -EMSGSIZE);
    ck_assert_int_eq(got.head.error_status, 431);
    ck_assert_uint_eq(n_seen, 4096);

    memset(text, '/', 8192);
    memcpy(text, "GET ", 4);
    parse_exactly(&got, parse, text, 8192, 0);
    ck_assert_int_eq(got.head.error_status, 414);
    parse_exactly(&got, parse, text, 8192, 5000);
    ck_assert_int_eq(got.head.error_status, 414);
    free(text);
}
END_TEST

SP_TESTS("http1-request", good_requests_are_taken, what_follows_a_head_is_left_alone,
         values_lose_the_white_space_around_them, bad_requests_are_refused,
         no_single_byte_confuses_it, bad_heads_are_refused_early, heads_have_limits,
         a_head_without_an_end_is_refused_in_time)
