/* SPDX-License-Identifier: MIT */
/* test-http-fail.c - handlers of single exchanges, and error answers. */

#include "http-serving.h"

#define POST(target, length) \
    "POST " target " HTTP/1.1\r\nHost: x\r\nContent-Length: " length "\r\n\r\n"

/* ---- handlers of single exchanges ------------------------------------------------------------ */

static void stream_piece(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                         void *user) {
    (void)exchange;
    note("%s[%.*s]", (const char *)user, (int)size, (const char *)data);
}

static void route_request(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_http_handler late = {.on_request = route_request};

    note("%s asked;", (const char *)user);
    ck_assert_int_eq(sunpath_http_set_handler(exchange, &late, NULL), -EALREADY);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "ok", 2), 0);
}

static void route_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    note("%s over %d at %s;", (const char *)user, error, sunpath_http_target(exchange));
}

static void choose_route(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_http_handler streaming = {
        .on_body = stream_piece, .on_request = route_request, .on_finish = route_finish};
    static const struct sunpath_http_handler nothing = {.on_body = stream_piece};

    (void)user;
    if (strcmp(sunpath_http_path(exchange), "/stream") == 0) {
        ck_assert_int_eq(sunpath_http_set_handler(exchange, &nothing, NULL), -EINVAL);
        ck_assert_int_eq(sunpath_http_set_handler(exchange, NULL, NULL), -EINVAL);
        ck_assert_int_eq(sunpath_http_set_handler(exchange, &streaming, "route"), 0);
    }
}

START_TEST(an_exchange_has_a_handler_of_its_own) {
    int fd;

    serving.handler.on_head = choose_route;
    serving_open(NULL);
    fd = client();
    say(fd, POST("/stream", "3") "abc" POST("/collect", "3") "def");
    ck_assert_ptr_nonnull(strstr(hear(fd, "POST /collect "), "\r\n\r\nok"));
    ck_assert_str_eq(serving.log, "route[abc]route asked;route over 0 at /stream;");
    ck_assert_int_eq(serving.n_requests, 1); /* echo had the other */
    close(fd);
    serving_close();
}
END_TEST

static void pause_head(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    if (!serving.held) {
        sunpath_http_pause(exchange);
        serving.held = exchange;
    }
}

START_TEST(a_request_without_body_can_be_held_back) {
    int fd;

    serving.handler.on_head = pause_head;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/1") GET("/2"));
    settle();
    ck_assert_int_eq(serving.n_requests, 0);
    sunpath_http_resume(serving.held);
    hear(fd, "GET /2 ");
    ck_assert_int_eq(serving.n_requests, 2);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_client_that_leaves_while_it_is_held_back_is_noticed) {
    int fd;

    serving.handler.on_head = pause_head;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/1"));
    settle();
    close(fd);
    while (serving.n_finished == 0) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
    ck_assert_int_eq(serving.last_error, -EPIPE);
    ck_assert_int_eq(serving.n_requests, 0);
    serving_close();
}
END_TEST

START_TEST(no_continue_while_it_is_held_back) {
    char byte;
    int fd;

    serving.handler.on_head = pause_head;
    serving_open(NULL);
    fd = client();
    say(fd, "PUT /1 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    settle();
    ck_assert_int_eq(recv(fd, &byte, 1, 0), -1);
    sunpath_http_resume(serving.held);
    hear(fd, "100 Continue\r\n\r\n");
    say(fd, "ab");
    hear(fd, "PUT /1 ab");
    close(fd);

    serving.held = NULL;
    fd = client();
    say(fd, "PUT /2 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    settle();
    ck_assert_int_eq(sunpath_http_fail(serving.held, 417, NULL), 0);
    check_response(hear(fd, NULL), "HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Length: 19\r\n\r\nExpectation Failed\n");
    close(fd);
    serving_close();
}
END_TEST

/* ---- error answers --------------------------------------------------------------------------- */

static void fail_request(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_fail(exchange, 399, "x"), -EINVAL);
    ck_assert_int_eq(sunpath_http_fail(exchange, 600, "x"), -EINVAL);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X-Kept", "yes"), 0);
    ck_assert_int_eq(sunpath_http_fail(exchange, 503, "the database is away"), 0);
    ck_assert_int_eq(sunpath_http_fail(exchange, 500, "again"), -EALREADY);
}

START_TEST(the_plain_answer_says_why) {
    int fd;

    serving.handler.on_request = fail_request;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "away\n"), "HTTP/1.1 503 Service Unavailable\r\nX-Kept: yes\r\n"
                                       "Content-Type: text/plain; charset=utf-8\r\n"
                                       "Content-Length: 21\r\n\r\nthe database is away\n");
    close(fd);
    serving_close();
}
END_TEST

/* What was to be sent is described, and then it is not sent. */
static void describe_and_fail(struct sunpath_http_exchange *exchange, void *user) {
    static const char *const headers[][2] = {
        {"Content-Type", "image/png"},       {"Content-Encoding", "gzip"},
        {"Content-Language", "de"},          {"Content-Location", "/x"},
        {"Content-Range", "bytes 0-1/2"},    {"ETag", "\"x\""},
        {"Last-Modified", "yesterday"},      {"Cache-Control", "no-store"},
        {"Access-Control-Allow-Origin", "*"}};

    (void)user;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        ck_assert_int_eq(sunpath_http_add_header(exchange, headers[i][0], headers[i][1]), 0);
    }
    ck_assert_int_eq(sunpath_http_fail(exchange, 500, "it broke"), 0);
}

START_TEST(an_error_is_not_described_as_what_it_stands_for) {
    int fd;

    serving.handler.on_request = describe_and_fail;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    check_response(hear(fd, "broke\n"),
                   "HTTP/1.1 500 Internal Server Error\r\nCache-Control: no-store\r\n"
                   "Access-Control-Allow-Origin: *\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 9\r\n\r\n"
                   "it broke\n");
    close(fd);
    serving_close();
}
END_TEST

static void answer_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                         void *user) {
    char text[128];
    int n = snprintf(text, sizeof(text), "{\"%s\":\"%s\"}", (const char *)user, why);

    ck_assert_int_eq(sunpath_http_respond(exchange, status, "application/json", text, (size_t)n),
                     0);
}

static void pass_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                       void *user) {
    (void)exchange;
    note("%s passes %d %s;", (const char *)user, status, why);
}

static void choose_passing(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_http_handler passing = {.on_request = fail_request,
                                                        .on_error = pass_error};

    (void)user;
    ck_assert_int_eq(sunpath_http_set_handler(exchange, &passing, "route"), 0);
}

START_TEST(on_error_answers_instead_the_nearest_first) {
    int fd;

    serving.handler.on_head = choose_passing;
    serving.handler.on_error = answer_error;
    serving_open(NULL);
    serving.server->user = "server";
    fd = client();
    say(fd, GET("/"));
    ck_assert_ptr_nonnull(strstr(hear(fd, "}"), "{\"server\":\"the database is away\"}"));
    ck_assert_str_eq(serving.log, "route passes 503 the database is away;");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(the_server_s_own_errors_pass_there_too) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int fd;

    options.max_body = 10;
    serving.handler.on_error = answer_error;
    serving.handler.on_finish = count_finish;
    serving_open(&options);
    serving.server->user = "server";
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n");
    check_response(hear(fd, NULL), "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
                                   "Content-Type: application/json\r\nContent-Length: 34\r\n\r\n"
                                   "{\"server\":\"the body is too large\"}");
    settle(); /* it is over, though the client has not closed */
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, -EMSGSIZE);
    close(fd);
    serving_close();
}
END_TEST

static void fail_by_error(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_error error = {.code = -atoi(sunpath_http_path(exchange) + 1)};

    (void)user;
    snprintf(error.text, sizeof(error.text), "it is %d", -error.code);
    ck_assert_int_eq(sunpath_http_fail_error(exchange, &error), 0);
}

START_TEST(errors_have_a_status) {
    static const struct {
        int code;
        const char *status, *body;
    } cases[] = {
        {EBADMSG, "400 Bad Request", "it is 74\n"},
        {EMSGSIZE, "413 Content Too Large", "it is 90\n"},
        {EMEDIUMTYPE, "415 Unsupported Media Type", "it is 124\n"},
        {EIO, "500 Internal Server Error", "Internal Server Error\n"},
        {EOPNOTSUPP, "501 Not Implemented", "Not Implemented\n"},
        {ENOMEM, "503 Service Unavailable", "Service Unavailable\n"},
        {ENOSPC, "507 Insufficient Storage", "Insufficient Storage\n"},
    };
    char text[64];
    int fd;

    serving.handler.on_request = fail_by_error;
    serving_open(NULL);
    fd = client();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", cases[i].code);
        say(fd, text);
        ck_assert_ptr_nonnull(strstr(hear(fd, cases[i].body), cases[i].status));
    }
    close(fd);
    serving_close();
}
END_TEST

static void free_in_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                          void *user) {
    (void)exchange;
    (void)status;
    (void)why;
    (void)user;
    serving.server = sunpath_http_server_free(serving.server);
}

static void fail_inside(struct sunpath_http_exchange *exchange, int status, const char *why,
                        void *user) {
    (void)status;
    (void)why;
    (void)user;
    ck_assert_int_eq(sunpath_http_fail(exchange, 500, "worse"), 0);
}

START_TEST(on_error_may_free_the_server_or_fail) {
    int fd;

    serving.handler.on_request = fail_request;
    serving.handler.on_error = fail_inside;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    ck_assert_ptr_nonnull(strstr(hear(fd, "worse\n"), "500 Internal Server Error"));
    close(fd);

    serving.handler.on_error = free_in_error;
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
    hear(fd, NULL);
    ck_assert_ptr_null(serving.server);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(an_answer_can_be_given_up) {
    int fd;

    serving.handler.on_request = hold;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
    for (int is_begun = 0; is_begun < 2; is_begun++) {
        struct sunpath_http_exchange *exchange;

        fd = client();
        say(fd, GET("/") GET("/never"));
        settle();
        exchange = serving.held;
        if (is_begun) {
            ck_assert_int_eq(sunpath_http_start(exchange, 200, -1), 0);
            ck_assert_int_eq(sunpath_http_write(exchange, "some", 4), 0);
        }
        ck_assert_int_eq(sunpath_http_abort(exchange), 0);
        ck_assert_int_eq(sunpath_http_abort(exchange), -EALREADY);
        if (is_begun) {
            check_response(hear(fd, NULL), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                                           "\r\n4\r\nsome\r\n");
        } else {
            ck_assert_str_eq(hear(fd, NULL), "");
        }
        close(fd);
        settle();
        ck_assert_int_eq(serving.last_error, -EIO);
    }
    ck_assert_int_eq(serving.n_finished, 2);
    serving_close();
}
END_TEST

SP_TESTS("http-fail", an_answer_can_be_given_up, an_exchange_has_a_handler_of_its_own,
         a_request_without_body_can_be_held_back,
         a_client_that_leaves_while_it_is_held_back_is_noticed, no_continue_while_it_is_held_back,
         the_plain_answer_says_why, an_error_is_not_described_as_what_it_stands_for,
         on_error_answers_instead_the_nearest_first, the_server_s_own_errors_pass_there_too,
         errors_have_a_status, on_error_may_free_the_server_or_fail)
