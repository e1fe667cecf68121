/* SPDX-License-Identifier: MIT */
/* files-open.c - open a file below a directory, whatever its name and the links in it say. */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fd.h"
#include "web/files.h"

/* A name may become a fifo or a device at any time: opening must neither wait nor take a terminal.
 */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

#define MAX_TRIES \
    64 /* a rename raced: openat2(2). Somebody who renames all day is not waited for */

/*
 * Where openat2(2) is missing (Linux before 5.6, or a sandbox), one component after the other and
 * no links at all: stricter than RESOLVE_BENEATH, never looser.
 */
static int open_by_steps(int root_fd, const char *name) {
    _cleanup_(sp_closep) int fd = -1;

    do {
        char component[SP_FILES_COMPONENT_ROOM];
        size_t size = strcspn(name, "/");
        bool is_last = name[size] == '\0';
        int flags = is_last ? OPEN_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC, next;

        if (size >= sizeof(component)) {
            return -ENAMETOOLONG;
        }
        memcpy(component, name, size);
        component[size] = '\0';
        name += is_last ? size : size + 1;
        if (!is_last && !*name) {
            flags = OPEN_FLAGS | O_DIRECTORY; /* it ended with a slash */
        }
        next = openat(fd >= 0 ? fd : root_fd, component, flags | O_NOFOLLOW);
        if (next < 0) {
            return -errno;
        }
        sp_close(fd);
        fd = next;
    } while (*name);
    return sp_take_fd(&fd);
}

static int open_resolved(int root_fd, const char *name, bool refuses_links) {
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;

    how.resolve |= refuses_links ? RESOLVE_NO_SYMLINKS : 0;
    for (int i = 0; i < MAX_TRIES; i++) {
        fd = syscall(SYS_openat2, root_fd, name, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        return open_by_steps(root_fd, name);
    }
    return fd < 0 ? -errno : (int)fd;
}

static bool is_served(const struct stat *stat) {
    return S_ISREG(stat->st_mode) || S_ISDIR(stat->st_mode);
}

int sp_files_open_below(int root_fd, const char *name, bool refuses_links, struct stat *ret) {
    _cleanup_(sp_closep) int fd = -1;
    struct stat stat;

    name = *name ? name : ".";
    /*
     * Opening a fifo lets its writer go on, opening a device may do anything: so it is looked at
     * before. Only that: whether it may be opened is decided by opening it.
     */
    if (fstatat(root_fd, name, &stat, AT_NO_AUTOMOUNT) == 0 && !is_served(&stat)) {
        return -ENXIO;
    }
    fd = open_resolved(root_fd, name, refuses_links);
    if (fd < 0) {
        return fd;
    }
    if (fstat(fd, &stat) < 0) {
        return -errno;
    }
    if (!is_served(&stat)) {
        return -ENXIO;
    }
    *ret = stat;
    return sp_take_fd(&fd);
}
