/* SPDX-License-Identifier: MIT */
/* test-health.c - alive, ready, and why not. */

#include <sunpath/health.h>

#include "http-serving.h"

static struct sunpath_health *health;
static int broken;

static int ask_disk(char *why, size_t n_why, void *user) {
    ck_assert_str_eq(user, "disk");
    if (broken == 1) {
        snprintf(why, n_why, "\"full\"\n");
    }
    return broken ? -1 : 0;
}

static void respond(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    if (strcmp(sunpath_http_path(exchange), "/alive") == 0) {
        sunpath_health_respond_alive(exchange, health);
    } else {
        sunpath_health_respond_ready(exchange, health);
    }
}

static void health_open(void) {
    ck_assert_int_eq(sunpath_health_new(&health), 0);
    serving.handler.on_request = respond;
    serving_open(NULL);
}

static void health_close(void) {
    serving_close();
    health = sunpath_health_free(health);
}

static void check(const char *request, const char *status, const char *body) {
    int fd = client();
    const char *heard;

    say(fd, request);
    heard = hear(fd, "}\n");
    ck_assert_msg(strncmp(heard, status, strlen(status)) == 0, "%s", heard);
    ck_assert_ptr_nonnull(strstr(heard, "Cache-Control: no-store\r\n"));
    ck_assert_str_eq(strstr(heard, "\r\n\r\n") + 4, body);
    close(fd);
}

#define OK          "HTTP/1.1 200 OK\r\n"
#define UNAVAILABLE "HTTP/1.1 503 Service Unavailable\r\n"

START_TEST(checks_decide_whether_it_is_ready) {
    health_open();
    check(GET("/alive"), OK, "{\"status\":\"ok\"}\n");
    check(GET("/ready"), OK, "{\"status\":\"ok\"}\n");
    ck_assert_int_eq(sunpath_health_add(health, "disk", ask_disk, "disk"), 0);
    ck_assert_int_eq(sunpath_health_add(health, "disk", ask_disk, "disk"), -EEXIST);
    ck_assert_int_eq(sunpath_health_add(health, "x", NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_health_set(health, "disk", NULL), -EEXIST);
    ck_assert_int_eq(sunpath_health_set(health, "cache", "warming up"), 0);
    check(GET("/ready"), UNAVAILABLE,
          "{\"status\":\"failed\",\"checks\":{\"disk\":{\"status\":\"ok\"},"
          "\"cache\":{\"status\":\"failed\",\"why\":\"warming up\"}}}\n");
    ck_assert_int_eq(sunpath_health_set(health, "cache", NULL), 0);
    check(GET("/ready"), OK,
          "{\"status\":\"ok\",\"checks\":{\"disk\":{\"status\":\"ok\"},"
          "\"cache\":{\"status\":\"ok\"}}}\n");
    broken = 1;
    check(GET("/ready"), UNAVAILABLE,
          "{\"status\":\"failed\",\"checks\":{\"disk\":{\"status\":\"failed\","
          "\"why\":\"\\\"full\\\"\\\\n\"},\"cache\":{\"status\":\"ok\"}}}\n");
    broken = 2;
    check(GET("/ready"), UNAVAILABLE,
          "{\"status\":\"failed\",\"checks\":{\"disk\":{\"status\":\"failed\","
          "\"why\":\"failed\"},\"cache\":{\"status\":\"ok\"}}}\n");
    check(GET("/alive"), OK, "{\"status\":\"ok\"}\n");
    health_close();
}
END_TEST

START_TEST(a_draining_server_is_not_ready) {
    int fd;

    health_open();
    serving.handler.on_finish = count_finish;
    fd = client();
    say(fd, "POST /ready HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
    settle();
    sunpath_http_server_drain(serving.server, 60000, count_drained, NULL);
    say(fd, "x");
    ck_assert_ptr_nonnull(strstr(hear(fd, NULL), "503 Service Unavailable"));
    close(fd);
    health_close();
}
END_TEST

SP_TESTS("health", checks_decide_whether_it_is_ready, a_draining_server_is_not_ready)
