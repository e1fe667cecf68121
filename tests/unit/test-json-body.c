/* SPDX-License-Identifier: MIT */
/* test-json-body.c - JSON in and out. */

#include <sunpath/json.h>

#include <jansson.h>

#include "form-serving.h"

#define JSON "application/json"

/* What came in goes out again. */
static void answer_json(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_error error;
    json_t *json = NULL;
    int r = sunpath_http_json(exchange, &json, &error);

    (void)user;
    if (r < 0) {
        ck_assert_ptr_null(json);
        ck_assert_int_eq(error.code, r);
        ck_assert_int_eq(sunpath_http_fail_error(exchange, &error), 0);
        return;
    }
    ck_assert_int_eq(sunpath_http_respond_json(exchange, 201, json), 0);
    json_decref(json);
}

static void open_server(void) {
    serving.handler.on_request = answer_json;
    serving_open(NULL);
}

START_TEST(json_comes_in_and_goes_out) {
    int fd;

    open_server();
    check_answer(JSON, " {\"a\": [1, -2.5, true, null, \"\\u20ac\"]}\n", 201,
                 "{\"a\":[1,-2.5,true,null,\"\xe2\x82\xac\"]}");
    check_answer("Application/JSON; Charset=\"UTF-8\"", "\"x\"", 201, "\"x\"");
    check_answer("application/vnd.api+json; ext=x", "[]", 201, "[]");
    fd = client();
    say_form(fd, JSON, "{}");
    check_response(hear(fd, "{}"), "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
                                   "Content-Length: 2\r\n\r\n{}");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(other_types_are_refused) {
    int fd;

    open_server();
    check_answer("text/plain", "{}", 415, "json: the body is not application/json\n");
    check_answer("application/jsonp", "{}", 415, "json: the body is not application/json\n");
    check_answer("+json", "{}", 415, "json: the body is not application/json\n");
    check_answer(JSON "; charset=utf-16", "{}", 415, "json: the charset is not UTF-8\n");
    check_answer(JSON "\r\nContent-Encoding: gzip", "{}", 415,
                 "json: the body is compressed, which is not taken here\n");
    check_answer(JSON "\r\nContent-Encoding: identity", "{}", 201, "{}");
    check_answer(JSON "; charset", "{}", 400, "json: the Content-Type is malformed\n");
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    hear(fd, "415 ");
    close(fd);
    serving_close();
}
END_TEST

START_TEST(what_is_no_json_is_refused) {
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"", "the body is empty"},
        {"{\"a\":\n  oops}", "line 2, column 6: invalid token near 'oops'"},
        {"{\"a\":1,\"a\":2}", "line 1, column 10: duplicate object key near '\"a\"'"},
        {"{} x", "line 1, column 4: end of file expected near 'x'"},
        {"[1", "line 1, column 2: ']' expected near end of file"},
        {"[\"\\u0000\"]", "line 1, column 9: \\\\u0000 is not allowed without JSON_ALLOW_NUL near "
                          "'\"\\\\u0000\"'"},
        {"[\"\x01\"]", "line 1, column 2: control character 0x1 near '\"'"},
        {"[1e999]", "line 1, column 6: real number overflow near '1e999'"},
        {"[99999999999999999999]", "line 1, column 21: too big integer near "
                                   "'99999999999999999999'"},
        {"\xef\xbb\xbf{}", "line 1, column 1: invalid token near '\xef\xbb\xbf'"},
    };
    char expected[256];

    open_server();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(expected, sizeof(expected), "json: %s\n", cases[i].why);
        check_answer(JSON, cases[i].body, 400, expected);
    }
    serving_close();
}
END_TEST

/* What the parser quotes of the body is escaped, so that a log or terminal can show it. */
START_TEST(quoted_input_is_escaped) {
    static const char *const bodies[] = {"[\xff]", "[a\x1b[31m", "{\"\xc3\x28\":1}"};

    open_server();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const char *heard;
        int fd = client();

        say_form(fd, JSON, bodies[i]);
        heard = strstr(hear(fd, "json: "), "\r\n\r\n");
        ck_assert_ptr_nonnull(heard);
        ck_assert_ptr_null(strchr(heard, '\x1b'));
        ck_assert_ptr_null(strchr(heard, '\xff'));
        ck_assert_ptr_null(strchr(heard, '\xc3'));
        close(fd);
    }
    serving_close();
}
END_TEST

START_TEST(depth_has_a_limit) {
    char body[600], strings[600];

    memset(body, '[', 128);
    memset(body + 128, ']', 128);
    body[256] = '\0';
    open_server();
    check_answer(JSON, body, 201, body);
    memset(body, '[', 129);
    memset(body + 129, ']', 129);
    body[258] = '\0';
    check_answer(JSON, body, 400, "json: the body has more than 128 levels\n");
    /* brackets in strings are none, whatever is escaped there; behind them they are */
    snprintf(strings, sizeof(strings), "[\"\\\"%.200s\",\"\\\\\",\"\\\\\\\"[{\"]",
             (char *)memset(body, '[', 200));
    check_answer(JSON, strings, 201, strings);
    snprintf(strings, sizeof(strings), "[\"\\\\\",%.200s", (char *)memset(body, '{', 200));
    check_answer(JSON, strings, 400, "json: the body has more than 128 levels\n");
    serving_close();
}
END_TEST

static void answer_badly(struct sunpath_http_exchange *exchange, void *user) {
    json_t *json = json_object();

    (void)user;
    json_object_set_new(json, "self", json_object());
    json_object_set(json_object_get(json, "self"), "self", json_object_get(json, "self"));
    ck_assert_int_eq(sunpath_http_respond_json(exchange, 200, NULL), -EINVAL);
    json_object_set(json_object_get(json, "self"), "top", json); /* a circle */
    ck_assert_int_eq(sunpath_http_respond_json(exchange, 200, json), -EINVAL);
    json_object_clear(json_object_get(json, "self"));
    ck_assert_int_eq(sunpath_http_respond_json(exchange, 99, json), -EINVAL);
    ck_assert_int_eq(sunpath_http_respond_json(exchange, 200, json), 0);
    ck_assert_int_eq(sunpath_http_respond_json(exchange, 200, json), -EALREADY);
    json_decref(json);
}

START_TEST(what_cannot_be_written_is_an_error) {
    int fd;

    serving.handler.on_request = answer_badly;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    hear(fd, "{\"self\":{}}");
    close(fd);
    serving_close();
}
END_TEST

SP_TESTS("json-body", json_comes_in_and_goes_out, other_types_are_refused,
         what_is_no_json_is_refused, quoted_input_is_escaped, depth_has_a_limit,
         what_cannot_be_written_is_an_error)
