/* SPDX-License-Identifier: MIT */
/* fuzz-uri.c - any bytes as a target, a query and a Cookie header. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/uri.h"

static void check_inside(struct sp_slice slice, const char *text, size_t size) {
    sp_assert(slice.data >= text && slice.data + slice.size <= text + size);
}

static void check_target(const char *text, size_t size) {
    struct sp_uri_parts parts;

    sp_uri_split(&parts, text, size);
    sp_assert(!parts.path.data || parts.path.size > 0);
    if (parts.query.data) {
        sp_assert(parts.query.data + parts.query.size == text + size);
        sp_assert(parts.query.data[-1] == '?');
    }
    sp_assert(!parts.path.data || !memchr(parts.path.data, '?', parts.path.size));
}

/* What decodes is never longer, equals what it is the encoding of, and is alike in place. */
static void check_decoding(const char *text, size_t size, int flags) {
    char *out = malloc(size + 1), *same = malloc(size + 1);
    ssize_t n;

    sp_assert(out && same);
    n = sp_uri_decode(out, text, size, flags);
    sp_assert(n == -22 || (n >= 0 && (size_t)n <= size && out[n] == '\0'));
    sp_assert(n >= 0 || !(flags & SP_URI_LENIENT));
    memcpy(same, text, size);
    sp_assert(sp_uri_decode(same, same, size, flags) == n);
    if (n >= 0) {
        sp_assert(memcmp(out, same, (size_t)n) == 0);
    }
    if (n >= 0 && strlen(out) == (size_t)n) {
        sp_assert(sp_uri_is(text, size, out, flags));
    }
    free(out);
    free(same);
}

static void check_pairs(const char *text, size_t size,
                        bool (*next)(struct sp_uri_pair *, const char **, const char *)) {
    const char *at = text, *end = text + size, *before = at;
    struct sp_uri_pair pair;

    while (next(&pair, &at, end)) {
        sp_assert(at > before && at <= end);
        before = at;
        check_inside(pair.name, text, size);
        check_inside(pair.value, text, size);
        check_decoding(pair.value.data, pair.value.size, SP_URI_LENIENT | SP_URI_PLUS_SPACE);
    }
    sp_assert(at == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *copy = malloc(size ? size : 1);

    sp_assert(copy);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    check_target(copy, size);
    for (int flags = 0; flags < 4; flags++) {
        check_decoding(copy, size, flags);
    }
    check_pairs(copy, size, sp_uri_next_pair);
    check_pairs(copy, size, sp_cookie_next);
    free(copy);
    return 0;
}
