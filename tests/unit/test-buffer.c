/* SPDX-License-Identifier: MIT */
/* test-buffer.c - the byte queue: order, its cap, memory given back. */

#include "base/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

START_TEST(bytes_come_out_as_they_went_in) {
    struct sp_buffer buffer = {0};
    unsigned char in = 0, out = 0;
    int n_wrong = 0;

    srandom(3);
    for (int i = 0; i < 20000; i++) {
        unsigned char piece[100];
        size_t n_in = (size_t)random() % sizeof(piece), n_out = (size_t)random() % sizeof(piece);

        for (size_t j = 0; j < n_in; j++) {
            piece[j] = in++;
        }
        ck_assert_int_eq(sp_buffer_append(&buffer, piece, n_in, 1 << 20), 0);
        n_out = n_out < sp_buffer_size(&buffer) ? n_out : sp_buffer_size(&buffer);
        for (size_t j = 0; j < n_out; j++) {
            n_wrong += (unsigned char)sp_buffer_bytes(&buffer)[j] != out++;
        }
        ck_assert_int_eq(n_wrong, 0);
        sp_buffer_consume(&buffer, n_out);
        sp_buffer_trim(&buffer);
    }
    sp_buffer_deinit(&buffer);
}
END_TEST

START_TEST(the_cap_is_exact) {
    struct sp_buffer buffer = {0};
    char *room = NULL;

    ck_assert_int_eq(sp_buffer_append(&buffer, "12345678", 8, 10), 0);
    ck_assert_int_eq(sp_buffer_append(&buffer, "abc", 3, 10), -ENOBUFS);
    ck_assert_int_eq(sp_buffer_reserve(&buffer, &room, (size_t)-1, 10), -ENOBUFS);
    ck_assert_ptr_null(room);
    ck_assert_uint_eq(sp_buffer_size(&buffer), 8);
    ck_assert_int_eq(sp_buffer_append(&buffer, "ab", 2, 10), 0);
    ck_assert_mem_eq(sp_buffer_bytes(&buffer), "12345678ab", 10);
    ck_assert_uint_le(buffer.capacity, 10);
    sp_buffer_deinit(&buffer);
}
END_TEST

START_TEST(a_queue_in_motion_does_not_grow) {
    struct sp_buffer buffer = {0};
    char piece[1000] = {0};

    for (int i = 0; i < 10000; i++) {
        ck_assert_int_eq(sp_buffer_append(&buffer, piece, sizeof(piece), 1 << 20), 0);
        if (i > 0) { /* one piece always stays */
            sp_buffer_consume(&buffer, sizeof(piece));
        }
    }
    ck_assert_uint_eq(sp_buffer_size(&buffer), sizeof(piece));
    ck_assert_uint_le(buffer.capacity, 8 * sizeof(piece));
    sp_buffer_deinit(&buffer);
}
END_TEST

START_TEST(empty_takes_no_memory) {
    struct sp_buffer buffer = {0};

    sp_buffer_trim(&buffer);
    ck_assert_int_eq(sp_buffer_append(&buffer, NULL, 0, 10), 0);
    ck_assert_ptr_null(buffer.data);
    ck_assert_int_eq(sp_buffer_append(&buffer, "x", 1, 10), 0);
    sp_buffer_trim(&buffer); /* not empty: stays */
    ck_assert_ptr_nonnull(buffer.data);
    sp_buffer_consume(&buffer, 100); /* more than there is */
    ck_assert_uint_eq(sp_buffer_size(&buffer), 0);
    sp_buffer_trim(&buffer);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.capacity, 0);
}
END_TEST

SP_TESTS("buffer", bytes_come_out_as_they_went_in, the_cap_is_exact,
         a_queue_in_motion_does_not_grow, empty_takes_no_memory)
