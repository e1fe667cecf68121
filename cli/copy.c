/* SPDX-License-Identifier: MIT */
/* copy.c - standard input to a stream and back, nothing lost, whoever is slow. */

#include "copy.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cli.h"
#include "output.h"

#define STREAM_ROOM (64 << 10)

/* What a connection is up to; the rest of the state outlives it, in struct copy. */
struct session {
    struct copy *copy;
    int fd;
    bool is_send_over;    /* nothing more will be sent */
    bool is_receive_over; /* nothing more will be received */
    bool is_lossy;        /* the peer left before it had everything */
    int status;
    bool is_done;
};

static void end(struct session *s, int status) {
    s->is_done = true;
    s->status = status;
}

static void fail(struct session *s, int code, const char *what) {
    cli_say("%s: %s", what, strerror(-code));
    end(s, cli_exit_for_code(code));
}

static bool has_piece(const struct session *s) {
    return copy_n_held(&s->copy->to_socket) > 0;
}

static bool wants_input(const struct session *s) {
    return s->copy->in >= 0 && !s->is_send_over && !has_piece(s);
}

static void read_input(struct session *s) {
    int r = copy_read_input(s->copy, STREAM_ROOM);

    if (r < 0) {
        end(s, cli_exit_for_code(r));
    }
}

static void send_piece(struct session *s) {
    struct copy_buffer *buffer = &s->copy->to_socket;
    ssize_t n = sunpath_send(s->fd, buffer->data + buffer->begin, copy_n_held(buffer), NULL);

    if (n >= 0) {
        copy_consume(buffer, (size_t)n);
    } else if (n == -EPIPE) {
        s->is_send_over = true; /* what the peer said before it left is still to be read */
        s->is_lossy = true;
    } else if (n != -EAGAIN) {
        fail(s, (int)n, "send");
    }
}

static void send_some(struct session *s) {
    while (!s->is_done && !s->is_send_over && has_piece(s)) {
        size_t before = copy_n_held(&s->copy->to_socket);

        send_piece(s);
        if (copy_n_held(&s->copy->to_socket) == before) {
            return;
        }
    }
    if (!s->is_send_over && s->copy->in < 0 && !has_piece(s)) {
        s->is_send_over = true;
        if (s->copy->half_close) {
            sunpath_end(s->fd); /* fails only when the peer is gone: receiving tells */
        }
    }
}

static bool wants_bytes(const struct session *s) {
    return !s->is_receive_over && copy_n_held(&s->copy->to_output) == 0;
}

static void receive(struct session *s) {
    struct copy_buffer *buffer = &s->copy->to_output;
    struct sunpath_message message = {.data = buffer->data, .n_data = STREAM_ROOM};
    int r = sunpath_receive(s->fd, &message);

    if (r == -ETOOMANYREFS) {
        cli_say("descriptors that came with a message were closed");
        r = 1;
    }
    if (r == 1) {
        buffer->end = message.size;
    } else if (r == 0) {
        s->is_receive_over = true;
    } else if (r == -ECONNRESET) {
        s->is_receive_over = s->is_send_over = true;
        s->is_lossy = true;
    } else if (r != -EAGAIN) {
        fail(s, r, "receive");
    }
}

static void write_output(struct session *s) {
    int r = copy_write_output(s->copy);

    if (r < 0) {
        end(s, r == -EPIPE ? CLI_FAILED : cli_exit_for_code(r));
    }
}

/* The peer can take no more: was there something left for it? */
static void peer_is_gone(struct session *s) {
    struct pollfd input = {.fd = s->copy->in, .events = POLLIN};

    if (wants_input(s) && poll(&input, 1, 0) > 0) {
        read_input(s);
    }
    s->is_lossy = s->is_lossy || has_piece(s);
    s->is_send_over = true;
}

static void finish_if_over(struct session *s) {
    if (s->is_done || copy_n_held(&s->copy->to_output) > 0) {
        return;
    }
    if (s->is_send_over && s->is_receive_over) {
        if (s->is_lossy) {
            cli_say("the peer left before it had read everything");
        }
        end(s, s->is_lossy ? CLI_FAILED : CLI_OK);
    }
}

enum {
    ON_SIGNAL,
    ON_SOCKET,
    ON_INPUT,
    ON_OUTPUT,
    N_POLLED
};

static int prepare_poll(const struct session *s, struct pollfd polled[N_POLLED]) {
    bool has_output = copy_n_held(&s->copy->to_output) > 0;
    short events = wants_bytes(s) ? POLLIN : 0;

    events |= !s->is_send_over && has_piece(s) ? POLLOUT : 0;
    polled[ON_SIGNAL] = (struct pollfd){.fd = s->copy->signals, .events = POLLIN};

    /* a peer that left is reported for ever: watched only when there is something to do about it */
    polled[ON_SOCKET] = (struct pollfd){.fd = -1, .events = events};
    if (events != 0 || (s->is_receive_over && !s->is_send_over)) {
        polled[ON_SOCKET].fd = s->fd;
    }
    polled[ON_INPUT] = (struct pollfd){.fd = wants_input(s) ? s->copy->in : -1, .events = POLLIN};
    polled[ON_OUTPUT] = (struct pollfd){.fd = has_output ? s->copy->out : -1, .events = POLLOUT};
    return s->copy->idle_ms > 0 ? s->copy->idle_ms : -1;
}

static void on_timeout(struct session *s) {
    if (copy_n_held(&s->copy->to_output) == 0 && s->is_send_over) {
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
    if (!s->is_done && polled[ON_SOCKET].revents && wants_bytes(s)) {
        receive(s);
    }
    if (!s->is_done && copy_n_held(&s->copy->to_output) > 0 &&
        (polled[ON_OUTPUT].revents || copy_is_output_safe(s->copy))) {
        write_output(s);
    }
    if (s->is_receive_over && !s->copy->keeps_output && copy_n_held(&s->copy->to_output) == 0) {
        copy_end_output(s->copy);
    }
    if (s->is_receive_over && !s->is_send_over && (polled[ON_SOCKET].revents & POLLHUP)) {
        peer_is_gone(s);
    }
    finish_if_over(s);
}

int copy_run(struct copy *copy, int fd) {
    struct session s = {.copy = copy, .fd = fd};
    struct pollfd polled[N_POLLED];

    if (messages_are_meant(&copy->messages, type_of(fd))) {
        return messages_run(copy, fd);
    }
    send_some(&s);
    finish_if_over(&s);
    while (!s.is_done) {
        int n = poll(polled, N_POLLED, prepare_poll(&s, polled));

        if (n == 0) {
            on_timeout(&s);
        } else if (n > 0) {
            work(&s, polled);
        } else if (errno != EINTR) {
            fail(&s, -errno, "poll");
        }
    }
    copy->to_socket.begin = copy->to_socket.end = 0; /* it was meant for this peer */
    return s.status;
}
