/* SPDX-License-Identifier: MIT */
/* test-event-stream.c - server-sent events to one client. */

#include "event-streaming.h"

START_TEST(a_stream_has_its_headers_and_events) {
    int fd;

    serving.handler.on_request = open_stream;
    serving.handler.on_finish = count_finish;
    streaming.options.retry_ms = 500;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "\n\n\r\n"),
                   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                   "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"
                   "Transfer-Encoding: chunked\r\n\r\nc\r\nretry: 500\n\n\r\n");
    ck_assert_int_eq(sunpath_event_stream_send(streaming.stream, "1", "tick", "a\nb", 3), 0);
    ck_assert_str_eq(hear(fd, "\n\n\r\n"), "23\r\nid: 1\nevent: tick\ndata: a\ndata: b\n\n\r\n");
    ck_assert_int_eq(sunpath_event_stream_comment(streaming.stream, "hm"), 0);
    ck_assert_str_eq(hear(fd, "\n\n\r\n"), "5\r\n:hm\n\n\r\n");
    ck_assert_ptr_null(sunpath_event_stream_close(streaming.stream));
    ck_assert_str_eq(hear(fd, "\r\n\r\n"), "0\r\n\r\n");
    settle();
    ck_assert_int_eq(serving.n_finished, 1); /* the handler's own on_finish fires, too */
    ck_assert_int_eq(streaming.n_closed, 0);
    say(fd, GET("/")); /* and the connection goes on */
    hear(fd, "retry");
    close(fd);
    wait_closed(1);
    serving_close();
}
END_TEST

static void open_after_others(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Content-Type", "application/json"), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Cache-Control", "max-age=60"), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X-Other", "1"), 0);
    open_stream(exchange, user);
}

START_TEST(its_headers_are_its_own) {
    int fd;

    serving.handler.on_request = open_after_others;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "\r\n\r\n"),
                   "HTTP/1.1 200 OK\r\nX-Other: 1\r\nContent-Type: text/event-stream\r\n"
                   "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n");
    close(fd);
    wait_closed(1);
    serving_close();
}
END_TEST

START_TEST(large_events_go_out_whole) {
    static char data[100000];
    size_t size;
    int fd;

    memset(data, 'x', sizeof(data));
    serving.handler.on_request = open_stream;
    serving_open(NULL);
    fd = subscribed("");
    ck_assert_int_eq(sunpath_event_stream_send(streaming.stream, NULL, NULL, data, sizeof(data)),
                     0);
    hear_size(fd, "\n\n\r\n", &size);
    ck_assert_uint_eq(size, sizeof("186a8\r\ndata: \n\n\r\n") - 1 + sizeof(data));
    close(fd);
    wait_closed(1);
    serving_close();
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused) {
    int fd;

    serving.handler.on_request = open_stream;
    serving_open(NULL);
    fd = subscribed("");
    ck_assert_int_eq(sunpath_event_stream_send(streaming.stream, "a\nb", NULL, "", 0), -EINVAL);
    ck_assert_int_eq(sunpath_event_stream_send(streaming.stream, NULL, "a\rb", "", 0), -EINVAL);
    ck_assert_int_eq(sunpath_event_stream_send(streaming.stream, NULL, NULL, NULL, 1), -EINVAL);
    ck_assert_int_eq(sunpath_event_stream_retry(streaming.stream, -1), -EINVAL);
    ck_assert_int_eq(sunpath_event_stream_comment(streaming.stream, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_event_stream_send(streaming.stream, "1", NULL, "x", 1), 0);
    ck_assert_str_eq(hear(fd, "\n\n\r\n"), "f\r\nid: 1\ndata: x\n\n\r\n");
    close(fd);
    wait_closed(1);
    serving_close();
}
END_TEST

START_TEST(a_client_that_leaves_is_told) {
    int fd;

    serving.handler.on_request = open_stream;
    serving_open(NULL);
    fd = subscribed("");
    close(fd);
    wait_closed(1);
    ck_assert_int_eq(streaming.last_error, -EPIPE);
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    serving_close();
}
END_TEST

START_TEST(a_client_that_does_not_read_costs_so_much_and_no_more) {
    static char data[10000];
    size_t n_sent = 0;
    int fd, r = 0;

    memset(data, 'x', sizeof(data));
    serving.handler.on_request = open_stream;
    streaming.options.max_pending = 400000;
    serving_open(NULL);
    fd = subscribed("");
    while (r >= 0) {
        r = sunpath_event_stream_send(streaming.stream, NULL, NULL, data, sizeof(data));
        n_sent += r >= 0;
        settle();
    }
    ck_assert_int_eq(r, -ENOBUFS);
    ck_assert_uint_ge(n_sent, 39);
    ck_assert_uint_le(sunpath_http_n_queued(sunpath_event_stream_exchange(streaming.stream)),
                      400000 + 64 * 40);
    sunpath_event_stream_drop(streaming.stream);
    ck_assert_int_eq(streaming.n_closed, 1);
    ck_assert_int_eq(streaming.last_error, -ENOBUFS);
    close(fd);
    serving_close();
}
END_TEST

static void go_on(struct sunpath_event_stream *stream, void *user) {
    (void)user;
    streaming.n_drained++;
    ck_assert_int_ge(sunpath_event_stream_send(stream, NULL, NULL, "end", 3), 0);
}

START_TEST(a_sender_may_wait_for_its_client) {
    static char data[10000];
    int fd, r = 0;

    memset(data, 'x', sizeof(data));
    serving.handler.on_request = open_stream;
    streaming.options.on_drain = go_on;
    serving_open(NULL);
    fd = subscribed("");
    while (r == 0) {
        r = sunpath_event_stream_send(streaming.stream, NULL, NULL, data, sizeof(data));
        settle();
    }
    ck_assert_int_eq(r, 1);
    ck_assert_int_eq(streaming.n_drained, 0);
    hear(fd, "data: end\n\n");
    ck_assert_int_eq(streaming.n_drained, 1);
    close(fd);
    wait_closed(1);
    serving_close();
}
END_TEST

START_TEST(silence_is_broken_by_a_comment) {
    int fd;

    serving.handler.on_request = open_stream;
    streaming.options.heartbeat_ms = 10;
    serving_open(NULL);
    fd = subscribed("");
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(hear(fd, "\n\n\r\n"), "3\r\n:\n\n\r\n");
    }
    close(fd);
    wait_closed(1);
    serving_close();
}
END_TEST

START_TEST(head_gets_the_headers_alone) {
    int fd;

    serving.handler.on_request = open_stream;
    serving_open(NULL);
    fd = client();
    say(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_response(hear(fd, "chunked\r\n\r\n"),
                   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                   "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n");
    wait_closed(1);
    ck_assert_int_eq(streaming.last_error, 0);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_draining_server_ends_it) {
    int fd;

    serving.handler.on_request = open_stream;
    serving_open(NULL);
    fd = subscribed("");
    sunpath_http_server_drain(serving.server, 60000, count_drained, NULL);
    ck_assert_int_eq(sunpath_event_stream_send(streaming.stream, NULL, NULL, "x", 1), 0);
    ck_assert_str_eq(hear(fd, "\r\n\r\n"), "0\r\n\r\n");
    wait_closed(1);
    ck_assert_int_eq(streaming.last_error, 0);
    close(fd);
    while (serving.n_drained == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    serving_close();
}
END_TEST

static void close_again(struct sunpath_event_stream *stream, int error, void *user) {
    count_close(stream, error, user);
    ck_assert_ptr_null(sunpath_event_stream_close(stream));
    serving.server = sunpath_http_server_free(serving.server);
}

static void open_fragile(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    streaming.options.on_close = close_again;
    ck_assert_int_eq(sunpath_event_stream_open(&streaming.stream, exchange, &streaming.options), 0);
}

START_TEST(anything_may_be_closed_in_on_close) {
    int fd;

    serving.handler.on_request = open_fragile;
    serving_open(NULL);
    fd = subscribed("");
    close(fd);
    wait_closed(1);
    serving_close();
}
END_TEST

START_TEST(a_server_that_is_freed_ends_its_streams) {
    int fd;

    serving.handler.on_request = open_stream;
    serving_open(NULL);
    fd = subscribed("");
    serving.server = sunpath_http_server_free(serving.server);
    ck_assert_int_eq(streaming.n_closed, 1);
    ck_assert_int_eq(streaming.last_error, -ECANCELED);
    close(fd);
    serving_close();
}
END_TEST

static void open_wrongly(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_event_stream_options options =
        SUNPATH_OPTIONS(struct sunpath_event_stream_options);
    struct sunpath_event_stream *stream;

    (void)user;
    options.heartbeat_ms = -2;
    ck_assert_int_eq(sunpath_event_stream_open(&stream, exchange, &options), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond(exchange, 204, NULL, NULL, 0), 0);
    ck_assert_int_eq(sunpath_event_stream_open(&stream, exchange, NULL), -EALREADY);
}

START_TEST(a_stream_that_cannot_be_opened_leaves_nothing) {
    int fd;

    serving.handler.on_request = open_wrongly;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    hear(fd, "204 No Content");
    close(fd);
    serving_close();
}
END_TEST

SP_TESTS("event-stream", a_stream_has_its_headers_and_events, its_headers_are_its_own,
         large_events_go_out_whole, what_cannot_be_sent_is_refused, a_client_that_leaves_is_told,
         a_client_that_does_not_read_costs_so_much_and_no_more, a_sender_may_wait_for_its_client,
         silence_is_broken_by_a_comment, head_gets_the_headers_alone, a_draining_server_ends_it,
         anything_may_be_closed_in_on_close, a_server_that_is_freed_ends_its_streams,
         a_stream_that_cannot_be_opened_leaves_nothing)
