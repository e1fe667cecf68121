/* SPDX-License-Identifier: MIT */
/* test-forwarded.c - Forwarded and its relatives: what they say, and to whom one listens. */

#include <netinet/in.h>
#include <sunpath/forwarded.h>

#include "routing.h"
#include "wire/forwarded.h"

/* ---- the headers as text --------------------------------------------------------------------- */

/* Every element as "node|host|proto;", or "bad". */
static void parse(const char *text, const char *expected) {
    const char *at = text, *end = text + strlen(text);
    struct sp_forwarded element;
    char out[256] = "";
    int r;

    while ((r = sp_forwarded_next(&element, &at, end)) == 1) {
        snprintf(out + strlen(out), sizeof(out) - strlen(out), "%.*s|%.*s|%.*s;",
                 (int)element.node.size, element.node.data ? element.node.data : "",
                 (int)element.host.size, element.host.data ? element.host.data : "",
                 (int)element.proto.size, element.proto.data ? element.proto.data : "");
    }
    ck_assert_msg(strcmp(r < 0 ? "bad" : out, expected) == 0, "%s: %s", text, r < 0 ? "bad" : out);
}

START_TEST(forwarded_is_parsed) {
    parse("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60||http;");
    parse("For=\"[2001:db8:cafe::17]:4711\"", "[2001:db8:cafe::17]:4711||;");
    parse("for=192.0.2.43, for=198.51.100.17;host=a", "192.0.2.43||;198.51.100.17|a|;");
    parse("for=_hidden ; host=\"a:80\" ,\tproto=https", "_hidden|a:80|;||https;");
    parse("secret=\"a\\\"b;c,d\";for=1", "1||;");
    parse("", "||;");
    parse(",", "||;||;");
    parse(";;for=1;", "1||;");
}
END_TEST

START_TEST(what_is_malformed_is_told) {
    const char *bad[] = {"for",         "for=",        "for=\"a",      "for=\"a\\",
                         "=a",          "for =a",      "for= a",       "for=a for=b",
                         "for=a;for=b", "FOR=a;for=b", "for=\"a\\b\"", "for=[::1]",
                         "for=a:80",    "for=\"a\"b",  "for=a,for=\"x"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse(bad[i], "bad");
    }
}
END_TEST

static void address(const char *text, const char *expected) {
    struct sp_slice slice = {text, strlen(text)}, found;
    bool is_one = sp_forwarded_address(&found, slice);

    if (!expected) {
        ck_assert_msg(!is_one, "%s", text);
        return;
    }
    ck_assert_msg(is_one && found.size == strlen(expected) &&
                      memcmp(found.data, expected, found.size) == 0,
                  "%s", text);
}

START_TEST(addresses_are_addresses) {
    const char *bad[] = {
        "",     "x",       "1.2.3",     "1.2.3.4:",  "1.2.3.4:x",  "1.2.3.4:123456",
        "[::1", "[::1]x",  "[::1]:",    "[1.2.3.4]", "::1::",      "_",
        "_a b", "unix:/x", "1.2.3.4\n", "unknown:x", "1.2.3.4:-1", "<script>",
        "_<x>"};

    address("192.0.2.1", "192.0.2.1");
    address("192.0.2.1:65535", "192.0.2.1");
    address("192.0.2.1:_port", "192.0.2.1");
    address("2001:db8::1", "2001:db8::1");
    address("[2001:db8::1]", "2001:db8::1");
    address("[::1]:80", "::1");
    address("unknown", "unknown");
    address("_hid-den.1", "_hid-den.1");
    address("unix:", "unix:");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        address(bad[i], NULL);
    }
}
END_TEST

/* ---- to whom one listens --------------------------------------------------------------------- */

static struct sunpath_access *own, *other;
static struct sunpath_forwarded *rules;

static void tell(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_client client, again;
    char text[512];
    int n, r = sunpath_forwarded_read(rules, exchange, &client);

    (void)user;
    ck_assert_int_eq(sunpath_forwarded_read(rules, exchange, &again), r);
    ck_assert_int_eq(memcmp(&client, &again, sizeof(client)), 0);
    n = snprintf(text, sizeof(text), "%d %s %s %s %u %d.", r, client.address ? client.address : "-",
                 client.scheme, client.host ? client.host : "-", client.port, client.is_forwarded);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, text, (size_t)n), 0);
}

static void rules_open(const struct sunpath_access *trusted, unsigned headers, unsigned n_hops) {
    struct sunpath_forwarded_options options = SUNPATH_OPTIONS(struct sunpath_forwarded_options);

    options.trusted = trusted;
    options.headers = headers;
    options.n_hops = n_hops;
    rules = sunpath_forwarded_free(rules);
    ck_assert_int_eq(sunpath_forwarded_new(&rules, &options), 0);
}

static void listening_open(void) {
    char rule[64];

    ck_assert_int_eq(sunpath_access_new(&own), 0);
    ck_assert_int_eq(sunpath_access_new(&other), 0);
    snprintf(rule, sizeof(rule), "uid=%u", (unsigned)getuid());
    ck_assert_int_eq(sunpath_access_allow(own, rule, NULL), 0);
    snprintf(rule, sizeof(rule), "uid=%u", (unsigned)getuid() + 1);
    ck_assert_int_eq(sunpath_access_allow(other, rule, NULL), 0);
    serving.handler.on_request = tell;
    serving_open(NULL);
}

static void listening_close(void) {
    serving_close();
    rules = sunpath_forwarded_free(rules);
    sunpath_access_free(own);
    sunpath_access_free(other);
}

static void ask_on(int fd, const char *headers, const char *expected) {
    const char *heard;

    say(fd, "GET / HTTP/1.1\r\nHost: here\r\n");
    say(fd, headers);
    say(fd, "\r\n");
    heard = strstr(hear(fd, "."), "\r\n\r\n") + 4;
    ck_assert_msg(strncmp(heard, expected, strlen(expected)) == 0, "%s: %s", headers, heard);
}

static void ask(const char *headers, const char *expected) {
    int fd = client_of_type(SOCK_STREAM);

    say(fd, "GET / HTTP/1.1\r\nHost: here\r\n");
    say(fd, headers);
    say(fd, "Connection: close\r\n\r\n");
    ck_assert_str_eq(strstr(hear(fd, NULL), "\r\n\r\n") + 4, expected);
    close(fd);
}

#define ALL                                                                        \
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: HTTPS\r\n"                   \
    "X-Forwarded-Host: there:8443\r\nX-Forwarded-Port: 8443\r\nX-Real-IP: ::1\r\n" \
    "Forwarded: for=192.0.2.9;host=far;proto=ws\r\n"

START_TEST(only_the_named_peer_counts_and_only_the_named_headers) {
    listening_open();
    ask(ALL, "0 - http here 0 0.");
    rules_open(other, 0, 0);
    ask(ALL, "0 - http here 0 0.");
    ask("X-Forwarded-For: nonsense\r\n", "0 - http here 0 0."); /* nobody listens */
    rules_open(own, 0, 0);
    ask("", "0 - http here 0 0.");
    ask(ALL, "0 192.0.2.1 https here 0 1.");
    rules_open(own, SUNPATH_FORWARDED_REAL_IP | SUNPATH_FORWARDED_HOST | SUNPATH_FORWARDED_PORT, 0);
    ask(ALL, "0 ::1 http there:8443 8443 1.");
    rules_open(own, SUNPATH_FORWARDED_RFC7239, 0);
    ask(ALL, "0 192.0.2.9 ws far 0 1.");
    listening_close();
}
END_TEST

/* A proxy adds its word to a header; what stands behind the body it may pass as it came. */
START_TEST(trailers_do_not_count) {
    const char *heard;
    int fd;

    listening_open();
    rules_open(own, 0, 0);
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: here\r\nX-Forwarded-For: 192.0.2.1\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
    heard = strstr(hear(fd, "."), "\r\n\r\n") + 4;
    ck_assert_msg(strncmp(heard, "0 192.0.2.1 ", 12) == 0, "%s", heard);
    close(fd);
    listening_close();
}
END_TEST

START_TEST(hops_are_counted_from_our_end) {
    listening_open();
    rules_open(own, 0, 1);
    ask("X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2:80\r\n",
        "0 192.0.2.2 http here 0 1.");
    ask("X-Forwarded-For: spoofed, 192.0.2.2\r\n", "0 192.0.2.2 http here 0 1.");
    rules_open(own, 0, 2);
    ask("X-Forwarded-For: 6.6.6.6, 192.0.2.1, 192.0.2.2\r\nX-Forwarded-Proto: https\r\n",
        "0 192.0.2.1 https here 0 1.");
    ask("X-Forwarded-For: 192.0.2.2\r\n", "0 192.0.2.2 http here 0 1.");
    rules_open(own, SUNPATH_FORWARDED_RFC7239, 2);
    ask("Forwarded: for=6.6.6.6;proto=x\r\nForwarded: for=192.0.2.1, for=192.0.2.2;proto=https\r\n",
        "0 192.0.2.1 http here 0 1.");
    listening_close();
}
END_TEST

START_TEST(what_the_proxy_lets_through_malformed_says_nothing) {
    char bad[64];

    snprintf(bad, sizeof(bad), "%d - http here 0 0.", -EBADMSG);
    listening_open();
    rules_open(own, SUNPATH_FORWARDED_RFC7239, 0);
    ask("Forwarded: for=\"6.6.6.6\r\nForwarded: for=192.0.2.1\r\n", bad);
    ask("Forwarded: for=192.0.2.1;host=\"a/b\"\r\n", bad);
    rules_open(own, 0xf, 0);
    ask("X-Forwarded-For: 1.2.3.4, \r\n", bad);
    ask("X-Forwarded-For: <b>\r\n", bad);
    ask("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: ht tp\r\n", bad);
    ask("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: a@b\r\n", bad);
    ask("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Port: 65536\r\n", bad);
    listening_close();
}
END_TEST

START_TEST(it_is_a_middleware) {
    int fd;

    listening_open();
    rules_open(own, 0, 0);
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_use(router, NULL, sunpath_forwarded_middleware, rules), 0);
    on(router, "GET /x");
    serving.server->handler = sunpath_router_handler();
    serving.server->user = router;
    fd = client();
    say(fd, "GET /x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: <b>\r\n\r\n");
    hear(fd, "400 Bad Request");
    close(fd);
    fd = client();
    say(fd, "GET /x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ::1\r\n\r\n");
    hear(fd, "- /x [");
    close(fd);
    listening_close();
    router = sunpath_router_free(router);
}
END_TEST

START_TEST(rules_are_checked) {
    struct sunpath_forwarded_options options = SUNPATH_OPTIONS(struct sunpath_forwarded_options);

    ck_assert_int_eq(sunpath_forwarded_new(&rules, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_access_new(&own), 0);
    options.trusted = own;
    options.headers = SUNPATH_FORWARDED_FOR | SUNPATH_FORWARDED_RFC7239;
    ck_assert_int_eq(sunpath_forwarded_new(&rules, &options), -EINVAL);
    options.headers = SUNPATH_FORWARDED_FOR | SUNPATH_FORWARDED_REAL_IP;
    ck_assert_int_eq(sunpath_forwarded_new(&rules, &options), -EINVAL);
    options.headers = 1 << 6;
    ck_assert_int_eq(sunpath_forwarded_new(&rules, &options), -EINVAL);
    sunpath_access_free(own);
}
END_TEST

START_TEST(over_tcp_the_peer_has_an_address) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(address);

    listening_open();
    rules_open(own, 0, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(sp_http_connection_open(serving.server, accept4(listener, NULL, NULL,
                                                                     SOCK_NONBLOCK | SOCK_CLOEXEC)),
                     0);
    ask_on(fd, ALL, "0 127.0.0.1 http here 0 0.");
    close(fd);
    close(listener);
    listening_close();
}
END_TEST

SP_TESTS("forwarded", forwarded_is_parsed, what_is_malformed_is_told, addresses_are_addresses,
         only_the_named_peer_counts_and_only_the_named_headers, trailers_do_not_count,
         hops_are_counted_from_our_end, what_the_proxy_lets_through_malformed_says_nothing,
         it_is_a_middleware, rules_are_checked, over_tcp_the_peer_has_an_address)
