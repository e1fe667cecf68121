/* SPDX-License-Identifier: MIT */
/* test-cors.c - what pages of other origins are told. */

#include <sunpath/cors.h>

#include "routing.h"

static struct sunpath_cors *cors;
static struct sunpath_cors_options options = {.size = sizeof(struct sunpath_cors_options)};

static void respond(struct sunpath_http_exchange *exchange, void *user) {
    int r = sunpath_cors_apply(cors, exchange);

    ck_assert_int_ge(r, 0);
    if (r == 0) {
        echo(exchange, user);
    }
}

static void cors_open(const char *const *origins) {
    options.origins = origins;
    ck_assert_int_eq(sunpath_cors_new(&cors, &options), 0);
    serving.handler.on_request = respond;
    serving_open(NULL);
}

static void cors_close(void) {
    serving_close();
    cors = sunpath_cors_free(cors);
}

/* `expected` is all of the head between the status and the body's type or the end, but the date. */
static void check(const char *method, const char *headers, const char *expected) {
    char answer[1024];
    int fd = client();
    const char *heard;

    say(fd, method);
    say(fd, " / HTTP/1.1\r\nHost: x\r\n");
    say(fd, headers);
    say(fd, "\r\n");
    if (strcmp(method, "OPTIONS") == 0) {
        heard = hear(fd, "\r\n\r\n");
        snprintf(answer, sizeof(answer), "HTTP/1.1 204 No Content\r\n%s\r\n", expected);
    } else {
        heard = hear(fd, "GET / ");
        snprintf(answer, sizeof(answer),
                 "HTTP/1.1 200 OK\r\n%sContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nGET / ",
                 expected);
    }
    check_response(heard, answer);
    close(fd);
}

#define PREFLIGHT(origin)                                          \
    "Origin: " origin "\r\nAccess-Control-Request-Method: PUT\r\n" \
    "Access-Control-Request-Headers: x-a, x-b\r\n"
#define VARY "Vary: Access-Control-Request-Method, Access-Control-Request-Headers\r\n"

START_TEST(named_origins_are_let_in) {
    const char *origins[] = {"https://a.example", "https://*.b.example:8443", "null", NULL};

    options.expose = "X-Total";
    options.allows_credentials = true;
    options.max_age_s = 600;
    cors_open(origins);
    check("GET", "", "Vary: Origin\r\n");
    check("GET", "Origin: https://evil.example\r\n", "Vary: Origin\r\n");
    check("GET", "Origin: http://a.example\r\n", "Vary: Origin\r\n");
    check("GET", "Origin: https://a.example.evil\r\n", "Vary: Origin\r\n");
    check("GET", "Origin: https://b.example:8443\r\n", "Vary: Origin\r\n");
    check("GET", "Origin: https://evil-b.example:8443\r\n", "Vary: Origin\r\n");
    check("GET", "Origin: https://x.b.example\r\n", "Vary: Origin\r\n");
    check("GET", "Origin: https://a.example\r\n",
          "Vary: Origin\r\nAccess-Control-Allow-Origin: https://a.example\r\n"
          "Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: X-Total\r\n");
    check("GET", "Origin: https://x.y.b.example:8443\r\n",
          "Vary: Origin\r\nAccess-Control-Allow-Origin: https://x.y.b.example:8443\r\n"
          "Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: X-Total\r\n");
    check("OPTIONS", PREFLIGHT("null"),
          "Vary: Origin\r\nAccess-Control-Allow-Origin: null\r\n"
          "Access-Control-Allow-Credentials: true\r\n" VARY
          "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE\r\n"
          "Access-Control-Allow-Headers: x-a, x-b\r\nAccess-Control-Max-Age: 600\r\n");
    check("OPTIONS", PREFLIGHT("https://evil.example"), "Vary: Origin\r\n" VARY);
    cors_close();
}
END_TEST

START_TEST(all_may_be_let_in) {
    const char *origins[] = {"*", NULL};

    options.methods = "GET";
    options.headers = "X-Mine";
    cors_open(origins);
    check("GET", "", "");
    check("GET", "Origin: https://a.example\r\n", "Access-Control-Allow-Origin: *\r\n");
    check("OPTIONS", PREFLIGHT("https://a.example"),
          "Access-Control-Allow-Origin: *\r\n" VARY "Access-Control-Allow-Methods: GET\r\n"
          "Access-Control-Allow-Headers: X-Mine\r\n");
    cors_close();
}
END_TEST

START_TEST(options_without_a_preflight_are_the_handlers) {
    const char *origins[] = {"*", NULL};
    int fd;

    cors_open(origins);
    fd = client();
    say(fd, "OPTIONS / HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n");
    hear(fd, "OPTIONS / ");
    close(fd);
    cors_close();
}
END_TEST

START_TEST(it_is_a_middleware) {
    const char *origins[] = {"*", NULL};
    int fd;

    options.origins = origins;
    ck_assert_int_eq(sunpath_cors_new(&cors, &options), 0);
    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_use(router, NULL, sunpath_cors_middleware, cors), 0);
    on(router, "PUT /x");
    routing_open(NULL);
    fd = client();
    say(fd, "OPTIONS /x HTTP/1.1\r\nHost: x\r\n" PREFLIGHT("https://a.example") "\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, "\r\n\r\n"), "Access-Control-Allow-Methods: GET,"));
    say(fd, "PUT /x HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd, "- /x ["), "Access-Control-Allow-Origin: *\r\n"));
    say(fd, "OPTIONS /x HTTP/1.1\r\nHost: x\r\n\r\n"); /* no preflight: the router's own answer */
    hear(fd, "Allow: ");
    close(fd);
    routing_close();
    cors = sunpath_cors_free(cors);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused) {
    const char *bad[] = {"",     "a.example",  "https://", "https://a/b", "https://a b",
                         "://a", "https://a\n"};
    const char *origins[] = {NULL, NULL};

    ck_assert_int_eq(sunpath_cors_new(&cors, NULL), -EINVAL);
    options.origins = origins;
    ck_assert_int_eq(sunpath_cors_new(&cors, &options), -EINVAL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        origins[0] = bad[i];
        ck_assert_msg(sunpath_cors_new(&cors, &options) == -EINVAL, "%s", bad[i]);
    }
    origins[0] = "*";
    options.allows_credentials = true;
    ck_assert_int_eq(sunpath_cors_new(&cors, &options), -EINVAL);
    options.allows_credentials = false;
    options.expose = "a\r\nb";
    ck_assert_int_eq(sunpath_cors_new(&cors, &options), -EINVAL);
}
END_TEST

SP_TESTS("cors", named_origins_are_let_in, all_may_be_let_in,
         options_without_a_preflight_are_the_handlers, it_is_a_middleware,
         what_makes_no_sense_is_refused)
