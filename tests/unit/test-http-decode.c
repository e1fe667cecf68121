/* SPDX-License-Identifier: MIT */
/* test-http-decode.c - bodies of requests that are decoded on their way in. */

#include "http-serving.h"

static char plain[300001];
static char coded[400000];

/* `size` bytes of text as a gzip in `coded`; returns its length. */
static size_t encode(size_t size, bool is_monotonous) {
    struct sp_coder_io io = {.in = plain, .n_in = size, .out = coded, .n_out = sizeof(coded)};
    struct sp_encoder *encoder;

    srandom(1);
    for (size_t i = 0; i < sizeof(plain) - 1; i++) {
        plain[i] = is_monotonous ? 'a' : (char)('a' + random() % 26);
    }
    ck_assert_int_eq(sp_encoder_new(&encoder, sp_coding_find("gzip", 4), 0), 0);
    ck_assert_int_eq(sp_encoder_step(encoder, &io, SP_CODER_FINISH), 0);
    sp_encoder_free(encoder);
    return sizeof(coded) - io.n_out;
}

static void begin(int fd, const char *coding, size_t size) {
    char head[256];

    snprintf(head, sizeof(head),
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
             coding, size);
    say(fd, head);
}

static void check_body(struct sunpath_http_exchange *exchange, void *user) {
    size_t size;
    const char *body = sunpath_http_body(exchange, &size);

    (void)user;
    ck_assert_uint_eq(size, 300000);
    ck_assert_str_eq(body, plain);
    ck_assert_int_eq(sunpath_http_decode_body(exchange), -EALREADY);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "ok", 2), 0);
}

static void decode_it(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_decode_body(exchange), 0);
}

START_TEST(collected_bodies_are_decoded) {
    size_t size = encode(300000, false);
    int fd;

    serving.handler.on_head = decode_it;
    serving.handler.on_request = check_body;
    serving_open(NULL);
    fd = client();
    begin(fd, "gzip", size);
    say_bytes(fd, coded, size);
    hear(fd, "\r\n\r\nok");
    begin(fd, "X-GZIP", size);
    for (size_t i = 0; i < size; i += 1000) {
        say_bytes(fd, coded + i, i + 1000 < size ? 1000 : size - i);
        settle();
    }
    hear(fd, "\r\n\r\nok");
    begin(fd, "identity", 300000);
    say_bytes(fd, plain, 300000);
    hear(fd, "\r\n\r\nok");
    close(fd);
    serving_close();
}
END_TEST

static size_t n_streamed;

static void stream_some(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                        void *user) {
    (void)user;
    ck_assert_uint_le(n_streamed + size, 300000);
    ck_assert_int_eq(memcmp(data, plain + n_streamed, size), 0);
    n_streamed += size;
    sunpath_http_pause(exchange);
    serving.held = exchange;
}

static void end_of_stream(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_uint_eq(n_streamed, 300000);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "ok", 2), 0);
}

/* A small piece that decodes to a large one does not come all at once to who asked for a pause. */
START_TEST(a_pause_holds_back_what_is_decoded) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    size_t size = encode(300000, true), n_pauses = 0;
    int fd;

    options.decodes_bodies = true;
    serving.handler.on_body = stream_some;
    serving.handler.on_request = end_of_stream;
    serving_open(&options);
    fd = client();
    begin(fd, "gzip", size);
    say_bytes(fd, coded, size);
    settle();
    ck_assert_uint_le(n_streamed, 16384);
    while (serving.held) {
        struct sunpath_http_exchange *held = serving.held;

        serving.held = NULL;
        n_pauses++;
        sunpath_http_resume(held);
        settle();
    }
    ck_assert_uint_ge(n_pauses, 300000 / 16384);
    hear(fd, "\r\n\r\nok");
    close(fd);
    serving_close();
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------- */

static const char *refused(const char *coding, size_t size, size_t n_sent) {
    const char *heard;
    int fd = client();

    begin(fd, coding, size);
    say_bytes(fd, coded, n_sent);
    if (n_sent < size) {
        shutdown(fd, SHUT_WR);
    }
    heard = hear(fd, NULL);
    close(fd);
    return heard;
}

START_TEST(what_cannot_be_decoded_is_refused) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    size_t size = encode(100000, false);
    const char *heard;

    options.decodes_bodies = true;
    options.max_body = 200000;
    serving.handler.on_finish = count_finish;
    serving_open(&options);
    heard = refused("zip", size, size);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 415 "));
    ck_assert_ptr_nonnull(strstr(heard, "\r\nAccept-Encoding: gzip, deflate\r\n"));
    heard = refused("gzip, gzip", size, size);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 415 "));
    heard = refused("deflate", size, size);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 400 "));
    coded[size / 2] ^= 1;
    heard = refused("gzip", size, size);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 400 "));
    coded[size / 2] ^= 1;
    heard = refused("gzip", size - 9, size - 9);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 400 "));
    size = encode(200001, false);
    heard = refused("gzip", size, size);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 413 "));
    size = encode(300000, true); /* 300 bytes */
    heard = refused("gzip", size, size);
    ck_assert_ptr_nonnull(strstr(heard, "HTTP/1.1 413 "));
    settle();
    ck_assert_int_eq(serving.n_requests, 0);
    serving_close();
}
END_TEST

SP_TESTS("http-decode", collected_bodies_are_decoded, a_pause_holds_back_what_is_decoded,
         what_cannot_be_decoded_is_refused)
