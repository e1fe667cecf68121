/* SPDX-License-Identifier: MIT */
/* test-message.c - bytes and descriptors in both directions, and every limit. */

#include "messages.h"

START_TEST(pairs_are_fit_for_use) {
    for (int i = 0; i < 3; i++) {
        int fds[2];

        pair_of(fds, types[i]);
        for (int j = 0; j < 2; j++) {
            ck_assert_int_eq(fcntl(fds[j], F_GETFD), FD_CLOEXEC);
            ck_assert(fcntl(fds[j], F_GETFL) & O_NONBLOCK);
        }
        close_pair(fds);
    }
    ck_assert_int_eq(sunpath_socketpair((int[2]){0}, (enum sunpath_type)99), -EINVAL);
}
END_TEST

START_TEST(adopting) {
    int fds[2], file = open(".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(sunpath_adopt(fds[0]), 0);
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    ck_assert(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    ck_assert_int_eq(sunpath_adopt(file), -ENOTSOCK);
    ck_assert_int_eq(sunpath_adopt(-1), -EBADF);
    close_pair(fds);
    close(file);
}
END_TEST

START_TEST(bytes_there_and_back) {
    for (int i = 0; i < 3; i++) {
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int fds[2];

        pair_of(fds, types[i]);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EAGAIN);
        ck_assert_int_eq(sunpath_send(fds[0], "hello", 5, NULL), 5);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_uint_eq(message.size, 5);
        ck_assert_mem_eq(data, "hello", 5);
        ck_assert(!message.has_credentials && !message.has_sender && message.n_fds == 0);
        ck_assert_int_eq(sunpath_send(fds[1], "you", 3, NULL), 3);
        ck_assert_int_eq(sunpath_receive(fds[0], &message), 1);
        ck_assert_mem_eq(data, "you", 3);
        close_pair(fds);
    }
}
END_TEST

START_TEST(half_close) {
    for (int i = 0; i < 2; i++) {
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int fds[2];

        pair_of(fds, types[i]);
        ck_assert_int_eq(sunpath_end(fds[0]), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 0);
        ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), -EPIPE); /* and no SIGPIPE */
        ck_assert_int_eq(sunpath_send(fds[1], "x", 1, NULL), 1);
        ck_assert_int_eq(sunpath_receive(fds[0], &message), 1);
        close_pair(fds);
    }
    ck_assert_int_eq(sunpath_end(-1), -EBADF);
}
END_TEST

START_TEST(a_peer_that_left) {
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), NULL, 0);
    int fds[2];

    pair_of(fds, SUNPATH_STREAM);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), 1);
    close(fds[1]);
    ck_assert_int_eq(sunpath_receive(fds[0], &message), -ECONNRESET);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), -EPIPE);
    close(fds[0]);
    pair_of(fds, SUNPATH_SEQPACKET); /* there whoever asks first hears of it, also who sends */
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), 1);
    close(fds[1]);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), -ECONNRESET);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), -EPIPE);
    ck_assert_int_eq(sunpath_receive(fds[0], &message), 0);
    close(fds[0]);
    pair_of(fds, SUNPATH_DGRAM);
    close(fds[1]);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), -ECONNREFUSED);
    close(fds[0]);
    ck_assert_int_eq(sunpath_send(-1, "x", 1, NULL), -EBADF);
    ck_assert_int_eq(sunpath_receive(-1, &message), -EBADF);
}
END_TEST

START_TEST(full_queues_and_large_messages) {
    size_t size = 1 << 20;
    char *data = calloc(1, size);

    for (int i = 0; i < 3; i++) {
        ssize_t n;
        int fds[2];

        pair_of(fds, types[i]);
        if (types[i] != SUNPATH_STREAM) {
            ck_assert_int_eq(sunpath_send(fds[0], data, size, NULL), -EMSGSIZE);
        }
        do {
            n = sunpath_send(fds[0], data, 10000, NULL);
        } while (n > 0);
        ck_assert_int_eq(n, -EAGAIN);
        close_pair(fds);
    }
    free(data);
}
END_TEST

START_TEST(descriptors_on_every_type) {
    int file = open(".", O_RDONLY | O_CLOEXEC | O_DIRECTORY), pipe_fds[2];

    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    for (int i = 0; i < 6; i++) {
        const int sent[] = {file, pipe_fds[0], pipe_fds[1]};
        struct sunpath_send_options options = options_of(sent, 3);
        int fds[2], got[3], from = i % 2;
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), got, 3);

        pair_of(fds, types[i / 2]);
        ck_assert_int_eq(sunpath_send(fds[from], "abc", 3, &options), 3);
        ck_assert_int_eq(sunpath_receive(fds[!from], &message), 1);
        ck_assert_uint_eq(message.size, 3);
        ck_assert_uint_eq(message.n_fds, 3);
        for (int j = 0; j < 3; j++) {
            ck_assert(is_same_file(got[j], sent[j]));
            ck_assert_int_eq(fcntl(got[j], F_GETFD), FD_CLOEXEC);
            close(got[j]);
        }
        close_pair(fds);
    }
    close(file);
    close_pair(pipe_fds);
}
END_TEST

/* Sends `n_fds` to a receiver that takes `max` (-1: refuses them all). */
static void over_the_cap(enum sunpath_type type, size_t n_fds, int max, bool has_credentials) {
    struct sunpath_send_options options;
    int fds[2], sent[SUNPATH_FDS_MAX], got[SUNPATH_FDS_MAX], before;
    char data[8];
    struct sunpath_message message =
        room(data, sizeof(data), max < 0 ? NULL : got, max < 0 ? 9 : (size_t)max);
    int want = (int)n_fds <= max ? 1 : -ETOOMANYREFS;

    for (size_t i = 0; i < n_fds; i++) {
        sent[i] = STDERR_FILENO;
    }
    options = options_of(sent, n_fds);
    pair_of(fds, type);
    ck_assert_int_eq(sunpath_want_credentials(fds[1], has_credentials), 0);
    before = fixture_n_fds();
    ck_assert_int_eq(sunpath_send(fds[0], "abc", 3, &options), 3);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), want);
    ck_assert_uint_eq(message.size, 3);
    ck_assert_mem_eq(data, "abc", 3);
    ck_assert_int_eq(message.has_credentials, has_credentials);
    ck_assert_uint_eq(message.n_fds, want == 1 ? n_fds : 0);
    for (size_t i = 0; i < message.n_fds; i++) {
        close(got[i]);
    }
    ck_assert_int_eq(fixture_n_fds(), before); /* what was too much is closed */
    close_pair(fds);
}

START_TEST(caps) {
    for (int i = 0; i < 6; i++) {
        over_the_cap(types[i / 2], 1, -1, i % 2);
        over_the_cap(types[i / 2], 12, -1, i % 2);
        over_the_cap(types[i / 2], 1, 0, i % 2);
        over_the_cap(types[i / 2], 1, 1, i % 2);
        over_the_cap(types[i / 2], 2, 1, i % 2);
        over_the_cap(types[i / 2], 4, 3, i % 2);
        over_the_cap(types[i / 2], 12, 3, i % 2);
        over_the_cap(types[i / 2], SUNPATH_FDS_MAX, SUNPATH_FDS_MAX, i % 2);
        over_the_cap(types[i / 2], SUNPATH_FDS_MAX, SUNPATH_FDS_MAX - 1, i % 2);
    }
}
END_TEST

START_TEST(what_cannot_be_sent) {
    int fds[2], sent[SUNPATH_FDS_MAX + 1] = {0}, bad = 999;
    struct sunpath_send_options options = options_of(sent, SUNPATH_FDS_MAX + 1);

    pair_of(fds, SUNPATH_STREAM);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), -EINVAL);
    options = options_of(NULL, 1);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), -EINVAL);
    options = options_of(sent, 1);
    ck_assert_int_eq(sunpath_send(fds[0], "", 0, &options), -EINVAL); /* it would be lost */
    options = options_of(&bad, 1);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), -EBADF);
    options.size = 0;
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), -EINVAL);
    close_pair(fds);
}
END_TEST

START_TEST(an_empty_packet_carries_descriptors) {
    for (int i = 1; i < 3; i++) {
        int fds[2], sent = STDERR_FILENO, got;
        struct sunpath_send_options options = options_of(&sent, 1);
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), &got, 1);

        pair_of(fds, types[i]);
        ck_assert_int_eq(sunpath_send(fds[0], NULL, 0, &options), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert(message.size == 0 && message.n_fds == 1);
        close(got);
        close_pair(fds);
    }
}
END_TEST

/* Taken for the end, it would leave its descriptor with nobody to close it. */
START_TEST(an_empty_packet_with_descriptors_is_not_the_end) {
    int fds[2], sent = STDERR_FILENO, got = -1;
    struct sunpath_send_options options = options_of(&sent, 1);
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), &got, 1);

    pair_of(fds, SUNPATH_SEQPACKET);
    ck_assert_int_eq(sunpath_send(fds[0], NULL, 0, &options), 0);
    ck_assert_int_eq(sunpath_end(fds[0]), 0);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert(message.size == 0 && message.n_fds == 1);
    close(got);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 0);
    ck_assert_uint_eq(message.n_fds, 0);
    close_pair(fds);
}
END_TEST

START_TEST(no_room_for_descriptors_in_this_process) {
    for (int i = 0; i < 3; i++) {
        int fds[2], sent[] = {0, 0, 0, 0}, got[4], before, highest;
        struct sunpath_send_options options = options_of(sent, 4);
        struct rlimit limit, low;
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), got, 4);

        pair_of(fds, types[i]);
        before = fixture_n_fds();
        ck_assert_int_eq(sunpath_send(fds[0], "abc", 3, &options), 3);
        highest = dup(0); /* the lowest number that is free */
        close(highest);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        low = limit;
        low.rlim_cur = (rlim_t)highest + 2; /* two of four fit */
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -ETOOMANYREFS);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_uint_eq(message.n_fds, 0);
        ck_assert_mem_eq(data, "abc", 3);
        ck_assert_int_eq(fixture_n_fds(), before);
        close_pair(fds);
    }
}
END_TEST

START_TEST(a_message_that_does_not_fit_is_gone) {
    for (int i = 1; i < 3; i++) {
        int fds[2], sent[] = {0, 0}, got[2], before;
        struct sunpath_send_options options = options_of(sent, 2);
        char data[4];
        struct sunpath_message message = room(data, sizeof(data), got, 2);

        pair_of(fds, types[i]);
        before = fixture_n_fds();
        ck_assert_int_eq(sunpath_send(fds[0], "too long", 8, NULL), 8);
        ck_assert_int_eq(sunpath_send(fds[0], "too long", 8, &options), 8);
        ck_assert_int_eq(sunpath_send(fds[0], "too long", 8, &options), 8);
        ck_assert_int_eq(sunpath_send(fds[0], "fits", 4, NULL), 4);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EMSGSIZE);
        ck_assert_uint_eq(message.size, 8);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EMSGSIZE);
        message.max_fds = 1; /* cut and over the cap: cut is the worse */
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EMSGSIZE);
        ck_assert_uint_eq(message.size, 8);
        ck_assert_uint_eq(message.n_fds, 0);
        ck_assert_int_eq(fixture_n_fds(), before);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_mem_eq(data, "fits", 4);
        message.n_data = 0;
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EINVAL);
        close_pair(fds);
    }
}
END_TEST

START_TEST(an_empty_packet_is_not_the_end) {
    for (int with_credentials = 0; with_credentials < 2; with_credentials++) {
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int fds[2];

        pair_of(fds, SUNPATH_SEQPACKET);
        ck_assert_int_eq(sunpath_want_credentials(fds[1], with_credentials), 0);
        ck_assert_int_eq(sunpath_send(fds[0], "", 0, NULL), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_uint_eq(message.size, 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EAGAIN);

        ck_assert_int_eq(sunpath_send(fds[0], "", 0, NULL), 0);
        ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), 1);
        ck_assert_int_eq(sunpath_send(fds[0], "", 0, NULL), 0);
        close(fds[0]);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1); /* there is more behind it */
        ck_assert_uint_eq(message.size, 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_uint_eq(message.size, 1);
        /* the last one is known by its credentials alone */
        ck_assert_int_eq(sunpath_receive(fds[1], &message), with_credentials);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 0);
        close(fds[1]);
    }
}
END_TEST

START_TEST(an_empty_datagram_is_a_message) {
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), NULL, 0);
    int fds[2];

    pair_of(fds, SUNPATH_DGRAM);
    ck_assert_int_eq(sunpath_send(fds[0], NULL, 0, NULL), 0);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert_uint_eq(message.size, 0);
    close_pair(fds);
}
END_TEST

SP_TESTS("message", pairs_are_fit_for_use, adopting, bytes_there_and_back, half_close,
         a_peer_that_left, full_queues_and_large_messages, descriptors_on_every_type, caps,
         what_cannot_be_sent, an_empty_packet_carries_descriptors,
         an_empty_packet_with_descriptors_is_not_the_end, no_room_for_descriptors_in_this_process,
         a_message_that_does_not_fit_is_gone, an_empty_packet_is_not_the_end,
         an_empty_datagram_is_a_message)
