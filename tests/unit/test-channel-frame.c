/* SPDX-License-Identifier: MIT */
/* test-channel-frame.c - frames in a stream that comes in any pieces. */

#include "channel-pair.h"

/* Frames of 3, 300 and 6000 bytes, cut anywhere: a part of one is kept in every way there is. */
START_TEST(frames_may_be_cut_anywhere) {
    static char stream[3 * 20000];

    for (size_t piece = 1; piece < 20000; piece = piece * 5 / 2 + 1) {
        struct told told = {0};
        int peer = open_channel(&told, SUNPATH_STREAM, &tell_all, OPTIONS(0));
        size_t size = 0, n_frames = 0, n_bytes = 0;

        while (size + 6004 < sizeof(stream)) {
            size_t body = n_frames % 3 == 0 ? 3 : n_frames % 3 == 1 ? 300 : 6000;

            memcpy(stream + size, (char[]){0, 0, (char)(body >> 8), (char)body}, 4);
            memset(stream + size + 4, 'a' + (int)(n_frames % 26), body);
            size += 4 + body;
            n_bytes += body;
            n_frames++;
        }
        for (size_t at = 0; at < size; at += piece) {
            size_t n = piece < size - at ? piece : size - at;

            ck_assert_int_eq(write(peer, stream + at, n), n);
            run_quiet();
        }
        ck_assert_uint_eq(told.n_messages, n_frames);
        ck_assert_uint_eq(told.n_bytes, n_bytes);
        for (size_t i = 0; i < n_frames && i < N_KEPT; i++) {
            ck_assert_int_eq(told.first[i][0], 'a' + (int)(i % 26));
            ck_assert_uint_eq(told.size[i], i % 3 == 0 ? 3 : i % 3 == 1 ? 300 : 6000);
        }
        close_channel(&told, peer);
    }
}
END_TEST

SP_TESTS("channel-frame", frames_may_be_cut_anywhere)
