/* SPDX-License-Identifier: MIT */
/* arena.c - memory that is given back all at once: what belongs to one request. */

#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (2048 - sizeof(struct sp_arena_block))

struct sp_arena_block {
    struct sp_arena_block *next;
    size_t used;
    size_t capacity;
    alignas(max_align_t) char bytes[];
};

/* A block that can hold `size`; a large one goes behind the one in use, which may have room left.
 */
static struct sp_arena_block *add_block(struct sp_arena *arena, size_t size) {
    size_t capacity = size > BLOCK ? size : BLOCK;
    struct sp_arena_block *block = malloc(sizeof(*block) + capacity);

    if (!block) {
        return NULL;
    }
    block->used = 0;
    block->capacity = capacity;
    if (arena->blocks && size > BLOCK / 2) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *sp_arena_alloc(struct sp_arena *arena, size_t size) {
    struct sp_arena_block *block = arena->blocks;
    void *room;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!block || size > block->capacity - block->used) {
        block = add_block(arena, size);
    }
    if (!block) {
        return NULL;
    }
    room = block->bytes + block->used;
    block->used += size;
    return room;
}

char *sp_arena_copy(struct sp_arena *arena, const char *text, size_t size) {
    char *copy = sp_arena_alloc(arena, size + 1);

    if (copy) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

void sp_arena_reset_any(struct sp_arena *arena) {
    struct sp_arena_block *kept = NULL;

    while (arena->blocks) {
        struct sp_arena_block *block = arena->blocks;

        arena->blocks = block->next;
        if (!kept && block->capacity == BLOCK) {
            kept = block;
        } else {
            free(block);
        }
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
        arena->blocks = kept;
    }
}

void sp_arena_deinit(struct sp_arena *arena) {
    while (arena->blocks) {
        struct sp_arena_block *block = arena->blocks;

        arena->blocks = block->next;
        free(block);
    }
}
