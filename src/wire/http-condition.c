/* SPDX-License-Identifier: MIT */
/* http-condition.c - conditional requests (RFC 9110 13). */

#include "wire/http-condition.h"

#include <string.h>

#include "wire/http-date.h"

/* ---- tags ------------------------------------------------------------------------------------ */

static bool is_weak(struct sp_slice tag) {
    return tag.size >= 2 && memcmp(tag.data, "W/", 2) == 0;
}

static struct sp_slice opaque(struct sp_slice tag) {
    return is_weak(tag) ? (struct sp_slice){tag.data + 2, tag.size - 2} : tag;
}

static bool is_equal(struct sp_slice a, struct sp_slice b, bool weakly) {
    if (!weakly && (is_weak(a) || is_weak(b))) {
        return false;
    }
    a = opaque(a);
    b = opaque(b);
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool is_between(char c) {
    return c == ',' || c == ' ' || c == '\t';
}

/* Takes the next tag, whatever it holds: commas inside of its quotes, too. */
static bool next_tag(struct sp_slice *ret, const char **at, const char *end) {
    const char *from, *mark;

    while (*at < end && is_between(**at)) {
        ++*at;
    }
    from = *at;
    if (from == end) {
        return false;
    }
    mark = end - from > 2 && memcmp(from, "W/", 2) == 0 ? from + 2 : from;
    if (*mark == '"') {
        mark = memchr(mark + 1, '"', (size_t)(end - mark - 1));
        mark = mark ? mark + 1 : end;
    }
    while (mark < end && !is_between(*mark)) {
        mark++;
    }
    *ret = (struct sp_slice){from, (size_t)(mark - from)};
    *at = mark;
    return true;
}

bool sp_http_etag_matches(struct sp_slice list, const char *etag, bool weakly) {
    const char *at = list.data, *end = list.data + list.size;
    struct sp_slice tag;

    while (next_tag(&tag, &at, end)) {
        if (tag.size == 1 && *tag.data == '*') {
            return true;
        }
        if (etag && is_equal(tag, (struct sp_slice){etag, strlen(etag)}, weakly)) {
            return true;
        }
    }
    return false;
}

/* ---- conditions ------------------------------------------------------------------------------ */

static bool read_date(int64_t *ret, struct sp_slice field, int64_t now) {
    return field.data && sp_http_read_date(ret, field.data, field.size, now);
}

static bool is_precondition_met(const struct sp_http_conditions *conditions,
                                const struct sp_http_validators *validators, int64_t now) {
    int64_t date;

    if (conditions->if_match.data) {
        return sp_http_etag_matches(conditions->if_match, validators->etag, false);
    }
    return !validators->has_modified || !read_date(&date, conditions->if_unmodified_since, now) ||
           validators->modified <= date;
}

static bool is_new_to_client(const struct sp_http_conditions *conditions,
                             const struct sp_http_validators *validators, int64_t now) {
    int64_t date;

    if (conditions->if_none_match.data) {
        return !sp_http_etag_matches(conditions->if_none_match, validators->etag, true);
    }
    return !validators->has_modified || !read_date(&date, conditions->if_modified_since, now) ||
           validators->modified > date;
}

int sp_http_check_conditions(const struct sp_http_conditions *conditions,
                             const struct sp_http_validators *validators, int64_t now) {
    if (!is_precondition_met(conditions, validators, now)) {
        return 412;
    }
    return is_new_to_client(conditions, validators, now) ? 0 : 304;
}

bool sp_http_check_if_range(struct sp_slice if_range, const struct sp_http_validators *validators,
                            int64_t now) {
    int64_t date;

    if (if_range.size > 0 && (*if_range.data == '"' || is_weak(if_range))) {
        return validators->etag &&
               is_equal(if_range, (struct sp_slice){validators->etag, strlen(validators->etag)},
                        false);
    }
    return validators->has_modified && validators->is_modified_strong &&
           read_date(&date, if_range, now) && date == validators->modified;
}
