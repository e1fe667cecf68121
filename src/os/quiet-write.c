/* SPDX-License-Identifier: MIT */
/* quiet-write.c - write(2) without SIGPIPE, for descriptors that know no MSG_NOSIGNAL. */

#include "os/quiet-write.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/*
 * SIGPIPE goes to the thread that wrote (signal(7)). So it is blocked for the moment, and the one
 * that this write raised is taken off the queue, unless one was waiting before.
 */
ssize_t sp_quiet_write(int fd, const void *data, size_t size) {
    const struct timespec at_once = {0};
    sigset_t pipe_only, before, pending;
    ssize_t n;
    int saved;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    n = write(fd, data, size);
    saved = errno;
    if (n < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE)) {
        while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return n;
}
