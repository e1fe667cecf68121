/* SPDX-License-Identifier: MIT */
/* test-http-client-pool.c - how many connections the client makes, keeps and closes. */

#include "http-peer.h"

static void start_pool(size_t max_connections, size_t max_idle, int idle_ms) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);

    options.max_connections = max_connections;
    options.max_idle = max_idle;
    options.idle_ms = idle_ms;
    start_with(&options, 128);
}

/* Runs the loop until there is nothing to do at once. */
static void settle(void) {
    while (sunpath_loop_dispatch(loop, 0) == 1) {
    }
}

static int try_accept(void) {
    settle();
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void answer(int fd) {
    peer_head(fd);
    peer_write(fd, OK);
}

START_TEST(no_more_connections_than_allowed) {
    static struct result results[1000];
    int fds[4];
    size_t n_answered = 0;

    start_pool(4, 0, 0);
    for (size_t i = 0; i < 1000; i++) {
        ask(&results[i], "GET");
    }
    for (size_t i = 0; i < 4; i++) {
        fds[i] = peer_accept();
    }
    for (; n_answered < 1000; n_answered++) {
        answer(fds[n_answered % 4]);
        ck_assert_int_eq(try_accept(), -1);
        ck_assert_uint_eq(sunpath_http_client_n_connections(client), 4);
    }
    for (size_t i = 0; i < 1000; i++) {
        expect_ok(&results[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        close(fds[i]);
    }
    stop();
}
END_TEST

START_TEST(requests_run_side_by_side_and_finish_in_any_order) {
    struct result results[3] = {0};
    int fds[3];

    start();
    for (size_t i = 0; i < 3; i++) {
        ask(&results[i], "GET");
    }
    for (size_t i = 0; i < 3; i++) {
        fds[i] = peer_accept();
    }
    for (size_t i = 3; i-- > 0;) {
        ck_assert_int_eq(results[i].n_done, 0);
        answer(fds[i]);
        expect_ok(&results[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
    stop();
}
END_TEST

START_TEST(the_connection_used_last_is_used_next) {
    struct result results[4] = {0};
    int fds[3];

    start();
    for (size_t i = 0; i < 3; i++) {
        ask(&results[i], "GET");
    }
    for (size_t i = 0; i < 3; i++) {
        fds[i] = peer_accept();
    }
    for (size_t i = 0; i < 3; i++) {
        size_t j = (i + 2) % 3; /* the second is the last to become idle */

        answer(fds[j]);
        expect_ok(&results[j]);
    }
    ask(&results[3], "GET");
    answer(fds[1]);
    expect_ok(&results[3]);
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
    stop();
}
END_TEST

START_TEST(idle_connections_are_closed_in_time) {
    struct result result = {0};
    int fd;

    start_pool(0, 0, 20);
    ask(&result, "GET");
    fd = peer_accept();
    answer(fd);
    expect_ok(&result);
    ck_assert_uint_eq(sunpath_http_client_n_connections(client), 1);
    while (sunpath_http_client_n_connections(client) > 0) {
        turn();
    }
    ck_assert(peer_is_closed(fd));
    close(fd);
    stop();
}
END_TEST

START_TEST(only_so_many_idle_connections_are_kept) {
    struct result results[3] = {0};
    int fds[3];

    start_pool(3, 1, 0);
    for (size_t i = 0; i < 3; i++) {
        ask(&results[i], "GET");
    }
    for (size_t i = 0; i < 3; i++) {
        fds[i] = peer_accept();
    }
    for (size_t i = 0; i < 3; i++) {
        answer(fds[i]);
        expect_ok(&results[i]);
    }
    ck_assert_uint_eq(sunpath_http_client_n_connections(client), 1);
    ck_assert(peer_is_closed(fds[0]));
    ck_assert(peer_is_closed(fds[1]));
    ck_assert(!peer_is_closed(fds[2]));
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
    stop();
}
END_TEST

START_TEST(a_server_that_restarts_costs_each_request_one_repetition) {
    struct result results[3] = {0};
    int fds[3];

    start_pool(3, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        ask(&results[i], "GET");
    }
    for (size_t i = 0; i < 3; i++) {
        fds[i] = peer_accept();
    }
    for (size_t i = 0; i < 3; i++) {
        answer(fds[i]);
        expect_ok(&results[i]);
        results[i] = (struct result){0};
    }
    for (size_t i = 0; i < 3; i++) { /* sent, read, lost */
        ask(&results[i], "GET");
        settle();
    }
    for (size_t i = 0; i < 3; i++) {
        peer_head(fds[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        close(fds[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        fds[i] = peer_accept();
        answer(fds[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        expect_ok(&results[i]);
        close(fds[i]);
    }
    stop();
}
END_TEST

START_TEST(the_queue_has_a_limit) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);
    struct result results[2] = {0};

    options.max_queued = 2;
    start_with(&options, 16);
    ask(&results[0], "GET");
    ask(&results[1], "GET");
    ck_assert_uint_eq(sunpath_http_client_n_queued(client), 2);
    ck_assert_int_eq(sunpath_http_client_send(client, "GET", "/", NULL, on_done, &results[1]),
                     -ENOBUFS);
    client = sunpath_http_client_free(client);
    expect_error(&results[0], -ECANCELED, "freed");
    expect_error(&results[1], -ECANCELED, "freed");
    stop();
}
END_TEST

START_TEST(options_of_a_newer_library_are_refused) {
    struct sunpath_http_client_options options = {.size = sizeof(options) + 8};
    struct sunpath_http_client *none = NULL;
    struct sunpath_error error;

    start();
    ck_assert_int_eq(sunpath_http_client_new(&none, loop, "./s.sock", &options, &error), -EINVAL);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(sunpath_http_client_new(&none, loop, "dgram:x", NULL, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "stream"));
    stop();
}
END_TEST

/* ---- ending early ---------------------------------------------------------------------------- */

static struct sunpath_http_request *ask_for_handle(struct result *result) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_http_request *request = NULL;

    options.ret_request = &request;
    ask_with(result, "GET", &options);
    ck_assert_ptr_nonnull(request);
    return request;
}

START_TEST(a_request_is_canceled_and_the_others_go_on) {
    struct sunpath_http_request *requests[3];
    struct result results[3] = {0};
    int fds[2];

    start_pool(2, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        requests[i] = ask_for_handle(&results[i]);
    }
    fds[0] = peer_accept();
    fds[1] = peer_accept();
    peer_head(fds[0]);
    sunpath_http_request_cancel(requests[2]); /* waits */
    expect_error(&results[2], -ECANCELED, "canceled");
    sunpath_http_request_cancel(requests[0]); /* was sent */
    expect_error(&results[0], -ECANCELED, "canceled");
    ck_assert(peer_is_closed(fds[0]));
    answer(fds[1]);
    expect_ok(&results[1]);
    close(fds[0]);
    close(fds[1]);
    stop();
}
END_TEST

static struct sunpath_http_request *own;

static int cancel_itself(const struct sunpath_http_response *response, void *user) {
    (void)response;
    (void)user;
    sunpath_http_request_cancel(own);
    sunpath_http_request_cancel(own); /* still legal here, and nothing */
    return 0;
}

START_TEST(a_request_is_canceled_in_its_own_callback) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result result = {0};
    int fd;

    start();
    options.on_head = cancel_itself;
    options.ret_request = &own;
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    answer(fd);
    expect_error(&result, -ECANCELED, "canceled");
    ck_assert(peer_is_closed(fd));
    close(fd);
    stop();
}
END_TEST

static int n_failed;

static void ask_again(struct result *result) {
    ck_assert_int_eq(result->code, -ENOENT);
    result->n_done = 0;
    n_failed++;
    ask(result, "GET");
}

START_TEST(a_program_that_never_gives_up_does_not_hold_up_the_loop) {
    struct result result = {.then = ask_again};

    start();
    unlink("s.sock");
    ask(&result, "GET");
    n_failed = 0;
    for (int i = 0; i < 10; i++) {
        sunpath_loop_dispatch(loop, 0);
        ck_assert_int_le(n_failed, i + 1);
    }
    ck_assert_int_ge(n_failed, 5);
    result.then = NULL;
    stop();
}
END_TEST

/* ---- holding the server back ----------------------------------------------------------------- */

struct reader {
    struct sunpath_http_request *request;
    size_t n_body;
    int n_calls;
    bool pauses;
};

static int read_slowly(const struct sunpath_http_response *response, const void *data, size_t size,
                       void *user) {
    struct reader *reader = user;

    bool is_right = true;

    (void)response;
    for (size_t i = 0; i < size; i++) {
        is_right &= ((const char *)data)[i] == (char)('a' + (reader->n_body + i) % 26);
    }
    ck_assert(is_right);
    reader->n_body += size;
    reader->n_calls++;
    return reader->pauses ? SUNPATH_HTTP_PAUSE : 0;
}

static struct reader read_from_peer(struct result *result, int *ret_fd, const char *head) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    static struct reader reader;

    reader = (struct reader){.pauses = true};
    options.on_body = read_slowly;
    options.user = &reader;
    options.ret_request = &reader.request;
    ask_with(result, "GET", &options);
    *ret_fd = peer_accept();
    peer_head(*ret_fd);
    peer_write(*ret_fd, head);
    return reader;
}

START_TEST(a_paused_body_holds_the_server_back) {
    const size_t n = (size_t)8 * 1024 * 1024;
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct reader reader = {.pauses = true};
    struct result result = {0};
    char *data = malloc(n);
    size_t n_sent = 0;
    int fd, n_calls;

    for (size_t i = 0; i < n; i++) {
        data[i] = (char)('a' + i % 26);
    }
    start();
    options.on_body = read_slowly;
    options.user = &reader;
    options.ret_request = &reader.request;
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    while (n_sent < n || result.n_done == 0) {
        ssize_t sent = n_sent < n ? send(fd, data + n_sent, n - n_sent, MSG_NOSIGNAL) : -1;

        n_sent += sent > 0 ? (size_t)sent : 0;
        settle();
        if (sent > 0) {
            continue; /* until the kernel holds the peer back */
        }
        n_calls = reader.n_calls;
        settle();
        ck_assert_int_eq(reader.n_calls, n_calls);
        ck_assert_uint_lt(n_sent - reader.n_body, (size_t)1024 * 1024);
        sunpath_http_request_resume(reader.request);
        settle();
    }
    ck_assert_int_eq(result.code, 0);
    ck_assert_uint_eq(reader.n_body, n);
    ck_assert_int_gt(reader.n_calls, 8);
    close(fd);
    stop();
    free(data);
}
END_TEST

START_TEST(a_body_paused_at_its_last_byte_ends_when_it_is_resumed) {
    struct result result = {0};
    struct reader reader;
    int fd;

    start();
    reader = read_from_peer(&result, &fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    settle();
    ck_assert_int_eq(result.n_done, 0);
    sunpath_http_request_resume(reader.request);
    finish(&result);
    ck_assert_int_eq(result.code, 0);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_server_that_leaves_while_paused_is_noticed_afterwards) {
    struct result whole = {0}, broken = {0};
    struct reader reader;
    int fd;

    start();
    reader = read_from_peer(&whole, &fd, "HTTP/1.1 200 OK\r\n\r\nabc");
    settle();
    close(fd);
    settle();
    ck_assert_int_eq(whole.n_done, 0);
    sunpath_http_request_resume(reader.request);
    finish(&whole);
    ck_assert_int_eq(whole.code, 0);

    reader = read_from_peer(&broken, &fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    settle();
    close(fd);
    settle();
    ck_assert_int_eq(broken.n_done, 0);
    sunpath_http_request_resume(reader.request);
    expect_error(&broken, -ECONNRESET, "after 3 of 9 bytes");
    stop();
}
END_TEST

START_TEST(a_paused_request_can_be_canceled_or_freed) {
    struct result results[2] = {0};
    struct reader reader;
    int fds[2];

    start();
    reader = read_from_peer(&results[0], &fds[0], "HTTP/1.1 200 OK\r\n\r\nabc");
    settle();
    sunpath_http_request_cancel(reader.request);
    expect_error(&results[0], -ECANCELED, "canceled");
    read_from_peer(&results[1], &fds[1], "HTTP/1.1 200 OK\r\n\r\nabc");
    settle();
    client = sunpath_http_client_free(client);
    expect_error(&results[1], -ECANCELED, "freed");
    close(fds[0]);
    close(fds[1]);
    stop();
}
END_TEST

static int free_and_look(const struct sunpath_http_response *response, const void *data,
                         size_t size, void *user) {
    struct reader *reader = user;

    if (reader->n_calls++ == 0) {
        return SUNPATH_HTTP_PAUSE;
    }
    client = sunpath_http_client_free(client);
    ck_assert_int_eq(sunpath_http_response_status(response), 200);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(data, "def", 3);
    return 0;
}

START_TEST(what_a_callback_was_given_outlives_the_client) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct reader reader = {0};
    struct result result = {0};
    int fd;

    start();
    options.on_body = free_and_look;
    options.user = &reader;
    options.ret_request = &reader.request;
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"); /* the second is kept in the stream */
    settle();
    ck_assert_int_eq(reader.n_calls, 1);
    sunpath_http_request_resume(reader.request);
    expect_error(&result, -ECANCELED, "freed");
    ck_assert_int_eq(reader.n_calls, 2);
    close(fd);
    stop();
}
END_TEST

SP_TESTS("http-client-pool", no_more_connections_than_allowed,
         requests_run_side_by_side_and_finish_in_any_order, the_connection_used_last_is_used_next,
         idle_connections_are_closed_in_time, only_so_many_idle_connections_are_kept,
         a_server_that_restarts_costs_each_request_one_repetition, the_queue_has_a_limit,
         options_of_a_newer_library_are_refused, a_request_is_canceled_and_the_others_go_on,
         a_request_is_canceled_in_its_own_callback,
         a_program_that_never_gives_up_does_not_hold_up_the_loop,
         a_paused_body_holds_the_server_back,
         a_body_paused_at_its_last_byte_ends_when_it_is_resumed,
         a_server_that_leaves_while_paused_is_noticed_afterwards,
         a_paused_request_can_be_canceled_or_freed, what_a_callback_was_given_outlives_the_client)
