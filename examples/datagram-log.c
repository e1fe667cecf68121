/* SPDX-License-Identifier: MIT */
/*
 * datagram-log.c - one socket that every program can log to; each line shows who really sent it.
 *
 *     datagram-log dgram:/tmp/log.sock
 *     echo hello | socat - UNIX-SENDTO:/tmp/log.sock
 */
#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    const char *text = message->data;
    size_t size = message->size;
    char safe[4 * 1024 + 1];

    (void)channel;
    (void)user;
    if (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    sunpath_escape(safe, sizeof(safe), text, size < 1024 ? size : 1024);
    if (message->credentials) {
        printf("pid %d uid %u: %s\n", (int)message->credentials->pid, message->credentials->uid,
               safe);
    } else {
        printf("unknown: %s\n", safe);
    }
    fflush(stdout);
}

static void on_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                    void *user) {
    (void)channel;
    (void)user;
    printf("lost: %s\n", error->text);
    fflush(stdout);
}

int main(int argc, char **argv) {
    static const struct sunpath_channel_events events = {.on_message = on_message,
                                                         .on_lost = on_lost};
    struct sunpath_listen_options listen_options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    const char *address = argc > 1 ? argv[1] : "dgram:/tmp/log.sock";
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_channel *channel = NULL;
    struct sunpath_loop *loop = NULL;

    listen_options.mode = 0622; /* everybody may send */
    options.max_message = 8192;
    options.want_credentials = true;
    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_channel_bind(&channel, loop, address, &listen_options, &events, NULL, &options,
                             &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_channel_close(channel);
    sunpath_loop_close(loop);
    return 0;
}
