/* SPDX-License-Identifier: MIT */
/* test-http-encode.c - responses that are compressed on their way out. */

#include "http-serving.h"

#define GZIP "Accept-Encoding: gzip\r\n"

static char text[200001];

static void fill_text(void) {
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        text[i] = "hello, world of sockets\n"[i * i % 24];
    }
}

/* What a gzip in one piece decodes to. */
static const char *decoded(const char *data, size_t size) {
    static char out[sizeof(text) + 1];
    struct sp_coder_io io = {.in = data, .n_in = size, .out = out, .n_out = sizeof(out) - 1};
    struct sp_decoder *decoder;

    ck_assert_int_eq(sp_decoder_new(&decoder, sp_coding_find("gzip", 4), NULL), 0);
    ck_assert_int_eq(sp_decoder_step(decoder, &io, SP_CODER_FINISH), 0);
    *io.out = '\0';
    sp_decoder_free(decoder);
    return out;
}

/* The body of a response, its chunks joined. */
static const char *body_of(const char *heard, size_t size, size_t *ret_size) {
    static char joined[sizeof(text) * 2];
    const char *at = strstr(heard, "\r\n\r\n") + 4;
    size_t n = 0;

    if (!strstr(heard, "Transfer-Encoding: chunked")) {
        *ret_size = size - (size_t)(at - heard);
        return at;
    }
    for (;;) {
        char *data;
        size_t n_chunk = strtoul(at, &data, 16);

        if (n_chunk == 0) {
            break;
        }
        memcpy(joined + n, data + 2, n_chunk);
        n += n_chunk;
        at = data + 2 + n_chunk + 2;
    }
    *ret_size = n;
    return joined;
}

/* Asks on a connection of its own, which is closed behind the answer. */
static const char *ask(const char *method, const char *headers, size_t *ret_size) {
    char request[512];
    int fd = client();
    const char *heard;

    snprintf(request, sizeof(request), "%s / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
             method, headers);
    say(fd, request);
    heard = hear_size(fd, NULL, ret_size);
    close(fd);
    return heard;
}

/* ---- whole responses ------------------------------------------------------------------------- */

static struct {
    const char *type;
    const char *name, *value; /* a header, or NULL */
    size_t size;
    int status;
} answer;

static void respond(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_compress(exchange, NULL), 0);
    if (answer.name) {
        ck_assert_int_eq(sunpath_http_add_header(exchange, answer.name, answer.value), 0);
    }
    ck_assert_int_eq(sunpath_http_respond(exchange, answer.status, answer.type, text, answer.size),
                     0);
    ck_assert_int_eq(sunpath_http_compress(exchange, NULL), -EALREADY);
}

static void respond_open(void) {
    fill_text();
    answer.type = "text/plain; charset=utf-8";
    answer.size = 20000;
    answer.status = 200;
    serving.handler.on_request = respond;
    serving_open(NULL);
}

START_TEST(what_the_client_takes_is_compressed) {
    size_t size, n_body;
    const char *heard, *body;

    respond_open();
    for (int i = 0; i < 3; i++) { /* the second time with an encoder that was used */
        heard = ask("GET", GZIP, &size);
        ck_assert_ptr_nonnull(strstr(heard, "\r\nContent-Encoding: gzip\r\n"));
        ck_assert_ptr_nonnull(strstr(heard, "\r\nVary: Accept-Encoding\r\n"));
        body = body_of(heard, size, &n_body);
        ck_assert_uint_lt(n_body, answer.size / 4);
        ck_assert_uint_eq(n_body, strtoul(strstr(heard, "Content-Length: ") + 16, NULL, 10));
        ck_assert_int_eq(strncmp(decoded(body, n_body), text, answer.size), 0);
    }
    ck_assert_uint_eq(serving.server->n_encoders, 1);
    heard = ask("GET", "Accept-Encoding: br\r\n", &size);
    ck_assert_ptr_null(strstr(heard, "Content-Encoding"));
    ck_assert_ptr_nonnull(strstr(heard, "\r\nVary: Accept-Encoding\r\n"));
    ck_assert_ptr_nonnull(strstr(heard, "Content-Length: 20000\r\n"));
    heard = ask("GET", "Accept-Encoding: gzip;q=0\r\n", &size);
    ck_assert_ptr_null(strstr(heard, "Content-Encoding"));
    heard = ask("GET", "Accept-Encoding: br\r\nAccept-Encoding: deflate;q=.1, gzip\r\n", &size);
    ck_assert_ptr_nonnull(strstr(heard, "Content-Encoding: gzip"));
    serving_close();
}
END_TEST

START_TEST(head_has_the_headers_of_get) {
    const char *heard;
    size_t size;
    char *length;

    respond_open();
    heard = ask("GET", GZIP, &size);
    length = strndup(strstr(heard, "Content-Length: "), 22);
    heard = ask("HEAD", GZIP, &size);
    ck_assert_ptr_nonnull(strstr(heard, "Content-Encoding: gzip"));
    ck_assert_ptr_nonnull(strstr(heard, length));
    ck_assert_str_eq(strstr(heard, "\r\n\r\n"), "\r\n\r\n");
    free(length);
    serving_close();
}
END_TEST

START_TEST(what_is_not_worth_it_is_left) {
    static const struct {
        const char *type, *name, *value;
        size_t size;
        int status;
        bool varies;
    } cases[] = {
        {"image/png", NULL, NULL, 20000, 200, false},
        {"text/plain", NULL, NULL, 1000, 200, false},
        {NULL, NULL, NULL, 20000, 200, false},
        {"text/event-stream", NULL, NULL, 20000, 200, false},
        {"text/html", "Content-Encoding", "br", 20000, 200, false},
        {"text/html", "Content-Range", "bytes 0-19999/30000", 20000, 206, false},
        {"text/html", "Cache-Control", "no-transform, max-age=3", 20000, 200, false},
        {NULL, NULL, NULL, 0, 304, true},
        {NULL, NULL, NULL, 0, 204, false},
    };

    respond_open();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *heard;
        size_t size;

        answer.type = cases[i].type;
        answer.name = cases[i].name;
        answer.value = cases[i].value;
        answer.size = cases[i].size;
        answer.status = cases[i].status;
        heard = ask("GET", GZIP, &size);
        ck_assert_msg(!strstr(heard, "Content-Encoding: gzip"), "%zu", i);
        ck_assert_msg((strstr(heard, "Vary: ") != NULL) == cases[i].varies, "%zu", i);
    }
    serving_close();
}
END_TEST

START_TEST(types_that_are_text_at_heart_are_compressed) {
    static const char *const types[] = {"application/json", "Application/LD+JSON; x=y",
                                        "image/svg+xml", "text/css", "application/wasm"};

    respond_open();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t size;

        answer.type = types[i];
        ck_assert_msg(strstr(ask("GET", GZIP, &size), "Content-Encoding: gzip"), "%s", types[i]);
    }
    serving_close();
}
END_TEST

START_TEST(a_strong_etag_becomes_a_weak_one) {
    const char *heard;
    size_t size, size_200;

    respond_open();
    answer.name = "ETag";
    answer.value = "\"abc\"";
    heard = ask("GET", GZIP, &size);
    ck_assert_ptr_nonnull(strstr(heard, "\r\nETag: W/\"abc\"\r\n"));
    heard = ask("GET", "", &size);
    ck_assert_ptr_nonnull(strstr(heard, "\r\nETag: \"abc\"\r\n"));
    answer.status = 304; /* names the one that the client has */
    size_200 = answer.size;
    answer.size = 0;
    heard = ask("GET", GZIP "If-None-Match: \"x\"\r\nIf-None-Match: W/\"abc\"\r\n", &size);
    ck_assert_ptr_nonnull(strstr(heard, "\r\nETag: W/\"abc\"\r\n"));
    heard = ask("GET", GZIP "If-None-Match: W/\"x\", \"abc\"\r\n", &size);
    ck_assert_ptr_nonnull(strstr(heard, "\r\nETag: \"abc\"\r\n"));
    heard = ask("GET", GZIP "If-None-Match: *\r\n", &size);
    ck_assert_ptr_nonnull(strstr(heard, "\r\nETag: \"abc\"\r\n"));
    answer.status = 200;
    answer.size = size_200;
    answer.value = "W/\"abc\"";
    heard = ask("GET", GZIP, &size);
    ck_assert_ptr_nonnull(strstr(heard, "\r\nETag: W/\"abc\"\r\n"));
    answer.name = "Vary";
    answer.value = "Origin, accept-encoding";
    heard = ask("GET", GZIP, &size);
    ck_assert_ptr_null(strstr(heard, "Vary: Accept-Encoding"));
    serving_close();
}
END_TEST

/* ---- responses in pieces --------------------------------------------------------------------- */

static int64_t announced;

static void write_pieces(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Content-Type", "text/html"), 0);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, announced), 0);
    for (size_t i = 0; i < 200000; i += 1000) {
        ck_assert_int_ge(sunpath_http_write(exchange, text + i, 1000), 0);
    }
    if (announced >= 0) {
        ck_assert_int_eq(sunpath_http_write(exchange, "x", 1), -EMSGSIZE);
    }
    ck_assert_int_eq(sunpath_http_end(exchange), 0);
}

START_TEST(pieces_are_compressed) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    size_t size, n_body;
    const char *heard, *body;

    fill_text();
    options.compresses = true;
    serving.handler.on_request = write_pieces;
    serving_open(&options);
    for (int i = 0; i < 2; i++) {
        announced = i == 0 ? 200000 : -1;
        heard = ask("GET", GZIP, &size);
        ck_assert_ptr_nonnull(strstr(heard, "Content-Encoding: gzip"));
        ck_assert_ptr_nonnull(strstr(heard, "Transfer-Encoding: chunked"));
        ck_assert_ptr_null(strstr(heard, "Content-Length"));
        body = body_of(heard, size, &n_body);
        ck_assert_str_eq(decoded(body, n_body), text);
        heard = ask("GET", "", &size);
        ck_assert_ptr_null(strstr(heard, "Content-Encoding"));
        body = body_of(heard, size, &n_body);
        ck_assert_uint_eq(n_body, 200000);
        ck_assert_int_eq(memcmp(body, text, n_body), 0);
        heard = ask("HEAD", GZIP, &size);
        ck_assert_ptr_nonnull(strstr(heard, "Content-Encoding: gzip"));
        ck_assert_str_eq(strstr(heard, "\r\n\r\n"), "\r\n\r\n");
    }
    serving_close();
}
END_TEST

static void write_and_hold(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Content-Type", "text/plain"), 0);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, -1), 0);
    ck_assert_int_eq(sunpath_http_write(exchange, "first", 5), 0);
    hold(exchange, user);
}

START_TEST(each_piece_of_unknown_length_is_flushed) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sp_coder_io io = {0};
    struct sp_decoder *decoder;
    size_t size, n_chunk;
    char *heard, *data, out[64];
    int fd;

    options.compresses = true;
    serving.handler.on_request = write_and_hold;
    serving_open(&options);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n");
    heard = strstr(hear_size(fd, "\r\n\r\n", &size), "\r\n\r\n") + 4;
    n_chunk = strtoul(heard, &data, 16);
    io = (struct sp_coder_io){.in = data + 2, .n_in = n_chunk, .out = out, .n_out = sizeof(out)};
    ck_assert_int_eq(sp_decoder_new(&decoder, sp_coding_find("gzip", 4), NULL), 0);
    ck_assert_int_eq(sp_decoder_step(decoder, &io, SP_CODER_RUN), 0);
    ck_assert_uint_eq(io.n_out, sizeof(out) - 5);
    ck_assert_int_eq(memcmp(out, "first", 5), 0);
    sp_decoder_free(decoder);
    close(fd);
    settle(); /* the client left in the middle: its encoder serves the next */
    ck_assert_uint_eq(serving.server->n_encoders, 1);
    serving_close();
}
END_TEST

/* What the encoder has taken and nobody got cannot be made good: the client must not take the rest
 * for all. */
START_TEST(an_encoder_that_fails_cuts_the_response) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sp_coder_io io = {.in = ""};
    const char *heard;
    char out[64];
    int fd;

    options.compresses = true;
    serving.handler.on_request = write_and_hold;
    serving.handler.on_finish = count_finish;
    serving_open(&options);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n");
    settle();
    io.out = out;
    io.n_out = sizeof(out);
    ck_assert_int_eq(sp_encoder_step(serving.held->encoder, &io, SP_CODER_FINISH), 0);
    ck_assert_int_eq(sunpath_http_write(serving.held, "more", 4), -EINVAL);
    ck_assert(serving.held->is_cut);
    heard = hear(fd, NULL);
    ck_assert_ptr_null(strstr(heard, "\r\n0\r\n\r\n"));
    close(fd);
    settle();
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, -EINVAL);
    serving_close();
}
END_TEST

/* No room for "Content-Encoding" at first, and then none is needed. */
static void fill_and_free(struct sunpath_http_exchange *exchange, void *user) {
    char filling[851];

    (void)user;
    memset(filling, 'x', sizeof(filling) - 1);
    filling[sizeof(filling) - 1] = '\0';
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X-Filling", filling), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Vary", "Accept-Encoding, Origin, Accept"),
                     0);
    ck_assert_int_eq(sunpath_http_compress(exchange, NULL), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "text/plain", text, 20000), -ENOBUFS);
    ck_assert_int_eq(sunpath_http_set_header(exchange, "X-Filling", NULL), 0);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "text/plain", "small", 5), 0);
}

START_TEST(a_coding_without_its_header_is_none) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    const char *heard;
    size_t size;

    fill_text();
    options.max_output = 910;
    serving.handler.on_request = fill_and_free;
    serving_open(&options);
    heard = ask("GET", GZIP, &size);
    ck_assert_ptr_null(strstr(heard, "Content-Encoding"));
    ck_assert_str_eq(strstr(heard, "\r\n\r\n"), "\r\n\r\nsmall");
    serving_close();
}
END_TEST

static uint64_t n_file_left;

static void note_file_left(struct sunpath_http_exchange *exchange, int error, void *user) {
    (void)user;
    n_file_left = exchange->file_left;
    serving.n_finished++;
    serving.last_error = error;
}

static void send_large(struct sunpath_http_exchange *exchange, void *user) {
    int fd = open("large", O_RDONLY | O_CLOEXEC);

    (void)user;
    ck_assert_int_eq(sunpath_http_add_header(exchange, "Content-Type", "text/plain"), 0);
    ck_assert_int_eq(sunpath_http_start(exchange, 200, 8 << 20), 0);
    ck_assert_int_eq(sunpath_http_send_file(exchange, fd, 0, 8 << 20), 0);
}

/* Digits out of a generator, which hardly compress to less than half. */
static void make_large(void) {
    FILE *file = fopen("large", "we");
    uint32_t state = 1;

    for (size_t i = 0; i < 8 << 20; i++) {
        state = state * 1664525 + 1013904223;
        putc('0' + (int)(state >> 24) % 64, file);
    }
    fclose(file);
}

START_TEST(a_file_is_not_compressed_for_nobody) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    int fd;

    make_large();
    options.compresses = true;
    serving.handler.on_request = send_large;
    serving.handler.on_finish = note_file_left;
    serving_open(&options);
    fd = client();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n" GZIP "\r\n");
    close(fd);
    settle();
    ck_assert_int_eq(serving.n_finished, 1);
    ck_assert_int_eq(serving.last_error, -EPIPE);
    ck_assert_uint_gt(n_file_left, 4 << 20);
    serving_close();
}
END_TEST

START_TEST(options_are_checked) {
    struct sunpath_http_compress_options options =
        SUNPATH_OPTIONS(struct sunpath_http_compress_options);
    struct sunpath_http_exchange *exchange;
    int fd;

    serving.handler.on_request = hold;
    serving_open(NULL);
    fd = client();
    say(fd, GET("/"));
    settle();
    exchange = serving.held;
    options.level = 10;
    ck_assert_int_eq(sunpath_http_compress(exchange, &options), -EINVAL);
    options.level = 9;
    ck_assert_int_eq(sunpath_http_compress(exchange, &options), 0);
    answer_held("x");
    hear(fd, "\r\n\r\nx");
    close(fd);
    serving_close();
}
END_TEST

SP_TESTS("http-encode", what_the_client_takes_is_compressed, head_has_the_headers_of_get,
         what_is_not_worth_it_is_left, types_that_are_text_at_heart_are_compressed,
         a_strong_etag_becomes_a_weak_one, pieces_are_compressed,
         each_piece_of_unknown_length_is_flushed, an_encoder_that_fails_cuts_the_response,
         a_coding_without_its_header_is_none, a_file_is_not_compressed_for_nobody,
         options_are_checked)
