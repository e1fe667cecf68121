/* SPDX-License-Identifier: MIT */
/* messages.c - standard input to a channel and back, message by message, or a command on each. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "messages-session.h"
#include "output.h"

#define REPLY_RETRY_MS 5

bool messages_are_meant(const struct message_options *options, enum sunpath_type type) {
    if (type == SUNPATH_STREAM) {
        return options->framing != 0;
    }
    return options->command == NULL || options->takes_fds || options->count > 0;
}

bool messages_are_enough(const struct copy *copy) {
    return copy->messages.count > 0 && copy->n_messages >= copy->messages.count;
}

void session_end(struct message_session *s, int status) {
    if (!s->is_done) {
        s->is_done = true;
        s->status = status;
    }
}

void session_fail(struct message_session *s, int code, const char *what) {
    if (!s->is_done) {
        cli_say("%s: %s", what, strerror(-code));
        session_end(s, cli_exit_for_code(code));
    }
}

bool session_is_answering(const struct message_session *s) {
    return s->copy->is_server && s->type == SUNPATH_DGRAM;
}

bool session_is_copying(const struct message_session *s) {
    return s->options->command == NULL && !s->options->is_echo;
}

/* Whoever refuses a message closes the connection, and has no way to say why. */
static void say_too_few(const struct message_session *s) {
    bool is_said = s->is_lossy || s->has_lost; /* why it ended */
    const char *who = "it ended", *why = "";
    struct sunpath_channel_counts counts;

    sunpath_channel_count(s->channel, &counts);
    if (s->has_ended && !is_said) {
        who = "the peer closed the connection";
        why = counts.n_sent > 0 ? ": it may have refused what was sent" : "";
    }
    cli_say("%s after %d of %d messages%s", who, s->copy->n_messages, s->options->count, why);
}

static void finish(struct message_session *s) {
    const struct copy *copy = s->copy;
    bool is_failed = s->is_lossy || s->has_lost;

    if (s->is_lossy) {
        cli_say("the peer left before it had read everything");
    }
    if (!copy->keeps_output && s->options->count > copy->n_messages) {
        say_too_few(s);
        is_failed = true;
    }
    session_end(s, is_failed ? CLI_FAILED : CLI_OK);
}

static void finish_if_over(struct message_session *s) {
    bool is_answerless = s->type == SUNPATH_DGRAM && !s->copy->is_server && s->is_send_over &&
                         (s->copy->half_close || !s->copy->is_bound);
    bool is_sending = session_has_piece(s) && (s->is_full || session_can_send(s));
    bool is_enough = messages_are_enough(s->copy) && !is_sending;

    if (s->is_done || copy_n_held(&s->copy->to_output) > 0) {
        return;
    }
    if (s->is_closed || ((is_answerless || is_enough) && s->n_unsent == 0)) {
        finish(s);
    }
}

/* An answer did not fit: a socket that is not connected cannot say when there is room again. */
static bool is_retrying(const struct message_session *s) {
    return session_is_answering(s) && session_can_send(s) && session_has_piece(s);
}

enum {
    ON_SIGNAL,
    ON_LOOP,
    ON_INPUT,
    ON_OUTPUT,
    N_POLLED
};

static int prepare_poll(const struct message_session *s, struct pollfd polled[N_POLLED]) {
    bool has_output = copy_n_held(&s->copy->to_output) > 0;

    polled[ON_SIGNAL] = (struct pollfd){.fd = s->copy->signals, .events = POLLIN};
    polled[ON_LOOP] = (struct pollfd){.fd = sunpath_loop_fd(s->loop), .events = POLLIN};
    polled[ON_INPUT] =
        (struct pollfd){.fd = session_wants_input(s) ? s->copy->in : -1, .events = POLLIN};
    polled[ON_OUTPUT] = (struct pollfd){.fd = has_output ? s->copy->out : -1, .events = POLLOUT};
    if (is_retrying(s)) {
        return REPLY_RETRY_MS;
    }
    return s->copy->idle_ms > 0 ? s->copy->idle_ms : -1;
}

static void on_timeout(struct message_session *s, int waited_ms) {
    if (is_retrying(s)) {
        s->reply_waited_ms += waited_ms;
        session_send_input(s);
    } else if (copy_n_held(&s->copy->to_output) == 0 &&
               (s->is_send_over || s->type == SUNPATH_DGRAM)) {
        finish(s); /* there was only an answer to wait for, and it is over */
    } else {
        cli_say("nothing was sent or received for %g s", s->copy->idle_ms / 1000.0);
        session_end(s, CLI_FAILED);
    }
}

static void write_output(struct message_session *s) {
    int r = copy_write_output(s->copy);

    if (r < 0) {
        session_end(s, r == -EPIPE ? CLI_FAILED : cli_exit_for_code(r));
    }
}

static void work(struct message_session *s, const struct pollfd polled[N_POLLED]) {
    if (polled[ON_SIGNAL].revents) {
        s->copy->signal = signals_read(s->copy->signals);
        if (s->copy->signal != 0) {
            session_end(s, CLI_FAILED);
            return;
        }
    }
    if (polled[ON_INPUT].revents) {
        session_read_input(s);
    }
    if (polled[ON_LOOP].revents) {
        sunpath_loop_dispatch(s->loop, 0);
    }
    session_send_input(s);
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

static int open_channel(struct message_session *s, int fd) {
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int r = own_fd < 0 ? -errno : sunpath_loop_open(&s->loop);

    options.framing = s->options->framing;
    options.max_message = MESSAGE_MAX;
    options.max_fds = SUNPATH_FDS_MAX; /* those that are not wanted cost no message */
    options.want_credentials = s->options->is_verbose || s->options->command != NULL;
    options.full = session_is_answering(s) ? SUNPATH_FULL_REPORT : SUNPATH_FULL_WAIT;
    if (r == 0) {
        r = sunpath_channel_open(&s->channel, s->loop, own_fd, &session_events, s, &options);
    }
    if (r < 0 && own_fd >= 0) {
        close(own_fd);
    }
    return r;
}

static void run(struct message_session *s) {
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
            session_fail(s, -errno, "poll");
        }
    }
}

int messages_run(struct copy *copy, int fd) {
    struct message_session *s = calloc(1, sizeof(*s));
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
