/* SPDX-License-Identifier: MIT */
/* content-coding.c - the table of content codings, choosing one, and limits for what is decoded. */

#include "wire/content-coding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/coder-class.h"
#include "wire/negotiate.h"

const struct sp_coding sp_codings[] = {
#ifdef SP_HAVE_ZLIB
    {"gzip", "x-gzip", &sp_zlib_encoder, &sp_zlib_decoder, SP_ZLIB_GZIP},
    {"deflate", NULL, &sp_zlib_encoder, &sp_zlib_decoder, SP_ZLIB_DEFLATE},
#endif
    {NULL, NULL, NULL, NULL, 0},
};

/* ---- choosing -------------------------------------------------------------------------------- */

static bool is_named(const char *name, const char *text, size_t size) {
    return name && strlen(name) == size && strncasecmp(name, text, size) == 0;
}

const struct sp_coding *sp_coding_find(const char *name, size_t size) {
    for (const struct sp_coding *coding = sp_codings; coding->name; coding++) {
        if (is_named(coding->name, name, size) || is_named(coding->alias, name, size)) {
            return coding;
        }
    }
    return NULL;
}

const struct sp_coding *sp_coding_negotiate(struct sp_slice accept_encoding) {
    const struct sp_coding *best = NULL;
    int best_weight = 0, identity;

    if (!accept_encoding.data) {
        return NULL; /* anything would do, but who asks for nothing often cannot decode */
    }
    for (const struct sp_coding *coding = sp_codings; coding->name; coding++) {
        int weight = sp_accept_token_weight(accept_encoding, coding->name, coding->alias);

        if (weight > best_weight) {
            best = coding;
            best_weight = weight;
        }
    }
    /* Unnamed it is acceptable, and less than what was named. "*" does not mean it. */
    identity = sp_accept_token_weight_named(accept_encoding, "identity");
    return identity > best_weight ? NULL : best;
}

/* ---- encoding -------------------------------------------------------------------------------- */

struct sp_encoder {
    const struct sp_coding *coding;
    bool is_ended;
    _Alignas(max_align_t) char state[];
};

int sp_encoder_new(struct sp_encoder **ret, const struct sp_coding *coding, int level) {
    struct sp_encoder *encoder = calloc(1, sizeof(*encoder) + coding->encoder->n_state);
    int r;

    if (!encoder) {
        return -ENOMEM;
    }
    encoder->coding = coding;
    r = coding->encoder->init(encoder->state, coding->variant, level);
    if (r < 0) {
        free(encoder);
        return r;
    }
    *ret = encoder;
    return 0;
}

const struct sp_coding *sp_encoder_coding(const struct sp_encoder *encoder) {
    return encoder->coding;
}

int sp_encoder_step(struct sp_encoder *encoder, struct sp_coder_io *io, enum sp_coder_mode mode) {
    const char *why;
    int r;

    if (encoder->is_ended) {
        return -EINVAL;
    }
    r = encoder->coding->encoder->step(encoder->state, io, mode, &why);
    encoder->is_ended = r < 0 || (r == 0 && mode == SP_CODER_FINISH);
    return r;
}

void sp_encoder_reset(struct sp_encoder *encoder) {
    encoder->is_ended = false;
    encoder->coding->encoder->reset(encoder->state);
}

struct sp_encoder *sp_encoder_free(struct sp_encoder *encoder) {
    if (encoder) {
        encoder->coding->encoder->deinit(encoder->state);
        free(encoder);
    }
    return NULL;
}

/* ---- decoding -------------------------------------------------------------------------------- */

struct sp_decoder {
    const struct sp_coding *coding;
    struct sp_decoder_limits limits;
    uint64_t n_read, n_written;
    const char *why;
    int error;
    _Alignas(max_align_t) char state[];
};

int sp_decoder_new(struct sp_decoder **ret, const struct sp_coding *coding,
                   const struct sp_decoder_limits *limits) {
    struct sp_decoder *decoder = calloc(1, sizeof(*decoder) + coding->decoder->n_state);
    int r;

    if (!decoder) {
        return -ENOMEM;
    }
    decoder->coding = coding;
    if (limits) {
        decoder->limits = *limits;
    }
    if (decoder->limits.max_size == 0) {
        decoder->limits.max_size = UINT64_MAX;
    }
    if (decoder->limits.max_ratio == 0) {
        decoder->limits.max_ratio = 200; /* as Apache's mod_deflate */
    }
    if (decoder->limits.ratio_floor == 0) {
        decoder->limits.ratio_floor = 1024 * 1024;
    }
    r = coding->decoder->init(decoder->state, coding->variant, 0);
    if (r < 0) {
        free(decoder);
        return r;
    }
    *ret = decoder;
    return 0;
}

static bool is_over_ratio(const struct sp_decoder *decoder) {
    const struct sp_decoder_limits *limits = &decoder->limits;

    return decoder->n_written > limits->ratio_floor &&
           decoder->n_written / limits->max_ratio > decoder->n_read;
}

/*
 * Empty members and blocks decode to nothing, for ever. No encoder makes content an eighth larger;
 * the rest is room for headers.
 */
static bool is_padded(const struct sp_decoder *decoder) {
    uint64_t max = decoder->limits.max_size;

    return decoder->n_read > 64 * 1024 && decoder->n_read - 64 * 1024 > max &&
           decoder->n_read - 64 * 1024 - max > max / 8;
}

static int fail(struct sp_decoder *decoder, int error, const char *why) {
    decoder->error = error;
    decoder->why = why;
    return error;
}

int sp_decoder_step(struct sp_decoder *decoder, struct sp_coder_io *io, enum sp_coder_mode mode) {
    size_t n_in = io->n_in, n_out = io->n_out;
    const char *why = NULL;
    int r;

    if (decoder->error < 0) {
        return decoder->error;
    }
    if (mode == SP_CODER_FINISH && n_in == 0 && decoder->n_read == 0) {
        return 0;
    }
    r = decoder->coding->decoder->step(decoder->state, io, mode, &why);
    decoder->n_read += n_in - io->n_in;
    decoder->n_written += n_out - io->n_out;
    if (r < 0) {
        return fail(decoder, r, why);
    }
    if (decoder->n_written > decoder->limits.max_size) {
        return fail(decoder, -EMSGSIZE, "the decoded content is too large");
    }
    if (is_padded(decoder)) {
        return fail(decoder, -EMSGSIZE, "the encoded content is too large");
    }
    if (is_over_ratio(decoder)) {
        return fail(decoder, -EMSGSIZE, "the content grows too much when decoded");
    }
    return r;
}

const char *sp_decoder_why(const struct sp_decoder *decoder) {
    return decoder->why;
}

void sp_decoder_reset(struct sp_decoder *decoder) {
    decoder->n_read = decoder->n_written = 0;
    decoder->why = NULL;
    decoder->error = 0;
    decoder->coding->decoder->reset(decoder->state);
}

struct sp_decoder *sp_decoder_free(struct sp_decoder *decoder) {
    if (decoder) {
        decoder->coding->decoder->deinit(decoder->state);
        free(decoder);
    }
    return NULL;
}
