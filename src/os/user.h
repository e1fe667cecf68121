/* SPDX-License-Identifier: MIT */
/* user.h - user and group names, as numbers. */

#ifndef SP_OS_USER_H
#define SP_OS_USER_H

#include <sys/types.h>

/*
 * A number is taken as it is; anything else is looked up (getpwnam_r(3), getgrnam_r(3)), which may
 * ask a directory service. -ENOENT: no such user or group. -EINVAL: empty, or the number that means
 * "leave as it is" to chown(2). -ENOMEM, -EIO, -EMFILE ... when the lookup fails.
 */
int sp_user_find(uid_t *ret, const char *name);
int sp_group_find(gid_t *ret, const char *name);

#endif
