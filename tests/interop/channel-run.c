/* SPDX-License-Identifier: MIT */
/*
 * channel-run.c ADDRESS FRAMING COUNT MIN MAX IN-FLIGHT [BIND] - sends messages of random sizes,
 * never more than IN-FLIGHT ahead, and compares what comes back from an echo server. Prints "ok
 * COUNT messages, BYTES bytes".
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sunpath/sunpath.h>

static struct sunpath_loop *loop;
static size_t n_wanted, n_min, n_max, n_ahead_max, n_sent, n_received, n_bytes;
static unsigned long long sum_sent = 14695981039346656037ULL,
                          sum_received = 14695981039346656037ULL;
static char data[1 << 20];

/* The sizes count, too: two messages that became one have another sum. */
static void add_to_sum(unsigned long long *sum, const char *bytes, size_t size) {
    *sum = (*sum ^ size) * 1099511628211ULL;
    for (size_t i = 0; i < size; i++) {
        *sum = (*sum ^ (unsigned char)bytes[i]) * 1099511628211ULL;
    }
}

static void send_more(struct sunpath_channel *channel) {
    while (n_sent < n_wanted && n_sent - n_received < n_ahead_max) {
        size_t span = random() % 10 == 0 || n_max - n_min < 300 ? n_max - n_min : 300;
        size_t size = n_min + (size_t)random() % (span + 1);

        for (size_t i = 0; i < size; i++) {
            data[i] = (char)('!' + random() % 90); /* lines and NUL framings carry it, too */
        }
        if (sunpath_channel_send(channel, data, size, NULL) < 0) {
            fprintf(stderr, "message %zu cannot be sent\n", n_sent + 1);
            exit(1);
        }
        add_to_sum(&sum_sent, data, size);
        n_sent++;
    }
}

static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    (void)user;
    add_to_sum(&sum_received, message->data, message->size);
    n_received++;
    n_bytes += message->size;
    if (n_received == n_wanted) {
        sunpath_loop_stop(loop);
    } else {
        send_more(channel);
    }
}

static void on_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                    void *user) {
    (void)channel;
    (void)user;
    fprintf(stderr, "%s\n", error->text);
    sunpath_loop_stop(loop);
}

static void on_close(struct sunpath_channel *channel, const struct sunpath_error *error,
                     void *user) {
    (void)channel;
    (void)user;
    fprintf(stderr, "closed after %zu messages: %s\n", n_received, error ? error->text : "the end");
    sunpath_loop_stop(loop);
}

int main(int argc, char **argv) {
    static const struct sunpath_channel_events events = {
        .on_message = on_message, .on_lost = on_lost, .on_close = on_close};
    struct sunpath_connect_options connect_options =
        SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    struct sunpath_channel *channel = NULL;
    struct sunpath_error error = {.text = "usage"};

    if (argc < 7 || sunpath_framing_parse(&options.framing, argv[2]) < 0 ||
        sunpath_loop_open(&loop) < 0) {
        return 2;
    }
    n_wanted = strtoul(argv[3], NULL, 10);
    n_min = strtoul(argv[4], NULL, 10);
    n_max = strtoul(argv[5], NULL, 10);
    n_ahead_max = strtoul(argv[6], NULL, 10);
    connect_options.bind = argc > 7 ? argv[7] : NULL;
    connect_options.wait = true;
    if (sunpath_channel_connect(&channel, loop, argv[1], &connect_options, &events, NULL, &options,
                                &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    send_more(channel);
    sunpath_loop_run_until_signal(loop);
    sunpath_channel_close(channel);
    sunpath_loop_close(loop);
    if (n_received != n_wanted || sum_sent != sum_received) {
        fprintf(stderr, "%zu of %zu messages came back, sums %llx and %llx\n", n_received, n_wanted,
                sum_sent, sum_received);
        return 1;
    }
    printf("ok %zu messages, %zu bytes\n", n_received, n_bytes);
    return 0;
}
