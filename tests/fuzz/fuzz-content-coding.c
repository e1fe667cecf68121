/* SPDX-License-Identifier: MIT */
/*
 * fuzz-content-coding.c - any bytes as compressed content, as what is to be compressed, and as an
 * Accept-Encoding. The first three bytes choose the coding and how input and output are cut.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/content-coding.h"

#define MAX_SIZE 65536 /* of what comes out */

struct cuts {
    size_t n_in, n_out; /* bytes a step is given */
};

/* What came out, and how it ended. */
struct outcome {
    char *data;
    size_t size, n_room;
    int result;
};

typedef int step_call(void *coder, struct sp_coder_io *io, enum sp_coder_mode mode);

static int decode(void *coder, struct sp_coder_io *io, enum sp_coder_mode mode) {
    int r = sp_decoder_step(coder, io, mode);

    sp_assert((r < 0) == (sp_decoder_why(coder) != NULL));
    return r;
}

static int encode(void *coder, struct sp_coder_io *io, enum sp_coder_mode mode) {
    return sp_encoder_step(coder, io, mode);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* One step, in memory of exactly the size. Returns what the step did. */
static int step(struct outcome *out, step_call *call, void *coder, struct sp_coder_io *io,
                enum sp_coder_mode mode, size_t n_out) {
    char *room = malloc(n_out);
    const char *in = io->in;
    size_t n_in = io->n_in, n;
    int r;

    sp_assert(room);
    io->out = room;
    io->n_out = n_out;
    r = call(coder, io, mode);
    sp_assert(io->in >= in && io->in + io->n_in == in + n_in);
    sp_assert(io->out >= room && io->out + io->n_out == room + n_out);
    sp_assert(r != 0 || io->n_in == 0);
    sp_assert(r <= 0 || io->n_out == 0);
    n = n_out - io->n_out;
    sp_assert(n <= out->n_room - out->size);
    memcpy(out->data + out->size, room, n);
    out->size += n;
    free(room);
    return r;
}

static struct outcome run(step_call *call, void *coder, const char *data, size_t size,
                          struct cuts cuts, size_t n_room) {
    struct outcome out = {.data = malloc(n_room), .n_room = n_room};
    size_t at = 0;

    sp_assert(out.data);
    do {
        size_t n = least(cuts.n_in, size - at);
        char *piece = malloc(n ? n : 1);
        struct sp_coder_io io = {.in = piece, .n_in = n};
        enum sp_coder_mode mode = at + n == size ? SP_CODER_FINISH : SP_CODER_RUN;

        sp_assert(piece);
        memcpy(piece, data + at, n);
        do {
            out.result = step(&out, call, coder, &io, mode, cuts.n_out);
        } while (out.result > 0);
        at += n;
        free(piece);
    } while (at < size && out.result == 0);
    return out;
}

static void check_same(const struct outcome *a, const struct outcome *b) {
    sp_assert(a->result == b->result);
    if (a->result == 0) {
        sp_assert(a->size == b->size && memcmp(a->data, b->data, a->size) == 0);
    }
}

/* Whole, in pieces, and in pieces by a decoder that was used before: the same. */
static void check_decoding(const struct sp_coding *coding, const char *data, size_t size,
                           struct cuts cuts) {
    const struct sp_decoder_limits limits = {.max_size = MAX_SIZE, .ratio_floor = 4096};
    const struct cuts all = {size + 1, MAX_SIZE + 1};
    struct outcome whole, cut, again;
    struct sp_decoder *decoder;

    sp_assert(sp_decoder_new(&decoder, coding, &limits) == 0);
    whole = run(decode, decoder, data, size, all, 2 * MAX_SIZE + 2);
    sp_decoder_reset(decoder);
    cut = run(decode, decoder, data, size, cuts, 2 * MAX_SIZE + 2);
    sp_decoder_reset(decoder);
    again = run(decode, decoder, data, size, cuts, 2 * MAX_SIZE + 2);
    check_same(&cut, &again);
    if (whole.result != -90 && cut.result != -90) { /* a ratio is that of what was read so far */
        check_same(&whole, &cut);
    }
    sp_decoder_free(decoder);
    free(whole.data);
    free(cut.data);
    free(again.data);
}

/* What was encoded is decoded to what it was. */
static void check_encoding(const struct sp_coding *coding, const char *data, size_t size,
                           struct cuts cuts) {
    const struct sp_decoder_limits limits = {.max_ratio = 2000};
    struct outcome encoded, decoded;
    struct sp_decoder *decoder;
    struct sp_encoder *encoder;

    sp_assert(sp_encoder_new(&encoder, coding, 1) == 0);
    encoded = run(encode, encoder, data, size, cuts, 2 * size + 1024);
    sp_assert(encoded.result == 0);
    sp_assert(sp_decoder_new(&decoder, coding, &limits) == 0);
    decoded = run(decode, decoder, encoded.data, encoded.size, cuts, size + 256);
    sp_assert(decoded.result == 0 && decoded.size == size);
    sp_assert(memcmp(decoded.data, data, size) == 0);
    sp_encoder_free(encoder);
    sp_decoder_free(decoder);
    free(encoded.data);
    free(decoded.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct sp_coding *coding = sp_codings;
    struct cuts cuts;
    char *copy;

    if (size < 3 || size > MAX_SIZE || !coding->name) {
        return 0;
    }
    for (size_t i = data[0]; i > 0; i--) {
        coding = coding[1].name ? coding + 1 : sp_codings;
    }
    cuts = (struct cuts){data[1] + 1u, data[2] + 1u};
    size -= 3;
    copy = malloc(size ? size : 1);
    sp_assert(copy);
    memcpy(copy, data + 3, size);
    check_decoding(coding, copy, size, cuts);
    check_encoding(coding, copy, size, cuts);
    (void)sp_coding_negotiate((struct sp_slice){copy, size});
    (void)sp_coding_find(copy, size);
    free(copy);
    return 0;
}
