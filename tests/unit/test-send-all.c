/* SPDX-License-Identifier: MIT */
/* test-send-all.c - all is sent, or the deadline passes. */

#include "sock/send-all.h"

#include <pthread.h>

#include "messages.h"
#include "os/clock.h"

#define PLENTY_MS 60000

START_TEST(waiting_ends) {
    int fds[2];

    pair_of(fds, SUNPATH_STREAM);
    ck_assert_int_eq(sp_wait_until(fds[0], POLLOUT, sp_deadline_ns(0)), 0);
    ck_assert_int_eq(sp_wait_until(fds[0], POLLIN, sp_deadline_ns(1)), -ETIMEDOUT);
    ck_assert_int_eq(sunpath_send(fds[1], "x", 1, NULL), 1);
    ck_assert_int_eq(sp_wait_until(fds[0], POLLIN, SP_NEVER), 0);
    close_pair(fds);
}
END_TEST

/* Reads until the end, or until as many messages came as bytes were asked for. */
static void *drain(void *argument) {
    const int *fd = argument;
    static char data[1 << 16];
    size_t n_bytes = 0;

    for (;;) {
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int r = sunpath_receive(*fd, &message);

        if (r == -EAGAIN) {
            ck_assert_int_eq(sp_wait_until(*fd, POLLIN, sp_deadline_ns(PLENTY_MS)), 0);
        } else if (r == 0 || (r == 1 && message.size == 1)) {
            return (void *)n_bytes;
        } else {
            ck_assert_int_eq(r, 1);
            n_bytes += message.size;
        }
    }
}

START_TEST(a_slow_reader_gets_everything) {
    for (int i = 0; i < 3; i++) {
        size_t size = types[i] == SUNPATH_STREAM ? 3 << 20 : 30000, n = 40;
        char *data = calloc(1, size);
        pthread_t reader;
        void *n_read;
        int fds[2];

        n = types[i] == SUNPATH_STREAM ? 1 : n;
        pair_of(fds, types[i]);
        ck_assert_int_eq(pthread_create(&reader, NULL, drain, &fds[1]), 0);
        for (size_t j = 0; j < n; j++) {
            ck_assert_int_eq(sp_send_all(fds[0], data, size, NULL, sp_deadline_ns(PLENTY_MS)), 0);
        }
        if (types[i] == SUNPATH_STREAM) {
            ck_assert_int_eq(sunpath_end(fds[0]), 0);
        } else {
            ck_assert_int_eq(sp_send_all(fds[0], "x", 1, NULL, sp_deadline_ns(PLENTY_MS)), 0);
        }
        ck_assert_int_eq(pthread_join(reader, &n_read), 0);
        ck_assert_uint_eq((size_t)n_read, n * size);
        close_pair(fds);
        free(data);
    }
}
END_TEST

START_TEST(a_reader_that_does_not_read) {
    for (int i = 0; i < 3; i++) {
        static char data[10000];
        int gone = types[i] == SUNPATH_STREAM      ? -EPIPE
                   : types[i] == SUNPATH_SEQPACKET ? -ECONNRESET
                                                   : -ECONNREFUSED;
        int fds[2], r;

        pair_of(fds, types[i]);
        do {
            r = sp_send_all(fds[0], data, sizeof(data), NULL, sp_deadline_ns(0));
        } while (r == 0);
        ck_assert_int_eq(r, -ETIMEDOUT);
        close(fds[1]);
        /* it left with our bytes unread */
        ck_assert_int_eq(sp_send_all(fds[0], data, sizeof(data), NULL, sp_deadline_ns(PLENTY_MS)),
                         gone);
        close(fds[0]);
    }
}
END_TEST

/* They go with the first of the bytes, and once. */
START_TEST(descriptors_go_once) {
    static char data[1 << 20];
    int sent = STDERR_FILENO, fds[2], got[4];
    struct sunpath_send_options options = options_of(&sent, 1);
    char first[8];
    struct sunpath_message message = room(first, sizeof(first), got, 4);
    pthread_t reader;

    pair_of(fds, SUNPATH_STREAM);
    ck_assert_int_eq(sp_send_all(fds[0], data, sizeof(data), &options, sp_deadline_ns(0)),
                     -ETIMEDOUT);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert_uint_eq(message.n_fds, 1);
    close(got[0]);
    ck_assert_int_eq(pthread_create(&reader, NULL, drain, &fds[1]), 0);
    ck_assert_int_eq(sunpath_end(fds[0]), 0);
    ck_assert_int_eq(pthread_join(reader, NULL), 0);
    close_pair(fds);
}
END_TEST

SP_TESTS("send-all", waiting_ends, a_slow_reader_gets_everything, a_reader_that_does_not_read,
         descriptors_go_once)
