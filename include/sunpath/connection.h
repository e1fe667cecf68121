/* SPDX-License-Identifier: MIT */
/* connection.h - connect, send and receive on plain descriptors, with any loop or none. */

#ifndef SUNPATH_CONNECTION_H
#define SUNPATH_CONNECTION_H

#include <sunpath/address.h>
#include <sunpath/peer.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SUNPATH_FDS_MAX 253 /* descriptors one message can carry: SCM_MAX_FD, unix(7) */

struct sunpath_connect_options {
    size_t size;
    enum sunpath_type type; /* 0: what the address says, else SUNPATH_STREAM */
    int timeout_ms;         /* for all of it; 0: 10,000; -1: no limit */
    bool wait;              /* also wait, up to the timeout, for a server that is not there yet */
    /*
     * Never wait at all, for callers that run a loop: a full backlog is -EAGAIN (try again later),
     * and a TCP descriptor may come back before it is connected: when it is writable, SO_ERROR says
     * how that went. Who asks often passes no `error`: finding the reason costs a look around.
     */
    bool no_wait;
    const char *expect_user; /* user name or number the server must run as; NULL: anyone */
    const char *bind;        /* address to bind this end to first (datagram replies); NULL: none */
    const int *cancel_fd;    /* NULL, or a descriptor whose readability ends the call: -ECANCELED */
    int send_buffer;         /* SO_SNDBUF in bytes; 0: leave */
    int receive_buffer;      /* SO_RCVBUF in bytes; 0: leave */
    /*
     * Unix sockets: every message says who sent it, from the first one on, which a server may send
     * before the call returns: sunpath_want_credentials(). The kernel gives an end that has no
     * name, as it is connected, an abstract one then (unix(7), autobind).
     */
    bool want_credentials;
};

/*
 * Connects to `address` and stores a non-blocking, close-on-exec descriptor in *ret_fd.
 *
 * A full backlog is waited out, up to the deadline, instead of failing at once (a blocked kernel
 * says EAGAIN, which poll() cannot wait for). The call blocks the calling thread for that long and
 * no longer (a TCP host name is looked up first, by getaddrinfo(3), which knows no deadline).
 *
 * With `expect_user` the user the server runs as (SO_PEERCRED) is checked before *ret_fd is handed
 * out, so no byte can reach a squatter. A datagram socket has no such credentials; there the owner
 * of its file counts, and exactly that file is connected to.
 *
 * A path in `bind` is made with the umask's mode; the caller removes it after closing *ret_fd.
 * "fd:N" adopts a connected descriptor (sunpath_adopt()), which stays as it was on failure.
 *
 * Errors, each with the reason in `error`: -ENOENT, -ECONNREFUSED, -EACCES, -EPROTOTYPE,
 * -ETIMEDOUT (the text says what it waited for), -EPERM (wrong server owner), -ENAMETOOLONG,
 * -ELOOP, -ENOTDIR (the path), -EBADF, -ENOTSOCK ("fd:N"), -ECANCELED, -EINVAL, -EMFILE.
 */
SUNPATH_API int sunpath_connect(int *ret_fd, const char *address,
                                const struct sunpath_connect_options *options,
                                struct sunpath_error *error);
SUNPATH_API int sunpath_connect_address(int *ret_fd, const struct sunpath_address *address,
                                        const struct sunpath_connect_options *options,
                                        struct sunpath_error *error);

/* Two connected sockets, both non-blocking and close-on-exec; the caller closes them. */
SUNPATH_API int sunpath_socketpair(int ret_fds[2], enum sunpath_type type);

/*
 * Makes any connected socket (inherited, received, from a socketpair) fit for this library: checks
 * that it is a socket and makes it non-blocking and close-on-exec. -ENOTSOCK, -EBADF.
 */
SUNPATH_API int sunpath_adopt(int fd);

/* Says that nothing more will be sent; the peer reads end of file. Receiving goes on. */
SUNPATH_API int sunpath_end(int fd);

/* What a sender says of itself in a message (SCM_CREDENTIALS). Only root may say other than the
 * truth. */
struct sunpath_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

struct sunpath_send_options {
    size_t size;
    const int *fds;                                /* descriptors to pass; they stay the caller's */
    size_t n_fds;                                  /* at most SUNPATH_FDS_MAX */
    const struct sunpath_credentials *credentials; /* NULL: none, unless the receiver asks */
    const struct sunpath_address *to; /* datagram: where to; NULL: the connected peer */
};

/*
 * Sends once, without blocking and without SIGPIPE. Returns the bytes sent: all of them or an error
 * for seqpacket and datagram, perhaps fewer for a stream (descriptors went with the first byte).
 * -EAGAIN (full: wait until writable), -EMSGSIZE (over the limit of this socket), -EPIPE (the peer
 * left), -ECONNRESET (seqpacket, once: it left with our data unread; what follows is -EPIPE),
 * -ECONNREFUSED and -ENOENT (datagram: nobody there), -ETOOMANYREFS (too many fds in flight),
 * -EPERM (credentials that are not ours), -EINVAL (fds on a stream without a byte, too many fds).
 */
SUNPATH_API ssize_t sunpath_send(int fd, const void *data, size_t size,
                                 const struct sunpath_send_options *options);

struct sunpath_message {
    /* set by the caller */
    void *data;     /* where the bytes go */
    size_t n_data;  /* room there */
    int *fds;       /* where descriptors go; NULL refuses them all */
    size_t max_fds; /* room there: the cap */

    /* set by sunpath_receive() */
    size_t size;  /* bytes received; after -EMSGSIZE the message's true length */
    size_t n_fds; /* descriptors received; the caller closes them */
    bool has_credentials;
    struct sunpath_credentials
        credentials; /* kernel-checked, if sunpath_want_credentials() asked */
    bool has_sender;
    struct sunpath_address *sender; /* in: NULL or room for it; datagram only */
};

/*
 * Receives once, without blocking. Returns 1 for data (a message, or some bytes of a stream) and 0
 * at end of file. On seqpacket an empty message is 1 with size 0: it can be told from end of file
 * for certain only when sunpath_want_credentials() is on.
 *
 * -EAGAIN (wait until readable); -ECONNRESET (the peer left with our data unread); -EMSGSIZE (the
 * message did not fit: it is gone, `size` says how large it was); -ETOOMANYREFS (more descriptors
 * than `max_fds`, or the kernel could not deliver all: every one that arrived was closed, the bytes
 * are in `data`); -EINVAL (no room for even one byte).
 */
SUNPATH_API int sunpath_receive(int fd, struct sunpath_message *message);

/*
 * Asks the kernel to attach the sender's credentials to every message (SO_PASSCRED). Ask before the
 * first one can have been sent: what is queued already carries none.
 */
SUNPATH_API int sunpath_want_credentials(int fd, bool want);

#ifdef __cplusplus
}
#endif

#endif
