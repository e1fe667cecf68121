/* SPDX-License-Identifier: MIT */
/* test-router-error.c - what an error looks like when no error stage answers. */

#include "routing.h"

static void refuse(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_http_fail(exchange, 422, user), 0);
}

START_TEST(errors_are_text_or_json) {
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_on(router, "GET /a", refuse, "\"x\" is\tno number \xc3\xa9"),
                     0);
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /a"), "422 \"x\" is\tno number \xc3\xa9");
    ck_assert_str_eq(answer_with("GET /a", "Accept: application/json\r\n"),
                     "422 {\"status\":422,\"error\":\"\\\"x\\\" is\\\\tno number \xc3\xa9\"}");
    ck_assert_str_eq(answer_with("GET /b", "Accept: application/json, text/plain, */*\r\n"),
                     "404 {\"status\":404,\"error\":\"Not Found\"}");
    ck_assert_str_eq(answer_with("GET /b", "Accept: text/html, */*;q=0.8\r\n"), "404 Not Found");
    ck_assert_str_eq(answer_with("GET /b", "Accept: image/png\r\n"), "404 Not Found");
    ck_assert_ptr_nonnull(strstr(response("GET /b", "Accept: application/json\r\n"),
                                 "\r\nVary: Accept\r\nConnection: close\r\n"
                                 "Content-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(response("PUT /a", ""), "\r\nVary: Accept\r\n"));
    routing_close();
}
END_TEST

SP_TESTS("router-error", errors_are_text_or_json)
