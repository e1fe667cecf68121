/* SPDX-License-Identifier: MIT */
/* test-http-limits.c - clients that are slow, greedy, malformed or gone. */

#include <malloc.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "http-serving.h"

#define OPTIONS SUNPATH_OPTIONS(struct sunpath_http_server_options)

/* The answer is `status` with a sentence and the end of the connection. */
static void check_refused(const char *request, int status) {
    char expected[64];
    char *heard;
    int fd = client();

    say(fd, request);
    heard = hear(fd, NULL);
    snprintf(expected, sizeof(expected), "HTTP/1.1 %d ", status);
    ck_assert_msg(strncmp(heard, expected, strlen(expected)) == 0, "'%s' gave '%s'", request,
                  heard);
    ck_assert_ptr_nonnull(strstr(heard, "\r\nConnection: close\r\n"));
    ck_assert_ptr_nonnull(strstr(heard, "Content-Type: text/plain"));
    ck_assert_ptr_null(strstr(heard + 1, "HTTP/1.1"));
    close(fd);
    settle();
    ck_assert_int_eq(serving.n_requests, 0);
}

START_TEST(malformed_requests_are_refused) {
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    check_refused("GET / HTTP/1.1\r\n\r\n", 400);
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  400);
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
                  400);
    check_refused("GET / HTTP/1.1\nHost: x\n\n", 400);
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400);
    check_refused("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400);
    check_refused("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505);
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400);
    ck_assert_int_eq(serving.n_finished, 1); /* the last one alone was begun */
    ck_assert_int_eq(serving.last_error, -EBADMSG);
    serving_close();
}
END_TEST

START_TEST(sizes_have_limits) {
    struct sunpath_http_server_options options = OPTIONS;
    char text[9000];

    options.max_head = 4096;
    options.max_headers = 4;
    options.max_body = 10;
    serving_open(&options);
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", 431);
    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\nA: %05000d\r\n\r\n", 1);
    check_refused(text, 431);
    snprintf(text, sizeof(text), "GET /%05000d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    check_refused(text, 414);
    check_refused("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", 413);
    check_refused("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "b\r\n0123456789a\r\n",
                  413);
    check_refused("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0", 413);
    serving_close();
}
END_TEST

static void set_limit(struct sunpath_http_exchange *exchange, void *user) {
    bool is_large = strcmp(sunpath_http_path(exchange), "/large") == 0;

    (void)user;
    ck_assert_int_eq(sunpath_http_set_max_body(exchange, is_large ? 20 : 2), 0);
}

static void limit_too_late(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_http_set_max_body(exchange, 1), -EALREADY);
    echo(exchange, user);
}

START_TEST(a_request_has_its_own_limit) {
    struct sunpath_http_server_options options = OPTIONS;
    int fd;

    options.max_body = 10;
    serving.handler.on_head = set_limit;
    serving.handler.on_request = limit_too_late;
    serving_open(&options);
    fd = client();
    say(fd, "PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n01234567890123456789");
    hear(fd, "PUT /large 01234567890123456789");
    say(fd, "PUT /small HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n01");
    hear(fd, "PUT /small 01");
    serving.n_requests = 0;
    close(fd);
    check_refused("PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n", 413);
    check_refused("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n012", 413);
    check_refused("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n",
                  413);
    /* nobody is asked to send what will be refused */
    check_refused("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
                  413);
    serving_close();
}
END_TEST

/* A client may still be sending when it is refused: it must not lose the answer to a reset. */
START_TEST(a_refused_client_can_read_why) {
    char *heard, *large = calloc(1, 1000000);
    int fd;

    serving_open(NULL);
    fd = client();
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n");
    say_bytes(fd, large, 1000000);
    heard = hear(fd, NULL);
    ck_assert_ptr_nonnull(strstr(heard, " 413 "));
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 1); /* it lingers */
    close(fd);
    settle();
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    free(large);
    serving_close();
}
END_TEST

START_TEST(lingering_is_bounded) {
    char piece[65536] = {0};
    ssize_t n = 0;
    int fd;

    serving_open(NULL);
    fd = client();
    say(fd, "BAD\r\n\r\n");
    hear(fd, NULL);
    while (n >= 0 || errno == EAGAIN) { /* until the server has had enough */
        n = send(fd, piece, sizeof(piece), MSG_NOSIGNAL);
        settle();
    }
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    close(fd);
    fd = client();
    say(fd, "BAD\r\n\r\n");
    hear(fd, NULL);
    while (sunpath_http_server_n_connections(serving.server) > 0) { /* or has waited enough */
        sunpath_loop_dispatch(serving.loop, 10000);
    }
    close(fd);
    serving_close();
}
END_TEST

START_TEST(half_requests_are_told_so) {
    int fd;

    serving_open(NULL);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHo");
    shutdown(fd, SHUT_WR);
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), " 400 "));
    close(fd);
    fd = client();
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc");
    shutdown(fd, SHUT_WR);
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), " 400 "));
    close(fd);
    fd = client();
    shutdown(fd, SHUT_WR);
    ck_assert_str_eq(hear(fd, NULL), "");
    close(fd);
    settle();
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    serving_close();
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

START_TEST(slow_heads_and_bodies_time_out) {
    struct sunpath_http_server_options options = OPTIONS;
    int fd;

    options.head_ms = 30;
    options.body_ms = 30;
    serving_open(&options);
    fd = client();
    say(fd, "GET / HT");
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), "HTTP/1.1 408 "));
    close(fd);
    fd = client();
    say(fd, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), "HTTP/1.1 408 "));
    close(fd);
    ck_assert_int_eq(serving.n_requests, 0);
    serving_close();
}
END_TEST

START_TEST(a_trickle_does_not_extend_the_heads_time) {
    struct sunpath_http_server_options options = OPTIONS;
    char answer[64] = "";
    int fd;

    options.head_ms = 60;
    serving_open(&options);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\n");
    while (recv(fd, answer, sizeof(answer) - 1, 0) < 0) {
        send(fd, "A: b\r\n", 6, MSG_NOSIGNAL);
        sunpath_loop_dispatch(serving.loop, 1);
    }
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 4", 10), 0); /* 408, or 431 on a slow machine */
    close(fd);
    serving_close();
}
END_TEST

START_TEST(idle_connections_go) {
    struct sunpath_http_server_options options = OPTIONS;
    int fd, silent;

    options.keep_alive_ms = 30;
    serving_open(&options);
    silent = client();
    fd = client();
    say(fd, GET("/"));
    hear(fd, "GET / ");
    ck_assert_str_eq(hear(fd, NULL), "");
    ck_assert_str_eq(hear(silent, NULL), "");
    settle();
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    close(fd);
    close(silent);
    serving_close();
}
END_TEST

static void respond_large(struct sunpath_http_exchange *exchange, void *user) {
    char *large = calloc(1, 4 * 1024 * 1024);

    (void)user;
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, large, 4 * 1024 * 1024), 0);
    free(large);
}

static size_t n_length;

static void respond_at_length(struct sunpath_http_exchange *exchange, void *user) {
    static char body[1024 * 1024];

    (void)user;
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, body, n_length), 0);
}

static void note_due(struct sunpath_timer *timer, void *user) {
    (void)timer;
    *(bool *)user = true;
}

static void check_idle_after(size_t length) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sunpath_timer *timer;
    bool is_due = false;
    size_t n = 0;
    int fd;

    n_length = length;
    options.keep_alive_ms = 1000;
    serving.handler.on_request = respond_at_length;
    serving_open(&options);
    ck_assert_int_eq(sunpath_timer_new(&timer, serving.loop, note_due, &is_due), 0);
    ck_assert_int_eq(sunpath_timer_set(timer, 1100), 0);
    fd = client();
    say(fd, GET("/"));
    while (!is_due) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    while (n < length) {
        char piece[65536];
        ssize_t r = recv(fd, piece, sizeof(piece), 0);

        ck_assert_int_ne(r, 0);
        n += r > 0 ? (size_t)r : 0;
        settle();
    }
    settle();
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 1);
    sunpath_timer_free(timer);
    close(fd);
    serving_close();
}

START_TEST(idle_is_counted_from_the_answers_last_byte) {
    check_idle_after(1024 * 1024);
}
END_TEST

/* More than the kernel takes at once, too little to hold requests back. */
START_TEST(idle_is_counted_from_a_shorter_answers_last_byte) {
    check_idle_after(SP_HTTP_HIGH_MARK - 4096);
}
END_TEST

START_TEST(clients_that_do_not_read_time_out) {
    struct sunpath_http_server_options options = OPTIONS;
    int fd;

    options.write_ms = 40;
    serving.handler.on_request = respond_large;
    serving.handler.on_finish = count_finish;
    serving_open(&options);
    fd = client();
    say(fd, GET("/"));
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 10000);
    }
    ck_assert_int_eq(serving.last_error, -ETIMEDOUT);
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(clients_that_do_not_read_what_comes_later_time_out) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    static char piece[1024 * 1024];
    int fd;

    options.write_ms = 30;
    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    serving_open(&options);
    fd = client();
    say(fd, GET("/"));
    settle();
    ck_assert_int_eq(sunpath_http_start(serving.held, 200, -1), 0);
    ck_assert_int_eq(sunpath_http_write(serving.held, piece, sizeof(piece)), 1);
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_int_eq(serving.last_error, -ETIMEDOUT);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(slow_readers_that_go_on_reading_get_everything) {
    struct sunpath_http_server_options options = OPTIONS;
    size_t size;
    int fd;

    options.write_ms = 10000;
    serving.handler.on_request = respond_large;
    serving.handler.on_finish = count_finish;
    serving_open(&options);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    hear_size(fd, NULL, &size);
    ck_assert_uint_gt(size, 4 * 1024 * 1024);
    settle();
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, 0);
    close(fd);
    serving_close();
}
END_TEST

/* ---- room ------------------------------------------------------------------------------------ */

static void respond_too_much(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, serving.log, sizeof(serving.log)),
                     -ENOBUFS);
    ck_assert_int_eq(sunpath_http_respond(exchange, 507, NULL, "full", 4), 0);
}

START_TEST(output_is_bounded) {
    struct sunpath_http_server_options options = OPTIONS;
    int fd;

    options.max_output = 2048;
    serving.handler.on_request = respond_too_much;
    serving_open(&options);
    fd = client();
    say(fd, GET("/"));
    ck_assert_ptr_nonnull(strstr(hear(fd, "full"), " 507 "));
    close(fd);
    serving_close();
}
END_TEST

/* A client that asks without reading is held back: neither answers nor requests pile up. */
START_TEST(greedy_pipeliners_are_held_back) {
    size_t n_sent = 0, n_got = 0;
    char text[65536];
    int fd;

    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    for (;;) {
        ssize_t n = send(fd, GET("/0123456789"), strlen(GET("/0123456789")), MSG_NOSIGNAL);

        settle();
        if (n < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            break;
        }
        ck_assert_int_eq((size_t)n, strlen(GET("/0123456789"))); /* small ones go whole */
        n_sent++;
        ck_assert_uint_lt(n_sent, 100000);
    }
    ck_assert_int_lt(serving.n_requests, (int)n_sent);
    while (serving.n_finished < (int)n_sent) {
        ssize_t n = recv(fd, text, sizeof(text), 0);

        n_got += n > 0 ? (size_t)n : 0;
        sunpath_loop_dispatch(serving.loop, n > 0 ? 0 : 1000);
    }
    ck_assert_int_eq(serving.n_requests, (int)n_sent);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(an_idle_connection_is_small) {
    enum {
        N = 400
    };
    struct rlimit limit = {.rlim_cur = 2048, .rlim_max = 2048};
    static int fds[N];
    size_t before;

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    serving_open(NULL);
    for (int i = 0; i < N; i++) {
        fds[i] = client();
        say(fds[i], GET("/"));
        hear(fds[i], "GET / ");
        if (i == 0) {
            before = mallinfo2().uordblks;
        }
    }
    /* Only a real allocator counts: the sanitizers' answers 0. */
    if (before > 0) {
        size_t each = (mallinfo2().uordblks - before) / (N - 1);

        ck_assert_msg(each < 1024, "%zu bytes each", each);
    }
    ck_assert_uint_lt(sizeof(struct sp_http_connection) + sizeof(struct sunpath_stream), 900);
    for (int i = 0; i < N; i++) {
        close(fds[i]);
    }
    settle();
    serving_close();
}
END_TEST

/* ---- listeners ------------------------------------------------------------------------------- */

static int connect_to(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

START_TEST(more_connections_than_allowed_wait) {
    struct sunpath_http_server_options options = OPTIONS;
    int a, b, c;

    options.max_connections = 2;
    serving_open(&options);
    ck_assert_int_eq(sunpath_http_server_listen(serving.server, "./s", NULL, NULL), 0);
    ck_assert_ptr_nonnull(sunpath_http_server_listener(serving.server, 0));
    ck_assert_ptr_null(sunpath_http_server_listener(serving.server, 1));
    a = connect_to("s");
    ck_assert_int_eq(sunpath_http_server_listen(serving.server, "./t", NULL, NULL), 0);
    b = connect_to("t"); /* the limit is for all listeners together */
    settle();
    c = connect_to("t");
    say(c, GET("/c"));
    settle();
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 2);
    ck_assert_int_eq(sunpath_loop_dispatch(serving.loop, 0), 0); /* nothing spins */
    close(a);
    hear(c, "GET /c ");
    close(b);
    close(c);
    serving_close();
}
END_TEST

START_TEST(running_out_of_descriptors_does_not_spin) {
    struct rlimit limit;
    int fd, last, n_turns = 0;

    serving_open(NULL);
    ck_assert_int_eq(sunpath_http_server_listen(serving.server, "./s", NULL, NULL), 0);
    fd = connect_to("s");
    say(fd, GET("/"));
    last = dup(fd);
    close(last);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)last;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (sunpath_loop_dispatch(serving.loop, 50) == 1) {
        n_turns++;
        ck_assert_int_lt(n_turns, 10);
    }
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    hear(fd, "GET / "); /* it waited in the backlog */
    close(fd);
    serving_close();
}
END_TEST

SP_TESTS("http-limits", malformed_requests_are_refused, sizes_have_limits,
         a_request_has_its_own_limit, a_refused_client_can_read_why, lingering_is_bounded,
         half_requests_are_told_so, slow_heads_and_bodies_time_out,
         a_trickle_does_not_extend_the_heads_time, idle_connections_go,
         idle_is_counted_from_the_answers_last_byte,
         idle_is_counted_from_a_shorter_answers_last_byte, clients_that_do_not_read_time_out,
         clients_that_do_not_read_what_comes_later_time_out,
         slow_readers_that_go_on_reading_get_everything, output_is_bounded,
         greedy_pipeliners_are_held_back, an_idle_connection_is_small,
         more_connections_than_allowed_wait, running_out_of_descriptors_does_not_spin)
