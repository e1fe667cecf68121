/* SPDX-License-Identifier: MIT */
/* message.h - send and receive once, for those who know their socket already. */

#ifndef SP_SOCK_MESSAGE_H
#define SP_SOCK_MESSAGE_H

#include <sys/socket.h>

#include <sunpath/connection.h>

/* Everything is borrowed. */
struct sp_packet {
    const void *data;
    size_t size;
    const int *fds;
    size_t n_fds; /* at most SUNPATH_FDS_MAX */
    const struct sunpath_credentials *credentials;
    const void *name; /* NULL, or the kernel's form of where to */
    socklen_t n_name;
};

/* As sunpath_send(). */
ssize_t sp_send(int fd, const struct sp_packet *packet);

/*
 * As sunpath_receive(); `type` is the socket's. `is_waiting`: a packet is known to wait there, so
 * that one of no bytes is no end of file.
 */
int sp_receive(int fd, int type, bool is_waiting, struct sunpath_message *message);

#endif
