/* SPDX-License-Identifier: MIT */
/* buffer.h - a queue of bytes in one piece that grows to a cap and takes no memory when empty. */

#ifndef SP_BASE_BUFFER_H
#define SP_BASE_BUFFER_H

#include <stddef.h>

/* All zero is an empty buffer. The bytes are those from `begin` to `end`. */
struct sp_buffer {
    char *data;
    size_t begin;
    size_t end;
    size_t capacity;
};

static inline size_t sp_buffer_size(const struct sp_buffer *buffer) {
    return buffer->end - buffer->begin;
}

static inline char *sp_buffer_bytes(const struct sp_buffer *buffer) {
    return buffer->data + buffer->begin;
}

/*
 * Makes room for `size` more bytes and stores where they go in *ret; sp_buffer_commit() then counts
 * what was written there. -ENOBUFS when more than `max` bytes would be queued, -ENOMEM.
 */
int sp_buffer_reserve(struct sp_buffer *buffer, char **ret, size_t size, size_t max);

static inline void sp_buffer_commit(struct sp_buffer *buffer, size_t size) {
    buffer->end += size;
}

/* Copies `data` behind the rest. Errors as sp_buffer_reserve(): all of it or nothing. */
int sp_buffer_append(struct sp_buffer *buffer, const void *data, size_t size, size_t max);

/* Drops bytes from the front (at most all). The others stay where they are in memory. */
static inline void sp_buffer_consume(struct sp_buffer *buffer, size_t size) {
    size_t used = sp_buffer_size(buffer);

    buffer->begin += size < used ? size : used;
}

/* Gives the memory back when no byte is left. */
void sp_buffer_trim(struct sp_buffer *buffer);

/* Drops everything and gives the memory back. */
void sp_buffer_deinit(struct sp_buffer *buffer);

#endif
