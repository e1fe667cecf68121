/* SPDX-License-Identifier: MIT */
/* content-range.h - which part of a whole an answer carries (RFC 9110 14.4): a pure function. */

#ifndef SP_WIRE_CONTENT_RANGE_H
#define SP_WIRE_CONTENT_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_RANGE_UNKNOWN UINT64_MAX

struct sp_content_range {
    uint64_t first; /* offsets of bytes, both included */
    uint64_t last;
    uint64_t whole; /* SP_RANGE_UNKNOWN: "*" */
};

/* Reads "bytes 10-19/100". False for anything else: other units, an unsatisfied range,
 * contradictions. */
bool sp_content_range_parse(struct sp_content_range *ret, const char *text, size_t size);

#endif
