/* SPDX-License-Identifier: MIT */
/* frame.h - frames from inside: what stands in front of a counted message. */

#ifndef SP_WIRE_FRAME_H
#define SP_WIRE_FRAME_H

#include <endian.h>
#include <string.h>

#include <sunpath/frame.h>

#define SP_FRAME_ENVELOPE_MAX 48 /* header and trailer of what sunpath_frame_wrap() makes */

/* The kind of a framing, so that nothing else need know them all. */
enum sp_frame_kind {
    SP_FRAME_UNKNOWN,
    SP_FRAME_MARK,   /* an end mark */
    SP_FRAME_FIXED,  /* a length of `width` bytes */
    SP_FRAME_VARINT, /* a length that says where it ends */
    SP_FRAME_DIGITS, /* a netstring */
    SP_FRAME_HEADERS
};

struct sp_framing {
    const char *name;
    enum sp_frame_kind kind;
    bool is_little;
    char mark;
    size_t width;
};

/* Never NULL: an unknown one is of kind SP_FRAME_UNKNOWN. */
const struct sp_framing *sp_framing_of(enum sunpath_framing framing);

#define SP_FRAME_WIDTH_MAX 8

/* A length in fixed bytes, of SP_FRAME_WIDTH_MAX that can be read: in one load. */
static inline uint64_t sp_frame_length(const struct sp_framing *framing, const void *data) {
    unsigned n_unused = (unsigned)(64 - 8 * framing->width);
    uint64_t bytes;

    memcpy(&bytes, data, sizeof(bytes));
    return framing->is_little ? le64toh(bytes) << n_unused >> n_unused : be64toh(bytes) >> n_unused;
}

/* sunpath_frame_wrap() with a framing that is known. */
int sp_frame_wrap(struct sunpath_frame_envelope *ret, const struct sp_framing *framing,
                  const void *data, size_t size);

/* What a header said. */
struct sp_frame_head {
    size_t n_header;
    uint64_t n_body;   /* UINT64_MAX for more than that, too */
    size_t n_trailer;  /* a byte that must be `trailer` */
    const char *wrong; /* after -EBADMSG: what it is that is no frame */
};

/*
 * Reads the header at `data`: 1, 0 (more bytes are needed), -EBADMSG. `n_scanned` bytes were given
 * before. A length over `max` may be returned before all of its digits are there.
 */
int sp_frame_read_head(struct sp_frame_head *ret, const struct sp_framing *framing,
                       const unsigned char *data, size_t size, size_t n_scanned, size_t max);

/* The header block of SUNPATH_FRAME_CONTENT_LENGTH, as sp_frame_read_head(). */
int sp_frame_read_headers(struct sp_frame_head *ret, const char *data, size_t size,
                          size_t n_scanned);

#endif
