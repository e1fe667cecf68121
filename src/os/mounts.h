/* SPDX-License-Identifier: MIT */
/* mounts.h - what is mounted where, as this process sees it: /proc/self/mountinfo. */

#ifndef SP_OS_MOUNTS_H
#define SP_OS_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* One mount. All text is decoded, and valid during the callback only. */
struct sp_mount {
    uint64_t id;       /* as statx() gives stx_mnt_id */
    uint64_t dev;      /* as stat() gives st_dev */
    const char *root;  /* what of the file system is mounted; ends in "//deleted" when it is gone */
    const char *point; /* where */
    const char *type;  /* "ext4", "overlay", ... */
    const char *options; /* of the file system: "rw,lowerdir=/a,upperdir=/b,..." */
};

/*
 * Calls `on_mount` for every mount; ends early when it returns non-zero, and returns that. 0 also
 * when /proc is not there. -ENOMEM, -EMFILE, -ENFILE.
 */
int sp_mounts_each(int (*on_mount)(const struct sp_mount *mount, void *user), void *user);

/*
 * Gives *st, which is of the file (or of a file in the directory) `fd` stands for, the device of
 * the whole file system, by which sock_diag and /proc/locks know it. They differ on btrfs, where
 * stat() shows a device of its own for each subvolume. Changes nothing where that cannot be found
 * out (before Linux 5.8).
 */
void sp_stat_whole(struct stat *st, int fd);

#endif
