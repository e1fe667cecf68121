/* SPDX-License-Identifier: MIT */
/* test-http-observe.c - what logs and metrics are told, and the program's own mistakes. */

#include <sunpath/connection.h>

#include "http-serving.h"

static void note_record(struct sunpath_http_exchange *exchange,
                        const struct sunpath_http_record *record, void *user) {
    int64_t age_s = time(NULL) - record->time_ns / 1000000000;

    ck_assert_ptr_eq(user, &serving);
    ck_assert_int_ge(age_s, -1);
    ck_assert_int_le(age_s, 10);
    ck_assert_uint_lt(record->duration_ns, 60ULL * 1000000000);
    ck_assert_uint_ge(record->n_sent, record->n_body_sent);
    ck_assert_ptr_nonnull(sunpath_http_peer(exchange));
    note("%s %s %d err %d in %d out %d%s%s|", sunpath_http_method(exchange),
         sunpath_http_target(exchange), record->status, record->error, (int)record->n_received,
         (int)record->n_body_sent, record->why ? " " : "", record->why ? record->why : "");
}

static void note_begin(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_ptr_eq(user, &serving);
    note("begin %s;", sunpath_http_target(exchange));
}

static void note_fault(struct sunpath_http_exchange *exchange, const char *what, void *user) {
    (void)exchange;
    (void)user;
    note("fault: %s|", what);
}

static void note_drop(struct sunpath_http_server *server, const struct sunpath_peer *peer,
                      const char *why, void *user) {
    (void)user;
    ck_assert_ptr_eq(server, serving.server);
    ck_assert_int_eq(peer->pid, getpid());
    note("drop: %s|", why);
}

static const struct sunpath_http_observer observer = {
    .on_record = note_record, .on_fault = note_fault, .on_drop = note_drop};

static void observed_open(const struct sunpath_http_server_options *options) {
    serving_open(options);
    ck_assert_int_eq(sunpath_http_server_observe(serving.server, &observer, &serving), 0);
}

static struct sunpath_http_stats stats(void) {
    struct sunpath_http_stats stats;

    sunpath_http_server_stats(serving.server, &stats);
    return stats;
}

START_TEST(a_whole_head_is_told_before_its_handler) {
    static const struct sunpath_http_observer beginning = {.on_begin = note_begin};
    int fd;

    serving.handler.on_request = hold;
    serving_open(NULL);
    ck_assert_int_eq(sunpath_http_server_observe(serving.server, &beginning, &serving), 0);
    fd = client();
    say(fd, GET("/1"));
    settle();
    ck_assert_str_eq(serving.log, "begin /1;");
    answer_held("x");
    say(fd, "nonsense\r\n\r\n");
    hear(fd, "400 Bad Request");
    ck_assert_str_eq(serving.log, "begin /1;");
    close(fd);
    serving_close();
}
END_TEST

static void free_server(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange;
    (void)user;
    note("freed;");
    serving.server = sunpath_http_server_free(serving.server);
}

static void note_head(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange;
    (void)user;
    note("head;");
}

START_TEST(a_server_freed_by_an_observer_asks_no_handler) {
    static const struct sunpath_http_observer freeing = {.on_begin = free_server};
    int fd;

    serving.handler.on_head = note_head;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    ck_assert_int_eq(sunpath_http_server_observe(serving.server, &freeing, NULL), 0);
    fd = client();
    say(fd, GET("/1"));
    settle();
    ck_assert_str_eq(serving.log, "freed;");
    ck_assert_int_eq(serving.n_finished, 0);
    close(fd);
    serving_close();
}
END_TEST

/* ---- records --------------------------------------------------------------------------------- */

START_TEST(every_exchange_has_a_record) {
    int fd;

    observed_open(NULL);
    fd = client();
    say(fd, GET("/1") "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                      "HEAD /3 HTTP/1.1\r\nHost: x\r\n\r\n"
                      "POST /4 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "2\r\nde\r\n0\r\n\r\n");
    hear(fd, "POST /4 de");
    settle();
    ck_assert_str_eq(serving.log, "GET /1 200 err 0 in 0 out 7|POST /2 200 err 0 in 3 out 11|"
                                  "HEAD /3 200 err 0 in 0 out 0|POST /4 200 err 0 in 2 out 10|");
    ck_assert_uint_eq(stats().n_requests, 4);
    ck_assert_uint_eq(stats().n_accepted, 1);
    ck_assert_uint_eq(stats().n_in_flight, 0);
    ck_assert_uint_eq(stats().n_refused, 0);
    ck_assert_uint_gt(stats().n_sent, 100);
    ck_assert_uint_gt(stats().n_received, 100);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(refused_requests_have_one_too) {
    static const char *const requests[] = {
        "nonsense\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n",
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);

    options.max_body = 10;
    observed_open(&options);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int fd = client();

        say(fd, requests[i]);
        hear(fd, NULL);
        close(fd);
        settle();
    }
    ck_assert_str_eq(serving.log,
                     "  400 err -74 in 0 out 19 a malformed method|"
                     "  400 err -74 in 0 out 8 no Host|"
                     "POST /b 413 err -90 in 0 out 22 the body is too large|"
                     "POST /c 400 err -74 in 0 out 43 a chunk size that is no hexadecimal number|");
    ck_assert_uint_eq(stats().n_refused, 4);
    ck_assert_uint_eq(stats().n_in_flight, 0);
    serving_close();
}
END_TEST

START_TEST(clients_that_leave_are_recorded) {
    int fd;

    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    observed_open(NULL);
    fd = client();
    say(fd, GET("/gone"));
    settle();
    ck_assert_uint_eq(stats().n_in_flight, 1);
    close(fd);
    settle();
    ck_assert_ptr_nonnull(strstr(serving.log, "GET /gone 0 err -"));
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_uint_eq(stats().n_in_flight, 0);
    serving_close();
}
END_TEST

static uint64_t last_duration_ns;

static void note_duration(struct sunpath_http_exchange *exchange,
                          const struct sunpath_http_record *record, void *user) {
    (void)exchange;
    (void)user;
    last_duration_ns = record->duration_ns;
}

START_TEST(who_leaves_has_waited_for_a_while) {
    static const struct sunpath_http_observer timing = {.on_record = note_duration};
    int fd;

    serving_open(NULL);
    ck_assert_int_eq(sunpath_http_server_observe(serving.server, &timing, NULL), 0);
    fd = client();
    say(fd, GET("/answered"));
    hear(fd, "GET /answered ");
    settle();
    serving.server->handler = &(const struct sunpath_http_handler){.on_request = hold};
    say(fd, GET("/gone")); /* in the same exchange's memory */
    settle();
    ck_assert_ptr_nonnull(serving.held);
    last_duration_ns = 0;
    close(fd);
    settle();
    ck_assert_uint_gt(last_duration_ns, 0);
    serving_close();
}
END_TEST

START_TEST(there_can_be_eight_observers) {
    serving_open(NULL);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(sunpath_http_server_observe(serving.server, &observer, NULL), 0);
    }
    ck_assert_int_eq(sunpath_http_server_observe(serving.server, &observer, NULL), -ENOBUFS);
    ck_assert_int_eq(sunpath_http_server_observe(serving.server, NULL, NULL), -EINVAL);
    serving_close();
}
END_TEST

/* ---- the program's own mistakes -------------------------------------------------------------- */

static void do_it_wrong(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_write(exchange, "x", 1), -EINVAL);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, 3), 0);
    ck_assert_int_eq(sunpath_http_write(exchange, "abcd", 4), -EMSGSIZE);
    ck_assert_int_eq(sunpath_http_write(exchange, "abc", 3), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, NULL, 0), -EALREADY);
    ck_assert_int_eq(sunpath_http_end(exchange), 0);
    ck_assert_int_eq(sunpath_http_write(exchange, "d", 1), -EALREADY);
    ck_assert_int_eq(sunpath_http_fail(exchange, 500, NULL), -EALREADY);
}

START_TEST(mistakes_are_told_and_the_wire_stays_right) {
    int fd;

    serving.handler.on_request = do_it_wrong;
    observed_open(NULL);
    fd = client();
    say(fd, GET("/1"));
    check_response(hear(fd, "\r\n\r\nabc"), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    settle();
    ck_assert_ptr_nonnull(strstr(serving.log, "fault: it wrote before it started a response|"
                                              "fault: it wrote more than it had announced|"
                                              "fault: it answered twice|"
                                              "fault: it wrote behind the response's end|"
                                              "fault: it failed what it had answered already|"));
    ck_assert_ptr_nonnull(strstr(serving.log, "GET /1 200 err 0 in 0 out 3|"));
    close(fd);
    serving_close();
}
END_TEST

START_TEST(who_never_answers_is_cut_short) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int fd;

    options.answer_ms = 20;
    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    observed_open(&options);
    fd = client();
    say(fd, GET("/never"));
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), "the answer took too long\n"));
    close(fd);
    settle();
    ck_assert_ptr_null(serving.held);
    ck_assert_str_eq(serving.log, "fault: it did not answer in time|"
                                  "GET /never 503 err -110 in 0 out 25 the answer took too long|");
    serving_close();
}
END_TEST

static void pause_for_ever(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_pause(exchange);
}

START_TEST(who_never_decides_is_cut_short) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int fd;

    options.answer_ms = 20;
    serving.handler.on_head = pause_for_ever;
    observed_open(&options);
    fd = client();
    say(fd, "PUT /never HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), " 503 "));
    close(fd);
    serving_close();
}
END_TEST

/* ---- connections over the limit -------------------------------------------------------------- */

START_TEST(excess_connections_are_dropped) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int first, fds[2];

    options.max_connections = 1;
    options.drops_excess = true;
    observed_open(&options);
    first = client();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ck_assert_int_eq(sp_http_connection_open(serving.server, fds[0]), -EUSERS);
    ck_assert_ptr_nonnull(strstr(hear(fds[1], NULL), "503 Service Unavailable\r\n"));
    close(fds[1]);
    ck_assert_str_eq(serving.log, "drop: too many connections|");
    ck_assert_uint_eq(stats().n_dropped, 1);
    ck_assert_uint_eq(stats().n_connections, 1);
    close(first);
    settle();
    close(client()); /* there is room again */
    serving_close();
}
END_TEST

static void free_for_a_drop(struct sunpath_http_server *server, const struct sunpath_peer *peer,
                            const char *why, void *user) {
    (void)peer;
    note("%s;", why);
    if (user) {
        sunpath_http_server_drain(server, 0, count_drained, NULL);
    } else {
        serving.server = sunpath_http_server_free(server);
    }
}

static void drop_three(bool drains, const char *expected) {
    static const struct sunpath_http_observer freeing = {.on_drop = free_for_a_drop};
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int fds[3];

    options.max_connections = 1;
    options.drops_excess = true;
    serving.log[0] = '\0';
    serving_open(&options);
    ck_assert_int_eq(sunpath_http_server_observe(serving.server, &freeing, drains ? fds : NULL), 0);
    ck_assert_int_eq(sunpath_http_server_listen(serving.server, "./s", NULL, NULL), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(sunpath_connect(&fds[i], "./s", NULL, NULL), 0);
    }
    settle();
    ck_assert_str_eq(serving.log, expected);
    ck_assert_int_eq(serving.n_drained, drains);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
    serving_close();
}

START_TEST(a_server_can_be_freed_or_drained_for_a_drop) {
    drop_three(false, "too many connections;");
    drop_three(true, "too many connections;too many connections;");
}
END_TEST

/* ---- what goes with an exchange -------------------------------------------------------------- */

static void leave_notes(struct sunpath_http_exchange *exchange, void *user) {
    static const char key, other;
    char *room = sunpath_http_alloc(exchange, 6);
    const char *executable = sunpath_http_peer_executable(exchange);

    (void)user;
    memcpy(room, "hello", 6);
    ck_assert_ptr_null(sunpath_http_note(exchange, &key));
    ck_assert_int_eq(sunpath_http_set_note(exchange, &key, room), 0);
    ck_assert_int_eq(sunpath_http_set_note(exchange, &other, exchange), 0);
    ck_assert_ptr_eq(sunpath_http_note(exchange, &key), room);
    ck_assert_int_eq(sunpath_http_set_note(exchange, &key, NULL), 0);
    ck_assert_ptr_null(sunpath_http_note(exchange, &key));
    ck_assert_ptr_eq(sunpath_http_note(exchange, &other), exchange);
    ck_assert_ptr_nonnull(executable);
    ck_assert_ptr_nonnull(strstr(executable, "test-http-observe"));
    ck_assert_ptr_eq(executable, sunpath_http_peer_executable(exchange));
    ck_assert_int_eq(sunpath_http_status(exchange), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 202, NULL, room, 5), 0);
    ck_assert_int_eq(sunpath_http_status(exchange), 202);
}

START_TEST(notes_go_with_the_exchange) {
    int fd;

    serving.handler.on_request = leave_notes;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/1") GET("/2"));
    hear(fd, "hello");
    close(fd);
    serving_close();
}
END_TEST

SP_TESTS("http-observe", a_whole_head_is_told_before_its_handler,
         a_server_freed_by_an_observer_asks_no_handler, every_exchange_has_a_record,
         refused_requests_have_one_too, clients_that_leave_are_recorded,
         who_leaves_has_waited_for_a_while, a_server_can_be_freed_or_drained_for_a_drop,
         there_can_be_eight_observers, mistakes_are_told_and_the_wire_stays_right,
         who_never_answers_is_cut_short, who_never_decides_is_cut_short,
         excess_connections_are_dropped, notes_go_with_the_exchange)
