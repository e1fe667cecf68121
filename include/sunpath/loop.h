/* SPDX-License-Identifier: MIT */
/* loop.h - one pollable descriptor that stands for descriptors, timers, signals and wake-ups. */

#ifndef SUNPATH_LOOP_H
#define SUNPATH_LOOP_H

#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A loop belongs to one thread. Callbacks fire only inside sunpath_loop_dispatch() and _run(),
 * never from the call that caused them, and any object may be closed inside any callback, its own
 * included.
 *
 * To live inside another loop (libuv, GLib, asyncio, a bare poll), watch sunpath_loop_fd() for
 * readability there and call sunpath_loop_dispatch(loop, 0) when it is: examples/embed-*.c.
 */
struct sunpath_loop;
struct sunpath_watch;
struct sunpath_timer;
struct sunpath_signal;

/* -EMFILE, -ENFILE, -ENOMEM. */
SUNPATH_API int sunpath_loop_open(struct sunpath_loop **ret);

/* Watches, timers, streams and servers on the loop must be closed first. */
SUNPATH_API struct sunpath_loop *sunpath_loop_close(struct sunpath_loop *loop);

/*
 * Borrowed: readable whenever dispatch has work to do, due timers included. From the first call on
 * the loop keeps the descriptor's timer armed, which costs a system call when the next deadline
 * changes; a program that only uses dispatch and run does not pay it. -EMFILE, -ENOMEM.
 */
SUNPATH_API int sunpath_loop_fd(struct sunpath_loop *loop);

/*
 * Waits up to `timeout_ms` (0: not at all, -1: as long as it takes) and runs what is due, once.
 * Returns 1 when something ran, 0 when the time passed. A signal the program handles itself
 * (EINTR) ends the wait early with 0. -EBUSY inside a callback of this loop.
 */
SUNPATH_API int sunpath_loop_dispatch(struct sunpath_loop *loop, int timeout_ms);

/* Dispatches until sunpath_loop_stop(). 0, or what dispatch returned when it failed. */
SUNPATH_API int sunpath_loop_run(struct sunpath_loop *loop);

/*
 * For whole programs: as sunpath_loop_run(), and ends when SIGTERM or SIGINT arrives, too, so that
 * servers can be closed and their socket files removed. Returns the signal's number, 0 after
 * sunpath_loop_stop(), or a negative errno. Both signals are blocked in the calling thread
 * meanwhile (see sunpath_signal_open()) and as before afterwards: a second one ends the program.
 * One that comes before this call ends it, too, and leaves the socket files that are there already
 * to the next start, which replaces them. A program that blocks both signals (sigprocmask(2))
 * before it publishes anything finds it here instead.
 */
SUNPATH_API int sunpath_loop_run_until_signal(struct sunpath_loop *loop);

/* Ends sunpath_loop_run() after the current callback. From the loop's own thread only. */
SUNPATH_API void sunpath_loop_stop(struct sunpath_loop *loop);

/* CLOCK_MONOTONIC as it was when this dispatch woke up, in nanoseconds: free to ask. */
SUNPATH_API uint64_t sunpath_loop_now_ns(const struct sunpath_loop *loop);

/* Any thread: makes the loop call `on_wake` soon. Many wakes may become one call. 0 or -EAGAIN. */
SUNPATH_API int sunpath_loop_wake(struct sunpath_loop *loop);
SUNPATH_API void sunpath_loop_set_on_wake(struct sunpath_loop *loop,
                                          void (*on_wake)(struct sunpath_loop *loop, void *user),
                                          void *user);

enum sunpath_event {
    SUNPATH_READABLE = 1 << 0,
    SUNPATH_WRITABLE = 1 << 1,
    SUNPATH_HANGUP = 1 << 2 /* reported always: the other end is gone, or the descriptor failed */
};

/*
 * Calls `on_event` while any of `events` (enum sunpath_event) holds: level-triggered. The
 * descriptor stays the caller's, and must stay open until the watch is closed. -EEXIST when the
 * loop watches it already, -EPERM for regular files (they are always ready), -ENOMEM, -ENOSPC.
 */
SUNPATH_API int sunpath_watch_open(
    struct sunpath_watch **ret, struct sunpath_loop *loop, int fd, unsigned events,
    void (*on_event)(struct sunpath_watch *watch, unsigned events, void *user), void *user);
SUNPATH_API int sunpath_watch_set(struct sunpath_watch *watch, unsigned events);
SUNPATH_API struct sunpath_watch *sunpath_watch_close(struct sunpath_watch *watch);

/* A timer that is not set. It fires once; set it again inside its callback to repeat. -ENOMEM. */
SUNPATH_API int sunpath_timer_new(struct sunpath_timer **ret, struct sunpath_loop *loop,
                                  void (*on_due)(struct sunpath_timer *timer, void *user),
                                  void *user);
/* Fires `delay_ms` from now; replaces an earlier setting. */
SUNPATH_API int sunpath_timer_set(struct sunpath_timer *timer, uint64_t delay_ms);
SUNPATH_API void sunpath_timer_cancel(struct sunpath_timer *timer);
SUNPATH_API struct sunpath_timer *sunpath_timer_free(struct sunpath_timer *timer);

/*
 * Delivers a signal as an event, for programs (a library should leave signals alone). The signal is
 * blocked in the calling thread (signalfd(2)) until the object is closed; call it before starting
 * threads. -EINVAL for SIGKILL, SIGSTOP and no-signals, -EBUSY when this loop has it already.
 */
SUNPATH_API int sunpath_signal_open(
    struct sunpath_signal **ret, struct sunpath_loop *loop, int signal_number,
    void (*on_signal)(struct sunpath_signal *signal, int signal_number, void *user), void *user);
SUNPATH_API struct sunpath_signal *sunpath_signal_close(struct sunpath_signal *signal);

#ifdef __cplusplus
}
#endif

#endif
