/* SPDX-License-Identifier: MIT */
/* http-peer.h - a client on a loop, and a peer in the same thread that does what it is told. */

#ifndef TESTS_HTTP_PEER_H
#define TESTS_HTTP_PEER_H

#include <sunpath/http.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* What came of a request. */
struct result {
    int n_done;
    int code;
    int status;
    char body[256];
    char trailer[64];
    struct sunpath_error error;
    void (*then)(struct result *result);
};

static struct sunpath_loop *loop;
static struct sunpath_http_client *client;
static int listener;

static inline void start_with(const struct sunpath_http_client_options *options, int backlog) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s.sock"};

    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, backlog), 0);
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_http_client_new(&client, loop, "./s.sock", options, NULL), 0);
}

static inline void start(void) {
    start_with(NULL, 16);
}

/* With one connection: what comes next waits. */
static inline void start_alone(const struct sunpath_connect_options *connect, int backlog) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);

    options.max_connections = 1;
    options.connect = connect;
    start_with(&options, backlog);
}

static inline void stop(void) {
    client = sunpath_http_client_free(client);
    loop = sunpath_loop_close(loop);
    close(listener);
    unlink("s.sock");
}

static inline void turn(void) {
    ck_assert_int_ge(sunpath_loop_dispatch(loop, 1), 0);
}

/* ---- the peer -------------------------------------------------------------------------------- */

static inline int peer_accept(void) {
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) {
        ck_assert_int_eq(errno, EAGAIN);
        turn();
    }
    return fd;
}

/* Reads until `end` has come; returns all of it. */
static inline const char *peer_read(int fd, const char *end) {
    static char text[8192];
    size_t n = 0;

    for (text[0] = '\0'; !strstr(text, end); text[n] = '\0') {
        ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);

        if (got < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            turn();
            continue;
        }
        ck_assert_msg(got > 0, "the client closed after '%s'", text);
        n += (size_t)got;
    }
    return text;
}

static inline const char *peer_head(int fd) {
    return peer_read(fd, "\r\n\r\n");
}

static inline void peer_write(int fd, const char *text) {
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static inline bool peer_is_closed(int fd) {
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);

    return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* ---- requests -------------------------------------------------------------------------------- */

static inline void on_done(const struct sunpath_http_response *response, int code,
                           const struct sunpath_error *error, void *user) {
    struct result *result = user;
    const char *trailer;
    size_t size;

    result->n_done++;
    result->code = code;
    result->error = *error;
    if (response) {
        result->status = sunpath_http_response_status(response);
        snprintf(result->body, sizeof(result->body), "%s",
                 (const char *)sunpath_http_response_body(response, &size));
        trailer = sunpath_http_response_header(response, "X-Trailer");
        snprintf(result->trailer, sizeof(result->trailer), "%s", trailer ? trailer : "");
    }
    if (result->then) {
        result->then(result);
    }
}

static inline void ask_with(struct result *result, const char *method,
                            const struct sunpath_http_request_options *options) {
    ck_assert_int_eq(sunpath_http_client_send(client, method, "/x", options, on_done, result), 0);
    ck_assert_int_eq(result->n_done, 0);
}

static inline void ask(struct result *result, const char *method) {
    ask_with(result, method, NULL);
}

static inline void finish(struct result *result) {
    while (result->n_done == 0) {
        turn();
    }
    ck_assert_int_eq(result->n_done, 1);
}

static inline void expect_ok(struct result *result) {
    finish(result);
    ck_assert_msg(result->code == 0, "%s", result->error.text);
    ck_assert_int_eq(result->status, 200);
    ck_assert_str_eq(result->body, "ok");
}

static inline void expect_error(struct result *result, int code, const char *text) {
    finish(result);
    ck_assert_int_eq(result->code, code);
    ck_assert_int_eq(result->error.code, code);
    ck_assert_msg(strstr(result->error.text, text), "'%s' is not in '%s'", text,
                  result->error.text);
}

/* One request on a new connection, and what the peer answers to it before it closes. */
static inline void exchange(struct result *result, const char *method, const char *answer) {
    int fd;

    start_alone(NULL, 16);
    ask(result, method);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, answer);
    close(fd);
    finish(result);
    stop();
}

#endif
