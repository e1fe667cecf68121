/* SPDX-License-Identifier: MIT */
/* frame-head.c - the length in front of a message: bytes, varint, digits. */

#include <errno.h>
#include <string.h>

#include "wire/frame.h"

#define VARINT_MAX 10 /* bytes of 7 bits that hold 64 */

static int read_fixed(struct sp_frame_head *ret, const struct sp_framing *framing,
                      const unsigned char *data, size_t size) {
    unsigned char bytes[SP_FRAME_WIDTH_MAX] = {0};

    if (size < framing->width) {
        return 0;
    }
    memcpy(bytes, data, framing->width);
    ret->n_header = framing->width;
    ret->n_body = sp_frame_length(framing, bytes);
    return 1;
}

static int wrong(struct sp_frame_head *ret, const char *what) {
    ret->wrong = what;
    return -EBADMSG;
}

/* Seven bits a byte, the lowest first; the highest bit says that another byte follows. */
static int read_varint(struct sp_frame_head *ret, const unsigned char *data, size_t size) {
    uint64_t n = 0;

    for (size_t i = 0; i < VARINT_MAX; i++) {
        if (i == size) {
            return 0;
        }
        if (i == VARINT_MAX - 1 && data[i] > 1) {
            break;
        }
        n |= (uint64_t)(data[i] & 0x7f) << (7 * i);
        if (data[i] < 0x80) {
            if (data[i] == 0 && i > 0) {
                return wrong(ret, "a varint that is longer than its number needs");
            }
            ret->n_header = i + 1;
            ret->n_body = n;
            return 1;
        }
    }
    return wrong(ret, "a varint of more than 64 bits");
}

/* Digits and a colon. What is over `max` already need not be read to its end. */
static int read_digits(struct sp_frame_head *ret, const unsigned char *data, size_t size,
                       size_t max) {
    uint64_t n = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned digit = data[i] - (unsigned)'0';

        if (data[i] == ':' && i > 0) {
            ret->n_header = i + 1;
            ret->n_body = n;
            return 1;
        }
        if (digit > 9) {
            return wrong(ret, "a netstring that does not begin with a length and a colon");
        }
        if (i == 1 && data[0] == '0') {
            return wrong(ret, "a netstring whose length begins with 0");
        }
        if (n > (UINT64_MAX - digit) / 10) {
            n = UINT64_MAX;
        } else {
            n = n * 10 + digit;
        }
        if (n > max) {
            ret->n_header = i + 1;
            ret->n_body = n;
            return 1;
        }
    }
    return 0;
}

int sp_frame_read_head(struct sp_frame_head *ret, const struct sp_framing *framing,
                       const unsigned char *data, size_t size, size_t n_scanned, size_t max) {
    switch (framing->kind) {
    case SP_FRAME_FIXED:
        return read_fixed(ret, framing, data, size);
    case SP_FRAME_VARINT:
        return read_varint(ret, data, size);
    case SP_FRAME_DIGITS:
        return read_digits(ret, data, size, max);
    default:
        return sp_frame_read_headers(ret, (const char *)data, size, n_scanned);
    }
}
