/* SPDX-License-Identifier: MIT */
/* timer.c - deadlines on the loop. */

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>

#include "loop/loop.h"

void sp_timer_hasten(struct sp_timer *timer, struct sunpath_loop *loop) {
    sp_heap_remove(&loop->timers, &timer->node);
    sp_heap_insert(&loop->timers, &timer->node, timer->due_ns);
    if (!loop->is_dispatching && loop->timer_fd >= 0) {
        sp_loop_arm(loop);
    }
}

void sp_timer_deinit(struct sp_timer *timer, struct sunpath_loop *loop) {
    sp_heap_remove(&loop->timers, &timer->node);
    timer->due_ns = SP_NEVER;
}

/* One that its callback sets anew is later than `now_ns`, when this turn began: it waits its turn.
 */
static void fire(struct sp_timer *timer, struct sunpath_loop *loop) {
    timer->due_ns = SP_NEVER;
    loop->n_ran++;
    timer->on_due(timer);
}

void sp_loop_run_timers(struct sunpath_loop *loop) {
    for (int n = 0; n < SP_LOOP_TIMERS && !loop->is_stopped; n++) {
        struct sp_timer *timer;

        if (sp_heap_first(&loop->timers) > loop->now_ns) {
            return;
        }
        timer = sp_container_of(loop->timers.root, struct sp_timer, node);
        sp_heap_remove(&loop->timers, &timer->node);
        if (timer->due_ns <= loop->now_ns) {
            fire(timer, loop);
        } else if (timer->due_ns != SP_NEVER) {
            sp_heap_insert(&loop->timers, &timer->node, timer->due_ns);
        }
    }
}

void sp_loop_arm(struct sunpath_loop *loop) {
    uint64_t first_ns = sp_heap_first(&loop->timers);
    struct itimerspec when = {0};

    /* Armed too early costs one wake-up for nothing, less than a system call for every change. */
    if (first_ns >= loop->armed_ns) {
        return;
    }
    first_ns = first_ns ? first_ns : 1; /* zero would disarm it */
    when.it_value.tv_sec = (time_t)(first_ns / 1000000000ULL);
    when.it_value.tv_nsec = (long)(first_ns % 1000000000ULL);
    if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0) {
        loop->armed_ns = first_ns;
    }
}

struct sunpath_timer {
    struct sp_timer timer;
    struct sunpath_loop *loop;
    void (*on_due)(struct sunpath_timer *timer, void *user);
    void *user;
};

static void on_due(struct sp_timer *inner) {
    struct sunpath_timer *timer = sp_container_of(inner, struct sunpath_timer, timer);

    timer->on_due(timer, timer->user);
}

int sunpath_timer_new(struct sunpath_timer **ret, struct sunpath_loop *loop,
                      void (*on_public_due)(struct sunpath_timer *timer, void *user), void *user) {
    struct sunpath_timer *timer = calloc(1, sizeof(*timer));

    if (!timer) {
        return -ENOMEM;
    }

    sp_timer_init(&timer->timer, on_due);
    timer->loop = loop;
    timer->on_due = on_public_due;
    timer->user = user;
    *ret = timer;
    return 0;
}

int sunpath_timer_set(struct sunpath_timer *timer, uint64_t delay_ms) {
    uint64_t now_ns = sp_now_ns(); /* not the cached one: a timer never fires early */
    uint64_t room_ms = (SP_NEVER - 1 - now_ns) / SP_NS_PER_MS;
    uint64_t due_ns = now_ns + (delay_ms < room_ms ? delay_ms : room_ms) * SP_NS_PER_MS;

    sp_timer_set(&timer->timer, timer->loop, due_ns);
    return 0;
}

void sunpath_timer_cancel(struct sunpath_timer *timer) {
    sp_timer_cancel(&timer->timer);
}

struct sunpath_timer *sunpath_timer_free(struct sunpath_timer *timer) {
    if (timer) {
        sp_timer_deinit(&timer->timer, timer->loop);
        free(timer);
    }
    return NULL;
}
