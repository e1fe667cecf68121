/* SPDX-License-Identifier: MIT */
/* channel-pair.h - channels under test, over every type of socket, and what they told. */

#ifndef TESTS_CHANNEL_PAIR_H
#define TESTS_CHANNEL_PAIR_H

#include <sunpath/channel.h>

#include "loop-turns.h"
#include "messages.h"

#define N_KEPT 64

/* What a channel told. */
struct told {
    struct sunpath_channel *channel;
    size_t n_messages, n_bytes, n_fds;
    char first[N_KEPT][64]; /* the beginnings of the first messages */
    size_t size[N_KEPT];
    size_t fds_with[N_KEPT];
    int fds[600]; /* kept when `keeps_fds` */
    size_t n_kept_fds;
    bool keeps_fds;
    int n_lost, n_ends, n_drains, n_closes;
    struct sunpath_error lost, error;
    struct sunpath_credentials credentials;
    bool has_credentials, is_unterminated;
};

static inline void told_message(struct sunpath_channel *channel,
                                struct sunpath_channel_message *message, void *user) {
    struct told *told = user;
    size_t i = told->n_messages++;

    (void)channel;
    told->n_bytes += message->size;
    told->n_fds += message->n_fds;
    told->has_credentials = message->credentials != NULL;
    told->is_unterminated = message->is_unterminated;
    if (message->credentials) {
        told->credentials = *message->credentials;
    }
    if (i < N_KEPT) {
        told->size[i] = message->size;
        told->fds_with[i] = message->n_fds;
        if (message->size > 0) {
            memcpy(told->first[i], message->data, message->size < 63 ? message->size : 63);
        }
    }
    for (size_t j = 0; j < message->n_fds && told->keeps_fds; j++) {
        told->fds[told->n_kept_fds++] = message->fds[j];
        message->fds[j] = -1;
    }
}

static inline void told_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                             void *user) {
    struct told *told = user;

    (void)channel;
    told->n_lost++;
    told->lost = *error;
}

static inline void told_end(struct sunpath_channel *channel, void *user) {
    (void)channel;
    ((struct told *)user)->n_ends++;
}

static inline void told_drain(struct sunpath_channel *channel, void *user) {
    (void)channel;
    ((struct told *)user)->n_drains++;
}

static inline void told_close(struct sunpath_channel *channel, const struct sunpath_error *error,
                              void *user) {
    struct told *told = user;

    (void)channel;
    ck_assert_int_eq(told->n_closes++, 0); /* exactly once */
    if (error) {
        told->error = *error;
    }
}

static const struct sunpath_channel_events tell_all = {.on_message = told_message,
                                                       .on_lost = told_lost,
                                                       .on_end = told_end,
                                                       .on_drain = told_drain,
                                                       .on_close = told_close};
static const struct sunpath_channel_events tell_no_end = {.on_message = told_message,
                                                          .on_lost = told_lost,
                                                          .on_drain = told_drain,
                                                          .on_close = told_close};

#define FRAMED(...) \
    (&(struct sunpath_channel_options){.size = sizeof(struct sunpath_channel_options), __VA_ARGS__})
#define OPTIONS(...) FRAMED(.framing = SUNPATH_FRAME_U32_BE, __VA_ARGS__)
#define SEND_OPTIONS(...)                                                                        \
    (&(struct sunpath_channel_send_options){.size = sizeof(struct sunpath_channel_send_options), \
                                            __VA_ARGS__})

static inline void open_loop(void) {
    if (!loop) {
        ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    }
}

/* A channel whose peer, a plain blocking descriptor, is returned. */
static inline int open_channel(struct told *told, enum sunpath_type type,
                               const struct sunpath_channel_events *events,
                               const struct sunpath_channel_options *options) {
    int pair[2];

    open_loop();
    ck_assert_int_eq(socketpair(AF_UNIX, (int)type | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(sunpath_channel_open(&told->channel, loop, pair[0], events, told, options), 0);
    return pair[1];
}

/* Two channels that are each other's peers. */
static inline void open_both(struct told *a, struct told *b, enum sunpath_type type,
                             const struct sunpath_channel_options *options) {
    int peer = open_channel(a, type, &tell_all, options);

    ck_assert_int_eq(sunpath_channel_open(&b->channel, loop, peer, &tell_all, b, options), 0);
}

static inline void close_both(struct told *a, struct told *b) {
    a->channel = sunpath_channel_close(a->channel);
    b->channel = sunpath_channel_close(b->channel);
    loop = sunpath_loop_close(loop);
}

static inline void close_channel(struct told *told, int peer) {
    told->channel = sunpath_channel_close(told->channel);
    close(peer);
    loop = sunpath_loop_close(loop);
}

static inline int send_text(struct told *told, const char *text) {
    return sunpath_channel_send(told->channel, text, strlen(text), NULL);
}

/* on_sent for sends that are numbered by their user pointers, from 1. */
static size_t n_completed, n_failed_completions;
static int last_completion;

static inline void completed(struct sunpath_channel *channel, int error, void *user) {
    (void)channel;
    ck_assert_uint_eq((size_t)(uintptr_t)user, n_completed + 1);
    n_completed++;
    n_failed_completions += error != 0;
    last_completion = error;
}

static inline int send_numbered(struct told *told, const char *data, size_t size, size_t number) {
    return sunpath_channel_send(
        told->channel, data, size,
        SEND_OPTIONS(.on_sent = completed, .user = (void *)(uintptr_t)number));
}

#endif
