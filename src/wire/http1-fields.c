/* SPDX-License-Identifier: MIT */
/* http1-fields.c - field lines: where each name and value is, and whether they may be there. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http1-parts.h"
#include "wire/http1-scan-avx2.h"
#include "wire/http1-scan.h"

/* ---- lines ----------------------------------------------------------------------------------- */

int sp_http_no_crlf(const struct sp_http_cursor *cursor, const char **ret_why) {
    const char *at = cursor->at;

    if (at == cursor->end || (*at == '\r' && at + 1 == cursor->end)) {
        return 0;
    }
    *ret_why = *at == '\r'   ? "a carriage return without a line feed"
               : *at == '\n' ? "a line feed without a carriage return"
               : *at == '\0' ? "a NUL byte"
                             : "a byte that may not stand there";
    return -EBADMSG;
}

static const char *why_bad_name(const char *name, const char *at) {
    if (at > name) {
        return sp_http_is_blank(*at) ? "white space before the colon of a field"
                                     : "a field name with a byte that may not stand in one";
    }
    switch (*at) {
    case ' ':
    case '\t':
        return "a line that begins with white space"; /* obs-fold, RFC 9112 5.2 and 2.2 */
    case ':':
        return "a field without a name";
    default:
        return "a field name with a byte that may not stand in one";
    }
}

/* The cursor moves only when the field is there, so it is in registers until then. */
int sp_http_read_field(struct sp_http_cursor *cursor, struct sp_http_field *ret,
                       const char **ret_why) {
    const char *name = cursor->at, *end = cursor->end;
    const char *colon = sp_scan_token(name, end);
    const char *value, *behind;

    if (colon == end) {
        return 0;
    }
    if (sp_unlikely(*colon != ':' || colon == name)) {
        *ret_why = why_bad_name(name, colon);
        return -EBADMSG;
    }
    for (value = colon + 1; value < end && sp_http_is_blank(*value); value++) {
    }
    behind = sp_scan_value(value, end);
    if (sp_unlikely(end - behind < 2 || memcmp(behind, "\r\n", 2) != 0)) {
        return sp_http_no_crlf(&(struct sp_http_cursor){cursor->data, behind, end}, ret_why);
    }
    cursor->at = behind + 2;
    while (behind > value && sp_http_is_blank(behind[-1])) {
        behind--;
    }
    ret->name = sp_http_span(cursor, name, colon);
    ret->value = sp_http_span(cursor, value, behind);
    return 1;
}

void sp_http_split_field(struct sp_http_field *ret, const char *line, size_t size) {
    const char *colon = sp_scan_token(line, line + size);
    const char *value = colon, *end = line + size;

    if (value < end) {
        value++;
    }
    while (value < end && sp_http_is_blank(*value)) {
        value++;
    }
    while (end > value && sp_http_is_blank(end[-1])) {
        end--;
    }
    ret->name = (struct sp_span){0, (uint32_t)(colon - line)};
    ret->value = (struct sp_span){(uint32_t)(value - line), (uint32_t)(end - value)};
}

/* strncasecmp() would ask the locale, in which an I may have no i. */
static bool is_same_name(const char *a, const char *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bool is_letter = (a[i] | 0x20) >= 'a' && (a[i] | 0x20) <= 'z';

        if (a[i] != b[i] && (!is_letter || (a[i] ^ b[i]) != 0x20)) {
            return false;
        }
    }
    return true;
}

const char *sp_http_find_field(const struct sp_http_head *head, const char *data, const char *name,
                               size_t *ret_size) {
    size_t n_name = strlen(name);

    for (size_t i = 0; i < head->n_fields; i++) {
        const struct sp_http_field *field = &head->fields[i];

        if (field->name.size == n_name && is_same_name(data + field->name.at, name, n_name)) {
            *ret_size = field->value.size;
            return data + field->value.at;
        }
    }
    return NULL;
}

/* ---- the whole section ----------------------------------------------------------------------- */

/* By the length of a name: the first letter of the one that the protocol acts on, if there is one.
 */
static const char first_letters[] = {
    [4] = 'h', [6] = 'e', [7] = 'u', [10] = 'c', [14] = 'c', [17] = 't'};

static inline bool may_matter(const char *name, size_t n_name) {
    return n_name < sizeof(first_letters) && (*name | 0x20) == first_letters[n_name];
}

/* Why the line at the cursor is none: 0 when bytes are missing, or an error. */
static int no_line(struct sp_http_head *head, struct sp_http_cursor *cursor, bool is_too_many) {
    struct sp_http_field field;
    int r;

    if (is_too_many) {
        head->why = "too many fields";
        return -EMSGSIZE;
    }
    r = sp_http_read_field(cursor, &field, &head->why);
    sp_assert(r <= 0);
    return r;
}

static inline void set_field(struct sp_http_field *field, const char *data, const char *name,
                             const char *colon, const char *value, const char *behind) {
    field->name = (struct sp_span){(uint32_t)(name - data), (uint32_t)(colon - name)};
    field->value = (struct sp_span){(uint32_t)(value - data), (uint32_t)(behind - value)};
}

/* What is behind the line at `at`, or NULL when it is not whole or not right. */
typedef const char *take_line_fn(struct sp_http_field *ret, const char *data, const char *at,
                                 const char *end);

/*
 * In line, so that what calls it with AVX2 has it with AVX2 as well: going from instructions of one
 * kind to those of the other and back takes longer than all of them.
 */
static inline __attribute__((always_inline)) const char *take_line(struct sp_http_field *ret,
                                                                   const char *data, const char *at,
                                                                   const char *end) {
    const char *colon = sp_scan_token(at, end);
    const char *value, *behind, *next;

    if (sp_unlikely(end - colon < 3 || *colon != ':' || colon == at)) {
        return NULL;
    }
    value = colon + 1 + (colon[1] == ' ');
    while (sp_unlikely(value < end && sp_http_is_blank(*value))) {
        value++;
    }
    behind = sp_scan_value(value, end);
    if (sp_unlikely(end - behind < 2 || memcmp(behind, "\r\n", 2) != 0)) {
        return NULL;
    }
    next = behind + 2;
    while (sp_unlikely(behind > value && sp_http_is_blank(behind[-1]))) {
        behind--;
    }
    set_field(ret, data, at, colon, value, behind);
    return next;
}

/* Whole lines go fast; where that ends, the line is looked at again for what is the matter. */
static inline __attribute__((always_inline)) int read_fields(struct sp_http_head *head,
                                                             struct sp_http_facts *facts,
                                                             size_t max_fields,
                                                             struct sp_http_cursor *cursor,
                                                             take_line_fn *take) {
    const char *data = cursor->data, *end = cursor->end;
    const char *at = cursor->at, *next;
    struct sp_http_field *field = head->fields + head->n_fields;
    const struct sp_http_field *limit = head->fields + max_fields;

    for (; at < end && *at != '\r' && field < limit; field++, at = next) {
        next = take(field, data, at, end);
        if (sp_unlikely(!next)) {
            break;
        }
        if (may_matter(at, field->name.size)) {
            sp_http_note_field(facts, at, field->name.size, data + field->value.at,
                               field->value.size);
        }
    }
    head->n_fields = (size_t)(field - head->fields);
    cursor->at = at;
    if (sp_likely(at < end && *at == '\r')) {
        return sp_http_read_crlf(cursor, &head->why);
    }
    return at == end ? 0 : no_line(head, cursor, field == limit);
}

int sp_http_read_fields_plainly(struct sp_http_head *head, struct sp_http_facts *facts,
                                size_t max_fields, struct sp_http_cursor *cursor) {
    return read_fields(head, facts, max_fields, cursor, take_line);
}

#ifdef SP_HAVE_AVX2
/*
 * take_line() for lines as nearly all are: one look at 64 bytes tells where the name ends and
 * mostly where the value does, so that hardly anything has to be compared with `end`. What is not
 * right, has a tab, or more white space than it should, is left to take_line().
 */
static inline SP_AVX2 const char *take_line_avx2(struct sp_http_field *ret, const char *data,
                                                 const char *at, const char *end) {
    const char *colon, *value, *behind;
    uint64_t controls;

    if (sp_likely(end - at > 64)) {
        colon = at + __builtin_ctz(sp_not_token_32(at) | 1U << 31);
        value = colon + 1 + (colon[1] == ' ');
        controls = sp_control_64(at) >> (value - at);
        behind =
            sp_likely(controls) ? value + __builtin_ctzll(controls) : sp_find_control(at + 64, end);
        if (sp_likely(behind && memcmp(behind, "\r\n", 2) == 0 && *colon == ':' && colon > at &&
                      *value != ' ' && behind[-1] != ' ')) {
            set_field(ret, data, at, colon, value, behind);
            return behind + 2;
        }
    }
    return take_line(ret, data, at, end);
}

static SP_AVX2 int read_fields_avx2(struct sp_http_head *head, struct sp_http_facts *facts,
                                    size_t max_fields, struct sp_http_cursor *cursor) {
    return read_fields(head, facts, max_fields, cursor, take_line_avx2);
}
#endif

int sp_http_read_fields(struct sp_http_head *head, struct sp_http_facts *facts, size_t max_fields,
                        struct sp_http_cursor *cursor) {
#ifdef SP_HAVE_AVX2
    if (sp_likely(sp_has_avx2())) {
        return read_fields_avx2(head, facts, max_fields, cursor);
    }
#endif
    return sp_http_read_fields_plainly(head, facts, max_fields, cursor);
}
