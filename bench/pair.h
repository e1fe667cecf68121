/* SPDX-License-Identifier: MIT */
/* pair.h - programs that are both ends of a job: `serve` takes messages, `drive` sends and counts.
 */

#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "meter.h"

#define N_MESSAGE 64         /* bytes of a small message */
#define N_LARGE   (16 << 20) /* and of a large one */
#define N_BATCH   64         /* small ones that leave together */

static struct {
    bool is_driver;
    const char *job, *path;
    double seconds, warmup_seconds;
    struct sockaddr_un address;
} pair = {.seconds = 2, .warmup_seconds = 0.2};

static struct {
    uint64_t n, begin_ns, end_ns;
    double cpu;
    bool is_warm;
    struct histogram times;
} meter;

static inline void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline bool is_job(const char *name) {
    return strcmp(pair.job, name) == 0;
}

/* PROGRAM serve|drive JOB SOCKET [-s SECONDS] [-w WARM-UP-SECONDS] */
static inline void read_pair(int argc, char **argv) {
    int option;

    pair.is_driver = argc >= 4 && strcmp(argv[1], "drive") == 0;
    if (argc < 4 || (!pair.is_driver && strcmp(argv[1], "serve") != 0) ||
        strlen(argv[3]) >= sizeof(pair.address.sun_path)) {
        fprintf(stderr, "usage: %s serve|drive JOB SOCKET [-s SECONDS] [-w WARM-UP-SECONDS]\n",
                argv[0]);
        exit(2);
    }
    pair.job = argv[2];
    pair.path = argv[3];
    pair.address.sun_family = AF_UNIX;
    memcpy(pair.address.sun_path, pair.path, strlen(pair.path) + 1);
    optind = 4;
    while ((option = getopt(argc, argv, "s:w:")) >= 0) {
        *(option == 's' ? &pair.seconds : &pair.warmup_seconds) = atof(optarg);
    }
    meter.begin_ns = now_ns();
    meter.end_ns = meter.begin_ns + (uint64_t)(pair.warmup_seconds * 1e9);
}

/* The process ends here, with its report, when the time is up. */
static inline void count(uint64_t n) {
    uint64_t now = now_ns();

    meter.n += n;
    if (now < meter.end_ns) {
        return;
    }
    if (meter.is_warm) {
        print_report((double)meter.n, (double)(now - meter.begin_ns) / 1e9,
                     cpu_seconds() - meter.cpu, &meter.times);
        exit(0);
    }
    meter.is_warm = true;
    meter.n = 0;
    memset(&meter.times, 0, sizeof(meter.times));
    meter.cpu = cpu_seconds();
    meter.begin_ns = now;
    meter.end_ns = now + (uint64_t)(pair.seconds * 1e9);
}

/* One that was sent at *sent_ns is answered; the next one leaves now. */
static inline void count_answer(uint64_t *sent_ns) {
    uint64_t now = now_ns();

    histogram_add(&meter.times, now - *sent_ns, 1);
    count(1);
    *sent_ns = now;
}

#endif
