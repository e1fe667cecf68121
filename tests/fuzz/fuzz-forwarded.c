/* SPDX-License-Identifier: MIT */
/* fuzz-forwarded.c - any bytes as Forwarded and as a list of addresses. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct sp_slice slice, const char *text, size_t size) {
    sp_assert(!slice.data || (slice.data >= text && slice.data + slice.size <= text + size));
}

static void check_address(struct sp_slice text) {
    struct sp_slice address, again;

    if (text.data && sp_forwarded_address(&address, text)) {
        check_inside(address, text.data, text.size);
        sp_assert(address.size > 0);
        /* What was taken for an address is one. */
        sp_assert(sp_forwarded_address(&again, address) && again.size == address.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size); /* of exactly the size: a byte too far is seen */
    const char *at = text, *end = text + size;
    struct sp_forwarded element;
    struct sp_slice item;
    size_t n = 0;
    int r;

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    while ((r = sp_forwarded_next(&element, &at, end)) == 1) {
        check_inside(element.node, text, size);
        check_inside(element.host, text, size);
        check_inside(element.proto, text, size);
        check_address(element.node);
        sp_assert(++n <= size + 1);
    }
    sp_assert(r == 0 || r == -EBADMSG);
    at = text;
    while (sp_forwarded_next_item(&item, &at, end)) {
        check_inside(item, text, size);
        check_address(item);
        (void)sp_forwarded_is_host(item);
        (void)sp_forwarded_is_scheme(item);
    }
    free(text);
    return 0;
}
