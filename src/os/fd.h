/* SPDX-License-Identifier: MIT */
/* fd.h - descriptors that close themselves. */

#ifndef SP_OS_FD_H
#define SP_OS_FD_H

#include <errno.h>
#include <unistd.h>

/* Closes and returns -1: `fd = sp_close(fd)`. Accepts negative numbers. Keeps errno. */
static inline int sp_close(int fd) {
    int saved = errno;

    if (fd >= 0) {
        close(fd); /* Linux frees the number even when it reports EINTR: close(2) */
    }
    errno = saved;
    return -1;
}

/* For _cleanup_(sp_closep). */
static inline void sp_closep(int *fd) {
    *fd = sp_close(*fd);
}

/* Hands a descriptor out of a variable that would close it. */
static inline int sp_take_fd(int *fd) {
    int taken = *fd;

    *fd = -1;
    return taken;
}

#endif
