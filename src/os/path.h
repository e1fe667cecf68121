/* SPDX-License-Identifier: MIT */
/* path.h - reach a file through its directory, so that no path is too long for a socket address. */

#ifndef SP_OS_PATH_H
#define SP_OS_PATH_H

#include <sys/socket.h>
#include <sys/un.h>

#define SP_PATH_NAME_MAX 255 /* bytes of one component on every Linux file system: NAME_MAX */

/*
 * Opens the directory `path` lies in (O_PATH, close-on-exec; symbolic links in it are followed) and
 * points *ret_name at the last component, inside `path`. -EINVAL when that is empty, "." or "..";
 * -ENAMETOOLONG when it is over SP_PATH_NAME_MAX bytes; else what open(2) says: -ENOENT, -ENOTDIR,
 * -EACCES, -ELOOP, -ENAMETOOLONG, -EMFILE.
 */
int sp_path_open_parent(int *ret_dir_fd, const char **ret_name, const char *path);

/*
 * Fills *ret with "/proc/self/fd/<dir_fd>/<name>", which bind(2) and connect(2) take while `dir_fd`
 * is open, and returns the length to hand to the kernel. With `name` NULL `dir_fd` itself is meant:
 * an O_PATH descriptor of a socket file, which reaches that very inode whatever its name has become
 * and however long it is. -ENAMETOOLONG when it does not fit: names up to 82 bytes always do.
 */
int sp_path_to_sockaddr(struct sockaddr_un *ret, int dir_fd, const char *name);

/*
 * Renames `from` to `to`, both in the directory `dir_fd`, with the flags of renameat2(2),
 * RENAME_NOREPLACE or RENAME_EXCHANGE of <linux/fs.h> (the C library may know neither: musl). 0 or
 * a negative errno: -EINVAL where the file system cannot, -ENOSYS where the kernel cannot, -EEXIST,
 * -ENOENT ...
 */
int sp_path_rename(int dir_fd, const char *from, const char *to, unsigned flags);

#endif
