/* SPDX-License-Identifier: MIT */
/* siphash.c - SipHash-2-4 (Aumasson, Bernstein 2012). */

#include "base/siphash.h"

static uint64_t rotate(uint64_t x, unsigned n) {
    return x << n | x >> (64 - n);
}

static void mix(uint64_t v[4], int n_rounds) {
    while (n_rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

/* Up to eight bytes, the first one lowest. */
static uint64_t word(const uint8_t *data, size_t size) {
    uint64_t bits = 0;

    for (size_t i = 0; i < size; i++) {
        bits |= (uint64_t)data[i] << (8 * i);
    }
    return bits;
}

uint64_t sp_siphash(const uint64_t key[2], const void *data, size_t size) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575U, key[1] ^ 0x646f72616e646f6dU,
                     key[0] ^ 0x6c7967656e657261U, key[1] ^ 0x7465646279746573U};
    const uint8_t *at = data;
    size_t left = size;

    for (; left >= 8; left -= 8, at += 8) {
        uint64_t m = word(at, 8);

        v[3] ^= m;
        mix(v, 2);
        v[0] ^= m;
    }
    {
        uint64_t last = (uint64_t)size << 56 | word(at, left);

        v[3] ^= last;
        mix(v, 2);
        v[0] ^= last;
    }
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
