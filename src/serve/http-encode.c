/* SPDX-License-Identifier: MIT */
/* http-encode.c - responses that are compressed on their way out. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "flow/stream.h"
#include "serve/http-server.h"
#include "wire/content-coding.h"

#define MIN_SIZE 1024         /* below that the head of a gzip and the work are not worth it */
#define PIECE    16384        /* of encoded output, made at a time */
#define KEPT     (256 * 1024) /* of the room for it, from one piece to the next */

/* ---- encoders that wait for the next response ------------------------------------------------ */

static struct sp_encoder *take_encoder(struct sunpath_http_server *server,
                                       const struct sp_coding *coding, int level) {
    struct sp_encoder *encoder = NULL;

    for (size_t i = 0; i < server->n_encoders; i++) {
        struct sp_http_idle_encoder *idle = &server->encoders[i];

        if (sp_encoder_coding(idle->encoder) == coding && idle->level == level) {
            encoder = idle->encoder;
            *idle = server->encoders[--server->n_encoders];
            return encoder;
        }
    }
    return sp_encoder_new(&encoder, coding, level) < 0 ? NULL : encoder;
}

void sp_http_exchange_drop_encoder(struct sunpath_http_server *server,
                                   struct sunpath_http_exchange *exchange) {
    struct sp_encoder *encoder = sp_take_ptr(&exchange->encoder);

    if (!encoder || server->n_encoders == SP_HTTP_MAX_IDLE_ENCODERS) {
        sp_encoder_free(encoder);
        return;
    }
    sp_encoder_reset(encoder);
    server->encoders[server->n_encoders].encoder = encoder;
    server->encoders[server->n_encoders++].level = exchange->encoding_level;
}

void sp_http_encoders_deinit(struct sunpath_http_server *server) {
    while (server->n_encoders > 0) {
        sp_encoder_free(server->encoders[--server->n_encoders].encoder);
    }
    sp_buffer_deinit(&server->encoded);
}

/* ---- what is worth it ------------------------------------------------------------------------ */

int sunpath_http_compress(struct sunpath_http_exchange *exchange,
                          const struct sunpath_http_compress_options *given) {
    struct sunpath_http_compress_options options;

    if (sp_options_read(&options, sizeof(options), given) < 0 || options.level < 0 ||
        options.level > 9) {
        return -EINVAL;
    }
    if (exchange->is_started) {
        return -EALREADY;
    }
    if (!sp_codings[0].name) {
        return -EOPNOTSUPP;
    }
    exchange->may_encode = true;
    exchange->encoding_min = options.min_size ? options.min_size : MIN_SIZE;
    exchange->encoding_level = (uint8_t)options.level;
    exchange->encodes_events = options.events_too;
    return 0;
}

static bool begins(struct sp_slice type, const char *prefix) {
    size_t n = strlen(prefix);

    return type.size >= n && strncasecmp(type.data, prefix, n) == 0;
}

static bool ends(struct sp_slice type, const char *suffix) {
    size_t n = strlen(suffix);

    return type.size >= n && strncasecmp(type.data + type.size - n, suffix, n) == 0;
}

/* What is text at heart; images, sounds and archives are compressed already. */
static bool is_compressible(struct sp_slice type, bool events_too) {
    static const char *const others[] = {"application/json",
                                         "application/javascript",
                                         "application/xml",
                                         "application/x-ndjson",
                                         "application/wasm",
                                         "application/x-javascript",
                                         "application/vnd.ms-fontobject",
                                         "font/ttf",
                                         "font/otf",
                                         "image/bmp",
                                         "image/vnd.microsoft.icon",
                                         "image/x-icon"};
    const char *mark = type.data ? memchr(type.data, ';', type.size) : NULL;

    if (!type.data) {
        return false;
    }
    type.size = mark ? (size_t)(mark - type.data) : type.size;
    while (type.size > 0 && type.data[type.size - 1] == ' ') {
        type.size--;
    }
    if (begins(type, "text/event-stream")) {
        return events_too;
    }
    for (size_t i = 0; i < SP_ARRAY_SIZE(others); i++) {
        if (type.size == strlen(others[i]) && begins(type, others[i])) {
            return true;
        }
    }
    return begins(type, "text/") || ends(type, "+json") || ends(type, "+xml");
}

static bool field_has(const struct sunpath_http_exchange *exchange, const char *name,
                      const char *word) {
    size_t size, n_word = strlen(word);
    const char *value = sp_http_exchange_find_field(exchange, name, &size);

    for (size_t i = 0; value && i + n_word <= size; i++) {
        if (strncasecmp(value + i, word, n_word) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_worth_it(const struct sunpath_http_exchange *exchange, int status,
                        struct sp_slice type, int64_t size) {
    size_t n;

    if (status == 204 || status == 206 ||
        sp_http_exchange_find_field(exchange, "Content-Encoding", &n) ||
        sp_http_exchange_find_field(exchange, "Content-Range", &n) ||
        field_has(exchange, "Cache-Control", "no-transform")) {
        return false;
    }
    return status == 304 || (is_compressible(type, exchange->encodes_events) &&
                             (size < 0 || (uint64_t)size >= exchange->encoding_min));
}

/* ---- choosing -------------------------------------------------------------------------------- */

static int add_vary(struct sunpath_http_exchange *exchange) {
    if (field_has(exchange, "Vary", "Accept-Encoding") || field_has(exchange, "Vary", "*")) {
        return 0;
    }
    return sunpath_http_add_header(exchange, "Vary", "Accept-Encoding");
}

/* Other bytes than those a strong ETag names (RFC 9110 8.8.3.3): it becomes a weak one. */
static int weaken_etag(struct sunpath_http_exchange *exchange) {
    size_t size;
    const char *etag = sp_http_exchange_find_field(exchange, "ETag", &size);
    char *weak;

    if (!etag || size == 0 || *etag != '"') {
        return 0;
    }
    weak = sp_arena_alloc(&exchange->arena, size + 3);
    if (!weak) {
        return -ENOMEM;
    }
    memcpy(weak, "W/", 2);
    memcpy(weak + 2, etag, size);
    weak[size + 2] = '\0';
    return sunpath_http_set_header(exchange, "ETag", weak);
}

/*
 * 304 names what the client has (RFC 9110 15.4.5): the compressed one when that is how it asks. No
 * tag has a quote inside, so the weak form is found by its bytes.
 */
static int echo_etag(struct sunpath_http_exchange *exchange) {
    struct sp_slice asked = sp_http_exchange_join(exchange, "If-None-Match", NULL);
    size_t size;
    const char *etag = sp_http_exchange_find_field(exchange, "ETag", &size);
    const char *at = asked.data, *end = asked.data + asked.size;

    while (etag && at && (at = memmem(at, (size_t)(end - at), etag, size))) {
        if (at - asked.data >= 2 && memcmp(at - 2, "W/", 2) == 0) {
            return weaken_etag(exchange);
        }
        at++;
    }
    return 0;
}

int sp_http_exchange_choose_coding(struct sunpath_http_exchange *exchange, int status,
                                   const char *type, int64_t size) {
    struct sp_slice content_type = {type, type ? strlen(type) : 0};
    const struct sp_coding *coding;
    int r;

    if (!type) {
        content_type.data =
            sp_http_exchange_find_field(exchange, "Content-Type", &content_type.size);
    }
    if (!is_worth_it(exchange, status, content_type, size)) {
        return 0;
    }
    r = add_vary(exchange);
    if (r < 0 || status == 304) {
        return r < 0 ? r : echo_etag(exchange);
    }
    coding = sp_coding_negotiate(sp_http_exchange_join(exchange, "Accept-Encoding", NULL));
    if (!coding) {
        return 0;
    }
    exchange->encoder =
        take_encoder(exchange->connection->server, coding, exchange->encoding_level);
    if (!exchange->encoder) {
        return 0; /* out of memory: as it is, then */
    }
    r = sunpath_http_add_header(exchange, "Content-Encoding", coding->name);
    r = r < 0 ? r : weaken_etag(exchange);
    if (r < 0) {
        sp_http_exchange_forget_coding(exchange);
    }
    return r;
}

void sp_http_exchange_forget_coding(struct sunpath_http_exchange *exchange) {
    if (exchange->encoder) {
        sp_http_exchange_drop_encoder(exchange->connection->server, exchange);
        (void)sunpath_http_set_header(exchange, "Content-Encoding", NULL);
    }
}

/* ---- encoding -------------------------------------------------------------------------------- */

int sp_http_exchange_encode(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                            enum sp_coder_mode mode, struct sp_slice *ret) {
    struct sp_buffer *encoded = &exchange->connection->server->encoded;
    struct sp_coder_io io = {.in = data, .n_in = size};
    int r;

    if (encoded->capacity > KEPT) {
        sp_buffer_deinit(encoded); /* the last one was a large one */
    }
    encoded->begin = encoded->end = 0;
    do {
        r = sp_buffer_reserve(encoded, &io.out, PIECE, SIZE_MAX);
        if (r < 0) {
            return r;
        }
        io.n_out = PIECE;
        r = sp_encoder_step(exchange->encoder, &io, mode);
        sp_buffer_commit(encoded, PIECE - io.n_out);
    } while (r == 1);
    *ret = (struct sp_slice){encoded->data + encoded->begin, sp_buffer_size(encoded)};
    return r;
}

int sp_http_exchange_encode_whole(struct sunpath_http_exchange *exchange, int status,
                                  const char *type, const void **body, size_t *size) {
    struct sp_slice encoded;
    int r;

    r = sp_http_exchange_choose_coding(exchange, status, type, (int64_t)*size);
    if (r < 0 || !exchange->encoder) {
        return r;
    }
    r = sp_http_exchange_encode(exchange, *body, *size, SP_CODER_FINISH, &encoded);
    if (r < 0) {
        sp_http_exchange_forget_coding(exchange);
        return r;
    }
    *body = encoded.data;
    *size = encoded.size;
    return 0;
}
