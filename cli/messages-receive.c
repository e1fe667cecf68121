/* SPDX-License-Identifier: MIT */
/* messages-receive.c - what a channel brings: printed, dumped, or given to a command. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "messages-session.h"
#include "output.h"

#define OUTPUT_ENOUGH (64 << 10) /* held for standard output: no more is received meanwhile */

static void print(struct message_session *s, const void *data, size_t size) {
    struct copy_buffer *buffer = &s->copy->to_output;
    int r = copy_make_room(buffer, size + 1, SIZE_MAX);

    if (r < 0) {
        session_fail(s, r, "standard output");
    } else if (size > 0) {
        memcpy(buffer->data + buffer->end, data, size);
        buffer->end += size;
    }
}

/* What is to be known about a message: in front of its dump, or on standard error. */
static void note(struct message_session *s, const char *text) {
    if (s->options->is_hex) {
        print(s, text, strlen(text));
        print(s, "\n", 1);
    } else {
        cli_say("%s", text);
    }
}

/* Nobody asked for them: they are closed as if they had not come. */
static void refuse_fds(struct sunpath_channel_message *message) {
    bool is_one = message->n_fds == 1;

    cli_say("message %llu: %zu descriptor%s that came with it %s closed: see --fd-in",
            (unsigned long long)message->number, message->n_fds, is_one ? "" : "s",
            is_one ? "was" : "were");
    for (size_t i = 0; i < message->n_fds; i++) {
        close(message->fds[i]);
        message->fds[i] = -1;
    }
    message->n_fds = 0;
}

static void show_fds(struct message_session *s, const struct sunpath_channel_message *message) {
    char what[1200], line[1300];

    for (size_t i = 0; i < message->n_fds; i++) {
        message_describe_fd(what, sizeof(what), message->fds[i]);
        snprintf(line, sizeof(line), "message %llu, descriptor %zu: %s",
                 (unsigned long long)message->number, i + 1, what);
        note(s, line);
    }
}

static void show(struct message_session *s, const struct sunpath_channel_message *message) {
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
static void answer(struct message_session *s, const struct sunpath_channel_message *message) {
    ssize_t n = child_answer(s->options->command, message, sunpath_channel_fd(s->channel), s->reply,
                             MESSAGE_MAX, s->copy->signals, &s->copy->signal);

    if (s->copy->signal != 0) {
        session_end(s, CLI_FAILED);
    } else if (n < 0) {
        cli_say("an answer was dropped: %s", strerror((int)-n));
    } else if (n > 0 && (!session_is_answering(s) || s->sender.n_name > 0)) {
        session_send(s, s->reply, (size_t)n);
    }
}

static void on_message(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    struct message_session *s = user;
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
    if (message->n_fds > 0 && !s->options->takes_fds) {
        refuse_fds(message);
    }
    if (s->options->command != NULL) {
        answer(s, message);
    } else if (!s->options->is_echo) {
        show(s, message);
    } else if (!session_is_answering(s) || s->sender.n_name > 0) {
        session_send(s, message->data, message->size);
    }
    if (s->is_done || s->is_full || messages_are_enough(s->copy) ||
        copy_n_held(&s->copy->to_output) >= OUTPUT_ENOUGH) {
        sunpath_channel_pause(channel);
    }
}

static void on_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                    void *user) {
    struct message_session *s = user;

    (void)channel;
    cli_print_error(error);
    s->has_lost = true;
}

static void on_end(struct sunpath_channel *channel, void *user) {
    struct message_session *s = user;

    s->has_ended = true;
    if (s->is_send_over || !session_is_copying(s)) {
        s->is_send_over = true;
        sunpath_channel_end(channel);
    }
}

static void on_drain(struct sunpath_channel *channel, void *user) {
    struct message_session *s = user;

    (void)channel;
    s->is_full = false;
}

/* The peer can take no more: was there something left for it? */
static bool is_something_left(struct message_session *s) {
    struct pollfd input = {.fd = s->copy->in, .events = POLLIN};

    if (session_wants_input(s) && poll(&input, 1, 0) > 0) {
        session_read_input(s);
    }
    return session_is_copying(s) && copy_n_held(&s->copy->to_socket) > 0;
}

static void on_close(struct sunpath_channel *channel, const struct sunpath_error *error,
                     void *user) {
    struct message_session *s = user;

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

const struct sunpath_channel_events session_events = {.on_message = on_message,
                                                      .on_lost = on_lost,
                                                      .on_end = on_end,
                                                      .on_drain = on_drain,
                                                      .on_close = on_close};
