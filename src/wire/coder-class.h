/* SPDX-License-Identifier: MIT */
/* coder-class.h - what a content coding brings: a way to encode and one to decode. */

#ifndef SP_WIRE_CODER_CLASS_H
#define SP_WIRE_CODER_CLASS_H

#include "wire/content-coding.h"

/* `state` is the class's own: n_state bytes, zeroed before init. */
struct sp_coder_class {
    size_t n_state;
    /* -ENOMEM, -EINVAL; on failure nothing is left. Decoders ignore the level. */
    int (*init)(void *state, int variant, int level);
    /* As sp_encoder_step() or sp_decoder_step(), without the limits; *ret_why with an error. */
    int (*step)(void *state, struct sp_coder_io *io, enum sp_coder_mode mode, const char **ret_why);
    void (*reset)(void *state);
    void (*deinit)(void *state);
};

/* coding-zlib.c; the variants are its own. */
enum {
    SP_ZLIB_GZIP,
    SP_ZLIB_DEFLATE
};
extern const struct sp_coder_class sp_zlib_encoder, sp_zlib_decoder;

#endif
