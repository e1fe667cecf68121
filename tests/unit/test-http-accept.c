/* SPDX-License-Identifier: MIT */
/* test-http-accept.c - what a client would like best of what a handler has to offer. */

#include "http-serving.h"

static void choose(struct sunpath_http_exchange *exchange, void *user) {
    const char *type =
        sunpath_http_accepts(exchange, "application/json", "text/html", "text/plain", NULL);
    const char *language = sunpath_http_accepts_language(exchange, "en", "de", NULL);

    (void)user;
    ck_assert_ptr_null(sunpath_http_accepts(exchange, NULL));
    note("%s %s;", type ? type : "none", language ? language : "none");
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, NULL, 0), 0);
}

START_TEST(the_client_chooses) {
    static const struct {
        const char *fields, *chosen;
    } cases[] = {
        {"", "application/json en;"},
        {"Accept: */*\r\n", "application/json en;"},
        {"Accept: text/html;q=.5,application/json\r\n", "application/json en;"},
        {"Accept: text/*\r\nAccept-Language: de-CH, en;q=0.5\r\n", "text/html de;"},
        {"Accept: image/png\r\nAccept: text/plain\r\n", "text/plain en;"},
        {"accept: image/png\r\nAccept-Language: fr\r\n", "none none;"},
    };

    serving.handler.on_request = choose;
    serving_open(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = client();

        serving.log[0] = '\0';
        say(fd, "GET / HTTP/1.1\r\nHost: x\r\n");
        say(fd, cases[i].fields);
        say(fd, "\r\n");
        hear(fd, "\r\n\r\n");
        ck_assert_str_eq(serving.log, cases[i].chosen);
        close(fd);
    }
    serving_close();
}
END_TEST

SP_TESTS("http-accept", the_client_chooses)
