/* SPDX-License-Identifier: MIT */
/* uri.c - the parts of a request target, and percent-encoding (RFC 3986): pure functions. */

#include "wire/uri.h"

#include <errno.h>
#include <string.h>

/* ---- the parts of a target ------------------------------------------------------------------- */

/* "scheme://authority" in front of a path. Returns what follows it. */
static const char *skip_origin(struct sp_uri_parts *parts, const char *target, const char *end) {
    const char *from = memmem(target, (size_t)(end - target), "://", 3), *at, *at_sign;

    if (!from) {
        return NULL;
    }
    from += 3;
    for (at = from; at < end && *at != '/' && *at != '?'; at++) {
    }
    at_sign = memrchr(from, '@', (size_t)(at - from));
    from = at_sign ? at_sign + 1 : from;
    parts->authority = (struct sp_slice){from, (size_t)(at - from)};
    return at;
}

void sp_uri_split(struct sp_uri_parts *ret, const char *target, size_t size) {
    const char *end = target + size, *at = target, *mark;

    *ret = (struct sp_uri_parts){0};
    if (size == 0) {
        return;
    }
    if (*at != '/') {
        at = skip_origin(ret, target, end);
        if (!at) {
            return;
        }
    }
    mark = memchr(at, '?', (size_t)(end - at));
    if (mark) {
        ret->query = (struct sp_slice){mark + 1, (size_t)(end - mark - 1)};
        end = mark;
    }
    ret->path = at < end ? (struct sp_slice){at, (size_t)(end - at)} : (struct sp_slice){"/", 1};
}

/* ---- percent-encoding ------------------------------------------------------------------------ */

static int hex(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at `at` stands for, or -1 when it is malformed or stands for NUL. */
static int escaped(const char *at, const char *end) {
    int high = end - at > 2 ? hex(at[1]) : -1;
    int low = high >= 0 ? hex(at[2]) : -1;

    return low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

/* Decodes one byte at *at and moves it on. -1: a malformed escape, nothing is moved. */
static int next_byte(const char **at, const char *end, int flags) {
    int byte = (unsigned char)**at, size = 1;

    if (byte == '%') {
        int value = escaped(*at, end);

        if (value < 0 && !(flags & SP_URI_LENIENT)) {
            return -1;
        }
        if (value >= 0) {
            byte = value;
            size = 3;
        }
    } else if (byte == '+' && (flags & SP_URI_PLUS_SPACE)) {
        byte = ' ';
    }
    *at += size;
    return byte;
}

ssize_t sp_uri_decode(char *out, const char *text, size_t size, int flags) {
    const char *at = text, *end = text + size;
    char *to = out;

    while (at < end) {
        int byte = next_byte(&at, end, flags);

        if (byte < 0) {
            return -EINVAL;
        }
        *to++ = (char)byte;
    }
    *to = '\0';
    return to - out;
}

bool sp_uri_is(const char *text, size_t size, const char *plain, int flags) {
    const char *at = text, *end = text + size;

    while (at < end && *plain) {
        if (next_byte(&at, end, flags | SP_URI_LENIENT) != (unsigned char)*plain++) {
            return false;
        }
    }
    return at == end && !*plain;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static void split_pair(struct sp_uri_pair *ret, const char *text, const char *end) {
    const char *mark = memchr(text, '=', (size_t)(end - text));
    const char *value = mark ? mark + 1 : end;

    ret->name = (struct sp_slice){text, (size_t)((mark ? mark : end) - text)};
    ret->value = (struct sp_slice){value, (size_t)(end - value)};
}

/* The end of the piece that begins at `at`, before `separator`. */
static const char *piece_end(const char *at, const char *end, char separator) {
    const char *mark = memchr(at, separator, (size_t)(end - at));

    return mark ? mark : end;
}

bool sp_uri_next_pair(struct sp_uri_pair *ret, const char **at, const char *end) {
    while (*at < end) {
        const char *text = *at, *stop = piece_end(text, end, '&');

        *at = stop < end ? stop + 1 : end;
        if (stop > text) {
            split_pair(ret, text, stop);
            return true;
        }
    }
    return false;
}

static void trim(struct sp_slice *slice) {
    while (slice->size > 0 && (*slice->data == ' ' || *slice->data == '\t')) {
        slice->data++;
        slice->size--;
    }
    while (slice->size > 0 &&
           (slice->data[slice->size - 1] == ' ' || slice->data[slice->size - 1] == '\t')) {
        slice->size--;
    }
}

bool sp_cookie_next(struct sp_uri_pair *ret, const char **at, const char *end) {
    while (*at < end) {
        const char *text = *at, *stop = piece_end(text, end, ';');

        *at = stop < end ? stop + 1 : end;
        split_pair(ret, text, stop);
        trim(&ret->name);
        trim(&ret->value);
        if (ret->name.size > 0 && memchr(text, '=', (size_t)(stop - text))) {
            return true;
        }
    }
    return false;
}
