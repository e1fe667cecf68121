/* SPDX-License-Identifier: MIT */
/* arena.h - memory that is given back all at once: what belongs to one request. */

#ifndef SP_BASE_ARENA_H
#define SP_BASE_ARENA_H

#include <stddef.h>

struct sp_arena_block;

/* All zero is an empty arena: it takes memory with the first allocation. */
struct sp_arena {
    struct sp_arena_block *blocks; /* the one in use first */
};

/* `size` bytes, aligned for anything, not zeroed, that stay where they are; NULL: out of memory. */
void *sp_arena_alloc(struct sp_arena *arena, size_t size);

/* A copy of `text` with a NUL behind. NULL: out of memory. */
char *sp_arena_copy(struct sp_arena *arena, const char *text, size_t size);

/* Takes everything back, and keeps a small block for the next user. */
void sp_arena_reset_any(struct sp_arena *arena);
static inline void sp_arena_reset(struct sp_arena *arena) {
    if (arena->blocks) {
        sp_arena_reset_any(arena);
    }
}

/* Gives everything back. */
void sp_arena_deinit(struct sp_arena *arena);

#endif
