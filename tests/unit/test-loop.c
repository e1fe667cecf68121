/* SPDX-License-Identifier: MIT */
/* test-loop.c - turns, watches, wake-ups, tasks, and the one descriptor that stands for all. */

#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

#define FOREVER 60000 /* what never happens in a good run */

static struct sunpath_loop *loop;
static int n_calls;

static void open_loop(void) {
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    n_calls = 0;
}

static int is_readable(int fd) {
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};

    return poll(&pollfd, 1, 0) == 1;
}

static void count(struct sunpath_watch *watch, unsigned events, void *user) {
    (void)watch;
    n_calls++;
    if (user) {
        *(unsigned *)user = events;
    }
}

START_TEST(a_watch_tells_what_holds_as_long_as_it_holds) {
    struct sunpath_watch *watch;
    unsigned events = 0;
    int pair[2];
    char byte;

    open_loop();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(sunpath_watch_open(&watch, loop, pair[0], SUNPATH_READABLE, count, &events),
                     0);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1);
    ck_assert_int_eq(n_calls, 2);
    ck_assert_uint_eq(events, SUNPATH_READABLE);
    ck_assert_int_eq(read(pair[0], &byte, 1), 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);

    ck_assert_int_eq(sunpath_watch_set(watch, SUNPATH_WRITABLE), 0);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1);
    ck_assert_uint_eq(events, SUNPATH_WRITABLE);
    ck_assert_int_eq(sunpath_watch_set(watch, 0), 0);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    close(pair[1]);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1);
    ck_assert_uint_eq(events, SUNPATH_HANGUP);
    ck_assert_ptr_null(sunpath_watch_close(watch));
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    close(pair[0]);
    ck_assert_ptr_null(sunpath_loop_close(loop));
}
END_TEST

START_TEST(bad_descriptors_are_refused) {
    struct sunpath_watch *watch = NULL, *second = NULL;
    int fd;

    open_loop();
    fd = open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_eq(sunpath_watch_open(&watch, loop, fd, SUNPATH_READABLE, count, NULL), -EPERM);
    ck_assert_int_eq(sunpath_watch_open(&watch, loop, -1, SUNPATH_READABLE, count, NULL), -EBADF);
    ck_assert_ptr_null(watch);
    close(fd);
    fd = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_eq(sunpath_watch_open(&watch, loop, fd, 0, count, NULL), 0);
    ck_assert_int_eq(sunpath_watch_open(&second, loop, fd, 0, count, NULL), -EEXIST);
    sunpath_watch_close(watch);
    close(fd);
    ck_assert_ptr_null(sunpath_watch_close(NULL));
    sunpath_loop_close(loop);
    ck_assert_ptr_null(sunpath_loop_close(NULL));
}
END_TEST

static struct sunpath_watch *watches[50];

static void close_all(struct sunpath_watch *watch, unsigned events, void *user) {
    (void)watch;
    (void)events;
    (void)user;
    n_calls++;
    for (int i = 0; i < 50; i++) {
        watches[i] = sunpath_watch_close(watches[i]);
    }
}

START_TEST(what_is_closed_in_a_callback_is_silent_at_once) {
    int fd[50];

    open_loop();
    for (int i = 0; i < 50; i++) {
        fd[i] = eventfd(1, EFD_CLOEXEC);
        ck_assert_int_eq(
            sunpath_watch_open(&watches[i], loop, fd[i], SUNPATH_READABLE, close_all, NULL), 0);
    }
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1);
    ck_assert_int_eq(n_calls, 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    for (int i = 0; i < 50; i++) {
        close(fd[i]);
    }
    sunpath_loop_close(loop);
}
END_TEST

static void *wake_often(void *user) {
    for (int i = 0; i < 10000; i++) {
        __atomic_add_fetch((int *)user, 1, __ATOMIC_SEQ_CST);
        ck_assert_int_eq(sunpath_loop_wake(loop), 0);
    }
    return NULL;
}

static void on_wake(struct sunpath_loop *woken, void *user) {
    n_calls++;
    if (__atomic_load_n((int *)user, __ATOMIC_SEQ_CST) == 10000) {
        sunpath_loop_stop(woken);
    }
}

START_TEST(another_thread_wakes_the_loop_and_no_wake_is_lost) {
    pthread_t thread;
    int n = 0;

    open_loop();
    sunpath_loop_set_on_wake(loop, on_wake, &n);
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_often, &n), 0);
    ck_assert_int_eq(sunpath_loop_run(loop), 0); /* ends only when the last wake was heard */
    pthread_join(thread, NULL);
    ck_assert_int_ge(n_calls, 1);
    ck_assert_int_le(n_calls, 10000);
    sunpath_loop_close(loop);
}
END_TEST

static void stop(struct sunpath_watch *watch, unsigned events, void *user) {
    (void)watch;
    (void)events;
    (void)user;
    n_calls++;
    sunpath_loop_stop(loop);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), -EBUSY);
    ck_assert_int_eq(sunpath_loop_run(loop), -EBUSY);
}

START_TEST(stop_ends_run_after_the_current_callback) {
    struct sunpath_watch *first, *second;
    int a = eventfd(1, EFD_CLOEXEC), b = eventfd(1, EFD_CLOEXEC);

    open_loop();
    ck_assert_int_eq(sunpath_watch_open(&first, loop, a, SUNPATH_READABLE, stop, NULL), 0);
    ck_assert_int_eq(sunpath_watch_open(&second, loop, b, SUNPATH_READABLE, stop, NULL), 0);
    ck_assert_int_eq(sunpath_loop_run(loop), 0);
    ck_assert_int_eq(n_calls, 1);
    ck_assert_int_eq(sunpath_loop_run(loop), 0); /* what was cut off comes again */
    ck_assert_int_eq(n_calls, 2);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1); /* a stop does not outlive its turn */
    ck_assert_int_eq(n_calls, 3);
    sunpath_watch_close(first);
    sunpath_watch_close(second);
    sunpath_loop_close(loop);
    close(a);
    close(b);
}
END_TEST

static void stop_at_hangup(struct sp_watch *watch, unsigned events) {
    (void)watch;
    ck_assert_uint_eq(events, SUNPATH_HANGUP);
    n_calls++;
    sunpath_loop_stop(loop);
}

START_TEST(stop_loses_nothing_that_is_told_once) {
    struct sp_watch told_once[2] = {0};
    int pairs[2][2];

    open_loop();
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        ck_assert_int_eq(
            sp_watch_open(&told_once[i], loop, pairs[i][0], SP_WATCH_ONCE, stop_at_hangup), 0);
    }
    close(pairs[0][1]);
    close(pairs[1][1]);
    ck_assert_int_eq(sunpath_loop_run(loop), 0);
    ck_assert_int_eq(n_calls, 1);
    ck_assert(is_readable(sunpath_loop_fd(loop)));
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1);
    ck_assert_int_eq(n_calls, 2);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    for (int i = 0; i < 2; i++) {
        sp_watch_close(&told_once[i], loop);
        close(pairs[i][0]);
    }
    sunpath_loop_close(loop);
}
END_TEST

struct counted_task {
    struct sp_task task;
    int n_left;
};

static void run_again(struct sp_task *task) {
    struct counted_task *counted = sp_container_of(task, struct counted_task, task);

    n_calls++;
    if (--counted->n_left > 0) {
        sp_task_post(task, loop);
    }
}

START_TEST(a_task_that_posts_itself_waits_for_the_next_turn) {
    struct counted_task counted = {.n_left = 3};

    open_loop();
    sp_task_init(&counted.task, run_again);
    sp_task_post(&counted.task, loop);
    sp_task_post(&counted.task, loop);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
        ck_assert_int_eq(n_calls, i);
    }
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    counted.n_left = 2;
    sp_task_post(&counted.task, loop);
    sp_task_cancel(&counted.task);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    sunpath_loop_close(loop);
}
END_TEST

static void count_due(struct sunpath_timer *timer, void *user) {
    (void)timer;
    (void)user;
    n_calls++;
}

START_TEST(the_descriptor_is_readable_when_there_is_work) {
    struct counted_task counted = {.n_left = 2};
    struct sunpath_timer *timer;
    struct pollfd pollfd = {.events = POLLIN};

    open_loop();
    ck_assert_int_eq(sunpath_timer_new(&timer, loop, count_due, NULL), 0);
    sp_task_init(&counted.task, run_again);
    pollfd.fd = sunpath_loop_fd(loop);
    ck_assert_int_ge(pollfd.fd, 0);
    ck_assert_int_eq(sunpath_loop_fd(loop), pollfd.fd);
    ck_assert(!is_readable(pollfd.fd));

    sp_task_post(&counted.task, loop); /* runs, and posts itself again: readable still */
    ck_assert(is_readable(pollfd.fd));
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1);
    ck_assert(is_readable(pollfd.fd));
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1);
    ck_assert_int_eq(n_calls, 2);
    ck_assert(!is_readable(pollfd.fd));

    ck_assert_int_eq(sunpath_timer_set(timer, 3600000), 0);
    ck_assert(!is_readable(pollfd.fd));
    ck_assert_int_eq(sunpath_timer_set(timer, 5), 0);
    ck_assert_int_eq(poll(&pollfd, 1, FOREVER), 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 1);
    ck_assert_int_eq(n_calls, 3);
    ck_assert(!is_readable(pollfd.fd));

    ck_assert_int_eq(sunpath_loop_wake(loop), 0);
    ck_assert(is_readable(pollfd.fd));
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0); /* nobody listens for wakes */
    ck_assert(!is_readable(pollfd.fd));
    sunpath_timer_free(timer);
    sunpath_loop_close(loop);
}
END_TEST

START_TEST(work_from_before_the_descriptor_was_asked_for_counts) {
    struct counted_task counted = {.n_left = 1};
    struct sunpath_timer *timer;
    struct pollfd pollfd = {.events = POLLIN};

    open_loop();
    sp_task_init(&counted.task, run_again);
    sp_task_post(&counted.task, loop);
    ck_assert_int_eq(sunpath_timer_new(&timer, loop, count_due, NULL), 0);
    ck_assert_int_eq(sunpath_timer_set(timer, 1), 0);
    pollfd.fd = sunpath_loop_fd(loop);
    while (n_calls < 2) {
        ck_assert_int_eq(poll(&pollfd, 1, FOREVER), 1);
        ck_assert_int_ge(sunpath_loop_dispatch(loop, 0), 0);
    }
    sunpath_timer_free(timer);
    sunpath_loop_close(loop);
}
END_TEST

SP_TESTS("loop", a_watch_tells_what_holds_as_long_as_it_holds, bad_descriptors_are_refused,
         what_is_closed_in_a_callback_is_silent_at_once,
         another_thread_wakes_the_loop_and_no_wake_is_lost,
         stop_ends_run_after_the_current_callback, stop_loses_nothing_that_is_told_once,
         a_task_that_posts_itself_waits_for_the_next_turn,
         the_descriptor_is_readable_when_there_is_work,
         work_from_before_the_descriptor_was_asked_for_counts)
