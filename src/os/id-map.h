/* SPDX-License-Identifier: MIT */
/* id-map.h - which ids have a name in the user namespace of this process. */

#ifndef SP_OS_ID_MAP_H
#define SP_OS_ID_MAP_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * True when the kernel may have said `uid` for want of a better one: an id that this user namespace
 * does not map is shown as 65534 (user_namespaces(7); /proc/sys/kernel/overflowuid is taken to have
 * its default). Where every id is mapped, 65534 is a user like any other, most often "nobody".
 */
bool sp_uid_is_unmapped(uid_t uid);
bool sp_gid_is_unmapped(gid_t gid);

#endif
