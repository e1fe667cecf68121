/* SPDX-License-Identifier: MIT */
/*
 * pictures.c - pictures of 8 MiB, drawn in memory that both programs share: not a byte of them is
 * copied. Whoever takes no such memory gets the same pictures through the socket.
 *
 *     pictures draw /tmp/pictures.sock
 *     pictures watch /tmp/pictures.sock 100
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/sunpath.h>

struct picture {
    uint64_t number;
    uint64_t is_in_place; /* it was drawn where it is read */
    unsigned char pixels[(8 << 20) - 16];
};

static struct sunpath_loop *loop;

/* ---- who draws ------------------------------------------------------------------------------- */

static void draw(struct picture *picture, uint64_t number, bool is_in_place) {
    picture->number = number;
    picture->is_in_place = is_in_place;
    memset(picture->pixels, (int)(number & 0xff), sizeof(picture->pixels));
}

static void draw_next(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                      void *user) {
    static struct picture copy;
    void *room;
    int r = sunpath_channel_reserve(channel, &room, sizeof(struct picture));

    (void)user;
    if (r == 0) {
        draw(room, message->number, true);
        r = sunpath_channel_send_reserved(channel, room, sizeof(struct picture), NULL);
    } else if (r == -EOPNOTSUPP || r == -EAGAIN) { /* no pool, not yet, or the peer has all of it */
        draw(&copy, message->number, false);
        r = sunpath_channel_send(channel, &copy, sizeof(copy), NULL);
    }
    if (r == 1) {
        sunpath_channel_pause(channel); /* who asks faster than he takes waits */
    } else if (r < 0) {
        sunpath_channel_end(channel);
    }
}

static void go_on(struct sunpath_channel *channel, void *user) {
    (void)user;
    sunpath_channel_resume(channel);
}

static int run_server(const char *address, struct sunpath_error *error) {
    static const struct sunpath_channel_events events = {.on_message = draw_next,
                                                         .on_drain = go_on};
    struct sunpath_channel_server_options server_options =
        SUNPATH_OPTIONS(struct sunpath_channel_server_options);
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    struct sunpath_channel_server *server;
    int r;

    options.framing = SUNPATH_FRAME_U32_BE;
    options.max_message = sizeof(struct picture);
    options.large_min = 1 << 20;
    options.pool_size = 4 * sizeof(struct picture);
    server_options.channel = &options;
    r = sunpath_channel_server_open(&server, loop, address, NULL, &server_options, NULL, &events,
                                    NULL, error);
    if (r == 0) {
        sunpath_loop_run_until_signal(loop);
        sunpath_channel_server_close(server);
    }
    return r;
}

/* ---- who watches ----------------------------------------------------------------------------- */

static int n_wanted, n_seen, n_in_place;

static void ask(struct sunpath_channel *channel) {
    if (sunpath_channel_send(channel, "next", 4, NULL) < 0) {
        sunpath_loop_stop(loop);
    }
}

/* The memory is the other program's again when this returns. */
static void look(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                 void *user) {
    const unsigned char *bytes = message->data; /* of any alignment, behind a frame's length */
    uint64_t head[2] = {0};

    (void)user;
    if (message->size == sizeof(struct picture)) {
        memcpy(head, bytes, sizeof(head));
    }
    if (head[0] != (uint64_t)n_seen + 1 || bytes[sizeof(head)] != (head[0] & 0xff) ||
        bytes[message->size - 1] != (head[0] & 0xff)) {
        fprintf(stderr, "picture %d is damaged\n", n_seen + 1);
        sunpath_loop_stop(loop);
        return;
    }
    n_in_place += head[1] != 0;
    if (++n_seen == n_wanted) {
        sunpath_loop_stop(loop);
    } else {
        ask(channel);
    }
}

static void on_close(struct sunpath_channel *channel, const struct sunpath_error *error,
                     void *user) {
    (void)channel;
    (void)user;
    fprintf(stderr, "%s\n", error ? error->text : "there are no more");
    sunpath_loop_stop(loop);
}

static int watch(const char *address, struct sunpath_error *error) {
    static const struct sunpath_channel_events events = {.on_message = look, .on_close = on_close};
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    struct sunpath_channel *channel;
    int r;

    options.framing = SUNPATH_FRAME_U32_BE;
    options.max_message = sizeof(struct picture);
    options.max_large = 4 * sizeof(struct picture);
    options.trusts_peer = true; /* it could change a picture while we look at it */
    r = sunpath_channel_connect(&channel, loop, address, NULL, &events, NULL, &options, error);
    if (r == 0) {
        ask(channel);
        sunpath_loop_run_until_signal(loop);
        sunpath_channel_close(channel);
        printf("%d pictures, %d drawn in place\n", n_seen, n_in_place);
        r = n_seen == n_wanted ? 0 : -EPIPE;
    }
    return r;
}

int main(int argc, char **argv) {
    struct sunpath_error error = {.text = ""};
    int r = -ENOMEM;

    n_wanted = argc == 4 ? atoi(argv[3]) : 0;
    if (!(argc == 3 && strcmp(argv[1], "draw") == 0) &&
        !(n_wanted > 0 && strcmp(argv[1], "watch") == 0)) {
        fprintf(stderr, "usage: pictures draw ADDRESS\n       pictures watch ADDRESS NUMBER\n");
        return 2;
    }
    if (sunpath_loop_open(&loop) == 0) {
        r = argc == 3 ? run_server(argv[2], &error) : watch(argv[2], &error);
        sunpath_loop_close(loop);
    }
    if (r < 0 && error.text[0] != '\0') {
        fprintf(stderr, "%s\n", error.text);
    }
    return r < 0;
}
