/* SPDX-License-Identifier: MIT */
/* test-frame-write.c - the envelopes, byte for byte, and what no envelope can hold. */

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <sunpath/frame.h>

#include "fixture.h"

struct wrapped {
    enum sunpath_framing framing;
    size_t size;
    const char *header;
    size_t n_header;
    const char *trailer;
    size_t n_trailer;
};

static const struct wrapped all[] = {
    {SUNPATH_FRAME_LINE, 300, "", 0, "\n", 1},
    {SUNPATH_FRAME_NUL, 300, "", 0, "\0", 1},
    {SUNPATH_FRAME_U8, 255, "\xff", 1, "", 0},
    {SUNPATH_FRAME_U16_BE, 300, "\1\x2c", 2, "", 0},
    {SUNPATH_FRAME_U16_LE, 300, "\x2c\1", 2, "", 0},
    {SUNPATH_FRAME_U32_BE, 300, "\0\0\1\x2c", 4, "", 0},
    {SUNPATH_FRAME_U32_LE, 0xfffefdfc, "\xfc\xfd\xfe\xff", 4, "", 0},
    {SUNPATH_FRAME_U64_BE, 0x102030405060708, "\1\2\3\4\5\6\7\x8", 8, "", 0},
    {SUNPATH_FRAME_U64_LE, 0x102030405060708, "\x8\7\6\5\4\3\2\1", 8, "", 0},
    {SUNPATH_FRAME_VARINT, 0, "\0", 1, "", 0},
    {SUNPATH_FRAME_VARINT, 127, "\x7f", 1, "", 0},
    {SUNPATH_FRAME_VARINT, 300, "\xac\2", 2, "", 0}, /* protobuf's own example */
    {SUNPATH_FRAME_VARINT, SIZE_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 10, "", 0},
    {SUNPATH_FRAME_NETSTRING, 0, "0:", 2, ",", 1},
    {SUNPATH_FRAME_NETSTRING, 300, "300:", 4, ",", 1},
    {SUNPATH_FRAME_CONTENT_LENGTH, 300, "Content-Length: 300\r\n\r\n", 23, "", 0},
    {SUNPATH_FRAME_CONTENT_LENGTH, SIZE_MAX, "Content-Length: 18446744073709551615\r\n\r\n", 40, "",
     0},
};

START_TEST(envelopes_are_these_bytes) {
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct sunpath_frame_envelope envelope;

        ck_assert_int_eq(sunpath_frame_wrap(&envelope, all[i].framing, NULL, all[i].size), 0);
        ck_assert_uint_eq(envelope.n_header, all[i].n_header);
        ck_assert_mem_eq(envelope.header, all[i].header, all[i].n_header);
        ck_assert_uint_eq(envelope.n_trailer, all[i].n_trailer);
        ck_assert_mem_eq(envelope.trailer, all[i].trailer, all[i].n_trailer);
    }
}
END_TEST

START_TEST(what_does_not_fit_is_refused) {
    struct sunpath_frame_envelope envelope;

    ck_assert_int_eq(sunpath_frame_wrap(&envelope, SUNPATH_FRAME_U8, NULL, 256), -EMSGSIZE);
    ck_assert_int_eq(sunpath_frame_wrap(&envelope, SUNPATH_FRAME_U16_BE, NULL, 65536), -EMSGSIZE);
    ck_assert_int_eq(sunpath_frame_wrap(&envelope, SUNPATH_FRAME_U32_LE, NULL, 1ULL << 32),
                     -EMSGSIZE);
    ck_assert_int_eq(sunpath_frame_wrap(&envelope, SUNPATH_FRAME_LINE, "a\nb", 3), -EINVAL);
    ck_assert_int_eq(sunpath_frame_wrap(&envelope, SUNPATH_FRAME_LINE, "a\0b", 3), 0);
    ck_assert_int_eq(sunpath_frame_wrap(&envelope, SUNPATH_FRAME_NUL, "a\0b", 3), -EINVAL);
    ck_assert_int_eq(sunpath_frame_wrap(&envelope, 0, NULL, 0), -EINVAL);
    ck_assert_int_eq(sunpath_frame_wrap(&envelope, 99, NULL, 1), -EINVAL);
    ck_assert_uint_eq(sunpath_framing_max(SUNPATH_FRAME_U16_LE), 65535);
    ck_assert_uint_eq(sunpath_framing_max(99), 0);
}
END_TEST

START_TEST(names_are_read_back) {
    enum sunpath_framing framing = 99;

    for (int f = SUNPATH_FRAME_LINE; f <= SUNPATH_FRAME_CONTENT_LENGTH; f++) {
        ck_assert_int_eq(sunpath_framing_parse(&framing, sunpath_framing_name(f)), 0);
        ck_assert_int_eq(framing, f);
    }
    ck_assert_int_eq(sunpath_framing_parse(&framing, "u24be"), -EINVAL);
    ck_assert_int_eq(framing, SUNPATH_FRAME_CONTENT_LENGTH);
    ck_assert_ptr_null(sunpath_framing_name(0));
    ck_assert_ptr_null(sunpath_framing_name(99));
    ck_assert_ptr_null(sunpath_framing_name((enum sunpath_framing) - 1));
}
END_TEST

SP_TESTS("frame-write", envelopes_are_these_bytes, what_does_not_fit_is_refused,
         names_are_read_back)
