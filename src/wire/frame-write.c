/* SPDX-License-Identifier: MIT */
/* frame-write.c - what goes in front of a message and behind it. */

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/frame.h"

static uint64_t max_of(const struct sp_framing *framing) {
    return framing->kind == SP_FRAME_FIXED && framing->width < 8
               ? (1ULL << (8 * framing->width)) - 1
               : SIZE_MAX;
}

uint64_t sunpath_framing_max(enum sunpath_framing framing) {
    const struct sp_framing *known = sp_framing_of(framing);

    return known->kind == SP_FRAME_UNKNOWN ? 0 : max_of(known);
}

/* All eight bytes at once, of which the first `width` count. */
static void put_fixed(struct sunpath_frame_envelope *ret, const struct sp_framing *framing,
                      uint64_t size) {
    uint64_t bytes =
        framing->is_little ? htole64(size) : htobe64(size << (64 - 8 * framing->width));

    memcpy(ret->header, &bytes, sizeof(bytes));
    ret->n_header = framing->width;
}

static void put_varint(struct sunpath_frame_envelope *ret, uint64_t size) {
    while (size >= 0x80) {
        ret->header[ret->n_header++] = (char)(size | 0x80);
        size >>= 7;
    }
    ret->header[ret->n_header++] = (char)size;
}

static void put_trailer(struct sunpath_frame_envelope *ret, char trailer) {
    ret->trailer[0] = trailer;
    ret->n_trailer = 1;
}

int sp_frame_wrap(struct sunpath_frame_envelope *ret, const struct sp_framing *framing,
                  const void *data, size_t size) {
    ret->n_header = ret->n_trailer = 0;
    if (size > max_of(framing)) {
        return -EMSGSIZE;
    }
    switch (framing->kind) {
    case SP_FRAME_UNKNOWN:
        return -EINVAL;
    case SP_FRAME_MARK:
        put_trailer(ret, framing->mark);
        return data && size > 0 && memchr(data, framing->mark, size) ? -EINVAL : 0;
    case SP_FRAME_FIXED:
        put_fixed(ret, framing, size);
        return 0;
    case SP_FRAME_VARINT:
        put_varint(ret, size);
        return 0;
    case SP_FRAME_DIGITS:
        ret->n_header = (size_t)snprintf(ret->header, sizeof(ret->header), "%zu:", size);
        put_trailer(ret, ',');
        return 0;
    case SP_FRAME_HEADERS:
        ret->n_header =
            (size_t)snprintf(ret->header, sizeof(ret->header), "Content-Length: %zu\r\n\r\n", size);
        return 0;
    }
    return -EINVAL;
}

int sunpath_frame_wrap(struct sunpath_frame_envelope *ret, enum sunpath_framing framing,
                       const void *data, size_t size) {
    return sp_frame_wrap(ret, sp_framing_of(framing), data, size);
}
