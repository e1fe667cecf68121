/* SPDX-License-Identifier: MIT */
/* socket-buffers.h - how much a socket holds: SO_SNDBUF and SO_RCVBUF in socket(7). */

#ifndef SP_OS_SOCKET_BUFFERS_H
#define SP_OS_SOCKET_BUFFERS_H

#include <errno.h>
#include <sys/socket.h>

/* Bytes each; 0: leave. A negative errno. */
static inline int sp_socket_buffers_set(int fd, int n_send, int n_receive) {
    if (n_send > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n_send, sizeof(n_send)) < 0) {
        return -errno;
    }
    if (n_receive > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n_receive, sizeof(n_receive)) < 0) {
        return -errno;
    }
    return 0;
}

#endif
