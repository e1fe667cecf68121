/* SPDX-License-Identifier: MIT */
/* http1-body.c - the bytes behind a head: lengths, chunks, trailers (RFC 9112 6 and 7). */

#include <errno.h>

#include "base/cleanup.h"
#include "wire/http1-parts.h"
#include "wire/http1-scan.h"

#define MAX_LINE       256
#define MAX_EXTENSIONS (16 * 1024) /* else a byte of body can cost 250 of extension for ever */
#define MAX_TRAILER    (8 * 1024)

/*
 * Where a chunked body is. From SIZE to EXTENSION_BEHIND_QUOTE it is inside a line
 *
 *     chunk-size *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) CRLF
 *
 * read byte by byte. The white space that grammar allows must lead to a ";" or "=".
 */
enum {
    SIZE = 0,
    SIZE_MORE,              /* at least one digit is there */
    EXTENSION_NEXT,         /* white space was there: only ";" may follow */
    EXTENSION_NAME,         /* behind ";" */
    EXTENSION_NAME_MORE,    /* inside the name */
    EXTENSION_BEHIND_NAME,  /* white space behind the name: ";" or "=" */
    EXTENSION_VALUE,        /* behind "=" */
    EXTENSION_VALUE_MORE,   /* inside a token */
    EXTENSION_QUOTED,       /* inside a quoted-string */
    EXTENSION_ESCAPED,      /* behind a backslash in it */
    EXTENSION_BEHIND_QUOTE, /* behind its end */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    DONE,
    FAILED
};

static int fail(struct sp_http_body *body, int code, const char *why) {
    body->state = FAILED;
    body->why = why;
    return code;
}

void sp_http_body_init(struct sp_http_body *body, const struct sp_http_head *head) {
    *body = (struct sp_http_body){.framing = head->framing};
    body->left = head->framing == SP_HTTP_LENGTH ? head->content_length : 0;
    body->state = head->framing == SP_HTTP_CHUNKED ? SIZE : DATA;
}

/* ---- the chunk-size line --------------------------------------------------------------------- */

static int hex_digit(char byte) {
    return sp_char_is(byte, SP_CHAR_DIGIT) ? byte - '0' : (byte | 0x20) - 'a' + 10;
}

/* What may follow a complete size, name, token or quoted-string; `blank` is the state for a space.
 */
static int end_of_part(char byte, int blank) {
    return byte == '\r'             ? SIZE_LF
           : byte == ';'            ? EXTENSION_NAME
           : sp_http_is_blank(byte) ? blank
                                    : FAILED;
}

/* The state behind `byte`, inside an extension. */
static int step_extension(int state, char byte) {
    switch (state) {
    case EXTENSION_NEXT:
        return byte == ';' ? EXTENSION_NAME : sp_http_is_blank(byte) ? state : FAILED;
    case EXTENSION_NAME:
        return sp_char_is(byte, SP_CHAR_TOKEN) ? EXTENSION_NAME_MORE
               : sp_http_is_blank(byte)        ? state
                                               : FAILED;
    case EXTENSION_NAME_MORE:
        if (sp_char_is(byte, SP_CHAR_TOKEN)) {
            return state;
        }
        return byte == '=' ? EXTENSION_VALUE : end_of_part(byte, EXTENSION_BEHIND_NAME);
    case EXTENSION_BEHIND_NAME:
        return byte == '='              ? EXTENSION_VALUE
               : byte == ';'            ? EXTENSION_NAME
               : sp_http_is_blank(byte) ? state
                                        : FAILED;
    case EXTENSION_VALUE:
        return sp_char_is(byte, SP_CHAR_TOKEN) ? EXTENSION_VALUE_MORE
               : byte == '"'                   ? EXTENSION_QUOTED
               : sp_http_is_blank(byte)        ? state
                                               : FAILED;
    case EXTENSION_VALUE_MORE:
        return sp_char_is(byte, SP_CHAR_TOKEN) ? state : end_of_part(byte, EXTENSION_NEXT);
    case EXTENSION_QUOTED:
        return byte == '"'                       ? EXTENSION_BEHIND_QUOTE
               : byte == '\\'                    ? EXTENSION_ESCAPED
               : sp_char_is(byte, SP_CHAR_VALUE) ? state
                                                 : FAILED;
    case EXTENSION_ESCAPED:
        return sp_char_is(byte, SP_CHAR_VALUE) ? EXTENSION_QUOTED : FAILED;
    default: /* EXTENSION_BEHIND_QUOTE */
        return end_of_part(byte, EXTENSION_NEXT);
    }
}

/* Takes the next byte of the line: 1 when it was the last, 0 or an error. */
static int step_size_line(struct sp_http_body *body, char byte) {
    if (++body->n_line > MAX_LINE) {
        return fail(body, -EMSGSIZE, "a chunk-size line that is too long");
    }
    if (body->state <= SIZE_MORE && sp_char_is(byte, SP_CHAR_HEX)) {
        if (body->left > (uint64_t)INT64_MAX >> 4) {
            return fail(body, -EBADMSG, "a chunk size that is too large");
        }
        body->left = body->left << 4 | (unsigned)hex_digit(byte);
        body->state = SIZE_MORE;
        return 0;
    }
    if (body->state == SIZE_LF) {
        body->n_line = 0;
        body->state = body->left > 0 ? DATA : TRAILER;
        return byte == '\n' ? 1
                            : fail(body, -EBADMSG,
                                   "a carriage return without a line feed behind a "
                                   "chunk size");
    }
    if (body->state == SIZE) {
        return fail(body, -EBADMSG, "a chunk size that is no hexadecimal number");
    }
    if (body->state == SIZE_MORE) {
        body->state = end_of_part(byte, EXTENSION_NEXT);
        return body->state == FAILED
                   ? fail(body, -EBADMSG, "a chunk size that is no hexadecimal number")
                   : 0;
    }
    body->state = step_extension(body->state, byte);
    if (body->state == FAILED) {
        return fail(body, -EBADMSG, "a malformed chunk extension");
    }
    return ++body->n_extensions > MAX_EXTENSIONS
               ? fail(body, -EMSGSIZE, "chunk extensions that are too long")
               : 0;
}

static int read_size_line(struct sp_http_body *body, struct sp_http_cursor *cursor) {
    int r = 0;

    while (r == 0 && cursor->at < cursor->end) {
        r = step_size_line(body, *cursor->at++);
    }
    return r;
}

/* CRLF behind the data of a chunk: 1, 0 or an error. */
static int read_data_end(struct sp_http_body *body, struct sp_http_cursor *cursor) {
    for (; cursor->at < cursor->end; cursor->at++) {
        if (*cursor->at != (body->state == DATA_CR ? '\r' : '\n')) {
            return fail(body, -EBADMSG, "a chunk that is not followed by CRLF");
        }
        if (body->state == DATA_LF) {
            cursor->at++;
            body->state = SIZE;
            return 1;
        }
        body->state = DATA_LF;
    }
    return 0;
}

/* ---- trailers -------------------------------------------------------------------------------- */

/*
 * Is the line at the cursor complete? The bytes of it that were looked at before are not looked at
 * again; its field is read only when it is there. 1, 0 or an error.
 */
static int find_line_end(struct sp_http_body *body, const struct sp_http_cursor *cursor) {
    size_t n_left = (size_t)(cursor->end - cursor->at);
    size_t n_known = body->n_line < n_left ? body->n_line : n_left;
    struct sp_http_cursor end = {cursor->data, sp_scan_value(cursor->at + n_known, cursor->end),
                                 cursor->end};
    const char *why;
    int r;

    body->n_line = (uint32_t)(end.at - cursor->at);
    if (body->n_trailer + (size_t)(end.at - cursor->at) + 2 > MAX_TRAILER) {
        return fail(body, -EMSGSIZE, "a trailer section that is too large");
    }
    r = sp_http_read_crlf(&end, &why);
    return r < 0 ? fail(body, r, why) : r;
}

/* One line of the trailer section, or its end. An enum sp_http_body_result or an error. */
static int read_trailer(struct sp_http_body *body, struct sp_http_cursor *cursor,
                        struct sp_http_piece *ret_piece) {
    const char *line = cursor->at, *why;
    struct sp_http_field field;
    int r;

    r = find_line_end(body, cursor);
    if (r <= 0) {
        return r;
    }
    if (body->n_line == 0) {
        cursor->at += 2;
        body->state = DONE;
        return SP_HTTP_BODY_END;
    }

    r = sp_http_read_field(cursor, &field, &why);
    if (r < 0) {
        return fail(body, r, why);
    }
    if (!sp_http_may_trail(line, field.name.size)) {
        return fail(body, -EBADMSG, "a trailer field that belongs into the head");
    }
    *ret_piece = (struct sp_http_piece){line, body->n_line};
    body->n_trailer += body->n_line + 2;
    body->n_line = 0;
    return SP_HTTP_BODY_TRAILER;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int take_piece(struct sp_http_body *body, struct sp_http_cursor *cursor,
                      struct sp_http_piece *ret_piece) {
    size_t n = (size_t)(cursor->end - cursor->at);

    if (body->framing != SP_HTTP_UNTIL_CLOSE) {
        n = n < body->left ? n : (size_t)body->left;
        body->left -= n;
    }
    if (n == 0) {
        return SP_HTTP_BODY_MORE;
    }
    *ret_piece = (struct sp_http_piece){cursor->at, n};
    cursor->at += n;
    return SP_HTTP_BODY_PIECE;
}

static int step_chunked(struct sp_http_body *body, struct sp_http_cursor *cursor,
                        struct sp_http_piece *ret_piece) {
    int r;

    if (body->state == DATA_CR || body->state == DATA_LF) {
        r = read_data_end(body, cursor);
        if (r <= 0) {
            return r;
        }
    }
    if (body->state <= SIZE_LF) {
        r = read_size_line(body, cursor);
        if (r <= 0) {
            return r;
        }
    }
    if (body->state == DATA) {
        r = take_piece(body, cursor, ret_piece);
        body->state = body->left > 0 ? DATA : DATA_CR;
        return r;
    }
    return read_trailer(body, cursor, ret_piece);
}

int sp_http_body_step(struct sp_http_body *body, const char *data, size_t size,
                      size_t *ret_consumed, struct sp_http_piece *ret_piece) {
    struct sp_http_cursor cursor = {data, data, data + size};
    int r;

    if (body->state == FAILED) {
        return -EBADMSG;
    }
    if (body->state == DONE || body->framing == SP_HTTP_NO_BODY ||
        (body->framing == SP_HTTP_LENGTH && body->left == 0)) {
        *ret_consumed = 0;
        return SP_HTTP_BODY_END;
    }

    r = body->framing == SP_HTTP_CHUNKED ? step_chunked(body, &cursor, ret_piece)
                                         : take_piece(body, &cursor, ret_piece);
    if (r >= 0) {
        *ret_consumed = (size_t)(cursor.at - data);
    }
    return r;
}
