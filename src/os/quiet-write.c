/* SPDX-License-Identifier: MIT */
/* quiet-write.c - writing without SIGPIPE where there is no MSG_NOSIGNAL for it. */

#include "os/quiet-write.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

/*
 * SIGPIPE goes to the thread that wrote (signal(7)). So it is blocked for the moment, and the one
 * that this write raised is taken off the queue, unless one was waiting before: which takes a
 * program that had it blocked before.
 */
struct quiet {
    sigset_t before;
    bool was_pending;
};

static void pipe_only(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
}

static void begin(struct quiet *quiet) {
    sigset_t set;

    pipe_only(&set);
    quiet->was_pending = false;
    pthread_sigmask(SIG_BLOCK, &set, &quiet->before);
    if (sigismember(&quiet->before, SIGPIPE)) {
        sigpending(&set);
        quiet->was_pending = sigismember(&set, SIGPIPE);
    }
}

/* sendfile() may have failed with the signal after a part of it had gone well. */
static ssize_t end(const struct quiet *quiet, ssize_t n, size_t size) {
    const struct timespec at_once = {0};
    int saved = errno;
    sigset_t set;

    if (n < (ssize_t)size && !quiet->was_pending && (n >= 0 || saved == EPIPE)) {
        pipe_only(&set);
        while (sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR) {
        }
    }
    if (!sigismember(&quiet->before, SIGPIPE)) {
        pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
    }
    errno = saved;
    return n;
}

ssize_t sp_quiet_write(int fd, const void *data, size_t size) {
    struct quiet quiet;

    begin(&quiet);
    return end(&quiet, write(fd, data, size), size);
}

ssize_t sp_quiet_sendfile(int fd, int file_fd, off_t offset, size_t size) {
    struct quiet quiet;

    begin(&quiet);
    return end(&quiet, sendfile(fd, file_fd, &offset, size), size);
}
