/* SPDX-License-Identifier: MIT */
/* test-relay-way.c - what goes through a relay: boundaries, descriptors, backpressure, limits. */

#include <malloc.h>
#include <sys/mman.h>

#include "relay-between.h"

#define N_MESSAGES 3000

START_TEST(messages_keep_their_boundaries) {
    static char sent[4096], got[8192];

    for (size_t i = 0; i < sizeof(sent); i++) {
        sent[i] = (char)(i * 31 + i / 256);
    }
    for (size_t t = 1; t < 3; t++) {
        int n_got = 0;

        join(types[t], types[t], NULL);
        for (int i = 0; i < N_MESSAGES;) {
            size_t size = (size_t)i * 7919 % sizeof(sent); /* the first one is empty */
            ssize_t n;

            i += sunpath_send(first, sent, size, NULL) == (ssize_t)size;
            run_quiet();
            while (n_got < i && (n = take(second, got, sizeof(got))) != -EAGAIN) {
                ck_assert_int_eq(n, (ssize_t)((size_t)n_got++ * 7919 % sizeof(sent)));
                ck_assert(memcmp(sent, got, (size_t)n) == 0);
            }
        }
        ck_assert_int_eq(n_got, N_MESSAGES);
        ck_assert_uint_eq(counts_of(SUNPATH_RELAY_FIRST).n_messages, N_MESSAGES);
        ck_assert_int_eq(n_closes, 0);
        part();
    }
}
END_TEST

START_TEST(empty_messages_are_not_the_end) {
    char data[8];

    join(SUNPATH_SEQPACKET, SUNPATH_SEQPACKET, NULL);
    send_bytes(second, "", 0);
    send_bytes(second, "x", 1);
    send_bytes(second, "", 0);
    ck_assert_int_eq(sunpath_end(second), 0);
    run_quiet();
    ck_assert_int_eq(sunpath_want_credentials(first, true), 0);
    for (int i = 0; i < 3; i++) {
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);

        ck_assert_int_eq(sunpath_receive(first, &message), 1);
        ck_assert_uint_eq(message.size, i == 1);
    }
    ck_assert_int_eq(take(first, data, sizeof(data)), 0);
    part();
}
END_TEST

/* Whoever never reads holds the sender back, and what the relay keeps is one piece. */
START_TEST(a_peer_that_never_reads_costs_one_piece) {
    static char block[60000];

    for (size_t t = 0; t < 3; t++) {
        size_t n_sent = 0, n_before;
        ssize_t n;

        join(types[t], types[t], NULL);
        run_quiet();
        n_before = mallinfo2().uordblks;
        while ((n = sunpath_send(first, block, sizeof(block), NULL)) > 0) {
            n_sent += (size_t)n;
            run_quiet();
        }
        ck_assert_int_eq(n, -EAGAIN);
        ck_assert_uint_gt(counts_of(SUNPATH_RELAY_FIRST).n_held, 0);
        ck_assert_uint_le(counts_of(SUNPATH_RELAY_FIRST).n_held, 65536);
        ck_assert_uint_le(mallinfo2().uordblks, n_before + 2 * 65536); /* malloc's own included */
        for (size_t n_got = 0; n_got < n_sent; n_got += (size_t)n) {   /* nothing is lost */
            run_quiet();
            n = take(second, block, sizeof(block));
            ck_assert_int_gt(n, 0);
        }
        ck_assert_uint_eq(counts_of(SUNPATH_RELAY_FIRST).n_bytes, n_sent);
        ck_assert_uint_eq(counts_of(SUNPATH_RELAY_FIRST).n_held, 0);
        send_bytes(second, "back", 4);
        run_quiet();
        expect(first, "back");
        part();
    }
}
END_TEST

START_TEST(descriptors_pass_both_ways) {
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    for (size_t t = 0; t < 3; t++) {
        join(types[t], types[t], NULL);
        send_fd(first, "one", file);
        run_quiet();
        ck_assert_uint_eq(expect_with_fds(second, 100, "one"), 1);
        send_bytes(second, "none", 4);
        send_fd(second, "two", file);
        run_quiet();
        ck_assert_uint_eq(expect_with_fds(first, 4, "none"), 0);
        ck_assert_uint_eq(expect_with_fds(first, 100, "two"), 1);
        ck_assert_uint_eq(counts_of(SUNPATH_RELAY_SECOND).n_fds, 1);
        part();
    }
    close(file);
}
END_TEST

/* Held with their message while there is no room, and closed when it is over before there is. */
START_TEST(descriptors_wait_with_their_message) {
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC), n_fds;

    for (size_t t = 0; t < 3; t++) {
        char data[4096];
        int n_in_socket = 0;

        n_fds = fixture_n_fds();
        join(types[t], types[t], NULL);
        while (counts_of(SUNPATH_RELAY_FIRST).n_held == 0) {
            send_fd(first, "fd", file);
            run_quiet();
            n_in_socket++;
        }
        while (take(second, data, 2) > 0) { /* without room for them */
        }
        run_quiet();
        ck_assert_uint_eq(expect_with_fds(second, 2, "fd"), 1);
        ck_assert_uint_eq(counts_of(SUNPATH_RELAY_FIRST).n_fds, (size_t)n_in_socket);
        while (counts_of(SUNPATH_RELAY_FIRST).n_held == 0) {
            send_fd(first, "fd", file);
            run_quiet();
        }
        part();
        ck_assert_int_eq(fixture_n_fds(), n_fds);
    }
    close(file);
}
END_TEST

START_TEST(descriptors_can_be_refused) {
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    for (size_t t = 0; t < 3; t++) {
        join(types[t], types[t], RELAY_OPTIONS(.no_fds = true, .first_name = "the client"));
        send_fd(first, "one", file);
        run_until(n_closes == 1);
        ck_assert_int_eq(told.code, -ETOOMANYREFS);
        ck_assert_int_eq(failed_end, SUNPATH_RELAY_FIRST);
        ck_assert_str_eq(told.text,
                         "relay: the client sent descriptors, which are not let through");
        part();
    }
    close(file);
}
END_TEST

START_TEST(messages_over_a_limit_end_it) {
    static char data[300000];
    int size = 4096; /* doubled by the kernel: socket(7) */

    join(SUNPATH_SEQPACKET, SUNPATH_SEQPACKET, RELAY_OPTIONS(.max_message = 1000));
    send_bytes(first, data, 1000);
    send_bytes(first, data, 1001);
    run_until(n_closes == 1);
    ck_assert_int_eq(told.code, -EMSGSIZE);
    ck_assert_int_eq(failed_end, SUNPATH_RELAY_FIRST);
    ck_assert_str_eq(told.text,
                     "relay: the first end: message 2: its 1001 bytes are over the limit of 1000");
    ck_assert_int_eq(take(second, data, sizeof(data)), 1000);
    part();

    for (int i = 0; i < 2; i++) {
        int a[2], b[2];

        n_closes = 0;
        pair_of(a, SUNPATH_SEQPACKET);
        pair_of(b, SUNPATH_SEQPACKET);
        first = a[0];
        second = b[0];
        ck_assert_int_eq(setsockopt(b[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
        ck_assert_int_eq(sunpath_loop_open(&loop), 0);
        ck_assert_int_eq(sunpath_relay_open(&relay, loop, a[1], b[1], on_close, &told, NULL), 0);
        send_bytes(first, data, 100000);
        run_until(n_closes == 1);
        ck_assert_int_eq(told.code, -EMSGSIZE);
        ck_assert_int_eq(failed_end, SUNPATH_RELAY_SECOND);
        ck_assert_str_eq(told.text, "relay: the first end: message 1: its 100000 bytes are more "
                                    "than the send buffer towards the second end holds");
        part();
    }
}
END_TEST

/* As a logger's: everybody sends to the one, all of it goes to the other. */
START_TEST(datagrams_of_everybody_go_to_one) {
    struct sunpath_connect_options options = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "log"};
    int pair[2], bound = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), senders[2];

    options.type = SUNPATH_DGRAM;
    ck_assert_int_eq(bind(bound, (struct sockaddr *)&name, sizeof(name)), 0);
    pair_of(pair, SUNPATH_DGRAM);
    second = pair[0];
    n_closes = 0;
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, bound, pair[1], on_close, &told, NULL), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sunpath_connect(&senders[i], "./log", &options, NULL), 0);
        send_bytes(senders[i], i == 0 ? "a" : "", (size_t)(i == 0));
        run_quiet();
        expect(second, i == 0 ? "a" : "");
        close(senders[i]);
    }
    send_bytes(second, "to nobody", 9); /* who could it be for? */
    run_quiet();
    ck_assert_int_eq(n_closes, 0);
    first = -1;
    part();
}
END_TEST

SP_TESTS("relay-way", messages_keep_their_boundaries, empty_messages_are_not_the_end,
         a_peer_that_never_reads_costs_one_piece, descriptors_pass_both_ways,
         descriptors_wait_with_their_message, descriptors_can_be_refused,
         messages_over_a_limit_end_it, datagrams_of_everybody_go_to_one)
