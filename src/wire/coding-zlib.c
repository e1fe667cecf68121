/* SPDX-License-Identifier: MIT */
/* coding-zlib.c - gzip and deflate, by zlib. */

#ifdef SP_HAVE_ZLIB

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "wire/coder-class.h"

#define WINDOW    15
#define GZIP      16        /* added to the window: the gzip format */
#define RAW       (-WINDOW) /* neither format */
#define MEM_LEVEL 8

/* zlib counts in unsigned int: larger pieces take several rounds. */
static uInt clamped(size_t size) {
    return size > UINT_MAX ? UINT_MAX : (uInt)size;
}

/* Lends what `io` has to zlib; give_back() moves `io` on. */
static void lend(z_stream *z, const struct sp_coder_io *io) {
    z->next_in = (Bytef *)(uintptr_t)io->in; /* zlib does not write there */
    z->avail_in = clamped(io->n_in);
    z->next_out = (Bytef *)io->out;
    z->avail_out = clamped(io->n_out);
}

static void give_back(const z_stream *z, struct sp_coder_io *io) {
    size_t n_taken = clamped(io->n_in) - z->avail_in, n_put = clamped(io->n_out) - z->avail_out;

    io->in += n_taken;
    io->n_in -= n_taken;
    io->out += n_put;
    io->n_out -= n_put;
}

/* ---- encoding -------------------------------------------------------------------------------- */

static int encoder_init(void *state, int variant, int level) {
    int window = variant == SP_ZLIB_GZIP ? WINDOW + GZIP : WINDOW;
    int r;

    if (level < 0 || level > 9) {
        return -EINVAL;
    }
    r = deflateInit2(state, level == 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED, window,
                     MEM_LEVEL, Z_DEFAULT_STRATEGY);
    return r == Z_OK ? 0 : -ENOMEM;
}

static int encoder_step(void *state, struct sp_coder_io *io, enum sp_coder_mode mode,
                        const char **ret_why) {
    static const int flushes[] = {
        [SP_CODER_RUN] = Z_NO_FLUSH, [SP_CODER_FLUSH] = Z_SYNC_FLUSH, [SP_CODER_FINISH] = Z_FINISH};
    z_stream *z = state;
    bool is_last_round;
    int r;

    do {
        is_last_round = io->n_in <= UINT_MAX;
        lend(z, io);
        r = deflate(z, is_last_round ? flushes[mode] : Z_NO_FLUSH);
        give_back(z, io);
        if (r == Z_STREAM_ERROR) {
            *ret_why = "the encoder was used wrongly";
            return -EINVAL;
        }
    } while (!is_last_round && io->n_out > 0);
    if (mode == SP_CODER_FINISH) {
        return r == Z_STREAM_END ? 0 : 1;
    }
    return io->n_out == 0 ? 1 : 0; /* full: perhaps more is waiting */
}

static void encoder_reset(void *state) {
    (void)deflateReset(state);
}

static void encoder_deinit(void *state) {
    (void)deflateEnd(state);
}

const struct sp_coder_class sp_zlib_encoder = {
    .n_state = sizeof(z_stream),
    .init = encoder_init,
    .step = encoder_step,
    .reset = encoder_reset,
    .deinit = encoder_deinit,
};

/* ---- decoding -------------------------------------------------------------------------------- */

struct inflater {
    z_stream z;
    int variant;
    /* deflate: the first two bytes tell whether the zlib format is around it */
    char first[2];
    size_t n_first;
    bool is_known;
    bool is_between; /* gzip: a member has ended, perhaps another follows; deflate: the end */
};

static int decoder_init(void *state, int variant, int level) {
    struct inflater *inflater = state;

    (void)level;
    inflater->variant = variant;
    inflater->is_known = variant == SP_ZLIB_GZIP;
    return inflateInit2(&inflater->z, variant == SP_ZLIB_GZIP ? WINDOW + GZIP : WINDOW) == Z_OK
               ? 0
               : -ENOMEM;
}

/* One call of inflate(). Returns 0 to go on, 1 when nothing more can be done now. */
static int inflate_some(struct inflater *inflater, struct sp_coder_io *io, const char **ret_why) {
    int r;

    if (inflater->is_between) {
        if (inflater->variant != SP_ZLIB_GZIP) {
            *ret_why = "something follows the compressed content";
            return -EBADMSG;
        }
        (void)inflateReset(&inflater->z);
        inflater->is_between = false;
    }
    lend(&inflater->z, io);
    r = inflate(&inflater->z, Z_NO_FLUSH);
    give_back(&inflater->z, io);
    switch (r) {
    case Z_STREAM_END:
        inflater->is_between = true;
        return 0;
    case Z_OK:
        return 0;
    case Z_BUF_ERROR:
        return 1;
    case Z_MEM_ERROR:
        *ret_why = "out of memory";
        return -ENOMEM;
    default:
        *ret_why = "the compressed content is damaged";
        return -EBADMSG;
    }
}

static int inflate_all(struct inflater *inflater, struct sp_coder_io *io, const char **ret_why) {
    int r;

    for (;;) {
        if (io->n_in == 0 && inflater->is_between) {
            return 0;
        }
        if (io->n_out == 0) {
            return 1; /* perhaps more is waiting */
        }
        r = inflate_some(inflater, io, ret_why);
        if (r != 0) {
            return r < 0 ? r : 0;
        }
    }
}

/* Holds back the first two bytes until both are there, and tells the format by them. */
static int find_format(struct inflater *inflater, struct sp_coder_io *io, enum sp_coder_mode mode) {
    unsigned char *first = (unsigned char *)inflater->first;
    bool is_zlib;

    while (inflater->n_first < 2 && io->n_in > 0) {
        inflater->first[inflater->n_first++] = *io->in++;
        io->n_in--;
    }
    if (inflater->n_first < 2 && mode != SP_CODER_FINISH) {
        return 0;
    }
    is_zlib = inflater->n_first == 2 && (first[0] & 0x0f) == Z_DEFLATED &&
              (first[0] * 256 + first[1]) % 31 == 0;
    inflater->is_known = true;
    (void)inflateReset2(&inflater->z, is_zlib ? WINDOW : RAW); /* the window's size stays */
    return 1;
}

/* What was held back goes first. Returns 1 when it did not fit. */
static int inflate_first(struct inflater *inflater, struct sp_coder_io *io, const char **ret_why) {
    struct sp_coder_io held = {inflater->first, inflater->n_first, io->out, io->n_out};
    int r = inflate_all(inflater, &held, ret_why);

    memmove(inflater->first, held.in, held.n_in);
    inflater->n_first = held.n_in;
    io->out = held.out;
    io->n_out = held.n_out;
    return r;
}

static int decoder_step(void *state, struct sp_coder_io *io, enum sp_coder_mode mode,
                        const char **ret_why) {
    struct inflater *inflater = state;
    int r = 0;

    if (!inflater->is_known) {
        r = find_format(inflater, io, mode);
        if (r <= 0) {
            return r;
        }
    }
    if (inflater->n_first > 0) {
        r = inflate_first(inflater, io, ret_why);
    }
    if (inflater->n_first == 0 && r >= 0) {
        r = inflate_all(inflater, io, ret_why);
    }
    if (r == 0 && mode == SP_CODER_FINISH && !inflater->is_between) {
        *ret_why = "the compressed content is cut off";
        return -EBADMSG;
    }
    return r;
}

static void decoder_reset(void *state) {
    struct inflater *inflater = state;

    inflater->is_known = inflater->variant == SP_ZLIB_GZIP;
    inflater->is_between = false;
    inflater->n_first = 0;
    (void)inflateReset2(&inflater->z, inflater->is_known ? WINDOW + GZIP : WINDOW);
}

static void decoder_deinit(void *state) {
    (void)inflateEnd(&((struct inflater *)state)->z);
}

const struct sp_coder_class sp_zlib_decoder = {
    .n_state = sizeof(struct inflater),
    .init = decoder_init,
    .step = decoder_step,
    .reset = decoder_reset,
    .deinit = decoder_deinit,
};

#else
extern int sp_coding_zlib_is_not_built; /* a file may not be empty */
#endif
