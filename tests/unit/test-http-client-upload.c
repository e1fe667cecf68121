/* SPDX-License-Identifier: MIT */
/* test-http-client-upload.c - bodies on their way to a server that may not want them. */

#include <sunpath/http.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

#define OK    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define LARGE ((size_t)32 * 1024 * 1024)

struct result {
    int n_done, code, status;
    struct sunpath_error error;
};

static struct sunpath_loop *loop;
static struct sunpath_http_client *client;
static int listener;

static void start(void) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s.sock"};

    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    options.max_connections = 1;
    ck_assert_int_eq(sunpath_http_client_new(&client, loop, "./s.sock", &options, NULL), 0);
}

static void stop(void) {
    client = sunpath_http_client_free(client);
    loop = sunpath_loop_close(loop);
    close(listener);
    unlink("s.sock");
}

static void turn(void) {
    ck_assert_int_ge(sunpath_loop_dispatch(loop, 1), 0);
}

static void turn_at_once(void) {
    ck_assert_int_ge(sunpath_loop_dispatch(loop, 0), 0);
}

static int peer_accept(void) {
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) {
        ck_assert_int_eq(errno, EAGAIN);
        turn();
    }
    return fd;
}

/* Reads until `n` bytes have come, or the end (with a smaller count). */
static size_t peer_read(int fd, char *data, size_t n) {
    size_t n_read = 0;

    while (n_read < n) {
        ssize_t got = recv(fd, data + n_read, n - n_read, 0);

        if (got < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            turn();
        } else if (got == 0) {
            break;
        } else {
            n_read += (size_t)got;
        }
    }
    return n_read;
}

/* One byte at a time, so that nothing behind the head is taken. */
static const char *peer_head(int fd) {
    static char head[4096];
    size_t n = 0;

    do {
        ck_assert_uint_lt(n + 1, sizeof(head));
        ck_assert_uint_eq(peer_read(fd, head + n, 1), 1);
        head[++n] = '\0';
    } while (n < 4 || strcmp(head + n - 4, "\r\n\r\n") != 0);
    return head;
}

static void peer_write(int fd, const char *text) {
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void on_done(const struct sunpath_http_response *response, int code,
                    const struct sunpath_error *error, void *user) {
    struct result *result = user;

    result->n_done++;
    result->code = code;
    result->error = *error;
    result->status = response ? sunpath_http_response_status(response) : 0;
}

static void ask(struct result *result, const struct sunpath_http_request_options *options) {
    ck_assert_int_eq(sunpath_http_client_send(client, "PUT", "/x", options, on_done, result), 0);
}

static void expect(struct result *result, int status) {
    while (result->n_done == 0) {
        turn();
    }
    ck_assert_msg(result->code == 0, "%s", result->error.text);
    ck_assert_int_eq(result->n_done, 1);
    ck_assert_int_eq(result->status, status);
}

static void expect_error(struct result *result, int code, const char *text) {
    while (result->n_done == 0) {
        turn();
    }
    ck_assert_int_eq(result->n_done, 1);
    ck_assert_int_eq(result->code, code);
    ck_assert_msg(strstr(result->error.text, text), "'%s' is not in '%s'", text,
                  result->error.text);
}

/* A source of `size` bytes that counts up; it has nothing every other time, when asked to. */
struct source {
    size_t size, given;
    int n_calls, error;
    bool stutters;
};

static char byte_at(size_t i) {
    return (char)(i * 7 + i / 256);
}

static ssize_t read_source(void *user, void *buffer, size_t n_buffer) {
    struct source *source = user;
    size_t n = source->size - source->given;

    source->n_calls++;
    if (source->stutters && source->n_calls % 2 == 1) {
        return -EAGAIN;
    }
    if (n == 0 && source->error) {
        return source->error;
    }
    n = n < n_buffer ? n : n_buffer;
    for (size_t i = 0; i < n; i++) {
        ((char *)buffer)[i] = byte_at(source->given++);
    }
    return (ssize_t)n;
}

static struct sunpath_http_request_options from(struct source *source) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);

    options.read_body = read_source;
    options.user = source;
    return options;
}

static void check_bytes(const char *data, size_t size) {
    size_t n_right = 0;

    while (n_right < size && data[n_right] == byte_at(n_right)) {
        n_right++;
    }
    ck_assert_uint_eq(n_right, size);
}

/* Reads a chunked body into `data`; returns its size. */
static size_t peer_read_chunks(int fd, char *data) {
    size_t n = 0;

    for (;;) {
        char line[24], end[2];
        size_t n_line = 0, size;

        do {
            ck_assert_uint_lt(n_line, sizeof(line) - 1);
            ck_assert_uint_eq(peer_read(fd, line + n_line, 1), 1);
        } while (line[n_line++] != '\n');
        line[n_line] = '\0';
        size = strtoul(line, NULL, 16);
        ck_assert_uint_eq(peer_read(fd, data + n, size), size);
        ck_assert_uint_eq(peer_read(fd, end, 2), 2);
        ck_assert_int_eq(memcmp(end, "\r\n", 2), 0);
        if (size == 0) {
            return n;
        }
        n += size;
    }
}

/* ---- sources --------------------------------------------------------------------------------- */

START_TEST(a_source_of_unknown_length_is_sent_in_chunks) {
    struct source source = {.size = 300000, .stutters = true};
    struct sunpath_http_request_options options = from(&source);
    struct result result = {0};
    char *data = malloc(source.size);
    int fd;

    start();
    ask(&result, &options);
    fd = peer_accept();
    ck_assert_ptr_nonnull(strstr(peer_head(fd), "\r\nTransfer-Encoding: chunked\r\n"));
    ck_assert_uint_eq(peer_read_chunks(fd, data), source.size);
    check_bytes(data, source.size);
    peer_write(fd, OK);
    expect(&result, 200);
    close(fd);
    stop();
    free(data);
}
END_TEST

START_TEST(a_source_of_known_length_is_sent_plain_and_at_the_readers_pace) {
    struct source source = {.size = LARGE};
    struct sunpath_http_request_options options = from(&source);
    struct result result = {0};
    char *data = malloc(LARGE);
    char length[64];
    int fd;

    start();
    options.body_length = (int64_t)LARGE;
    ask(&result, &options);
    fd = peer_accept();
    snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", LARGE);
    ck_assert_ptr_nonnull(strstr(peer_head(fd), length));
    for (size_t i = 0; i < 20; i++) {
        turn();
    }
    ck_assert_uint_lt(source.given, LARGE / 8); /* nobody reads: it waits */
    ck_assert_uint_eq(peer_read(fd, data, LARGE), LARGE);
    check_bytes(data, LARGE);
    peer_write(fd, OK);
    expect(&result, 200);
    close(fd);
    stop();
    free(data);
}
END_TEST

START_TEST(an_empty_source_is_an_empty_body) {
    struct source source = {0};
    struct sunpath_http_request_options options = from(&source);
    struct result result = {0};
    char end[5];
    int fd;

    start();
    ask(&result, &options);
    fd = peer_accept();
    peer_head(fd);
    ck_assert_uint_eq(peer_read(fd, end, 5), 5);
    ck_assert_int_eq(memcmp(end, "0\r\n\r\n", 5), 0);
    peer_write(fd, OK);
    expect(&result, 200);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_source_that_fails_or_ends_early_ends_the_request) {
    struct source failing = {.size = 10, .error = -EIO}, short_one = {.size = 10};
    struct sunpath_http_request_options options = from(&failing);
    struct result results[2] = {0};

    start();
    ask(&results[0], &options);
    options = from(&short_one);
    options.body_length = 20;
    ask(&results[1], &options);
    expect_error(&results[0], -EIO, "reading the body to send");
    expect_error(&results[1], -ENODATA, "ended after 10 of 20 bytes");
    stop();
}
END_TEST

START_TEST(a_body_from_memory_can_be_large_and_chunked) {
    const char *const headers[] = {"Transfer-Encoding", "chunked", NULL};
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result results[2] = {0};
    char *body = malloc(LARGE), *data = malloc(LARGE);
    int fd;

    for (size_t i = 0; i < LARGE; i++) {
        body[i] = byte_at(i);
    }
    start();
    options.body = body;
    options.n_body = LARGE;
    ask(&results[0], &options);
    options.headers = headers;
    ask(&results[1], &options);
    fd = peer_accept();
    peer_head(fd);
    ck_assert_uint_eq(peer_read(fd, data, LARGE), LARGE);
    check_bytes(data, LARGE);
    peer_write(fd, OK);
    expect(&results[0], 200);
    ck_assert_ptr_null(strstr(peer_head(fd), "Content-Length"));
    ck_assert_uint_eq(peer_read_chunks(fd, data), LARGE);
    check_bytes(data, LARGE);
    peer_write(fd, OK);
    expect(&results[1], 200);
    close(fd);
    stop();
    free(body);
    free(data);
}
END_TEST

/* ---- answers that come before the body is sent ----------------------------------------------- */

static void answer_early(struct result *result, const char *answer, bool reads_on) {
    struct source source = {.size = LARGE};
    struct sunpath_http_request_options options = from(&source);
    int fd;

    start();
    options.body_length = (int64_t)LARGE;
    ask(result, &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, answer);
    if (!reads_on) {
        close(fd);
    }
    while (result->n_done == 0) {
        turn();
    }
    ck_assert_uint_lt(source.given, LARGE);
    if (reads_on) {
        close(fd);
    }
    stop();
}

START_TEST(an_early_answer_is_delivered) {
    struct result closed = {0}, open = {0}, until_close = {0}, accepted = {0};

    answer_early(&closed, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", false);
    expect(&closed, 413);
    answer_early(&open, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", true);
    expect(&open, 413);
    answer_early(&until_close, "HTTP/1.0 403 Forbidden\r\n\r\ngo away", false);
    expect(&until_close, 403);
    answer_early(&accepted, OK, true);
    expect(&accepted, 200);
}
END_TEST

START_TEST(an_error_stops_the_sending_even_before_its_body) {
    struct source source = {.size = LARGE};
    struct sunpath_http_request_options options = from(&source);
    struct result result = {0};
    char *data = malloc(LARGE);
    size_t n = 0;
    int fd;

    start();
    ask(&result, &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n");
    for (size_t i = 0; i < 1000; i++) { /* all the client has sent, and what it might send still */
        ssize_t got = recv(fd, data, LARGE, 0);

        n += got > 0 ? (size_t)got : 0;
        turn_at_once();
    }
    ck_assert_uint_lt(n, LARGE / 8);
    ck_assert_uint_lt(source.given, LARGE / 8);
    peer_write(fd, "no");
    expect(&result, 413);
    close(fd);
    stop();
    free(data);
}
END_TEST

START_TEST(a_connection_with_an_unread_body_in_it_is_not_used_again) {
    struct source source = {.size = 300000};
    struct sunpath_http_request_options options = from(&source);
    struct result results[2] = {0};
    int fds[2];

    start();
    options.body_length = 300000;
    ask(&results[0], &options);
    ask(&results[1], NULL);
    fds[0] = peer_accept();
    peer_head(fds[0]);
    ck_assert_uint_eq(source.given, source.size); /* it lies in the client's queue */
    peer_write(fds[0], OK);
    expect(&results[0], 200);
    fds[1] = peer_accept();
    peer_head(fds[1]);
    peer_write(fds[1], OK);
    expect(&results[1], 200);
    close(fds[0]);
    close(fds[1]);
    stop();
}
END_TEST

START_TEST(a_server_that_just_leaves_is_an_error) {
    struct result result = {0};

    answer_early(&result, "", false);
    expect_error(&result, -ECONNRESET, "while the request was being sent");
}
END_TEST

/* ---- Expect: 100-continue -------------------------------------------------------------------- */

static const char *const expecting[] = {"Expect", "100-continue", NULL};

static int ask_first(struct result *result, struct source *source) {
    struct sunpath_http_request_options options = from(source);
    int fd;

    start();
    options.headers = expecting;
    options.body_length = (int64_t)source->size;
    ask(result, &options);
    fd = peer_accept();
    ck_assert_ptr_nonnull(strstr(peer_head(fd), "\r\nExpect: 100-continue\r\n"));
    for (size_t i = 0; i < 10; i++) {
        turn();
    }
    ck_assert_int_eq(source->n_calls, 0);
    return fd;
}

START_TEST(the_body_waits_for_the_continue) {
    struct source source = {.size = 10};
    struct result result = {0};
    char data[10];
    int fd;

    fd = ask_first(&result, &source);
    peer_write(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    ck_assert_uint_eq(peer_read(fd, data, 10), 10);
    check_bytes(data, 10);
    peer_write(fd, OK);
    expect(&result, 200);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_server_that_does_not_know_continue_gets_the_body_in_the_end) {
    struct source source = {.size = 10};
    struct result result = {0};
    char data[10];
    int fd;

    fd = ask_first(&result, &source);
    ck_assert_uint_eq(peer_read(fd, data, 10), 10);
    peer_write(fd, OK);
    expect(&result, 200);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_refused_body_is_never_sent) {
    struct source source = {.size = 10};
    struct result result = {0};
    char byte;
    int fd;

    fd = ask_first(&result, &source);
    peer_write(fd, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    expect(&result, 417);
    ck_assert_int_eq(source.n_calls, 0);
    ck_assert_uint_eq(peer_read(fd, &byte, 1), 0);
    close(fd);
    stop();
}
END_TEST

static ssize_t never(void *user, void *buffer, size_t n_buffer) {
    (void)user;
    (void)buffer;
    (void)n_buffer;
    return -EAGAIN;
}

START_TEST(a_deadline_passes_while_the_body_is_sent) {
    struct source source = {.size = LARGE};
    struct sunpath_http_request_options options = from(&source);
    struct result results[2] = {0};
    int fd;

    start();
    options.timeout_ms = 30;
    ask(&results[0], &options);
    fd = peer_accept();
    expect_error(&results[0], -ETIMEDOUT, "while the request was being sent");
    options.read_body = never;
    ask(&results[1], &options);
    expect_error(&results[1], -ETIMEDOUT, "(0 bytes of its body so far)");
    close(fd);
    stop();
}
END_TEST

static ssize_t free_client(void *user, void *buffer, size_t n_buffer) {
    (void)user;
    (void)n_buffer;
    client = sunpath_http_client_free(client);
    ((char *)buffer)[0] = 'x';
    return 1;
}

START_TEST(a_source_can_free_the_client) {
    struct sunpath_http_request_options options = from(NULL);
    struct result result = {0};

    start();
    options.read_body = free_client;
    ask(&result, &options);
    expect_error(&result, -ECANCELED, "freed");
    stop();
}
END_TEST

SP_TESTS("http-client-upload", a_source_of_unknown_length_is_sent_in_chunks,
         a_source_of_known_length_is_sent_plain_and_at_the_readers_pace,
         an_empty_source_is_an_empty_body, a_source_that_fails_or_ends_early_ends_the_request,
         a_body_from_memory_can_be_large_and_chunked, an_early_answer_is_delivered,
         an_error_stops_the_sending_even_before_its_body,
         a_connection_with_an_unread_body_in_it_is_not_used_again,
         a_server_that_just_leaves_is_an_error, the_body_waits_for_the_continue,
         a_server_that_does_not_know_continue_gets_the_body_in_the_end,
         a_refused_body_is_never_sent, a_deadline_passes_while_the_body_is_sent,
         a_source_can_free_the_client)
