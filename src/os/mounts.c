/* SPDX-License-Identifier: MIT */
/* mounts.c - what is mounted where, as this process sees it: /proc/self/mountinfo. */

#include "os/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/error.h"

static void close_filep(FILE **file) {
    if (*file) {
        fclose(*file);
    }
}

static bool is_octal(const char *digits) {
    return digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' && digits[1] <= '7' &&
           digits[2] >= '0' && digits[2] <= '7';
}

/* Turns the kernel's \040 and the like back into bytes, in place. */
static void decode(char *text) {
    char *out = text;

    for (const char *in = text; *in; out++) {
        if (in[0] == '\\' && is_octal(in + 1)) {
            *out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
            in += 4;
        } else {
            *out = *in++;
        }
    }
    *out = '\0';
}

/* "36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw,errors=continue": proc(5) */
static bool read_line(struct sp_mount *ret, char *line) {
    char *fields[5], *rest = line;
    unsigned dev_major, dev_minor;
    unsigned long long id;

    for (int i = 0; i < 5; i++) {
        fields[i] = strsep(&rest, " ");
        if (!rest) {
            return false;
        }
    }
    if (sscanf(fields[0], "%llu", &id) != 1 ||
        sscanf(fields[2], "%u:%u", &dev_major, &dev_minor) != 2) {
        return false;
    }
    decode(fields[3]);
    decode(fields[4]);
    rest = strstr(rest, " - "); /* the options before it are escaped: no space in them */
    if (!rest) {
        return false;
    }
    rest += 3;

    *ret = (struct sp_mount){
        .id = id, .dev = makedev(dev_major, dev_minor), .root = fields[3], .point = fields[4]};
    ret->type = strsep(&rest, " ");
    if (!rest || !strsep(&rest, " ") || !rest) {
        return false;
    }
    rest[strcspn(rest, "\n")] = '\0';
    decode(rest);
    ret->options = rest;
    return true;
}

int sp_mounts_each(int (*on_mount)(const struct sp_mount *mount, void *user), void *user) {
    _cleanup_(close_filep) FILE *file = fopen("/proc/self/mountinfo", "re");
    _cleanup_(sp_freep) char *line = NULL;
    size_t room = 0;
    int stop = 0;

    if (!file) {
        return sp_is_own_failure(-errno) ? -errno : 0;
    }
    while (stop == 0 && getline(&line, &room, file) > 0) {
        struct sp_mount mount;

        if (read_line(&mount, line)) {
            stop = on_mount(&mount, user);
        }
    }
    return stop;
}

struct device_search {
    uint64_t mount_id;
    struct stat *st;
};

static int on_mount_of_file(const struct sp_mount *mount, void *user) {
    struct device_search *search = user;

    if (mount->id != search->mount_id) {
        return 0;
    }
    search->st->st_dev = (dev_t)mount->dev;
    return 1;
}

void sp_stat_whole(struct stat *st, int fd) {
#ifdef STATX_MNT_ID
    struct device_search search = {.st = st};
    struct statfs fs;
    struct statx details;

    if (fstatfs(fd, &fs) < 0 || (unsigned long)fs.f_type != BTRFS_SUPER_MAGIC ||
        statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &details) < 0 ||
        !(details.stx_mask & STATX_MNT_ID)) {
        return;
    }
    search.mount_id = details.stx_mnt_id;
    (void)sp_mounts_each(on_mount_of_file, &search);
#else
    (void)st;
    (void)fd;
#endif
}
