/* SPDX-License-Identifier: MIT */
/* relay.h - join two sockets: what one sends the other gets, as it was sent. */

#ifndef SUNPATH_RELAY_H
#define SUNPATH_RELAY_H

#include <sunpath/connection.h>
#include <sunpath/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A relay carries two byte streams, or two sockets with messages (seqpacket, datagrams), both ways
 * until both have ended, and keeps out of the way:
 *
 *   messages      keep their boundaries, empty ones included
 *   descriptors   pass, in their place among the messages, or the bytes, they came with
 *   the end       of one side is passed on when all before it has left; the other way goes on
 *   a slow reader holds its sender back: of each direction the relay keeps at most one message, or
 *                 64 KiB of a stream, and takes no more until that has left
 *   a side that has left takes what it had sent before with it to the other, then that one, too,
 *                 finds nobody there
 *
 * What two of sunpath's channels agree on, memory for large messages included, passes through
 * untouched. Who asks for the other's identity gets this process: its own is what the kernel knows.
 */
struct sunpath_relay;

/* The two sockets, in the order in which they were given. */
enum sunpath_relay_end {
    SUNPATH_RELAY_FIRST = 0,
    SUNPATH_RELAY_SECOND = 1
};

struct sunpath_relay_options {
    size_t size;
    size_t max_message; /* bytes of one, where there are messages; 0: 256 KiB */
    int idle_ms;        /* over after so long without traffic either way; 0: never */
    bool no_fds;        /* descriptors are not let through: one that comes ends the relay */
    /* What the errors' texts call them; borrowed. NULL: "the first end", "the second end". */
    const char *first_name;
    const char *second_name;
};

/*
 * Joins the connected sockets `first_fd` and `second_fd`; both are owned only when 0 is returned.
 * One of them may be a datagram socket that is bound and not connected: what everybody sends there
 * goes to the other, and nothing comes back.
 *
 * `on_close` fires once, inside dispatch, when it is over: both directions ended (`error` is NULL)
 * or an error, whose text says which side failed (and so does `end`): -EPIPE and -ECONNRESET (it
 * left before it had taken everything; what it had sent before was still passed on), -EMSGSIZE (a
 * message over `max_message`, or over what the other's SO_SNDBUF lets through), -ETOOMANYREFS
 * (descriptors that are not let through, or more than this process can have), -ETIMEDOUT (idle),
 * -ENOMEM, ... Both descriptors are closed by then; the relay is still to be closed. Without
 * `on_close` it closes itself here.
 *
 * -ENOTSOCK, -EBADF, -EPROTOTYPE (a stream and one with messages), -ENOTCONN (two that are not
 * connected), -EINVAL (options), -EEXIST (it is on this loop already), -ENOMEM, -ENOSPC.
 */
SUNPATH_API int sunpath_relay_open(struct sunpath_relay **ret, struct sunpath_loop *loop,
                                   int first_fd, int second_fd,
                                   void (*on_close)(struct sunpath_relay *relay,
                                                    const struct sunpath_error *error,
                                                    enum sunpath_relay_end end, void *user),
                                   void *user, const struct sunpath_relay_options *options);

/* Closes both at once, with what is held. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_relay *sunpath_relay_close(struct sunpath_relay *relay);

struct sunpath_relay_counts {
    uint64_t n_bytes;
    uint64_t n_messages; /* 0 on streams */
    uint64_t n_fds;
    size_t n_held; /* bytes that wait for the other end */
};

/* What came from `end` and left to the other. True in on_close, too. */
SUNPATH_API void sunpath_relay_count(const struct sunpath_relay *relay, enum sunpath_relay_end end,
                                     struct sunpath_relay_counts *ret);

#ifdef __cplusplus
}
#endif

#endif
