/* SPDX-License-Identifier: MIT */
/* messages.h - pairs of sockets, and messages to send and receive. */

#ifndef TESTS_MESSAGES_H
#define TESTS_MESSAGES_H

#include "fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/connection.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static const enum sunpath_type types[] = {SUNPATH_STREAM, SUNPATH_SEQPACKET, SUNPATH_DGRAM};

static inline void pair_of(int fds[2], enum sunpath_type type) {
    ck_assert_int_eq(sunpath_socketpair(fds, type), 0);
}

static inline void close_pair(const int fds[2]) {
    close(fds[0]);
    close(fds[1]);
}

static inline struct sunpath_send_options options_of(const int *fds, size_t n_fds) {
    struct sunpath_send_options options = SUNPATH_OPTIONS(struct sunpath_send_options);

    options.fds = fds;
    options.n_fds = n_fds;
    return options;
}

static inline struct sunpath_message room(char *data, size_t n_data, int *fds, size_t max_fds) {
    return (struct sunpath_message){.data = data, .n_data = n_data, .fds = fds, .max_fds = max_fds};
}

static inline bool is_same_file(int a, int b) {
    struct stat x, y;

    ck_assert_int_eq(fstat(a, &x) + fstat(b, &y), 0);
    return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

#endif
