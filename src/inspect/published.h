/* SPDX-License-Identifier: MIT */
/* published.h - the path a socket can be reached by now, whatever name it was bound under. */

#ifndef SP_INSPECT_PUBLISHED_H
#define SP_INSPECT_PUBLISHED_H

#include <sunpath/inspect.h>

#include "os/sock-diag.h"

/*
 * The name a socket was bound under stays with it for ever, though servers bind a temporary name
 * and rename it, bind relative names, or go through /proc/self/fd. So the file itself is looked
 * for, by device and inode: where the kernel says it is (SIOCUNIXFILE on a copy of the descriptor,
 * which takes CAP_NET_ADMIN), under the bound name, and in the directory of the bound name as its
 * owner saw it.
 */
struct sp_published {
    bool has_file;   /* `path` is this very socket, `file` what stat() says */
    bool is_deleted; /* the file is gone; `path` is where it was, if that is known */
    char path[SUNPATH_NAME_MAX + 1];
    struct stat file;
};

/* `owner` is a process that holds it, NULL when none is known. */
void sp_published_find(struct sp_published *ret, const struct sp_diag_socket *socket,
                       const struct sunpath_owner *owner);

/* The absolute directory the bound name lies in, as the owner saw it. False when it is not known.
 */
bool sp_published_directory(char ret[SUNPATH_NAME_MAX + 1], const char *name, pid_t owner);

#endif
