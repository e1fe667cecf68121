/* SPDX-License-Identifier: MIT */
/* test-http1-body.c - bodies: lengths, chunks, extensions and trailers, in pieces of every size. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1.h"

#include "fixture.h"

/* What came out of a body: its bytes, its trailer lines, and how it ended. */
struct outcome {
    char content[16 * 1024];
    size_t n_content;
    char trailers[16 * 1024]; /* each line followed by '\n' */
    size_t n_trailers;
    size_t n_taken; /* bytes of the input that belonged to it */
    int result;
    const char *why;
};

static void keep(char *to, size_t *n, const struct sp_http_piece *piece) {
    ck_assert_uint_le(*n + piece->size, sizeof(((struct outcome *)NULL)->content));
    memcpy(to + *n, piece->data, piece->size);
    *n += piece->size;
}

/* Steps until nothing more can be had from `data`; returns how much of it was consumed. */
static size_t step_all(struct outcome *out, struct sp_http_body *body, const char *data,
                       size_t size) {
    size_t at = 0, consumed;

    do {
        struct sp_http_piece piece = {NULL, 0};

        consumed = 0;
        out->result = sp_http_body_step(body, data + at, size - at, &consumed, &piece);
        ck_assert_uint_le(consumed, size - at);
        if (out->result == SP_HTTP_BODY_PIECE || out->result == SP_HTTP_BODY_TRAILER) {
            ck_assert(piece.data >= data + at && piece.size > 0);
            ck_assert(piece.data + piece.size <= data + at + consumed);
        }
        if (out->result == SP_HTTP_BODY_PIECE) {
            keep(out->content, &out->n_content, &piece);
        } else if (out->result == SP_HTTP_BODY_TRAILER) {
            keep(out->trailers, &out->n_trailers, &piece);
            keep(out->trailers, &out->n_trailers, &(struct sp_http_piece){"\n", 1});
        }
        at += consumed;
    } while (out->result == SP_HTTP_BODY_PIECE || out->result == SP_HTTP_BODY_TRAILER);
    out->why = body->why;
    return at;
}

/*
 * Gives `n_first` bytes at first and then `n_each` at a time, always in memory of exactly the size
 * of what is there: what was left over before and what is new.
 */
static void read_body(struct outcome *out, const struct sp_http_head *head, const char *data,
                      size_t size, size_t n_first, size_t n_each) {
    size_t at = 0, given = n_first < size ? n_first : size;
    struct sp_http_body body;

    memset(out, 0, sizeof(*out));
    memset(&body, 0xa5, sizeof(body));
    sp_http_body_init(&body, head);
    for (;;) {
        char *copy = malloc(given - at ? given - at : 1);

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, data + at, given - at);
        at += step_all(out, &body, copy, given - at);
        free(copy);
        if (out->result != SP_HTTP_BODY_MORE || given == size) {
            break;
        }
        given = given + n_each < size ? given + n_each : size;
    }
    out->n_taken = at;
    if (out->result < 0) {
        struct sp_http_piece piece;
        size_t consumed;

        ck_assert_ptr_nonnull(body.why);
        ck_assert_int_lt(sp_http_body_step(&body, "0\r\n\r\n", 5, &consumed, &piece), 0);
    }
}

static void check_same(const struct outcome *a, const struct outcome *b, const char *text) {
    ck_assert_msg(a->result == b->result, "%s: %d and %d", text, a->result, b->result);
    ck_assert_uint_eq(a->n_content, b->n_content);
    ck_assert_mem_eq(a->content, b->content, a->n_content);
    ck_assert_uint_eq(a->n_trailers, b->n_trailers);
    ck_assert_mem_eq(a->trailers, b->trailers, a->n_trailers);
    if (a->result >= 0) {
        ck_assert_uint_eq(a->n_taken, b->n_taken);
    }
}

/* Whole into `out`; cut at every byte and byte by byte must give the same. */
static void read_every_way(struct outcome *out, const struct sp_http_head *head, const char *data,
                           size_t size) {
    struct outcome other;

    read_body(out, head, data, size, size, 1);
    for (size_t cut = 0; cut <= size; cut++) {
        read_body(&other, head, data, size, cut, size);
        check_same(out, &other, data);
    }
    for (size_t n = 1; n < 8; n++) {
        read_body(&other, head, data, size, n, n);
        check_same(out, &other, data);
    }
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static const struct sp_http_head chunked = {.framing = SP_HTTP_CHUNKED};

static const struct good {
    const char *text;
    const char *content;
    const char *trailers;
    size_t n_behind; /* bytes of `text` that belong to the next message */
} good[] = {
    {"0\r\n\r\n", "", "", 0},
    {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789", "", 0},
    {"A\r\n0123456789\r\n0\r\n\r\nGET /", "0123456789", "", 5},
    {"1e\r\nall your base are belong to us\r\n0\r\n\r\n", "all your base are belong to us", "", 0},
    {"5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n\r\n", "hello world", "", 2},
    {"0000000000000000000000000005\r\nhello\r\n0\r\n\r\n", "hello", "", 0},
    {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", "", 0},

    /* extensions, RFC 9112 7.1.1 */
    {"5;a=b\r\nhello\r\n0;c\r\n\r\n", "hello", "", 0},
    {"5;ilovew3;somuchlove=aretheseparametersfor;another=withvalue\r\nhello\r\n6;blahblah;blah\r\n"
     " world\r\n0\r\n\r\n",
     "hello world", "", 0},
    {"5;a=\"I \\\"love\\\"; \\\\ext \t\xe9\\\\\";b=\"\";c\r\nhello\r\n0\r\n\r\n", "hello", "", 0},
    {"5 ;a\t = \"b\" ; c=d\r\nhello\r\n0\r\n\r\n", "hello", "", 0},

    /* trailers, RFC 9112 7.1.2 */
    {"5\r\nhello\r\n0\r\nVary: *\r\nContent-Type: text/plain\r\n\r\nx", "hello",
     "Vary: *\nContent-Type: text/plain\n", 1},
    {"0\r\nA:\r\nB: a value of more than sixteen bytes \t \r\n\r\n", "",
     "A:\nB: a value of more than sixteen bytes \t \n", 0},
};

START_TEST(good_chunks_are_taken) {
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t size = strlen(good[i].text);
        struct outcome got;

        read_every_way(&got, &chunked, good[i].text, size);
        ck_assert_msg(got.result == SP_HTTP_BODY_END, "%s: %d, %s", good[i].text, got.result,
                      got.why);
        ck_assert_uint_eq(got.n_taken, size - good[i].n_behind);
        ck_assert_uint_eq(got.n_content, strlen(good[i].content));
        ck_assert_mem_eq(got.content, good[i].content, got.n_content);
        ck_assert_uint_eq(got.n_trailers, strlen(good[i].trailers));
        ck_assert_mem_eq(got.trailers, good[i].trailers, got.n_trailers);
    }
}
END_TEST

START_TEST(a_chunked_body_ends_nowhere_else) {
    static const char text[] = "5;a=\"b\"\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n";
    struct outcome got;

    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        read_body(&got, &chunked, text, size, size, 1);
        ck_assert_int_eq(got.result, SP_HTTP_BODY_MORE);
    }
}
END_TEST

struct bad {
    const char *text;
    size_t size;
};

#define REFUSES(text) \
    { text, sizeof(text) - 1 }

static const struct bad bad[] = {
    /* sizes */
    REFUSES("\r\n"),
    REFUSES("zz\r\n"),
    REFUSES("-1\r\n"),
    REFUSES("+1\r\n"),
    REFUSES("0x1\r\n"),
    REFUSES(" 1\r\na\r\n"),
    REFUSES("1 \r\na\r\n0\r\n\r\n"),
    REFUSES("1\t\r\na\r\n0\r\n\r\n"),
    REFUSES("2 erfrferferf\r\naa\r\n0 rrrr\r\n\r\n"),
    REFUSES("3 \n  \r\nfoo\r\n"),
    REFUSES("1,\r\na\r\n"),
    REFUSES("1\na\r\n0\r\n\r\n"),
    REFUSES("5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\n"),
    REFUSES("1\0\r\na\r\n"),
    REFUSES("8000000000000000\r\n"),
    REFUSES("fffffffffffffffff\r\n"),
    REFUSES("10000000000000001\r\na\r\n"),

    /* what follows the data */
    REFUSES("5\r\nABCDE0\r\n\r\n"),
    REFUSES("5\r\nABCDE\n0\r\n\r\n"),
    REFUSES("5\r\nABCDE\r0\r\n\r\n"),
    REFUSES("5\r\nABCDEF\r\n0\r\n\r\n"),
    REFUSES("3\r\nfoo\r\n\r\n"), /* no last chunk */

    /* extensions */
    REFUSES("2;\r\naa\r\n0\r\n\r\n"),
    REFUSES("2;;a\r\naa\r\n"),
    REFUSES("2;a;\r\naa\r\n"),
    REFUSES("2;=b\r\naa\r\n"),
    REFUSES("2;a=\r\naa\r\n"),
    REFUSES("2;a=b=c\r\naa\r\n"),
    REFUSES("2;a=\"b\r\naa\r\n"),
    REFUSES("2;a=\"b\\\r\n\"\r\naa\r\n"),
    REFUSES("2;a=\"b\"c\r\naa\r\n"),
    REFUSES("2;a=\"b\" \r\naa\r\n"),
    REFUSES("2;a \r\naa\r\n"),
    REFUSES("2;a b\r\naa\r\n"),
    REFUSES("2;a=b c\r\naa\r\n"),
    REFUSES("2;a\nx\r\naa\r\n"),
    REFUSES("2;a\rx\r\naa\r\n"),
    REFUSES("2;a=\"\n\"\r\naa\r\n"),
    REFUSES("2;a=\"\0\"\r\naa\r\n"),
    REFUSES("2;\xe9\r\naa\r\n"),
    REFUSES("5;ilovew3=\"abc\";somuchlove=\"def; ghi\r\nhello\r\n"),

    /* trailers */
    REFUSES("0\r\n\n"),
    REFUSES("0\r\n\rX"),
    REFUSES("0\r\nA: b\n\r\n"),
    REFUSES("0\r\nA: b\r\n c\r\n\r\n"),
    REFUSES("0\r\nA : b\r\n\r\n"),
    REFUSES("0\r\n: b\r\n\r\n"),
    REFUSES("0\r\nnocolon\r\n\r\n"),
    REFUSES("0\r\nA: b\0\r\n\r\n"),
    REFUSES("0\r\nGET / HTTP/1.1\r\n\r\n"),
    REFUSES("0\r\nContent-Length: 5\r\n\r\n"),
    REFUSES("0\r\nA: b\r\ntransfer-ENCODING: chunked\r\n\r\n"),
    REFUSES("0\r\nHost: x\r\n\r\n"),
    REFUSES("0\r\nConnection: close\r\n\r\n"),
    REFUSES("0\r\nUpgrade: x\r\n\r\n"),
    REFUSES("0\r\nExpect: x\r\n\r\n"),
    REFUSES("0\r\nTrailer: x\r\n\r\n"),
};

START_TEST(bad_chunks_are_refused) {
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct outcome got;

        read_every_way(&got, &chunked, bad[i].text, bad[i].size);
        ck_assert_msg(got.result == -EBADMSG, "%s: %d", bad[i].text, got.result);
    }
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */

static char big[64 * 1024];

/* Appends `n` times `text` to `big`, which has `size` bytes; returns the new size. */
static size_t append(size_t size, const char *text, size_t n) {
    size_t n_text = strlen(text);

    for (; n > 0; n--, size += n_text) {
        ck_assert_uint_le(size + n_text, sizeof(big));
        memcpy(big + size, text, n_text);
    }
    return size;
}

static int result_of(size_t size, size_t n_each) {
    struct outcome got;

    read_body(&got, &chunked, big, size, n_each, n_each);
    return got.result;
}

START_TEST(size_lines_have_a_limit) {
    size_t size = append(append(append(0, "0;", 1), "a", 252), "\r\n\r\n", 1);

    ck_assert_int_eq(result_of(size, size), SP_HTTP_BODY_END);
    size = append(append(append(0, "0;", 1), "a", 253), "\r\n\r\n", 1);
    ck_assert_int_eq(result_of(size, size), -EMSGSIZE);
    ck_assert_int_eq(result_of(size, 1), -EMSGSIZE);
    size = append(0, "0", 300);
    ck_assert_int_eq(result_of(size, size), -EMSGSIZE);
}
END_TEST

START_TEST(extensions_of_a_body_have_a_limit) {
    const char *chunk = "1;0123456789abcde\r\nx\r\n"; /* 16 bytes of it, and the CR */
    size_t size = append(append(0, chunk, 900), "0\r\n\r\n", 1);

    ck_assert_int_eq(result_of(size, size), SP_HTTP_BODY_END);
    size = append(append(0, chunk, 1100), "0\r\n\r\n", 1);
    ck_assert_int_eq(result_of(size, size), -EMSGSIZE);
    size = append(append(0, "1\r\nx\r\n", 9000), "0\r\n\r\n", 1);
    ck_assert_int_eq(result_of(size, size), SP_HTTP_BODY_END);
}
END_TEST

START_TEST(trailers_have_a_limit) {
    size_t size = append(append(append(0, "0\r\n", 1), "A: b\r\n", 1365), "\r\n", 1); /* 8192 */

    ck_assert_int_eq(result_of(size, size), SP_HTTP_BODY_END);
    size = append(append(append(0, "0\r\n", 1), "A: b\r\n", 1366), "\r\n", 1);
    ck_assert_int_eq(result_of(size, size), -EMSGSIZE);
    size = append(append(append(0, "0\r\n", 1), "A: b\r\n", 1364), "A: bb\r\n\r\n", 1); /* 8193 */
    ck_assert_int_eq(result_of(size, size), -EMSGSIZE);
    size = append(append(append(0, "0\r\n", 1), "A:", 1), "b", 9000);
    ck_assert_int_eq(result_of(size, size), -EMSGSIZE);
    ck_assert_int_eq(result_of(size, 100), -EMSGSIZE);
}
END_TEST

/* ---- the other framings ---------------------------------------------------------------------- */

START_TEST(a_length_is_counted_off) {
    const struct sp_http_head head = {.framing = SP_HTTP_LENGTH, .content_length = 5};
    struct outcome got;

    read_every_way(&got, &head, "helloGET / HTTP/1.1\r\n", 21);
    ck_assert_int_eq(got.result, SP_HTTP_BODY_END);
    ck_assert_uint_eq(got.n_taken, 5);
    ck_assert_mem_eq(got.content, "hello", 5);

    read_every_way(&got, &head, "hell", 4);
    ck_assert_int_eq(got.result, SP_HTTP_BODY_MORE);
    read_every_way(&got, &(struct sp_http_head){.framing = SP_HTTP_LENGTH}, "x", 1);
    ck_assert_int_eq(got.result, SP_HTTP_BODY_END);
    ck_assert_uint_eq(got.n_taken, 0);
}
END_TEST

START_TEST(no_body_takes_nothing) {
    struct outcome got;

    read_every_way(&got, &(struct sp_http_head){.framing = SP_HTTP_NO_BODY}, "GET", 3);
    ck_assert_int_eq(got.result, SP_HTTP_BODY_END);
    ck_assert_uint_eq(got.n_taken, 0);
}
END_TEST

START_TEST(until_close_takes_everything) {
    struct outcome got;

    read_every_way(&got, &(struct sp_http_head){.framing = SP_HTTP_UNTIL_CLOSE}, "0\r\n\r\n", 5);
    ck_assert_int_eq(got.result, SP_HTTP_BODY_MORE);
    ck_assert_uint_eq(got.n_content, 5);
}
END_TEST

START_TEST(trailer_lines_are_split) {
    static const struct {
        const char *line, *name, *value;
    } lines[] = {{"A:b", "A", "b"},
                 {"Abc: \t d e \t", "Abc", "d e"},
                 {"A:", "A", ""},
                 {"A: ", "A", ""},
                 {"A: b:c", "A", "b:c"}};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct sp_http_field field;

        sp_http_split_field(&field, lines[i].line, strlen(lines[i].line));
        ck_assert_uint_eq(field.name.size, strlen(lines[i].name));
        ck_assert_uint_eq(field.name.at, 0);
        ck_assert_uint_eq(field.value.size, strlen(lines[i].value));
        ck_assert_mem_eq(lines[i].line + field.value.at, lines[i].value, field.value.size);
    }
}
END_TEST

SP_TESTS("http1-body", good_chunks_are_taken, a_chunked_body_ends_nowhere_else,
         bad_chunks_are_refused, size_lines_have_a_limit, extensions_of_a_body_have_a_limit,
         trailers_have_a_limit, a_length_is_counted_off, no_body_takes_nothing,
         until_close_takes_everything, trailer_lines_are_split)
