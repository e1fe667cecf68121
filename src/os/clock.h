/* SPDX-License-Identifier: MIT */
/* clock.h - time that only goes forward. */

#ifndef SP_OS_CLOCK_H
#define SP_OS_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SP_NS_PER_MS 1000000ULL
#define SP_NEVER     UINT64_MAX

static inline uint64_t sp_now_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
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
