/* SPDX-License-Identifier: MIT */
/* clock.h - time that only goes forward, and the calendar's. */

#ifndef SP_OS_CLOCK_H
#define SP_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SP_NS_PER_MS 1000000ULL
#define SP_NS_PER_S  1000000000ULL
#define SP_NEVER     UINT64_MAX

static inline uint64_t sp_now_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * SP_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Since 1970, as clocks on walls show it. */
static inline int64_t sp_wall_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * (int64_t)SP_NS_PER_S + now.tv_nsec;
}

/* The moment `timeout_ms` from now; a negative timeout is never. */
static inline uint64_t sp_deadline_ns(int timeout_ms) {
    return timeout_ms < 0 ? SP_NEVER : sp_now_ns() + (uint64_t)timeout_ms * SP_NS_PER_MS;
}

/* What poll(2) takes: milliseconds left, rounded up so that a wait never ends early; -1 for never.
 */
static inline int sp_left_ms(uint64_t deadline_ns) {
    uint64_t now, left;

    if (deadline_ns == SP_NEVER) {
        return -1;
    }
    now = sp_now_ns();
    if (now >= deadline_ns) {
        return 0;
    }
    left = (deadline_ns - now + SP_NS_PER_MS - 1) / SP_NS_PER_MS;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
