/* SPDX-License-Identifier: MIT */
/* proc.c - what /proc says about processes, their sockets and locks: proc(5). */

#include "os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "os/fd.h"

static void close_dirp(DIR **dir) {
    if (*dir) {
        closedir(*dir);
    }
}

static DIR *open_directory(int parent, const char *name) {
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        sp_close(fd);
    }
    return dir;
}

/* The next name in `dir` that is a number, or -1 behind the last. */
static long next_number(DIR *dir) {
    struct dirent *entry;
    uint64_t number;

    while ((entry = readdir(dir))) {
        if (sp_parse_number(&number, entry->d_name, strlen(entry->d_name), INT32_MAX)) {
            return (long)number;
        }
    }
    return -1;
}

bool sp_proc_is_there(void) {
    return access("/proc/self", F_OK) == 0;
}

int sp_proc_each(int (*on_process)(pid_t pid, int proc, void *user), void *user) {
    _cleanup_(close_dirp) DIR *dir = open_directory(AT_FDCWD, "/proc");
    int stop = 0;
    long pid;

    if (!dir) {
        return -errno;
    }
    while (stop == 0 && (pid = next_number(dir)) >= 0) {
        stop = on_process((pid_t)pid, dirfd(dir), user);
    }
    return stop;
}

/* What /proc/PID/fd/N links to: true when it is a socket. */
static bool read_socket_link(uint64_t *ret_inode, int directory, const char *name) {
    static const char prefix[] = "socket:[";
    char text[64];
    ssize_t n = readlinkat(directory, name, text, sizeof(text));

    return n > (ssize_t)sizeof(prefix) && n < (ssize_t)sizeof(text) &&
           memcmp(text, prefix, sizeof(prefix) - 1) == 0 &&
           sp_parse_number(ret_inode, text + sizeof(prefix) - 1, (size_t)n - sizeof(prefix),
                           UINT64_MAX);
}

struct scan {
    int (*on_socket)(const struct sp_proc_socket *socket, void *user);
    void *user;
    size_t n_hidden;
};

static int scan_process(pid_t pid, int proc, void *user) {
    struct scan *scan = user;
    _cleanup_(close_dirp) DIR *dir = NULL;
    char name[32];
    int stop = 0;
    long fd;

    snprintf(name, sizeof(name), "%d/fd", (int)pid);
    dir = open_directory(proc, name);
    if (!dir) {
        if (sp_is_own_failure(-errno)) {
            return -errno;
        }
        scan->n_hidden += errno == EACCES || errno == EPERM;
        return 0;
    }

    while (stop == 0 && (fd = next_number(dir)) >= 0) {
        struct sp_proc_socket socket = {.pid = pid, .fd = (int)fd};

        snprintf(name, sizeof(name), "%ld", fd);
        if (read_socket_link(&socket.inode, dirfd(dir), name)) {
            stop = scan->on_socket(&socket, scan->user);
        }
    }
    return stop;
}

int sp_proc_each_socket(int (*on_socket)(const struct sp_proc_socket *socket, void *user),
                        void *user, size_t *ret_n_hidden) {
    struct scan scan = {.on_socket = on_socket, .user = user};
    int stop = sp_proc_each(scan_process, &scan);

    if (ret_n_hidden) {
        *ret_n_hidden = scan.n_hidden;
    }
    return stop;
}

/* The beginning of a small file, NUL-terminated. Its length or a negative errno. */
static ssize_t read_start(const char *path, char *buffer, size_t n_buffer) {
    _cleanup_(sp_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buffer, n_buffer - 1);

    if (n < 0) {
        return -errno;
    }
    buffer[n] = '\0';
    return n;
}

int sp_proc_describe(pid_t pid, char ret_name[16], uid_t *ret_uid) {
    char path[48], name[17], status[2048];
    const char *line;
    unsigned uid;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    n = read_start(path, name, sizeof(name));
    if (n <= 0) {
        return -ESRCH;
    }
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (read_start(path, status, sizeof(status)) <= 0 || !(line = strstr(status, "\nUid:\t")) ||
        sscanf(line, "\nUid: %*u %u", &uid) != 1) {
        return -ESRCH;
    }

    if (name[n - 1] == '\n') {
        n--;
    }
    memset(ret_name, 0, 16);
    memcpy(ret_name, name, n > 15 ? 15 : (size_t)n);
    *ret_uid = uid;
    return 0;
}

pid_t sp_proc_lock_holder(const struct stat *file) {
    FILE *locks = fopen("/proc/locks", "re");
    char line[256], wanted[64];
    pid_t holder = 0;

    if (!locks) {
        return 0;
    }
    snprintf(wanted, sizeof(wanted), "%02x:%02x:%llu", major(file->st_dev), minor(file->st_dev),
             (unsigned long long)file->st_ino);
    while (holder <= 0 && fgets(line, sizeof(line), locks)) {
        char where[64];
        int pid;

        /* "7: FLOCK  ADVISORY  WRITE 771 00:1a:9921 0 EOF"; those that wait have "->" in it */
        if (sscanf(line, "%*u: FLOCK %*s %*s %d %63s", &pid, where) == 2 &&
            strcmp(where, wanted) == 0) {
            holder = pid;
        }
    }
    fclose(locks);
    return holder > 0 ? holder : 0;
}
