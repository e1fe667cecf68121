/* SPDX-License-Identifier: MIT */
/* fuzz-http-range.c - any bytes as a Range field. The first eight are the representation's size. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http-range.h"

/* Inside, not empty, apart from each other, and no more than there is. */
static void check(const struct sp_http_range *ranges, int n, uint64_t size) {
    uint64_t left = size;

    for (int i = 0; i < n; i++) {
        const struct sp_http_range *range = &ranges[i];

        sp_assert(range->size > 0 && range->first < size);
        sp_assert(range->size <= size - range->first);
        sp_assert(range->size <= left);
        left -= range->size;
        for (int j = 0; j < i; j++) {
            const struct sp_http_range *other = &ranges[j];

            sp_assert(other->first + other->size < range->first ||
                      range->first + range->size < other->first);
        }
    }
}

/* What is asked for again as it was understood is understood the same way. */
static void check_again(const struct sp_http_range *ranges, int n, uint64_t size) {
    struct sp_http_range again[SP_HTTP_MAX_RANGES];
    char field[SP_HTTP_MAX_RANGES * 44];
    size_t n_field = (size_t)snprintf(field, sizeof(field), "bytes=");

    for (int i = 0; i < n; i++) {
        n_field += (size_t)snprintf(field + n_field, sizeof(field) - n_field, "%s%llu-%llu",
                                    i ? "," : "", (unsigned long long)ranges[i].first,
                                    (unsigned long long)(ranges[i].first + ranges[i].size - 1));
    }
    sp_assert(sp_http_read_ranges(again, field, n_field, size) == n);
    sp_assert(memcmp(again, ranges, (size_t)n * sizeof(*ranges)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sp_http_range *ranges = malloc(SP_HTTP_MAX_RANGES * sizeof(*ranges));
    uint64_t n_bytes = 0;
    char *field;
    int n;

    if (size < sizeof(n_bytes)) {
        free(ranges);
        return 0;
    }
    memcpy(&n_bytes, data, sizeof(n_bytes));
    size -= sizeof(n_bytes);
    field = malloc(size ? size : 1);
    sp_assert(field && ranges);
    memcpy(field, data + sizeof(n_bytes), size);
    n = sp_http_read_ranges(ranges, field, size, n_bytes);
    sp_assert(n == -34 || (n >= 0 && n <= SP_HTTP_MAX_RANGES));
    if (n > 0) {
        check(ranges, n, n_bytes);
        check_again(ranges, n, n_bytes);
    }
    free(field);
    free(ranges);
    return 0;
}
