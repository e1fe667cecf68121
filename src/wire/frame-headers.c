/* SPDX-License-Identifier: MIT */
/* frame-headers.c - the header lines before a message, as language servers use them. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "wire/frame.h"
#include "wire/http1.h"

static const char length_name[] = "Content-Length";

static int wrong(struct sp_frame_head *ret, const char *what) {
    ret->wrong = what;
    return -EBADMSG;
}

/* Where the block ends, behind its empty line; 0 when that is not there yet. */
static size_t find_end(const char *data, size_t size, size_t n_scanned) {
    size_t from = n_scanned > 3 ? n_scanned - 3 : 0;
    const char *end = from < size ? memmem(data + from, size - from, "\r\n\r\n", 4) : NULL;

    return end ? (size_t)(end - data) + 4 : 0;
}

static int read_length(struct sp_frame_head *ret, const char *digits, size_t n_digits) {
    uint64_t n = 0;

    for (size_t i = 0; i < n_digits; i++) {
        unsigned digit = (unsigned char)digits[i] - (unsigned)'0';

        if (digit > 9) {
            return wrong(ret, "a Content-Length that is no length");
        }
        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    if (n_digits == 0) {
        return wrong(ret, "a Content-Length that is no length");
    }
    ret->n_body = n;
    return 0;
}

/* One line, without its CRLF. */
static int read_line(struct sp_frame_head *ret, const char *line, size_t size, bool *has_length) {
    const char *colon = memchr(line, ':', size);
    size_t n_name = colon ? (size_t)(colon - line) : 0;
    struct sp_http_field field;

    if (!colon || !sp_http_is_token(line, n_name)) {
        return wrong(ret, "a header line that is none");
    }
    if (n_name != sizeof(length_name) - 1 || strncasecmp(line, length_name, n_name) != 0) {
        return 0;
    }
    if (*has_length) {
        return wrong(ret, "two Content-Length headers");
    }
    *has_length = true;
    sp_http_split_field(&field, line, size);
    return read_length(ret, line + field.value.at, field.value.size);
}

int sp_frame_read_headers(struct sp_frame_head *ret, const char *data, size_t size,
                          size_t n_scanned) {
    size_t end = find_end(data, size, n_scanned);
    bool has_length = false;
    int r;

    if (end > SUNPATH_FRAME_HEADERS_MAX || (end == 0 && size >= SUNPATH_FRAME_HEADERS_MAX)) {
        return wrong(ret, "headers over the limit of 4096 bytes");
    }
    if (end == 0) {
        return 0;
    }
    for (size_t at = 0; at < end - 2;) {
        const char *line_end = memmem(data + at, end - at, "\r\n", 2);
        size_t n_line = (size_t)(line_end - (data + at));

        r = read_line(ret, data + at, n_line, &has_length);
        if (r < 0) {
            return r;
        }
        at += n_line + 2;
    }
    if (!has_length) {
        return wrong(ret, "headers without a Content-Length");
    }
    ret->n_header = end;
    return 1;
}
