/* SPDX-License-Identifier: MIT */
/* fuzz-cookie.c - any bytes as a Set-Cookie value, as a date and as paths. */

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/cookie.h"

#define NOW 1700000000

static void check_inside(struct sp_slice slice, const char *data, size_t size) {
    sp_assert(!slice.data || (slice.data >= data && slice.data + slice.size <= data + size));
    for (size_t i = 0; i < slice.size; i++) {
        unsigned char c = (unsigned char)slice.data[i];

        sp_assert(c != ';' && c != 0x7f && (c >= 0x20 || c == '\t'));
    }
}

/* What goes back in a Cookie header reads as the same name and value. */
static void check_again(const struct sp_set_cookie *got) {
    char text[SP_COOKIE_MAX_PAIR + 2];
    struct sp_set_cookie again;
    size_t n = 0;

    memcpy(text, got->name.data, got->name.size);
    n += got->name.size;
    text[n++] = '=';
    memcpy(text + n, got->value.data, got->value.size);
    n += got->value.size;
    if (!sp_set_cookie_parse(&again, text, n, NOW)) {
        return; /* a prefix, whose attributes are gone */
    }
    sp_assert(again.name.size == got->name.size && again.value.size == got->value.size);
    sp_assert(memcmp(again.name.data, got->name.data, got->name.size) == 0);
    sp_assert(memcmp(again.value.data, got->value.data, got->value.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct sp_slice all = {text, size}, folder = sp_cookie_default_path(all);
    struct sp_set_cookie got;
    int64_t time;

    if (sp_set_cookie_parse(&got, text, size, NOW)) {
        check_inside(got.name, text, size);
        check_inside(got.value, text, size);
        check_inside(got.path, text, size);
        sp_assert(!memchr(got.name.data, '=', got.name.size));
        sp_assert(got.name.size + got.value.size <= SP_COOKIE_MAX_PAIR);
        sp_assert(got.expires == SP_COOKIE_SESSION || got.expires <= NOW + 400LL * 24 * 3600);
        check_again(&got);
    }
    if (sp_cookie_date(&time, text, size)) {
        sp_assert(time >= -11644473600 && time < 253402300800);
    }
    sp_assert(folder.size > 0 && folder.data[0] == '/');
    if (size > 0 && text[0] == '/') {
        sp_assert(sp_cookie_path_matches(folder, all) && sp_cookie_path_matches(all, all));
    }
    return 0;
}
