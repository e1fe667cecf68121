/* SPDX-License-Identifier: MIT */
/* channel.h - whole messages on a loop, over seqpacket, datagrams and framed streams alike. */

#ifndef SUNPATH_CHANNEL_H
#define SUNPATH_CHANNEL_H

#include <sunpath/connection.h>
#include <sunpath/frame.h>
#include <sunpath/listener.h>
#include <sunpath/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A channel carries messages: each arrives whole or not at all, an empty one is a message and not
 * the end, and what cannot be delivered is told. Three types of socket do:
 *
 *   seqpacket   connected; the kernel keeps the messages apart
 *   dgram       connected or not; several senders, none of whom is ever heard to leave
 *   stream      connected; `framing` keeps the messages apart
 */
struct sunpath_channel;

/* Kinds of descriptors, to let only some in. */
enum sunpath_fd_kind {
    SUNPATH_FD_FILE = 1 << 0,      /* a regular file that has, or had, a name */
    SUNPATH_FD_MEMFD = 1 << 1,     /* memory: memfd_create(2) */
    SUNPATH_FD_DIRECTORY = 1 << 2, /* its receiver can reach everything below it */
    SUNPATH_FD_PIPE = 1 << 3,      /* and fifos */
    SUNPATH_FD_SOCKET = 1 << 4,
    SUNPATH_FD_DEVICE = 1 << 5, /* terminals, disks */
    SUNPATH_FD_OTHER = 1 << 6   /* eventfd, epoll, pidfd ... */
};

/* What arrived. All of it is valid until on_message returns. */
struct sunpath_channel_message {
    const void *data; /* at any alignment: numbers in it are to be copied out */
    size_t size;
    uint64_t number; /* of this message on this channel, from 1: as in the errors' texts */
    /* The descriptors that came along, close-on-exec. Set those to -1 that you keep: the others are
     * closed when on_message returns. */
    int *fds;
    size_t n_fds;
    const struct sunpath_credentials *credentials; /* NULL: not asked for, or not known */
    const struct sunpath_address *sender; /* datagrams; NULL: it has no name, and no answer */
    /* Borrowed: the memory that a large message came in, of exactly `size` bytes, for those who
     * want to read it in pieces; -1 for every other message. */
    int memory_fd;
    bool is_unterminated; /* the last line of a stream, without its LF */
};

/*
 * All optional. They fire only inside dispatch, but for on_sent, which sunpath_channel_close()
 * calls for what is still queued. Closing the channel in any of them is legal.
 */
struct sunpath_channel_events {
    void (*on_message)(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user);

    /*
     * A message could not be delivered, and the channel goes on: -EMSGSIZE (a packet over
     * `max_message`; the text has its true size), -ETOOMANYREFS (more descriptors than allowed or
     * than this process has left: all of them were closed), -EPERM (a descriptor of a kind that is
     * not let in), -EBADMSG (memory that is not sealed, or not of its size). Without it the channel
     * is over with this error.
     */
    void (*on_lost)(struct sunpath_channel *channel, const struct sunpath_error *error, void *user);

    /* The peer sends no more. Sending is still possible. Without it the channel ends itself, too.
     */
    void (*on_end)(struct sunpath_channel *channel, void *user);

    /*
     * The queue fell to the low mark after it had reached the high mark, or the kernel has taken
     * all of it: it fires after every send, sooner or later, but not after sunpath_channel_end():
     * who has paused until then resumes before. While all of a pool is with the peer it waits until
     * some of that is back.
     */
    void (*on_drain)(struct sunpath_channel *channel, void *user);

    /*
     * It is over: both sides ended (`error` is NULL), or an error, such as -ECONNRESET (the peer
     * left with our messages unread, or in the middle of one), -EPIPE, -EBADMSG (no frame),
     * -EMSGSIZE (a frame over the limit), -ETIMEDOUT (idle). Its descriptor is closed when this
     * returns; the channel is still to be closed. Without on_close it closes itself here.
     */
    void (*on_close)(struct sunpath_channel *channel, const struct sunpath_error *error,
                     void *user);
};

/* What happens to a datagram whose receiver's queue is full (by default it holds 11). */
enum sunpath_full {
    SUNPATH_FULL_WAIT = 0, /* it waits, and all behind it, until there is room */
    SUNPATH_FULL_DROP,     /* it is dropped and counted; its on_sent says -EAGAIN */
    SUNPATH_FULL_REPORT    /* sunpath_channel_send() itself returns -EAGAIN and queues nothing */
};

struct sunpath_channel_options {
    size_t size;
    enum sunpath_framing framing; /* streams: required; others need none */
    bool drop_cr;                 /* lines: as in frame.h */
    size_t max_message; /* bytes, to receive and on streams to send; 0: 1 MiB, packets 256 KiB */
    size_t max_queue;   /* bytes queued to be sent; 0: 16 MiB. A send over it fails */
    size_t high_mark;   /* send returns 1 from here on; 0: 256 KiB */
    size_t low_mark;    /* on_drain fires from here down; 0: 64 KiB */
    int idle_ms;        /* connected: over after so long without traffic either way; 0: never */
    enum sunpath_full full;

    size_t max_fds;         /* descriptors let in with one message, at most 253; 0: none */
    uint64_t max_fds_total; /* in the channel's life; 0: no limit */
    unsigned fd_kinds;      /* enum sunpath_fd_kind; 0: all */
    size_t max_queued_fds;  /* descriptors queued to be sent; 0: 253 */

    /* Each message tells who sent it, by the kernel's word (SO_PASSCRED). */
    bool want_credentials;

    /*
     * Large messages can travel as sealed memory (memfd_create(2)), which is mapped read-only where
     * it arrives: they are safe from later change, count as descriptors (`max_queued_fds`) and not
     * as bytes of the queue, and packets may be larger than the socket's limit. Sending them:
     * messages of `large_min` bytes and more, when the peer takes them; 0: never. Whether it does
     * is asked with the first message that has no descriptors, by one that comes with it: other
     * libraries' channels that take none never see it, and sunpath's never show it. Until there is
     * an answer, and when it is no, large messages go as others do. `peer_takes_large`: both
     * programs are yours, do not ask; datagrams cannot ask, and lines and NUL-ended messages never
     * travel so. Receiving them: of at most `max_large` bytes; 0: none.
     */
    size_t large_min;
    size_t max_large;
    bool peer_takes_large;

    /*
     * Memory that is used again and again costs no page faults: a pool of at most `pool_size`
     * bytes, and of the peer's `max_large`, when the peer, too, has said that it trusts the other
     * (`trusts_peer`): what it looks at inside on_message is memory that the sender could still
     * write to, though never take away. Messages of `large_min` bytes go through it as long as a
     * slot is free; sunpath_channel_reserve() fills it in place.
     */
    size_t pool_size;
    bool trusts_peer;
};

/*
 * Puts the connected (dgram: any) socket `fd` on the loop; owned only when 0 is returned. `events`
 * is borrowed for ever (make it static const). -EINVAL (options; a stream without a framing),
 * -ENOTSOCK, -EBADF, -ENOMEM, -ENOSPC.
 */
SUNPATH_API int sunpath_channel_open(struct sunpath_channel **ret, struct sunpath_loop *loop,
                                     int fd, const struct sunpath_channel_events *events,
                                     void *user, const struct sunpath_channel_options *options);

/* sunpath_connect(), which may block as it says there, and sunpath_channel_open(). */
SUNPATH_API int sunpath_channel_connect(struct sunpath_channel **ret, struct sunpath_loop *loop,
                                        const char *address,
                                        const struct sunpath_connect_options *connect_options,
                                        const struct sunpath_channel_events *events, void *user,
                                        const struct sunpath_channel_options *options,
                                        struct sunpath_error *error);

/*
 * A datagram socket that everybody can send to, published by the rules of sunpath_listener_open()
 * until the channel is closed. Errors as there, and -EPROTOTYPE: the address is of another type.
 */
SUNPATH_API int sunpath_channel_bind(struct sunpath_channel **ret, struct sunpath_loop *loop,
                                     const char *address,
                                     const struct sunpath_listen_options *listen_options,
                                     const struct sunpath_channel_events *events, void *user,
                                     const struct sunpath_channel_options *options,
                                     struct sunpath_error *error);

/*
 * Closes at once. Messages that are queued are not sent: the on_sent of each is called inside, in
 * order, with -ECANCELED. Accepts NULL, returns NULL.
 */
SUNPATH_API struct sunpath_channel *sunpath_channel_close(struct sunpath_channel *channel);

struct sunpath_channel_send_options {
    size_t size;
    const int *fds; /* duplicated; they stay the caller's */
    size_t n_fds;   /* at most SUNPATH_FDS_MAX */
    /* Datagrams: where to; NULL: the connected peer. */
    const struct sunpath_address *to;
    /*
     * Called exactly once for every send that returned 0 or 1, in the order of the sends, and never
     * inside the send: 0 when the kernel took the whole message, else why it did not. The others
     * still go after -ETOOMANYREFS (this user has more descriptors on their way than RLIMIT_NOFILE)
     * and, on datagrams, -ECONNREFUSED, -ENOENT, -EACCES (nobody there), -EAGAIN (dropped).
     */
    void (*on_sent)(struct sunpath_channel *channel, int error, void *user);
    void *user; /* for on_sent */
};

/*
 * Queues a message; what is sent in one turn of the loop leaves together. A packet may be handed to
 * the kernel at once, when it is large, or alone in its turn as those before were. Returns 0, or 1
 * when the queue is at the high mark, or the pool has no room for one more such message (stop and
 * wait for on_drain).
 *
 * Errors, and nothing is queued: -EMSGSIZE (over sunpath_channel_max_message()), -ENOBUFS (over
 * `max_queue` or `max_queued_fds`), -EAGAIN (SUNPATH_FULL_REPORT, which says here what else on_sent
 * would), -EPIPE (after
 * sunpath_channel_end() or a failure), -EINVAL (the message holds the end mark of its framing; too
 * many descriptors; `to` on a connection), -ENOTCONN (a datagram to nobody), -EMFILE, -ENOMEM, and
 * for `to` what open(2) says of a path over 107 bytes.
 */
SUNPATH_API int sunpath_channel_send(struct sunpath_channel *channel, const void *data, size_t size,
                                     const struct sunpath_channel_send_options *options);

/*
 * Sends all that is in `memory_fd`, from memfd_create(2) with MFD_ALLOW_SEALING, which stays the
 * caller's: as memory, without a copy, when the peer takes that; then it is sealed and nobody can
 * change it any more. Else its contents are copied, as by sunpath_channel_send(). Errors as there,
 * and -EBUSY (it is mapped to be written to), -EPERM (it cannot be sealed).
 */
SUNPATH_API int sunpath_channel_send_memory(struct sunpath_channel *channel, int memory_fd,
                                            const struct sunpath_channel_send_options *options);

/*
 * Room for a message of `size` bytes in the pool, to be filled in place: what is there is left from
 * earlier messages. It belongs to the caller until sunpath_channel_send_reserved(), which sends the
 * first `size` bytes of it, succeeds, or the channel is closed; to give it back unsent is not
 * needed for long: the next message can go there. -EOPNOTSUPP (no pool, or the peer has not agreed
 * to one yet), -EAGAIN (all of it is with the peer: try again after on_drain, or send another way),
 * -EMSGSIZE (over `pool_size`, or what the peer takes), -EPIPE, -EMFILE, -ENOMEM.
 */
SUNPATH_API int sunpath_channel_reserve(struct sunpath_channel *channel, void **ret, size_t size);
SUNPATH_API int sunpath_channel_send_reserved(struct sunpath_channel *channel, void *room,
                                              size_t size,
                                              const struct sunpath_channel_send_options *options);

/*
 * The largest message that can be sent now: for packets what the socket's SO_SNDBUF lets through
 * (212,960 bytes by default), for streams `max_message`, or less where the framing ends before;
 * more when the peer has said that it takes memory.
 */
SUNPATH_API size_t sunpath_channel_max_message(struct sunpath_channel *channel);

/* No more output: the peer's on_end follows the last message queued. Input goes on. */
SUNPATH_API void sunpath_channel_end(struct sunpath_channel *channel);

/* Stops and resumes receiving. While paused the senders are held back by the kernel. */
SUNPATH_API void sunpath_channel_pause(struct sunpath_channel *channel);
SUNPATH_API void sunpath_channel_resume(struct sunpath_channel *channel);

struct sunpath_channel_counts {
    uint64_t n_received; /* messages shown to on_message */
    uint64_t n_lost;     /* told by on_lost */
    uint64_t n_sent;     /* messages that send took, and that did not fail since */
    uint64_t n_dropped;  /* SUNPATH_FULL_DROP */
    uint64_t n_failed;   /* datagrams that reached nobody, packets that the kernel refused */
    size_t n_queued;     /* bytes that wait for the kernel, with what describes them */
};
SUNPATH_API void sunpath_channel_count(const struct sunpath_channel *channel,
                                       struct sunpath_channel_counts *ret);

/* Borrowed. */
SUNPATH_API int sunpath_channel_fd(const struct sunpath_channel *channel);
SUNPATH_API enum sunpath_type sunpath_channel_type(const struct sunpath_channel *channel);
SUNPATH_API void sunpath_channel_set_user(struct sunpath_channel *channel, void *user);

/* A server of channels: accepts on a seqpacket or stream listener and opens one for each. */
struct sunpath_channel_server;

struct sunpath_channel_server_options {
    size_t size;
    const struct sunpath_channel_options *channel; /* for each connection; copied */
    size_t max_connections;                        /* more wait in the backlog; 0: no limit */
};

/*
 * `on_connection` may set a user pointer for this connection's events with
 * sunpath_channel_set_user(); without it they get the server's `user`. Channels that are not closed
 * when the server is closed are closed with it. Running out of descriptors pauses accepting until
 * one is free. Errors as sunpath_listener_open(), and -EPROTOTYPE: datagrams have no connections,
 * see sunpath_channel_bind().
 */
SUNPATH_API int sunpath_channel_server_open(
    struct sunpath_channel_server **ret, struct sunpath_loop *loop, const char *address,
    const struct sunpath_listen_options *listen_options,
    const struct sunpath_channel_server_options *options,
    void (*on_connection)(struct sunpath_channel *channel, void *user),
    const struct sunpath_channel_events *events, void *user, struct sunpath_error *error);
SUNPATH_API struct sunpath_channel_server *sunpath_channel_server_close(
    struct sunpath_channel_server *server);

/* As sunpath_stream_server_stop() and _listener(). */
SUNPATH_API void sunpath_channel_server_stop(struct sunpath_channel_server *server);
SUNPATH_API struct sunpath_listener *sunpath_channel_server_listener(
    struct sunpath_channel_server *server);

#ifdef __cplusplus
}
#endif

#endif
