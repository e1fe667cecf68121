/* SPDX-License-Identifier: MIT */
/* event-streaming.h - what the tests of event streams and channels share. */

#ifndef TESTS_EVENT_STREAMING_H
#define TESTS_EVENT_STREAMING_H

#include "http-serving.h"

#include <sunpath/event-stream.h>

static struct {
    struct sunpath_event_stream *stream; /* the last one that was opened */
    struct sunpath_event_stream_options options;
    int n_closed, n_drained;
    int last_error;
} streaming = {.options = {.size = sizeof(struct sunpath_event_stream_options)}};

static inline void count_close(struct sunpath_event_stream *stream, int error, void *user) {
    (void)user;
    streaming.n_closed++;
    streaming.last_error = error;
    if (stream == streaming.stream) {
        streaming.stream = NULL;
    }
}

static inline void open_stream(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    streaming.options.on_close = count_close;
    ck_assert_int_eq(sunpath_event_stream_open(&streaming.stream, exchange, &streaming.options), 0);
}

/* Reads the response's head, and no byte of what is behind it. */
static inline void hear_head(int fd) {
    char head[512];
    size_t n = 0;

    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0) {
        ck_assert_uint_lt(n, sizeof(head));
        if (recv(fd, head + n, 1, 0) == 1) {
            n++;
        } else {
            ck_assert_int_eq(errno, EAGAIN);
            sunpath_loop_dispatch(serving.loop, 1000);
        }
    }
}

/* A client whose stream was begun. */
static inline int subscribed(const char *more_headers) {
    int fd = client();

    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n");
    say(fd, more_headers);
    say(fd, "\r\n");
    hear_head(fd);
    ck_assert_ptr_nonnull(streaming.stream);
    return fd;
}

/* Waits until on_close has fired `n` times. */
static inline void wait_closed(int n) {
    while (streaming.n_closed < n) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
}

#endif
