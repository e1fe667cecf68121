/* SPDX-License-Identifier: MIT */
/* test-http-life.c - answers given later, clients that leave, drains, frees, files and upgrades. */

#include "http-serving.h"

/* ---- answers given later --------------------------------------------------------------------- */

START_TEST(an_answer_may_come_later) {
    char *heard;
    int fd;

    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, "POST /1 HTTP/1.1\r\nHost: x\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc" GET("/2"));
    settle();
    ck_assert_int_eq(serving.n_requests, 1);
    ck_assert_str_eq(sunpath_http_method(serving.held), "POST");
    ck_assert_str_eq(sunpath_http_target(serving.held), "/1");
    ck_assert_str_eq(sunpath_http_header(serving.held, "x-a"), "b");
    ck_assert_str_eq(sunpath_http_body(serving.held, NULL), "abc");
    ck_assert_int_eq(sunpath_http_content_length(serving.held), 3);
    answer_held("one");
    ck_assert_int_eq(serving.n_requests, 1); /* nothing is called from inside a call */
    heard = hear(fd, "one");
    ck_assert_ptr_null(strstr(heard, "two"));
    while (serving.n_requests < 2) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_str_eq(sunpath_http_target(serving.held), "/2");
    answer_held("two");
    hear(fd, "two");
    settle();
    ck_assert_int_eq(serving.n_finished, 2);
    ck_assert_int_eq(serving.last_error, 0);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_client_that_has_half_closed_gets_its_answers) {
    int fd;

    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/1") GET("/2"));
    shutdown(fd, SHUT_WR);
    settle();
    answer_held("one");
    hear(fd, "one");
    while (!serving.held) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    answer_held("two");
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), "two"));
    settle();
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    ck_assert_int_eq(serving.n_finished, 2);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_client_that_leaves_is_noticed) {
    int fd;

    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    settle();
    close(fd);
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_int_eq(serving.last_error, -EPIPE);
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    serving_close();
}
END_TEST

static void start_large(struct sunpath_http_exchange *exchange, void *user) {
    static char piece[65536];

    (void)user;
    serving.held = exchange;
    if (serving.n_requests++ == 0) {
        ck_assert_int_eq(sunpath_http_start(exchange, 200, -1), 0);
    }
    for (int r = 0; r == 0;) {
        r = sunpath_http_write(exchange, piece, sizeof(piece));
        ck_assert_int_ge(r, 0);
        if (serving.n_requests > 20 && r == 0) {
            ck_assert_int_eq(sunpath_http_end(exchange), 0);
            return;
        }
    }
}

START_TEST(a_client_that_leaves_mid_reply_is_an_error_of_its_own) {
    int fd;

    serving.handler.on_request = start_large;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    settle();
    close(fd);
    while (serving.n_finished == 0) {
        /* Answering goes on to be legal until on_finish. */
        ck_assert_int_ge(sunpath_http_write(serving.held, "x", 1), 0);
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert(serving.last_error == -EPIPE || serving.last_error == -ECONNRESET);
    serving_close();
}
END_TEST

static void drain_large(struct sunpath_http_exchange *exchange, void *user) {
    start_large(exchange, user);
}

START_TEST(on_drain_asks_for_more) {
    size_t size;
    int fd;

    serving.handler.on_request = start_large;
    serving.handler.on_drain = drain_large;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    hear_size(fd, NULL, &size);
    ck_assert_uint_gt(size, 1024 * 1024);
    settle();
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, 0);
    close(fd);
    serving_close();
}
END_TEST

static void note_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    (void)user;
    note("%s %s %d;", sunpath_http_method(exchange), sunpath_http_target(exchange), error);
}

static void write_thousands(struct sunpath_http_exchange *exchange, void *user) {
    static char piece[1000];
    int r = 0;

    (void)user;
    if (serving.n_requests == 0) {
        ck_assert_int_eq(sunpath_http_start(exchange, 200, 1000 * 1000), 0);
    }
    while (r == 0 && serving.n_requests < 1000) {
        r = sunpath_http_write(exchange, piece, sizeof(piece));
        serving.n_requests += r == 0;
    }
    if (r == 0) {
        ck_assert_int_eq(sunpath_http_end(exchange), 0);
    } else {
        ck_assert_int_eq(r, -ENOBUFS);
    }
}

START_TEST(on_drain_comes_after_a_full_output_too) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    size_t size;
    int fd;

    options.max_output = 4096;
    serving.handler.on_request = write_thousands;
    serving.handler.on_drain = write_thousands;
    serving_open(&options);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    hear_size(fd, NULL, &size);
    ck_assert_uint_gt(size, 1000 * 1000);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(on_finish_still_knows_the_request) {
    char text[8192] = "";
    int fd;

    serving.handler.on_finish = note_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/1") "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab" GET("/3"));
    settle();
    ck_assert_str_eq(serving.log, "GET /1 0;POST /2 0;GET /3 0;");
    serving.n_requests = 0;
    for (int i = 0; i < 100; i++) {
        strcat(text, GET("/"));
    }
    say(fd, text);
    settle();
    ck_assert_int_eq(serving.n_requests, 100); /* more than may wait for their on_finish at once */
    close(fd);
    serving_close();
}
END_TEST

/* ---- frees inside callbacks ------------------------------------------------------------------ */

static void free_server(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    serving.server = sunpath_http_server_free(serving.server);
    /* The exchange is still good to look at. */
    (void)sunpath_http_method(exchange);
    (void)sunpath_http_header(exchange, "host");
    (void)sunpath_http_peer(exchange);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, NULL, 0), -EALREADY);
}

static void free_server_in_body(struct sunpath_http_exchange *exchange, const void *data,
                                size_t size, void *user) {
    (void)data;
    (void)size;
    free_server(exchange, user);
}

static void free_server_in_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    (void)error;
    free_server(exchange, user);
}

START_TEST(the_server_may_be_freed_in_any_callback) {
    static const char request[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";

    for (int i = 0; i < 4; i++) {
        int fd, other;

        serving.handler = (struct sunpath_http_handler){.on_request = echo};
        switch (i) {
        case 0:
            serving.handler.on_request = free_server;
            serving.handler.on_finish = count_finish;
            break;
        case 1:
            serving.handler.on_head = free_server;
            break;
        case 2:
            serving.handler.on_body = free_server_in_body;
            break;
        default:
            serving.handler.on_finish = free_server_in_finish;
        }
        serving_open(NULL);
        fd = client();
        other = client();
        say(fd, request);
        say(other, GET("/"));
        while (serving.server) {
            sunpath_loop_dispatch(serving.loop, 1000);
        }
        settle();
        close(fd);
        close(other);
        serving_close();
    }
}
END_TEST

/* ---- draining -------------------------------------------------------------------------------- */

static void drain_inside(struct sunpath_http_exchange *exchange, void *user) {
    echo(exchange, user);
    sunpath_http_server_drain(serving.server, -1, count_drained, NULL);
}

static void pause_body(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    serving.held = exchange;
    sunpath_http_pause(exchange);
}

static void free_and_look_back(struct sunpath_http_exchange *exchange, void *user) {
    const char *method = sunpath_http_method(exchange),
               *host = sunpath_http_header(exchange, "Host");
    const char *body = sunpath_http_body(exchange, NULL);

    (void)user;
    serving.server = sunpath_http_server_free(serving.server);
    ck_assert_str_eq(method, "POST");
    ck_assert_str_eq(host, "x");
    ck_assert_str_eq(body, "body");
}

START_TEST(what_was_asked_outlives_the_server_until_the_callback_returns) {
    int fd;

    serving.handler.on_head = pause_body;
    serving.handler.on_request = free_and_look_back;
    serving_open(NULL);
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
    settle();
    sunpath_http_resume(serving.held); /* so on_request is called outside of the stream's events */
    settle();
    ck_assert_ptr_null(serving.server);
    close(fd);
    serving_close();
}
END_TEST

static void note_request(struct sunpath_http_exchange *exchange, int error, void *user) {
    (void)user;
    serving.n_finished++;
    note("%s %s %s %d %d;", sunpath_http_method(exchange), sunpath_http_target(exchange),
         sunpath_http_header(exchange, "Host"), sunpath_http_peer(exchange) != NULL, error);
}

START_TEST(on_finish_knows_a_request_that_was_cut_off) {
    int fd;

    serving.handler.on_request = free_server;
    serving.handler.on_finish = note_request;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/1"));
    settle();
    ck_assert_str_eq(serving.log, "GET /1 x 1 -125;"); /* ECANCELED */
    close(fd);
    serving_close();
}
END_TEST

START_TEST(on_finish_knows_a_request_whose_client_left_before_its_body_was_read) {
    int fd;

    serving.handler.on_head = pause_body;
    serving.handler.on_finish = note_request;
    serving_open(NULL);
    fd = client();
    say(fd, "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n");
    settle();
    close(fd);
    ck_assert_int_eq(sunpath_http_inform(serving.held, 102), 0); /* notices */
    sunpath_http_resume(serving.held);
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_ptr_nonnull(strstr(serving.log, "POST /2 x 1 "));
    serving_close();
}
END_TEST

#define N_WAITING 1000

static void answer_a_kib(struct sunpath_http_exchange *exchange, void *user) {
    static char body[1024];

    (void)user;
    serving.n_requests++;
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, body, sizeof(body)), 0);
}

START_TEST(requests_that_waited_for_room_leave_no_memory_behind) {
    char requests[N_WAITING * (sizeof(GET("/")) - 1) + 1];
    size_t n = 0;
    int fd;

    for (int i = 0; i < N_WAITING; i++) {
        memcpy(requests + n, GET("/"), sizeof(GET("/")) - 1);
        n += sizeof(GET("/")) - 1;
    }
    requests[n] = '\0';
    serving.handler.on_request = answer_a_kib;
    serving_open(NULL);
    fd = client();
    say(fd, requests); /* the answers to some are more than the client has taken */
    settle();
    ck_assert_int_lt(serving.n_requests, N_WAITING);
    while (serving.n_requests < N_WAITING) {
        char answers[65536];

        while (recv(fd, answers, sizeof(answers), 0) > 0) {
        }
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    settle();
    say(fd, GET("/"));
    settle();
    ck_assert_int_eq(serving.n_requests, N_WAITING + 1);
    close(fd);
    serving_close(); /* LeakSanitizer watches */
}
END_TEST

START_TEST(draining_an_idle_server_is_done_in_the_next_dispatch) {
    serving_open(NULL);
    sunpath_http_server_drain(serving.server, 0, count_drained, NULL);
    ck_assert_int_eq(serving.n_drained, 0);
    sunpath_loop_dispatch(serving.loop, 1000);
    ck_assert_int_eq(serving.n_drained, 1);
    serving_close();
}
END_TEST

START_TEST(draining_finishes_what_is_under_way) {
    int held, idle, busy;

    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    idle = client();
    held = client();
    say(held, GET("/held"));
    settle();
    busy = client();
    sunpath_http_server_drain(serving.server, -1, count_drained, NULL);
    settle();
    ck_assert_int_eq(serving.n_drained, 0);
    /* A request that was on its way is answered, though the server does not wait for it long. */
    serving.handler.on_request = echo;
    say(busy, GET("/late"));
    ck_assert_ptr_nonnull(strstr(hear(busy, NULL), "Connection: close"));
    ck_assert_str_eq(hear(idle, NULL), "");
    answer_held("done");
    ck_assert_ptr_nonnull(strstr(hear(held, NULL), "Connection: close\r\n"));
    close(held);
    close(busy);
    close(idle);
    while (serving.n_drained == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    serving_close();
}
END_TEST

START_TEST(draining_has_a_deadline) {
    int fd;

    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    settle();
    sunpath_http_server_drain(serving.server, 20, count_drained, NULL);
    while (serving.n_drained == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, -ECANCELED);
    ck_assert_str_eq(hear(fd, NULL), "");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(draining_inside_a_handler_answers_it_first) {
    int fd;

    serving.handler.on_request = drain_inside;
    serving_open(NULL);
    ck_assert_int_eq(sunpath_http_server_listen(serving.server, "./s", NULL, NULL), 0);
    fd = client();
    say(fd, GET("/"));
    hear(fd, "GET / ");
    close(fd);
    while (serving.n_drained == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_int_ne(access("s", F_OK), 0);
    ck_assert_int_eq(sunpath_http_server_listen(serving.server, "./s", NULL, NULL), -ESHUTDOWN);
    serving_close();
}
END_TEST

/* ---- upgrades -------------------------------------------------------------------------------- */

static struct sunpath_stream *upgraded;

static void on_raw_data(struct sunpath_stream *stream, void *user) {
    size_t size;
    const char *data = sunpath_stream_input(stream, &size);

    (void)user;
    note("raw:%.*s", (int)size, data);
    sunpath_stream_write(stream, data, size);
    sunpath_stream_consume(stream, size);
}

static void on_raw_close(struct sunpath_stream *stream, int error, void *user) {
    (void)error;
    (void)user;
    upgraded = sunpath_stream_close(stream);
}

static const struct sunpath_stream_events raw_events = {.on_data = on_raw_data,
                                                        .on_close = on_raw_close};

static void upgrade(struct sunpath_http_exchange *exchange, void *user) {
    bool is_connect = strcmp(sunpath_http_method(exchange), "CONNECT") == 0;
    const char *protocol = is_connect ? NULL : "raw";

    (void)user;
    if (!is_connect && !sunpath_http_header(exchange, "Upgrade")) {
        ck_assert_int_eq(sunpath_http_upgrade(exchange, protocol, &upgraded, &raw_events, NULL),
                         -EINVAL);
        ck_assert_int_eq(sunpath_http_upgrade(exchange, NULL, &upgraded, &raw_events, NULL),
                         -EINVAL);
        echo(exchange, user);
        return;
    }
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X-A", "b"), 0);
    ck_assert_int_eq(sunpath_http_upgrade(exchange, protocol, &upgraded, &raw_events, NULL), 0);
    ck_assert_int_eq(serving.n_finished, 1);
}

START_TEST(a_connection_can_be_upgraded) {
    int fd;

    serving.handler.on_request = upgrade;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/plain"));
    hear(fd, "GET /plain ");
    settle();
    serving.n_finished = 0;
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nbehind");
    ck_assert_str_eq(hear(fd, "behind"), "HTTP/1.1 101 Switching Protocols\r\n"
                                         "Connection: upgrade\r\nUpgrade: raw\r\nX-A: b\r\n\r\n"
                                         "behind");
    ck_assert_uint_eq(sunpath_http_server_n_connections(serving.server), 0);
    serving.server = sunpath_http_server_free(serving.server);
    say(fd, "after");
    hear(fd, "after"); /* the stream does not need the server */
    close(fd);
    while (upgraded) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    serving_close();
}
END_TEST

START_TEST(connect_makes_a_tunnel) {
    int fd;

    serving.handler.on_request = upgrade;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, "CONNECT host:1 HTTP/1.1\r\nHost: host:1\r\n\r\n");
    ck_assert_str_eq(hear(fd, "\r\n\r\n"), "HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n");
    say(fd, "tunnel");
    ck_assert_str_eq(hear(fd, "tunnel"), "tunnel");
    upgraded = sunpath_stream_close(upgraded);
    close(fd);
    serving_close();
}
END_TEST

/* What follows it may be meant for a tunnel. */
START_TEST(a_connect_without_a_tunnel_is_the_last_request) {
    char *heard;
    int fd;

    serving.handler.on_request = echo;
    serving_open(NULL);
    fd = client();
    say(fd, "CONNECT host:1 HTTP/1.1\r\nHost: host:1\r\n\r\n" GET("/tunnelled"));
    heard = hear(fd, NULL);
    ck_assert_ptr_nonnull(strstr(heard, "Connection: close\r\n"));
    ck_assert_ptr_nonnull(strstr(heard, "\r\n\r\nCONNECT host:1 "));
    ck_assert_int_eq(serving.n_requests, 1);
    close(fd);
    serving_close();
}
END_TEST

SP_TESTS("http-life", an_answer_may_come_later, a_client_that_has_half_closed_gets_its_answers,
         a_client_that_leaves_is_noticed, a_client_that_leaves_mid_reply_is_an_error_of_its_own,
         on_drain_asks_for_more, on_drain_comes_after_a_full_output_too,
         on_finish_still_knows_the_request, the_server_may_be_freed_in_any_callback,
         what_was_asked_outlives_the_server_until_the_callback_returns,
         on_finish_knows_a_request_that_was_cut_off,
         on_finish_knows_a_request_whose_client_left_before_its_body_was_read,
         requests_that_waited_for_room_leave_no_memory_behind,
         draining_an_idle_server_is_done_in_the_next_dispatch, draining_finishes_what_is_under_way,
         draining_has_a_deadline, draining_inside_a_handler_answers_it_first,
         a_connection_can_be_upgraded, connect_makes_a_tunnel,
         a_connect_without_a_tunnel_is_the_last_request)
