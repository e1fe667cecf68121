/* SPDX-License-Identifier: MIT */
/* test-http1-scan.c - sixteen bytes at a time find what the table finds, and load nothing behind.
 */

#include "wire/http1-scan.h"

#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define N_MAX 40 /* more than two vectors */

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

static const char text[N_MAX + 1] = "Sec-Fetch-Dest.and.More-0123456789.names";

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

/* Two of them in one vector: the first is found. */
START_TEST(the_first_is_found) {
    static const char two[] = "value\rwith\rtwo";
    static const char marks[] = "a_b!c d";

    ck_assert_ptr_eq(sp_scan_value(two, two + sizeof(two) - 1), two + 5);
    ck_assert_ptr_eq(sp_scan_token(marks, marks + sizeof(marks) - 1), marks + 5);
}
END_TEST

SP_TESTS("http1-scan", tokens, hosts, values, targets, the_first_is_found)
