/* SPDX-License-Identifier: MIT */
/* activation.c - descriptors a service manager passed to this process: sd_listen_fds(3). */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "sock/listener-internal.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* 1 and the number in *ret; 0 when the variable is not set; -EINVAL when it is no number. */
static int read_number(int *ret, const char *variable, int max) {
    const char *text = getenv(variable);
    uint64_t number;

    if (!text) {
        return 0;
    }
    if (!sp_parse_number(&number, text, strlen(text), (uint64_t)max)) {
        return -EINVAL;
    }
    *ret = (int)number;
    return 1;
}

int sunpath_activation_count(void) {
    int pid, n_fds, r;

    r = read_number(&pid, "LISTEN_PID", INT_MAX);
    if (r <= 0) {
        return r;
    }
    if (pid != getpid()) { /* meant for a parent of ours, and inherited */
        return 0;
    }
    r = read_number(&n_fds, "LISTEN_FDS", INT_MAX - FIRST_FD);
    return r <= 0 ? r : n_fds;
}

/* The index-th piece between colons; NULL when there are fewer. */
static const char *find_name(int index, size_t *ret_size) {
    const char *names = getenv("LISTEN_FDNAMES");

    for (; names && index > 0; index--) {
        names = strchr(names, ':');
        names = names ? names + 1 : NULL;
    }
    *ret_size = names ? strcspn(names, ":") : 0;
    return names;
}

int sunpath_activation_name(int index, char *buffer, size_t n_buffer) {
    int n_fds = sunpath_activation_count();
    const char *name;
    size_t n_name;

    if (n_fds < 0) {
        return n_fds;
    }
    if (index < 0 || index >= n_fds) {
        return -EINVAL;
    }
    name = find_name(index, &n_name);
    if (n_name >= n_buffer) {
        return -ERANGE;
    }
    if (name) {
        memcpy(buffer, name, n_name);
    }
    buffer[n_name] = '\0';
    return (int)n_name;
}

/*
 * Counts the descriptors called `name` (all of them when it is empty); *ret is the first. Ends with
 * the names: LISTEN_FDS may say anything.
 */
static int count_named(int *ret, int n_fds, const char *name) {
    const char *names = getenv("LISTEN_FDNAMES");
    int n_found = 0;

    if (*name == '\0') {
        *ret = FIRST_FD;
        return n_fds;
    }
    for (int i = 0; names && i < n_fds; i++) {
        size_t n = strcspn(names, ":");

        if (n == strlen(name) && memcmp(names, name, n) == 0 && n_found++ == 0) {
            *ret = FIRST_FD + i;
        }
        names = names[n] ? names + n + 1 : NULL;
    }
    return n_found;
}

int sp_activation_find(int *ret_fd, const char *name, struct sunpath_error *error) {
    int n_fds = sunpath_activation_count();
    struct sp_shown shown;
    int fd = -1, n_found;

    if (n_fds < 0) {
        return sp_fail(error, n_fds, SUNPATH_REASON_INVALID, "activate",
                       "LISTEN_PID or LISTEN_FDS is not a number");
    }
    if (n_fds == 0) {
        return sp_fail(error, -ENOENT, SUNPATH_REASON_MISSING, "activate",
                       "no descriptor was passed to this process (LISTEN_PID, LISTEN_FDS)");
    }
    sp_show(&shown, name, strlen(name));
    n_found = count_named(&fd, n_fds, name);
    if (n_found == 0) {
        return sp_fail(error, -ENOENT, SUNPATH_REASON_MISSING, "activate",
                       "'systemd:%s': none of the %d descriptors passed has this name", shown.text,
                       n_fds);
    }
    if (n_found > 1) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "activate",
                       "'systemd:%s': %d descriptors are meant, from fd:%d on: say which",
                       shown.text, n_found, fd);
    }
    *ret_fd = fd;
    return 0;
}
