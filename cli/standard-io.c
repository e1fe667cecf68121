/* SPDX-License-Identifier: MIT */
/* standard-io.c - standard input and output as the two ends of what listen and connect copy. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "output.h"

#define ROOM_MIN        ((size_t)64 << 10)
#define PIPE_WRITE_SAFE 4096 /* what a pipe that is writable takes without blocking: PIPE_BUF */

size_t copy_n_held(const struct copy_buffer *buffer) {
    return buffer->end - buffer->begin;
}

void copy_consume(struct copy_buffer *buffer, size_t n) {
    buffer->begin += n;
    if (buffer->begin == buffer->end) {
        buffer->begin = buffer->end = 0;
    }
}

int copy_make_room(struct copy_buffer *buffer, size_t n, size_t max) {
    size_t n_room = buffer->n_room > 0 ? buffer->n_room : ROOM_MIN;
    char *grown;

    if (buffer->begin > 0) {
        memmove(buffer->data, buffer->data + buffer->begin, copy_n_held(buffer));
        buffer->end -= buffer->begin;
        buffer->begin = 0;
    }
    if (n > max || buffer->end > max - n) {
        return -EMSGSIZE;
    }
    while (n_room < buffer->end + n) {
        n_room *= 2;
    }
    if (n_room == buffer->n_room) {
        return 0;
    }
    grown = realloc(buffer->data, n_room);
    if (grown == NULL) {
        return -ENOMEM;
    }
    buffer->data = grown;
    buffer->n_room = n_room;
    return 0;
}

int copy_read_input(struct copy *copy, size_t max) {
    struct copy_buffer *buffer = &copy->to_socket;
    int r = copy_make_room(buffer, 1, max);
    ssize_t n;

    if (r == -EMSGSIZE) {
        cli_say("standard input is too large for one message: the limit is %zu bytes", max);
    } else if (r < 0) {
        cli_say("standard input: %s", strerror(-r));
    }
    if (r < 0) {
        return r;
    }
    n = read(copy->in, buffer->data + buffer->end, buffer->n_room - buffer->end);
    if (n > 0) {
        buffer->end += (size_t)n;
    } else if (n == 0) {
        copy->in = -1;
    } else if (errno != EAGAIN && errno != EINTR) {
        r = -errno;
        cli_say("standard input: %s", strerror(-r));
    }
    return r;
}

int copy_write_output(struct copy *copy) {
    struct copy_buffer *buffer = &copy->to_output;
    size_t n_held = copy_n_held(buffer);
    size_t n_max = n_held < copy->max_write ? n_held : copy->max_write;
    ssize_t n = write(copy->out, buffer->data + buffer->begin, n_max);

    if (n >= 0) {
        copy_consume(buffer, (size_t)n);
        return 0;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return 0;
    }
    n = -errno;
    copy->is_output_gone = true;
    if (n != -EPIPE) { /* no message: `sunpath listen x | head` is fine */
        cli_say("standard output: %s", strerror((int)-n));
    }
    return (int)n;
}

bool copy_is_output_safe(const struct copy *copy) {
    return copy->max_write != PIPE_WRITE_SAFE;
}

void copy_end_output(struct copy *copy) {
    int nowhere = -1;

    if (copy->is_output_ended) {
        return;
    }
    copy->is_output_ended = true;
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (copy->out != STDOUT_FILENO) {
        close(copy->out);
    }
    copy->out = STDOUT_FILENO;
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        close(nowhere);
    }
}

/*
 * Writing must not block while there is something to send. A pipe is opened once more, since
 * O_NONBLOCK on descriptor 1 itself would hit everyone who shares it; where that is not allowed
 * (a pipe of another user) it takes small writes only.
 */
static void open_output(struct copy *copy) {
    struct stat status;

    copy->out = STDOUT_FILENO;
    copy->max_write = SIZE_MAX;
    if (fstat(STDOUT_FILENO, &status) < 0 || !S_ISFIFO(status.st_mode)) {
        return;
    }
    copy->out = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (copy->out < 0) {
        copy->out = STDOUT_FILENO;
        copy->max_write = PIPE_WRITE_SAFE;
    }
}

int copy_init(struct copy *copy) {
    const struct message_options *messages = &copy->messages;
    bool has_lines = messages->has_lines || (messages->framing != 0 && !messages->is_whole);
    int r = copy_make_room(&copy->to_output, 1, SIZE_MAX);

    if (r < 0) {
        return r;
    }
    copy->in = STDIN_FILENO;
    copy->is_in_lines = has_lines || (!messages->is_whole && isatty(STDIN_FILENO));
    copy->is_out_lines = has_lines || (!messages->is_whole && isatty(STDOUT_FILENO));
    open_output(copy);
    return 0;
}

void copy_deinit(struct copy *copy) {
    free(copy->to_socket.data);
    free(copy->to_output.data);
}
