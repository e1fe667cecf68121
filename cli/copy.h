/* SPDX-License-Identifier: MIT */
/* copy.h - what listen and connect share: signals, peers, commands on a connection, copying. */

#ifndef CLI_COPY_H
#define CLI_COPY_H

#include <sunpath/connection.h>

#include "messages.h"

/*
 * SIGINT, SIGTERM, SIGHUP and SIGCHLD as something to poll, so that a socket file is removed before
 * the program ends. Returns the descriptor, or -1 after it has printed why.
 */
int signals_open(void);
/* The signal that asks us to end, or 0 when there was none (a child's end is none). */
int signals_read(int signals);
/* Undoes what signals_open() and main() did to signals, for a child before it runs a command. */
void signals_reset(void);
/* Ends this process by the signal, as if it had never been caught: the shell is to see it. */
void signals_die(int signal_number);

/* Says on standard error who is at the other end: "<what> pid 17 (alice:staff) /usr/bin/curl". */
void announce_peer(const char *what, int fd);

/* The type of the socket `fd`, whatever its address said. */
enum sunpath_type type_of(int fd);

/*
 * Runs `command` by /bin/sh with the connection as standard input and output and with
 * SUNPATH_PEER_PID, _UID and _GID in its environment. Returns the child's pid or a negative errno.
 */
pid_t child_start(const char *command, int fd);

/* A child that sends back every byte of a stream. */
pid_t child_start_echo(int fd);

/*
 * A child that runs `serve` on the connection, which is its only descriptor above 2, and exits with
 * what that returns. In it nothing is left of the listener.
 */
pid_t child_start_function(int fd, int (*serve)(int fd, void *user), void *user);

/*
 * Runs `command` with one message as standard input, the descriptors that came with it as 3 and up,
 * SUNPATH_FDS saying how many there are, and SUNPATH_PEER_PID, _UID and _GID who sent it or else
 * who is at the other end of `fd`. Collects what it prints, at most `n_reply` bytes, as the answer.
 * Returns the answer's length or a negative errno. A signal that ends us ends the command too, and
 * is stored.
 */
ssize_t child_answer(const char *command, const struct sunpath_channel_message *question, int fd,
                     char *reply, size_t n_reply, int signals, int *ret_signal);

/* Waits for the child; what it exited with, or CLI_FAILED after a signal. Ends it on `signals`. */
int child_wait(pid_t pid, int signals, int *ret_signal);

/* A run of bytes that are still to be written somewhere. */
struct copy_buffer {
    char *data;
    size_t begin, end, n_room;
};

/*
 * Copies standard input to a connection and the connection to standard output. One struct serves
 * several connections one after the other; what a peer left unread is not kept for the next.
 */
struct copy {
    /* set by the caller */
    int signals;       /* from signals_open() */
    int idle_ms;       /* end after so long without a byte either way; 0: never */
    bool half_close;   /* tell the peer when standard input ends */
    bool keeps_output; /* more connections will follow */
    bool is_server;    /* datagrams: answer the last sender, go on for ever */
    bool is_bound;     /* datagrams: answers can come */
    struct message_options messages;

    /* what came of it */
    int signal; /* the signal that ended it, or 0 */
    bool is_output_gone;
    int n_messages; /* received, on all connections */

    /* its own */
    int in, out; /* -1: ended */
    size_t max_write;
    bool is_in_lines, is_out_lines, is_output_ended;
    struct copy_buffer to_socket, to_output;
};

/* standard-io.c: our two ends of it. Takes standard input and output. 0 or -ENOMEM. */
int copy_init(struct copy *copy);
void copy_deinit(struct copy *copy);

size_t copy_n_held(const struct copy_buffer *buffer);
void copy_consume(struct copy_buffer *buffer, size_t n);
/* Room for `n` more bytes behind what is held, at most `max` in all. -EMSGSIZE, -ENOMEM. */
int copy_make_room(struct copy_buffer *buffer, size_t n, size_t max);

/*
 * Reads from standard input once: `copy->in` is -1 when it has ended. 0, or a negative errno after
 * it has said why; so does copy_write_output(), which is silent when the reader is gone (-EPIPE).
 */
int copy_read_input(struct copy *copy, size_t max);
int copy_write_output(struct copy *copy);
/* May it be written without poll(2) having said so? */
bool copy_is_output_safe(const struct copy *copy);
/* The reader of our output is to learn that no more will come, while we may go on sending. */
void copy_end_output(struct copy *copy);

/* Copies until both sides are done. `fd` stays the caller's. Returns an exit status. */
int copy_run(struct copy *copy, int fd);

/* messages.c: the same for messages, from copy_run() or, with a command for each, by itself. */
int messages_run(struct copy *copy, int fd);
/* Is it about messages, or about a connection that bytes or a command have for themselves? */
bool messages_are_meant(const struct message_options *options, enum sunpath_type type);
/* Are there as many as --count wants? */
bool messages_are_enough(const struct copy *copy);

#endif
