/* SPDX-License-Identifier: MIT */
/* multipart.h - multipart/form-data (RFC 7578, RFC 2046 5.1) out of pieces: a pure function. */

#ifndef SP_WIRE_MULTIPART_H
#define SP_WIRE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/uri.h"

#define SP_MULTIPART_MAX_BOUNDARY 70 /* RFC 2046 5.1.1 */

/* What a part's headers say. The strings lie in the caller's room until the next part begins. */
struct sp_multipart_part {
    const char *name;
    const char *filename; /* as it was sent, whatever that is; NULL: a field, not a file */
    const char *type;     /* its Content-Type, or NULL */
};

struct sp_multipart {
    char delimiter[4 + SP_MULTIPART_MAX_BOUNDARY]; /* CRLF, "--", boundary */
    size_t n_delimiter;
    size_t n_matched; /* bytes of it that the input ended with */
    size_t n_assumed; /* of these, not of the content: the line break in front of it */
    int state;
    bool is_in_part;
    char *room; /* the caller's, for a part's headers */
    size_t n_room, n_used;
    size_t n_line;       /* where the current header line begins in it */
    size_t n_parts_left; /* that may still come */
    struct sp_multipart_part part;
    const char *why; /* after an error */
};

/*
 * The boundary that a Content-Type names, into `ret`, which has room for SP_MULTIPART_MAX_BOUNDARY
 * bytes: its length, -EMEDIUMTYPE when it is not multipart/form-data, or -EBADMSG: malformed, or
 * none, or one that RFC 2046 does not allow.
 */
int sp_multipart_boundary(char *ret, const char *type, size_t size);

/*
 * Borrows `room` for as long as it parses: the headers of one part must fit. `boundary` is what the
 * call above returned.
 */
void sp_multipart_init(struct sp_multipart *multipart, const char *boundary, size_t n_boundary,
                       char *room, size_t n_room, size_t max_parts);

enum sp_multipart_result {
    SP_MULTIPART_MORE = 0, /* everything was consumed; give the bytes that follow */
    SP_MULTIPART_PART,     /* a part begins: multipart->part */
    SP_MULTIPART_DATA,     /* *ret holds a piece of it */
    SP_MULTIPART_PART_END, /* it is complete */
    SP_MULTIPART_END       /* all is; what follows is consumed and has no meaning */
};

/*
 * Takes the next step over `data`, consumes *ret_consumed bytes and returns an enum
 * sp_multipart_result; call it again with the rest, perhaps nothing, until that is MORE. A piece
 * lies in `data`, or in the parser until the next step: nothing is copied but headers. Linear in
 * the bytes given, however they are cut.
 *
 * -EBADMSG for what is malformed: a boundary followed by something else on its line, a header line
 * with a bare LF or a control byte, folded or without a name, a part without "Content-Disposition:
 * form-data; name=...", or with two, or with a Content-Transfer-Encoding that encodes. Other
 * headers are ignored (RFC 7578 4.8). -EMSGSIZE for headers that do not fit and too many parts.
 * `multipart->why` says more; every further step fails too.
 *
 * In names %22, \" and \\ stand for what browsers and curl could not write plainly; other escapes
 * are left as they are. filename* (RFC 8187, in UTF-8) counts more than filename.
 */
int sp_multipart_step(struct sp_multipart *multipart, const char *data, size_t size,
                      size_t *ret_consumed, struct sp_slice *ret);

/* The input is all there is: -EBADMSG when the last boundary is missing. */
int sp_multipart_finish(struct sp_multipart *multipart);

#endif
