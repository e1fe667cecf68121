/* SPDX-License-Identifier: MIT */
/* content-coding.h - content codings (RFC 9110 8.4.1), encoded and decoded in steps. */

#ifndef SP_WIRE_CONTENT_CODING_H
#define SP_WIRE_CONTENT_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/uri.h"

/* One row of the table: what this build can encode and decode. */
struct sp_coding {
    const char *name;  /* as it goes into Content-Encoding */
    const char *alias; /* what else it is called by those who send it, or NULL */
    const struct sp_coder_class *encoder;
    const struct sp_coder_class *decoder;
    int variant; /* for the classes */
};

/* The codings of this build, in the order a server prefers them; the last has no name. */
extern const struct sp_coding sp_codings[];

/* The coding of that name, in any case ("gzip", "x-gzip", "deflate"), or NULL. */
const struct sp_coding *sp_coding_find(const char *name, size_t size);

/*
 * Chooses a coding by the value of Accept-Encoding (RFC 9110 12.5.3; several fields joined by
 * commas; NULL data: there was none): the one with the highest weight, of equal ones the first of
 * the table. NULL stands for identity: nothing of ours is accepted, or identity is wanted more.
 */
const struct sp_coding *sp_coding_negotiate(struct sp_slice accept_encoding);

/* The caller's input and output; a step moves each on by what it took or wrote. */
struct sp_coder_io {
    const char *in;
    size_t n_in;
    char *out;
    size_t n_out;
};

enum sp_coder_mode {
    SP_CODER_RUN = 0, /* more input follows; what is written is up to the coding */
    SP_CODER_FLUSH,   /* what was given so far must be readable at the other end */
    SP_CODER_FINISH   /* the input is all there is */
};

/* ---- encoding -------------------------------------------------------------------------------- */

struct sp_encoder;

/*
 * A new encoder. `level` is 1 (fast) to 9 (small); 0: the coding's default. It takes its memory
 * here (gzip: 256 KiB) and none in a step. -ENOMEM, -EINVAL (no such level).
 */
int sp_encoder_new(struct sp_encoder **ret, const struct sp_coding *coding, int level);
const struct sp_coding *sp_encoder_coding(const struct sp_encoder *encoder);

/*
 * Takes input and writes output. Returns 0 when all of the input is taken and, by the mode, all is
 * written; 1 when the output is full: call again with room and the same mode. -EINVAL behind the
 * end.
 */
int sp_encoder_step(struct sp_encoder *encoder, struct sp_coder_io *io, enum sp_coder_mode mode);

/* As new: for the next content. Cheap beside a new one. */
void sp_encoder_reset(struct sp_encoder *encoder);
struct sp_encoder *sp_encoder_free(struct sp_encoder *encoder);

/* ---- decoding -------------------------------------------------------------------------------- */

struct sp_decoder;

/*
 * What a content may become. A gzip of zeros decodes to a thousand times its size; text rarely to
 * more than ten times, machine-made text to a hundred.
 */
struct sp_decoder_limits {
    uint64_t max_size;    /* bytes of output, and by and large of input, too; 0: no limit */
    unsigned max_ratio;   /* of output to input; 0: 200 */
    uint64_t ratio_floor; /* bytes of output up to which the ratio does not matter; 0: 1 MiB */
};

/* A new decoder. It takes all its memory here or in the first step (gzip: 40 KiB). -ENOMEM. */
int sp_decoder_new(struct sp_decoder **ret, const struct sp_coding *coding,
                   const struct sp_decoder_limits *limits);

/*
 * Takes input and writes output. Returns 0 when all of the input is taken (with SP_CODER_FINISH:
 * and the content was complete); 1 when the output is full: call again with room and the same mode.
 * Nothing is held back, so SP_CODER_FLUSH is as SP_CODER_RUN. A content without a byte is complete.
 *
 * -EBADMSG: not of that coding, damaged, cut off, or followed by something else. Several gzip
 * members one after the other are one content (RFC 1952 2.2). "deflate" is taken with the zlib
 * format around it (RFC 9110 8.4.1.2) and, as browsers and curl do, without.
 * -EMSGSIZE: it passes a limit; what this step wrote may be up to n_out bytes beyond it.
 * After an error every further step fails.
 */
int sp_decoder_step(struct sp_decoder *decoder, struct sp_coder_io *io, enum sp_coder_mode mode);

/* After an error: what is wrong, a constant string. */
const char *sp_decoder_why(const struct sp_decoder *decoder);

/* As new, with the same limits. */
void sp_decoder_reset(struct sp_decoder *decoder);
struct sp_decoder *sp_decoder_free(struct sp_decoder *decoder);

#endif
