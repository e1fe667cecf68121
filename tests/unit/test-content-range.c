/* SPDX-License-Identifier: MIT */
/* test-content-range.c - Content-Range values. */

#include <string.h>

#include "fixture.h"
#include "wire/content-range.h"

static struct sp_content_range range;

static bool parse(const char *text) {
    return sp_content_range_parse(&range, text, strlen(text));
}

START_TEST(parts) {
    ck_assert(parse("bytes 10-19/100"));
    ck_assert_uint_eq(range.first, 10);
    ck_assert_uint_eq(range.last, 19);
    ck_assert_uint_eq(range.whole, 100);
    ck_assert(parse("Bytes 0-0/*"));
    ck_assert_uint_eq(range.whole, SP_RANGE_UNKNOWN);
    ck_assert(parse("bytes 99-99/100"));
    ck_assert(parse("bytes 0-9223372036854775806/9223372036854775807"));
}
END_TEST

START_TEST(nonsense) {
    static const char *const texts[] = {
        "",
        "bytes",
        "bytes ",
        "bytes */100",
        "bytes 10-9/100",
        "bytes 1-2",
        "bytes 1-2/2",
        "bytes -2/2",
        "bytes 1-/2",
        "bytes 1-2/",
        "lines 1-2/3",
        "bytes 1 - 2/3",
        "bytes 1-2/3 ",
        "bytes 1-2/-3",
        "bytes +1-2/3",
        "bytes 1-99999999999999999999/*",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(!parse(texts[i]), "'%s'", texts[i]);
    }
}
END_TEST

SP_TESTS("content-range", parts, nonsense)
