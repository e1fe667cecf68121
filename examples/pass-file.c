/* SPDX-License-Identifier: MIT */
/*
 * pass-file.c - opens files for those who may not: a message names one, the answer brings it open,
 * to be read only. Which ones, is for this program to say: here those of one directory.
 *
 *     pass-file seqpacket:/run/files.sock /srv/files
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>
#include <sys/stat.h>
#include <unistd.h>

static int directory;

/* A plain name of a regular file, so that nobody climbs out of the directory. */
static int open_named(const struct sunpath_channel_message *message) {
    const char *text = message->data;
    char name[256] = {0};
    struct stat stat;
    int fd;

    if (message->size == 0 || text[0] == '.' || message->size >= sizeof(name) ||
        memchr(text, '/', message->size) || memchr(text, 0, message->size)) {
        return -1;
    }
    memcpy(name, text, message->size);
    fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    struct sunpath_channel_send_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_send_options);
    int fd = open_named(message);
    const char *answer = fd >= 0 ? "ok" : "refused";

    (void)user;
    options.fds = &fd;
    options.n_fds = fd >= 0;
    if (sunpath_channel_send(channel, answer, strlen(answer), &options) != 0) {
        sunpath_channel_end(channel); /* it asks faster than it takes */
    }
    close(fd); /* what is queued has a descriptor of its own */
}

int main(int argc, char **argv) {
    static const struct sunpath_channel_events events = {.on_message = on_message};
    struct sunpath_channel_server *server = NULL;
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_loop *loop = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: pass-file seqpacket:PATH DIRECTORY\n");
        return 2;
    }
    directory = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        perror(argv[2]);
        return 1;
    }
    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_channel_server_open(&server, loop, argv[1], NULL, NULL, NULL, &events, NULL,
                                    &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_channel_server_close(server);
    sunpath_loop_close(loop);
    close(directory);
    return 0;
}
