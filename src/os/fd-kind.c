/* SPDX-License-Identifier: MIT */
/* fd-kind.c - what a descriptor is that somebody sent: fstat(2), memfd_create(2). */

#include "os/fd-kind.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <sunpath/channel.h>

/* Memory has seals, as every file on tmpfs has, but never had a name. */
static int kind_of_file(int fd, const struct stat *stat) {
    return stat->st_nlink == 0 && fcntl(fd, F_GET_SEALS) >= 0 ? SUNPATH_FD_MEMFD : SUNPATH_FD_FILE;
}

int sp_fd_kind(int fd) {
    struct stat stat;

    if (fstat(fd, &stat) < 0) {
        return -errno;
    }
    switch (stat.st_mode & S_IFMT) {
    case S_IFREG:
        return kind_of_file(fd, &stat);
    case S_IFDIR:
        return SUNPATH_FD_DIRECTORY;
    case S_IFIFO:
        return SUNPATH_FD_PIPE;
    case S_IFSOCK:
        return SUNPATH_FD_SOCKET;
    case S_IFCHR:
    case S_IFBLK:
        return SUNPATH_FD_DEVICE;
    default:
        return SUNPATH_FD_OTHER;
    }
}
