/* SPDX-License-Identifier: MIT */
/* sunpath-messages.c - both ends of the message jobs on Sunpath's channels. */

#include <sunpath/sunpath.h>

#include "pair.h"

/*
 * seqpacket, dgram, frame   whatever comes is sent back; driven, one message at a time
 * push                      small frames, as many as the channel takes
 * push-batch                the same, but N_BATCH in a turn of the loop
 * large                     large frames
 * pool, in-place            the same through a pool: copied into it, or written there
 */

static void fail(const char *what, int error) {
    errno = -error;
    die(what);
}

/* ---- serving ----------------------------------------------------------------------------------
 */

static void on_echo(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                    void *user) {
    struct sunpath_channel_send_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_send_options);
    int r;

    (void)user;
    options.to = message->sender;
    r = sunpath_channel_send(channel, message->data, message->size,
                             message->sender ? &options : NULL);
    if (r < 0) {
        sunpath_channel_close(channel);
    } else if (r > 0) {
        sunpath_channel_pause(channel);
    }
}

static void on_echo_drain(struct sunpath_channel *channel, void *user) {
    (void)user;
    sunpath_channel_resume(channel);
}

static void on_sunk(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                    void *user) {
    const char *data = message->data;

    (void)channel;
    (void)user;
    if (message->size == N_LARGE && data[0] != data[N_LARGE - 1]) {
        die("a wrong message");
    }
}

static const struct sunpath_channel_events echo = {.on_message = on_echo,
                                                   .on_drain = on_echo_drain};
static const struct sunpath_channel_events sink = {.on_message = on_sunk};

static enum sunpath_type type_of_job(void) {
    return is_job("seqpacket") ? SUNPATH_SEQPACKET
           : is_job("dgram")   ? SUNPATH_DGRAM
                               : SUNPATH_STREAM;
}

static struct sunpath_channel_options options_of_job(void) {
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);

    options.framing = SUNPATH_FRAME_U32_LE;
    if (is_job("large")) {
        options.max_message = N_LARGE;
        options.max_queue = 2 * N_LARGE;
    }
    if (is_job("pool") || is_job("in-place")) {
        options.large_min = 1 << 20;
        options.pool_size = options.max_large = 2 * N_LARGE;
        options.trusts_peer = true;
    }
    return options;
}

static void serve(struct sunpath_loop *loop) {
    const struct sunpath_channel_events *events =
        is_job("seqpacket") || is_job("dgram") || is_job("frame") ? &echo : &sink;
    struct sunpath_channel_server_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_server_options);
    struct sunpath_channel_options channel_options = options_of_job();
    struct sunpath_listen_options listen = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_channel_server *server;
    struct sunpath_channel *channel;
    struct sunpath_error error;
    int r;

    options.channel = &channel_options;
    listen.type = type_of_job();
    r = listen.type == SUNPATH_DGRAM
            ? sunpath_channel_bind(&channel, loop, pair.path, &listen, events, NULL,
                                   &channel_options, &error)
            : sunpath_channel_server_open(&server, loop, pair.path, &listen, &options, NULL, events,
                                          NULL, &error);
    if (r < 0) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
}

/* ---- driving ----------------------------------------------------------------------------------
 */

static char message[N_LARGE];

static void send_one(struct sunpath_channel *channel) {
    int r = sunpath_channel_send(channel, message, N_MESSAGE, NULL);

    if (r < 0) {
        fail("send", r);
    }
}

static void on_answer(struct sunpath_channel *channel, struct sunpath_channel_message *answer,
                      void *user) {
    if (answer->size != N_MESSAGE) {
        die("a wrong answer");
    }
    count_answer(user);
    send_one(channel);
}

static void push(struct sunpath_channel *channel, void *user) {
    uint64_t n = 1;
    int r;

    (void)user;
    while ((r = sunpath_channel_send(channel, message, N_MESSAGE, NULL)) == 0) {
        n++;
    }
    if (r < 0) {
        fail("send", r);
    }
    count(n);
}

static void push_batch(struct sunpath_channel *channel, void *user) {
    (void)user;
    for (int i = 0; i < N_BATCH; i++) {
        send_one(channel);
    }
    count(N_BATCH);
}

static void push_large(struct sunpath_channel *channel, void *user) {
    int r = sunpath_channel_send(channel, message, N_LARGE, NULL);

    (void)user;
    if (r < 0) {
        fail("send", r);
    }
    count(1);
}

/* The first message asks the peer whether it takes the pool: small ones until it has answered. */
static void push_pool(struct sunpath_channel *channel, void *user) {
    bool is_agreed = sunpath_channel_max_message(channel) >= N_LARGE;

    if (is_agreed) {
        push_large(channel, user);
    } else {
        send_one(channel);
    }
}

static void push_in_place(struct sunpath_channel *channel, void *user) {
    void *room;
    int r;

    (void)user;
    r = sunpath_channel_reserve(channel, &room, N_LARGE);
    if (r == -EOPNOTSUPP) {
        send_one(channel);
        return;
    }
    if (r == 0) {
        memset(room, 'b', N_LARGE);
        r = sunpath_channel_send_reserved(channel, room, N_LARGE, NULL);
    }
    if (r < 0) {
        fail("reserve", r);
    }
    count(1);
}

static void drive(struct sunpath_loop *loop) {
    static const struct sunpath_channel_events ping = {.on_message = on_answer};
    static const struct sunpath_channel_events pushes[] = {
        {.on_drain = push},      {.on_drain = push_batch},    {.on_drain = push_large},
        {.on_drain = push_pool}, {.on_drain = push_in_place},
    };
    static const char *const names[] = {"push", "push-batch", "large", "pool", "in-place"};
    struct sunpath_connect_options connect = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sunpath_channel_options options = options_of_job();
    const struct sunpath_channel_events *events = &ping;
    static uint64_t sent_ns;
    struct sunpath_channel *channel;
    struct sunpath_error error;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        events = is_job(names[i]) ? &pushes[i] : events;
    }
    memset(message, 'a', sizeof(message));
    connect.type = type_of_job();
    if (sunpath_channel_connect(&channel, loop, pair.path, &connect, events, &sent_ns, &options,
                                &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    sent_ns = now_ns();
    send_one(channel);
}

int main(int argc, char **argv) {
    struct sunpath_loop *loop;

    read_pair(argc, argv);
    if (sunpath_loop_open(&loop) < 0) {
        die("a loop");
    }
    if (pair.is_driver) {
        drive(loop);
    } else {
        serve(loop);
    }
    return sunpath_loop_run(loop) < 0;
}
