/* SPDX-License-Identifier: MIT */
/* test-http-uid-limits.c - how many connections and requests one user may have. */

#include "http-serving.h"

#include "os/clock.h"

START_TEST(connections_of_one_user_are_limited) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int first, second, fds[2];

    options.max_connections_per_uid = 2;
    serving_open(&options);
    first = client();
    second = client();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ck_assert_int_eq(sp_http_connection_open(serving.server, fds[0]), -EUSERS);
    ck_assert_ptr_nonnull(strstr(hear(fds[1], NULL), "too many connections of this user\n"));
    close(fds[1]);
    say(first, GET("/still"));
    hear(first, "GET /still");
    close(first);
    settle();
    first = client();
    close(first);
    close(second);
    serving_close();
}
END_TEST

START_TEST(requests_of_one_user_are_limited) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    uint64_t began_ns = sp_now_ns();
    int fd, n_taken = 0;
    char *heard;

    options.max_requests_per_uid_s = 5;
    serving_open(&options);
    fd = client();
    say(fd, GET("/1") GET("/2") GET("/3") GET("/4") GET("/5") GET("/6"));
    heard = hear(fd, NULL);
    ck_assert_ptr_nonnull(strstr(heard, "GET /5"));
    ck_assert_ptr_nonnull(strstr(heard, "429 Too Many Requests\r\n"));
    ck_assert_ptr_nonnull(strstr(heard, "Retry-After: 1\r\nConnection: close\r\n"));
    close(fd);
    while (n_taken < 5) { /* it goes on at five a second, on whatever connection */
        fd = client();
        say(fd, GET("/later") "");
        heard = hear(fd, "\r\n\r\n");
        n_taken += strstr(heard, "200 OK") != NULL;
        close(fd);
        settle();
    }
    ck_assert_uint_ge(sp_now_ns() - began_ns, 900 * SP_NS_PER_MS);
    serving_close();
}
END_TEST

SP_TESTS("http-uid-limits", connections_of_one_user_are_limited, requests_of_one_user_are_limited)
