/* SPDX-License-Identifier: MIT */
/* options.h - read an options struct of any age: `size` first, zero means the default. */

#ifndef SP_BASE_OPTIONS_H
#define SP_BASE_OPTIONS_H

#include <errno.h>
#include <string.h>

/*
 * Copies the caller's options (NULL: all defaults) into *ret, a struct of `n_ret` bytes. What an
 * older caller does not know is zero. -EINVAL when `size` was not set, or is larger than ours: a
 * caller built against a newer library may rely on a field we would ignore.
 */
static inline int sp_options_read(void *ret, size_t n_ret, const void *options) {
    size_t size = n_ret;

    memset(ret, 0, n_ret);
    if (!options) {
        return 0;
    }

    memcpy(&size, options, sizeof(size));
    if (size < sizeof(size) || size > n_ret) {
        return -EINVAL;
    }

    memcpy(ret, options, size);
    return 0;
}

#endif
