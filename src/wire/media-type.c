/* SPDX-License-Identifier: MIT */
/* media-type.c - "value; name=value" fields: media types and dispositions. */

#include "wire/media-type.h"

#include <errno.h>
#include <string.h>

#include "wire/http1-scan.h"

static const char *skip_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

struct sp_slice sp_media_value(const char *text, size_t size, const char **ret_at) {
    const char *end = text + size, *mark = size > 0 ? memchr(text, ';', size) : NULL, *stop;

    text = skip_space(text, end);
    stop = mark ? mark : end;
    *ret_at = stop;
    while (stop > text && (stop[-1] == ' ' || stop[-1] == '\t')) {
        stop--;
    }
    return (struct sp_slice){text, (size_t)(stop - text)};
}

/* The quote that closes the string which begins at `at`, or NULL. */
static const char *closing_quote(const char *at, const char *end) {
    for (; at < end && *at != '"'; at++) {
        at += *at == '\\' && end - at > 1;
    }
    return at < end ? at : NULL;
}

static int take_value(struct sp_parameter *ret, const char **at, const char *end) {
    const char *begin = *at, *stop;

    ret->is_quoted = begin < end && *begin == '"';
    if (ret->is_quoted) {
        stop = closing_quote(++begin, end);
        if (!stop) {
            return -EBADMSG;
        }
        *at = stop + 1;
    } else {
        *at = stop = sp_scan_class(begin, end, SP_CHAR_TOKEN);
        if (stop == begin) {
            return -EBADMSG;
        }
    }
    ret->value = (struct sp_slice){begin, (size_t)(stop - begin)};
    return 1;
}

int sp_parameter_next(struct sp_parameter *ret, const char **at, const char *end) {
    const char *begin = skip_space(*at, end), *stop;

    *at = end;
    if (begin == end) {
        return 0;
    }
    if (*begin != ';') {
        return -EBADMSG;
    }
    while (begin < end && *begin == ';') {
        begin = skip_space(begin + 1, end);
    }
    if (begin == end) {
        return 0;
    }
    stop = sp_scan_class(begin, end, SP_CHAR_TOKEN);
    if (stop == begin || stop == end || *stop != '=') {
        return -EBADMSG;
    }
    ret->name = (struct sp_slice){begin, (size_t)(stop - begin)};
    *at = stop + 1;
    return take_value(ret, at, end);
}

static bool is_same(struct sp_slice slice, const char *text) {
    return slice.size == strlen(text) && strncasecmp(slice.data, text, slice.size) == 0;
}

bool sp_parameter_is(const struct sp_parameter *parameter, const char *name) {
    return is_same(parameter->name, name);
}

bool sp_media_type_is(const char *text, size_t size, const char *type) {
    const char *at;

    return is_same(sp_media_value(text, size, &at), type);
}

int sp_media_parameter(struct sp_parameter *ret, const char *text, size_t size, const char *name) {
    struct sp_parameter parameter;
    int r, found = 0;
    const char *at;

    (void)sp_media_value(text, size, &at);
    while ((r = sp_parameter_next(&parameter, &at, text + size)) > 0) {
        if (!sp_parameter_is(&parameter, name)) {
            continue;
        }
        if (found++ > 0) {
            return -EBADMSG;
        }
        *ret = parameter;
    }
    return r < 0 ? r : found;
}

int sp_media_is_utf8(const char *text, size_t size) {
    struct sp_parameter charset;
    int r = sp_media_parameter(&charset, text, size, "charset");

    if (r <= 0) {
        return r < 0 ? r : 1;
    }
    return is_same(charset.value, "utf-8") || is_same(charset.value, "utf8") ||
           is_same(charset.value, "us-ascii");
}
