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

START_TEST(targets) {
    check_scan(sp_scan_target, SP_CHAR_TARGET, text);
}
END_TEST

#ifdef SP_HAVE_AVX2
typedef const char *wide_scan_fn(const char *begin, const char *at, const char *end);

/* The `n` bytes at `at`, with what stands before them from `begin` on. */
static void check_wide(wide_scan_fn *scan, int class, const char *begin, char *at, size_t n) {
    const char *end = at + n;

    memcpy(at, text, n);
    ck_assert_ptr_eq(scan(begin, at, end), end);
    for (size_t i = 0; i < n; i++) {
        for (int byte = 0; byte < 256; byte++) {
            at[i] = (char)byte;
            if (scan(begin, at, end) != sp_scan_class(at, end, class)) {
                ck_abort_msg("byte %#x at %zu of %zu", (unsigned)byte, i, n);
            }
        }
        at[i] = text[i];
    }
}
#endif

START_TEST(wider_scans) {
#ifdef SP_HAVE_AVX2
    static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, N_MAX};
    static const size_t n_before[] = {0, 20, 31, 32, 33};

    for (size_t i = 0; sp_has_avx2() && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < sizeof(n_before) / sizeof(n_before[0]); j++) {
            char *begin = malloc(n_before[j] + sizes[i] + 1); /* ends where the bytes do */
            char *at = begin + n_before[j] + 1;

            memset(begin, '\n', n_before[j] + 1);
            check_wide(sp_scan_token_avx2, SP_CHAR_TOKEN, begin, at, sizes[i]);
            check_wide(sp_scan_value_avx2, SP_CHAR_VALUE, begin, at, sizes[i]);
            free(begin);
        }
    }
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

SP_TESTS("http1-scan", tokens, hosts, values, targets, wider_scans, rows_are_the_table,
         equal_but_for_the_case, the_first_is_found)
