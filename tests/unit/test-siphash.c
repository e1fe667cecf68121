/* SPDX-License-Identifier: MIT */
/* test-siphash.c - SipHash-2-4 by the vectors of its authors. */

#include "base/siphash.h"
#include "fixture.h"

START_TEST(the_vectors_of_the_paper) {
    /* Key 00 01 .. 0f, input 00 01 .. : of lengths 0, 1, 7, 8 and 15 (the paper's appendix A). */
    const uint64_t key[2] = {0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
    const struct {
        size_t size;
        uint64_t hash;
    } vectors[] = {{0, 0x726fdb47dd0e0e31U},
                   {1, 0x74f839c593dc67fdU},
                   {7, 0xab0200f58b01d137U},
                   {8, 0x93f5f5799a932462U},
                   {15, 0xa129ca6149be45e5U}};
    unsigned char data[16];

    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char)i;
    }
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        ck_assert_uint_eq(sp_siphash(key, data, vectors[i].size), vectors[i].hash);
    }
}
END_TEST

SP_TESTS("siphash", the_vectors_of_the_paper)
