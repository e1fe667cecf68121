/* SPDX-License-Identifier: MIT */
/* loop-turns.h - the loop of a test, dispatched until something has happened, or nothing is left.
 */

#ifndef TESTS_LOOP_TURNS_H
#define TESTS_LOOP_TURNS_H

#include <sunpath/loop.h>

#include "fixture.h"

#define FOREVER 60000 /* what never happens in a good run */

static struct sunpath_loop *loop;

/* Dispatches until `condition` holds. */
#define run_until(condition)                                           \
    do {                                                               \
        while (!(condition)) {                                         \
            ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1); \
        }                                                              \
    } while (0)

/* Dispatches until nothing is left to do: it must come to rest. Returns in how many turns. */
static inline int run_quiet(void) {
    int n = 0, r;

    while ((r = sunpath_loop_dispatch(loop, 0)) > 0) {
        ck_assert_int_lt(n++, 100000);
    }
    ck_assert_int_eq(r, 0);
    return n;
}

#endif
