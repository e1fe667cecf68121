/* SPDX-License-Identifier: MIT */
/* copy.c - standard input to a connection and back, nothing lost, whoever is slow. */

#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "output.h"

#define STREAM_ROOM     (64 << 10)
#define PIPE_WRITE_SAFE 4096 /* what a pipe that is writable takes without blocking: PIPE_BUF */
#define REPLY_WAIT_MS   1000 /* how long a datagram sender may take to make room for an answer */
#define REPLY_RETRY_MS  5

/* What a connection is up to; the rest of the state outlives it, in struct copy. */
struct session {
    struct copy *copy;
    int fd;
    enum sunpath_type type;
    bool is_send_over;    /* nothing more will be sent */
    bool is_receive_over; /* nothing more will be received */
    bool is_lossy;        /* the peer left before it had everything */
    int reply_waited_ms;
    int status;
    bool is_done;
};

static size_t n_held(const struct copy_buffer *buffer) {
    return buffer->end - buffer->begin;
}

static void consume(struct copy_buffer *buffer, size_t n) {
    buffer->begin += n;
    if (buffer->begin == buffer->end) {
        buffer->begin = buffer->end = 0;
    }
}

/* Room for at least one more byte, up to `max` in all. False when that is reached. */
static int make_room(struct copy_buffer *buffer, size_t max) {
    size_t n_room = buffer->n_room > 0 ? buffer->n_room * 2 : STREAM_ROOM;
    char *grown;

    if (buffer->begin > 0) {
        memmove(buffer->data, buffer->data + buffer->begin, n_held(buffer));
        buffer->end -= buffer->begin;
        buffer->begin = 0;
    }
    if (buffer->end < buffer->n_room) {
        return 0;
    }
    if (buffer->n_room >= max) {
        return -EMSGSIZE;
    }
    grown = realloc(buffer->data, n_room);
    if (grown == NULL) {
        return -ENOMEM;
    }
    buffer->data = grown;
    buffer->n_room = n_room;
    return 0;
}

static void end(struct session *s, int status) {
    s->is_done = true;
    s->status = status;
}

static void fail(struct session *s, int code, const char *what) {
    struct sunpath_error error = {.code = code};

    cli_say("%s: %s", what, strerror(-code));
    end(s, cli_exit_for(&error));
}

/*
 * The next piece to send, if it is complete: for a stream whatever is there, for messages a line or
 * all of the input. *ret_used also counts the newline, which is not sent.
 */
static bool next_piece(const struct session *s, size_t *ret_size, size_t *ret_used) {
    const struct copy_buffer *buffer = &s->copy->to_socket;
    const char *newline;

    *ret_size = *ret_used = n_held(buffer);
    if (*ret_size == 0) {
        return false;
    }
    if (s->type == SUNPATH_STREAM) {
        return true;
    }
    newline = s->copy->is_in_lines ? memchr(buffer->data + buffer->begin, '\n', *ret_size) : NULL;
    if (newline != NULL) {
        *ret_size = (size_t)(newline - buffer->data) - buffer->begin;
        *ret_used = *ret_size + 1;
    }
    return newline != NULL || s->copy->in < 0;
}

static bool wants_input(const struct session *s) {
    size_t size, used;

    return s->copy->in >= 0 && !s->is_send_over && !next_piece(s, &size, &used);
}

static void read_input(struct session *s) {
    struct copy_buffer *buffer = &s->copy->to_socket;
    ssize_t n;
    int r = make_room(buffer, s->type == SUNPATH_STREAM ? STREAM_ROOM : COPY_MESSAGE_MAX);

    if (r < 0) {
        fail(s, r, "standard input is too large for one message");
        return;
    }
    n = read(s->copy->in, buffer->data + buffer->end, buffer->n_room - buffer->end);
    if (n > 0) {
        buffer->end += (size_t)n;
    } else if (n == 0) {
        s->copy->in = -1;
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(s, -errno, "standard input");
    }
}

/* There is nobody to wait for: what was to be answered is dropped, and said so. */
static bool is_reply_dropped(struct session *s, ssize_t result) {
    const char *why = result == -EAGAIN ? "does not read" : "is gone";

    if (!s->copy->is_server || s->type != SUNPATH_DGRAM || result >= 0 || result == -EMSGSIZE ||
        (result == -EAGAIN && s->reply_waited_ms < REPLY_WAIT_MS)) {
        return false;
    }
    cli_say("an answer was dropped: the sender %s", why);
    return true;
}

static void send_piece(struct session *s, size_t size, size_t used) {
    struct copy_buffer *buffer = &s->copy->to_socket;
    struct sunpath_send_options options = SUNPATH_OPTIONS(struct sunpath_send_options);
    ssize_t n;

    options.to = s->copy->is_server && s->type == SUNPATH_DGRAM ? s->copy->sender : NULL;
    n = sunpath_send(s->fd, buffer->data + buffer->begin, size, &options);
    if (n >= 0 || is_reply_dropped(s, n)) {
        s->reply_waited_ms = 0;
        consume(buffer, s->type == SUNPATH_STREAM ? (size_t)n : used);
    } else if (n == -EPIPE && s->type != SUNPATH_DGRAM) {
        s->is_send_over = true; /* what the peer said before it left is still to be read */
        s->is_lossy = true;
    } else if (n == -EMSGSIZE) {
        cli_say("a message of %zu bytes is larger than this socket takes: see --send-buffer", size);
        end(s, CLI_FAILED);
    } else if (n != -EAGAIN) {
        fail(s, (int)n, "send");
    }
}

/* A datagram can only be answered once there was one. */
static bool can_send(const struct session *s) {
    return !s->is_send_over &&
           (s->type != SUNPATH_DGRAM || !s->copy->is_server || s->copy->sender->n_name > 0);
}

static void send_some(struct session *s) {
    size_t size, used;

    while (!s->is_done && can_send(s) && next_piece(s, &size, &used)) {
        size_t before = n_held(&s->copy->to_socket);

        send_piece(s, size, used);
        if (n_held(&s->copy->to_socket) == before) {
            return;
        }
    }
    if (!s->is_send_over && s->copy->in < 0 && n_held(&s->copy->to_socket) == 0) {
        s->is_send_over = true;
        if (s->copy->half_close && s->type != SUNPATH_DGRAM) {
            sunpath_end(s->fd); /* fails only when the peer is gone: receiving tells */
        }
    }
}

static bool wants_message(const struct session *s) {
    return !s->is_receive_over && n_held(&s->copy->to_output) == 0;
}

static void take_message(struct session *s, const struct sunpath_message *message) {
    struct copy_buffer *buffer = &s->copy->to_output;

    buffer->begin = 0;
    buffer->end = message->size;
    if (s->copy->is_out_lines && s->type != SUNPATH_STREAM &&
        (message->size == 0 || buffer->data[buffer->end - 1] != '\n')) {
        buffer->data[buffer->end++] = '\n'; /* one byte is kept free for it */
    }
}

static void receive(struct session *s) {
    struct copy_buffer *buffer = &s->copy->to_output;
    bool is_server = s->copy->is_server && s->type == SUNPATH_DGRAM;
    struct sunpath_message message = {
        .data = buffer->data,
        .n_data = s->type == SUNPATH_STREAM ? STREAM_ROOM : COPY_MESSAGE_MAX,
        .sender = is_server ? s->copy->sender : NULL,
    };
    int r = sunpath_receive(s->fd, &message);

    if (is_server && (r == 1 || r == -ETOOMANYREFS) && !message.has_sender) {
        s->copy->sender->n_name = 0; /* an anonymous sender cannot be answered */
    }
    if (r == -ETOOMANYREFS) {
        cli_say("descriptors that came with a message were closed");
        r = 1;
    }
    if (r == 1) {
        take_message(s, &message);
    } else if (r == 0) {
        s->is_receive_over = true;
    } else if (r == -EMSGSIZE) {
        cli_say("a message of %zu bytes was lost: the limit is %d", message.size, COPY_MESSAGE_MAX);
        s->is_lossy = true;
    } else if (r == -ECONNRESET) {
        s->is_receive_over = s->is_send_over = true;
        s->is_lossy = true;
    } else if (r != -EAGAIN) {
        fail(s, r, "receive");
    }
}

static void write_output(struct session *s) {
    struct copy_buffer *buffer = &s->copy->to_output;
    size_t n_max = n_held(buffer) < s->copy->max_write ? n_held(buffer) : s->copy->max_write;
    ssize_t n = write(s->copy->out, buffer->data + buffer->begin, n_max);

    if (n >= 0) {
        consume(buffer, (size_t)n);
    } else if (errno == EPIPE) {
        s->copy->is_output_gone = true; /* no message: `sunpath listen x | head` is fine */
        end(s, CLI_FAILED);
    } else if (errno != EAGAIN && errno != EINTR) {
        s->copy->is_output_gone = true;
        fail(s, -errno, "standard output");
    }
}

/* The reader of our output is to learn that no more will come, while we may go on sending. */
static void end_output(struct copy *copy) {
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

/* The peer can take no more: was there something left for it? */
static void peer_is_gone(struct session *s) {
    struct pollfd input = {.fd = s->copy->in, .events = POLLIN};

    if (wants_input(s) && poll(&input, 1, 0) > 0) {
        read_input(s);
    }
    s->is_lossy = s->is_lossy || n_held(&s->copy->to_socket) > 0;
    s->is_send_over = true;
}

static void finish_if_over(struct session *s) {
    bool is_answerless = s->type == SUNPATH_DGRAM && !s->copy->is_server && s->is_send_over &&
                         (s->copy->half_close || !s->copy->is_bound);

    if (s->is_done || n_held(&s->copy->to_output) > 0) {
        return;
    }
    if ((s->is_send_over && s->is_receive_over) || is_answerless) {
        if (s->is_lossy) {
            cli_say("the peer left before it had read everything");
        }
        end(s, s->is_lossy ? CLI_FAILED : CLI_OK);
    }
}

/* An answer did not fit: an unconnected socket cannot say when its receiver has room again. */
static bool is_retrying(const struct session *s) {
    size_t size, used;

    return s->copy->is_server && s->type == SUNPATH_DGRAM && can_send(s) &&
           next_piece(s, &size, &used);
}

enum {
    ON_SIGNAL,
    ON_SOCKET,
    ON_INPUT,
    ON_OUTPUT,
    N_POLLED
};

static int prepare_poll(const struct session *s, struct pollfd polled[N_POLLED]) {
    size_t size, used;
    bool is_waiting_for_room = !is_retrying(s) && can_send(s) && next_piece(s, &size, &used);
    short events = wants_message(s) ? POLLIN : 0;

    events |= is_waiting_for_room ? POLLOUT : 0;
    polled[ON_SIGNAL] = (struct pollfd){.fd = s->copy->signals, .events = POLLIN};

    /* a peer that left is reported for ever: watched only when there is something to do about it */
    polled[ON_SOCKET] = (struct pollfd){.fd = -1, .events = events};
    if (events != 0 || (s->is_receive_over && !s->is_send_over)) {
        polled[ON_SOCKET].fd = s->fd;
    }
    polled[ON_INPUT] = (struct pollfd){.fd = wants_input(s) ? s->copy->in : -1, .events = POLLIN};
    polled[ON_OUTPUT] = (struct pollfd){.fd = n_held(&s->copy->to_output) > 0 ? s->copy->out : -1,
                                        .events = POLLOUT};
    if (is_retrying(s)) {
        return REPLY_RETRY_MS;
    }
    return s->copy->idle_ms > 0 ? s->copy->idle_ms : -1;
}

static void on_timeout(struct session *s, int waited_ms) {
    if (is_retrying(s)) {
        s->reply_waited_ms += waited_ms;
        send_some(s);
        return;
    }
    if (n_held(&s->copy->to_output) == 0 && (s->is_send_over || s->type == SUNPATH_DGRAM)) {
        end(s, CLI_OK); /* there was only an answer to wait for, and it is over */
        return;
    }
    cli_say("nothing was sent or received for %g s", s->copy->idle_ms / 1000.0);
    end(s, CLI_FAILED);
}

static void work(struct session *s, const struct pollfd polled[N_POLLED]) {
    if (polled[ON_SIGNAL].revents) {
        s->copy->signal = signals_read(s->copy->signals);
        if (s->copy->signal != 0) {
            end(s, CLI_FAILED);
            return;
        }
    }
    if (polled[ON_INPUT].revents) {
        read_input(s);
    }
    if (!s->is_done) {
        send_some(s);
    }
    if (!s->is_done && polled[ON_SOCKET].revents && wants_message(s)) {
        receive(s);
    }
    if (!s->is_done && n_held(&s->copy->to_output) > 0 &&
        (polled[ON_OUTPUT].revents || s->copy->max_write != PIPE_WRITE_SAFE)) {
        write_output(s);
    }
    if (s->is_receive_over && !s->copy->keeps_output && n_held(&s->copy->to_output) == 0) {
        end_output(s->copy);
    }
    if (s->is_receive_over && !s->is_send_over && (polled[ON_SOCKET].revents & POLLHUP)) {
        peer_is_gone(s);
    }
    finish_if_over(s);
}

int copy_run(struct copy *copy, int fd) {
    struct session s = {.copy = copy, .fd = fd, .type = type_of(fd)};
    struct pollfd polled[N_POLLED];

    if (s.type == SUNPATH_SEQPACKET) {
        sunpath_want_credentials(fd, true); /* tells an empty message from the end */
    }
    send_some(&s);
    finish_if_over(&s);
    while (!s.is_done) {
        int wait_ms = prepare_poll(&s, polled);
        int n = poll(polled, N_POLLED, wait_ms);

        if (n == 0) {
            on_timeout(&s, wait_ms);
        } else if (n > 0) {
            work(&s, polled);
        } else if (errno != EINTR) {
            fail(&s, -errno, "poll");
        }
    }
    copy->to_socket.begin = copy->to_socket.end = 0; /* it was meant for this peer */
    return s.status;
}

/*
 * Writing must not block while there is something to send. A pipe is opened once more, since
 * O_NONBLOCK on descriptor 1 itself would hit everyone who shares it; where that is not allowed
 * (a pipe of another user) it takes small writes only.
 */
static void open_output(struct copy *copy) {
    struct stat status;

    copy->out = STDOUT_FILENO;
    copy->max_write = COPY_MESSAGE_MAX + 1;
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
    /* far larger than used: the pages of a message no one sends are never touched */
    copy->to_output = (struct copy_buffer){.data = malloc(COPY_MESSAGE_MAX + 1)};
    copy->sender = calloc(1, sizeof(*copy->sender));
    if (copy->to_output.data == NULL || copy->sender == NULL) {
        copy_deinit(copy);
        return -ENOMEM;
    }
    copy->in = STDIN_FILENO;
    copy->is_in_lines = copy->has_lines || isatty(STDIN_FILENO);
    copy->is_out_lines = copy->has_lines || isatty(STDOUT_FILENO);
    open_output(copy);
    return 0;
}

void copy_deinit(struct copy *copy) {
    free(copy->to_socket.data);
    free(copy->to_output.data);
    free(copy->sender);
}
