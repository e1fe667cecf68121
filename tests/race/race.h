/* SPDX-License-Identifier: MIT */
/* race.h - what the racing programs share: a server that says who it is, and asking it. */

#ifndef TESTS_RACE_H
#define TESTS_RACE_H

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sunpath/sunpath.h>

/* Prints why and ends with status 1: the race was lost. */
#define RACE_CHECK(condition, ...)                          \
    do {                                                    \
        if (!(condition)) {                                 \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
            fprintf(stderr, __VA_ARGS__);                   \
            fprintf(stderr, " (%s)\n", #condition);         \
            _exit(1);                                       \
        }                                                   \
    } while (0)

static inline long race_now_us(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

/*
 * Lets the others run for a random while below `max_us`, which is part of the race and no wait for
 * anything: opening a listener takes some hundred microseconds.
 */
static inline void race_dawdle(unsigned *seed, int max_us) {
    long end = race_now_us() + rand_r(seed) % max_us;

    while (race_now_us() < end) {
        sched_yield();
    }
}

/* Asks the server at `path` for its pid; a negative errno when there is none. */
static inline int race_ask(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t pid = 0;
    int r;

    RACE_CHECK(fd >= 0, "socket: %m");
    RACE_CHECK(strlen(path) < sizeof(address.sun_path), "path too long");
    strcpy(address.sun_path, path);
    r = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    if (r == 0) {
        ssize_t n = read(fd, &pid, sizeof(pid));

        r = n == sizeof(pid) ? (int)pid : n < 0 ? -errno : -ECONNRESET;
    }
    close(fd);
    return r;
}

/* Answers everybody who waits. */
static inline int race_answer(struct sunpath_listener *listener) {
    int fd, n = 0;

    while (sunpath_listener_accept(listener, &fd) == 0) {
        pid_t pid = getpid();

        (void)!write(fd, &pid, sizeof(pid));
        close(fd);
        n++;
    }
    return n;
}

/* Serves until the other end of `stop_fd` is closed. */
static inline void race_serve(struct sunpath_listener *listener, int stop_fd) {
    struct pollfd watched[] = {{.fd = sunpath_listener_fd(listener), .events = POLLIN},
                               {.fd = stop_fd, .events = POLLIN}};

    while (watched[1].revents == 0) {
        RACE_CHECK(poll(watched, 2, -1) > 0, "poll: %m");
        race_answer(listener);
    }
}

#endif
