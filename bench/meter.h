/* SPDX-License-Identifier: MIT */
/* meter.h - what every generator measures with, and the report that run.py reads. */

#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "histogram.h"

static inline uint64_t now_ns(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* This process' processor time in seconds. */
static inline double cpu_seconds(void) {
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static inline void print_report(double n, double seconds, double cpu,
                                const struct histogram *times) {
    printf("{\"n\": %.0f, \"seconds\": %.6f, \"rate\": %.3f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
           "\"cpu\": %.4f}\n",
           n, seconds, n / seconds, histogram_at(times, 0.5) / 1e3, histogram_at(times, 0.99) / 1e3,
           cpu / seconds);
}

#endif
