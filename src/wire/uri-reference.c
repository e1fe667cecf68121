/* SPDX-License-Identifier: MIT */
/* uri-reference.c - references to other resources, split and resolved. */

#include "wire/uri-reference.h"

#include <string.h>

static bool is_letter(char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_scheme_byte(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* What lies before `end`, a mark or the end of the text; moves *at there. */
static struct sp_slice take_until(const char **at, const char *end) {
    struct sp_slice part = {*at, (size_t)(end - *at)};

    *at = end;
    return part;
}

static const char *find_any(const char *at, const char *end, const char *marks) {
    while (at < end && !memchr(marks, *at, strlen(marks))) {
        at++;
    }
    return at;
}

void sp_uri_reference_split(struct sp_uri_reference *ret, const char *text, size_t size) {
    const char *at = text, *end = text + size, *mark = text;

    *ret = (struct sp_uri_reference){0};
    end = find_any(at, end, "#");
    while (mark < end && is_scheme_byte(*mark)) {
        mark++;
    }
    if (mark > at && mark < end && *mark == ':' && is_letter(*at)) {
        ret->scheme = take_until(&at, mark);
        at++;
    }
    if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
        at += 2;
        ret->authority = take_until(&at, find_any(at, end, "/?"));
    }
    ret->path = take_until(&at, find_any(at, end, "?"));
    if (at < end) {
        at++;
        ret->query = take_until(&at, end);
    }
}

/* ---- resolving ------------------------------------------------------------------------------- */

/* Copies `part`, encoding what may not stand in a target. */
static char *put(char *at, struct sp_slice part) {
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < part.size; i++) {
        unsigned char c = (unsigned char)part.data[i];

        if (c > 0x20 && c < 0x7f && !strchr("#\"<>", c)) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        }
    }
    return at;
}

/* "." and "..", also with their dot written as %2e, as the URL standard has it. 0: neither. */
static int n_dots(const char *segment, const char *end) {
    int n = 0;

    while (segment < end) {
        if (*segment == '.') {
            segment++;
        } else if (end - segment >= 3 && segment[0] == '%' && segment[1] == '2' &&
                   (segment[2] | 0x20) == 'e') {
            segment += 3;
        } else {
            return 0;
        }
        n++;
    }
    return n;
}

/* Takes the dot segments out of an absolute path, in place (RFC 3986 5.2.4). Returns its end. */
static char *remove_dots(char *path, char *end) {
    char *to = path, *at = path;

    while (at < end) {
        char *next = memchr(at + 1, '/', (size_t)(end - at - 1));
        bool is_last = !next;
        size_t size;
        int n;

        next = next ? next : end;
        size = (size_t)(next - at);
        n = n_dots(at + 1, next);
        if (n == 1 || n == 2) {
            for (bool goes_up = n == 2; goes_up && to > path; goes_up = *to != '/') {
                to--;
            }
            if (is_last) {
                *to++ = '/';
            }
        } else {
            memmove(to, at, size);
            to += size;
        }
        at = next;
    }
    return to;
}

/* The path of `reference`, put behind the base's folder where it is relative. */
static char *put_path(char *out, struct sp_slice base, const struct sp_uri_reference *reference) {
    bool is_absolute = reference->path.size > 0 && reference->path.data[0] == '/';
    const char *slash = base.data ? memrchr(base.data, '/', base.size) : NULL;
    char *at = out;

    if (reference->path.size == 0 && !reference->authority.data && slash) {
        return put(at, base);
    }
    if (!is_absolute && !reference->authority.data && slash) {
        at = put(at, (struct sp_slice){base.data, (size_t)(slash + 1 - base.data)});
    } else if (!is_absolute) {
        *at++ = '/';
    }
    at = put(at, reference->path);
    return remove_dots(out, at);
}

size_t sp_uri_resolve(char *out, const char *base, size_t n_base,
                      const struct sp_uri_reference *reference) {
    bool is_same_path = reference->path.size == 0 && !reference->authority.data;
    struct sp_slice query = reference->query;
    struct sp_uri_parts parts;
    char *at;

    sp_uri_split(&parts, base, n_base);
    at = put_path(out, parts.path, reference);
    if (!query.data && is_same_path) {
        query = parts.query;
    }
    if (query.data) {
        *at++ = '?';
        at = put(at, query);
    }
    *at = '\0';
    return (size_t)(at - out);
}
