/* SPDX-License-Identifier: MIT */
/*
 * large-message.c - one message of 1 GiB, in constant memory at both ends: it travels as a sealed
 * memfd, which is filled and read in pieces.
 *
 *     large-message receive seqpacket:/tmp/large.sock
 *     large-message send seqpacket:/tmp/large.sock 1073741824
 */
#define _GNU_SOURCE 1 /* memfd_create(2) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/sunpath.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE 65536
#define MAX   ((size_t)2 << 30)

static struct sunpath_loop *loop;
static int status = 1;

/* FNV-1a over 64-bit words: a sum that both ends can compare, and so can other languages. */
static uint64_t add_to_sum(uint64_t sum, const char *data, size_t size) {
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word;

        memcpy(&word, data + i, 8);
        sum = (sum ^ word) * 0x100000001b3U;
    }
    return sum;
}

static void print_sum(uint64_t sum, size_t size) {
    printf("%zu bytes, sum %016llx\n", size, (unsigned long long)sum);
    fflush(stdout);
    status = 0;
}

static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    uint64_t sum = 0xcbf29ce484222325U;
    char piece[PIECE];
    ssize_t n;

    (void)channel;
    (void)user;
    if (message->memory_fd < 0) {
        return;
    }
    for (size_t at = 0; at < message->size; at += (size_t)n) {
        n = pread(message->memory_fd, piece, sizeof(piece), (off_t)at);
        if (n <= 0) {
            return;
        }
        sum = add_to_sum(sum, piece, (size_t)n);
    }
    print_sum(sum, message->size);
    sunpath_loop_stop(loop);
}

static void on_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                    void *user) {
    (void)channel;
    (void)user;
    fprintf(stderr, "%s\n", error->text);
}

static void on_sent(struct sunpath_channel *channel, int error, void *user) {
    (void)channel;
    (void)user;
    if (error) {
        fprintf(stderr, "it could not be sent: %s\n", strerror(-error));
        status = 1;
    }
    sunpath_loop_stop(loop);
}

static const struct sunpath_channel_events events = {.on_message = on_message, .on_lost = on_lost};

static int receive(const char *address, struct sunpath_error *error) {
    struct sunpath_channel_server_options server_options =
        SUNPATH_OPTIONS(struct sunpath_channel_server_options);
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    struct sunpath_channel_server *server;

    options.max_large = MAX;
    server_options.channel = &options;
    if (sunpath_channel_server_open(&server, loop, address, NULL, &server_options, NULL, &events,
                                    NULL, error) < 0) {
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_channel_server_close(server);
    return status;
}

/* Makes the message: numbers, so that a part that is missing or moved is found. */
static int fill(int fd, size_t size) {
    uint64_t sum = 0xcbf29ce484222325U, piece[PIECE / 8];

    for (size_t at = 0; at < size; at += PIECE) {
        for (size_t i = 0; i < PIECE / 8; i++) {
            piece[i] = (at / 8 + i) * 0x9e3779b97f4a7c15U;
        }
        if (write(fd, piece, PIECE) != PIECE) {
            return -1;
        }
        sum = add_to_sum(sum, (char *)piece, PIECE);
    }
    print_sum(sum, size);
    return 0;
}

static int send_large(const char *address, size_t size, struct sunpath_error *error) {
    struct sunpath_channel_send_options send_options =
        SUNPATH_OPTIONS(struct sunpath_channel_send_options);
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    int fd = memfd_create("large-message", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct sunpath_channel *channel = NULL;

    options.large_min = PIECE;
    options.peer_takes_large = true; /* both programs are ours: there is nothing to ask */
    send_options.on_sent = on_sent;
    if (fd < 0 || fill(fd, size) < 0) {
        snprintf(error->text, sizeof(error->text), "no memory for the message");
        return 1;
    }
    if (sunpath_channel_connect(&channel, loop, address, NULL, &events, NULL, &options, error) <
            0 ||
        sunpath_channel_send_memory(channel, fd, &send_options) < 0) {
        status = 1;
    } else {
        close(fd); /* the channel has its own */
        fd = -1;
        sunpath_loop_run_until_signal(loop);
    }
    close(fd);
    sunpath_channel_close(channel);
    return status;
}

int main(int argc, char **argv) {
    struct sunpath_error error = {.text = ""};
    int result = 2;

    if (sunpath_loop_open(&loop) < 0) {
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "receive") == 0) {
        result = receive(argv[2], &error);
    } else if (argc == 4 && strcmp(argv[1], "send") == 0) {
        size_t size = strtoull(argv[3], NULL, 10) / PIECE * PIECE; /* whole pieces */

        result = send_large(argv[2], size, &error);
    } else {
        fprintf(stderr, "usage: large-message receive|send ADDRESS [BYTES]\n");
    }
    if (error.text[0]) {
        fprintf(stderr, "%s\n", error.text);
    }
    sunpath_loop_close(loop);
    return result;
}
