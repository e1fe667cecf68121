/* SPDX-License-Identifier: MIT */
/* channel.h - message channels from inside: their life, and the two ways they move messages. */

#ifndef SP_FLOW_CHANNEL_H
#define SP_FLOW_CHANNEL_H

#include <sys/socket.h>

#include <sunpath/channel.h>

#include "base/buffer.h"
#include "flow/stream.h"
#include "loop/loop.h"
#include "wire/frame.h"

#define SP_CHANNEL_READS_PER_TURN \
    32 /* messages, so that one busy peer does not starve the others */

/* A message on its way out. Everything is borrowed. */
struct sp_outgoing {
    const void *data;
    size_t size;
    const int *fds;
    size_t n_fds;
    const void *name; /* NULL, or the kernel's form of where to */
    socklen_t n_name;
    int *via_fd; /* NULL, or what `name` goes through: to be taken (sp_take_fd) when it is kept */
    void (*on_sent)(struct sunpath_channel *channel, int error, void *user);
    void *user;
};

/* A way to move messages: packets (channel-packet.c) or frames on a stream (channel-frame.c). */
struct sp_channel_kind {
    /* Owns `fd` only when it returns 0. */
    int (*open)(struct sunpath_channel *channel, int fd);
    /* As sunpath_channel_send(), for what was checked. */
    int (*send)(struct sunpath_channel *channel, const struct sp_outgoing *outgoing);
    /* Drops what is queued. Legal more than once. */
    void (*drop)(struct sunpath_channel *channel);
    /* Off the loop, and the descriptor closed: nothing fires any more. Legal more than once. */
    void (*close)(struct sunpath_channel *channel);
    /* Its task: at the end of a turn in which something was queued or sent. */
    void (*run)(struct sunpath_channel *channel);
    /* sunpath_channel_end(), _pause(), _resume(): the flags are set already. */
    void (*end)(struct sunpath_channel *channel);
    void (*pause)(struct sunpath_channel *channel);
    void (*resume)(struct sunpath_channel *channel);
    size_t (*n_queued)(const struct sunpath_channel *channel);
    size_t (*max_message)(struct sunpath_channel *channel);
    int (*fd)(const struct sunpath_channel *channel);
};

extern const struct sp_channel_kind sp_channel_packets;
extern const struct sp_channel_kind sp_channel_frames;

/* Somebody who wants to know when the messages up to a place have been sent. */
struct sp_sent {
    uint64_t end; /* packets: the message's number; frames: the offset behind its last byte */
    int error;    /* once it is settled */
    void (*on_sent)(struct sunpath_channel *channel, int error, void *user);
    void *user;
};

/* The state of seqpacket and datagram sockets. */
struct sp_packets {
    struct sp_watch watch;
    struct sp_timer timer;   /* idle, or a retry after EMFILE */
    struct sp_watch opening; /* waits for room in the queue of a receiver we are not connected to */
    struct sp_buffer queue;  /* struct record and what belongs to it: channel-queue.c */
    struct sp_packet_room *room;
    struct sunpath_listener *listener; /* that owns the descriptor, or NULL */
    uint64_t n_finished;               /* messages that left the queue, one way or the other */
    uint64_t n_accepted;               /* messages that entered it */
    uint64_t active_ns;
    int error;          /* why nothing can be sent any more */
    unsigned n_singles; /* turns in a row that brought one packet each */
    unsigned n_lone;    /* flushes in a row since which one packet was sent at most */
    uint64_t n_flushed; /* of `n_accepted`, before the last flush */
    bool is_blocked, is_retrying, is_connected, wants_drain, was_high;
    bool has_asked; /* of seqpacket: for credentials, which come with no end of file */
};

/*
 * Descriptors that arrived and whose message is not whole yet. The kernel ends a read behind the
 * bytes that descriptors came with, so they belong to the message that has the last byte of that
 * read. Reading goes on when all whole messages were shown: what is left of earlier reads then
 * belongs to the one at hand.
 */
struct sp_fds_in {
    struct sp_buffer fds; /* ints */
    size_t n_at_hand;     /* of them, with the message at hand; the rest came with the last read */
    uint64_t end;         /* the offset behind the last byte of that read */
    bool lost_at_hand, lost_last; /* some had to be closed */
};

/* The state of a framed stream. */
struct sp_frames {
    struct sunpath_stream *stream;
    const struct sp_framing *framing;
    struct sunpath_frame_reader reader;
    struct sp_buffer fds_out; /* struct batch and its descriptors: channel-frame-fds.c */
    struct sp_fds_in fds_in;
    uint64_t n_written;                     /* bytes given to the stream since it was opened */
    uint64_t n_read;                        /* bytes read from the socket */
    uint64_t n_shown;                       /* of them, in messages that were delivered or lost */
    struct sunpath_credentials credentials; /* of the last bytes */
    bool has_credentials, is_mixed;         /* the message at hand has bytes of two senders */
};

/*
 * What stands for a large message in its place, and what is said about large messages: these bytes.
 * The memory is the last of the descriptors that come with them.
 */
enum sp_note_kind {
    SP_NOTE_MEMORY = 1, /* the message is in sealed memory */
    SP_NOTE_OFFER,      /* on the side socket: will you take memory? */
    SP_NOTE_ANSWER,     /* yes, of up to `size` bytes */
    SP_NOTE_POOL,       /* the message is in the slot `detail` of the sender's pool */
    SP_NOTE_RELEASE,    /* on the side socket: the slot `detail` is free again */
    SP_NOTE_DROP /* on the side socket: the slot `detail` is not used as it is any more, or never
                    came */
};

#define SP_NOTE_TAKES_POOL 1U         /* in the `detail` of an offer and of an answer */
#define SP_NOTE_HAS_MEMORY (1U << 31) /* in that of a slot: its memory comes along, new or anew */

struct sp_note {
    char magic[16];
    uint32_t kind;
    uint32_t detail;
    uint64_t size;
};

struct sp_note sp_note_of(enum sp_note_kind kind, uint32_t detail, uint64_t size);
bool sp_note_read(struct sp_note *ret, const void *data, size_t size);
/* One note from the side socket. 1, 0: none now, or -EPIPE: it has ended, or speaks otherwise. */
int sp_note_receive(struct sp_note *ret, int fd, int flags);

/* Large messages as memory: what the two have agreed on (channel-large.c). */
struct sp_large {
    struct sp_watch watch;     /* our end of the side socket, when it was us who offered */
    int side_fd;               /* our end, when it was the peer, and slots are to be released */
    uint64_t peer_max;         /* 0: it takes none, or has not answered yet */
    struct sp_pool *pool;      /* what we fill */
    struct sp_pool *peer_pool; /* what the peer fills */
    bool was_offered, peer_takes_pool;
    bool owes_drain; /* on_drain waits for the pool */
    bool was_asked;  /* by the peer's offer: what follows is no offer any more */
};

/*
 * `n_inside` counts the callbacks' callers that are running: closing leaves the memory to the
 * outermost. A channel is over when on_close was or is being called.
 */
struct sunpath_channel {
    struct sunpath_loop *loop;
    const struct sp_channel_kind *kind;
    const struct sunpath_channel_events *events;
    void *user;
    struct sunpath_channel_options options; /* with the defaults filled in */
    struct sunpath_channel_counts counts;
    enum sunpath_type type;

    struct sp_buffer sent;   /* struct sp_sent, in order */
    size_t max_known;        /* messages of up to so many bytes need no question */
    size_t n_settled;        /* bytes of it whose `error` is known */
    size_t n_queued_fds;     /* descriptors we hold for messages that are queued */
    uint64_t n_fds_received; /* in its life */
    struct sp_task task;

    unsigned n_inside;
    bool is_closed, is_over, is_paused, is_ending, has_ended_in, has_ended_out;

    struct sp_packets packets;
    struct sp_frames frames;
    struct sp_large large;

    struct sp_acceptor *acceptor; /* told when it closes, or NULL */
    struct sp_list siblings;      /* the channels of one server */
};

static inline bool sp_channel_is_alive(const struct sunpath_channel *channel) {
    return !channel->is_closed && !channel->is_over;
}

/* Around everything that calls back; the channel may be gone after leave. */
static inline void sp_channel_enter(struct sunpath_channel *channel) {
    channel->n_inside++;
}
void sp_channel_leave(struct sunpath_channel *channel);

/* Opens on `fd`, whose type is known; `acceptor` and `listener` may be NULL. */
int sp_channel_open(struct sunpath_channel **ret, struct sunpath_loop *loop, int fd,
                    enum sunpath_type type, const struct sunpath_channel_events *events, void *user,
                    const struct sunpath_channel_options *options, struct sp_acceptor *acceptor,
                    struct sunpath_listener *listener);

/* The number of the message that is about to be delivered or lost. */
static inline unsigned long long sp_channel_number(const struct sunpath_channel *channel) {
    return channel->counts.n_received + channel->counts.n_lost + 1;
}

/* Checks the descriptors and calls on_message. All but what that keeps are closed. */
void sp_channel_deliver(struct sunpath_channel *channel, struct sunpath_channel_message *message);

/* Tells that a message is lost, or ends the channel when nobody wants to know. */
void sp_channel_lose(struct sunpath_channel *channel, const struct sunpath_error *error);

/* The end, with on_close. `error` NULL: both sides ended. */
void sp_channel_be_over(struct sunpath_channel *channel, const struct sunpath_error *error);
/* The same with a sentence made of an errno. */
void sp_channel_fail(struct sunpath_channel *channel, int code);

/* Calls on_drain, now or when the pool has room again. */
void sp_channel_tell_drained(struct sunpath_channel *channel);

/* The peer has ended: on_end, or our own end. */
void sp_channel_end_input(struct sunpath_channel *channel);

/* Makes room for one more sp_sent, so that sp_channel_expect() cannot fail. -ENOMEM. */
int sp_channel_prepare(struct sunpath_channel *channel, const struct sp_outgoing *outgoing);
void sp_channel_expect(struct sunpath_channel *channel, const struct sp_outgoing *outgoing,
                       uint64_t end);
static inline void sp_channel_note_sent(struct sunpath_channel *channel,
                                        const struct sp_outgoing *outgoing, uint64_t end) {
    channel->counts.n_sent++;
    if (outgoing->on_sent) {
        sp_channel_expect(channel, outgoing, end);
    }
}
/* Does anybody wait to be told? */
static inline bool sp_channel_is_expected(const struct sunpath_channel *channel) {
    return sp_buffer_size(&channel->sent) > 0;
}
/* What ends at `upto` or before is settled with `error`, unless it was settled before. */
void sp_channel_settle(struct sunpath_channel *channel, uint64_t upto, int error);
/* Calls the on_sent of all that is settled. */
void sp_channel_tell_sent(struct sunpath_channel *channel);

/* Duplicates descriptors to keep; all or none. -ENOBUFS (over the cap), -EMFILE, -EBADF. */
int sp_channel_keep_fds(struct sunpath_channel *channel, int *ret, const int *fds, size_t n);
void sp_channel_close_kept(struct sunpath_channel *channel, const int *fds, size_t n);

/*
 * As many descriptors as one message may bring: those of the user, and memory or an offer of it,
 * which is to be understood also by those who do not want any.
 */
static inline size_t sp_channel_fds_room(const struct sunpath_channel *channel) {
    size_t n = channel->options.max_fds + 1;

    return n < SUNPATH_FDS_MAX ? n : SUNPATH_FDS_MAX;
}

/* ---- large messages (channel-large.c) -------------------------------------------------------- */

/* 1, and *ret_fd to be sent with this message and closed; 0: no offer is due; or a negative errno.
 */
int sp_large_offer(struct sunpath_channel *channel, int *ret_fd);
void sp_large_withdraw(struct sunpath_channel *channel);
void sp_large_close(struct sunpath_channel *channel);

/* Takes what is ours off a message that arrived; maps memory. -EBADMSG, -EMSGSIZE ...: it is lost.
 */
int sp_large_take(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                  struct sunpath_error *error);
/* What was taken is done with; `slot` of the peer's pool, or -1. */
void sp_large_release(struct sunpath_channel *channel, int slot,
                      const struct sunpath_channel_message *message);

/* A message with these bytes was lost on arrival, or never left: a slot it stands for is not. */
void sp_large_lost(struct sunpath_channel *channel, const void *data, size_t size);
void sp_large_unsent(struct sunpath_channel *channel, const void *data, size_t size);

/* Does a message of this size travel as memory? The largest that could; 0: none. */
bool sp_large_is_for(const struct sunpath_channel *channel, size_t size);
size_t sp_large_max(const struct sunpath_channel *channel);
/* Seals `fd`, which stays the caller's and holds the message, and sends it. */
int sp_large_send(struct sunpath_channel *channel, int fd, struct sp_outgoing *outgoing);
/* The message is in that slot; with its memory, `fd`, when the peer does not have it yet, else -1.
 */
int sp_large_send_slot(struct sunpath_channel *channel, int slot, int fd,
                       struct sp_outgoing *outgoing);

/* ---- memory that is used again and again (channel-pool.c) ------------------------------------ */

struct sp_pool *sp_pool_free(struct sp_pool *pool);
/* Copies a message into a free slot and sends it. -EAGAIN: there is none. */
int sp_pool_send_copy(struct sunpath_channel *channel, struct sp_outgoing *outgoing);
/* Room of `size` bytes for the user to fill; and what he has filled, on its way. */
int sp_pool_reserve(struct sunpath_channel *channel, void **ret, size_t size);
int sp_pool_send_room(struct sunpath_channel *channel, const void *room,
                      struct sp_outgoing *outgoing);
/* Is on_drain to wait until the peer gives a slot back? */
bool sp_pool_is_full(const struct sunpath_channel *channel);
void sp_pool_release(struct sunpath_channel *channel, uint32_t slot);
/* The peer has not got the memory of a slot that was sent: it is made anew. */
void sp_pool_forget(struct sunpath_channel *channel, uint32_t slot);
/* The message in a slot of the peer's was lost: it is told that we have that slot no more. */
void sp_pool_lose(struct sunpath_channel *channel, uint32_t slot);
/* Shows the message of a note. Returns the slot + 1, or why it is lost. */
int sp_pool_take(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                 const struct sp_note *note, struct sunpath_error *error);

/* ---- the queue of packets (channel-queue.c) -------------------------------------------------- */

int sp_packets_send(struct sunpath_channel *channel, const struct sp_outgoing *outgoing);
/* Hands the kernel what it takes. */
void sp_packets_flush(struct sunpath_channel *channel);
void sp_packets_drop(struct sunpath_channel *channel);
/* Nothing waits for a receiver any more. */
void sp_packets_unblock(struct sunpath_channel *channel);
/* Has our own send buffer room? (Whether a receiver's queue has is another question.) */
bool sp_packets_is_writable(const struct sunpath_channel *channel);

/* ---- descriptors on a framed stream (channel-frame-fds.c) ------------------------------------ */

/* For sp_stream_set_carrier(). */
extern const struct sp_stream_carrier sp_frames_carrier;

/* The descriptors of the frame of `n_frame` bytes that is going to be written now. */
int sp_frames_attach(struct sunpath_channel *channel, const int *fds, size_t n, size_t n_frame);
/* Are there any that arrived, or should have? */
static inline bool sp_frames_have_fds(const struct sp_frames *frames) {
    const struct sp_fds_in *in = &frames->fds_in;

    return sp_buffer_size(&in->fds) > 0 || in->lost_at_hand || in->lost_last;
}
/*
 * Stores the descriptors that came with the frame that ends at `end` in `fds`, which has room for
 * SUNPATH_FDS_MAX, and returns how many; -ETOOMANYREFS when some were lost: all are closed then.
 */
int sp_frames_take_fds(struct sunpath_channel *channel, uint64_t end, int *fds);
/* Closes what was to be sent, and what arrived. */
void sp_frames_drop_fds(struct sunpath_channel *channel);

#endif
