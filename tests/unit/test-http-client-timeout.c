/* SPDX-License-Identifier: MIT */
/* test-http-client-timeout.c - a server that is silent, and which patience that tries. */

#include "http-peer.h"

static struct sunpath_http_request_options patience(int first_byte_ms, int idle_ms) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);

    options.first_byte_ms = first_byte_ms;
    options.idle_ms = idle_ms;
    return options;
}

/* Runs the loop for so long, measured by its own timers. */
static void on_passed(struct sunpath_timer *timer, void *user) {
    (void)timer;
    *(bool *)user = true;
}

static void pass(int ms) {
    struct sunpath_timer *timer;
    bool has_passed = false;

    ck_assert_int_eq(sunpath_timer_new(&timer, loop, on_passed, &has_passed), 0);
    ck_assert_int_eq(sunpath_timer_set(timer, (uint64_t)ms), 0);
    while (!has_passed) {
        turn();
    }
    sunpath_timer_free(timer);
}

START_TEST(no_first_byte) {
    struct sunpath_http_request_options options = patience(20, 0);
    struct result result = {0};
    int fd;

    start();
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    expect_error(&result, -ETIMEDOUT, "no byte of an answer 20 ms after the request was sent");
    ck_assert_int_eq(result.error.reason, SUNPATH_REASON_TIMEOUT);
    ck_assert(peer_is_closed(fd));
    close(fd);
    stop();
}
END_TEST

START_TEST(no_next_byte) {
    static const struct {
        const char *answer, *text;
    } cases[] = {
        {"HTTP/1.1 2", "no byte moved for 20 ms, in the answer's head, after 10 bytes"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", "after 2 of 10 bytes"},
        {"HTTP/1.1 103 Early Hints\r\n\r\n", "before the first byte of the final answer"},
    };
    struct sunpath_http_request_options options = patience(0, 20);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result result = {0};
        int fd;

        start();
        ask_with(&result, "GET", &options);
        fd = peer_accept();
        peer_head(fd);
        peer_write(fd, cases[i].answer);
        expect_error(&result, -ETIMEDOUT, cases[i].text);
        close(fd);
        stop();
    }
}
END_TEST

/* Repeated ones, as of a server that is busy for ever, put off neither the limit nor its end. */
START_TEST(interim_answers_are_no_answer) {
    struct sunpath_http_request_options options = patience(40, 1000);
    struct result result = {0};
    int fd, n = 0;

    start();
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    for (; result.n_done == 0; n++) {
        ck_assert_int_lt(n, 40);
        peer_write(fd, "HTTP/1.1 102 Processing\r\n\r\n");
        pass(5);
    }
    ck_assert_int_gt(n, 1);
    expect_error(&result, -ETIMEDOUT, "no byte of a final answer 40 ms after the request was sent");
    close(fd);
    stop();
}
END_TEST

/* What is behind one in the same packet is the answer that was waited for. */
START_TEST(an_answer_that_begins_behind_an_interim_one) {
    struct sunpath_http_request_options options = patience(20, 40);
    struct result result = {0};
    int fd;

    start();
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 2");
    expect_error(&result, -ETIMEDOUT,
                 "no byte moved for 40 ms, in the answer's head, after 10 bytes");
    close(fd);
    stop();
}
END_TEST

START_TEST(a_body_that_was_asked_for_has_to_be_answered) {
    const char *const headers[] = {"Expect", "100-continue", NULL};
    struct sunpath_http_request_options options = patience(20, 0);
    struct result result = {0};
    int fd;

    start();
    options.headers = headers;
    options.body = "body";
    options.n_body = 4;
    ask_with(&result, "PUT", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    peer_read(fd, "body");
    expect_error(&result, -ETIMEDOUT, "no byte of a final answer 20 ms after the request was sent");
    close(fd);
    stop();
}
END_TEST

START_TEST(a_server_that_does_not_read) {
    struct sunpath_http_request_options options = patience(1, 20);
    struct result result = {0};
    const size_t n = (size_t)8 * 1024 * 1024;
    char *body = calloc(1, n);
    int fd;

    start();
    options.body = body;
    options.n_body = n;
    ask_with(&result, "PUT", &options);
    fd = peer_accept();
    expect_error(&result, -ETIMEDOUT, "no byte moved for 20 ms, while the request was being sent");
    close(fd);
    stop();
    free(body);
}
END_TEST

START_TEST(a_slow_answer_that_moves_is_waited_for) {
    struct sunpath_http_request_options options = patience(60, 60);
    struct result result = {0};
    int fd;

    start();
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
    for (int i = 0; i < 20; i++) { /* all of it takes longer than either limit */
        pass(5);
        ck_assert_int_eq(result.n_done, 0);
        peer_write(fd, "x");
    }
    finish(&result);
    ck_assert_int_eq(result.code, 0);
    close(fd);
    stop();
}
END_TEST

static bool has_source;

static ssize_t slow_source(void *user, void *buffer, size_t size) {
    (void)user;
    (void)size;
    if (!has_source) {
        return -EAGAIN;
    }
    memcpy(buffer, "ok", 2);
    return 2;
}

static int pause_once(const struct sunpath_http_response *response, const void *data, size_t size,
                      void *user) {
    (void)response;
    (void)data;
    (void)size;
    (*(int *)user)++;
    return *(int *)user == 1 ? SUNPATH_HTTP_PAUSE : 0;
}

START_TEST(our_own_delays_are_not_the_servers) {
    struct sunpath_http_request_options options = patience(20, 20);
    struct sunpath_http_request *request;
    struct result upload = {0}, paused = {0};
    int n_calls = 0;
    int fd;

    start();
    options.read_body = slow_source;
    options.body_length = 2;
    ask_with(&upload, "PUT", &options);
    fd = peer_accept();
    pass(60);
    has_source = true;
    peer_read(fd, "ok");
    peer_write(fd, OK);
    expect_ok(&upload);

    options = patience(20, 20);
    options.on_body = pause_once;
    options.user = &n_calls;
    options.ret_request = &request;
    ask_with(&paused, "GET", &options);
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    pass(60);
    ck_assert_int_eq(paused.n_done, 0);
    sunpath_http_request_resume(request);
    peer_write(fd, "k");
    finish(&paused);
    ck_assert_int_eq(paused.code, 0);
    ck_assert_int_eq(n_calls, 2);
    close(fd);
    stop();
}
END_TEST

SP_TESTS("http-client-timeout", no_first_byte, no_next_byte, interim_answers_are_no_answer,
         an_answer_that_begins_behind_an_interim_one, a_body_that_was_asked_for_has_to_be_answered,
         a_server_that_does_not_read, a_slow_answer_that_moves_is_waited_for,
         our_own_delays_are_not_the_servers)
