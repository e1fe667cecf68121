/* SPDX-License-Identifier: MIT */
/* test-content-coding.c - gzip and deflate against gzip(1) and Python, limits, choosing. */

#include "wire/content-coding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define ROOM (2 * 1024 * 1024)

struct bytes {
    char *data;
    size_t size;
};

static struct bytes output_of(const char *command) {
    struct bytes out = {malloc(ROOM), 0}; /* the caller's to free */
    FILE *pipe = popen(command, "r");

    ck_assert_ptr_nonnull(pipe);
    out.size = fread(out.data, 1, ROOM, pipe);
    ck_assert_int_eq(pclose(pipe), 0);
    return out;
}

static void save(const char *name, struct bytes bytes) {
    FILE *file = fopen(name, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    ck_assert_int_eq(fclose(file), 0);
}

static struct bytes text_of(const char *text) {
    return (struct bytes){strdup(text), strlen(text)};
}

/* Some words, some noise, 60 KiB: more than zlib's window. */
static struct bytes mixed(void) {
    return output_of("python3 -c \"import random; r = random.Random(7)\n"
                     "import sys; sys.stdout.buffer.write(b''.join(b'word %d ' % r.randrange(99) "
                     "+ r.randbytes(5) for _ in range(5000)))\"");
}

static const struct sp_coding *coding(const char *name) {
    const struct sp_coding *found = sp_coding_find(name, strlen(name));

    ck_assert_ptr_nonnull(found);
    return found;
}

/* ---- both ways, in steps of a size ----------------------------------------------------------- */

static struct bytes encode(struct sp_encoder *encoder, struct bytes in, size_t n_in, size_t n_out) {
    struct bytes out = {malloc(ROOM), 0};
    size_t at = 0;
    int r;

    do {
        size_t left = in.size - at, given = left < n_in ? left : n_in;
        enum sp_coder_mode mode = given == left ? SP_CODER_FINISH : SP_CODER_RUN;
        struct sp_coder_io io = {in.data + at, given, out.data + out.size, n_out};

        r = sp_encoder_step(encoder, &io, mode);
        ck_assert_int_ge(r, 0);
        at += given - io.n_in;
        out.size += n_out - io.n_out;
    } while (r == 1 || at < in.size);
    return out;
}

/* Returns the last step's result; what came out is added to `out`. */
static int decode_with(struct sp_decoder *decoder, struct bytes *out, struct bytes in, size_t n_in,
                       size_t n_out) {
    size_t at = 0;
    int r;

    do {
        size_t left = in.size - at, given = left < n_in ? left : n_in;
        enum sp_coder_mode mode = given == left ? SP_CODER_FINISH : SP_CODER_RUN;
        char *copy = malloc(given ? given : 1); /* exactly: the sanitizer sees a byte too far */
        struct sp_coder_io io = {memcpy(copy, in.data + at, given), given, out->data + out->size,
                                 n_out};

        ck_assert_uint_le(out->size + n_out, ROOM);
        r = sp_decoder_step(decoder, &io, mode);
        at += given - io.n_in;
        out->size += n_out - io.n_out;
        free(copy);
        if (mode == SP_CODER_FINISH && r == 0) {
            ck_assert_uint_eq(at, in.size);
            return 0;
        }
    } while (r >= 0);
    ck_assert_ptr_nonnull(sp_decoder_why(decoder));
    return r;
}

static int decode(const char *name, const struct sp_decoder_limits *limits, struct bytes in,
                  size_t n_in, size_t n_out, struct bytes *ret) {
    static char room[ROOM];
    struct sp_decoder *decoder;
    int r;

    *ret = (struct bytes){room, 0};
    ck_assert_int_eq(sp_decoder_new(&decoder, coding(name), limits), 0);
    r = decode_with(decoder, ret, in, n_in, n_out);
    sp_decoder_free(decoder);
    return r;
}

/* Decodes to `expected` however it is cut, or fails with `error`. */
static void check_decoded(const char *name, struct bytes in, struct bytes expected, int error) {
    static const size_t sizes[][2] = {{ROOM, ROOM / 2}, {1, 65536}, {7, 13}, {65536, 1}, {2, 2}};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct bytes out;

        ck_assert_int_eq(decode(name, NULL, in, sizes[i][0], sizes[i][1], &out), error);
        if (error == 0) {
            ck_assert_uint_eq(out.size, expected.size);
            ck_assert_mem_eq(out.data, expected.data, out.size);
        }
    }
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(what_gzip_and_python_write_is_read) {
    struct bytes plain = mixed(), empty = {plain.data, 0};
    static const struct {
        const char *coding, *command;
    } writers[] = {
        {"gzip", "gzip -c plain"},
        {"x-gzip", "gzip -9c plain"},
        {"GZIP", "gzip -1nc plain"},
        {"gzip", "(head -c 1000 plain | gzip; tail -c +1001 plain | gzip; gzip </dev/null)"},
        {"deflate", "python3 -c \"import zlib, sys\n"
                    "sys.stdout.buffer.write(zlib.compress(open('plain', 'rb').read()))\""},
        {"deflate",
         "python3 -c \"import zlib, sys\n"
         "c = zlib.compressobj(wbits=-15)\n"
         "sys.stdout.buffer.write(c.compress(open('plain', 'rb').read()) + c.flush())\""},
    };

    save("plain", plain);
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        struct bytes coded = output_of(writers[i].command);

        check_decoded(writers[i].coding, coded, plain, 0);
        free(coded.data);
    }
    check_decoded("gzip", empty, empty, 0);
    check_decoded("deflate", empty, empty, 0);
    check_decoded("deflate", (struct bytes){(char *)"\x03\x00", 2}, empty, 0);
    free(plain.data);
}
END_TEST

START_TEST(what_is_written_is_read_by_gzip_and_python) {
    static const size_t sizes[][2] = {{ROOM, ROOM}, {1000, 50}, {3, 4096}};
    struct bytes plain = mixed();

    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct sp_encoder *encoder;
        struct bytes coded, back;

        ck_assert_int_eq(sp_encoder_new(&encoder, coding(i % 2 ? "gzip" : "deflate"), 0), 0);
        ck_assert_ptr_eq(sp_encoder_coding(encoder), coding(i % 2 ? "gzip" : "deflate"));
        for (int again = 0; again < 2; again++) {
            coded = encode(encoder, plain, sizes[i / 2][0], sizes[i / 2][1]);
            ck_assert_uint_lt(coded.size, plain.size);
            save("coded", coded);
            back = output_of(i % 2 ? "gzip -dc <coded"
                                   : "python3 -c \"import zlib, sys\n"
                                     "sys.stdout.buffer.write(zlib.decompress("
                                     "open('coded', 'rb').read()))\"");
            ck_assert_uint_eq(back.size, plain.size);
            ck_assert_mem_eq(back.data, plain.data, plain.size);
            free(coded.data);
            free(back.data);
            sp_encoder_reset(encoder);
        }
        sp_encoder_free(encoder);
    }
    free(plain.data);
}
END_TEST

START_TEST(what_was_flushed_can_be_read) {
    struct sp_decoder *decoder;
    struct sp_encoder *encoder;
    char coded[256], plain[256];

    ck_assert_int_eq(sp_encoder_new(&encoder, coding("gzip"), 1), 0);
    ck_assert_int_eq(sp_decoder_new(&decoder, coding("gzip"), NULL), 0);
    for (int i = 0; i < 3; i++) {
        struct sp_coder_io in = {"one line\n", 9, coded, sizeof(coded)};
        struct sp_coder_io out = {coded, 0, plain, sizeof(plain)};

        ck_assert_int_eq(sp_encoder_step(encoder, &in, SP_CODER_FLUSH), 0);
        out.n_in = sizeof(coded) - in.n_out;
        ck_assert_int_eq(sp_decoder_step(decoder, &out, SP_CODER_RUN), 0);
        ck_assert_uint_eq(sizeof(plain) - out.n_out, 9);
        ck_assert_mem_eq(plain, "one line\n", 9);
    }
    sp_encoder_free(encoder);
    sp_decoder_free(decoder);
}
END_TEST

START_TEST(an_encoder_has_an_end) {
    struct sp_encoder *encoder;
    char coded[64];
    struct sp_coder_io io = {"x", 1, coded, sizeof(coded)};

    ck_assert_int_eq(sp_encoder_new(&encoder, coding("gzip"), 10), -EINVAL);
    ck_assert_int_eq(sp_encoder_new(&encoder, coding("gzip"), 9), 0);
    ck_assert_int_eq(sp_encoder_step(encoder, &io, SP_CODER_FINISH), 0);
    ck_assert_int_eq(sp_encoder_step(encoder, &io, SP_CODER_FINISH), -EINVAL);
    ck_assert_ptr_null(sp_encoder_free(encoder));
    ck_assert_ptr_null(sp_encoder_free(NULL));
    ck_assert_ptr_null(sp_decoder_free(NULL));
}
END_TEST

START_TEST(damaged_content_is_refused) {
    struct bytes plain = text_of("some text, some text"), none = {0};
    struct bytes gzip, zlib, raw;

    save("plain", plain);
    gzip = output_of("gzip -nc plain");
    zlib = output_of("python3 -c \"import zlib, sys\n"
                     "sys.stdout.buffer.write(zlib.compress(open('plain', 'rb').read()))\"");
    raw = (struct bytes){zlib.data + 2, zlib.size - 6};
    check_decoded("gzip", gzip, plain, 0);
    check_decoded("deflate", zlib, plain, 0);
    check_decoded("deflate", raw, plain, 0);
    for (size_t n = 1; n < gzip.size; n++) { /* cut off anywhere */
        check_decoded("gzip", (struct bytes){gzip.data, n}, none, -EBADMSG);
    }
    for (size_t n = 1; n < raw.size; n++) {
        check_decoded("deflate", (struct bytes){zlib.data, n}, none, -EBADMSG);
        check_decoded("deflate", (struct bytes){raw.data, n}, none, -EBADMSG);
    }
    gzip.data[gzip.size] = zlib.data[zlib.size] = 'x'; /* followed by something */
    check_decoded("gzip", (struct bytes){gzip.data, gzip.size + 1}, none, -EBADMSG);
    check_decoded("deflate", (struct bytes){zlib.data, zlib.size + 1}, none, -EBADMSG);
    gzip.data[gzip.size] = '\0'; /* padding is something, too */
    check_decoded("gzip", (struct bytes){gzip.data, gzip.size + 1}, none, -EBADMSG);
    gzip.data[gzip.size - 6] ^= 1; /* its checksum */
    check_decoded("gzip", gzip, none, -EBADMSG);
    check_decoded("gzip", plain, none, -EBADMSG);
    check_decoded("gzip", zlib, none, -EBADMSG);
    check_decoded("deflate", gzip, none, -EBADMSG);
    free(gzip.data);
    free(zlib.data);
    free(plain.data);
}
END_TEST

START_TEST(an_error_stays) {
    struct sp_decoder *decoder;
    char room[64];
    struct sp_coder_io io = {"not gzip", 8, room, sizeof(room)};

    ck_assert_int_eq(sp_decoder_new(&decoder, coding("gzip"), NULL), 0);
    ck_assert_int_eq(sp_decoder_step(decoder, &io, SP_CODER_RUN), -EBADMSG);
    io.n_in = 0;
    ck_assert_int_eq(sp_decoder_step(decoder, &io, SP_CODER_RUN), -EBADMSG);
    sp_decoder_reset(decoder);
    ck_assert_int_eq(sp_decoder_step(decoder, &io, SP_CODER_FINISH), 0);
    sp_decoder_free(decoder);
}
END_TEST

START_TEST(bombs_do_not_go_off) {
    struct bytes bomb = output_of("head -c 100M /dev/zero | gzip -9"), out;
    struct bytes text = output_of("yes 'the same line' | head -c 1M | gzip -9");

    /* the ratio: 1000 is too much above the first MiB */
    ck_assert_int_eq(decode("gzip", NULL, bomb, 4096, 65536, &out), -EMSGSIZE);
    ck_assert_uint_le(out.size, 1024 * 1024 + 65536);
    /* and no matter below */
    ck_assert_int_eq(decode("gzip", NULL, text, 4096, 65536, &out), 0);
    ck_assert_uint_eq(out.size, 1024 * 1024);
    ck_assert_int_eq(
        decode("gzip", &(struct sp_decoder_limits){.ratio_floor = 1}, text, 4096, 65536, &out),
        -EMSGSIZE);
    /* the size, to the byte */
    ck_assert_int_eq(decode("gzip", &(struct sp_decoder_limits){.max_size = 1024 * 1024}, text,
                            4096, 1000, &out),
                     0);
    ck_assert_int_eq(decode("gzip", &(struct sp_decoder_limits){.max_size = 1024 * 1024 - 1}, text,
                            4096, 1000, &out),
                     -EMSGSIZE);
    ck_assert_uint_le(out.size, 1024 * 1024 - 1 + 1000);
    free(bomb.data);
    free(text.data);
}
END_TEST

/* Many members cannot hide from the limits. */
START_TEST(members_are_counted_together) {
    struct bytes members =
        output_of("head -c 1M /dev/zero | gzip -9 >m; for i in 1 2 3 4; do cat m; done");
    struct bytes out;

    ck_assert_int_eq(decode("gzip", NULL, members, ROOM, 65536, &out), -EMSGSIZE);
    ck_assert_uint_le(out.size, 1024 * 1024 + 65536);
    free(members.data);
}
END_TEST

/* What decodes to nothing is still something that somebody has to read. */
START_TEST(empty_members_come_to_an_end) {
    const struct sp_decoder_limits limits = {.max_size = 1000};
    struct bytes member = output_of("gzip -n </dev/null"), out;
    struct sp_decoder *decoder;
    size_t n = 0;
    int r;

    ck_assert_int_eq(sp_decoder_new(&decoder, coding("gzip"), &limits), 0);
    do {
        struct sp_coder_io io = {member.data, member.size, (char[16]){0}, 16};

        r = sp_decoder_step(decoder, &io, SP_CODER_RUN);
        n += member.size;
    } while (r == 0 && n < ROOM);
    ck_assert_int_eq(r, -EMSGSIZE);
    ck_assert_uint_le(n, 70000);
    sp_decoder_free(decoder);
    /* content that cannot be compressed is larger than before, and fits */
    free(member.data);
    member = output_of("head -c 1M /dev/urandom | gzip -9");
    ck_assert_uint_gt(member.size, 1024 * 1024);
    ck_assert_int_eq(decode("gzip", &(struct sp_decoder_limits){.max_size = 1024 * 1024}, member,
                            4096, 65536, &out),
                     0);
    free(member.data);
}
END_TEST

START_TEST(a_coding_is_chosen) {
    static const struct {
        const char *accept, *chosen;
    } cases[] = {
        {NULL, NULL},
        {"", NULL},
        {"gzip", "gzip"},
        {"gzip, deflate, br", "gzip"},
        {"deflate, gzip", "gzip"},
        {"deflate, gzip;q=0.9", "deflate"},
        {"gzip;q=0", NULL},
        {"gzip;q=0, *", "deflate"},
        {"*", "gzip"},
        {"*;q=0", NULL},
        {"br", NULL},
        {"x-gzip", "gzip"},
        {"identity", NULL},
        {"identity, gzip", "gzip"},
        {"identity, gzip;q=0.5", NULL},
        {"identity;q=0, gzip;q=0.1", "gzip"},
        {"identity;q=0.5, *;q=0.1", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *accept = cases[i].accept;
        const struct sp_coding *chosen =
            sp_coding_negotiate((struct sp_slice){accept, accept ? strlen(accept) : 0});

        ck_assert_msg(cases[i].chosen ? chosen && strcmp(chosen->name, cases[i].chosen) == 0
                                      : !chosen,
                      "%s", accept);
    }
    ck_assert_ptr_null(sp_coding_find("gzi", 3));
    ck_assert_ptr_null(sp_coding_find("gzipx", 5));
    ck_assert_ptr_null(sp_coding_find("", 0));
}
END_TEST

SP_TESTS("content-coding", what_gzip_and_python_write_is_read,
         what_is_written_is_read_by_gzip_and_python, what_was_flushed_can_be_read,
         an_encoder_has_an_end, damaged_content_is_refused, an_error_stays, bombs_do_not_go_off,
         members_are_counted_together, empty_members_come_to_an_end, a_coding_is_chosen)
