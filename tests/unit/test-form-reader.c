/* SPDX-License-Identifier: MIT */
/* test-form-reader.c - forms as events. */

#include "form-serving.h"

#define THREE FIELD("x") "one\r\n" FILE_NAMED("a") "two\r\n" FIELD("y") "\r\n--b--"

static struct sunpath_form_options options;
static struct sunpath_form_reader *reader;

static void note_part(struct sunpath_form_reader *its, const struct sunpath_form_part *part,
                      void *user) {
    ck_assert_ptr_eq(its, reader);
    ck_assert_str_eq(user, "user");
    note("(%s|%s)", part->name, part->filename ? part->filename : "-");
}

static void note_data(struct sunpath_form_reader *its, const void *data, size_t size, void *user) {
    (void)its;
    (void)user;
    note("%.*s", (int)size, (const char *)data);
}

static void note_part_end(struct sunpath_form_reader *its, void *user) {
    (void)its;
    (void)user;
    note(".");
}

static void answer_end(struct sunpath_form_reader *its, void *user) {
    (void)user;
    note("END");
    ck_assert_int_eq(
        sunpath_http_respond(sunpath_form_reader_exchange(its), 200, NULL, "done\n", 5), 0);
}

static void note_error(struct sunpath_form_reader *its, const struct sunpath_error *error,
                       void *user) {
    (void)its;
    (void)user;
    note("!%d %s;", error->code, error->text);
}

static struct sunpath_form_events events = {.on_part = note_part,
                                            .on_data = note_data,
                                            .on_part_end = note_part_end,
                                            .on_end = answer_end,
                                            .on_error = note_error};

static void read_form(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_error error;

    (void)user;
    if (sunpath_form_reader_open(&reader, exchange, &events, "user", options.size ? &options : NULL,
                                 &error) < 0) {
        ck_assert_int_eq(sunpath_http_fail_error(exchange, &error), 0);
    }
}

static void open_server(void) {
    serving.handler.on_head = read_form;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
}

static void check_events(const char *log) {
    settle();
    ck_assert_str_eq(serving.log, log);
    ck_assert_int_eq(serving.n_requests, 0); /* the server's own on_request */
    serving.log[0] = '\0';
}

START_TEST(a_form_comes_as_events) {
    open_server();
    check_answer(MULTIPART, THREE, 200, "done\n");
    check_events("(x|-)one.(f|a)two.(y|-).END");
    check_answer(MULTIPART, "--b--", 200, "done\n");
    check_events("END");
    ck_assert_int_eq(serving.n_finished, 2);
    ck_assert_int_eq(serving.last_error, 0);
    serving_close();
}
END_TEST

START_TEST(it_may_come_byte_by_byte) {
    static const char head[] = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                               "Content-Type: " MULTIPART "\r\n\r\n";
    int fd;

    open_server();
    fd = client();
    say(fd, head);
    for (const char *at = THREE; *at; at++) {
        char chunk[8];

        snprintf(chunk, sizeof(chunk), "1\r\n%c\r\n", *at);
        say_bytes(fd, chunk, 6);
        settle();
    }
    say(fd, "0\r\n\r\n");
    hear(fd, "done\n");
    check_events("(x|-)one.(f|a)two.(y|-).END");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_server_that_is_closed_cancels_the_form) {
    int fd;

    open_server();
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: " MULTIPART
            "\r\nContent-Length: 500\r\n\r\n" FIELD("x") "on");
    settle();
    serving.server = sunpath_http_server_free(serving.server);
    check_events("(x|-)on!-125 form: the request ended before the form was complete;");
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, -ECANCELED);
    close(fd);
    serving_close();
}
END_TEST

START_TEST(what_is_no_form_is_refused) {
    open_server();
    check_answer(URLENCODED, "a=b", 415, "form: the body is not multipart/form-data\n");
    check_answer(MULTIPART "\r\nContent-Encoding: gzip", "--b--", 415,
                 "form: the body is compressed, which is not taken here\n");
    check_answer("multipart/form-data; boundary=\"", "a=b", 400,
                 "form: the Content-Type names no valid boundary\n");
    check_events(""); /* nothing was opened */
    check_answer(MULTIPART, FIELD("x") "one\r\n--b\n" FIELD("y"), 400,
                 "form: something follows a boundary of the form\n");
    check_events("(x|-)one.!-74 form: something follows a boundary of the form;");
    check_answer(MULTIPART, FIELD("x") "one", 400, "form: the form has no end\n");
    check_events("(x|-)one!-74 form: the form has no end;");
    ck_assert_int_eq(serving.n_finished, 5);
    serving_close();
}
END_TEST

START_TEST(there_are_limits) {
    options = SUNPATH_OPTIONS(struct sunpath_form_options);
    options.max_part = 3;
    options.max_parts = 2;
    options.max_size = 200;
    open_server();
    check_answer(MULTIPART, FIELD("x") "1234\r\n--b--", 413, "form: a part of it is too large\n");
    check_events("(x|-)!-90 form: a part of it is too large;");
    check_answer(MULTIPART, FIELD("x") "\r\n" FIELD("x") "\r\n" FIELD("x") "\r\n--b--", 413,
                 "form: the form has too many parts\n");
    check_events("(x|-).(x|-).!-90 form: the form has too many parts;");
    options.max_parts = 10;
    check_answer(MULTIPART,
                 FIELD("x") "\r\n" FIELD("x") "\r\n" FIELD("x") "\r\n" FIELD("x") "\r\n--b--", 413,
                 "the body is too large\n");
    check_events("!-90 form: the body is too large;");
    serving_close();
}
END_TEST

static void refuse_file(struct sunpath_form_reader *its, const struct sunpath_form_part *part,
                        void *user) {
    note_part(its, part, user);
    if (part->filename) {
        ck_assert_int_eq(sunpath_http_fail(sunpath_form_reader_exchange(its), 403, "no files"), 0);
    }
}

START_TEST(it_may_be_answered_before_its_end) {
    events.on_part = refuse_file;
    open_server();
    check_answer(MULTIPART, THREE, 403, "no files\n");
    check_events("(x|-)one.(f|a)!-125 form: no files;");
    serving_close();
}
END_TEST

static void free_server(struct sunpath_form_reader *its, void *user) {
    (void)its;
    (void)user;
    note("free;");
    serving.server = sunpath_http_server_free(serving.server);
    note("freed;");
}

START_TEST(the_server_may_be_freed_inside) {
    int fd;

    events.on_part_end = free_server;
    open_server();
    fd = client();
    say_form(fd, MULTIPART, THREE);
    check_events("(x|-)onefree;!-125 form: the request ended before the form was complete;freed;");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(a_client_may_leave) {
    int fd;

    open_server();
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: " MULTIPART
            "\r\n\r\n" FIELD("x") "one");
    settle();
    close(fd);
    settle();
    ck_assert_ptr_nonnull(strstr(serving.log, "(x|-)one!"));
    ck_assert_ptr_null(strstr(serving.log, "END"));
    ck_assert_int_eq(serving.n_finished, 1);
    serving_close();
}
END_TEST

static void pause_part(struct sunpath_form_reader *its, const struct sunpath_form_part *part,
                       void *user) {
    note_part(its, part, user);
    sunpath_http_pause(sunpath_form_reader_exchange(its));
}

START_TEST(it_can_be_held_back) {
    int fd, n_sent = 0;
    char block[4096];

    options = SUNPATH_OPTIONS(struct sunpath_form_options);
    options.max_size = UINT64_MAX;
    memset(block, 'y', sizeof(block));
    events.on_part = pause_part;
    events.on_data = NULL;
    open_server();
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\nContent-Type: " MULTIPART
            "\r\n\r\n" FIELD("x"));
    settle();
    while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0) { /* until the socket is full */
        settle();
        ck_assert_int_lt(++n_sent, 10000);
    }
    sunpath_http_resume(sunpath_form_reader_exchange(reader));
    settle();
    ck_assert_int_gt(send(fd, block, sizeof(block), MSG_NOSIGNAL), 0);
    close(fd);
    serving_close();
}
END_TEST

static void answer_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                         void *user) {
    (void)user;
    note("asked;");
    ck_assert_int_eq(sunpath_http_respond(exchange, status, NULL, why, strlen(why)), 0);
}

static void open_too_late(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_error error;

    (void)user;
    ck_assert_int_eq(sunpath_form_reader_open(&reader, exchange, &events, NULL, NULL, &error),
                     -EALREADY);
    ck_assert_int_eq(sunpath_http_fail_error(exchange, &error), 0);
}

START_TEST(errors_go_to_the_handler_that_was) {
    struct sunpath_form_events empty = {.on_part = note_part};

    serving.handler.on_error = answer_error;
    open_server();
    check_answer(MULTIPART, "--bb", 400, "form: something follows a boundary of the form");
    ck_assert_str_eq(serving.log, "!-74 form: something follows a boundary of the form;asked;");
    serving_close();
    serving.handler.on_head = NULL;
    serving.handler.on_error = NULL;
    serving.handler.on_request = open_too_late;
    serving_open(NULL);
    check_answer(MULTIPART, "--b--", 500, "Internal Server Error\n");
    ck_assert_int_eq(sunpath_form_reader_open(&reader, NULL, &empty, NULL, NULL, NULL), -EINVAL);
    serving_close();
}
END_TEST

SP_TESTS("form-reader", a_form_comes_as_events, it_may_come_byte_by_byte,
         a_server_that_is_closed_cancels_the_form, what_is_no_form_is_refused, there_are_limits,
         it_may_be_answered_before_its_end, the_server_may_be_freed_inside, a_client_may_leave,
         it_can_be_held_back, errors_go_to_the_handler_that_was)
