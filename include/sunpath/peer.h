/* SPDX-License-Identifier: MIT */
/* peer.h - who is at the other end of a Unix socket, and who may be. */

#ifndef SUNPATH_PEER_H
#define SUNPATH_PEER_H

#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The peer as the kernel noted it when the connection was made (SO_PEERCRED, unix(7)): for a server
 * the process that called connect(), for a client the one that called listen(). It does not change
 * when that process changes its ids, passes the descriptor on or exits.
 */
struct sunpath_peer {
    pid_t pid; /* 0 when the peer lives outside this process's pid namespace */
    uid_t uid; /* meaningless when is_unmapped */
    gid_t gid; /* meaningless when is_unmapped */
    bool is_outside_pid_namespace;
    bool is_unmapped; /* the uid or gid has no name in this user namespace: it matches no rule */
};

/* Reads the peer of a connected Unix socket. -ENOTCONN, -EOPNOTSUPP (not a Unix socket), -EBADF. */
SUNPATH_API int sunpath_peer_read(struct sunpath_peer *ret, int fd);

/*
 * The peer's supplementary groups (SO_PEERGROUPS, Linux 4.13). Fills at most `max` and returns how
 * many there are, which may be more than `max`. -EOPNOTSUPP where the kernel cannot tell.
 */
SUNPATH_API int sunpath_peer_groups(int fd, gid_t *groups, size_t max);

/*
 * A descriptor that stands for the peer's process, to be closed by the caller. It cannot be fooled
 * by a reused pid: SO_PEERPIDFD (Linux 6.5) when `ret_is_racy` is set to false. Older kernels fall
 * back to pidfd_open(), and *ret_is_racy is true: the process may be another one by now. -ESRCH
 * when the process is gone, or, by the fallback, outside the pid namespace.
 */
SUNPATH_API int sunpath_peer_pidfd(int *ret_fd, bool *ret_is_racy, int fd);

/*
 * The peer's security label (SO_PEERSEC) as text. Returns its length; `buffer` is NUL-terminated.
 * -EOPNOTSUPP when no security module labels sockets, -ERANGE when `n_buffer` is too small.
 */
SUNPATH_API int sunpath_peer_label(int fd, char *buffer, size_t n_buffer);

/*
 * The path of the program the peer's process runs now (/proc/PID/exe), guarded by the pidfd against
 * a reused pid. Returns its length; `buffer` is NUL-terminated. -ESRCH when the process is gone or
 * outside the pid namespace, -EACCES when this process may not look, -ERANGE when `n_buffer` is too
 * small. Good to show, no proof: the path is as the process sees it, and in a mount namespace of
 * its own it can be any (rules about executables compare the files).
 */
SUNPATH_API int sunpath_peer_executable(int fd, char *buffer, size_t n_buffer);

/*
 * Rules about who may talk to us. A connection is refused when any deny rule matches, or when there
 * are allow rules and none matches. Peers with unmapped ids, and peers outside of this process's
 * pid namespace, match no rule, and a rule set that has only deny rules refuses them too, since
 * nobody can say they are not the ones denied. So are connections that carry no identity (TCP).
 */
struct sunpath_access;

SUNPATH_API int sunpath_access_new(struct sunpath_access **ret);
SUNPATH_API struct sunpath_access *sunpath_access_free(struct sunpath_access *access);

/*
 * Adds a rule: "uid=N", "user=NAME", "gid=N", "group=NAME" (gid rules look at the primary and the
 * supplementary groups) or "exe=/absolute/path". Names are looked up now, once; a rule about an
 * executable asks whether the peer runs the very file that is at that path now (a script runs its
 * interpreter), and what the program was made to do by its caller it cannot know.
 * -EINVAL (the text is no rule), -ENOENT (no such user or group), -ENOBUFS (over 1,024 rules),
 * -ENOMEM; `error` says which.
 */
SUNPATH_API int sunpath_access_allow(struct sunpath_access *access, const char *rule,
                                     struct sunpath_error *error);
SUNPATH_API int sunpath_access_deny(struct sunpath_access *access, const char *rule,
                                    struct sunpath_error *error);

/* 0 when the peer of the connected socket `fd` may come in, -EACCES when not. NULL allows all. */
SUNPATH_API int sunpath_access_check(const struct sunpath_access *access, int fd);

/*
 * The same for who is to have more than the others: true only when an allow rule matches and no
 * deny rule does. NULL, and a rule set without allow rules, trust nobody.
 */
SUNPATH_API bool sunpath_access_trusts(const struct sunpath_access *access, int fd);

#ifdef __cplusplus
}
#endif

#endif
