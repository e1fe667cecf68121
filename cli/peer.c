/* SPDX-License-Identifier: MIT */
/* peer.c - who is at the other end of a connection, for people. */

#include <limits.h>
#include <sys/socket.h>

#include "copy.h"
#include "output.h"

enum sunpath_type type_of(int fd) {
    int type = 0;
    socklen_t n = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0) {
        return SUNPATH_STREAM;
    }
    return type == SOCK_DGRAM       ? SUNPATH_DGRAM
           : type == SOCK_SEQPACKET ? SUNPATH_SEQPACKET
                                    : SUNPATH_STREAM;
}

void announce_peer(const char *what, int fd) {
    struct sunpath_peer peer;
    struct cli_shown shown;
    char executable[PATH_MAX];

    if (sunpath_peer_read(&peer, fd) < 0) {
        cli_say("%s a peer that carries no identity", what);
        return;
    }
    if (sunpath_peer_executable(fd, executable, sizeof(executable)) < 0) {
        executable[0] = '\0';
    }
    if (peer.is_outside_pid_namespace) {
        cli_say("%s a process outside this pid namespace (%s:%s)", what,
                peer.is_unmapped ? "?" : cli_user_name(peer.uid),
                peer.is_unmapped ? "?" : cli_group_name(peer.gid));
    } else {
        cli_say("%s pid %d (%s:%s) %s", what, (int)peer.pid,
                peer.is_unmapped ? "?" : cli_user_name(peer.uid),
                peer.is_unmapped ? "?" : cli_group_name(peer.gid), cli_show(&shown, executable));
    }
}
