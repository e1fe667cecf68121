/* SPDX-License-Identifier: MIT */
/* quiet-write.h - write(2) without SIGPIPE, for descriptors that know no MSG_NOSIGNAL. */

#ifndef SP_OS_QUIET_WRITE_H
#define SP_OS_QUIET_WRITE_H

#include <sys/types.h>

/* As write(2), but never a signal. For pipes: sockets have send(2) with MSG_NOSIGNAL. */
ssize_t sp_quiet_write(int fd, const void *data, size_t size);

#endif
