/* SPDX-License-Identifier: MIT */
/* acceptor.c - accept on a loop: bounded, fair, and quiet when descriptors run out. */

#include "flow/acceptor.h"

#include <errno.h>

static void rest(struct sp_acceptor *acceptor) {
    sp_watch_set(&acceptor->watch, acceptor->loop, SP_WATCH_ONCE);
}

static void resume(struct sp_acceptor *acceptor) {
    sp_timer_cancel(&acceptor->timer);
    sp_watch_set(&acceptor->watch, acceptor->loop, SUNPATH_READABLE);
}

static void on_retry(struct sp_timer *timer) {
    resume(sp_container_of(timer, struct sp_acceptor, timer));
}

/*
 * What accept cannot do now it cannot do in the next turn either: no descriptor (EMFILE, ENFILE),
 * no memory, a listener that was shut down. The listener stays readable all the time, so watching
 * on would spin.
 */
static void rest_for_a_while(struct sp_acceptor *acceptor) {
    rest(acceptor);
    sp_timer_set(&acceptor->timer, acceptor->loop,
                 sp_loop_now(acceptor->loop) + SP_ACCEPT_RETRY_MS * SP_NS_PER_MS);
}

/* True when another one may be waiting. */
static bool accept_one(struct sp_acceptor *acceptor) {
    bool is_gone = false;
    int fd, r;

    if (acceptor->max_open > 0 && acceptor->n_open >= acceptor->max_open) {
        rest(acceptor);
        return false;
    }

    r = sunpath_listener_accept(acceptor->listener, &fd);
    if (r == -ECONNABORTED || r == -EINTR) {
        return true;
    }
    if (r < 0) {
        if (r != -EAGAIN) {
            rest_for_a_while(acceptor);
        }
        return false;
    }

    acceptor->n_open++;
    acceptor->ret_is_gone = &is_gone;
    acceptor->on_accept(acceptor, fd);
    if (is_gone) {
        return false;
    }
    acceptor->ret_is_gone = NULL;
    return true;
}

static void on_event(struct sp_watch *watch, unsigned events) {
    struct sp_acceptor *acceptor = sp_container_of(watch, struct sp_acceptor, watch);

    if (!(events & SUNPATH_READABLE) && acceptor->watch.events == SP_WATCH_ONCE) {
        return; /* it hung up while it rests */
    }
    for (int i = 0; i < SP_ACCEPTS_PER_TURN && accept_one(acceptor); i++) {
    }
}

int sp_acceptor_open(struct sp_acceptor *acceptor, struct sunpath_loop *loop,
                     struct sunpath_listener *listener, size_t max_open,
                     void (*on_accept)(struct sp_acceptor *acceptor, int fd)) {
    struct sp_acceptor opened = {
        .loop = loop, .listener = listener, .max_open = max_open, .on_accept = on_accept};
    int r;

    *acceptor = opened;
    sp_timer_init(&acceptor->timer, on_retry);
    r = sp_watch_open(&acceptor->watch, loop, sunpath_listener_fd(listener), SUNPATH_READABLE,
                      on_event);
    if (r < 0) {
        *acceptor = (struct sp_acceptor){0};
    }
    return r;
}

void sp_acceptor_release(struct sp_acceptor *acceptor) {
    acceptor->n_open--;
    if (acceptor->listener && acceptor->watch.events == SP_WATCH_ONCE) {
        resume(acceptor);
    }
}

void sp_acceptor_close(struct sp_acceptor *acceptor) {
    if (!acceptor->listener) {
        return;
    }
    if (acceptor->ret_is_gone) {
        *acceptor->ret_is_gone = true;
    }
    sp_timer_deinit(&acceptor->timer, acceptor->loop);
    sp_watch_close(&acceptor->watch, acceptor->loop);
    acceptor->listener = sunpath_listener_close(acceptor->listener);
}
