/* SPDX-License-Identifier: MIT */
/* multipart.c - multipart/form-data out of pieces: boundaries and what lies between them. */

#include "wire/multipart.h"

#include <errno.h>
#include <string.h>

#include "wire/http1-scan.h"
#include "wire/media-type.h"
#include "wire/multipart-part.h"

enum state {
    CONTENT = 0, /* of a part, or in front of the first one */
    DELIMITED,   /* behind a boundary */
    CLOSING,     /* behind a boundary and one "-" */
    PADDING,     /* behind a boundary and white space */
    ENDING_LINE, /* behind a boundary and CR */
    HEADERS,
    EPILOGUE,
    FAILED
};

static int fail(struct sp_multipart *multipart, int error, const char *why) {
    multipart->state = FAILED;
    multipart->why = why;
    return error;
}

/* ---- the boundary ---------------------------------------------------------------------------- */

static bool is_boundary_char(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c != '\0' && strchr("'()+_,-./:=? ", c));
}

int sp_multipart_boundary(char *ret, const char *type, size_t size) {
    struct sp_parameter boundary;
    int r;

    if (!sp_media_type_is(type, size, "multipart/form-data")) {
        return -EMEDIUMTYPE;
    }
    r = sp_media_parameter(&boundary, type, size, "boundary");
    if (r <= 0 || boundary.value.size == 0 || boundary.value.size > SP_MULTIPART_MAX_BOUNDARY) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < boundary.value.size; i++) { /* "\" is none, so nothing is escaped */
        if (!is_boundary_char(boundary.value.data[i])) {
            return -EBADMSG;
        }
    }
    if (boundary.value.data[boundary.value.size - 1] == ' ') {
        return -EBADMSG;
    }
    memcpy(ret, boundary.value.data, boundary.value.size);
    return (int)boundary.value.size;
}

void sp_multipart_init(struct sp_multipart *multipart, const char *boundary, size_t n_boundary,
                       char *room, size_t n_room, size_t max_parts) {
    *multipart = (struct sp_multipart){.n_delimiter = 4 + n_boundary,
                                       .n_matched = 2, /* as if CRLF had come before */
                                       .n_assumed = 2,
                                       .room = room,
                                       .n_room = n_room,
                                       .n_parts_left = max_parts};
    memcpy(multipart->delimiter, "\r\n--", 4);
    memcpy(multipart->delimiter + 4, boundary, n_boundary);
}

/* ---- content --------------------------------------------------------------------------------- */

/* How many bytes from `at` on are as the delimiter from `from` on. */
static size_t n_same(const struct sp_multipart *multipart, size_t from, const char *at,
                     const char *end) {
    size_t n = 0;

    while (from + n < multipart->n_delimiter && at + n < end &&
           at[n] == multipart->delimiter[from + n]) {
        n++;
    }
    return n;
}

/* The delimiter, or as much of it as stands at the end: its first byte, or `end`. */
static const char *find_delimiter(const struct sp_multipart *multipart, const char *at,
                                  const char *end) {
    size_t size = (size_t)(end - at), n_tail = multipart->n_delimiter - 1;
    const char *found = memmem(at, size, multipart->delimiter, multipart->n_delimiter);

    if (found) {
        return found;
    }
    at = size > n_tail ? end - n_tail : at;
    while ((at = memchr(at, '\r', (size_t)(end - at)))) {
        if (at + n_same(multipart, 0, at, end) == end) {
            return at;
        }
        at++;
    }
    return end;
}

static int put(struct sp_multipart *multipart, struct sp_slice *ret, const char *from,
               size_t size) {
    *ret = (struct sp_slice){from, size};
    return size > 0 && multipart->is_in_part ? SP_MULTIPART_DATA : SP_MULTIPART_MORE;
}

/*
 * What looked like a delimiter at the end of the piece before goes on, or was content: as CR stands
 * only at its beginning, nothing inside of it can be the beginning of another.
 */
static int go_on_matching(struct sp_multipart *multipart, const char **at, const char *end,
                          struct sp_slice *ret) {
    size_t n_matched = multipart->n_matched, n_assumed = multipart->n_assumed;

    n_matched += n_same(multipart, n_matched, *at, end);
    *at += n_matched - multipart->n_matched;
    multipart->n_matched = n_matched;
    if (n_matched == multipart->n_delimiter) {
        bool was_in_part = multipart->is_in_part;

        multipart->n_matched = multipart->n_assumed = 0;
        multipart->is_in_part = false;
        multipart->state = DELIMITED;
        return was_in_part ? SP_MULTIPART_PART_END : SP_MULTIPART_MORE;
    }
    if (*at == end) {
        return SP_MULTIPART_MORE;
    }
    multipart->n_matched = multipart->n_assumed = 0;
    return put(multipart, ret, multipart->delimiter + n_assumed, n_matched - n_assumed);
}

static int take_content(struct sp_multipart *multipart, const char **at, const char *end,
                        struct sp_slice *ret) {
    const char *begin = *at, *found;

    if (multipart->n_matched > 0) {
        return go_on_matching(multipart, at, end, ret);
    }
    found = find_delimiter(multipart, begin, end);
    multipart->n_matched = n_same(multipart, 0, found, end);
    *at = found + multipart->n_matched;
    return put(multipart, ret, begin, (size_t)(found - begin));
}

/* ---- behind a boundary ----------------------------------------------------------------------- */

/* "--" for the last, or white space, CR and LF: one byte of them. */
static int take_mark(struct sp_multipart *multipart, char mark) {
    switch (multipart->state) {
    case DELIMITED:
        if (mark == '-') {
            multipart->state = CLOSING;
            return SP_MULTIPART_MORE;
        } /* fallthrough */
    case PADDING:
        if (mark == ' ' || mark == '\t' || mark == '\r') {
            multipart->state = mark == '\r' ? ENDING_LINE : PADDING;
            return SP_MULTIPART_MORE;
        }
        break;
    case CLOSING:
        if (mark == '-') {
            multipart->state = EPILOGUE;
            return SP_MULTIPART_END;
        }
        break;
    default:
        if (mark == '\n') {
            multipart->n_used = multipart->n_line = 0;
            multipart->state = HEADERS;
            return SP_MULTIPART_MORE;
        }
    }
    return fail(multipart, -EBADMSG, "something follows a boundary of the form");
}

/* ---- headers --------------------------------------------------------------------------------- */

static int begin_part(struct sp_multipart *multipart) {
    const char *why;

    if (multipart->n_parts_left == 0) {
        return fail(multipart, -EMSGSIZE, "the form has too many parts");
    }
    why = sp_multipart_read_part(&multipart->part, multipart->room, multipart->n_line);
    if (why) {
        return fail(multipart, -EBADMSG, why);
    }
    multipart->n_parts_left--;
    multipart->is_in_part = true;
    multipart->n_matched = multipart->n_assumed = 2; /* no content at all: RFC 2046 5.1.1 */
    multipart->state = CONTENT;
    return SP_MULTIPART_PART;
}

/* A line is whole; the empty one is the last. */
static int end_line(struct sp_multipart *multipart) {
    size_t size = multipart->n_used - multipart->n_line;
    const char *line = multipart->room + multipart->n_line;

    if (size < 2 || line[size - 2] != '\r') {
        return fail(multipart, -EBADMSG, "a header of a part ends without CR");
    }
    if (size == 2) {
        return begin_part(multipart);
    }
    multipart->n_line = multipart->n_used;
    return SP_MULTIPART_MORE;
}

static int take_header(struct sp_multipart *multipart, const char **at, const char *end) {
    const char *mark = memchr(*at, '\n', (size_t)(end - *at));
    size_t size = (size_t)((mark ? mark + 1 : end) - *at);

    if (size > multipart->n_room - multipart->n_used) {
        return fail(multipart, -EMSGSIZE, "the headers of a part are too large");
    }
    memcpy(multipart->room + multipart->n_used, *at, size);
    multipart->n_used += size;
    *at += size;
    return mark ? end_line(multipart) : SP_MULTIPART_MORE;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int step(struct sp_multipart *multipart, const char **at, const char *end,
                struct sp_slice *ret) {
    switch (multipart->state) {
    case CONTENT:
        return take_content(multipart, at, end, ret);
    case HEADERS:
        return take_header(multipart, at, end);
    case EPILOGUE:
        *at = end;
        return SP_MULTIPART_MORE;
    case FAILED:
        return -EBADMSG;
    default:
        return take_mark(multipart, *(*at)++);
    }
}

int sp_multipart_step(struct sp_multipart *multipart, const char *data, size_t size,
                      size_t *ret_consumed, struct sp_slice *ret) {
    const char *at = data, *end = data + size;
    int r = SP_MULTIPART_MORE;

    /* a boundary that the input ends with is told without waiting for more */
    while (r == SP_MULTIPART_MORE && (at < end || multipart->n_matched == multipart->n_delimiter)) {
        r = step(multipart, &at, end, ret);
    }
    *ret_consumed = (size_t)(at - data);
    return r;
}

int sp_multipart_finish(struct sp_multipart *multipart) {
    if (multipart->state == EPILOGUE) {
        return 0;
    }
    return multipart->state == FAILED ? -EBADMSG : fail(multipart, -EBADMSG, "the form has no end");
}
