/* SPDX-License-Identifier: MIT */
/* fuzz-http-body.c - any bytes as a body. The first byte picks the framing and how it is cut. */

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http1.h"

/* What came out of a body. The room is never more than what went in. */
struct outcome {
    char *content;
    size_t n_content;
    char *trailers; /* each line followed by '\n', where its CRLF was */
    size_t n_trailers;
    size_t n_taken;
    int result;
};

static void keep(char *to, size_t *n, const char *from, size_t size) {
    memcpy(to + *n, from, size);
    *n += size;
}

static void check_trailer(const struct sp_http_piece *line) {
    struct sp_http_field field;

    sp_http_split_field(&field, line->data, line->size);
    sp_assert(sp_http_is_token(line->data + field.name.at, field.name.size));
    sp_assert(sp_http_is_value(line->data + field.value.at, field.value.size));
}

/* Steps until nothing more can be had; returns how much was consumed. */
static size_t step_all(struct outcome *out, struct sp_http_body *body, const char *data,
                       size_t size) {
    size_t at = 0;

    do {
        struct sp_http_piece piece = {NULL, 0};
        size_t consumed = 0;

        out->result = sp_http_body_step(body, data + at, size - at, &consumed, &piece);
        sp_assert(consumed <= size - at);
        if (out->result == SP_HTTP_BODY_PIECE || out->result == SP_HTTP_BODY_TRAILER) {
            sp_assert(piece.size > 0 && piece.data >= data + at);
            sp_assert(piece.data + piece.size <= data + at + consumed);
        }
        if (out->result == SP_HTTP_BODY_PIECE) {
            keep(out->content, &out->n_content, piece.data, piece.size);
        } else if (out->result == SP_HTTP_BODY_TRAILER) {
            check_trailer(&piece);
            keep(out->trailers, &out->n_trailers, piece.data, piece.size);
            keep(out->trailers, &out->n_trailers, "\n", 1);
        }
        at += consumed;
    } while (out->result == SP_HTTP_BODY_PIECE || out->result == SP_HTTP_BODY_TRAILER);
    sp_assert(out->result >= 0 || body->why);
    return at;
}

/* Reads the body in steps of `n_each` bytes, each time in memory of exactly the size. */
static struct outcome read_body(const struct sp_http_head *head, const uint8_t *data, size_t size,
                                size_t n_each) {
    struct outcome out = {.content = malloc(size + 1), .trailers = malloc(size + 1)};
    size_t at = 0, given = n_each < size ? n_each : size;
    struct sp_http_body body;

    sp_assert(out.content && out.trailers);
    sp_http_body_init(&body, head);
    for (;;) {
        char *copy = malloc(given - at ? given - at : 1);

        sp_assert(copy);
        memcpy(copy, data + at, given - at);
        at += step_all(&out, &body, copy, given - at);
        free(copy);
        if (out.result != SP_HTTP_BODY_MORE || given == size) {
            break;
        }
        given = size - given > n_each ? given + n_each : size;
    }
    out.n_taken = at;
    return out;
}

static void free_outcome(struct outcome *out) {
    free(out->content);
    free(out->trailers);
}

static void check_same(const struct outcome *a, const struct outcome *b) {
    sp_assert(a->result == b->result);
    sp_assert(a->n_content == b->n_content);
    sp_assert(memcmp(a->content, b->content, a->n_content) == 0);
    sp_assert(a->n_trailers == b->n_trailers);
    sp_assert(memcmp(a->trailers, b->trailers, a->n_trailers) == 0);
    sp_assert(a->result < 0 || a->n_taken == b->n_taken);
}

/* A complete chunked body, written again as one chunk and its trailers, reads the same. */
static void check_written(const struct sp_http_head *head, const struct outcome *got) {
    size_t room = got->n_content + 2 * got->n_trailers + 2 * SP_HTTP_CHUNK_ROOM + 8;
    char *again = malloc(room), *at = again;
    struct outcome reread;

    sp_assert(again);
    if (got->n_content > 0) {
        at = sp_http_put_chunk_head(at, got->n_content);
        memcpy(at, got->content, got->n_content);
        memcpy(at + got->n_content, "\r\n", 2);
        at += got->n_content + 2;
    }
    at = sp_http_put_chunk_head(at, 0);
    for (size_t i = 0; i < got->n_trailers; i++) {
        if (got->trailers[i] == '\n') {
            *at++ = '\r';
        }
        *at++ = got->trailers[i];
    }
    memcpy(at, "\r\n", 2);
    at += 2;

    reread = read_body(head, (const uint8_t *)again, (size_t)(at - again), room);
    sp_assert(reread.n_taken == (size_t)(at - again));
    reread.n_taken = got->n_taken;
    check_same(got, &reread);
    free_outcome(&reread);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum sp_http_framing framings[] = {SP_HTTP_CHUNKED, SP_HTTP_CHUNKED,
                                                    SP_HTTP_LENGTH, SP_HTTP_UNTIL_CLOSE};
    struct sp_http_head head = {.content_length = 20};
    struct outcome whole, cut;
    size_t n_each;

    if (size == 0) {
        return 0;
    }
    head.framing = framings[data[0] % 4];
    n_each = data[0] / 4 + 1u;
    whole = read_body(&head, data + 1, size - 1, size);
    cut = read_body(&head, data + 1, size - 1, n_each);
    check_same(&whole, &cut);
    if (whole.result == SP_HTTP_BODY_END && head.framing == SP_HTTP_CHUNKED) {
        check_written(&head, &whole);
    }
    free_outcome(&whole);
    free_outcome(&cut);
    return 0;
}
