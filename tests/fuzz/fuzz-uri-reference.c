/* SPDX-License-Identifier: MIT */
/* fuzz-uri-reference.c - any bytes as a Location. The first byte says where the base ends. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/uri-reference.h"

static void check_inside(struct sp_slice part, const char *text, size_t size) {
    sp_assert(!part.data || (part.data >= text && part.data + part.size <= text + size));
}

/* A target as it may be sent: an absolute path without dot segments, and bytes that are visible. */
static void check_target(const char *target, size_t size) {
    size_t n_path = strcspn(target, "?");

    sp_assert(size == strlen(target) && target[0] == '/');
    for (size_t i = 0; i < size; i++) {
        sp_assert(target[i] > 0x20 && target[i] < 0x7f && target[i] != '#');
    }
    for (size_t i = 0; i < n_path; i++) {
        size_t n = strcspn(target + i + 1, "/?");

        if (target[i] == '/') {
            sp_assert(!(n == 1 && target[i + 1] == '.'));
            sp_assert(!(n == 2 && target[i + 1] == '.' && target[i + 2] == '.'));
        }
    }
}

static char *resolve(const char *base, size_t n_base, const char *text, size_t size) {
    struct sp_uri_reference reference;
    char *out = malloc(SP_URI_RESOLVED_ROOM(n_base, size));

    sp_assert(out);
    sp_uri_reference_split(&reference, text, size);
    check_inside(reference.scheme, text, size);
    check_inside(reference.authority, text, size);
    check_inside(reference.path, text, size);
    check_inside(reference.query, text, size);
    size = sp_uri_resolve(out, base, n_base, &reference);
    sp_assert(size == strlen(out));
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data + 1;
    char *first, *second, *again;
    size_t n;

    if (size == 0) {
        return 0;
    }
    n = data[0] % size;
    first = resolve("/", 1, text, n); /* what becomes a base is a target itself */
    check_target(first, strlen(first));
    second = resolve(first, strlen(first), text + n, size - 1 - n);
    check_target(second, strlen(second));
    again = resolve(second, strlen(second), "", 0);
    sp_assert(strcmp(again, second) == 0);
    free(first);
    free(second);
    free(again);
    return 0;
}
