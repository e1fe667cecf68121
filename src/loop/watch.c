/* SPDX-License-Identifier: MIT */
/* watch.c - descriptors on the loop. */

#include <errno.h>
#include <stdlib.h>

#include "loop/loop.h"

static uint32_t to_epoll(unsigned events) {
    return (events & SUNPATH_READABLE ? EPOLLIN : 0U) |
           (events & SUNPATH_WRITABLE ? EPOLLOUT : 0U) | (events & SP_WATCH_ONCE ? EPOLLET : 0U) |
           (events & SP_WATCH_END ? EPOLLRDHUP : 0U);
}

int sp_watch_open(struct sp_watch *watch, struct sunpath_loop *loop, int fd, unsigned events,
                  void (*on_event)(struct sp_watch *watch, unsigned events)) {
    struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};

    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        return -errno;
    }

    *watch = (struct sp_watch){.fd = fd, .events = events, .on_event = on_event};
    return 0;
}

static int modify(struct sp_watch *watch, struct sunpath_loop *loop, unsigned events) {
    struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) < 0 ? -errno : 0;
}

int sp_watch_set(struct sp_watch *watch, struct sunpath_loop *loop, unsigned events) {
    int r = events == watch->events ? 0 : modify(watch, loop, events);

    if (r == 0) {
        watch->events = events;
    }
    return r;
}

void sp_watch_renew(struct sp_watch *watch, struct sunpath_loop *loop) {
    (void)modify(watch, loop, watch->events); /* it is registered, and needs no more memory */
}

void sp_watch_close(struct sp_watch *watch, struct sunpath_loop *loop) {
    if (!watch->on_event) {
        return;
    }
    /*
     * Closing the descriptor is not enough: a child that inherited it keeps the open file, and with
     * it the registration and its pointer to this watch, alive (epoll(7), question 6).
     */
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = loop->i_batch; i < loop->n_batch; i++) {
        if (loop->batch[i].data.ptr == watch) {
            loop->batch[i].data.ptr = NULL;
        }
    }
    watch->on_event = NULL;
}

struct sunpath_watch {
    struct sp_watch watch;
    struct sunpath_loop *loop;
    void (*on_event)(struct sunpath_watch *watch, unsigned events, void *user);
    void *user;
};

static void on_event(struct sp_watch *inner, unsigned events) {
    struct sunpath_watch *watch = sp_container_of(inner, struct sunpath_watch, watch);
    unsigned asked = inner->events | SUNPATH_HANGUP;

    if (events & asked) {
        watch->on_event(watch, events & asked, watch->user);
    }
}

int sunpath_watch_open(
    struct sunpath_watch **ret, struct sunpath_loop *loop, int fd, unsigned events,
    void (*on_public_event)(struct sunpath_watch *watch, unsigned events, void *user), void *user) {
    _cleanup_(sp_freep) struct sunpath_watch *watch = calloc(1, sizeof(*watch));
    int r;

    if (!watch) {
        return -ENOMEM;
    }

    watch->loop = loop;
    watch->on_event = on_public_event;
    watch->user = user;
    r = sp_watch_open(&watch->watch, loop, fd, events & (SUNPATH_READABLE | SUNPATH_WRITABLE),
                      on_event);
    if (r < 0) {
        return r;
    }

    *ret = sp_take_ptr(&watch);
    return 0;
}

int sunpath_watch_set(struct sunpath_watch *watch, unsigned events) {
    return sp_watch_set(&watch->watch, watch->loop, events & (SUNPATH_READABLE | SUNPATH_WRITABLE));
}

struct sunpath_watch *sunpath_watch_close(struct sunpath_watch *watch) {
    if (watch) {
        sp_watch_close(&watch->watch, watch->loop);
        free(watch);
    }
    return NULL;
}
