/* SPDX-License-Identifier: MIT */
/* test-base64.c - base64, by RFC 4648's own examples and by what must not pass. */

#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "wire/base64.h"

static void both_ways(const char *plain, const char *encoded) {
    char out[64];
    ssize_t n;

    *sp_base64_encode(out, plain, strlen(plain)) = '\0';
    ck_assert_str_eq(out, encoded);
    ck_assert_uint_eq(strlen(out), SP_BASE64_ENCODED(strlen(plain)));
    n = sp_base64_decode(out, out, strlen(out)); /* in place */
    ck_assert_int_eq(n, (ssize_t)strlen(plain));
    ck_assert_int_eq(memcmp(out, plain, (size_t)n), 0);
}

START_TEST(the_examples_of_the_rfc) {
    both_ways("", "");
    both_ways("f", "Zg==");
    both_ways("fo", "Zm8=");
    both_ways("foo", "Zm9v");
    both_ways("foob", "Zm9vYg==");
    both_ways("fooba", "Zm9vYmE=");
    both_ways("foobar", "Zm9vYmFy");
}
END_TEST

START_TEST(every_byte_survives) {
    unsigned char in[256], out[256];
    char text[SP_BASE64_ENCODED(256)];

    for (int i = 0; i < 256; i++) {
        in[i] = (unsigned char)i;
    }
    for (size_t size = 250; size <= 256; size++) {
        size_t n = (size_t)(sp_base64_encode(text, in, size) - text);

        ck_assert_uint_eq(n, SP_BASE64_ENCODED(size));
        ck_assert_int_eq(sp_base64_decode(out, text, n), (ssize_t)size);
        ck_assert_int_eq(memcmp(in, out, size), 0);
    }
}
END_TEST

START_TEST(one_spelling_alone_passes) {
    const char *bad[] = {"Z",     "Zg",   "Zg=",      "Zg===",   "Zh==",     "Zm9=",    "=g==",
                         "Z===",  "====", "Zm9v\n",   "Zm 9v",   "Zg==Zg==", "Zm-v",    "Zm_v",
                         "Zm9v=", "Zg=a", "Zm9vYg= ", "\x80m9v", "Zm9v=A==", "Zm9v*A=="};
    char out[64];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(sp_base64_decode(out, bad[i], strlen(bad[i])) == -EINVAL, "'%s'", bad[i]);
    }
}
END_TEST

SP_TESTS("base64", the_examples_of_the_rfc, every_byte_survives, one_spelling_alone_passes)
