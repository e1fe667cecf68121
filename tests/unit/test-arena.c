/* SPDX-License-Identifier: MIT */
/* test-arena.c - an arena's memory stays where it is, and is kept for the next user. */

#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "fixture.h"

START_TEST(allocations_do_not_move_or_overlap) {
    struct sp_arena arena = {0};
    char *pieces[200];

    for (size_t i = 0; i < 200; i++) {
        size_t size = (i * 37) % 3000 + 1;

        pieces[i] = sp_arena_alloc(&arena, size);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < (i * 37) % 3000 + 1; j++) {
            ck_assert_int_eq((unsigned char)pieces[i][j], (int)i);
        }
    }
    sp_arena_deinit(&arena);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

START_TEST(reset_keeps_a_small_block) {
    struct sp_arena arena = {0};
    void *first = sp_arena_alloc(&arena, 10);

    ck_assert_ptr_nonnull(sp_arena_alloc(&arena, 1000000));
    ck_assert_ptr_nonnull(sp_arena_alloc(&arena, 1500));
    ck_assert_ptr_nonnull(sp_arena_alloc(&arena, 1500));
    sp_arena_reset(&arena);
    ck_assert_ptr_nonnull(arena.blocks);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(sp_arena_alloc(&arena, 10));
    sp_arena_deinit(&arena);
    sp_arena_reset(&arena); /* of an empty one: nothing */
}
END_TEST

START_TEST(impossible_sizes_are_out_of_memory) {
    struct sp_arena arena = {0};

    ck_assert_ptr_null(sp_arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(sp_arena_alloc(&arena, SIZE_MAX - 8));
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(copies_end_in_nul) {
    struct sp_arena arena = {0};

    ck_assert_str_eq(sp_arena_copy(&arena, "hello, world", 5), "hello");
    ck_assert_str_eq(sp_arena_copy(&arena, "", 0), "");
    sp_arena_deinit(&arena);
}
END_TEST

SP_TESTS("arena", allocations_do_not_move_or_overlap, reset_keeps_a_small_block,
         impossible_sizes_are_out_of_memory, copies_end_in_nul)
