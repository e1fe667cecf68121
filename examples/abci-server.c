/* SPDX-License-Identifier: MIT */
/*
 * abci-server.c - the frame of an ABCI application: CometBFT connects to its socket and sends each
 * protobuf Request behind a varint with its length. This one answers echo, flush and nothing else.
 *
 *     abci-server /tmp/abci.sock
 */
#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

/* Fields of Request and of Response, as in cometbft/abci/types.proto, with wire type 2. */
#define REQUEST_ECHO       (1 << 3 | 2)
#define REQUEST_FLUSH      (2 << 3 | 2)
#define RESPONSE_EXCEPTION (1 << 3 | 2)
#define RESPONSE_ECHO      (2 << 3 | 2)
#define RESPONSE_FLUSH     (3 << 3 | 2)

static int send_exception(struct sunpath_channel *channel) {
    static const char why[] = "only echo and flush are known here";
    char response[64];

    response[0] = RESPONSE_EXCEPTION;
    response[1] = (char)(sizeof(why) + 1); /* ResponseException{error = 1} */
    response[2] = 1 << 3 | 2;
    response[3] = sizeof(why) - 1;
    memcpy(response + 4, why, sizeof(why) - 1);
    return sunpath_channel_send(channel, response, sizeof(why) + 3, NULL);
}

/* RequestEcho and ResponseEcho have the same contents: only the field around them differs. */
static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    const char *request = message->data;
    char response[4096];
    int r;

    (void)user;
    if (message->size == 0 || message->size > sizeof(response)) {
        r = send_exception(channel);
    } else if (request[0] == REQUEST_ECHO || request[0] == REQUEST_FLUSH) {
        memcpy(response, request, message->size);
        response[0] = request[0] == REQUEST_ECHO ? RESPONSE_ECHO : RESPONSE_FLUSH;
        r = sunpath_channel_send(channel, response, message->size, NULL);
    } else {
        r = send_exception(channel);
    }
    if (r != 0) {
        sunpath_channel_pause(channel);
    }
}

static void on_drain(struct sunpath_channel *channel, void *user) {
    (void)user;
    sunpath_channel_resume(channel);
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
        .on_message = on_message, .on_drain = on_drain, .on_close = on_close};
    struct sunpath_channel_server_options server_options =
        SUNPATH_OPTIONS(struct sunpath_channel_server_options);
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    const char *address = argc > 1 ? argv[1] : "/tmp/abci.sock";
    struct sunpath_channel_server *server = NULL;
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_loop *loop = NULL;

    options.framing = SUNPATH_FRAME_VARINT;
    server_options.channel = &options;
    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_channel_server_open(&server, loop, address, NULL, &server_options, NULL, &events,
                                    NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_channel_server_close(server);
    sunpath_loop_close(loop);
    return 0;
}
