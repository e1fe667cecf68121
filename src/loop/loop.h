/* SPDX-License-Identifier: MIT */
/* loop.h - the loop from inside: watches, timers and tasks that live in their owners. */

#ifndef SP_LOOP_LOOP_H
#define SP_LOOP_LOOP_H

#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include <sunpath/loop.h>

#include "base/heap.h"
#include "base/list.h"
#include "os/clock.h"

/*
 * One turn of the loop: wait, then run the events that were fetched, then the timers that are due,
 * then the tasks that were posted. Events come first so that a process that was stopped for a while
 * sees what arrived before it sees what is overdue.
 *
 * Everything here is embedded in its owner, found again with sp_container_of(), and may be closed,
 * and its memory freed, at any time, in any callback: what was fetched for it is forgotten.
 */

/* ---- watches --------------------------------------------------------------------------------- */

/* Beside enum sunpath_event: tell once, not as long as it holds (for "only when it hangs up"). */
#define SP_WATCH_ONCE 0x100U
/* To be asked for with SUNPATH_READABLE and told with it: the peer has ended what it sends. */
#define SP_WATCH_END 0x200U

struct sp_watch {
    int fd;
    unsigned events; /* as last asked for */
    void (*on_event)(struct sp_watch *watch, unsigned events);
};

/* Errors as sunpath_watch_open(). The descriptor stays the caller's. */
int sp_watch_open(struct sp_watch *watch, struct sunpath_loop *loop, int fd, unsigned events,
                  void (*on_event)(struct sp_watch *watch, unsigned events));
/* Costs nothing when `events` is what the watch has already. */
int sp_watch_set(struct sp_watch *watch, struct sunpath_loop *loop, unsigned events);
/* Tells once more what holds, though it was fetched already: for SP_WATCH_ONCE. */
void sp_watch_renew(struct sp_watch *watch, struct sunpath_loop *loop);
/* Before the descriptor is closed. Legal for a watch that is all zero or closed. */
void sp_watch_close(struct sp_watch *watch, struct sunpath_loop *loop);

/* ---- timers ---------------------------------------------------------------------------------- */

/*
 * Lazy: setting a timer later, or cancelling it, is one store. Its place in the heap, `node.key`,
 * is never later than `due_ns`; when that comes up first, the timer is put where it belongs.
 */
struct sp_timer {
    struct sp_heap_node node;
    uint64_t due_ns; /* SP_NEVER: not set */
    void (*on_due)(struct sp_timer *timer);
};

static inline void sp_timer_init(struct sp_timer *timer, void (*on_due)(struct sp_timer *timer)) {
    sp_heap_node_init(&timer->node);
    timer->due_ns = SP_NEVER;
    timer->on_due = on_due;
}

/* Moves the timer to the front of `due_ns`; sp_timer_set() calls it when it must. */
void sp_timer_hasten(struct sp_timer *timer, struct sunpath_loop *loop);

/* Fires at `due_ns` on CLOCK_MONOTONIC, in this turn at the earliest after its events. */
static inline void sp_timer_set(struct sp_timer *timer, struct sunpath_loop *loop,
                                uint64_t due_ns) {
    timer->due_ns = due_ns;
    if (due_ns < timer->node.key) {
        sp_timer_hasten(timer, loop);
    }
}

static inline void sp_timer_cancel(struct sp_timer *timer) {
    timer->due_ns = SP_NEVER;
}

/* Before the timer's memory is freed. Legal more than once. */
void sp_timer_deinit(struct sp_timer *timer, struct sunpath_loop *loop);

/* ---- tasks ----------------------------------------------------------------------------------- */

/* Something to do once at the end of this turn, or in a turn of its own when none is running. */
struct sp_task {
    struct sp_list node;
    void (*run)(struct sp_task *task);
};

static inline void sp_task_init(struct sp_task *task, void (*run)(struct sp_task *task)) {
    sp_list_init(&task->node);
    task->run = run;
}

/* Once is enough: a task that waits already stays where it is. */
void sp_task_post(struct sp_task *task, struct sunpath_loop *loop);

static inline void sp_task_cancel(struct sp_task *task) {
    sp_list_remove(&task->node);
}

/* ---- the loop -------------------------------------------------------------------------------- */

#define SP_LOOP_BATCH  256  /* events fetched in one turn */
#define SP_LOOP_TIMERS 1024 /* timers run in one turn */

struct sp_signals {
    int fd; /* signalfd, -1 while no signal is asked for */
    sigset_t mask;
    struct sp_watch watch;
    struct sp_list list; /* struct sunpath_signal */
};

struct sunpath_loop {
    int epoll_fd;
    int wake_fd;  /* eventfd: another thread, or work of our own that must not wait */
    int timer_fd; /* -1 until sunpath_loop_fd() was asked for */
    bool is_dispatching, is_running, is_stopped;
    uint64_t now_ns;
    uint64_t armed_ns; /* when timer_fd fires */
    uint64_t n_ran;    /* callbacks, to tell whether a turn did anything */
    struct sp_heap timers;
    struct sp_list tasks;
    struct sp_watch wake_watch, timer_watch;
    struct sp_signals signals;

    atomic_bool is_woken;
    void (*on_wake)(struct sunpath_loop *loop, void *user);
    void *wake_user;

    /* One object that a higher layer shares between all that it has on this loop. */
    void *shared;
    void (*free_shared)(void *shared);

    int i_batch, n_batch; /* the events of this turn that have not run */
    struct epoll_event batch[SP_LOOP_BATCH];
};

/* The time of this wake-up inside dispatch, the real one outside. */
static inline uint64_t sp_loop_now(const struct sunpath_loop *loop) {
    return loop->is_dispatching ? loop->now_ns : sp_now_ns();
}

/* Makes the loop's descriptor readable, when somebody looks at it, for work that waits. */
void sp_loop_kick(struct sunpath_loop *loop);

/* Runs the timers that are due (timer.c). */
void sp_loop_run_timers(struct sunpath_loop *loop);

/* For an embedded loop: keeps timer_fd armed for the first deadline. */
void sp_loop_arm(struct sunpath_loop *loop);

#endif
