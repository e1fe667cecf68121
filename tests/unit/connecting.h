/* SPDX-License-Identifier: MIT */
/* connecting.h - sockets to connect to, and helpers who act while this process waits. */

#ifndef TESTS_CONNECTING_H
#define TESTS_CONNECTING_H

#include "fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/connection.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY  65534
#define UNTAKEN (-77)

static inline int socket_of(int type) {
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static inline int bound(int type, const char *path) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket_of(type);

    strcpy(un.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static inline int listening(int type, const char *path, int backlog) {
    int fd = bound(type, path);

    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

static inline struct sunpath_connect_options options_of(int timeout_ms) {
    struct sunpath_connect_options options = SUNPATH_OPTIONS(struct sunpath_connect_options);

    options.timeout_ms = timeout_ms;
    return options;
}

static inline int connected(const char *address, const struct sunpath_connect_options *options) {
    struct sunpath_error error = {0};
    int fd = UNTAKEN;
    int r = sunpath_connect(&fd, address, options, &error);

    ck_assert_msg(r == 0, "%d: %s", r, error.text);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    return fd;
}

static inline void fails(const char *address, const struct sunpath_connect_options *options,
                         int code, enum sunpath_reason reason, const char *part) {
    struct sunpath_error error = {0};
    int fd = UNTAKEN;
    int r = sunpath_connect(&fd, address, options, &error);

    ck_assert_msg(r == code, "%d, not %d: %s", r, code, error.text);
    ck_assert_int_eq(fd, UNTAKEN);
    ck_assert_int_eq(error.code, code);
    ck_assert_msg(error.reason == reason, "%s: %s", sunpath_reason_name(error.reason), error.text);
    ck_assert_msg(strstr(error.text, part), "'%s' is not in: %s", part, error.text);
    ck_assert_int_eq(sunpath_connect(&fd, address, options, NULL), code);
    ck_assert_int_eq(fd, UNTAKEN);
}

static inline void is_child_ok(pid_t child) {
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

/* Is that process asleep in poll(2)? Only then has it met what it waits for. */
static inline bool is_polling(pid_t pid) {
    char path[64];
    long number = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
    file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%ld", &number) != 1) {
            number = -1; /* "running" */
        }
        fclose(file);
    }
#ifdef SYS_poll
    return number == SYS_poll || number == SYS_ppoll;
#else
    return number == SYS_ppoll;
#endif
}

/* In a child: once this process waits, does `act`. */
static inline pid_t when_waiting(int (*act)(const void *), const void *user) {
    pid_t parent = getpid(), child = fork();

    ck_assert_int_ge(child, 0);
    if (child > 0) {
        return child;
    }
    while (!is_polling(parent)) {
        if (getppid() != parent) {
            _exit(9);
        }
        sched_yield();
    }
    _exit(act(user));
}

static inline void become_nobody(void) {
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0) {
        _exit(8);
    }
}

#endif
