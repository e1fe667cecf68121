/* SPDX-License-Identifier: MIT */
/* test-event-source.c - a client of server-sent events against a peer that comes and goes. */

#include <stdarg.h>

#include "http-peer.h"

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"

static struct sunpath_event_source *source;
static char events_log[1024];
static int n_errors, last_retry_ms;
static struct sunpath_error last_error;
static char closes_at; /* the letter of the callback that closes the source */

static void note(const char *format, ...) SUNPATH_PRINTF(1, 2);
static void note(const char *format, ...) {
    size_t n = strlen(events_log);
    va_list args;

    va_start(args, format);
    vsnprintf(events_log + n, sizeof(events_log) - n, format, args);
    va_end(args);
}

static void close_at(char letter) {
    if (closes_at == letter) {
        source = sunpath_event_source_close(source);
    }
}

static void on_open(struct sunpath_event_source *it, const struct sunpath_http_response *response,
                    void *user) {
    (void)user;
    ck_assert_ptr_eq(it, source);
    ck_assert_int_eq(sunpath_http_response_status(response), 200);
    note("open ");
    close_at('o');
}

static void on_event(struct sunpath_event_source *it, const struct sunpath_source_event *event,
                     void *user) {
    (void)user;
    ck_assert_ptr_eq(it, source);
    note("%s/%s/%s ", event->type, event->data, event->id);
    close_at('e');
}

static void on_error(struct sunpath_event_source *it, const struct sunpath_error *error,
                     int retry_ms, void *user) {
    (void)user;
    ck_assert_ptr_eq(it, source);
    n_errors++;
    last_error = *error;
    last_retry_ms = retry_ms;
    close_at('r');
}

static const struct sunpath_event_source_events events = {
    .on_open = on_open, .on_event = on_event, .on_error = on_error};

static struct sunpath_event_source_options hasty(void) {
    struct sunpath_event_source_options options =
        SUNPATH_OPTIONS(struct sunpath_event_source_options);

    options.uri = "/events";
    options.retry_ms = 20;
    return options;
}

static void open_with(const struct sunpath_event_source_options *options) {
    start();
    events_log[0] = closes_at = '\0';
    n_errors = 0;
    ck_assert_int_eq(
        sunpath_event_source_open(&source, loop, "./s.sock", options, &events, NULL, NULL), 0);
}

static void close_all(void) {
    source = sunpath_event_source_close(source);
    stop();
}

static void wait_for_log(const char *expected) {
    while (!strstr(events_log, expected)) {
        turn();
    }
}

static void wait_for_error(int n, const char *text, int retry_ms) {
    while (n_errors < n) {
        turn();
    }
    ck_assert_int_eq(n_errors, n);
    ck_assert_msg(strstr(last_error.text, text) != NULL, "%s", last_error.text);
    ck_assert_int_eq(last_retry_ms, retry_ms);
}

START_TEST(events_arrive_and_the_stream_is_asked_for_again) {
    struct sunpath_event_source_options options = hasty();
    const char *head;
    int fd;

    open_with(&options);
    fd = peer_accept();
    head = peer_head(fd);
    ck_assert_int_eq(strncmp(head, "GET /events HTTP/1.1\r\n", 22), 0);
    ck_assert_ptr_nonnull(strstr(head, "\r\nAccept: text/event-stream\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nCache-Control: no-store\r\n"));
    ck_assert_ptr_null(strstr(head, "Last-Event-ID"));
    peer_write(fd, STREAM ": hello\n\nid: 7\nevent: x\ndata: a\n\ndata: b\n\nid: 8\ndata: half");
    wait_for_log("open x/a/7 message/b/7 ");
    ck_assert_str_eq(sunpath_event_source_last_event_id(source), "7");
    close(fd);
    wait_for_error(1, "events '/events' on './s.sock': the server ended the stream", 20);
    fd = peer_accept();
    ck_assert_ptr_nonnull(strstr(peer_head(fd), "\r\nLast-Event-ID: 7\r\n"));
    peer_write(fd, STREAM "retry: 40\ndata: c\n\n");
    wait_for_log("open message/c/7 ");
    close(fd);
    wait_for_error(2, "ended the stream", 40);
    close_all();
}
END_TEST

START_TEST(headers_and_an_id_of_the_callers) {
    const char *const headers[] = {"accept", "text/*", "X-A", "1", NULL};
    struct sunpath_event_source_options options = hasty();
    const char *head;
    int fd;

    options.headers = headers;
    options.last_event_id = "x y";
    open_with(&options);
    fd = peer_accept();
    head = peer_head(fd);
    ck_assert_ptr_nonnull(strstr(head, "\r\naccept: text/*\r\nX-A: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nLast-Event-ID: x y\r\n"));
    ck_assert_ptr_null(strstr(head, "Accept: "));
    close(fd);
    close_all();
}
END_TEST

START_TEST(failures_in_a_row_wait_longer) {
    struct sunpath_event_source_options options = hasty();
    int fd;

    options.max_retry_ms = 70;
    open_with(&options);
    for (int i = 0; i < 4; i++) {
        static const int delays[] = {20, 40, 70, 70};

        fd = peer_accept();
        peer_head(fd);
        peer_write(fd, "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n");
        wait_for_error(i + 1, "the server answered 503 Service Unavailable", delays[i]);
        close(fd);
    }
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, STREAM);
    wait_for_log("open ");
    close(fd);
    wait_for_error(5, "ended", 20);
    close_all();
}
END_TEST

START_TEST(a_server_that_is_not_there_is_asked_again) {
    struct sunpath_event_source_options options = hasty();
    int fd;

    start();
    ck_assert_int_eq(rename("s.sock", "later"), 0);
    events_log[0] = closes_at = '\0';
    n_errors = 0;
    ck_assert_int_eq(
        sunpath_event_source_open(&source, loop, "./s.sock", &options, &events, NULL, NULL), 0);
    wait_for_error(1, "connect './s.sock'", 20);
    ck_assert_int_eq(last_error.code, -ENOENT);
    ck_assert_int_eq(rename("later", "s.sock"), 0);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, STREAM "data: a\n\n");
    wait_for_log("open message/a/ ");
    close(fd);
    close_all();
}
END_TEST

static void check_final(const char *answer, int code, const char *text) {
    struct sunpath_event_source_options options = hasty();
    int fd;

    options.max_event = 20;
    open_with(&options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, answer);
    wait_for_error(1, text, -1);
    ck_assert_int_eq(last_error.code, code);
    for (int i = 0; i < 40; i++) {
        turn();
    }
    ck_assert_int_eq(accept(listener, NULL, NULL), -1);
    close(fd);
    close_all();
}

START_TEST(what_would_not_change_by_itself) {
    check_final("HTTP/1.1 204 x\r\n\r\n", 0, "the server has no more events (204)");
    check_final("HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", -EPROTO, "answered 404 Not Found");
    check_final("HTTP/1.1 200 x\r\nContent-Type: text/html\r\n\r\n", -EPROTO,
                "not a text/event-stream");
    check_final("HTTP/1.1 200 x\r\n\r\n", -EPROTO, "not a text/event-stream");
    check_final("HTTP/1.1 302 x\r\nLocation: http://other/\r\n\r\n", -EPROTO,
                "answered 302: it leads to another host");
    check_final(STREAM "data: this is longer than twenty bytes\n\n", -EMSGSIZE,
                "an event is larger than 20 bytes");
}
END_TEST

START_TEST(the_wrong_server_is_not_asked_again) {
    struct sunpath_connect_options connect = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sunpath_event_source_options options = hasty();
    int fd;

    connect.expect_user = "65533";
    options.connect = &connect;
    open_with(&options);
    wait_for_error(1, "65533", -1);
    ck_assert_int_eq(last_error.code, -EPERM);
    fd = peer_accept();
    ck_assert(peer_is_closed(fd)); /* without a byte */
    close(fd);
    close_all();
}
END_TEST

START_TEST(a_silent_stream_counts_as_broken) {
    struct sunpath_event_source_options options = hasty();
    int fd;

    options.idle_ms = 30;
    open_with(&options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, STREAM);
    wait_for_error(1, "no byte moved for 30 ms", 20);
    close(fd);
    fd = peer_accept();
    wait_for_error(2, "no byte of an answer 30 ms after", 20);
    close(fd);
    close_all();
}
END_TEST

START_TEST(it_can_be_closed_in_every_callback) {
    for (const char *letter = "oer"; *letter; letter++) {
        struct sunpath_event_source_options options = hasty();
        int fd;

        open_with(&options);
        closes_at = *letter;
        fd = peer_accept();
        peer_head(fd);
        peer_write(fd, STREAM "data: a\n\ndata: b\n\n");
        close(fd);
        while (source) {
            turn();
        }
        ck_assert_str_eq(events_log, *letter == 'o'   ? "open "
                                     : *letter == 'e' ? "open message/a/ "
                                                      : "open message/a/ message/b/ ");
        close_all();
    }
}
END_TEST

START_TEST(what_cannot_be_opened) {
    const char *const odd[] = {"X", NULL}, *const bad[] = {"X", "a\nb", NULL};
    struct sunpath_event_source_options options = hasty();
    struct sunpath_event_source *none = NULL;
    struct sunpath_error error;

    start();
    ck_assert_int_eq(
        sunpath_event_source_open(&none, loop, "dgram:x", &options, &events, NULL, &error),
        -EINVAL);
    options.headers = odd;
    ck_assert_int_eq(
        sunpath_event_source_open(&none, loop, "./s.sock", &options, &events, NULL, &error),
        -EINVAL);
    options.headers = bad;
    ck_assert_int_eq(
        sunpath_event_source_open(&none, loop, "./s.sock", &options, &events, NULL, &error),
        -EINVAL);
    ck_assert_int_eq(sunpath_event_source_open(&none, loop, "./s.sock", NULL, NULL, NULL, &error),
                     -EINVAL);
    ck_assert_ptr_null(none);
    stop();
}
END_TEST

SP_TESTS("event-source", events_arrive_and_the_stream_is_asked_for_again,
         headers_and_an_id_of_the_callers, failures_in_a_row_wait_longer,
         a_server_that_is_not_there_is_asked_again, what_would_not_change_by_itself,
         the_wrong_server_is_not_asked_again, a_silent_stream_counts_as_broken,
         it_can_be_closed_in_every_callback, what_cannot_be_opened)
