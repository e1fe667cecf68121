/* SPDX-License-Identifier: MIT */
/* loop.c - one turn after the other: wait, events, timers, tasks. */

#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "os/fd.h"

static void on_wake_fd(struct sp_watch *watch, unsigned events) {
    struct sunpath_loop *loop = sp_container_of(watch, struct sunpath_loop, wake_watch);
    uint64_t count;

    (void)events;
    /* Before the flag is cleared: a wake after that writes again, one before it is served now. */
    if (read(watch->fd, &count, sizeof(count)) < 0 && errno != EAGAIN) {
        return;
    }
    if (atomic_exchange(&loop->is_woken, false) && loop->on_wake) {
        loop->n_ran++;
        loop->on_wake(loop, loop->wake_user);
    }
}

static void on_timer_fd(struct sp_watch *watch, unsigned events) {
    struct sunpath_loop *loop = sp_container_of(watch, struct sunpath_loop, timer_watch);
    uint64_t count;

    (void)events;
    if (read(watch->fd, &count, sizeof(count)) > 0) {
        loop->armed_ns = SP_NEVER;
    }
}

int sunpath_loop_open(struct sunpath_loop **ret) {
    _cleanup_(sp_freep) struct sunpath_loop *loop = NULL;
    _cleanup_(sp_closep) int epoll_fd = -1, wake_fd = -1;
    int r;

    loop = calloc(1, sizeof(*loop));
    if (!loop) {
        return -ENOMEM;
    }

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) {
        return -errno;
    }

    wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0) {
        return -errno;
    }

    loop->epoll_fd = epoll_fd;
    loop->wake_fd = wake_fd;
    loop->timer_fd = -1;
    loop->signals.fd = -1;
    loop->now_ns = sp_now_ns();
    loop->armed_ns = SP_NEVER;
    sp_list_init(&loop->tasks);
    sp_list_init(&loop->signals.list);
    r = sp_watch_open(&loop->wake_watch, loop, wake_fd, SUNPATH_READABLE, on_wake_fd);
    if (r < 0) {
        return r;
    }

    sp_take_fd(&epoll_fd);
    sp_take_fd(&wake_fd);
    *ret = sp_take_ptr(&loop);
    return 0;
}

struct sunpath_loop *sunpath_loop_close(struct sunpath_loop *loop) {
    if (!loop) {
        return NULL;
    }
    if (loop->free_shared) {
        loop->free_shared(loop->shared);
    }
    sp_close(loop->timer_fd);
    sp_close(loop->wake_fd);
    sp_close(loop->epoll_fd);
    free(loop);
    return NULL;
}

int sunpath_loop_fd(struct sunpath_loop *loop) {
    _cleanup_(sp_closep) int fd = -1;
    int r;

    if (loop->timer_fd >= 0) {
        return loop->epoll_fd;
    }

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }

    r = sp_watch_open(&loop->timer_watch, loop, fd, SUNPATH_READABLE, on_timer_fd);
    if (r < 0) {
        return r;
    }

    loop->timer_fd = sp_take_fd(&fd);
    sp_loop_arm(loop);
    if (!sp_list_is_empty(&loop->tasks)) {
        sp_loop_kick(loop);
    }
    return loop->epoll_fd;
}

void sp_loop_kick(struct sunpath_loop *loop) {
    uint64_t one = 1;

    if (loop->timer_fd < 0) {
        return;
    }
    /* EAGAIN says that the counter is full, which is as readable as can be. */
    while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

int sunpath_loop_wake(struct sunpath_loop *loop) {
    uint64_t one = 1;

    if (atomic_exchange(&loop->is_woken, true)) {
        return 0;
    }
    while (write(loop->wake_fd, &one, sizeof(one)) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

void sunpath_loop_set_on_wake(struct sunpath_loop *loop,
                              void (*on_wake)(struct sunpath_loop *loop, void *user), void *user) {
    loop->on_wake = on_wake;
    loop->wake_user = user;
}

void sp_task_post(struct sp_task *task, struct sunpath_loop *loop) {
    if (!sp_list_is_empty(&task->node)) {
        return;
    }
    if (sp_list_is_empty(&loop->tasks) && !loop->is_dispatching) {
        sp_loop_kick(loop);
    }
    sp_list_append(&loop->tasks, &task->node);
}

/* After a stop. What holds is told again anyway; what is told once would be lost. */
static void put_back(struct sunpath_loop *loop) {
    for (; loop->i_batch < loop->n_batch; loop->i_batch++) {
        struct sp_watch *watch = loop->batch[loop->i_batch].data.ptr;

        if (watch && watch->events & SP_WATCH_ONCE) {
            sp_watch_renew(watch, loop);
        }
    }
}

static void run_events(struct sunpath_loop *loop) {
    while (loop->i_batch < loop->n_batch && !loop->is_stopped) {
        const struct epoll_event *event = &loop->batch[loop->i_batch++];
        struct sp_watch *watch = event->data.ptr;
        unsigned events;

        if (!watch) {
            continue; /* closed since */
        }
        events = (event->events & EPOLLIN ? SUNPATH_READABLE : 0U) |
                 (event->events & EPOLLOUT ? SUNPATH_WRITABLE : 0U) |
                 (event->events & (EPOLLHUP | EPOLLERR) ? SUNPATH_HANGUP : 0U) |
                 (event->events & EPOLLRDHUP ? SP_WATCH_END : 0U);
        loop->n_ran += watch != &loop->wake_watch && watch != &loop->timer_watch;
        watch->on_event(watch, events);
    }
    put_back(loop);
    loop->i_batch = loop->n_batch = 0;
}

/* What is posted meanwhile waits for the next turn, so that no task can hold the loop up. */
static void run_tasks(struct sunpath_loop *loop) {
    struct sp_list now;
    struct sp_list *node;

    if (sp_list_is_empty(&loop->tasks)) {
        return;
    }
    sp_list_init(&now);
    sp_list_prepend_all(&now, &loop->tasks);
    while (!loop->is_stopped && (node = sp_list_pop(&now))) {
        struct sp_task *task = sp_container_of(node, struct sp_task, node);

        loop->n_ran++;
        task->run(task);
    }
    sp_list_prepend_all(&loop->tasks, &now);
}

/* How long epoll may sleep: until `deadline_ns`, the first timer, or not at all. */
static int sleep_ms(const struct sunpath_loop *loop, uint64_t deadline_ns) {
    uint64_t first_ns = sp_heap_first(&loop->timers);

    if (deadline_ns == 0 || !sp_list_is_empty(&loop->tasks)) {
        return 0;
    }
    return sp_left_ms(first_ns < deadline_ns ? first_ns : deadline_ns);
}

/* 1: something ran, 0: nothing did, or a negative errno. */
static int turn(struct sunpath_loop *loop, uint64_t deadline_ns) {
    uint64_t n_before = loop->n_ran;
    int n;

    n = epoll_wait(loop->epoll_fd, loop->batch, SP_LOOP_BATCH, sleep_ms(loop, deadline_ns));
    if (n < 0) {
        return -errno;
    }

    loop->n_batch = n;
    loop->now_ns = sp_now_ns();
    loop->is_dispatching = true;
    run_events(loop);
    sp_loop_run_timers(loop);
    run_tasks(loop);
    loop->is_dispatching = false;

    if (loop->timer_fd >= 0) {
        sp_loop_arm(loop);
        if (!sp_list_is_empty(&loop->tasks)) {
            sp_loop_kick(loop);
        }
    }
    return loop->n_ran != n_before;
}

int sunpath_loop_dispatch(struct sunpath_loop *loop, int timeout_ms) {
    uint64_t deadline_ns = timeout_ms ? sp_deadline_ns(timeout_ms) : 0;
    int r;

    if (loop->is_dispatching) {
        return -EBUSY;
    }

    if (!loop->is_running) {
        loop->is_stopped = false;
    }
    do {
        r = turn(loop, deadline_ns);
    } while (r == 0 && timeout_ms && (timeout_ms < 0 || loop->now_ns < deadline_ns));
    return r == -EINTR ? 0 : r;
}

int sunpath_loop_run(struct sunpath_loop *loop) {
    int r = 0;

    if (loop->is_dispatching) {
        return -EBUSY;
    }

    loop->is_running = true;
    while (r >= 0 && !loop->is_stopped) {
        r = sunpath_loop_dispatch(loop, -1);
    }
    loop->is_running = false;
    loop->is_stopped = false;
    return r < 0 ? r : 0;
}

void sunpath_loop_stop(struct sunpath_loop *loop) {
    loop->is_stopped = true;
}

uint64_t sunpath_loop_now_ns(const struct sunpath_loop *loop) {
    return loop->now_ns;
}
