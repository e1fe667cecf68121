/* SPDX-License-Identifier: MIT */
/* put.h - bytes and digits one behind the other: each call returns where the next goes. */

#ifndef SP_BASE_PUT_H
#define SP_BASE_PUT_H

#include <stddef.h>
#include <string.h>

/* `from` may be NULL when there are none. */
static inline char *sp_put(char *at, const void *from, size_t size) {
    if (size > 0) {
        memcpy(at, from, size);
    }
    return at + size;
}

/* The last `n_digits` decimal digits, with zeros in front. */
static inline char *sp_put_digits(char *at, unsigned number, int n_digits) {
    for (int i = n_digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + n_digits;
}

#endif
