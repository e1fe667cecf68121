/* SPDX-License-Identifier: MIT */
/* serve-open.c - open a file below a directory, whatever its name and the links in it say. */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "serve.h"

/* A name may be a fifo or a device: opening must neither wait nor take a terminal. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/*
 * Where openat2(2) is missing (Linux before 5.6, or a sandbox), one component after the other and
 * no links at all: stricter than RESOLVE_BENEATH, never looser.
 */
static int open_by_steps(int root_fd, const char *path) {
    int fd = dup(root_fd), next;
    char name[256];

    while (fd >= 0 && *path) {
        size_t size = strcspn(path, "/");
        bool is_last = path[size] == '\0';
        int flags = is_last ? OPEN_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC;

        if (size >= sizeof(name) || size == 0 || (size == 2 && memcmp(path, "..", 2) == 0)) {
            close(fd);
            return size >= sizeof(name) ? -ENAMETOOLONG : -EXDEV;
        }
        memcpy(name, path, size);
        name[size] = '\0';
        path += size;
        path += strspn(path, "/");
        if (!is_last && !*path) {
            flags = OPEN_FLAGS | O_DIRECTORY; /* it ended with a slash */
        }
        next = openat(fd, name, flags | O_NOFOLLOW);
        close(fd);
        fd = next;
    }
    return fd < 0 ? -errno : fd;
}

int serve_open_below(int root_fd, const char *path) {
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;

    do {
        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
    } while (fd < 0 && (errno == EAGAIN || errno == EINTR)); /* a rename raced: openat2(2) */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        return open_by_steps(root_fd, path);
    }
    return fd < 0 ? -errno : (int)fd;
}
