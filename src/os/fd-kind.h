/* SPDX-License-Identifier: MIT */
/* fd-kind.h - what a descriptor is that somebody sent. */

#ifndef SP_OS_FD_KIND_H
#define SP_OS_FD_KIND_H

/* One of enum sunpath_fd_kind (channel.h), or a negative errno. */
int sp_fd_kind(int fd);

#endif
