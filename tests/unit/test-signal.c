/* SPDX-License-Identifier: MIT */
/* test-signal.c - signals as events, and the signal mask left as it was found. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <sunpath/loop.h>

#include "fixture.h"

#define FOREVER 60000

static struct sunpath_loop *loop;
static int n_caught, last;

static void on_signal(struct sunpath_signal *signal, int number, void *user) {
    (void)signal;
    ck_assert_ptr_eq(user, &last);
    n_caught++;
    last = number;
}

static void close_it(struct sunpath_signal *signal, int number, void *user) {
    (void)number;
    n_caught++;
    *(struct sunpath_signal **)user = sunpath_signal_close(signal);
}

static int is_blocked(int number) {
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, number);
}

START_TEST(signals_arrive_as_events) {
    struct sunpath_signal *one, *two, *third = NULL;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_signal_open(&one, loop, SIGUSR1, on_signal, &last), 0);
    ck_assert_int_eq(sunpath_signal_open(&two, loop, SIGUSR2, on_signal, &last), 0);
    ck_assert_int_eq(sunpath_signal_open(&third, loop, SIGUSR1, on_signal, &last), -EBUSY);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    kill(getpid(), SIGUSR1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    ck_assert_int_eq(last, SIGUSR1);
    kill(getpid(), SIGUSR2);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    ck_assert_int_eq(last, SIGUSR2);
    ck_assert_int_eq(n_caught, 2);
    ck_assert_ptr_null(sunpath_signal_close(one));
    ck_assert(!is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
    kill(getpid(), SIGUSR2);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    ck_assert_ptr_null(sunpath_signal_close(two));
    ck_assert(!is_blocked(SIGUSR2));
    ck_assert_ptr_null(sunpath_signal_close(NULL));
    sunpath_loop_close(loop);
}
END_TEST

START_TEST(a_mask_from_before_stays) {
    struct sunpath_signal *signal;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_signal_open(&signal, loop, SIGHUP, on_signal, &last), 0);
    sunpath_signal_close(signal);
    ck_assert(is_blocked(SIGHUP));
    sunpath_loop_close(loop);
}
END_TEST

START_TEST(what_is_no_signal_is_refused) {
    const int numbers[] = {SIGKILL, SIGSTOP, 0, -1, 1000};
    struct sunpath_signal *signal = NULL;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        ck_assert_int_eq(sunpath_signal_open(&signal, loop, numbers[i], on_signal, NULL), -EINVAL);
    }
    ck_assert_ptr_null(signal);
    sunpath_loop_close(loop);
}
END_TEST

START_TEST(a_signal_may_be_closed_by_itself_and_opened_again) {
    struct sunpath_signal *signal = NULL;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(sunpath_signal_open(&signal, loop, SIGUSR1, close_it, &signal), 0);
        kill(getpid(), SIGUSR1);
        ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
        ck_assert_ptr_null(signal);
        ck_assert_int_eq(n_caught, i);
        ck_assert(!is_blocked(SIGUSR1));
    }
    sunpath_loop_close(loop);
}
END_TEST

static void handler(int number) {
    last = number;
}

START_TEST(a_signal_of_the_programs_own_ends_the_wait) {
    struct sigaction action = {.sa_handler = handler};
    sigset_t set;

    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    ualarm(20000, 20000);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, -1), 0);
    ualarm(0, 0);
    ck_assert_int_eq(last, SIGALRM);
    sunpath_loop_close(loop);
}
END_TEST

static void send_interrupt(struct sunpath_timer *timer, void *user) {
    (void)timer;
    (void)user;
    kill(getpid(), SIGINT);
}

START_TEST(a_program_runs_until_it_is_told_to_end) {
    struct sunpath_timer *timer;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_timer_new(&timer, loop, send_interrupt, NULL), 0);
    sunpath_timer_set(timer, 0);
    ck_assert_int_eq(sunpath_loop_run_until_signal(loop), SIGINT);
    ck_assert(!is_blocked(SIGINT));
    ck_assert(!is_blocked(SIGTERM));
    sunpath_timer_free(timer);
    sunpath_loop_close(loop);
}
END_TEST

START_TEST(a_signal_that_was_blocked_waits_for_the_loop) {
    sigset_t both, before;

    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    sigaddset(&both, SIGINT);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &both, &before), 0);
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_loop_run_until_signal(loop), SIGTERM);
    sunpath_loop_close(loop);
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}
END_TEST

SP_TESTS("signal", a_program_runs_until_it_is_told_to_end,
         a_signal_that_was_blocked_waits_for_the_loop, signals_arrive_as_events,
         a_mask_from_before_stays, what_is_no_signal_is_refused,
         a_signal_may_be_closed_by_itself_and_opened_again,
         a_signal_of_the_programs_own_ends_the_wait)
