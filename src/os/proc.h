/* SPDX-License-Identifier: MIT */
/* proc.h - what /proc says about processes, their sockets and locks: proc(5). */

#ifndef SP_OS_PROC_H
#define SP_OS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Is /proc mounted? A chroot and a container may go without. */
bool sp_proc_is_there(void);

/*
 * Calls `on_process` for every process; ends early when it returns non-zero, and returns that.
 * `proc` is a descriptor of /proc, for names such as "771/ns/net". -ENOENT, -EACCES, -EMFILE.
 */
int sp_proc_each(int (*on_process)(pid_t pid, int proc, void *user), void *user);

/* One descriptor of some process that is a socket. */
struct sp_proc_socket {
    pid_t pid;
    int fd;
    uint64_t inode;
};

/*
 * Calls `on_socket` for every descriptor of every process that is a socket. `ret_n_hidden` (may be
 * NULL) counts the processes whose descriptors we may not read. Otherwise as sp_proc_each().
 */
int sp_proc_each_socket(int (*on_socket)(const struct sp_proc_socket *socket, void *user),
                        void *user, size_t *ret_n_hidden);

/* The name (comm, at most 15 bytes, not escaped) and effective uid of a process. -ESRCH. */
int sp_proc_describe(pid_t pid, char ret_name[16], uid_t *ret_uid);

/* The process that holds a flock(2) on this file, or 0 when none is seen. */
pid_t sp_proc_lock_holder(const struct stat *file);

#endif
