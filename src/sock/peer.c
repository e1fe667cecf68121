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

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define OVERFLOW_ID \
    65534 /* what the kernel says for an id without a name here: user_namespaces(7) */

/*
 * In the initial user namespace 65534 is a user like any other ("nobody"): every id has a name. In
 * one that maps only some ids it may stand for anybody.
 */
static bool maps_everything(const char *map) {
    unsigned long inside, outside, count;
    FILE *file = fopen(map, "re");
    bool does = false;

    if (file) {
        does = fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside == 0 &&
               count == UINT32_MAX;
        fclose(file);
    }
    return does;
}

static bool is_unmapped(uid_t uid, gid_t gid) {
    return (uid == OVERFLOW_ID && !maps_everything("/proc/self/uid_map")) ||
           (gid == OVERFLOW_ID && !maps_everything("/proc/self/gid_map"));
}

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
        .is_unmapped = is_unmapped(peer.uid, peer.gid),
    };
    return 0;
}

int sunpath_peer_groups(int fd, gid_t *groups, size_t max) {
    socklen_t size = (socklen_t)((max < 65536 ? max : 65536) * sizeof(gid_t)); /* NGROUPS_MAX */
    gid_t none;

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

int sunpath_peer_pidfd(int *ret_fd, bool *ret_is_racy, int fd) {
    struct sunpath_peer peer;
    socklen_t size = sizeof(int);
    int pidfd, r;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
        *ret_fd = pidfd;
        *ret_is_racy = false;
        return 0;
    }
    if (errno == ESRCH || errno == EINVAL || errno == ENODATA) {
        /* EINVAL: a reaped peer before Linux 6.16; ENODATA: connected before there were pidfds */
        return -ESRCH;
    }
    if (errno != ENOPROTOOPT && errno != EOPNOTSUPP) {
        return -errno;
    }

    r = sunpath_peer_read(&peer, fd);
    if (r < 0) {
        return r;
    }
    r = open_racy(&pidfd, peer.pid);
    if (r < 0) {
        return r;
    }
    *ret_fd = pidfd;
    *ret_is_racy = true;
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

static bool is_alive(int pidfd) {
    struct pollfd state = {.fd = pidfd, .events = POLLIN};

    return poll(&state, 1, 0) == 0; /* readable once the process has ended: pidfd_open(2) */
}

int sunpath_peer_executable(int fd, char *buffer, size_t n_buffer) {
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
    n = readlink(link, buffer, n_buffer);
    if (n < 0) {
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
