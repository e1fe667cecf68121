/* SPDX-License-Identifier: MIT */
/* test-form.c - forms out of collected bodies. */

#include "form-serving.h"

static struct sunpath_form_options options;

static void answer_form(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_form *form = NULL;
    struct sunpath_error error;
    char text[4096];
    int r = sunpath_http_form(exchange, &form, options.size ? &options : NULL, &error);

    (void)user;
    if (r < 0) {
        ck_assert_ptr_null(form);
        ck_assert_int_eq(error.code, r);
        ck_assert_int_eq(sunpath_http_fail_error(exchange, &error), 0);
        return;
    }
    form_as_text(form, text, sizeof(text));
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, text, strlen(text)), 0);
}

static void open_server(void) {
    serving.handler.on_request = answer_form;
    serving_open(NULL);
}

START_TEST(urlencoded_forms_are_read) {
    open_server();
    check_answer(URLENCODED, "", 200, "");
    check_answer(URLENCODED, "a=b", 200, "a=b;");
    check_answer(URLENCODED "; charset=UTF-8", "a=b+c%20d&e=%E2%82%AC&a=2", 200,
                 "a=b c d;e=\xe2\x82\xac;a=2;");
    check_answer(URLENCODED, "&&a&=b&c=d=e&%61%3d=%26", 200, "a=;=b;c=d=e;a==&;");
    check_answer(URLENCODED, "a=%&b=%zz&c=%00", 200, "a=%;b=%zz;c=%00;");
    serving_close();
}
END_TEST

START_TEST(multipart_forms_are_read) {
    open_server();
    check_answer(MULTIPART,
                 FIELD("x") "one\r\n" FILE_NAMED("a.txt") "two\r\n" FIELD("x") "\r\n--b--", 200,
                 "x=one;f[a.txt]=two;x=;");
    check_answer(MULTIPART, "--b--\r\n", 200, "");
    serving_close();
}
END_TEST

START_TEST(values_are_found) {
    struct sunpath_form_part part;
    struct sunpath_form *form;
    int fd;

    serving.handler.on_request = hold;
    serving_open(NULL);
    fd = client();
    say_form(fd, MULTIPART,
             FILE_NAMED("f") "file\r\n" FIELD("f") "field\r\n" FIELD("f") "2\r\n--b--");
    settle();
    ck_assert_int_eq(sunpath_http_form(serving.held, &form, NULL, NULL), 0);
    ck_assert_str_eq(sunpath_form_value(form, "f"), "field"); /* a file is none */
    ck_assert_ptr_null(sunpath_form_value(form, "F"));
    ck_assert_uint_eq(sunpath_form_n_parts(form), 3);
    ck_assert(!sunpath_form_at(form, 3, &part));
    ck_assert_int_eq(sunpath_form_save(form, 0, NULL, 0, NULL), -ENOENT); /* it is in memory */
    ck_assert_int_eq(sunpath_form_save(form, 3, NULL, 0, NULL), -ENOENT);
    answer_held("ok");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(other_bodies_are_refused) {
    open_server();
    check_answer("text/plain", "a=b", 415,
                 "form: the body is neither application/x-www-form-urlencoded nor "
                 "multipart/form-data\n");
    check_answer(URLENCODED "; charset=iso-8859-1", "a=b", 415, "form: the charset is not UTF-8\n");
    check_answer(URLENCODED "\r\nContent-Encoding: br", "a=b", 415,
                 "form: the body is compressed, which is not taken here\n");
    check_answer(URLENCODED "; charset", "a=b", 400, "form: the Content-Type is malformed\n");
    check_answer("multipart/form-data", "--b--", 400,
                 "form: the Content-Type names no valid boundary\n");
    check_answer(MULTIPART, "--b", 400, "form: the form has no end\n");
    check_answer(MULTIPART, "", 400, "form: the form has no end\n");
    check_answer(MULTIPART, "--bb--", 400, "form: something follows a boundary of the form\n");
    serving_close();
}
END_TEST

START_TEST(a_nul_is_refused) {
    static const char request[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: " URLENCODED
                                  "\r\nContent-Length: 5\r\n\r\na=b\0c";
    int fd;

    open_server();
    fd = client();
    say_bytes(fd, request, sizeof(request) - 1);
    ck_assert_ptr_nonnull(strstr(hear(fd, "NUL in it"), "400 Bad Request"));
    close(fd);
    serving_close();
}
END_TEST

START_TEST(forms_have_limits) {
    options = SUNPATH_OPTIONS(struct sunpath_form_options);
    options.max_parts = 2;
    options.max_part = 5;
    options.max_memory = 20;
    options.max_headers = 100;
    open_server();
    check_answer(URLENCODED, "a=12345&b=", 200, "a=12345;b=;");
    check_answer(URLENCODED, "a=1&b=2&c=3", 413, "form: it has too many parts\n");
    check_answer(URLENCODED, "a=123456", 413, "form: a part of it is too large\n");
    check_answer(URLENCODED, "a12345678901234567890=", 413,
                 "form: its names and values are too large\n");
    check_answer(MULTIPART, FIELD("a") "12345\r\n--b--", 200, "a=12345;");
    check_answer(MULTIPART, FIELD("a") "123456\r\n--b--", 413, "form: a part of it is too large\n");
    check_answer(MULTIPART, FIELD("a1234567890") "12345\r\n" FIELD("b1234") "1\r\n--b--", 413,
                 "form: its names and values are too large\n");
    check_answer(MULTIPART, FIELD("a") "\r\n" FIELD("a") "\r\n" FIELD("a") "\r\n--b--", 413,
                 "form: the form has too many parts\n");
    check_answer(
        MULTIPART,
        FIELD(
            "a1234567890123456789012345678901234567890123456789012345678901234567890") "\r\n--b--",
        413, "form: the headers of a part are too large\n");
    options.size = sizeof(options) + 1;
    check_answer(MULTIPART, "--b--", 500, "Internal Server Error\n");
    serving_close();
}
END_TEST

SP_TESTS("form", urlencoded_forms_are_read, multipart_forms_are_read, values_are_found,
         other_bodies_are_refused, a_nul_is_refused, forms_have_limits)
