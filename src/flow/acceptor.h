/* SPDX-License-Identifier: MIT */
/* acceptor.h - accept on a loop: bounded, fair, and quiet when descriptors run out. */

#ifndef SP_FLOW_ACCEPTOR_H
#define SP_FLOW_ACCEPTOR_H

#include <sunpath/listener.h>

#include "loop/loop.h"

#define SP_ACCEPTS_PER_TURN 64
#define SP_ACCEPT_RETRY_MS  100 /* after EMFILE, when none of our own connections closes */

/* Embedded in a server. Stops watching the listener while it could not accept anyway. */
struct sp_acceptor {
    struct sunpath_loop *loop;
    struct sunpath_listener *listener;
    struct sp_watch watch;
    struct sp_timer timer;
    size_t n_open; /* connections handed out and not released yet */
    size_t max_open;
    /* Owns `fd`. May close the acceptor. */
    void (*on_accept)(struct sp_acceptor *acceptor, int fd);
    bool *ret_is_gone; /* where to say so when it is closed inside on_accept */
};

/*
 * Accepts on `listener` from the next turn on; owned only when 0 is returned. `max_open` 0: no
 * limit. -ENOMEM, -ENOSPC.
 */
int sp_acceptor_open(struct sp_acceptor *acceptor, struct sunpath_loop *loop,
                     struct sunpath_listener *listener, size_t max_open,
                     void (*on_accept)(struct sp_acceptor *acceptor, int fd));

/* One connection that was handed out is closed: call it once for each. Legal after close. */
void sp_acceptor_release(struct sp_acceptor *acceptor);

/* Closes the listener, too. Legal for an acceptor that is all zero or closed. */
void sp_acceptor_close(struct sp_acceptor *acceptor);

#endif
