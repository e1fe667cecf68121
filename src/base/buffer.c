/* SPDX-License-Identifier: MIT */
/* buffer.c - a queue of bytes in one piece that grows to a cap and takes no memory when empty. */

#include "base/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define CAPACITY_MIN 512

/* At least doubles, so that appending costs constant time for each byte in the long run. */
static size_t grown_capacity(size_t capacity, size_t needed, size_t max) {
    size_t grown = capacity < CAPACITY_MIN / 2 ? CAPACITY_MIN : capacity * 2;

    if (grown > max) {
        grown = max;
    }
    return grown < needed ? needed : grown;
}

static int move_to_larger(struct sp_buffer *buffer, size_t needed, size_t max) {
    size_t size = sp_buffer_size(buffer);
    size_t capacity = grown_capacity(buffer->capacity, needed, max);
    char *data = malloc(capacity);

    if (!data) {
        return -ENOMEM;
    }

    if (size > 0) {
        memcpy(data, sp_buffer_bytes(buffer), size);
    }
    free(buffer->data);
    *buffer = (struct sp_buffer){.data = data, .end = size, .capacity = capacity};
    return 0;
}

int sp_buffer_reserve(struct sp_buffer *buffer, char **ret, size_t size, size_t max) {
    size_t used = sp_buffer_size(buffer);
    int r = 0;

    if (size > max || used > max - size) {
        return -ENOBUFS;
    }

    if (!buffer->data || size > buffer->capacity - buffer->end) {
        /* Moving to the front pays when it frees at least as much as it moves. */
        if (buffer->data && used + size <= buffer->capacity && used <= buffer->begin) {
            memmove(buffer->data, sp_buffer_bytes(buffer), used);
            buffer->begin = 0;
            buffer->end = used;
        } else {
            r = move_to_larger(buffer, used + size, max);
        }
    }
    if (r == 0) {
        *ret = buffer->data + buffer->end;
    }
    return r;
}

int sp_buffer_append(struct sp_buffer *buffer, const void *data, size_t size, size_t max) {
    char *room;
    int r;

    if (size == 0) {
        return 0;
    }

    r = sp_buffer_reserve(buffer, &room, size, max);
    if (r < 0) {
        return r;
    }

    memcpy(room, data, size);
    sp_buffer_commit(buffer, size);
    return 0;
}

void sp_buffer_trim(struct sp_buffer *buffer) {
    if (buffer->begin == buffer->end && buffer->data) {
        sp_buffer_deinit(buffer);
    }
}

void sp_buffer_deinit(struct sp_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct sp_buffer){0};
}
