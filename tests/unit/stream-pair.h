/* SPDX-License-Identifier: MIT */
/* stream-pair.h - a stream under test, a plain blocking descriptor as its peer, and what was told.
 */

#ifndef TESTS_STREAM_PAIR_H
#define TESTS_STREAM_PAIR_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sunpath/stream.h>

#include "loop-turns.h"

/* What a stream told, in the order of the fields. */
struct told {
    struct sunpath_stream *stream;
    size_t n_data; /* on_data calls */
    size_t n_bytes;
    char bytes[4096]; /* the first ones, when they were consumed */
    int n_ends, n_drains, n_closes;
    int error;
    bool keeps_input; /* does not consume */
};

static inline void told_data(struct sunpath_stream *stream, void *user) {
    struct told *told = user;
    size_t size, room = sizeof(told->bytes) - told->n_bytes;
    const char *data = sunpath_stream_input(stream, &size);

    told->n_data++;
    ck_assert_uint_gt(size, 0);
    if (told->keeps_input) {
        return;
    }
    if (told->n_bytes < sizeof(told->bytes)) {
        memcpy(told->bytes + told->n_bytes, data, size < room ? size : room);
    }
    told->n_bytes += size;
    sunpath_stream_consume(stream, size);
}

static inline void told_end(struct sunpath_stream *stream, void *user) {
    struct told *told = user;

    (void)stream;
    told->n_ends++;
}

static inline void told_drain(struct sunpath_stream *stream, void *user) {
    struct told *told = user;

    (void)stream;
    told->n_drains++;
}

static inline void told_close(struct sunpath_stream *stream, int error, void *user) {
    struct told *told = user;

    (void)stream;
    ck_assert_int_eq(told->n_closes++, 0); /* exactly once */
    told->error = error;
}

static const struct sunpath_stream_events tell_all = {
    .on_data = told_data, .on_end = told_end, .on_drain = told_drain, .on_close = told_close};
static const struct sunpath_stream_events tell_no_end = {
    .on_data = told_data, .on_drain = told_drain, .on_close = told_close};

/* Opens the loop when there is none, and a stream on it whose peer is returned. */
static inline int open_pair(struct told *told, const struct sunpath_stream_events *events,
                            const struct sunpath_stream_options *options) {
    int pair[2];

    if (!loop) {
        ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    }
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(sunpath_stream_open(&told->stream, loop, pair[0], events, told, options), 0);
    return pair[1];
}

/* Writes what the peer's socket takes without blocking and returns how much that was. */
static inline size_t fill(int fd) {
    static const char block[65536];
    size_t n_sent = 0;
    ssize_t n;

    while ((n = send(fd, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) {
        n_sent += (size_t)n;
    }
    ck_assert_int_eq(errno, EAGAIN);
    return n_sent;
}

/* Dispatches and reads at the peer until end of file; returns the bytes. */
static inline size_t read_to_end(int fd) {
    char block[65536];
    size_t n_read = 0;
    ssize_t n;

    for (;;) {
        run_quiet();
        n = recv(fd, block, sizeof(block), MSG_DONTWAIT);
        if (n == 0) {
            return n_read;
        }
        ck_assert_int_gt(n, 0);
        n_read += (size_t)n;
    }
}

static inline void close_pair(struct told *told, int peer) {
    told->stream = sunpath_stream_close(told->stream);
    if (peer >= 0) {
        close(peer);
    }
    loop = sunpath_loop_close(loop);
}

#endif
