/* SPDX-License-Identifier: MIT */
/* base64.c - base64 (RFC 4648 section 4), strictly. */

#include "wire/base64.h"

#include <errno.h>
#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *sp_base64_encode(char *out, const void *data, size_t size) {
    const uint8_t *in = data;

    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16;

        bits |= n > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= n > 2 ? in[i + 2] : 0;
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = n > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = n > 2 ? digits[bits & 63] : '=';
    }
    return out;
}

static int value_of(char digit) {
    if (digit >= 'A' && digit <= 'Z') {
        return digit - 'A';
    }
    if (digit >= 'a' && digit <= 'z') {
        return digit - 'a' + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return digit - '0' + 52;
    }
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Four characters of which the last `n_pad` are "=". Returns -1 when they are not that. */
static int64_t bits_of(const char *text, size_t n_pad) {
    uint32_t bits = 0;

    for (size_t i = 0; i < 4 - n_pad; i++) {
        int value = value_of(text[i]);

        if (value < 0) {
            return -1;
        }
        bits |= (uint32_t)value << (18 - 6 * i);
    }
    /* Bits that no byte takes must be zero. */
    return n_pad > 0 && bits & ((1U << (8 * n_pad)) - 1) ? -1 : (int64_t)bits;
}

ssize_t sp_base64_decode(void *out, const char *text, size_t size) {
    uint8_t *at = out;

    if (size % 4 != 0) {
        return -EINVAL;
    }
    for (size_t i = 0; i < size; i += 4) {
        size_t n_pad = 0;
        int64_t bits;

        if (i + 4 == size && text[i + 3] == '=') {
            n_pad = text[i + 2] == '=' ? 2 : 1;
        }
        bits = bits_of(text + i, n_pad);
        if (bits < 0) {
            return -EINVAL;
        }
        for (size_t n = 0; n < 3 - n_pad; n++) {
            *at++ = (uint8_t)(bits >> (16 - 8 * n));
        }
    }
    return at - (uint8_t *)out;
}
