/* SPDX-License-Identifier: MIT */
/* frame.c - find the messages in a stream of bytes. */

#include "wire/frame.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

const struct sp_framing *sp_framing_of(enum sunpath_framing framing) {
    static const struct sp_framing all[] = {
        [SUNPATH_FRAME_LINE] = {.name = "line", .kind = SP_FRAME_MARK, .mark = '\n'},
        [SUNPATH_FRAME_NUL] = {.name = "nul", .kind = SP_FRAME_MARK, .mark = '\0'},
        [SUNPATH_FRAME_U8] = {.name = "u8", .kind = SP_FRAME_FIXED, .width = 1},
        [SUNPATH_FRAME_U16_BE] = {.name = "u16be", .kind = SP_FRAME_FIXED, .width = 2},
        [SUNPATH_FRAME_U16_LE] = {"u16le", SP_FRAME_FIXED, .is_little = true, .width = 2},
        [SUNPATH_FRAME_U32_BE] = {.name = "u32be", .kind = SP_FRAME_FIXED, .width = 4},
        [SUNPATH_FRAME_U32_LE] = {"u32le", SP_FRAME_FIXED, .is_little = true, .width = 4},
        [SUNPATH_FRAME_U64_BE] = {.name = "u64be", .kind = SP_FRAME_FIXED, .width = 8},
        [SUNPATH_FRAME_U64_LE] = {"u64le", SP_FRAME_FIXED, .is_little = true, .width = 8},
        [SUNPATH_FRAME_VARINT] = {.name = "varint", .kind = SP_FRAME_VARINT},
        [SUNPATH_FRAME_NETSTRING] = {.name = "netstring", .kind = SP_FRAME_DIGITS},
        [SUNPATH_FRAME_CONTENT_LENGTH] = {.name = "content-length", .kind = SP_FRAME_HEADERS},
    };

    return &all[(size_t)framing < SP_ARRAY_SIZE(all) ? framing : 0];
}

const char *sunpath_framing_name(enum sunpath_framing framing) {
    return sp_framing_of(framing)->name;
}

int sunpath_framing_parse(enum sunpath_framing *ret, const char *name) {
    for (int i = SUNPATH_FRAME_LINE; i <= SUNPATH_FRAME_CONTENT_LENGTH; i++) {
        if (strcmp(sunpath_framing_name((enum sunpath_framing)i), name) == 0) {
            *ret = (enum sunpath_framing)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* No limit is still one below which the sum of a message and what surrounds it is a size. */
static size_t limit_of(const struct sunpath_frame_reader *reader) {
    size_t max = reader->max_message > 0 ? reader->max_message : SUNPATH_FRAME_MESSAGE_MAX;

    return max < SIZE_MAX / 2 ? max : SIZE_MAX / 2;
}

static unsigned long long number_of(const struct sunpath_frame_reader *reader) {
    return reader->n_messages + 1ULL;
}

/* Fills *ret and makes the reader ready for the next one. */
static int found(struct sunpath_frame_reader *reader, struct sunpath_frame *ret, const char *data,
                 size_t size, size_t n_frame) {
    *ret = (struct sunpath_frame){.data = data, .size = size, .n_frame = n_frame};
    reader->n_messages++;
    reader->n_scanned = reader->n_header = reader->n_body = reader->n_wanted = 0;
    return 1;
}

/* ---- messages with an end mark --------------------------------------------------------------- */

static int too_long(const struct sunpath_frame_reader *reader, struct sunpath_error *error) {
    return sp_fail(error, -EMSGSIZE, SUNPATH_REASON_PROTOCOL, "read",
                   "message %llu: its end is not within the limit of %zu bytes", number_of(reader),
                   limit_of(reader));
}

/* Where a message of `size` bytes ends without its CR. */
static size_t without_cr(const struct sunpath_frame_reader *reader, const char *data, size_t size) {
    bool has_cr = reader->framing == SUNPATH_FRAME_LINE && reader->drop_cr && size > 0 &&
                  data[size - 1] == '\r';

    return size - has_cr;
}

static int read_marked(struct sunpath_frame_reader *reader, char mark, const char *data,
                       size_t size, struct sunpath_frame *ret, struct sunpath_error *error) {
    size_t scanned = reader->n_scanned < size ? reader->n_scanned : size;
    const char *end = scanned < size ? memchr(data + scanned, mark, size - scanned) : NULL;
    size_t n_body = end ? (size_t)(end - data) : size;

    if (without_cr(reader, data, n_body) > limit_of(reader)) {
        return too_long(reader, error);
    }
    if (!end) {
        reader->n_scanned = size;
        return 0;
    }
    return found(reader, ret, data, without_cr(reader, data, n_body), n_body + 1);
}

/* ---- messages with a length ------------------------------------------------------------------ */

static int no_frame(const struct sunpath_frame_reader *reader, const char *wrong,
                    struct sunpath_error *error) {
    return sp_fail(error, -EBADMSG, SUNPATH_REASON_PROTOCOL, "read", "message %llu: %s",
                   number_of(reader), wrong);
}

/* Reads the header, once for each message. Returns as sunpath_frame_read(). */
static int read_header(struct sunpath_frame_reader *reader, const struct sp_framing *framing,
                       const char *data, size_t size, struct sunpath_error *error) {
    struct sp_frame_head head = {0};
    int r = sp_frame_read_head(&head, framing, (const unsigned char *)data, size, reader->n_scanned,
                               limit_of(reader));

    if (r == -EBADMSG) {
        return no_frame(reader, head.wrong, error);
    }
    if (r <= 0) {
        reader->n_scanned = size;
        return r;
    }
    if (head.n_body > limit_of(reader)) {
        return sp_fail(error, -EMSGSIZE, SUNPATH_REASON_PROTOCOL, "read",
                       "message %llu: its length of %llu bytes is over the limit of %zu",
                       number_of(reader), (unsigned long long)head.n_body, limit_of(reader));
    }
    reader->n_header = head.n_header;
    reader->n_body = (size_t)head.n_body;
    reader->n_wanted = head.n_header + reader->n_body + (framing->kind == SP_FRAME_DIGITS);
    return 1;
}

static int read_counted(struct sunpath_frame_reader *reader, const struct sp_framing *framing,
                        const char *data, size_t size, struct sunpath_frame *ret,
                        struct sunpath_error *error) {
    int r;

    if (reader->n_header == 0) {
        r = read_header(reader, framing, data, size, error);
        if (r <= 0) {
            return r;
        }
    }
    if (size < reader->n_wanted) {
        return 0;
    }
    if (framing->kind == SP_FRAME_DIGITS && data[reader->n_wanted - 1] != ',') {
        return no_frame(reader, "a netstring without a comma at its end", error);
    }
    return found(reader, ret, data + reader->n_header, reader->n_body, reader->n_wanted);
}

/* ---- both ------------------------------------------------------------------------------------ */

static sp_noinline int look_closely(struct sunpath_frame_reader *reader,
                                    const struct sp_framing *framing, const void *data, size_t size,
                                    struct sunpath_frame *ret, struct sunpath_error *error) {
    switch (framing->kind) {
    case SP_FRAME_UNKNOWN:
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "read", "there is no framing %d",
                       (int)reader->framing);
    case SP_FRAME_MARK:
        return read_marked(reader, framing->mark, data, size, ret, error);
    default:
        return size > 0 ? read_counted(reader, framing, data, size, ret, error) : 0;
    }
}

/* Nearly all are: a length in bytes, and what it counts is there. */
static bool is_plain(const struct sunpath_frame_reader *reader, const struct sp_framing *framing,
                     const void *data, size_t size, size_t *ret_body) {
    if (framing->kind != SP_FRAME_FIXED || reader->n_header > 0 || size < SP_FRAME_WIDTH_MAX) {
        return false;
    }
    *ret_body = sp_frame_length(framing, data);
    return *ret_body <= size - framing->width && *ret_body <= limit_of(reader);
}

int sunpath_frame_read(struct sunpath_frame_reader *reader, const void *data, size_t size,
                       struct sunpath_frame *ret, struct sunpath_error *error) {
    const struct sp_framing *framing = sp_framing_of(reader->framing);
    size_t n_body;

    if (!is_plain(reader, framing, data, size, &n_body)) {
        return look_closely(reader, framing, data, size, ret, error);
    }
    *ret = (struct sunpath_frame){.data = (const char *)data + framing->width,
                                  .size = n_body,
                                  .n_frame = framing->width + n_body};
    reader->n_messages++;
    reader->n_scanned = 0; /* of a length that was cut; the rest is still zero */
    return 1;
}

int sunpath_frame_end(struct sunpath_frame_reader *reader, const void *data, size_t size,
                      struct sunpath_frame *ret, struct sunpath_error *error) {
    unsigned long long number = number_of(reader);

    if (size == 0) {
        return 0;
    }
    if (reader->framing == SUNPATH_FRAME_LINE && size > limit_of(reader)) {
        return too_long(reader, error); /* by a CR that no LF made part of an end */
    }
    if (reader->framing == SUNPATH_FRAME_LINE) {
        found(reader, ret, data, size, size);
        ret->is_unterminated = true;
        return 1;
    }
    if (reader->n_wanted > 0) {
        return sp_fail(error, -ECONNRESET, SUNPATH_REASON_PROTOCOL, "read",
                       "message %llu: cut by the end of the stream after %zu of %zu bytes", number,
                       size, reader->n_wanted);
    }
    return sp_fail(error, -ECONNRESET, SUNPATH_REASON_PROTOCOL, "read",
                   "message %llu: cut by the end of the stream after %zu bytes", number, size);
}
