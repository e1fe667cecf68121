/* SPDX-License-Identifier: MIT */
/* http-decode.c - bodies of requests that are decoded on their way in. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/http-server.h"
#include "wire/content-coding.h"

#define PIECE 16384 /* of decoded input, given to the handler at a time */

int sunpath_http_decode_body(struct sunpath_http_exchange *exchange) {
    if (exchange->is_asked || exchange->n_body > 0) {
        return -EALREADY;
    }
    exchange->may_decode = true;
    return 0;
}

/* The value of Content-Encoding; of several fields the last, which is as good as any to refuse. */
static const char *content_encoding(struct sunpath_http_exchange *exchange, size_t *ret_n) {
    const char *name, *value, *found = NULL;

    *ret_n = 0;
    for (size_t i = 0; sp_http_exchange_field_at(exchange, i, &name, &value); i++) {
        if (strcasecmp(name, "Content-Encoding") == 0 && *value) {
            found = value;
            ++*ret_n;
        }
    }
    return found;
}

static bool is_identity(const char *value, size_t n) {
    return !value || (n == 1 && strcasecmp(value, "identity") == 0);
}

bool sp_http_exchange_is_encoded(struct sunpath_http_exchange *exchange) {
    size_t n;
    const char *value = content_encoding(exchange, &n);

    return !exchange->decoder && !exchange->may_decode && !is_identity(value, n);
}

int sp_http_exchange_begin_decoding(struct sunpath_http_exchange *exchange) {
    uint64_t max = exchange->max_body;
    struct sp_decoder_limits limits = {.max_size = max == UINT64_MAX ? 0 : max};
    const struct sp_coding *coding;
    const char *value;
    size_t n;

    exchange->may_decode = false;
    value = content_encoding(exchange, &n);
    if (is_identity(value, n)) {
        return 0;
    }
    coding = n == 1 ? sp_coding_find(value, strlen(value)) : NULL;
    return coding ? sp_decoder_new(&exchange->decoder, coding, &limits) : -EOPNOTSUPP;
}

/* The names of what can be decoded: what a 415 tells (RFC 9110 15.5.16). */
void sp_http_exchange_offer_codings(struct sunpath_http_exchange *exchange) {
    char text[128] = "";
    size_t n = 0;

    for (const struct sp_coding *coding = sp_codings; coding->name; coding++) {
        n += (size_t)snprintf(text + n, n < sizeof(text) ? sizeof(text) - n : 0, "%s%s",
                              n > 0 ? ", " : "", coding->name);
    }
    (void)sunpath_http_set_header(exchange, "Accept-Encoding", n > 0 ? text : "identity");
}

/* What is left of a piece waits until the handler lets the request go on. */
static int keep_rest(struct sunpath_http_exchange *exchange, const struct sp_coder_io *io) {
    exchange->is_decoder_full = true;
    return sp_buffer_append(&exchange->undecoded, io->in, io->n_in, SIZE_MAX);
}

int sp_http_exchange_decode(struct sunpath_http_exchange *exchange, const char *data, size_t size,
                            bool is_end,
                            bool (*take)(struct sunpath_http_exchange *exchange, const char *data,
                                         size_t size)) {
    struct sp_coder_io io = {.in = data, .n_in = size};
    char piece[PIECE];
    int r;

    do {
        io.out = piece;
        io.n_out = sizeof(piece);
        r = sp_decoder_step(exchange->decoder, &io, is_end ? SP_CODER_FINISH : SP_CODER_RUN);
        if (r < 0) {
            return r;
        }
        if (io.n_out < sizeof(piece) && !take(exchange, piece, sizeof(piece) - io.n_out)) {
            return 0;
        }
        if (r == 1 && sp_http_exchange_is_paused(exchange) && !is_end) {
            return keep_rest(exchange, &io);
        }
    } while (r == 1);
    return 0;
}

int sp_http_exchange_decode_rest(struct sunpath_http_exchange *exchange,
                                 bool (*take)(struct sunpath_http_exchange *exchange,
                                              const char *data, size_t size)) {
    struct sp_buffer rest = exchange->undecoded;
    int r;

    exchange->undecoded = (struct sp_buffer){0};
    exchange->is_decoder_full = false;
    r = sp_http_exchange_decode(exchange, rest.data ? sp_buffer_bytes(&rest) : "",
                                sp_buffer_size(&rest), false, take);
    sp_buffer_deinit(&rest);
    return r;
}

void sp_http_exchange_drop_decoder(struct sunpath_http_exchange *exchange) {
    exchange->decoder = sp_decoder_free(exchange->decoder);
    sp_buffer_deinit(&exchange->undecoded);
}
