/* SPDX-License-Identifier: MIT */
/* histogram.h - times, counted in buckets that are 3 % wide. */

#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>
#include <string.h>

#define N_STEPS 32 /* buckets to a power of two */

struct histogram {
    uint64_t n;
    uint64_t counts[64 * N_STEPS];
};

static inline void histogram_add(struct histogram *histogram, uint64_t ns, unsigned n) {
    unsigned power = 63 - (unsigned)__builtin_clzll(ns | N_STEPS);
    unsigned bucket = (power - 5) * N_STEPS + (unsigned)(ns >> (power - 5));

    histogram->counts[bucket] += n;
    histogram->n += n;
}

/* The time that `share` (0 to 1) of all stayed below, in nanoseconds. */
static inline double histogram_at(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)(share * (double)histogram->n), seen = 0;

    for (unsigned bucket = 0; bucket < 64 * N_STEPS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen > wanted) {
            unsigned power = bucket < 2 * N_STEPS ? 5 : bucket / N_STEPS + 4;

            return (double)((uint64_t)(bucket - (power - 5) * N_STEPS) << (power - 5));
        }
    }
    return 0;
}

#endif
