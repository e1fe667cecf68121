/* SPDX-License-Identifier: MIT */
/*
 * message-echo.c - sends every message back, with its descriptors, whatever the type of socket.
 *
 *     message-echo seqpacket:/tmp/a.sock
 *     message-echo dgram:/tmp/b.sock
 *     message-echo /tmp/c.sock netstring
 */
#include <stdio.h>
#include <sunpath/sunpath.h>

static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    struct sunpath_channel_send_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_send_options);

    (void)user;
    if (sunpath_channel_type(channel) == SUNPATH_DGRAM && !message->sender) {
        return; /* it has no name that an answer could go to */
    }
    options.to = message->sender;
    options.fds = message->fds;
    options.n_fds = message->n_fds;
    if (sunpath_channel_send(channel, message->data, message->size, &options) == 1) {
        sunpath_channel_pause(channel); /* enough is queued: go on when it has left */
    }
}

static void on_drain(struct sunpath_channel *channel, void *user) {
    (void)user;
    sunpath_channel_resume(channel);
}

static void on_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                    void *user) {
    (void)channel;
    (void)user;
    fprintf(stderr, "%s\n", error->text);
}

static void on_close(struct sunpath_channel *channel, const struct sunpath_error *error,
                     void *user) {
    (void)user;
    if (error) {
        fprintf(stderr, "%s\n", error->text);
    }
    sunpath_channel_close(channel);
}

int main(int argc, char **argv) {
    static const struct sunpath_channel_events events = {
        .on_message = on_message, .on_lost = on_lost, .on_drain = on_drain, .on_close = on_close};
    struct sunpath_channel_server_options server_options =
        SUNPATH_OPTIONS(struct sunpath_channel_server_options);
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    const char *address = argc > 1 ? argv[1] : "seqpacket:/tmp/echo.sock";
    struct sunpath_channel_server *server = NULL;
    struct sunpath_error error = {.text = "no such framing"};
    struct sunpath_channel *datagrams = NULL;
    struct sunpath_loop *loop = NULL;
    struct sunpath_address parsed;
    int r;

    options.max_fds = 16;
    options.framing = SUNPATH_FRAME_U32_BE;
    server_options.channel = &options;
    r = argc > 2 ? sunpath_framing_parse(&options.framing, argv[2]) : 0;
    if (r == 0) {
        r = sunpath_address_parse(&parsed, address, &error);
    }
    if (r == 0) {
        r = sunpath_loop_open(&loop);
    }
    if (r == 0 && parsed.type == SUNPATH_DGRAM) {
        r = sunpath_channel_bind(&datagrams, loop, address, NULL, &events, NULL, &options, &error);
    } else if (r == 0) {
        r = sunpath_channel_server_open(&server, loop, address, NULL, &server_options, NULL,
                                        &events, NULL, &error);
    }
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
