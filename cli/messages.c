/* SPDX-License-Identifier: MIT */
/* messages.c - standard input to a channel and back, message by message, or a command on each. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "copy.h"
#include "output.h"

#define OUTPUT_ENOUGH  (64 << 10) /* held for standard output: no more is received meanwhile */
#define REPLY_WAIT_MS  1000       /* how long a datagram sender may take to make room */
#define REPLY_RETRY_MS 5

/* What a channel is up to; the rest of the state outlives it, in struct copy. */
struct session {
    struct copy *copy;
    const struct message_options *options;
    struct sunpath_loop *loop;
    struct sunpath_channel *channel;
    enum sunpath_type type;
    struct sunpath_address sender; /* datagrams: of the last one; n_name 0: it has no name */
    char *reply;                   /* room for what a command prints */
    size_t n_unsent;               /* messages that the channel has and the kernel has not */
    int reply_waited_ms;
    int status;
    bool has_sent_fds; /* they go with the first message */
    bool is_full;      /* the channel has enough to send */
    bool is_send_over; /* nothing more will be sent */
    bool has_ended;    /* the peer sends no more */
    bool is_closed;    /* the channel is over */
    bool is_lossy;     /* the peer left before it had everything */
    bool has_lost;     /* something came that could not be shown, and it was said */
    bool is_done;
};

bool messages_are_meant(const struct message_options *options, enum sunpath_type type) {
    if (type == SUNPATH_STREAM) {
        return options->framing != 0;
    }
    return options->command == NULL || options->takes_fds || options->count > 0;
}

bool messages_are_enough(const struct copy *copy) {
    return copy->messages.count > 0 && copy->n_messages >= copy->messages.count;
}

static void end(struct session *s, int status) {
    if (!s->is_done) {
        s->is_done = true;
        s->status = status;
    }
}

static void fail(struct session *s, int code, const char *what) {
    if (!s->is_done) {
        cli_say("%s: %s", what, strerror(-code));
        end(s, cli_exit_for_code(code));
    }
}

static bool is_answering(const struct session *s) {
    return s->copy->is_server && s->type == SUNPATH_DGRAM;
}

/* Do messages come from standard input, and go to standard output? */
static bool is_copying(const struct session *s) {
    return s->options->command == NULL && !s->options->is_echo;
}

/* ---- sending --------------------------------------------------------------------------------- */

/*
 * The next message, if it is complete: a line or all of the input. *ret_used also counts the
 * newline, which is not sent. Descriptors that nothing was read for go with an empty one.
 */
static bool next_piece(const struct session *s, size_t *ret_size, size_t *ret_used) {
    const struct copy_buffer *buffer = &s->copy->to_socket;
    const char *newline = NULL;

    *ret_size = *ret_used = copy_n_held(buffer);
    if (*ret_size == 0) {
        return s->copy->in < 0 && s->options->n_fds > 0 && !s->has_sent_fds;
    }
    if (s->copy->is_in_lines) {
        newline = memchr(buffer->data + buffer->begin, '\n', *ret_size);
    }
    if (newline != NULL) {
        *ret_size = (size_t)(newline - buffer->data) - buffer->begin;
        *ret_used = *ret_size + 1;
    }
    return newline != NULL || s->copy->in < 0;
}

static bool has_piece(const struct session *s) {
    size_t size, used;

    return is_copying(s) && next_piece(s, &size, &used);
}

/* A datagram can only be answered once there was one. */
static bool can_send(const struct session *s) {
    return !s->is_done && !s->is_closed && !s->is_send_over && !s->is_full &&
           (!is_answering(s) || s->sender.n_name > 0);
}

static bool wants_input(const struct session *s) {
    return is_copying(s) && s->copy->in >= 0 && !s->is_send_over && !s->is_closed &&
           !has_piece(s) && !messages_are_enough(s->copy);
}

static void read_input(struct session *s) {
    int r = copy_read_input(s->copy, MESSAGE_MAX);

    if (r < 0) {
        end(s, cli_exit_for_code(r));
    }
}

static void on_sent(struct sunpath_channel *channel, int error, void *user) {
    struct session *s = user;

    (void)channel;
    s->n_unsent--;
    if (error == 0 || error == -ECANCELED) {
        return;
    }
    if (s->type == SUNPATH_DGRAM) {
        fail(s, error, "send");
    } else {
        s->is_lossy = true; /* why, is for on_close to say */
    }
}

static void say_too_large(const struct session *s, size_t size) {
    size_t max = sunpath_channel_max_message(s->channel);

    if (s->type == SUNPATH_STREAM) {
        cli_say("a message of %zu bytes is over the limit of %zu: --frame %s", size, max,
                sunpath_framing_name(s->options->framing));
    } else {
        cli_say("a message of %zu bytes is larger than this socket takes: see --send-buffer", size);
    }
}

/* There is nobody to wait for: what was to be answered is dropped, and said so. */
static bool is_reply_dropped(struct session *s, int error) {
    if (!is_answering(s) || error == -EMSGSIZE ||
        (error == -EAGAIN && is_copying(s) && s->reply_waited_ms < REPLY_WAIT_MS)) {
        return false;
    }
    cli_say("an answer was dropped: the sender %s", error == -EAGAIN ? "does not read" : "is gone");
    return true;
}

/* Returns true when the message needs not be kept: it was taken, or can never be. */
static bool send_message(struct session *s, const void *data, size_t size) {
    struct sunpath_channel_send_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_send_options);
    int r;

    options.to = is_answering(s) ? &s->sender : NULL;
    options.fds = s->options->fds;
    options.n_fds = s->has_sent_fds ? 0 : s->options->n_fds;
    options.on_sent = on_sent;
    options.user = s;
    r = sunpath_channel_send(s->channel, data, size, &options);
    if (r >= 0) {
        s->n_unsent++;
        s->has_sent_fds = true;
        s->is_full = r == 1;
        return true;
    }
    if (is_reply_dropped(s, r)) {
        return true;
    }
    if (r == -EPIPE) {
        s->is_send_over = s->is_lossy = true; /* on_close follows */
    } else if (r == -EMSGSIZE) {
        say_too_large(s, size);
        end(s, CLI_FAILED);
    } else if (r == -EINVAL) {
        cli_say("a message holds what ends one: --frame %s",
                sunpath_framing_name(s->options->framing));
        end(s, CLI_FAILED);
    } else if (r != -EAGAIN) {
        fail(s, r, "send");
    }
    return false;
}

/* Nothing more will be sent: does the peer learn it, or is it over altogether? */
static void end_sending(struct session *s) {
    s->is_send_over = true;
    if (s->type != SUNPATH_DGRAM && (s->copy->half_close || s->has_ended)) {
        sunpath_channel_end(s->channel);
    }
}

static void send_some(struct session *s) {
    struct copy_buffer *buffer = &s->copy->to_socket;
    size_t size, used;

    while (is_copying(s) && can_send(s) && next_piece(s, &size, &used)) {
        if (!send_message(s, buffer->data + buffer->begin, size)) {
            return;
        }
        s->reply_waited_ms = 0;
        copy_consume(buffer, used);
    }
    if (is_copying(s) && !s->is_send_over && !s->is_closed && s->copy->in < 0 && !has_piece(s)) {
        end_sending(s);
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void print(struct session *s, const void *data, size_t size) {
    struct copy_buffer *buffer = &s->copy->to_output;
    int r = copy_make_room(buffer, size + 1, SIZE_MAX);

    if (r < 0) {
        fail(s, r, "standard output");
    } else if (size > 0) {
        memcpy(buffer->data + buffer->end, data, size);
        buffer->end += size;
    }
}

/* What is to be known about a message: in front of its dump, or on standard error. */
static void note(struct session *s, const char *text) {
    if (s->options->is_hex) {
        print(s, text, strlen(text));
        print(s, "\n", 1);
    } else {
        cli_say("%s", text);
    }
}

static void show_fds(struct session *s, const struct sunpath_channel_message *message) {
    char what[1200], line[1300];

    if (message->n_fds > 0 && !s->options->takes_fds) {
        cli_say("message %llu: %zu descriptor%s that came with it %s closed: see --fd-in",
                (unsigned long long)message->number, message->n_fds, message->n_fds == 1 ? "" : "s",
                message->n_fds == 1 ? "was" : "were");
        return;
    }
    for (size_t i = 0; i < message->n_fds; i++) {
        message_describe_fd(what, sizeof(what), message->fds[i]);
        snprintf(line, sizeof(line), "message %llu, descriptor %zu: %s",
                 (unsigned long long)message->number, i + 1, what);
        note(s, line);
    }
}

static void show(struct session *s, const struct sunpath_channel_message *message) {
    const char *bytes = message->data;
    char line[MESSAGE_HEX_LINE];

    show_fds(s, message);
    if (s->options->is_hex) {
        for (size_t i = 0; i < message->size; i += MESSAGE_HEX_BYTES) {
            print(s, line, message_hex_line(line, bytes, message->size, i));
        }
        return;
    }
    print(s, bytes, message->size);
    if (s->copy->is_out_lines && (message->size == 0 || bytes[message->size - 1] != '\n')) {
        print(s, "\n", 1);
    }
}

/* What the command prints is the answer; nothing is none. */
static void answer(struct session *s, const struct sunpath_channel_message *message) {
    ssize_t n = child_answer(s->options->command, message, sunpath_channel_fd(s->channel), s->reply,
                             MESSAGE_MAX, s->copy->signals, &s->copy->signal);

    if (s->copy->signal != 0) {
        end(s, CLI_FAILED);
    } else if (n < 0) {
        cli_say("an answer was dropped: %s", strerror((int)-n));
    } else if (n > 0 && (!is_answering(s) || s->sender.n_name > 0)) {
        send_message(s, s->reply, (size_t)n);
    }
}

static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    struct session *s = user;
    char text[SUNPATH_NAME_MAX + 512];

    s->sender.n_name = 0;
    if (message->sender) {
        s->sender = *message->sender;
    }
    s->copy->n_messages++;
    if (s->options->is_verbose || s->options->is_hex) {
        message_describe(text, sizeof(text), message);
        note(s, text);
    }
    if (s->options->command != NULL) {
        answer(s, message);
    } else if (!s->options->is_echo) {
        show(s, message);
    } else if (!is_answering(s) || s->sender.n_name > 0) {
        send_message(s, message->data, message->size);
    }
    if (s->is_done || s->is_full || messages_are_enough(s->copy) ||
        copy_n_held(&s->copy->to_output) >= OUTPUT_ENOUGH) {
        sunpath_channel_pause(channel);
    }
}

static void on_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                    void *user) {
    struct session *s = user;

    (void)channel;
    cli_print_error(error);
    s->has_lost = true;
}

static void on_end(struct sunpath_channel *channel, void *user) {
    struct session *s = user;

    s->has_ended = true;
    if (s->is_send_over || !is_copying(s)) {
        s->is_send_over = true;
        sunpath_channel_end(channel);
    }
}

static void on_drain(struct sunpath_channel *channel, void *user) {
    struct session *s = user;

    (void)channel;
    s->is_full = false;
}

/* The peer can take no more: was there something left for it? */
static bool is_something_left(struct session *s) {
    struct pollfd input = {.fd = s->copy->in, .events = POLLIN};

    if (wants_input(s) && poll(&input, 1, 0) > 0) {
        read_input(s);
    }
    return is_copying(s) && copy_n_held(&s->copy->to_socket) > 0;
}

static void on_close(struct sunpath_channel *channel, const struct sunpath_error *error,
                     void *user) {
    struct session *s = user;

    (void)channel;
    if (error && (error->code == -EPIPE ||
                  (error->code == -ECONNRESET && error->reason != SUNPATH_REASON_PROTOCOL))) {
        s->is_lossy = s->is_lossy || error->code == -ECONNRESET || is_something_left(s);
    } else if (error) {
        cli_print_error(error);
        s->has_lost = true;
    }
    s->is_closed = true;
}

/* ---- the session ----------------------------------------------------------------------------- */

static void finish(struct session *s) {
    const struct copy *copy = s->copy;
    bool is_failed = s->is_lossy || s->has_lost;

    if (s->is_lossy) {
        cli_say("the peer left before it had read everything");
    }
    if (!copy->keeps_output && s->options->count > copy->n_messages) {
        cli_say("it ended after %d of %d messages", copy->n_messages, s->options->count);
        is_failed = true;
    }
    end(s, is_failed ? CLI_FAILED : CLI_OK);
}

static void finish_if_over(struct session *s) {
    bool is_answerless = s->type == SUNPATH_DGRAM && !s->copy->is_server && s->is_send_over &&
                         (s->copy->half_close || !s->copy->is_bound);
    bool is_enough = messages_are_enough(s->copy) && !has_piece(s);

    if (s->is_done || copy_n_held(&s->copy->to_output) > 0) {
        return;
    }
    if (s->is_closed || ((is_answerless || is_enough) && s->n_unsent == 0)) {
        finish(s);
    }
}

/* An answer did not fit: a socket that is not connected cannot say when there is room again. */
static bool is_retrying(const struct session *s) {
    return is_answering(s) && can_send(s) && has_piece(s);
}

enum {
    ON_SIGNAL,
    ON_LOOP,
    ON_INPUT,
    ON_OUTPUT,
    N_POLLED
};

static int prepare_poll(const struct session *s, struct pollfd polled[N_POLLED]) {
    bool has_output = copy_n_held(&s->copy->to_output) > 0;

    polled[ON_SIGNAL] = (struct pollfd){.fd = s->copy->signals, .events = POLLIN};
    polled[ON_LOOP] = (struct pollfd){.fd = sunpath_loop_fd(s->loop), .events = POLLIN};
    polled[ON_INPUT] = (struct pollfd){.fd = wants_input(s) ? s->copy->in : -1, .events = POLLIN};
    polled[ON_OUTPUT] = (struct pollfd){.fd = has_output ? s->copy->out : -1, .events = POLLOUT};
    if (is_retrying(s)) {
        return REPLY_RETRY_MS;
    }
    return s->copy->idle_ms > 0 ? s->copy->idle_ms : -1;
}

static void on_timeout(struct session *s, int waited_ms) {
    if (is_retrying(s)) {
        s->reply_waited_ms += waited_ms;
        send_some(s);
    } else if (copy_n_held(&s->copy->to_output) == 0 &&
               (s->is_send_over || s->type == SUNPATH_DGRAM)) {
        finish(s); /* there was only an answer to wait for, and it is over */
    } else {
        cli_say("nothing was sent or received for %g s", s->copy->idle_ms / 1000.0);
        end(s, CLI_FAILED);
    }
}

static void write_output(struct session *s) {
    int r = copy_write_output(s->copy);

    if (r < 0) {
        end(s, r == -EPIPE ? CLI_FAILED : cli_exit_for_code(r));
    }
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
    if (polled[ON_LOOP].revents) {
        sunpath_loop_dispatch(s->loop, 0);
    }
    send_some(s);
    if (!s->is_done && copy_n_held(&s->copy->to_output) > 0 &&
        (polled[ON_OUTPUT].revents || copy_is_output_safe(s->copy))) {
        write_output(s);
    }
    if (copy_n_held(&s->copy->to_output) == 0 && !s->is_full && !messages_are_enough(s->copy)) {
        sunpath_channel_resume(s->channel);
    }
    if (s->has_ended && !s->copy->keeps_output && copy_n_held(&s->copy->to_output) == 0) {
        copy_end_output(s->copy);
    }
    finish_if_over(s);
}

static int open_channel(struct session *s, int fd) {
    static const struct sunpath_channel_events events = {.on_message = on_message,
                                                         .on_lost = on_lost,
                                                         .on_end = on_end,
                                                         .on_drain = on_drain,
                                                         .on_close = on_close};
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int r = own_fd < 0 ? -errno : sunpath_loop_open(&s->loop);

    options.framing = s->options->framing;
    options.max_message = MESSAGE_MAX;
    options.max_fds = SUNPATH_FDS_MAX; /* those that are not wanted cost no message */
    options.want_credentials = s->options->is_verbose || s->options->command != NULL;
    options.full = is_answering(s) ? SUNPATH_FULL_REPORT : SUNPATH_FULL_WAIT;
    if (r == 0) {
        r = sunpath_channel_open(&s->channel, s->loop, own_fd, &events, s, &options);
    }
    if (r < 0 && own_fd >= 0) {
        close(own_fd);
    }
    return r;
}

static void run(struct session *s) {
    struct pollfd polled[N_POLLED] = {{0}};

    work(s, polled);
    while (!s->is_done) {
        int wait_ms = prepare_poll(s, polled);
        int n = poll(polled, N_POLLED, wait_ms);

        if (n == 0) {
            on_timeout(s, wait_ms);
        } else if (n > 0) {
            work(s, polled);
        } else if (errno != EINTR) {
            fail(s, -errno, "poll");
        }
    }
}

int messages_run(struct copy *copy, int fd) {
    struct session *s = calloc(1, sizeof(*s));
    int status = CLI_FAILED;
    int r = s == NULL ? -ENOMEM : 0;

    if (r == 0) {
        s->copy = copy;
        s->options = &copy->messages;
        s->type = type_of(fd);
        s->reply = s->options->command != NULL ? malloc(MESSAGE_MAX) : NULL;
        r = s->options->command != NULL && s->reply == NULL ? -ENOMEM : open_channel(s, fd);
    }
    if (r == 0) {
        run(s);
        status = s->status;
    } else {
        cli_say("messages: %s", strerror(-r));
    }
    if (s != NULL) {
        sunpath_channel_close(s->channel);
        sunpath_loop_close(s->loop);
        free(s->reply);
        free(s);
    }
    copy->to_socket.begin = copy->to_socket.end = 0; /* it was meant for this peer */
    return status;
}
