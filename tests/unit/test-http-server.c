/* SPDX-License-Identifier: MIT */
/* test-http-server.c - requests and their answers: keep-alive, pipelining, bodies, all framings. */

#include "http-serving.h"

/* ---- plain requests -------------------------------------------------------------------------- */

START_TEST(a_connection_serves_many_requests) {
    int fd;

    serving_open(NULL);
    fd = client();
    for (int i = 0; i < 3; i++) {
        say(fd, GET("/a"));
        check_response(hear(fd, "/a "), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                        "Content-Length: 7\r\n\r\nGET /a ");
    }
    say(fd, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_response(hear(fd, NULL), "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                   "Content-Type: text/plain\r\nContent-Length: 7\r\n\r\nGET /b ");
    settle();
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(pipelined_answers_leave_in_one_write) {
    char packet[4096], requests[2048] = "";
    ssize_t n;
    int fd;

    serving_open(NULL);
    fd = client_of_type(SOCK_SEQPACKET);
    for (int i = 0; i < 16; i++) {
        snprintf(requests + strlen(requests), 64, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
    }
    say(fd, requests);
    settle();
    n = recv(fd, packet, sizeof(packet) - 1, 0);
    ck_assert_int_gt(n, 0);
    packet[n] = '\0';
    for (int i = 0, at = 0; i < 16; i++) {
        char body[32], *found;

        snprintf(body, sizeof(body), "GET /%d ", i);
        found = strstr(packet + at, body);
        ck_assert_msg(found, "'%s' is missing or out of order", body);
        at = (int)(found - packet);
    }
    ck_assert_int_eq(recv(fd, packet, sizeof(packet), 0), -1);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte) {
    const char *text = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" GET("/q");
    int fd;

    serving_open(NULL);
    fd = client();
    for (; *text; text++) {
        say_bytes(fd, text, 1);
        settle();
    }
    hear(fd, "GET /q ");
    ck_assert_int_eq(serving.n_requests, 2);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(head_has_no_body_but_its_length) {
    int fd;

    serving_open(NULL);
    fd = client();
    say(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" GET("/next"));
    ck_assert_ptr_nonnull(
        strstr(hear(fd, "/next "), "Content-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\n"));
    close(fd);
    serving_close();
}
END_TEST

START_TEST(http_1_0_closes_unless_it_asks_to_stay) {
    int fd, other;

    serving_open(NULL);
    fd = client();
    say(fd, "GET / HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), "Connection: close\r\n"));
    other = client();
    say(other, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(other, "GET / "), "Connection: keep-alive\r\n"));
    say(other, "GET /2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    hear(other, "GET /2 ");
    close(fd);
    close(other);
    serving_close();
}
END_TEST

/* ---- what a handler can ask ------------------------------------------------------------------ */

static void show_headers(struct sunpath_http_exchange *exchange, void *user) {
    const char *name, *value;
    const struct sunpath_peer *peer = sunpath_http_peer(exchange);

    (void)user;
    for (size_t i = 0; sunpath_http_header_at(exchange, i, &name, &value); i++) {
        note("%s=%s;", name, value);
    }
    note("%s;", sunpath_http_header(exchange, "x-ONE"));
    ck_assert_ptr_null(sunpath_http_header(exchange, "x-three"));
    ck_assert_ptr_nonnull(peer);
    ck_assert_int_eq(peer->pid, getpid());
    ck_assert_ptr_eq(peer, sunpath_http_peer(exchange));
    ck_assert_int_eq(sunpath_http_version(exchange), 11);
    ck_assert_ptr_eq(sunpath_http_exchange_server(exchange), serving.server);
    ck_assert_ptr_null(sunpath_http_user(exchange));
    sunpath_http_set_user(exchange, &serving);
    ck_assert_ptr_eq(sunpath_http_user(exchange), &serving);
    ck_assert_int_eq(sunpath_http_respond(exchange, 204, NULL, NULL, 0), 0);
}

static void replace_headers(struct sunpath_http_exchange *exchange, void *user) {
    size_t size;

    (void)user;
    ck_assert_ptr_null(sp_http_exchange_find_field(exchange, "X", &size));
    ck_assert_int_eq(sunpath_http_set_header(exchange, "X", NULL), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X", "1"), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Xy", "2"), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "x", "3"), 0);
    ck_assert_int_eq(sunpath_http_set_header(exchange, "X", "four"), 0);
    ck_assert_int_eq(strncmp(sp_http_exchange_find_field(exchange, "x", &size), "four\r\n", 6), 0);
    ck_assert_uint_eq(size, 4);
    ck_assert_int_eq(sunpath_http_set_header(exchange, "xY", NULL), 0);
    ck_assert_int_eq(sunpath_http_set_header(exchange, "X", "a\nb"), -EINVAL);
    ck_assert_int_eq(sunpath_http_set_header(exchange, "a b", NULL), -EINVAL);
    ck_assert_int_eq(sunpath_http_set_header(exchange, "Date", "now"), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 204, NULL, NULL, 0), 0);
}

static void respond_with_type(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_add_header(exchange, "content-type", "image/png"), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X-Content-Type", "image/png"), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "text/plain", "x", 1), 0);
}

static void show_head(struct sunpath_http_exchange *exchange, void *user) {
    size_t size;
    const char *head = sunpath_http_head(exchange, &size);

    (void)user;
    note("%.*s|", (int)size, head);
    if (!serving.held) { /* answered later: by then it lies elsewhere */
        serving.held = exchange;
    } else {
        sunpath_http_respond(exchange, 204, NULL, NULL, 0);
    }
}

START_TEST(the_head_can_be_read_whole) {
    static const char head[] = "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r";
    char expected[256];
    int fd;

    serving.handler.on_request = show_head;
    serving_open(NULL);
    fd = client();
    say(fd, head);
    say(fd, "\nhi");
    settle();
    show_head(serving.held, NULL);
    hear(fd, "\r\n\r\n");
    snprintf(expected, sizeof(expected), "%s|%s|", head, head);
    ck_assert_str_eq(serving.log, expected);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_response_has_one_type) {
    int fd;

    serving.handler.on_request = respond_with_type;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "\r\n\r\nx"),
                   "HTTP/1.1 200 OK\r\nX-Content-Type: image/png\r\nContent-Type: text/plain\r\n"
                   "Content-Length: 1\r\n\r\nx");
    close(fd);
    serving_close();
}
END_TEST

static void respond_with_no_type(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Content-Type", "image/png"), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "a\nb", "x", 1), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "x", 1), 0);
}

START_TEST(a_type_that_is_refused_changes_nothing) {
    int fd;

    serving.handler.on_request = respond_with_no_type;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "\r\n\r\nx"),
                   "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1\r\n\r\nx");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(headers_can_be_replaced) {
    int fd;

    serving.handler.on_request = replace_headers;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "\r\n\r\n"), "HTTP/1.1 204 No Content\r\nX: four\r\n\r\n");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(headers_and_trailers_can_be_read) {
    int fd;

    serving.handler.on_request = show_headers;
    serving_open(NULL);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nX-One:  1 \r\nX-Two:\r\n\r\n");
    check_response(hear(fd, "\r\n\r\n"), "HTTP/1.1 204 No Content\r\n\r\n");
    ck_assert_str_eq(serving.log, "Host=x;X-One=1;X-Two=;1;");
    serving.log[0] = '\0';
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nX-One: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3;x=y\r\nabc\r\n0\r\nX-Sum: 7\r\nX-End: yes\r\n\r\n");
    hear(fd, "\r\n\r\n");
    ck_assert_str_eq(serving.log, "Host=x;X-One=a;Transfer-Encoding=chunked;X-Sum=7;X-End=yes;a;");
    close(fd);
    serving_close();
}
END_TEST

/* ---- bodies of requests ---------------------------------------------------------------------- */

START_TEST(bodies_are_collected) {
    int fd;

    serving_open(NULL);
    fd = client();
    say(fd, "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            "POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "2\r\nde\r\n1\r\nf\r\n0\r\n\r\n"
            "POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, "POST /3 "), "POST /2 def"));
    say(fd, "POST /4 HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
    settle();
    say(fd, "def" GET("/5"));
    ck_assert_ptr_nonnull(strstr(hear(fd, "GET /5 "), "POST /4 abcdef"));
    close(fd);
    serving_close();
}
END_TEST

static void note_body(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                      void *user) {
    (void)user;
    note("[%.*s]", (int)size, (const char *)data);
    if (strcmp(sunpath_http_target(exchange), "/pause") == 0) {
        sunpath_http_pause(exchange);
        serving.held = exchange;
    }
}

START_TEST(bodies_can_be_streamed_and_held_back) {
    int fd;

    serving.handler.on_body = note_body;
    serving_open(NULL);
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
    settle();
    say(fd, "cd");
    hear(fd, "POST / ");
    ck_assert_str_eq(serving.log, "[ab][cd]");
    serving.log[0] = '\0';
    say(fd, "POST /pause HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    settle();
    ck_assert_str_eq(serving.log, "[a]");
    sunpath_http_resume(serving.held);
    ck_assert_str_eq(serving.log, "[a]"); /* not from inside the call */
    settle();
    ck_assert_str_eq(serving.log, "[a][b]");
    sunpath_http_resume(serving.held);
    hear(fd, "POST /pause ");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(expect_is_answered_by_itself) {
    int fd;

    serving_open(NULL);
    fd = client();
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    ck_assert_str_eq(hear(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "ok");
    ck_assert_ptr_null(strstr(hear(fd, "PUT / ok"), "100 Continue"));
    /* Not when the body comes along. */
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert_ptr_null(strstr(hear(fd, "PUT / hi"), "100 Continue"));
    close(fd);
    serving_close();
}
END_TEST

static void refuse_in_head(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    if (strcmp(sunpath_http_method(exchange), "PUT") == 0) {
        ck_assert_int_eq(sunpath_http_respond(exchange, 401, NULL, "no", 2), 0);
    }
}

START_TEST(on_head_can_refuse_the_body) {
    int fd;

    serving.handler.on_head = refuse_in_head;
    serving_open(NULL);
    fd = client();
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok" GET("/on"));
    hear(fd, "GET /on "); /* a body that is there already is skipped */
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    check_response(hear(fd, NULL), "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n"
                                   "Content-Length: 2\r\n\r\nno");
    ck_assert_int_eq(serving.n_requests, 1);
    close(fd);
    serving_close();
}
END_TEST

/* ---- responses ------------------------------------------------------------------------------- */

static void respond_in_pieces(struct sunpath_http_exchange *exchange, void *user) {
    bool is_sized = strcmp(sunpath_http_target(exchange), "/sized") == 0;

    (void)user;
    ck_assert_int_eq(sunpath_http_write(exchange, "x", 1), -EINVAL);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X-A", "1"), 0);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, is_sized ? 6 : -1), 0);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, 6), -EALREADY);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, NULL, 0), -EALREADY);
    ck_assert_int_eq(sunpath_http_write(exchange, "abc", 3), 0);
    if (is_sized) {
        ck_assert_int_eq(sunpath_http_write(exchange, "defg", 4), -EMSGSIZE);
        ck_assert_int_eq(sunpath_http_add_header(exchange, "X-T", "t"), -EINVAL);
    } else {
        ck_assert_int_eq(sunpath_http_add_header(exchange, "X-T", "t"), 0);
    }
    ck_assert_int_eq(sunpath_http_write(exchange, "def", 3), 0);
    ck_assert_int_eq(sunpath_http_end(exchange), 0);
    ck_assert_int_eq(sunpath_http_end(exchange), -EALREADY);
    ck_assert_int_eq(sunpath_http_write(exchange, "x", 1), -EALREADY);
}

START_TEST(responses_come_in_every_framing) {
    int fd;

    serving.handler.on_request = respond_in_pieces;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/sized"));
    check_response(hear(fd, "def"), "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 6\r\n\r\nabcdef");
    say(fd, GET("/"));
    check_response(hear(fd, "0\r\nX-T: t\r\n\r\n"),
                   "HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n3\r\ndef\r\n0\r\nX-T: t\r\n\r\n");
    say(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_response(hear(fd, "\r\n\r\n"),
                   "HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    say(fd, "HEAD /sized HTTP/1.1\r\nHost: x\r\n\r\n");
    check_response(hear(fd, "\r\n\r\n"), "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 6\r\n\r\n");
    say(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    check_response(hear(fd, NULL), "HTTP/1.1 200 OK\r\nX-A: 1\r\nConnection: close\r\n\r\nabcdef");
    close(fd);
    serving_close();
}
END_TEST

static void misbehave(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X", "a\r\nInjected: 1"), -EINVAL);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X\r\nY", "a"), -EINVAL);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X Y", "a"), -EINVAL);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "", "a"), -EINVAL);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "content-length", "5"), -EINVAL);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Transfer-Encoding", "x"), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "a\nb", NULL, 0), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 199, NULL, NULL, 0), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 600, NULL, NULL, 0), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 204, NULL, "x", 1), -EMSGSIZE);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, -2), -EINVAL);
    ck_assert_int_eq(sunpath_http_inform(exchange, 101), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "ok", 2), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "ok", 2), -EALREADY);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X", "a"), -EALREADY);
    ck_assert_int_eq(sunpath_http_inform(exchange, 103), -EALREADY);
}

START_TEST(mistakes_of_handlers_are_told_and_not_sent) {
    int fd;

    serving.handler.on_request = misbehave;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "ok"), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    close(fd);
    serving_close();
}
END_TEST

static void inform_then_respond(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Link", "</a>"), 0);
    ck_assert_int_eq(sunpath_http_inform(exchange, 103), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "ok", 2), 0);
}

START_TEST(interim_responses_go_first) {
    char *heard;
    int fd;

    serving.handler.on_request = inform_then_respond;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    heard = hear(fd, "ok");
    ck_assert_int_eq(strncmp(heard, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200",
                             strlen("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200")),
                     0);
    ck_assert_ptr_null(strstr(heard + 60, "Link"));
    say(fd, "GET / HTTP/1.0\r\n\r\n");
    check_response(hear(fd, NULL),
                   "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    close(fd);
    serving_close();
}
END_TEST

static void promise_too_much(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_start(exchange, 200, 10), 0);
    ck_assert_int_eq(sunpath_http_write(exchange, "short", 5), 0);
    ck_assert_int_eq(sunpath_http_end(exchange), 0);
}

START_TEST(too_short_a_body_cuts_the_connection) {
    int fd;

    serving.handler.on_request = promise_too_much;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/") GET("/never"));
    check_response(hear(fd, NULL), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
    close(fd);
    settle();
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, -EIO);
    serving_close();
}
END_TEST

START_TEST(the_server_names_itself_when_asked) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int fd;

    options.server_name = "test/1";
    options.max_requests = 2;
    serving_open(&options);
    fd = client();
    say(fd, GET("/1") GET("/2") GET("/3"));
    ck_assert_ptr_nonnull(strstr(hear(fd, "GET /2 "), "Server: test/1\r\nConnection: close\r\n"));
    ck_assert_str_eq(hear(fd, NULL), "");
    ck_assert_int_eq(serving.n_requests, 2);
    close(fd);
    serving_close();
    options.server_name = "a\r\nb";
    ck_assert_int_eq(sunpath_loop_open(&serving.loop), 0);
    ck_assert_int_eq(
        sunpath_http_server_new(&serving.server, serving.loop, &serving.handler, NULL, &options),
        -EINVAL);
    sunpath_loop_close(serving.loop);
}
END_TEST

START_TEST(only_streams_are_served) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *listener;
    struct sunpath_error error = {0};

    serving_open(NULL);
    ck_assert_int_eq(
        sunpath_http_server_listen(serving.server, "seqpacket:./packets", NULL, &error),
        -EPROTOTYPE);
    ck_assert_int_eq(error.code, -EPROTOTYPE);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_WRONG_TYPE);
    ck_assert_ptr_nonnull(strstr(error.text, "packets': HTTP needs a stream socket"));
    ck_assert_int_lt(access("packets", F_OK), 0);
    options.type = SUNPATH_DGRAM;
    ck_assert_int_eq(sunpath_listener_open(&listener, "./datagrams", &options, &error), 0);
    ck_assert_int_eq(sunpath_http_server_attach(serving.server, listener), -EPROTOTYPE);
    sunpath_listener_close(listener);
    serving_close();
}
END_TEST

SP_TESTS("http-server", only_streams_are_served, a_connection_serves_many_requests,
         pipelined_answers_leave_in_one_write, a_request_may_come_byte_by_byte,
         head_has_no_body_but_its_length, http_1_0_closes_unless_it_asks_to_stay,
         headers_can_be_replaced, a_response_has_one_type, a_type_that_is_refused_changes_nothing,
         the_head_can_be_read_whole, headers_and_trailers_can_be_read, bodies_are_collected,
         bodies_can_be_streamed_and_held_back, expect_is_answered_by_itself,
         on_head_can_refuse_the_body, responses_come_in_every_framing,
         mistakes_of_handlers_are_told_and_not_sent, interim_responses_go_first,
         too_short_a_body_cuts_the_connection, the_server_names_itself_when_asked)
