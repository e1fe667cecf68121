/* SPDX-License-Identifier: MIT */
/* relay.h - a relay from inside: its two ends and the two ways between them. */

#ifndef SP_FLOW_RELAY_H
#define SP_FLOW_RELAY_H

#include <sunpath/relay.h>

#include "flow/relay-piece.h"
#include "loop/loop.h"

/* What one end sends, on its way to the other. */
struct sp_relay_way {
    struct sp_held held;
    struct sunpath_relay_counts counts;
    bool has_ended;    /* nothing more is read */
    bool is_over;      /* and that was passed on, or the other end takes no more */
    bool was_reset;    /* what was sent before may still be there */
    bool has_seen_fds; /* so more may come */
    bool was_full;     /* the last read filled the room: bulk, where descriptors are rare */
};

struct sp_relay_end {
    struct sp_watch watch;
    struct sp_relay_socket socket;
};

/* ways[i] leads from ends[i] to the other. */
struct sunpath_relay {
    struct sunpath_loop *loop;
    struct sp_relay_end ends[2];
    struct sp_relay_way ways[2];
    void (*on_close)(struct sunpath_relay *relay, const struct sunpath_error *error,
                     enum sunpath_relay_end end, void *user);
    void *user;
    struct sunpath_relay_options options;
    struct sp_timer timer;
    uint64_t active_ns;
    char *room; /* the loop's, for one piece */
    size_t n_room;
    int error;  /* the first one; what is under way is still passed on */
    int failed; /* which end */
    bool is_over;
    bool is_inside; /* a callback may be running: closing leaves the memory to its caller */
    bool is_closed;
};

/* ---- relay.c: how it ends -------------------------------------------------------------------- */

/* It is over with an error of the side `end`. Inside a callback the memory stays. */
void sp_relay_fail(struct sunpath_relay *relay, int end, int code);
/* The same for a message of `end`, of `size` bytes, that cannot be received or, `is_sending`, sent.
 */
void sp_relay_lose(struct sunpath_relay *relay, int end, int code, size_t size, bool is_sending);

/* ---- relay-way.c: one way, from ends[from] to the other -------------------------------------- */

static inline bool sp_relay_wants_input(const struct sunpath_relay *relay, int from) {
    return !relay->is_over && !relay->ways[from].has_ended && !relay->ways[from].held.is_there;
}
void sp_relay_read(struct sunpath_relay *relay, int from);
/* Sends what is held. */
void sp_relay_flush(struct sunpath_relay *relay, int from);
/*
 * The other end takes no more: what is held is lost. Its sender is to learn that when it writes on,
 * and what the other had to say still goes the other way.
 */
void sp_relay_give_up(struct sunpath_relay *relay, int from);
void sp_relay_note_error(struct sunpath_relay *relay, int end, int code);

#endif
