/* SPDX-License-Identifier: MIT */
/* test-http1-scan.c - sixteen bytes at a time find what the table finds, and load nothing behind.
 */

#include "wire/http1-scan-avx2.h"
#include "wire/http1-scan.h"

#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define N_MAX 80 /* more than two of the widest vectors */

/* `text` is the scanned class throughout: each byte at each place in a text of each length. */
static void check_scan(const char *(*scan)(const char *at, const char *end), int class,
                       const char *text) {
    for (size_t n = 0; n <= N_MAX; n++) {
        char *copy = malloc(n ? n : 1); /* exactly the length, for the sanitizer */
        const char *end = copy + n;

        memcpy(copy, text, n);
        ck_assert_ptr_eq(scan(copy, end), end);
        for (size_t at = 0; at < n; at++) {
            for (int byte = 0; byte < 256; byte++) {
                copy[at] = (char)byte;
                if (scan(copy, end) != sp_scan_class(copy, end, class)) {
                    ck_abort_msg("byte %#x at %zu of %zu", (unsigned)byte, at, n);
                }
            }
            copy[at] = text[at];
        }
        free(copy);
    }
}

static const char text[N_MAX + 1] = "Sec-Fetch-Dest.and.More-0123456789.names"
                                    "-that.are.longer.than.two.vectors.of.32.";

START_TEST(tokens) {
    check_scan(sp_scan_token, SP_CHAR_TOKEN, text);
}
END_TEST

START_TEST(hosts) {
    check_scan(sp_scan_host, SP_CHAR_HOST, text);
}
END_TEST

START_TEST(values) {
    check_scan(sp_scan_value, SP_CHAR_VALUE, text);
}
END_TEST

/* As a scan that finds the first byte or, when it is said to be all right, the end. */
static const char *scan_all(const char *at, const char *end) {
    const char *first = sp_scan_class(at, end, SP_CHAR_VALUE);

    ck_assert_int_eq(sp_is_all_value(at, (size_t)(end - at)), first == end);
    return first;
}

START_TEST(all_of_a_value) {
    check_scan(scan_all, SP_CHAR_VALUE, text);
}
END_TEST

START_TEST(targets) {
    check_scan(sp_scan_target, SP_CHAR_TARGET, text);
}
END_TEST

#ifdef SP_HAVE_AVX2
static bool is_control(int byte) {
    return byte < 0x20 || byte == 0x7f;
}

/* `at` has exactly 64 bytes. */
static void check_wide(char *at) {
    for (unsigned i = 0; i < 64; i++) {
        for (int byte = 0; byte < 256; byte++) {
            bool is_token = sp_char_is((char)byte, SP_CHAR_TOKEN);

            at[i] = (char)byte;
            ck_assert_uint_eq(sp_control_64(at), is_control(byte) ? 1ULL << i : 0);
            ck_assert_uint_eq(sp_not_token_32(at), i < 32 && !is_token ? 1U << i : 0);
        }
        at[i] = text[i];
    }
}
#endif

START_TEST(wider_looks) {
#ifdef SP_HAVE_AVX2
    char *at = malloc(64);

    memcpy(at, text, 64);
    if (sp_has_avx2()) {
        check_wide(at);
    }
    free(at);
#endif
}
END_TEST

START_TEST(controls) {
#ifdef SP_HAVE_AVX2
    enum {
        N = 200
    };
    char *at = malloc(N);

    memset(at, 'x', N);
    ck_assert(!sp_has_avx2() || !sp_find_control(at, at + N));
    for (size_t i = 0; sp_has_avx2() && i < N; i++) {
        at[i] = '\r';
        ck_assert_ptr_eq(sp_find_control(at, at + N), i < 192 ? at + i : NULL);
        ck_assert_ptr_null(sp_find_control(at + 136, at + N)); /* 64 bytes: none is behind them */
        at[i] = 'x';
    }
    free(at);
#endif
}
END_TEST

START_TEST(rows_are_the_table) {
    for (int byte = 0; byte < 256; byte++) {
        bool is_token = byte < 0x80 && sp_http_token_rows[byte & 15] >> (byte >> 4) & 1;

        ck_assert_int_eq(is_token, sp_char_is((char)byte, SP_CHAR_TOKEN) != 0);
    }
}
END_TEST

START_TEST(equal_but_for_the_case) {
    static const char lower[] = "a-header-name-{~0"; /* of every length from 4 on */

    for (size_t n = 4; n < sizeof(lower); n++) {
        char *copy = malloc(n);

        memcpy(copy, lower, n);
        ck_assert(sp_equals_lower(copy, lower, n));
        for (size_t at = 0; at < n; at++) {
            for (int byte = 0x20; byte < 256; byte++) {
                int upper = lower[at] >= 'a' && lower[at] <= 'z' ? lower[at] - 0x20 : lower[at];
                bool is_equal = byte == lower[at] || byte == upper;

                /* the other one that bit 5 makes equal: looked for are letters and hyphens */
                if (byte == (lower[at] & ~0x20)) {
                    continue;
                }
                copy[at] = (char)byte;
                ck_assert_int_eq(sp_equals_lower(copy, lower, n), is_equal);
            }
            copy[at] = (char)(lower[at] >= 'a' && lower[at] <= 'z' ? lower[at] - 0x20 : lower[at]);
            ck_assert(sp_equals_lower(copy, lower, n));
            copy[at] = lower[at];
        }
        free(copy);
    }
}
END_TEST

/* Two of them in one vector: the first is found. */
START_TEST(the_first_is_found) {
    static const char two[] = "value\rwith\rtwo";
    static const char marks[] = "a_b!c d";

    ck_assert_ptr_eq(sp_scan_value(two, two + sizeof(two) - 1), two + 5);
    ck_assert_ptr_eq(sp_scan_token(marks, marks + sizeof(marks) - 1), marks + 5);
}
END_TEST

SP_TESTS("http1-scan", tokens, hosts, values, all_of_a_value, targets, wider_looks, controls,
         rows_are_the_table, equal_but_for_the_case, the_first_is_found)
