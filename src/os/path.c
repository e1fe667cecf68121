/* SPDX-License-Identifier: MIT */
/* path.c - reach a file through its directory, so that no path is too long for a socket address. */

#include "os/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int check_name(const char *name) {
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return -EINVAL;
    }
    return strlen(name) > SP_PATH_NAME_MAX ? -ENAMETOOLONG : 0;
}

int sp_path_open_parent(int *ret_dir_fd, const char **ret_name, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t n_parent = (size_t)(name - path);
    char parent[PATH_MAX] = ".";
    int r, fd;

    r = check_name(name);
    if (r < 0) {
        return r;
    }
    if (n_parent >= sizeof(parent)) {
        return -ENAMETOOLONG;
    }
    if (slash) { /* with the slash, so that "/" stays what it is */
        memcpy(parent, path, n_parent);
        parent[n_parent] = '\0';
    }

    fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    *ret_dir_fd = fd;
    *ret_name = name;
    return 0;
}

int sp_path_to_sockaddr(struct sockaddr_un *ret, int dir_fd, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d%s%s", dir_fd,
                     name ? "/" : "", name ? name : "");

    if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    *ret = address;
    return (int)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1);
}

int sp_path_rename(int dir_fd, const char *from, const char *to, unsigned flags) {
    return syscall(SYS_renameat2, dir_fd, from, dir_fd, to, flags) < 0 ? -errno : 0;
}
