/* SPDX-License-Identifier: MIT */
/* http-serving.h - a server on a loop and raw clients beside it, in one thread. */

#ifndef TESTS_HTTP_SERVING_H
#define TESTS_HTTP_SERVING_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "flow/stream.h"
#include "serve/http-server.h"

/* What the handlers see and do; tests set the functions they need before serving_open(). */
static struct {
    struct sunpath_loop *loop;
    struct sunpath_http_server *server;
    struct sunpath_http_handler handler;
    struct sunpath_http_exchange *held; /* by hold() */
    int n_requests, n_finished, n_drained;
    int last_error; /* of on_finish */
    char log[4096]; /* what handlers noted */
} serving;

static inline void note(const char *format, ...) SUNPATH_PRINTF(1, 2);
static inline void note(const char *format, ...) {
    size_t used = strlen(serving.log);
    va_list args;

    va_start(args, format);
    vsnprintf(serving.log + used, sizeof(serving.log) - used, format, args);
    va_end(args);
}

/* ---- handlers -------------------------------------------------------------------------------- */

/* "<method> <target>" and the body. */
static inline void echo(struct sunpath_http_exchange *exchange, void *user) {
    char text[4096];
    const char *body;
    size_t n_body;
    int n;

    (void)user;
    serving.n_requests++;
    body = sunpath_http_body(exchange, &n_body);
    ck_assert_int_eq(body[n_body], 0);
    n = snprintf(text, sizeof(text), "%s %s %.*s", sunpath_http_method(exchange),
                 sunpath_http_target(exchange), (int)n_body, body);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "text/plain", text, (size_t)n), 0);
}

static inline void hold(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    serving.n_requests++;
    ck_assert_ptr_null(serving.held);
    serving.held = exchange;
}

static inline void answer_held(const char *text) {
    struct sunpath_http_exchange *exchange = serving.held;

    serving.held = NULL; /* the next request may be asked before this one's on_finish */
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, text, strlen(text)), 0);
}

static inline void count_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    (void)user;
    serving.n_finished++;
    serving.last_error = error;
    if (serving.held == exchange) {
        serving.held = NULL;
    }
}

static inline void count_drained(struct sunpath_http_server *server, void *user) {
    (void)server;
    (void)user;
    serving.n_drained++;
}

/* ---- server and clients ---------------------------------------------------------------------- */

static inline void serving_open(const struct sunpath_http_server_options *options) {
    if (!serving.handler.on_request) {
        serving.handler.on_request = echo;
    }
    ck_assert_int_eq(sunpath_loop_open(&serving.loop), 0);
    ck_assert_int_eq(
        sunpath_http_server_new(&serving.server, serving.loop, &serving.handler, NULL, options), 0);
}

static inline void serving_close(void) {
    serving.server = sunpath_http_server_free(serving.server);
    serving.loop = sunpath_loop_close(serving.loop);
}

/* A client of that socket type: SOCK_SEQPACKET shows what left in one write. */
static inline int client_of_type(int type) {
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ck_assert_int_eq(sp_http_connection_open(serving.server, fds[0]), 0);
    return fds[1];
}

static inline int client(void) {
    return client_of_type(SOCK_STREAM);
}

static inline void say_bytes(int fd, const void *data, size_t size) {
    const char *at = data;

    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

        if (n < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            sunpath_loop_dispatch(serving.loop, 1000);
            continue;
        }
        at += n;
        size -= (size_t)n;
    }
}

static inline void say(int fd, const char *text) {
    say_bytes(fd, text, strlen(text));
}

/* Runs the loop until there is nothing to do at once. */
static inline void settle(void) {
    while (sunpath_loop_dispatch(serving.loop, 0) == 1) {
    }
}

/* Everything the server sends until `until` appears (NULL: until end of file). NUL-terminated. */
static inline char *hear_size(int fd, const char *until, size_t *ret_size) {
    static char heard[8 * 1024 * 1024];
    size_t size = 0;

    heard[0] = '\0';
    while (!until || !strstr(heard, until)) {
        ssize_t n = recv(fd, heard + size, sizeof(heard) - 1 - size, 0);

        if (n < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            sunpath_loop_dispatch(serving.loop, 1000);
            continue;
        }
        if (n == 0) {
            ck_assert_msg(!until, "end of file before '%s' in '%s'", until ? until : "", heard);
            break;
        }
        size += (size_t)n;
        heard[size] = '\0';
    }
    if (ret_size) {
        *ret_size = size;
    }
    return heard;
}

static inline char *hear(int fd, const char *until) {
    return hear_size(fd, until, NULL);
}

/* `heard` is exactly this response, but for its Date line. */
static inline void check_response(const char *heard, const char *expected) {
    const char *date = strstr(heard, "Date: ");
    char without[8192];

    ck_assert_ptr_nonnull(date);
    snprintf(without, sizeof(without), "%.*s%s", (int)(date - heard), heard,
             strstr(date, "\r\n") + 2);
    ck_assert_str_eq(without, expected);
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"

#endif
