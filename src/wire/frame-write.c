/* SPDX-License-Identifier: MIT */
/* frame-write.c - what goes in front of a message and behind it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/frame.h"

uint64_t sunpath_framing_max(enum sunpath_framing framing) {
    const struct sp_framing *known = sp_framing_of(framing);

    if (known->kind == SP_FRAME_UNKNOWN) {
        return 0;
    }
    return known->kind == SP_FRAME_FIXED && known->width < 8 ? (1ULL << (8 * known->width)) - 1
                                                             : SIZE_MAX;
}

static void put_fixed(struct sunpath_frame_envelope *ret, const struct sp_framing *framing,
                      uint64_t size) {
    for (size_t i = 0; i < framing->width; i++) {
        ret->header[framing->is_little ? i : framing->width - 1 - i] = (char)(size >> (8 * i));
    }
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

int sunpath_frame_wrap(struct sunpath_frame_envelope *ret, enum sunpath_framing framing,
                       const void *data, size_t size) {
    const struct sp_framing *known = sp_framing_of(framing);

    ret->n_header = ret->n_trailer = 0;
    if (size > sunpath_framing_max(framing)) {
        return known->kind == SP_FRAME_UNKNOWN ? -EINVAL : -EMSGSIZE;
    }
    switch (known->kind) {
    case SP_FRAME_UNKNOWN:
        return -EINVAL;
    case SP_FRAME_MARK:
        put_trailer(ret, known->mark);
        return data && size > 0 && memchr(data, known->mark, size) ? -EINVAL : 0;
    case SP_FRAME_FIXED:
        put_fixed(ret, known, size);
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
