/* SPDX-License-Identifier: MIT */
/* test-metrics-server.c - what is counted of servers. */

#include <sunpath/metrics.h>

#include "routing.h"

static struct sunpath_metrics *metrics;

static void check(const char *line) {
    char with_ends[256], *text;
    size_t size;

    ck_assert_int_eq(sunpath_metrics_text(metrics, &text, &size), 0);
    snprintf(with_ends, sizeof(with_ends), "\n%s\n", line);
    ck_assert_msg(strstr(text, with_ends) != NULL, "%s in\n%s", line, text);
    free(text);
}

static void ask(const char *text, const char *until) {
    int fd = client();

    say(fd, text);
    hear(fd, until);
    close(fd);
    settle();
}

static void metrics_open(const struct sunpath_http_server_options *options) {
    serving_open(options);
    ck_assert_int_eq(sunpath_metrics_new(&metrics, NULL), 0);
    ck_assert_int_eq(sunpath_metrics_attach(metrics, serving.server), 0);
}

START_TEST(requests_are_counted) {
    metrics_open(NULL);
    ask(GET("/1") GET("/2"), "GET /2 ");
    ask("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "BREW / ");
    ask("nonsense\r\n\r\n", "400 Bad Request");
    check("sunpath_http_requests_total{method=\"GET\",code=\"200\",route=\"\"} 2");
    check("sunpath_http_requests_total{method=\"other\",code=\"200\",route=\"\"} 1");
    check("sunpath_http_requests_total{method=\"other\",code=\"400\",route=\"\"} 1");
    check("sunpath_http_request_duration_seconds_count{route=\"\"} 4");
    check("sunpath_http_request_duration_seconds_bucket{route=\"\",le=\"+Inf\"} 4");
    check("sunpath_http_refused_requests_total 1");
    check("sunpath_http_connections 0");
    check("sunpath_http_handler_faults_total 0");
    sunpath_metrics_detach(metrics, serving.server);
    serving.server = sunpath_http_server_free(serving.server);
    check("sunpath_http_refused_requests_total 1"); /* what was counted stays */
    serving_close();
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

static void answer_twice(struct sunpath_http_exchange *exchange, void *user) {
    echo(exchange, user);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "", 0), -EALREADY);
}

START_TEST(faults_and_what_is_under_way_are_counted) {
    int fd;

    serving.handler.on_request = answer_twice;
    metrics_open(NULL);
    ask(GET("/"), "GET / ");
    check("sunpath_http_handler_faults_total 1");
    serving.handler.on_request = hold;
    fd = client();
    say(fd, GET("/"));
    settle();
    check("sunpath_http_requests_in_flight 1");
    check("sunpath_http_connections 1");
    close(fd);
    settle();
    check("sunpath_http_requests_in_flight 0");
    check("sunpath_http_requests_total{method=\"GET\",code=\"0\",route=\"\"} 1");
    serving_close();
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

START_TEST(refusals_are_counted_for_the_user) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    char line[128];

    options.max_requests_per_uid_s = 1;
    metrics_open(&options);
    ask(GET("/"), "GET / ");
    ask(GET("/"), "429 Too Many Requests");
    snprintf(line, sizeof(line), "sunpath_http_refused_by_uid_total{uid=\"%u\"} 1",
             (unsigned)getuid());
    check(line);
    serving_close();
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

static void respond_with_metrics(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_metrics_respond(exchange, metrics);
}

START_TEST(the_handler_answers_in_the_format) {
    const char *heard;
    int fd;

    serving.handler.on_request = respond_with_metrics;
    metrics_open(NULL);
    fd = client();
    say(fd, GET("/metrics"));
    heard = hear(fd, "sunpath_http_handler_faults_total 0\n");
    ck_assert_ptr_nonnull(
        strstr(heard, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(heard, "\nsunpath_http_requests_in_flight 1\n"));
    close(fd);
    serving_close();
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

START_TEST(routes_are_told_apart_and_paths_are_not) {
    router = new_router(false, false);
    on(router, "GET /users/:id");
    ck_assert_int_eq(sunpath_metrics_new(&metrics, NULL), 0);
    ck_assert_int_eq(sunpath_router_on(router, "GET /metrics", sunpath_metrics_respond, metrics),
                     0);
    routing_open(NULL);
    ck_assert_int_eq(sunpath_metrics_attach(metrics, serving.server), 0);
    ask(GET("/users/1") GET("/users/2"), "id=2");
    ask(GET("/nobody"), "404 Not Found");
    ask(GET("/metrics"), "\nsunpath_http_requests_total{method=\"GET\",code=\"200\","
                         "route=\"/users/:id\"} 2\n");
    check("sunpath_http_requests_total{method=\"GET\",code=\"404\",route=\"\"} 1");
    check("sunpath_http_requests_total{method=\"GET\",code=\"200\",route=\"/metrics\"} 1");
    routing_close();
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

SP_TESTS("metrics-server", requests_are_counted, faults_and_what_is_under_way_are_counted,
         refusals_are_counted_for_the_user, the_handler_answers_in_the_format,
         routes_are_told_apart_and_paths_are_not)
