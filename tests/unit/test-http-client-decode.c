/* SPDX-License-Identifier: MIT */
/* test-http-client-decode.c - bodies that come compressed. */

#include "http-peer.h"
#include "wire/content-coding.h"

/* `size` bytes of `data` as that coding writes them. */
static size_t encode(char *out, size_t n_out, const char *coding, const void *data, size_t size) {
    struct sp_coder_io io = {.in = data, .n_in = size, .out = out, .n_out = n_out};
    struct sp_encoder *encoder;

    ck_assert_int_eq(sp_encoder_new(&encoder, sp_coding_find(coding, strlen(coding)), 0), 0);
    ck_assert_int_eq(sp_encoder_step(encoder, &io, SP_CODER_FINISH), 0);
    sp_encoder_free(encoder);
    return n_out - io.n_out;
}

static void peer_write_bytes(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

        if (n < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            turn();
            continue;
        }
        data += n;
        size -= (size_t)n;
    }
}

static struct sunpath_http_request_options decoding(void) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);

    options.decode = true;
    return options;
}

static int ask_for(struct result *result, const struct sunpath_http_request_options *options,
                   const char *coding, const char *fields) {
    char head[256];
    int fd;

    ask_with(result, "GET", options);
    fd = peer_accept();
    ck_assert_ptr_nonnull(strstr(peer_head(fd), "\r\nAccept-Encoding: gzip, deflate\r\n"));
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n%s\r\n", coding,
             fields);
    peer_write(fd, head);
    return fd;
}

START_TEST(every_coding_in_every_framing) {
    static const char *const codings[] = {"gzip", "deflate", "x-gzip", "GZIP"};
    struct sunpath_http_request_options options = decoding();
    char data[256], fields[64], chunk[16];

    for (size_t i = 0; i < 4; i++) {
        size_t n = encode(data, sizeof(data), codings[i], "ok", 2);

        for (int framing = 0; framing < 3; framing++) {
            struct result result = {0};
            int fd;

            start();
            snprintf(fields, sizeof(fields), "Content-Length: %zu\r\n", n);
            fd = ask_for(&result, &options, codings[i],
                         framing == 0   ? fields
                         : framing == 1 ? "Transfer-Encoding: chunked\r\n"
                                        : "");
            for (size_t j = 0; j < n; j++) {
                snprintf(chunk, sizeof(chunk), "1\r\n%c\r\n", data[j]);
                peer_write_bytes(fd, framing == 1 ? chunk : data + j, framing == 1 ? 6 : 1);
                turn();
            }
            if (framing == 1) {
                peer_write(fd, "0\r\n\r\n");
            } else if (framing == 2) {
                close(fd);
            }
            expect_ok(&result);
            if (framing != 2) {
                close(fd);
            }
            stop();
        }
    }
}
END_TEST

START_TEST(what_cannot_be_decoded) {
    struct sunpath_http_request_options options = decoding();
    struct result unknown = {0}, listed = {0}, damaged = {0}, cut = {0}, twice = {0};
    char data[256];
    int fd;

    encode(data, sizeof(data), "gzip", "ok", 2);
    start();
    fd = ask_for(&unknown, &options, "br", "Content-Length: 2\r\n");
    expect_error(&unknown, -EBADMSG, "in the coding 'br', which cannot be decoded here");
    close(fd);
    fd = ask_for(&twice, &options, "gzip, gzip", "Content-Length: 2\r\n");
    expect_error(&twice, -EBADMSG, "in the coding 'gzip, gzip'");
    close(fd);
    fd = ask_for(&listed, &options, "gzip", "Content-Encoding: gzip\r\nContent-Length: 2\r\n");
    expect_error(&listed, -EBADMSG, "in the coding 'more than one'");
    close(fd);
    fd = ask_for(&damaged, &options, "gzip", "Content-Length: 9\r\n");
    peer_write(fd, "no gzip..");
    expect_error(&damaged, -EBADMSG, "cannot be decoded, after 9 bytes: ");
    close(fd);
    fd = ask_for(&cut, &options, "gzip", "Content-Length: 12\r\n");
    peer_write_bytes(fd, data, 12);
    expect_error(&cut, -EBADMSG, "cannot be decoded, after 12 bytes: ");
    close(fd);
    stop();
}
END_TEST

START_TEST(what_is_left_alone) {
    struct sunpath_http_request_options options = decoding();
    struct result part = {0}, head = {0}, identity = {0}, empty = {0};
    int fd;

    start();
    ask_with(&part, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 206 x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxy");
    finish(&part);
    ck_assert_str_eq(part.body, "xy");
    ask_with(&head, "HEAD", &options);
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n");
    finish(&head);
    ck_assert_int_eq(head.code, 0);
    ask_with(&identity, "GET", &options);
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 200 x\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nok");
    expect_ok(&identity);
    ask_with(&empty, "GET", &options);
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n");
    finish(&empty);
    ck_assert_int_eq(empty.code, 0);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_bomb_is_defused) {
    struct sunpath_http_request_options options = decoding();
    const size_t n_zeros = (size_t)32 * 1024 * 1024;
    char *zeros = calloc(1, n_zeros), *data = malloc(n_zeros), fields[64];
    struct result ratio = {0}, size = {0};
    size_t n;
    int fd;

    n = encode(data, n_zeros, "gzip", zeros, n_zeros);
    snprintf(fields, sizeof(fields), "Content-Length: %zu\r\n", n);
    start();
    fd = ask_for(&ratio, &options, "gzip", fields);
    peer_write_bytes(fd, data, 16384);
    expect_error(&ratio, -EMSGSIZE, "cannot be decoded, after ");
    close(fd);
    options.max_body = 100000;
    fd = ask_for(&size, &options, "gzip", fields);
    peer_write_bytes(fd, data, 4096);
    expect_error(&size, -EMSGSIZE, "larger than the limit");
    close(fd);
    stop();
    free(zeros);
    free(data);
}
END_TEST

struct reader {
    struct sunpath_http_request *request;
    size_t n_body;
    int n_calls;
    bool is_right;
};

/* A text that compresses about ten times. */
static char byte_at(size_t i) {
    return (char)('a' + (i / 7 + i / 1000) % 26);
}

static int read_and_pause(const struct sunpath_http_response *response, const void *data,
                          size_t size, void *user) {
    struct reader *reader = user;

    ck_assert(sunpath_http_response_is_decoded(response));
    for (size_t i = 0; i < size; i++) {
        reader->is_right &= ((const char *)data)[i] == byte_at(reader->n_body + i);
    }
    reader->n_body += size;
    reader->n_calls++;
    return SUNPATH_HTTP_PAUSE;
}

/* Every piece is waited for; `framing` as above. */
static void check_pausing(const char *fields, bool closes, size_t size) {
    struct sunpath_http_request_options options = decoding();
    struct reader reader = {.is_right = true};
    char *text = malloc(size), *data = malloc(size + 1024);
    struct result result = {0};
    char all_fields[128];
    size_t n;
    int fd;

    for (size_t i = 0; i < size; i++) {
        text[i] = byte_at(i);
    }
    n = encode(data, size + 1024, "gzip", text, size);
    snprintf(all_fields, sizeof(all_fields), fields, n);
    options.on_body = read_and_pause;
    options.user = &reader;
    options.ret_request = &reader.request;
    start();
    fd = ask_for(&result, &options, "gzip", all_fields);
    peer_write_bytes(fd, data, n); /* less than the socket takes */
    if (closes) {
        close(fd);
    }
    while (result.n_done == 0) {
        int n_calls = reader.n_calls;

        turn();
        ck_assert_int_le(reader.n_calls, n_calls + 1);
        if (result.n_done == 0) {
            sunpath_http_request_resume(reader.request);
        }
    }
    ck_assert_msg(result.code == 0, "%s", result.error.text);
    ck_assert(reader.is_right);
    ck_assert_uint_eq(reader.n_body, size);
    ck_assert_int_ge(reader.n_calls, (int)(size / 16384));
    if (!closes) {
        close(fd);
    }
    stop();
    free(text);
    free(data);
}

START_TEST(the_reader_sets_the_pace) {
    check_pausing("Content-Length: %zu\r\n", false, 1000000);
    check_pausing("", true, 1000000);
    check_pausing("Content-Length: %zu\r\n", false, 5);
    check_pausing("", true, 5);
}
END_TEST

/* The server answers without reading all that is sent, and goes while its answer is being read. */
START_TEST(a_connection_that_broke_meanwhile_is_not_used_again) {
    struct sunpath_http_request_options options = decoding();
    struct reader reader = {.is_right = true};
    struct result results[2] = {0};
    const size_t size = 100000, n_upload = 400000; /* all of it is in the queue, or the socket */
    char text[100000], data[50000], head[128];
    char *upload = calloc(1, n_upload);
    size_t n;
    int fd;

    for (size_t i = 0; i < size; i++) {
        text[i] = byte_at(i);
    }
    n = encode(data, sizeof(data), "gzip", text, size);
    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", n);
    options.body = upload;
    options.n_body = n_upload;
    options.on_body = read_and_pause;
    options.user = &reader;
    options.ret_request = &reader.request;
    start();
    ask_with(&results[0], "POST", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, head);
    peer_write_bytes(fd, data, n);
    while (reader.n_calls == 0) {
        turn();
    }
    close(fd);
    while (results[0].n_done == 0) {
        turn();
        if (results[0].n_done == 0) {
            sunpath_http_request_resume(reader.request);
        }
    }
    ck_assert_msg(results[0].code == 0, "%s", results[0].error.text);
    ck_assert_uint_eq(reader.n_body, size);
    ask(&results[1], "POST");
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&results[1]);
    close(fd);
    stop();
    free(upload);
}
END_TEST

START_TEST(a_header_of_the_callers_own) {
    const char *const headers[] = {"Accept-Encoding", "deflate", NULL};
    struct sunpath_http_request_options options = decoding();
    struct result result = {0};
    const char *head;
    int fd;

    start();
    options.headers = headers;
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    head = peer_head(fd);
    ck_assert_ptr_nonnull(strstr(head, "Accept-Encoding: deflate\r\n"));
    ck_assert_ptr_null(strstr(head, "gzip"));
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

SP_TESTS("http-client-decode", every_coding_in_every_framing, what_cannot_be_decoded,
         what_is_left_alone, a_bomb_is_defused, the_reader_sets_the_pace,
         a_connection_that_broke_meanwhile_is_not_used_again, a_header_of_the_callers_own)
