/* SPDX-License-Identifier: MIT */
/* peer.c - who is at the other end: SO_PEERCRED and its younger siblings, unix(7). */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <sunpath/peer.h>

#include "base/cleanup.h"
#include "os/fd.h"
#include "os/id-map.h"
#include "sock/peer-internal.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int sunpath_peer_read(struct sunpath_peer *ret, int fd) {
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        return errno == ENOPROTOOPT ? -EOPNOTSUPP : -errno;
    }
    if (peer.uid == (uid_t)-1 && peer.gid == (gid_t)-1) {
        int domain;

        /* The kernel's "nobody knows": not connected, or not a Unix socket at all. */
        size = sizeof(domain);
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) {
            return -errno;
        }
        return domain == AF_UNIX ? -ENOTCONN : -EOPNOTSUPP;
    }
    *ret = (struct sunpath_peer){
        .pid = peer.pid,
        .uid = peer.uid,
        .gid = peer.gid,
        .is_outside_pid_namespace = peer.pid == 0,
        .is_unmapped = sp_uid_is_unmapped(peer.uid) || sp_gid_is_unmapped(peer.gid),
    };
    return 0;
}

int sunpath_peer_groups(int fd, gid_t *groups, size_t max) {
    gid_t none;
    socklen_t size;

    max = !groups ? 0 : max < 65536 ? max : 65536; /* NGROUPS_MAX: more cannot be */
    size = (socklen_t)(max * sizeof(gid_t));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups ? groups : &none, &size) == 0) {
        return (int)(size / sizeof(gid_t));
    }
    if (errno == ERANGE) {
        /* It writes all or nothing: fetch them all, hand out as many as there is room for. */
        _cleanup_(sp_freep) gid_t *all = malloc(size);

        if (!all) {
            return -ENOMEM;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, all, &size) < 0) {
            return -errno;
        }
        if (max > 0) {
            memcpy(groups, all, max * sizeof(gid_t));
        }
        return (int)(size / sizeof(gid_t));
    }
    return errno == ENOPROTOOPT ? -EOPNOTSUPP : errno == ENODATA ? -ENOTCONN : -errno;
}

static int open_racy(int *ret_fd, pid_t pid) {
    long pidfd;

    if (pid <= 0) {
        return -ESRCH;
    }
    pidfd = syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself: pidfd_open(2) */
    if (pidfd < 0) {
        return errno == EINVAL ? -ESRCH : -errno;
    }
    *ret_fd = (int)pidfd;
    return 0;
}

static bool is_alive(int pidfd) {
    struct pollfd state = {.fd = pidfd, .events = POLLIN};

    return poll(&state, 1, 0) == 0; /* readable once the process has ended: pidfd_open(2) */
}

int sunpath_peer_pidfd(int *ret_fd, bool *ret_is_racy, int fd) {
    _cleanup_(sp_closep) int pidfd = -1;
    socklen_t size = sizeof(pidfd);
    struct sunpath_peer peer;
    bool is_racy = false;
    int r;

    r = sunpath_peer_read(&peer, fd);
    if (r < 0) {
        return r;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0) {
        if (errno == ESRCH || errno == EINVAL || errno == ENODATA) {
            return -ESRCH; /* EINVAL is what a reaped peer was before Linux 6.16 */
        }
        if (errno != ENOPROTOOPT && errno != EOPNOTSUPP) {
            return -errno;
        }
        is_racy = true;
        r = open_racy(&pidfd, peer.pid);
        if (r < 0) {
            return r;
        }
    }
    if (!is_alive(pidfd)) {
        return -ESRCH; /* since Linux 6.16 the dead have pidfds too */
    }
    *ret_fd = sp_take_fd(&pidfd);
    *ret_is_racy = is_racy;
    return 0;
}

int sunpath_peer_label(int fd, char *buffer, size_t n_buffer) {
    socklen_t size = (socklen_t)n_buffer;

    if (n_buffer == 0) {
        return -ERANGE;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERSEC, buffer, &size) < 0) {
        return errno == ENOPROTOOPT ? -EOPNOTSUPP : -errno;
    }
    if (size > 0 && buffer[size - 1] == '\0') { /* SELinux counts the NUL, AppArmor does not */
        size--;
    } else if (size == n_buffer) {
        return -ERANGE;
    }
    buffer[size] = '\0';
    return (int)size;
}

int sp_peer_executable(int fd, char *buffer, size_t n_buffer, struct stat *ret_file) {
    _cleanup_(sp_closep) int pidfd = -1;
    struct sunpath_peer peer;
    char link[32];
    bool is_racy;
    ssize_t n;
    int r;

    r = sunpath_peer_read(&peer, fd);
    if (r < 0) {
        return r;
    }
    if (peer.pid <= 0) {
        return -ESRCH;
    }
    r = sunpath_peer_pidfd(&pidfd, &is_racy, fd);
    if (r < 0) {
        return r;
    }

    snprintf(link, sizeof(link), "/proc/%d/exe", (int)peer.pid);
    n = n_buffer > 0 ? readlink(link, buffer, n_buffer) : 0;
    if (n < 0 || (ret_file && stat(link, ret_file) < 0)) {
        return errno == ENOENT ? -ESRCH : -errno;
    }
    if ((size_t)n == n_buffer) {
        return -ERANGE;
    }
    if (!is_alive(pidfd)) {
        return -ESRCH; /* so what was read may be another process with the same number */
    }
    buffer[n] = '\0';
    return (int)n;
}

int sunpath_peer_executable(int fd, char *buffer, size_t n_buffer) {
    return sp_peer_executable(fd, buffer, n_buffer, NULL);
}
