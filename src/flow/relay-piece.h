/* SPDX-License-Identifier: MIT */
/* relay-piece.h - what a relay carries at a time: a message, or some bytes of a stream. */

#ifndef SP_FLOW_RELAY_PIECE_H
#define SP_FLOW_RELAY_PIECE_H

#include <sunpath/connection.h>

#include "base/buffer.h"

/* One of the two sockets of a relay, as the kernel sees it. */
struct sp_relay_socket {
    int fd;
    enum sunpath_type type;
    bool is_unix; /* others bring no descriptors */
};

/* Everything is borrowed; the descriptors are their holder's to close. */
struct sp_piece {
    const char *data;
    size_t size;
    const int *fds;
    size_t n_fds;
    size_t fds_at; /* streams: they go with this byte */
};

/*
 * Receives some bytes of a Unix stream as sp_receive() does, and nothing but what was sent before
 * the next descriptors, and with them. *ret_fds_at: the byte that those came with.
 */
int sp_piece_receive(int fd, struct sunpath_message *message, size_t *ret_fds_at);

/*
 * Sends once. 1: all of it; 0: the kernel has no room, and the piece is what is left; negative: it
 * failed. *ret_sent: bytes that went.
 */
int sp_piece_send(const struct sp_relay_socket *to, struct sp_piece *piece, size_t *ret_sent);

/* A piece that waits. All zero is none. */
struct sp_held {
    struct sp_buffer bytes;
    struct sp_buffer fds; /* ints */
    size_t fds_at;
    bool is_there; /* a message may be empty */
};

/* Keeps a copy; the descriptors are taken over, also on failure. -ENOMEM. */
int sp_held_keep(struct sp_held *held, const struct sp_piece *piece);
struct sp_piece sp_held_piece(const struct sp_held *held);
/* `piece`, which was the held one, is what is left of it. */
void sp_held_shrink(struct sp_held *held, const struct sp_piece *piece);
void sp_held_drop(struct sp_held *held);

#endif
