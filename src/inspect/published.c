/* SPDX-License-Identifier: MIT */
/* published.c - the path a socket can be reached by now, whatever name it was bound under. */

#include "inspect/published.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "os/fd.h"
#include "os/mounts.h"

#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE 0x89E0 /* linux/un.h, which cannot be had beside sys/un.h */
#endif

enum {
    MAX_ENTRIES = 100000 /* of a directory that are looked at */
};

static bool read_link(char ret[SUNPATH_NAME_MAX + 1], const char *path) {
    ssize_t n = readlink(path, ret, SUNPATH_NAME_MAX + 1);

    if (n <= 0 || n > SUNPATH_NAME_MAX) {
        return false;
    }
    ret[n] = '\0';
    return true;
}

/* The file of the owner's socket, as an O_PATH descriptor of ours. */
static int open_file_of(const struct sunpath_owner *owner) {
#if defined(SYS_pidfd_getfd) && defined(SYS_pidfd_open)
    int process = (int)syscall(SYS_pidfd_open, owner->pid, 0);
    int socket = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, owner->fd, 0);
    int file = socket < 0 ? -1 : ioctl(socket, SIOCUNIXFILE);

    sp_close(socket);
    sp_close(process);
    return file;
#else
    (void)owner;
    return -1;
#endif
}

/* Is the socket's file at `path`? */
static bool is_at(struct sp_published *ret, const struct sp_diag_socket *socket, const char *path) {
    size_t n = strlen(path);
    int fd = n > SUNPATH_NAME_MAX ? -1 : open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool is_socket = fd >= 0 && fstat(fd, &ret->file) == 0 && S_ISSOCK(ret->file.st_mode);

    if (is_socket) {
        sp_stat_whole(&ret->file, fd);
    }
    sp_close(fd);
    if (!is_socket || !sp_diag_is_file(socket, &ret->file)) {
        return false;
    }
    memmove(ret->path, path, n + 1);
    ret->has_file = true;
    return true;
}

/* Where the kernel says it is. False when that may not be asked, or means nothing here. */
static bool ask_kernel(struct sp_published *ret, const struct sp_diag_socket *socket,
                       const struct sunpath_owner *owner) {
    static const char suffix[] = " (deleted)";
    char link[40], path[SUNPATH_NAME_MAX + 1] = "";
    int file = owner ? open_file_of(owner) : -1;
    struct stat st = {0};
    bool is_known;
    size_t n;

    if (file < 0) {
        return false;
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    is_known = fstat(file, &st) == 0;
    sp_stat_whole(&st, file);
    is_known = is_known && sp_diag_is_file(socket, &st) && read_link(path, link);
    sp_close(file);
    if (!is_known) {
        return false; /* it holds another socket by now */
    }
    n = strlen(path);
    if (is_at(ret, socket, path)) {
        return true;
    }
    if (st.st_nlink > 0 || n <= strlen(suffix) || strcmp(path + n - strlen(suffix), suffix) != 0) {
        return false; /* in another mount namespace, most likely */
    }
    snprintf(ret->path, sizeof(ret->path), "%.*s", (int)(n - strlen(suffix)), path);
    ret->is_deleted = true;
    return true;
}

/* The directory part of a path: "/" and "." where there is none. */
static void directory_of(char ret[SUNPATH_NAME_MAX + 1], const char *path) {
    const char *slash = strrchr(path, '/');

    if (!slash) {
        strcpy(ret, ".");
    } else {
        snprintf(ret, SUNPATH_NAME_MAX + 1, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    }
}

/* "/proc/self/fd/7", or another spelling of it: the number, else -1. */
static int descriptor_of(const char *directory) {
    static const char *const prefixes[] = {"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        size_t n = strlen(prefixes[i]);
        uint64_t number;

        if (strncmp(directory, prefixes[i], n) == 0 &&
            sp_parse_number(&number, directory + n, strlen(directory + n), INT32_MAX)) {
            return (int)number;
        }
    }
    return -1;
}

bool sp_published_directory(char ret[SUNPATH_NAME_MAX + 1], const char *name, pid_t owner) {
    char directory[SUNPATH_NAME_MAX + 1], link[64], base[SUNPATH_NAME_MAX + 1];
    int fd;

    directory_of(directory, name);
    fd = descriptor_of(directory);
    if (fd >= 0) {
        snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)owner, fd);
        return owner > 0 && read_link(ret, link) && ret[0] == '/';
    }
    if (directory[0] == '/') {
        strcpy(ret, directory);
        return true;
    }
    snprintf(link, sizeof(link), "/proc/%d/cwd", (int)owner);
    if (owner <= 0 || !read_link(base, link)) {
        return false;
    }
    return snprintf(ret, SUNPATH_NAME_MAX + 1, "%s/%s", strcmp(base, "/") == 0 ? "" : base,
                    directory[0] == '.' && !directory[1] ? "" : directory) <= SUNPATH_NAME_MAX;
}

/* Looks for the file under whatever name it has in the directory. */
static bool search_directory(struct sp_published *ret, const struct sp_diag_socket *socket,
                             const char *directory) {
    DIR *dir = opendir(directory);
    const char *glue = directory[strlen(directory) - 1] == '/' ? "" : "/";
    struct dirent *entry;
    bool is_found = false;

    for (int i = 0; dir && !is_found && i < MAX_ENTRIES && (entry = readdir(dir)); i++) {
        char path[SUNPATH_NAME_MAX + 1];

        if ((entry->d_type == DT_SOCK || entry->d_type == DT_UNKNOWN) &&
            (uint32_t)entry->d_ino == socket->file_inode &&
            snprintf(path, sizeof(path), "%s%s%s", directory, glue, entry->d_name) <=
                SUNPATH_NAME_MAX) {
            is_found = is_at(ret, socket, path);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return is_found;
}

/* Is it at least there in the owner's view of the file system? */
static bool is_in_mount_namespace(const struct sp_diag_socket *socket, const char *directory,
                                  const struct sunpath_owner *owner) {
    char path[SUNPATH_NAME_MAX + 64];
    struct sp_published there = {0};

    snprintf(path, sizeof(path), "/proc/%d/root%s", (int)owner->pid, directory);
    return search_directory(&there, socket, path);
}

void sp_published_find(struct sp_published *ret, const struct sp_diag_socket *socket,
                       const struct sunpath_owner *owner) {
    char name[SUNPATH_NAME_MAX + 1], directory[SUNPATH_NAME_MAX + 1];
    struct stat st;

    *ret = (struct sp_published){0};
    if (!socket->has_file || !socket->name || socket->name[0] == '\0') {
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)socket->n_name, socket->name);
    if ((name[0] == '/' && descriptor_of(name) < 0 && strncmp(name, "/proc/", 6) != 0 &&
         is_at(ret, socket, name)) ||
        ask_kernel(ret, socket, owner)) {
        return;
    }
    if (!sp_published_directory(directory, name, owner ? owner->pid : 0) ||
        search_directory(ret, socket, directory)) {
        return;
    }
    if (stat(directory, &st) < 0 && errno == EACCES) {
        return; /* nobody can say: it may well be there */
    }
    ret->is_deleted = !owner || !is_in_mount_namespace(socket, directory, owner);
}
