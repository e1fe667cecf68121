/* SPDX-License-Identifier: MIT */
/* messages-send.c - standard input to a channel, message by message. */

#include <errno.h>
#include <string.h>

#include "cli.h"
#include "messages-session.h"
#include "output.h"

/*
 * The next message, if it is complete: a line or all of the input. *ret_used also counts the
 * newline, which is not sent. Descriptors that nothing was read for go with an empty one.
 */
static bool next_piece(const struct message_session *s, size_t *ret_size, size_t *ret_used) {
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

bool session_has_piece(const struct message_session *s) {
    size_t size, used;

    return session_is_copying(s) && next_piece(s, &size, &used);
}

/* A datagram can only be answered once there was one. */
bool session_can_send(const struct message_session *s) {
    return !s->is_done && !s->is_closed && !s->is_send_over && !s->is_full &&
           (!session_is_answering(s) || s->sender.n_name > 0);
}

bool session_wants_input(const struct message_session *s) {
    return session_is_copying(s) && s->copy->in >= 0 && !s->is_send_over && !s->is_closed &&
           !session_has_piece(s) && !messages_are_enough(s->copy);
}

void session_read_input(struct message_session *s) {
    int r = copy_read_input(s->copy, MESSAGE_MAX);

    if (r < 0) {
        session_end(s, cli_exit_for_code(r));
    }
}

static void on_sent(struct sunpath_channel *channel, int error, void *user) {
    struct message_session *s = user;

    (void)channel;
    s->n_unsent--;
    if (error == 0 || error == -ECANCELED) {
        return;
    }
    if (s->type == SUNPATH_DGRAM) {
        session_fail(s, error, "send");
    } else {
        s->is_lossy = true; /* why, is for on_close to say */
    }
}

static void say_too_large(const struct message_session *s, size_t size) {
    size_t max = sunpath_channel_max_message(s->channel);

    if (s->type == SUNPATH_STREAM) {
        cli_say("a message of %zu bytes is over the limit of %zu: --frame %s", size, max,
                sunpath_framing_name(s->options->framing));
    } else {
        cli_say("a message of %zu bytes is larger than this socket takes: see --send-buffer", size);
    }
}

/* There is nobody to wait for: what was to be answered is dropped, and said so. */
static bool is_reply_dropped(struct message_session *s, int error) {
    if (!session_is_answering(s) || error == -EMSGSIZE ||
        (error == -EAGAIN && session_is_copying(s) && s->reply_waited_ms < MESSAGE_REPLY_WAIT_MS)) {
        return false;
    }
    cli_say("an answer was dropped: the sender %s", error == -EAGAIN ? "does not read" : "is gone");
    return true;
}

bool session_send(struct message_session *s, const void *data, size_t size) {
    struct sunpath_channel_send_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_send_options);
    int r;

    options.to = session_is_answering(s) ? &s->sender : NULL;
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
        session_end(s, CLI_FAILED);
    } else if (r == -EINVAL) {
        cli_say("a message holds what ends one: --frame %s",
                sunpath_framing_name(s->options->framing));
        session_end(s, CLI_FAILED);
    } else if (r != -EAGAIN) {
        session_fail(s, r, "send");
    }
    return false;
}

/* Nothing more will be sent: does the peer learn it, or is it over altogether? */
static void end_sending(struct message_session *s) {
    s->is_send_over = true;
    if (s->type != SUNPATH_DGRAM && (s->copy->half_close || s->has_ended)) {
        sunpath_channel_end(s->channel);
    }
}

void session_send_input(struct message_session *s) {
    struct copy_buffer *buffer = &s->copy->to_socket;
    size_t size, used;

    while (session_is_copying(s) && session_can_send(s) && next_piece(s, &size, &used)) {
        if (!session_send(s, buffer->data + buffer->begin, size)) {
            return;
        }
        s->reply_waited_ms = 0;
        copy_consume(buffer, used);
    }
    if (session_is_copying(s) && !s->is_send_over && !s->is_closed && s->copy->in < 0 &&
        !session_has_piece(s)) {
        end_sending(s);
    }
}
