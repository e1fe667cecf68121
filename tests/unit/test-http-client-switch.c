/* SPDX-License-Identifier: MIT */
/* test-http-client-switch.c - upgrades and tunnels on the loop. */

#include "http-peer.h"

#define SWITCH "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

struct upgraded {
    struct sunpath_stream *stream;
    struct sunpath_error error;
    int n_done, code, status;
    char body[64];
    char input[64];
    bool has_ended;
};

static void on_input(struct sunpath_stream *stream, void *user) {
    struct upgraded *upgraded = user;
    size_t size, n = strlen(upgraded->input);
    const char *data = sunpath_stream_input(stream, &size);

    ck_assert_ptr_eq(stream, upgraded->stream);
    ck_assert_uint_lt(n + size, sizeof(upgraded->input));
    memcpy(upgraded->input + n, data, size);
    sunpath_stream_consume(stream, size);
}

static void on_close(struct sunpath_stream *stream, int error, void *user) {
    struct upgraded *upgraded = user;

    (void)error;
    upgraded->has_ended = true;
    upgraded->stream = sunpath_stream_close(stream);
}

static const struct sunpath_stream_events events = {.on_data = on_input, .on_close = on_close};

static void on_upgrade(struct sunpath_stream *stream, const struct sunpath_http_response *response,
                       int code, const struct sunpath_error *error, void *user) {
    struct upgraded *upgraded = user;

    ck_assert_str_eq(upgraded->input, ""); /* what followed comes later */
    upgraded->n_done++;
    upgraded->stream = stream;
    upgraded->code = code;
    upgraded->error = *error;
    if (response) {
        upgraded->status = sunpath_http_response_status(response);
        snprintf(upgraded->body, sizeof(upgraded->body), "%s",
                 (const char *)sunpath_http_response_body(response, NULL));
    }
}

static void upgrade(struct upgraded *upgraded, const char *protocol) {
    ck_assert_int_eq(sunpath_http_client_upgrade(client, protocol ? "POST" : "CONNECT",
                                                 protocol ? "/attach" : "a:1", protocol, NULL,
                                                 &events, on_upgrade, upgraded),
                     0);
    ck_assert_int_eq(upgraded->n_done, 0);
}

static void finish_upgrade(struct upgraded *upgraded) {
    while (upgraded->n_done == 0) {
        turn();
    }
    ck_assert_int_eq(upgraded->n_done, 1);
}

static void check_hands_out(const char *protocol, const char *answer) {
    struct upgraded upgraded = {0};
    char data[8] = "";
    int fd;

    start();
    upgrade(&upgraded, protocol);
    fd = peer_accept();
    if (protocol) {
        ck_assert_ptr_nonnull(strstr(peer_head(fd), "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"));
    } else {
        ck_assert_int_eq(strncmp(peer_head(fd), "CONNECT a:1 HTTP/1.1\r\n", 22), 0);
    }
    peer_write(fd, answer);
    finish_upgrade(&upgraded);
    ck_assert_msg(upgraded.code == 0, "%s", upgraded.error.text);
    ck_assert_uint_eq(sunpath_http_client_n_connections(client), 0);
    while (strcmp(upgraded.input, "first") != 0) {
        turn();
    }
    peer_write(fd, " more");
    while (strcmp(upgraded.input, "first more") != 0) {
        turn();
    }
    ck_assert_int_eq(sunpath_stream_write(upgraded.stream, "hello", 5), 0);
    while (recv(fd, data, 5, 0) != 5) {
        turn();
    }
    ck_assert_str_eq(data, "hello");
    client = sunpath_http_client_free(client); /* it is no longer the client's */
    close(fd);
    while (!upgraded.has_ended) {
        turn();
    }
    stop();
}

START_TEST(the_stream_is_handed_out_with_what_followed) {
    check_hands_out("tcp", SWITCH "first");
    check_hands_out("tcp", "HTTP/1.1 103 x\r\n\r\n" SWITCH "first");
    check_hands_out("tcp", "HTTP/1.1 101 x\r\nUpgrade: TCP\r\nContent-Length: 3\r\n\r\nfirst");
    check_hands_out(NULL, "HTTP/1.1 200 x\r\n\r\nfirst");
}
END_TEST

/* ---- with our own server --------------------------------------------------------------------- */

static void echo_data(struct sunpath_stream *stream, void *user) {
    size_t size;
    const void *data = sunpath_stream_input(stream, &size);

    (void)user;
    ck_assert_int_ge(sunpath_stream_write(stream, data, size), 0);
    sunpath_stream_consume(stream, size);
}

static void echo_close(struct sunpath_stream *stream, int error, void *user) {
    (void)error;
    (void)user;
    sunpath_stream_close(stream);
}

static void switch_to_echo(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_stream_events echo = {.on_data = echo_data, .on_close = echo_close};
    struct sunpath_stream *stream;

    (void)user;
    ck_assert_int_eq(sunpath_http_upgrade(exchange, "tcp", &stream, &echo, NULL), 0);
}

START_TEST(our_own_server_switches) {
    static const struct sunpath_http_handler handler = {.on_request = switch_to_echo};
    struct sunpath_http_server *server = NULL;
    struct upgraded upgraded = {0};

    start();
    unlink("s.sock");
    ck_assert_int_eq(sunpath_http_server_new(&server, loop, &handler, NULL, NULL), 0);
    ck_assert_int_eq(sunpath_http_server_listen(server, "./s.sock", NULL, NULL), 0);
    upgrade(&upgraded, "tcp");
    finish_upgrade(&upgraded);
    ck_assert_msg(upgraded.code == 0, "%s", upgraded.error.text);
    ck_assert_int_eq(sunpath_stream_write(upgraded.stream, "echo", 4), 0);
    while (strcmp(upgraded.input, "echo") != 0) {
        turn();
    }
    sunpath_stream_end(upgraded.stream);
    while (!upgraded.has_ended) {
        turn();
    }
    sunpath_http_server_free(server);
    stop();
}
END_TEST

START_TEST(another_answer_is_delivered) {
    struct upgraded upgraded = {0};
    struct result result = {0};
    int fd;

    start();
    upgrade(&upgraded, "tcp");
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope");
    finish_upgrade(&upgraded);
    ck_assert_int_eq(upgraded.code, -EPROTO);
    ck_assert_ptr_null(upgraded.stream);
    ck_assert_int_eq(upgraded.status, 404);
    ck_assert_str_eq(upgraded.body, "nope");
    ck_assert_ptr_nonnull(
        strstr(upgraded.error.text, "answered 404 Not Found instead of switching to tcp"));
    close(fd);
    ask(&result, "GET");
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

static void check_fails(const char *protocol, const char *answer, int code, const char *text) {
    struct upgraded upgraded = {0};
    int fd;

    start();
    upgrade(&upgraded, protocol);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, answer);
    close(fd);
    finish_upgrade(&upgraded);
    ck_assert_ptr_null(upgraded.stream);
    ck_assert_int_eq(upgraded.code, code);
    ck_assert_msg(strstr(upgraded.error.text, text) != NULL, "%s", upgraded.error.text);
    stop();
}

START_TEST(what_is_no_switch) {
    check_fails("tcp", "HTTP/1.1 101 x\r\nUpgrade: udp\r\n\r\n", -EPROTO, "to another one");
    check_fails("tcp", "HTTP/1.1 101 x\r\n\r\n", -EPROTO, "to another one");
    check_fails("tcp", "", -ECONNRESET, "before the first byte");
    check_fails("tcp", "HTTP/1.1 101 x\r\nUp", -ECONNRESET, "in the answer's head");
    check_fails(NULL, "HTTP/1.1 101 x\r\nUpgrade: tcp\r\n\r\n", -EPROTO, "not in the way");
}
END_TEST

START_TEST(asked_for_wrongly) {
    struct upgraded upgraded = {0};

    start();
    ck_assert_int_eq(
        sunpath_http_client_upgrade(client, "GET", "/", NULL, NULL, &events, on_upgrade, &upgraded),
        -EINVAL);
    ck_assert_int_eq(sunpath_http_client_upgrade(client, "GET", "/", "a\r\nb", NULL, &events,
                                                 on_upgrade, &upgraded),
                     -EINVAL);
    ck_assert_int_eq(
        sunpath_http_client_upgrade(client, "GET", "/", "x", NULL, NULL, on_upgrade, &upgraded),
        -EINVAL);
    upgrade(&upgraded, "tcp");
    client = sunpath_http_client_free(client);
    ck_assert_int_eq(upgraded.code, -ECANCELED);
    stop();
}
END_TEST

START_TEST(a_refusal_that_broke_off_may_be_followed_by_the_switch) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct upgraded upgraded = {0};
    int fd;

    start();
    options.max_resumes = 1;
    ck_assert_int_eq(sunpath_http_client_upgrade(client, "GET", "/attach", "tcp", &options, &events,
                                                 on_upgrade, &upgraded),
                     0);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 200 x\r\nETag: \"1\"\r\nContent-Length: 9\r\n\r\nnot");
    close(fd);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, SWITCH "first");
    finish_upgrade(&upgraded);
    ck_assert_int_eq(upgraded.code, 0);
    ck_assert_int_eq(upgraded.status, 101);
    upgraded.stream = sunpath_stream_close(upgraded.stream);
    close(fd);
    stop();
}
END_TEST

SP_TESTS("http-client-switch", the_stream_is_handed_out_with_what_followed,
         another_answer_is_delivered, a_refusal_that_broke_off_may_be_followed_by_the_switch,
         what_is_no_switch, asked_for_wrongly, our_own_server_switches)
