/* SPDX-License-Identifier: MIT */
/* multipart-part.c - the headers of one part of a form: name, filename, type (RFC 7578 4). */

#include "wire/multipart-part.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http1.h"
#include "wire/media-type.h"

/* What was found so far; NULL data: nothing. */
struct found {
    struct sp_slice disposition, type, encoding;
    struct sp_parameter name, filename, filename_star;
};

static bool is_word(struct sp_slice slice, const char *word) {
    return slice.size == strlen(word) && strncasecmp(slice.data, word, slice.size) == 0;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* "name: value"; false when it is none. */
static bool split_line(struct sp_uri_pair *ret, const char *line, size_t size) {
    const char *colon = memchr(line, ':', size), *at, *end = line + size;

    if (!colon || !sp_http_is_token(line, (size_t)(colon - line))) {
        return false;
    }
    for (at = colon + 1; at < end && (*at == ' ' || *at == '\t'); at++) {
    }
    for (; end > at && (end[-1] == ' ' || end[-1] == '\t'); end--) {
    }
    ret->name = (struct sp_slice){line, (size_t)(colon - line)};
    ret->value = (struct sp_slice){at, (size_t)(end - at)};
    return sp_http_is_value(at, (size_t)(end - at));
}

/* False when it was there already. */
static bool set_once(struct sp_slice *slice, struct sp_slice value) {
    if (slice->data) {
        return false;
    }
    *slice = value;
    return true;
}

static const char *take_line(struct found *found, const char *line, size_t size) {
    struct sp_uri_pair field;
    bool is_first = true;

    if (!split_line(&field, line, size)) {
        return "a header of a part is malformed";
    }
    if (is_word(field.name, "Content-Disposition")) {
        is_first = set_once(&found->disposition, field.value);
    } else if (is_word(field.name, "Content-Type")) {
        is_first = set_once(&found->type, field.value);
    } else if (is_word(field.name, "Content-Transfer-Encoding")) {
        is_first = set_once(&found->encoding, field.value);
    }
    return is_first ? NULL : "a part has a header twice";
}

/* ---- the disposition ------------------------------------------------------------------------- */

static bool set_parameter(struct sp_parameter *slot, const struct sp_parameter *parameter) {
    if (slot->name.data) {
        return false;
    }
    *slot = *parameter;
    return true;
}

static const char *take_disposition(struct found *found) {
    const char *at, *end = found->disposition.data + found->disposition.size;
    struct sp_parameter parameter;
    bool is_first = true;
    int r;

    if (!is_word(sp_media_value(found->disposition.data, found->disposition.size, &at),
                 "form-data")) {
        return "a part is no form-data";
    }
    while (is_first && (r = sp_parameter_next(&parameter, &at, end)) != 0) {
        if (r < 0) {
            return "a part's Content-Disposition is malformed";
        }
        if (sp_parameter_is(&parameter, "name")) {
            is_first = set_parameter(&found->name, &parameter);
        } else if (sp_parameter_is(&parameter, "filename")) {
            is_first = set_parameter(&found->filename, &parameter);
        } else if (sp_parameter_is(&parameter, "filename*")) {
            is_first = set_parameter(&found->filename_star, &parameter);
        }
    }
    return is_first ? NULL : "a part has a name twice";
}

/* Undoes the escapes of clients in place, and puts a NUL behind. */
static const char *unescape(struct sp_slice value) {
    char *begin = (char *)(uintptr_t)value.data, *to = begin; /* in the headers we may change */
    const char *at = begin, *end = at + value.size;

    while (at < end) {
        if (*at == '\\' && end - at > 1 && (at[1] == '"' || at[1] == '\\')) {
            *to++ = at[1];
            at += 2;
        } else if (end - at > 2 && memcmp(at, "%22", 3) == 0) {
            *to++ = '"';
            at += 3;
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
    return begin;
}

static bool has_control(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

/* UTF-8'language'text (RFC 8187 3.2), decoded in place; NULL when it is not that. */
static const char *decode_extended(struct sp_slice value) {
    const char *end = value.data + value.size;
    const char *quote = memchr(value.data, '\'', value.size);
    const char *second = quote ? memchr(quote + 1, '\'', (size_t)(end - quote - 1)) : NULL;
    char *text;

    if (!second || !is_word((struct sp_slice){value.data, (size_t)(quote - value.data)}, "UTF-8")) {
        return NULL;
    }
    text = (char *)(uintptr_t)(second + 1);
    if (sp_uri_decode(text, text, (size_t)(end - text), SP_URI_STRICT) < 0 || has_control(text)) {
        return NULL;
    }
    return text;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool is_plain_encoding(struct sp_slice encoding) {
    return !encoding.data || is_word(encoding, "7bit") || is_word(encoding, "8bit") ||
           is_word(encoding, "binary");
}

static const char *fill(struct sp_multipart_part *ret, const struct found *found) {
    *ret = (struct sp_multipart_part){.name = unescape(found->name.value)};
    if (found->filename_star.name.data) {
        ret->filename = decode_extended(found->filename_star.value);
        if (!ret->filename) {
            return "a part's filename* is no UTF-8 or malformed";
        }
    } else if (found->filename.name.data) {
        ret->filename = unescape(found->filename.value);
    }
    if (found->type.data) {
        ((char *)(uintptr_t)found->type.data)[found->type.size] = '\0';
        ret->type = found->type.data;
    }
    return NULL;
}

const char *sp_multipart_read_part(struct sp_multipart_part *ret, char *headers, size_t size) {
    struct found found = {0};
    const char *at = headers, *end = headers + size, *why = NULL;

    while (at < end && !why) {
        const char *mark = memchr(at, '\n', (size_t)(end - at));

        sp_assert(mark && mark > at); /* whole lines, with CR */
        why = take_line(&found, at, (size_t)(mark - 1 - at));
        at = mark + 1;
    }
    if (why) {
        return why;
    }
    if (!found.disposition.data) {
        return "a part has no Content-Disposition";
    }
    why = take_disposition(&found);
    if (why) {
        return why;
    }
    if (!found.name.name.data) {
        return "a part has no name";
    }
    if (!is_plain_encoding(found.encoding)) {
        return "a part has a Content-Transfer-Encoding (RFC 7578 4.7 has none)";
    }
    return fill(ret, &found);
}
