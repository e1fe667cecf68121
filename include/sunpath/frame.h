/* SPDX-License-Identifier: MIT */
/* frame.h - where one message ends and the next begins in a stream of bytes: pure functions. */

#ifndef SUNPATH_FRAME_H
#define SUNPATH_FRAME_H

#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How messages are told apart. The lengths count the message alone, never themselves. */
enum sunpath_framing {
    SUNPATH_FRAME_LINE = 1,  /* ends with LF; JSON lines. May not hold an LF */
    SUNPATH_FRAME_NUL,       /* ends with a NUL; varlink, `find -print0`. May not hold a NUL */
    SUNPATH_FRAME_U8,        /* a length of one byte in front */
    SUNPATH_FRAME_U16_BE,    /* two bytes, most significant first ("network order") */
    SUNPATH_FRAME_U16_LE,    /* two bytes, least significant first */
    SUNPATH_FRAME_U32_BE,    /* four */
    SUNPATH_FRAME_U32_LE,    /* four */
    SUNPATH_FRAME_U64_BE,    /* eight */
    SUNPATH_FRAME_U64_LE,    /* eight */
    SUNPATH_FRAME_VARINT,    /* protobuf's unsigned varint in front, as CometBFT's ABCI has it */
    SUNPATH_FRAME_NETSTRING, /* "5:hello,": https://cr.yp.to/proto/netstrings.txt */
    SUNPATH_FRAME_CONTENT_LENGTH /* "Content-Length: 5\r\n\r\nhello": the Language Server Protocol
                                  */
};

/* "line", "nul", "u8", "u16be" ... "u64le", "varint", "netstring", "content-length"; else NULL. */
SUNPATH_API const char *sunpath_framing_name(enum sunpath_framing framing);

/* The framing of that name. -EINVAL: there is none. */
SUNPATH_API int sunpath_framing_parse(enum sunpath_framing *ret, const char *name);

#define SUNPATH_FRAME_MESSAGE_MAX 1048576 /* the default of `max_message` */
#define SUNPATH_FRAME_HEADERS_MAX 4096    /* bytes before a message with Content-Length */

/* All zero but the fields of the caller's is a reader at the first byte of a stream. */
struct sunpath_frame_reader {
    /* set by the caller, once */
    enum sunpath_framing framing;
    size_t max_message; /* bytes of one message; 0: 1 MiB */
    bool drop_cr;       /* lines: a CR before the LF is not part of the message */

    /* set by the reader */
    uint64_t n_messages; /* read so far */
    size_t n_wanted;     /* after 0: the bytes of the whole frame, 0 when that is not known yet */

    /* its own */
    size_t n_scanned;
    size_t n_header;
    size_t n_body;
};

struct sunpath_frame {
    const char *data; /* the message, inside the bytes that were given */
    size_t size;
    size_t n_frame;       /* bytes from the beginning on that it took: the next one follows */
    bool is_unterminated; /* the last line, without an LF: only from sunpath_frame_end() */
};

/*
 * Looks for a message at `data`: the `size` bytes that arrived and that no message was found in
 * yet. Returns 1 and fills *ret, after which the bytes behind `n_frame` are to be shown; or 0 when
 * it is not whole, after which the same bytes are to be shown again with more behind them (what was
 * looked at once is not looked at again). Memory is never needed for more than what the limit
 * allows: what is over it is refused as soon as its length is known.
 *
 * Errors, with the number of the message and the limit in `error`: -EMSGSIZE (over `max_message`),
 * -EBADMSG (no such frame; a length in more bytes than it needs), -EINVAL (no such framing). Where
 * the next message begins is unknown then.
 */
SUNPATH_API int sunpath_frame_read(struct sunpath_frame_reader *reader, const void *data,
                                   size_t size, struct sunpath_frame *ret,
                                   struct sunpath_error *error);

/*
 * The stream has ended, and `data` is what no message was found in. Returns 0 when that is nothing:
 * a clean end; 1 with the last line, which lacks its LF; -ECONNRESET when the end cut a frame;
 * -EMSGSIZE when that line is too long.
 */
SUNPATH_API int sunpath_frame_end(struct sunpath_frame_reader *reader, const void *data,
                                  size_t size, struct sunpath_frame *ret,
                                  struct sunpath_error *error);

/* What goes in front of a message and behind it. */
struct sunpath_frame_envelope {
    char header[47];
    char trailer[1];
    size_t n_header;
    size_t n_trailer;
};

/*
 * Makes the envelope of one message. `data` is looked at only by the framings with an end mark, and
 * may be NULL: then it is not. -EMSGSIZE (the length does not fit), -EINVAL (the message holds the
 * end mark; no such framing).
 */
SUNPATH_API int sunpath_frame_wrap(struct sunpath_frame_envelope *ret, enum sunpath_framing framing,
                                   const void *data, size_t size);

/* The largest message that the framing itself can carry. 0: no such framing. */
SUNPATH_API uint64_t sunpath_framing_max(enum sunpath_framing framing);

#ifdef __cplusplus
}
#endif

#endif
