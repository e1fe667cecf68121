/* SPDX-License-Identifier: MIT */
/* relay-between.h - a relay between two plain sockets of the test's own, and what it told. */

#ifndef TESTS_RELAY_BETWEEN_H
#define TESTS_RELAY_BETWEEN_H

#include <sunpath/relay.h>

#include "loop-turns.h"
#include "messages.h"

static struct sunpath_relay *relay;
static int first, second; /* the peers' ends, non-blocking */
static int n_closes, failed_end;
static struct sunpath_error told;

static inline void on_close(struct sunpath_relay *closed, const struct sunpath_error *error,
                            enum sunpath_relay_end end, void *user) {
    ck_assert_ptr_eq(closed, relay);
    ck_assert_ptr_eq(user, &told);
    ck_assert_int_eq(n_closes++, 0); /* exactly once */
    failed_end = (int)end;
    if (error) {
        told = *error;
    }
}

#define RELAY_OPTIONS(...) \
    (&(struct sunpath_relay_options){.size = sizeof(struct sunpath_relay_options), __VA_ARGS__})

static inline void join(enum sunpath_type first_type, enum sunpath_type second_type,
                        const struct sunpath_relay_options *options) {
    int a[2], b[2];

    n_closes = 0;
    told = (struct sunpath_error){0};
    pair_of(a, first_type);
    pair_of(b, second_type);
    first = a[0];
    second = b[0];
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, a[1], b[1], on_close, &told, options), 0);
}

static inline void part(void) {
    relay = sunpath_relay_close(relay);
    loop = sunpath_loop_close(loop);
    close(first);
    close(second);
}

static inline void send_bytes(int fd, const void *data, size_t size) {
    ck_assert_int_eq(sunpath_send(fd, data, size, NULL), (ssize_t)size);
}

static inline void send_fd(int fd, const char *text, int passed) {
    struct sunpath_send_options options = options_of(&passed, 1);

    ck_assert_int_eq(sunpath_send(fd, text, strlen(text), &options), (ssize_t)strlen(text));
}

/* What is there now, as one message; a negative errno when nothing is. */
static inline ssize_t take(int fd, char *data, size_t n_data) {
    ssize_t n = recv(fd, data, n_data, MSG_DONTWAIT);

    return n < 0 ? -errno : n;
}

static inline void expect(int fd, const char *text) {
    char data[256] = "";
    ssize_t n = take(fd, data, sizeof(data) - 1);

    ck_assert_msg(n == (ssize_t)strlen(text) && strcmp(data, text) == 0, "%zd bytes: '%s'", n,
                  data);
}

/* The next bytes, of at most `size`, and the descriptors with them, which are closed. */
static inline size_t expect_with_fds(int fd, size_t size, const char *text) {
    char data[256] = "";
    int fds[SUNPATH_FDS_MAX];
    struct sunpath_message message = room(data, size, fds, SUNPATH_FDS_MAX);

    ck_assert_int_eq(sunpath_receive(fd, &message), 1);
    ck_assert_msg(message.size == strlen(text) && memcmp(data, text, message.size) == 0,
                  "%zu bytes: '%s'", message.size, data);
    for (size_t i = 0; i < message.n_fds; i++) {
        close(fds[i]);
    }
    return message.n_fds;
}

static inline struct sunpath_relay_counts counts_of(enum sunpath_relay_end end) {
    struct sunpath_relay_counts counts;

    sunpath_relay_count(relay, end, &counts);
    return counts;
}

#endif
