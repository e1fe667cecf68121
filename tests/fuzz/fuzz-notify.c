/* SPDX-License-Identifier: MIT */
/* fuzz-notify.c - any bytes as a notification: its lines are all that is in it. */

#include <stdlib.h>
#include <string.h>

#include <sunpath/notify.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *bytes = malloc(size ? size : 1); /* no more, so that reading beyond is seen */
    const char *at = bytes, *behind = bytes;
    struct sunpath_notify_field field;

    sp_assert(bytes);
    memcpy(bytes, data, size);
    while (sunpath_notify_next(&field, &at, bytes + size)) {
        while (behind < field.name) {
            sp_assert(*behind++ == '\n');
        }
        sp_assert(field.n_name + field.n_value + (field.value != NULL) > 0);
        sp_assert(!memchr(field.name, '=', field.n_name) &&
                  !memchr(field.name, '\n', field.n_name));
        behind = field.name + field.n_name;
        if (field.value) {
            sp_assert(field.value == behind + 1 && *behind == '=');
            sp_assert(!memchr(field.value, '\n', field.n_value));
            behind = field.value + field.n_value;
        }
        sp_assert(behind <= bytes + size && at >= behind);
    }
    sp_assert(at == bytes + size);
    free(bytes);
    return 0;
}
