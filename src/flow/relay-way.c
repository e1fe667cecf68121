/* SPDX-License-Identifier: MIT */
/* relay-way.c - one way through a relay: read a piece, pass it on, hold what there is no room for.
 */

#include "flow/relay.h"

#include <errno.h>
#include <sys/socket.h>

#include "os/fd.h"
#include "sock/message.h"

#define READS_PER_TURN    4 /* of a stream, as long as each fills the room */
#define MESSAGES_PER_TURN 32

void sp_relay_note_error(struct sunpath_relay *relay, int end, int code) {
    if (relay->error == 0) {
        relay->error = code;
        relay->failed = end;
    }
}

void sp_relay_give_up(struct sunpath_relay *relay, int from) {
    struct sp_relay_way *way = &relay->ways[from];

    sp_held_drop(&way->held);
    way->has_ended = way->is_over = true;
    shutdown(relay->ends[from].socket.fd, SHUT_RD);
}

/* A datagram socket knows no end, so nothing would follow an error there. */
static bool has_left(const struct sp_relay_socket *socket, int code) {
    return socket->type != SUNPATH_DGRAM && (code == -EPIPE || code == -ECONNRESET);
}

/* Sends on. 1: all of it; 0: some is left; negative: this way, or all, is over. */
static int pass(struct sunpath_relay *relay, int from, struct sp_piece *piece) {
    const struct sp_relay_socket *to = &relay->ends[!from].socket;
    struct sp_relay_way *way = &relay->ways[from];
    size_t size = piece->size, n_fds = piece->n_fds, n_sent;
    int r = sp_piece_send(to, piece, &n_sent);

    if (r >= 0) {
        way->counts.n_bytes += n_sent;
        way->counts.n_fds += n_fds - piece->n_fds;
        way->counts.n_messages += r > 0 && to->type != SUNPATH_STREAM;
        relay->active_ns = r > 0 || n_sent > 0 ? sp_loop_now(relay->loop) : relay->active_ns;
    } else if (has_left(to, r)) {
        sp_relay_note_error(relay, !from, r);
        sp_relay_give_up(relay, from);
    } else if (r == -EMSGSIZE || r == -ETOOMANYREFS) {
        sp_relay_lose(relay, from, r, size, true);
    } else {
        sp_relay_fail(relay, !from, r);
    }
    return r;
}

static void close_fds(const struct sunpath_message *message) {
    for (size_t i = 0; i < message->n_fds; i++) {
        sp_close(message->fds[i]);
    }
}

/* Passes on what was read, and keeps what the other end has no room for. */
static void carry(struct sunpath_relay *relay, int from, const struct sunpath_message *message,
                  size_t fds_at) {
    struct sp_piece piece = {.data = message->data,
                             .size = message->size,
                             .fds = message->fds,
                             .n_fds = message->n_fds,
                             .fds_at = fds_at};
    int r = pass(relay, from, &piece);

    if (r != 0 || piece.n_fds == 0) {
        close_fds(message);
    }
    if (r == 0) {
        r = sp_held_keep(&relay->ways[from].held, &piece);
        if (r < 0) {
            sp_relay_fail(relay, from, r);
        }
    }
}

void sp_relay_flush(struct sunpath_relay *relay, int from) {
    struct sp_relay_way *way = &relay->ways[from];
    struct sp_piece piece = sp_held_piece(&way->held);
    int r = way->held.is_there ? pass(relay, from, &piece) : -EAGAIN;

    if (r > 0) {
        sp_held_drop(&way->held);
    } else if (r == 0) {
        sp_held_shrink(&way->held, &piece);
    }
}

/* In bulk, descriptors that are among it may come some bytes early, the first time. */
static bool has_places(const struct sunpath_relay *relay, int from) {
    const struct sp_relay_socket *socket = &relay->ends[from].socket;
    const struct sp_relay_way *way = &relay->ways[from];

    return socket->type == SUNPATH_STREAM && socket->is_unix &&
           (!way->was_full || way->has_seen_fds);
}

static int receive(const struct sunpath_relay *relay, int from, struct sunpath_message *message,
                   size_t *ret_fds_at) {
    const struct sp_relay_socket *socket = &relay->ends[from].socket;

    *ret_fds_at = 0;
    return has_places(relay, from) ? sp_piece_receive(socket->fd, message, ret_fds_at)
                                   : sp_receive(socket->fd, (int)socket->type, false, message);
}

static void on_read_error(struct sunpath_relay *relay, int from, int code, size_t size) {
    struct sp_relay_way *way = &relay->ways[from];

    if (code == -EMSGSIZE || code == -ETOOMANYREFS) {
        sp_relay_lose(relay, from, code, size, false);
    } else if (has_left(&relay->ends[from].socket, code) && !way->was_reset) {
        way->was_reset = true; /* seqpacket tells that before what was sent before */
        sp_relay_note_error(relay, from, code);
    } else {
        sp_relay_fail(relay, from, code);
    }
}

/* One piece. True when there may be more at once. */
static bool read_once(struct sunpath_relay *relay, int from) {
    const struct sp_relay_socket *socket = &relay->ends[from].socket;
    struct sp_relay_way *way = &relay->ways[from];
    int fds[SUNPATH_FDS_MAX];
    struct sunpath_message message = {.data = relay->room,
                                      .n_data = relay->n_room,
                                      .fds = relay->options.no_fds ? NULL : fds,
                                      .max_fds = SUNPATH_FDS_MAX};
    size_t fds_at;
    int r = receive(relay, from, &message, &fds_at);

    if (r == -EAGAIN) {
        return false;
    }
    if (r < 0) {
        close_fds(&message);
        on_read_error(relay, from, r, message.size);
        return true;
    }
    if (r == 0) {
        way->has_ended = true;
        return false;
    }
    relay->active_ns = relay->loop->now_ns;
    way->has_seen_fds = way->has_seen_fds || message.n_fds > 0;
    way->was_full = message.size == relay->n_room;
    carry(relay, from, &message, fds_at);
    return socket->type != SUNPATH_STREAM || way->was_full || way->has_seen_fds;
}

/* Bounded, so that one busy sender does not keep the others waiting. */
void sp_relay_read(struct sunpath_relay *relay, int from) {
    bool is_stream = relay->ends[from].socket.type == SUNPATH_STREAM;
    int max = is_stream ? READS_PER_TURN : MESSAGES_PER_TURN;

    for (int i = 0; i < max && sp_relay_wants_input(relay, from) && read_once(relay, from); i++) {
    }
}
