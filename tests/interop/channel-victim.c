/* SPDX-License-Identifier: MIT */
/*
 * channel-victim.c ADDRESS FRAMING - a server that takes everything a channel can take, within
 * small limits, for peers that are hostile: each message and each loss is answered in a few words.
 * Now and then it closes, pauses or ends a channel inside a callback.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sunpath/sunpath.h>

static struct sunpath_loop *loop;

/* One message in 16 of those from hostile peers; others never say "h" first. */
static bool is_moody(const struct sunpath_channel_message *message) {
    return message->size > 0 && *(const char *)message->data == 'h' && random() % 16 == 0;
}

static void answer(struct sunpath_channel *channel, const char *text,
                   const struct sunpath_address *to) {
    struct sunpath_channel_send_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_send_options);

    options.to = to;
    if (sunpath_channel_type(channel) == SUNPATH_DGRAM && !to) {
        return;
    }
    if (sunpath_channel_send(channel, text, strlen(text), &options) == 1) {
        sunpath_channel_pause(channel);
    }
}

static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    bool has_peer = sunpath_channel_type(channel) != SUNPATH_DGRAM;
    unsigned char sum = 0;
    char text[64];

    (void)user;
    for (size_t i = 0; i < message->size; i++) { /* all of it can be read */
        sum ^= ((const unsigned char *)message->data)[i];
    }
    snprintf(text, sizeof(text), "%zu bytes, %zu fds, %02x", message->size, message->n_fds, sum);
    answer(channel, text, message->sender);
    if (has_peer && is_moody(message)) {
        sunpath_channel_end(channel); /* after which nothing drains that it could wait for */
        sunpath_channel_resume(channel);
    } else if (has_peer && is_moody(message)) {
        sunpath_channel_close(channel);
    }
}

static void on_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                    void *user) {
    (void)user;
    answer(channel, error->text, NULL);
    if (sunpath_channel_type(channel) != SUNPATH_DGRAM && random() % 32 == 0) {
        sunpath_channel_close(channel);
    }
}

static void on_drain(struct sunpath_channel *channel, void *user) {
    (void)user;
    sunpath_channel_resume(channel);
}

static void on_end(struct sunpath_channel *channel, void *user) {
    (void)user;
    if (random() % 8 == 0) {
        sunpath_channel_close(channel);
    } else {
        sunpath_channel_end(channel);
    }
}

static const struct sunpath_channel_events events = {
    .on_message = on_message, .on_lost = on_lost, .on_drain = on_drain, .on_end = on_end};

int main(int argc, char **argv) {
    struct sunpath_channel_server_options server_options =
        SUNPATH_OPTIONS(struct sunpath_channel_server_options);
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    struct sunpath_channel_server *server = NULL;
    struct sunpath_channel *datagrams = NULL;
    struct sunpath_error error = {.text = "usage"};
    int r;

    if (argc != 3 || sunpath_framing_parse(&options.framing, argv[2]) < 0 ||
        sunpath_loop_open(&loop) < 0) {
        return 2;
    }
    options.max_message = 1 << 16;
    options.max_queue = 1 << 16;
    options.high_mark = 1 << 13;
    options.low_mark = 1 << 10;
    options.max_fds = 4;
    options.want_credentials = options.trusts_peer = true;
    options.max_large = options.pool_size = 1 << 20;
    options.large_min = 20; /* its answers, too, when the peer says that it takes memory */
    options.full = SUNPATH_FULL_DROP;
    server_options.channel = &options;
    r = strncmp(argv[1], "dgram:", 6) == 0
            ? sunpath_channel_bind(&datagrams, loop, argv[1], NULL, &events, NULL, &options, &error)
            : sunpath_channel_server_open(&server, loop, argv[1], NULL, &server_options, NULL,
                                          &events, NULL, &error);
    if (r < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_channel_server_close(server);
    sunpath_channel_close(datagrams);
    sunpath_loop_close(loop);
    return 0;
}
