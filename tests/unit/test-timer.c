/* SPDX-License-Identifier: MIT */
/* test-timer.c - deadlines: order, never early, lazily later, changed and freed in callbacks. */

#include <stdlib.h>

#include "fixture.h"
#include "loop/loop.h"

#define N_TIMERS 300
#define FOREVER  60000

static struct sunpath_loop *loop;
static int n_fired;

static void count(struct sunpath_timer *timer, void *user) {
    (void)timer;
    (void)user;
    n_fired++;
}

static void count_inner(struct sp_timer *timer) {
    (void)timer;
    n_fired++;
}

START_TEST(a_timer_fires_once_and_never_early) {
    struct sunpath_timer *timer;
    uint64_t before_ns = sp_now_ns();

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_timer_new(&timer, loop, count, NULL), 0);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    sunpath_timer_set(timer, 20);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    ck_assert_uint_ge(sp_now_ns() - before_ns, 20 * SP_NS_PER_MS);
    ck_assert_int_eq(n_fired, 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    sunpath_timer_set(timer, UINT64_MAX); /* as good as never, and no overflow */
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    sunpath_timer_set(timer, 1);
    sunpath_timer_cancel(timer);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 5), 0);
    sunpath_timer_set(timer, 1); /* cancelled is not freed */
    ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    ck_assert_int_eq(n_fired, 2);
    ck_assert_ptr_null(sunpath_timer_free(timer));
    ck_assert_ptr_null(sunpath_timer_free(NULL));
    sunpath_loop_close(loop);
}
END_TEST

START_TEST(dispatch_comes_back_when_its_time_has_passed) {
    struct sunpath_timer *timer;
    uint64_t before_ns;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_timer_new(&timer, loop, count, NULL), 0);
    sunpath_timer_set(timer, 1);
    sunpath_timer_set(timer, 3600000); /* its old place in the heap still comes up */
    before_ns = sp_now_ns();
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 10), 0);
    ck_assert_uint_ge(sp_now_ns() - before_ns, 10 * SP_NS_PER_MS);
    ck_assert_int_eq(n_fired, 0);
    sunpath_timer_free(timer);
    sunpath_loop_close(loop);
}
END_TEST

START_TEST(later_is_one_store_and_earlier_moves) {
    struct sp_timer timer;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    sp_timer_init(&timer, count_inner);
    sp_timer_set(&timer, loop, 1000);
    ck_assert_uint_eq(timer.node.key, 1000);
    sp_timer_set(&timer, loop, SP_NEVER - 1);
    ck_assert_uint_eq(timer.node.key, 1000);
    sp_timer_set(&timer, loop, 500);
    ck_assert_uint_eq(timer.node.key, 500);
    sp_timer_set(&timer, loop, SP_NEVER - 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    ck_assert(timer.node.key == SP_NEVER - 1); /* put where it belongs */
    sp_timer_deinit(&timer, loop);
    sp_timer_deinit(&timer, loop);
    ck_assert_ptr_null(loop->timers.root);
    sunpath_loop_close(loop);
}
END_TEST

struct ordered {
    struct sunpath_timer *timer;
    unsigned delay_ms;
};

static unsigned last_ms;

static void in_order(struct sunpath_timer *timer, void *user) {
    const struct ordered *ordered = user;

    (void)timer;
    ck_assert_uint_ge(ordered->delay_ms, last_ms);
    last_ms = ordered->delay_ms;
    if (++n_fired == N_TIMERS) {
        sunpath_loop_stop(loop);
    }
}

START_TEST(many_fire_in_order) {
    static struct ordered all[N_TIMERS];

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    srandom(4);
    for (int i = 0; i < N_TIMERS; i++) {
        all[i].delay_ms = (unsigned)random() % 50;
        ck_assert_int_eq(sunpath_timer_new(&all[i].timer, loop, in_order, &all[i]), 0);
    }
    for (unsigned ms = 0; ms < 50; ms++) { /* a later deadline is set later */
        for (int i = 0; i < N_TIMERS; i++) {
            if (all[i].delay_ms == ms) {
                sunpath_timer_set(all[i].timer, ms);
            }
        }
    }
    last_ms = 0;
    ck_assert_int_eq(sunpath_loop_run(loop), 0);
    for (int i = 0; i < N_TIMERS; i++) {
        sunpath_timer_free(all[i].timer);
    }
    sunpath_loop_close(loop);
}
END_TEST

static void again_at_once(struct sunpath_timer *timer, void *user) {
    (void)user;
    n_fired++;
    sunpath_timer_set(timer, 0);
}

START_TEST(a_timer_that_sets_itself_fires_once_a_turn) {
    struct sunpath_timer *timer;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_timer_new(&timer, loop, again_at_once, NULL), 0);
    sunpath_timer_set(timer, 0);
    for (int i = 1; i <= 10; i++) {
        ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
        ck_assert_int_eq(n_fired, i);
    }
    sunpath_timer_free(timer);
    sunpath_loop_close(loop);
}
END_TEST

static struct sunpath_timer *three[3];

static void free_all(struct sunpath_timer *timer, void *user) {
    (void)timer;
    (void)user;
    n_fired++;
    for (int i = 0; i < 3; i++) {
        three[i] = sunpath_timer_free(three[i]);
    }
}

START_TEST(freed_timers_do_not_fire) {
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(sunpath_timer_new(&three[i], loop, free_all, NULL), 0);
        sunpath_timer_set(three[i], 0);
    }
    ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    ck_assert_int_eq(n_fired, 1);
    sunpath_loop_close(loop);
}
END_TEST

SP_TESTS("timer", a_timer_fires_once_and_never_early, dispatch_comes_back_when_its_time_has_passed,
         later_is_one_store_and_earlier_moves, many_fire_in_order,
         a_timer_that_sets_itself_fires_once_a_turn, freed_timers_do_not_fire)
