/* SPDX-License-Identifier: MIT */
/* http-range.h - which bytes of a representation are asked for (RFC 9110 14): pure functions. */

#ifndef SP_WIRE_HTTP_RANGE_H
#define SP_WIRE_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

struct sp_http_range {
    uint64_t first;
    uint64_t size; /* never 0 */
};

#define SP_HTTP_MAX_RANGES 32

/*
 * Reads a Range field for a representation of `size` bytes into `ret` (SP_HTTP_MAX_RANGES of them).
 * Returns how many ranges there are, in the order they were asked for, those that overlap or touch
 * made one; 0 when the field is to be ignored: malformed, of another unit, more than
 * SP_HTTP_MAX_RANGES ranges, or more bytes than there are (who asks for everything many times over
 * means harm, and gets it once); -ERANGE when no range lies inside: 416.
 */
int sp_http_read_ranges(struct sp_http_range *ret, const char *field, size_t n_field,
                        uint64_t size);

#endif
