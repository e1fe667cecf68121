/* SPDX-License-Identifier: MIT */
/* messages-session.h - what sending and receiving messages know of each other. */

#ifndef CLI_MESSAGES_SESSION_H
#define CLI_MESSAGES_SESSION_H

#include "copy.h"

#define MESSAGE_REPLY_WAIT_MS 1000 /* how long a datagram sender may take to make room */

/* What a channel is up to; the rest of the state outlives it, in struct copy. */
struct message_session {
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

/* messages.c: the session is over, with this exit status, or with an error that it says. */
void session_end(struct message_session *s, int status);
void session_fail(struct message_session *s, int code, const char *what);
/* Is it a datagram socket whose senders are answered? */
bool session_is_answering(const struct message_session *s);
/* Do messages come from standard input, and go to standard output? */
bool session_is_copying(const struct message_session *s);

/* messages-send.c */

/* Is a whole message there to be sent, and may it be? Is there to be more input? */
bool session_has_piece(const struct message_session *s);
bool session_can_send(const struct message_session *s);
bool session_wants_input(const struct message_session *s);
void session_read_input(struct message_session *s);
/* Sends what was read from standard input, as far as that goes. */
void session_send_input(struct message_session *s);
/* True when the message needs not be kept: it was taken, or can never be. */
bool session_send(struct message_session *s, const void *data, size_t size);

/* messages-receive.c: what a channel tells, with the session as `user`. */
extern const struct sunpath_channel_events session_events;

#endif
