/* SPDX-License-Identifier: MIT */
/* stream.h - byte streams from inside: what the protocols on top of them need. */

#ifndef SP_FLOW_STREAM_H
#define SP_FLOW_STREAM_H

#include <sunpath/stream.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "loop/loop.h"

struct sp_acceptor;
struct sp_packet_room;

#define SP_FLOW_SCRATCH  65536
#define SP_FLOW_HEADROOM 4096 /* for a little that was kept of earlier input */

/* What all streams of a loop share: one of them at a time is inside its on_data. */
struct sp_flow {
    struct sunpath_stream *collecting; /* whose output is collected, or NULL */
    size_t n_output;
    struct sp_packet_room *packet_room; /* of the message channels: channel-packet.c */
    struct sp_buffer spare;             /* memory for a queue of theirs: channel-queue.c */
    char input[SP_FLOW_HEADROOM + SP_FLOW_SCRATCH];
    char output[SP_FLOW_SCRATCH];
};

/* Where what is read goes. */
static inline char *sp_flow_input(struct sp_flow *flow) {
    return flow->input + SP_FLOW_HEADROOM;
}

/* The loop's, made with the first call. NULL: out of memory. */
struct sp_flow *sp_flow_share(struct sunpath_loop *loop);
/* Room for `size` bytes that are received at once, the loop's and shared. NULL: out of memory. */
char *sp_packet_room_for(struct sunpath_loop *loop, size_t size);
void sp_packet_room_free(struct sp_packet_room *room);

/* Sends and receives in place of send(2) and recv(2): for descriptors that travel with the bytes.
 */
struct sp_stream_carrier {
    /* Bytes taken, perhaps fewer, or a negative errno (-EAGAIN: none). */
    ssize_t (*send)(void *user, int fd, const char *data, size_t size);
    /* Bytes received, 0 at end of file, or a negative errno. */
    ssize_t (*receive)(void *user, int fd, char *data, size_t size);
};

/*
 * The life of a stream. `fd` is watched until it is over. Input and output end each on their own:
 *
 *   input   open -> ended (end of file, seen and told)
 *   output  open -> ending (sunpath_stream_end(), the queue still leaves) -> ended (shut down)
 *                -> failed (`error`: the queue is dropped; input that arrived before is still told)
 *
 * Both ended, or an error: it is over, on_close is called, and nothing happens any more until the
 * owner closes it. Callbacks are called from three places alone, on_event(), on_task() and on_due()
 * in stream.c, and never from one inside another for the same stream; `is_inside` says that one of
 * them runs, and then closing leaves the memory to it.
 */
struct sunpath_stream {
    struct sunpath_loop *loop;
    struct sp_watch watch;
    const struct sunpath_stream_events *events;
    void *user;

    struct sp_buffer input;  /* what was not consumed; during on_data perhaps the loop's scratch */
    struct sp_buffer output; /* what the kernel did not take yet */
    size_t max_input, max_output, high_mark, low_mark;

    struct sp_timer timer; /* the earlier of the two deadlines */
    uint64_t n_taken;      /* bytes the kernel took since it was opened */
    uint64_t active_ns;    /* when the last byte went either way */
    uint64_t total_ns;     /* SP_NEVER: no total deadline */
    int idle_ms;

    int error; /* negative: why it is going to be over */
    struct sp_task task;

    bool is_socket : 1;
    bool is_inside : 1;     /* one of its callbacks may be running */
    bool is_closed : 1;     /* by its owner, inside a callback */
    bool is_over : 1;       /* on_close was called */
    bool is_ending : 1;     /* sunpath_stream_end() was called */
    bool is_paused : 1;     /* by its owner */
    bool is_held : 1;       /* not watched for input because of that */
    bool is_borrowing : 1;  /* `input` shows the loop's scratch */
    bool is_renewed : 1;    /* kept input is to be shown again */
    bool has_ended_in : 1;  /* end of file was read */
    bool has_ended_out : 1; /* our end of file was sent */
    bool is_blocked : 1;    /* the kernel took less than it was given: wait for writability */
    bool was_high : 1;      /* the high mark was reached since the last on_drain */
    bool is_reserved_in_queue : 1; /* sp_stream_reserve() gave room there */
    bool wants_drain : 1;          /* something was written since the last on_drain */
    bool awaits_room : 1;          /* a file is to go on when it is not blocked any more */

    const struct sp_stream_carrier *carrier; /* or NULL: the socket's own; called with `user` */
    struct sp_acceptor *acceptor;            /* told when it closes, or NULL */
    struct sp_list siblings;                 /* the streams of one server */
};

/*
 * What protocols use beside the public calls. A protocol reads in on_data and answers there as a
 * rule: what is written inside a stream's own on_data or on_drain is collected in a buffer of the
 * loop's and leaves in one send() when that returns, without having been queued.
 */

/* The unconsumed input, which may be written to (header strings are ended in place). */
static inline char *sp_stream_input(struct sunpath_stream *stream, size_t *ret_size) {
    *ret_size = sp_buffer_size(&stream->input);
    return *ret_size > 0 ? sp_buffer_bytes(&stream->input) : NULL;
}

static inline struct sp_flow *sp_flow_of(const struct sunpath_stream *stream) {
    return stream->loop->shared;
}

/* sunpath_stream_n_queued(), for those who ask for each message. */
static inline size_t sp_stream_n_queued(const struct sunpath_stream *stream) {
    const struct sp_flow *flow = sp_flow_of(stream);

    return sp_buffer_size(&stream->output) + (flow->collecting == stream ? flow->n_output : 0);
}

/* Will `size` bytes more be collected, and is there nothing that forbids it? */
static inline bool sp_stream_can_collect(const struct sunpath_stream *stream, size_t size) {
    const struct sp_flow *flow = sp_flow_of(stream);

    return flow->collecting == stream && size <= SP_FLOW_SCRATCH - flow->n_output &&
           sp_buffer_size(&stream->output) == 0 && flow->n_output + size <= stream->max_output &&
           !stream->error && !(stream->is_ending || stream->is_over || stream->is_closed);
}

/*
 * Room for `size` bytes of output to be written in place, and the counting of what was written
 * there: sp_stream_commit() with at most `size`, before anything else is done with the stream.
 * NULL when sunpath_stream_write() of as much would fail. The usual case is inline; who has asked
 * sp_stream_can_collect() already takes it with sp_stream_reserve_collected().
 */
char *sp_stream_reserve_any(struct sunpath_stream *stream, size_t size);
static inline char *sp_stream_reserve_collected(struct sunpath_stream *stream) {
    stream->is_reserved_in_queue = false;
    return sp_flow_of(stream)->output + sp_flow_of(stream)->n_output;
}
static inline char *sp_stream_reserve(struct sunpath_stream *stream, size_t size) {
    return sp_likely(sp_stream_can_collect(stream, size)) ? sp_stream_reserve_collected(stream)
                                                          : sp_stream_reserve_any(stream, size);
}

/* Returns as sunpath_stream_write() does: 1 at the high mark. */
int sp_stream_commit_any(struct sunpath_stream *stream, size_t size);
static inline int sp_stream_commit(struct sunpath_stream *stream, size_t size) {
    struct sp_flow *flow = sp_flow_of(stream);

    if (sp_unlikely(stream->is_reserved_in_queue || size == 0 ||
                    flow->n_output + size >= stream->high_mark)) {
        return sp_stream_commit_any(stream, size);
    }
    flow->n_output += size;
    stream->wants_drain = true;
    return 0;
}

static inline struct sunpath_loop *sp_stream_loop(const struct sunpath_stream *stream) {
    return stream->loop;
}

/* sunpath_stream_consume(), for those who consume each message. */
static inline void sp_stream_consume(struct sunpath_stream *stream, size_t size) {
    sp_buffer_consume(&stream->input, size);
    if (sp_unlikely(!stream->is_inside)) {
        sp_buffer_trim(&stream->input);
    }
}

/*
 * Takes the kept input out of the stream, so that it can outlive it. Input in the loop's scratch
 * buffer stays there: it is good until on_data returns anyway.
 */
static inline struct sp_buffer sp_stream_take_input(struct sunpath_stream *stream) {
    struct sp_buffer input = {0};

    if (!stream->is_borrowing) {
        input = stream->input;
        stream->input = (struct sp_buffer){0};
    }
    return input;
}

static inline void sp_stream_set_carrier(struct sunpath_stream *stream,
                                         const struct sp_stream_carrier *carrier) {
    stream->carrier = carrier;
}

/* Why the stream is failing or failed, 0 while it is not: writes return -EPIPE then. */
static inline int sp_stream_error(const struct sunpath_stream *stream) {
    return stream->error;
}

/* Bytes the kernel took so far, still true in on_close: what did not leave may be sent again. */
static inline uint64_t sp_stream_n_taken(const struct sunpath_stream *stream) {
    return stream->n_taken;
}

/* When the last byte was read or taken by the kernel: for deadlines of the protocol's own. */
static inline uint64_t sp_stream_active_ns(const struct sunpath_stream *stream) {
    return stream->active_ns;
}

/*
 * Opens a stream on a connection from sunpath_listener_accept() or sunpath_connect(): non-blocking
 * already, which saves asking. Else as sunpath_stream_open(). The acceptor, unless NULL, is told
 * when the stream is closed.
 */
int sp_stream_open_socket(struct sunpath_stream **ret, struct sunpath_loop *loop, int fd,
                          const struct sunpath_stream_events *events, void *user,
                          const struct sunpath_stream_options *options,
                          struct sp_acceptor *acceptor);

/*
 * Gives the stream to another owner (after an upgrade): other events, other limits. Unconsumed
 * input is shown to the new on_data in a later turn; queued output stays queued. Reading is
 * resumed, and the acceptor is told that this connection is no longer its own. -EINVAL (options),
 * -EPIPE (it is over).
 */
int sp_stream_hand_over(struct sunpath_stream *stream, const struct sunpath_stream_events *events,
                        void *user, const struct sunpath_stream_options *options);

#endif
