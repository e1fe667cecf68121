/* SPDX-License-Identifier: MIT */
/* listener.h - own a socket address for as long as you serve on it. */

#ifndef SUNPATH_LISTENER_H
#define SUNPATH_LISTENER_H

#include <sunpath/address.h>
#include <sunpath/peer.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sunpath_listener;

#define SUNPATH_BACKLOG_DEFAULT 4096 /* the kernel lowers it to net.core.somaxconn */

struct sunpath_listen_options {
    size_t size;
    enum sunpath_type type;              /* 0: what the address says, else SUNPATH_STREAM */
    mode_t mode;                         /* exact permission bits of the file; 0: 0600 */
    const char *owner;                   /* user name or number; NULL: leave */
    const char *group;                   /* group name or number; NULL: leave */
    int backlog;                         /* connections waiting to be accepted; 0: 4096; -1: none */
    const struct sunpath_access *access; /* borrowed until close; NULL: everyone the mode lets in */
    bool reuse_port;                     /* TCP: SO_REUSEPORT, so several processes share a port */
    int send_buffer;                     /* SO_SNDBUF in bytes, also of connections; 0: leave */
    int receive_buffer;                  /* SO_RCVBUF, likewise */
    /* Every message says who sent it, from the first one on: sunpath_want_credentials(). */
    bool want_credentials;
};

/*
 * Publishes `address` and listens on it (a datagram socket is published by the same rules).
 *
 * A path is guarded by the lock file "<path>.lock" (mode 0600) while the listener lives. The lock
 * file stays, after close and after a failure too: of two who lock the same path one could
 * otherwise hold the lock of a file that is gone. A socket file whose server is proven dead is
 * replaced; a live one never is, nor is anything that is not a socket. When the name appears it
 * already accepts connections, with its final mode and owner; there is no instant of wider access,
 * and the umask plays no part. Paths longer than 107 bytes work; the file name can have 250.
 *
 * In and below a sticky directory that others can write to (/tmp, /tmp/app) the socket is bound in
 * place, because systemd-tmpfiles deletes renamed ones there (it also deletes all whose absolute
 * path is over 107 bytes, which no way of binding helps). So is every datagram socket, because its
 * answers carry the name it was bound to. It appears with mode 0, so nobody but root finds it
 * before it accepts, and root is refused for that instant. Elsewhere (/run, /var/lib) it is
 * prepared as ".<name>.new" beside the path; what a killed process leaves there is removed by the
 * next start.
 *
 * "fd:N" and "systemd:NAME" adopt a descriptor that already listens: nothing in the file system
 * is touched then, now or at close. A `backlog` other than 0 is set on it.
 *
 * Only a path has a mode, an owner and a group: to ask for them elsewhere is -EINVAL, because they
 * would guard nothing.
 *
 * Errors, each with its reason in `error`: -EADDRINUSE (somebody alive owns it: the text names the
 * process; or the path is not a socket), -EACCES, -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EROFS,
 * -ENOSPC, -EDQUOT, -EINVAL (bad address or options), -EPERM (owner, group or mode may not be set),
 * -EMFILE, -ENOMEM.
 */
SUNPATH_API int sunpath_listener_open(struct sunpath_listener **ret, const char *address,
                                      const struct sunpath_listen_options *options,
                                      struct sunpath_error *error);

/* The same for an address that is parsed already. */
SUNPATH_API int sunpath_listener_open_address(struct sunpath_listener **ret,
                                              const struct sunpath_address *address,
                                              const struct sunpath_listen_options *options,
                                              struct sunpath_error *error);

/*
 * Wraps `fd`, which listens (or is a bound datagram socket) already. Owned only when 0 is returned.
 * Its file is never removed. -EBADF, -ENOTSOCK, -EINVAL (it does not listen; the options name
 * another type, or a mode, an owner or a group), -ENOMEM.
 */
SUNPATH_API int sunpath_listener_adopt(struct sunpath_listener **ret, int fd,
                                       const struct sunpath_listen_options *options,
                                       struct sunpath_error *error);

/*
 * Accepts one connection into *ret_fd, which the caller closes. Never blocks: -EAGAIN when none is
 * waiting, or after many refused peers in a row, with the listener still readable. Peers the access
 * rules refuse are closed before a byte is read and counted.
 * -EMFILE and -ENFILE: no descriptor left; the connection stays in the backlog and the listener
 * stays readable, so wait for a descriptor to become free (or a while), not for the listener.
 * -EOPNOTSUPP on a datagram listener: use sunpath_receive() on its descriptor.
 */
SUNPATH_API int sunpath_listener_accept(struct sunpath_listener *listener, int *ret_fd);

/* Borrowed: readable when accept has work. Do not close it. */
SUNPATH_API int sunpath_listener_fd(const struct sunpath_listener *listener);

/* What is published; for "tcp:HOST:0" and "autobind:" with what the kernel chose. Lives as long as
 * `listener`.
 */
SUNPATH_API const struct sunpath_address *sunpath_listener_address(
    const struct sunpath_listener *listener);

/* How many connections the access rules have refused so far. */
SUNPATH_API uint64_t sunpath_listener_n_refused(const struct sunpath_listener *listener);

/*
 * Takes the listening descriptor out: the caller closes it. The file stays, even then. The lock is
 * given back, but whoever starts next asks the kernel and finds a living server. Frees the listener
 * and returns the descriptor.
 */
SUNPATH_API int sunpath_listener_take_fd(struct sunpath_listener *listener);

/*
 * Stops listening. Removes the socket file only if it is still ours: a successor's file, and the
 * file of an inherited or handed-over listener, stay. A process forked from the one that opened it
 * closes its own share: the file goes only when no other process has one any more. Accepts NULL,
 * returns NULL.
 */
SUNPATH_API struct sunpath_listener *sunpath_listener_close(struct sunpath_listener *listener);

/*
 * Zero-downtime upgrade. The old server hands its listening descriptor, with the lock on its path,
 * to a successor over the connected Unix stream socket `fd`: same inode, same backlog, so no
 * connect ever fails and bind mounts of the file keep working.
 *
 * hand_over sends, then waits up to `timeout_ms` (-1: for ever) for the successor's confirmation.
 * On 0 the successor owns the address: stop accepting, finish what is under way, and close, which
 * removes nothing. On failure (-ETIMEDOUT, -EPIPE, -EPROTO ...) nothing has changed hands, and
 * neither end has any more use for `fd`: close it. Only the process that opened the listener can
 * give it away (-EINVAL); a relative path is handed over as an absolute one. A lock file that
 * somebody has removed is put back first; -EADDRINUSE when another process holds one by now: then
 * the old server must be stopped before the new one starts.
 *
 * take_over receives and confirms. `options` gives the access rules of the new listener; its other
 * fields are not used. Errors as above, and -EMFILE: it takes three descriptors. Check who is at
 * the other end of `fd` first: sunpath_peer_read().
 */
SUNPATH_API int sunpath_listener_hand_over(struct sunpath_listener *listener, int fd,
                                           int timeout_ms, struct sunpath_error *error);
SUNPATH_API int sunpath_listener_take_over(struct sunpath_listener **ret, int fd, int timeout_ms,
                                           const struct sunpath_listen_options *options,
                                           struct sunpath_error *error);

/*
 * Socket activation (sd_listen_fds(3)): how many descriptors were passed to this very process, or
 * 0. The n-th, counted from 0, is number 3 + n; `sunpath_activation_name` writes its name ("" when
 * it has none) and returns the length. Adopt one with "systemd:NAME" or "fd:N". -EINVAL when
 * LISTEN_PID or LISTEN_FDS make no sense or there is no such index, -ERANGE when `buffer` is short.
 */
SUNPATH_API int sunpath_activation_count(void);
SUNPATH_API int sunpath_activation_name(int index, char *buffer, size_t n_buffer);

#ifdef __cplusplus
}
#endif

#endif
