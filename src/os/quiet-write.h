/* SPDX-License-Identifier: MIT */
/* quiet-write.h - writing without SIGPIPE where there is no MSG_NOSIGNAL for it. */

#ifndef SP_OS_QUIET_WRITE_H
#define SP_OS_QUIET_WRITE_H

#include <stddef.h>
#include <sys/types.h>

/* write(2), for descriptors that are no sockets. -1 with errno; EPIPE without the signal. */
ssize_t sp_quiet_write(int fd, const void *data, size_t size);

/* sendfile(2) likewise: to a socket it raises the signal, too, and takes no flags. */
ssize_t sp_quiet_sendfile(int fd, int file_fd, off_t offset, size_t size);

#endif
