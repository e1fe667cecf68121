/* SPDX-License-Identifier: MIT */
/* content-range.c - which part of a whole an answer carries. */

#include "wire/content-range.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

/* The number in front of `mark`; moves *at behind that. */
static bool take_number(uint64_t *ret, const char **at, const char *end, char mark) {
    const char *stop = memchr(*at, mark, (size_t)(end - *at));

    if (!stop || !sp_parse_number(ret, *at, (size_t)(stop - *at), INT64_MAX)) {
        return false;
    }
    *at = stop + 1;
    return true;
}

bool sp_content_range_parse(struct sp_content_range *ret, const char *text, size_t size) {
    const char *at = text + 6, *end = text + size;

    if (size < 6 || strncasecmp(text, "bytes ", 6) != 0 ||
        !take_number(&ret->first, &at, end, '-') || !take_number(&ret->last, &at, end, '/') ||
        ret->first > ret->last) {
        return false;
    }
    if (end - at == 1 && *at == '*') {
        ret->whole = SP_RANGE_UNKNOWN;
        return true;
    }
    return sp_parse_number(&ret->whole, at, (size_t)(end - at), INT64_MAX) &&
           ret->last < ret->whole;
}
