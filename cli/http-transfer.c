/* SPDX-License-Identifier: MIT */
/* http-transfer.c - the bodies of `sunpath http`: where they come from, where they go, progress. */

#include "http-transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

#define SHOWN_AFTER_MS 1000
#define SHOWN_EVERY_MS 200
#define PATIENCE_MS    10 /* how long a slow source may hold up everything else */

/* ---- progress -------------------------------------------------------------------------------- */

static uint64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void http_progress_begin(struct http_progress *progress, const char *verb, int64_t n_all) {
    progress->verb = verb;
    progress->n_all = n_all;
    progress->n_done = 0;
    progress->started_ms = now_ms();
    progress->printed_ms = 0;
}

void http_progress_restart(struct http_progress *progress) {
    progress->n_done = 0;
}

static void print_progress(const struct http_progress *progress, uint64_t now) {
    uint64_t rate = progress->n_done * 1000 / (now - progress->started_ms);
    struct cli_size done, all, a_second;

    fprintf(stderr, "\r\033[K%s %s", progress->verb, cli_show_size(&done, progress->n_done));
    if (progress->n_all > 0) {
        fprintf(stderr, " of %s, %d %%", cli_show_size(&all, (uint64_t)progress->n_all),
                (int)(100.0 * (double)progress->n_done / (double)progress->n_all));
    }
    fprintf(stderr, ", %s/s", cli_show_size(&a_second, rate));
    fflush(stderr);
}

void http_progress_add(struct http_progress *progress, uint64_t n) {
    uint64_t now;

    progress->n_done += n;
    if (!progress->is_shown) {
        return;
    }
    now = now_ms();
    if (now - progress->started_ms >= SHOWN_AFTER_MS &&
        now - progress->printed_ms >= SHOWN_EVERY_MS) {
        print_progress(progress, now);
        progress->printed_ms = now;
    }
}

void http_progress_end(struct http_progress *progress) {
    if (progress->printed_ms > 0) {
        fputs("\r\033[K", stderr);
        progress->printed_ms = 0;
    }
}

/* ---- where bodies come from ------------------------------------------------------------------ */

int http_source_open(struct http_source *source, const char *name, int64_t *ret_size) {
    struct stat stat;
    int fd = STDIN_FILENO;
    bool is_file;

    if (strcmp(name, "-") != 0) {
        fd = open(name, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0 || fstat(fd, &stat) < 0) {
        return -errno;
    }
    if (S_ISDIR(stat.st_mode)) {
        close(fd);
        return -EISDIR;
    }
    is_file = S_ISREG(stat.st_mode);
    source->fd = fd;
    source->name = name;
    source->can_wait = !is_file;
    *ret_size = is_file && lseek(fd, 0, SEEK_CUR) == 0 ? stat.st_size : -1;
    return 0;
}

void http_source_close(struct http_source *source) {
    if (source->fd > STDIN_FILENO) {
        close(source->fd);
    }
    source->fd = -1;
}

ssize_t http_source_read(struct http_source *source, void *buffer, size_t size) {
    struct pollfd readable = {.fd = source->fd, .events = POLLIN};
    ssize_t n;

    if (source->can_wait && poll(&readable, 1, PATIENCE_MS) == 0) {
        return -EAGAIN; /* meanwhile the server may answer, or the time run out */
    }
    do {
        n = read(source->fd, buffer, size);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return -errno;
    }
    http_progress_add(source->progress, (uint64_t)n);
    return n;
}

int http_source_rewind(struct http_source *source) {
    if (source->can_wait || lseek(source->fd, 0, SEEK_SET) != 0) {
        return -ESPIPE;
    }
    http_progress_restart(source->progress);
    return 0;
}

int http_read_whole(char **ret, size_t *ret_size, const char *name) {
    struct http_progress quiet = {0};
    struct http_source source = {.fd = -1, .progress = &quiet};
    char *data = NULL, *grown;
    size_t n_data = 0, room = 0;
    int64_t size;
    ssize_t n;

    n = http_source_open(&source, name, &size);
    if (n < 0) {
        return (int)n;
    }
    source.can_wait = false; /* there is nothing else to do */
    do {
        if (room - n_data < 2) {
            room = room ? room * 2 : 65536;
            grown = realloc(data, room);
            if (!grown) {
                n = -ENOMEM;
                break;
            }
            data = grown;
        }
        n = http_source_read(&source, data + n_data, room - n_data - 1);
        n_data += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    http_source_close(&source);

    if (n < 0) {
        free(data);
        return (int)n;
    }
    data[n_data] = '\0';
    *ret = data;
    *ret_size = n_data;
    return 0;
}

/* ---- where the answer goes ------------------------------------------------------------------- */

void http_sink_init(struct http_sink *sink, const char *name, struct http_progress *progress) {
    bool is_standard = !name || strcmp(name, "-") == 0;

    *sink = (struct http_sink){.name = is_standard ? NULL : name, .fd = -1, .progress = progress};
    sink->is_guarded = !name && isatty(STDOUT_FILENO);
    if (is_standard && isatty(STDOUT_FILENO)) {
        progress->is_shown = false; /* the two would write over each other */
    }
}

int http_sink_open(struct http_sink *sink) {
    if (sink->fd >= 0) {
        return 0;
    }
    sink->fd = STDOUT_FILENO;
    if (sink->name) {
        int how = sink->is_appended ? O_APPEND : O_TRUNC;

        sink->fd = open(sink->name, O_WRONLY | O_CREAT | how | O_CLOEXEC, 0666);
    }
    return sink->fd < 0 ? -errno : 0;
}

int http_sink_write(struct http_sink *sink, const void *data, size_t size) {
    const char *at = data;
    size_t left = size;

    if (sink->is_guarded && memchr(data, '\0', size)) {
        return -EILSEQ;
    }
    while (left > 0) {
        struct pollfd writable = {.fd = sink->fd, .events = POLLOUT};
        ssize_t n = write(sink->fd, at, left);

        if (n < 0 && errno == EAGAIN) {
            poll(&writable, 1, -1); /* somebody made our standard output non-blocking */
        } else if (n < 0 && errno != EINTR) {
            sink->is_broken = errno == EPIPE;
            return -errno;
        } else if (n > 0) {
            at += n;
            left -= (size_t)n;
        }
    }
    http_progress_add(sink->progress, size);
    return 0;
}

int http_sink_close(struct http_sink *sink) {
    int fd = sink->fd;

    sink->fd = -1;
    return fd > STDOUT_FILENO && close(fd) < 0 ? -errno : 0;
}
