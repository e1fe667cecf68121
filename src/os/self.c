/* SPDX-License-Identifier: MIT */
/* self.c - what this process uses. */

#include "os/self.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/fd.h"

/* A small file of /proc, whole, with a NUL behind. */
static char *read_proc(char *room, size_t size, const char *path) {
    _cleanup_(sp_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, room, size - 1);

    room[n < 0 ? 0 : n] = '\0';
    return room;
}

/* "btime N" of /proc/stat, which is long where there are many interrupts: read to that line. */
static uint64_t boot_time(void) {
    FILE *in = fopen("/proc/stat", "re");
    unsigned long long time = 0;
    char *line = NULL;
    size_t room = 0;

    while (in && time == 0 && getline(&line, &room, in) > 0) {
        if (sscanf(line, "btime %llu", &time) != 1) {
            time = 0;
        }
    }
    free(line);
    if (in) {
        fclose(in);
    }
    return time;
}

/* The fields behind the name, which may contain anything: state is the 3rd in proc(5)'s counting.
 */
static void read_stat(struct sp_self_usage *usage) {
    unsigned long long start = 0, n_virtual = 0;
    long n_pages = 0;
    char room[2048];
    const char *at = strrchr(read_proc(room, sizeof(room), "/proc/self/stat"), ')');

    if (!at || sscanf(at + 1,
                      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                      "%*d %llu %llu %ld",
                      &start, &n_virtual, &n_pages) != 3) {
        return;
    }
    usage->n_virtual = n_virtual;
    usage->n_resident = (uint64_t)n_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    usage->started_s = (double)boot_time() + (double)start / (double)sysconf(_SC_CLK_TCK);
}

static uint64_t count_fds(void) {
    DIR *directory = opendir("/proc/self/fd");
    uint64_t n = 0;

    while (directory && readdir(directory)) {
        n++;
    }
    if (directory) {
        closedir(directory);
        n -= n > 3 ? 3 : n; /* "." and "..", and the directory's own */
    }
    return n;
}

void sp_self_usage(struct sp_self_usage *ret) {
    struct rlimit limit;
    struct rusage usage;

    *ret = (struct sp_self_usage){.cpu_s = 0};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        ret->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        ret->max_fds = limit.rlim_cur;
    }
    ret->n_fds = count_fds();
    read_stat(ret);
}
