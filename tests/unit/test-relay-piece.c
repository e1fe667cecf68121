/* SPDX-License-Identifier: MIT */
/* test-relay-piece.c - descriptors among bytes: they come out with the byte they went in with. */

#include "flow/relay-piece.h"
#include "relay-between.h"

#define N_MAX 20000

static char sent[N_MAX + 16], got[65536];

START_TEST(a_piece_knows_where_its_descriptors_were) {
    static const size_t before[] = {0, 1, 2, 3, 100, 4000, N_MAX};
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC), pair[2];

    memset(sent, '.', sizeof(sent));
    pair_of(pair, SUNPATH_STREAM);
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        int fds[2];
        struct sunpath_message message = room(got, sizeof(got), fds, 2);
        size_t at;

        ck_assert_int_eq(sp_piece_receive(pair[1], &message, &at), -EAGAIN);
        if (before[i] > 0) {
            send_bytes(pair[0], sent, before[i]);
        }
        send_fd(pair[0], "fdfdfdfd", file);
        send_bytes(pair[0], "after", 5);
        ck_assert_int_eq(sp_piece_receive(pair[1], &message, &at), 1);
        ck_assert_uint_eq(message.size, before[i] + 8);
        ck_assert_uint_eq(message.n_fds, 1);
        ck_assert_uint_le(at, before[i]);
        ck_assert_uint_ge(at + before[i] / 4096, before[i]);
        ck_assert_int_eq(memcmp(got + before[i], "fdfdfdfd", 8), 0);
        close(fds[0]);
        ck_assert_int_eq(sp_piece_receive(pair[1], &message, &at), 1);
        ck_assert_uint_eq(message.size, 5);
        ck_assert_uint_eq(message.n_fds, 0);
    }
    close(pair[0]);
    ck_assert_int_eq(sp_piece_receive(pair[1], &(struct sunpath_message){.data = got, .n_data = 9},
                                      &(size_t){0}),
                     0);
    close(pair[1]);
    close(file);
}
END_TEST

/* As ssh's multiplexer does: the request is read(2), and one byte with the descriptor follows. */
START_TEST(descriptors_keep_their_place_through_a_relay) {
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    join(SUNPATH_STREAM, SUNPATH_STREAM, NULL);
    send_bytes(first, "request", 7);
    send_fd(first, "!", file);
    send_fd(first, "?", file);
    send_bytes(first, "more", 4);
    run_quiet();
    ck_assert_int_eq(read(second, got, 7), 7); /* would lose what came with it */
    ck_assert_uint_eq(expect_with_fds(second, 1, "!"), 1);
    ck_assert_uint_eq(expect_with_fds(second, 9, "?"), 1);
    expect(second, "more");
    ck_assert_uint_eq(counts_of(SUNPATH_RELAY_FIRST).n_fds, 2);
    part();
    close(file);
}
END_TEST

/* Through a socket that is almost full, so that pieces are held, and cut anywhere. */
START_TEST(descriptors_keep_their_place_when_held) {
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC), n_sent = 0, n_got = 0;
    bool is_full = false;

    join(SUNPATH_STREAM, SUNPATH_STREAM, NULL);
    while (n_got < 2000) {
        while (!is_full && n_sent < 2000) {
            send_bytes(first, sent, 100);
            send_fd(first, "!", file);
            is_full = ++n_sent % 40 == 0;
        }
        run_quiet();
        is_full = counts_of(SUNPATH_RELAY_FIRST).n_held > 0 && n_sent - n_got > 50;
        for (int i = 0; i < 20 && n_got < n_sent; i++, n_got++) {
            for (ssize_t n = 0; n < 100;) {
                ssize_t more = recv(second, got, 100 - (size_t)n, 0);

                ck_assert_int_gt(more, 0);
                n += more;
                run_quiet();
            }
            ck_assert_uint_eq(expect_with_fds(second, 1, "!"), 1);
            run_quiet();
        }
    }
    ck_assert_uint_eq(counts_of(SUNPATH_RELAY_FIRST).n_fds, 2000);
    part();
    close(file);
}
END_TEST

SP_TESTS("relay-piece", a_piece_knows_where_its_descriptors_were,
         descriptors_keep_their_place_through_a_relay, descriptors_keep_their_place_when_held)
