/* SPDX-License-Identifier: MIT */
/* http-range.c - which bytes of a representation are asked for (RFC 9110 14). */

#include "wire/http-range.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *skip_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

/* Reads digits, false without any. More than fits is UINT64_MAX, which is past every end. */
static bool read_number(uint64_t *ret, const char **at, const char *end) {
    uint64_t number = 0;
    const char *from = *at;

    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(**at - '0'), &number)) {
            number = UINT64_MAX; /* and stays there */
        }
    }
    *ret = number;
    return *at > from;
}

/* "A-B", "A-" or "-N". Returns 1, 0 when it lies outside, -EINVAL. */
static int read_range(struct sp_http_range *ret, const char **at, const char *end, uint64_t size) {
    uint64_t first, last;
    bool has_first = read_number(&first, at, end), has_last;

    if (*at == end || **at != '-') {
        return -EINVAL;
    }
    ++*at;
    has_last = read_number(&last, at, end);
    if ((!has_first && !has_last) || (has_first && has_last && last < first)) {
        return -EINVAL;
    }
    if (!has_first) { /* the last bytes: none of them, and nothing is satisfied */
        first = last == 0 ? size : last < size ? size - last : 0;
    }
    if (first >= size) {
        return 0;
    }
    last = has_first && has_last ? last : UINT64_MAX;
    last = last < size - 1 ? last : size - 1;
    *ret = (struct sp_http_range){first, last - first + 1};
    return 1;
}

static bool is_touching(const struct sp_http_range *a, const struct sp_http_range *b) {
    const struct sp_http_range *low = a->first <= b->first ? a : b, *high = low == a ? b : a;

    return high->first <= low->first + low->size;
}

static void join(struct sp_http_range *a, const struct sp_http_range *b) {
    uint64_t end_a = a->first + a->size, end_b = b->first + b->size;

    a->first = a->first < b->first ? a->first : b->first;
    a->size = (end_a > end_b ? end_a : end_b) - a->first;
}

/* Adds a range. What it touches becomes one with it, in the place of the first of these. */
static int add(struct sp_http_range *ranges, int n, struct sp_http_range range) {
    int place = n;

    for (int i = 0; i < n;) {
        if (!is_touching(&ranges[i], &range)) {
            i++;
            continue;
        }
        join(&range, &ranges[i]);
        place = i < place ? i : place;
        n--;
        memmove(&ranges[i], &ranges[i + 1], (size_t)(n - i) * sizeof(range));
        i = 0; /* it has grown: look again */
    }
    place = place < n ? place : n;
    memmove(&ranges[place + 1], &ranges[place], (size_t)(n - place) * sizeof(range));
    ranges[place] = range;
    return n + 1;
}

/* The list behind "bytes=". */
static int read_list(struct sp_http_range *ret, const char *at, const char *end, uint64_t size) {
    uint64_t left = size;
    int n = 0, n_read = 0;

    for (;;) {
        struct sp_http_range range;
        int r;

        while (at < end && (*at == ',' || *at == ' ' || *at == '\t')) {
            at++; /* empty elements may stand in any list (RFC 9110 5.6.1) */
        }
        if (at == end) {
            return n > 0 ? n : n_read > 0 ? -ERANGE : 0;
        }
        r = ++n_read > SP_HTTP_MAX_RANGES ? -EINVAL : read_range(&range, &at, end, size);
        at = skip_space(at, end);
        if (r < 0 || (at < end && *at != ',')) {
            return 0;
        }
        if (r == 0) {
            continue;
        }
        if (range.size > left) {
            return 0;
        }
        left -= range.size;
        n = add(ret, n, range);
    }
}

int sp_http_read_ranges(struct sp_http_range *ret, const char *field, size_t n_field,
                        uint64_t size) {
    if (n_field < 6 || strncasecmp(field, "bytes=", 6) != 0) {
        return 0;
    }
    return read_list(ret, field + 6, field + n_field, size);
}
