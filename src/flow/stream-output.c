/* SPDX-License-Identifier: MIT */
/* stream-output.c - the writing half of a stream: collect, queue, send, hold back. */

#include "flow/stream-output.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "os/quiet-write.h"

/* From here on a write that finds nothing queued is sent from where it is. */
#define DIRECT_MIN 16384

void sp_stream_note_taken(struct sunpath_stream *stream, size_t n, size_t size) {
    if (n > 0) {
        stream->n_taken += n;
        stream->active_ns = sp_loop_now(stream->loop);
    }
    stream->is_blocked = n < size;
}

static ssize_t hand(struct sunpath_stream *stream, const char *data, size_t size, int flags) {
    ssize_t n;

    if (sp_unlikely(stream->carrier != NULL)) {
        return stream->carrier->send(stream->user, stream->watch.fd, data, size);
    }
    flags |= MSG_NOSIGNAL | MSG_DONTWAIT;
    do {
        n = stream->is_socket ? send(stream->watch.fd, data, size, flags)
                              : sp_quiet_write(stream->watch.fd, data, size);
    } while (sp_unlikely(n < 0) && errno == EINTR);
    return sp_unlikely(n < 0) ? -errno : n;
}

/* Returns what the kernel took, perhaps nothing, or a negative errno. */
static ssize_t give(struct sunpath_stream *stream, const char *data, size_t size, int flags) {
    ssize_t n = hand(stream, data, size, flags);

    if (sp_unlikely(n < 0)) {
        if (n != -EAGAIN) {
            return n;
        }
        n = 0;
    }
    sp_stream_note_taken(stream, (size_t)n, size);
    return n;
}

void sp_stream_fail(struct sunpath_stream *stream, int error) {
    if (stream->error == 0) {
        stream->error = error;
    }
    stream->is_blocked = stream->awaits_room = false;
    sp_buffer_deinit(&stream->output);
    sp_stream_drop_collected(stream);
    sp_task_post(&stream->task, stream->loop);
}

void sp_stream_drop_collected(struct sunpath_stream *stream) {
    struct sp_flow *flow = sp_flow_of(stream);

    if (flow->collecting == stream) {
        flow->n_output = 0;
    }
}

static void flush(struct sunpath_stream *stream, int flags) {
    size_t size = sp_buffer_size(&stream->output);
    ssize_t n;

    if (size == 0 || stream->is_blocked) {
        return;
    }
    n = give(stream, sp_buffer_bytes(&stream->output), size, flags);
    if (n < 0) {
        sp_stream_fail(stream, (int)n);
        return;
    }
    sp_buffer_consume(&stream->output, (size_t)n);
    sp_buffer_trim(&stream->output);
}

void sp_stream_flush(struct sunpath_stream *stream) {
    flush(stream, 0);
}

/* Sends what does not wait behind anything, and queues the rest. */
static int send_first(struct sunpath_stream *stream, const char *data, size_t size, int flags) {
    ssize_t n = give(stream, data, size, flags);
    int r;

    if (n < 0) {
        sp_stream_fail(stream, (int)n);
        return -EPIPE;
    }

    r = sp_buffer_append(&stream->output, data + n, size - (size_t)n, stream->max_output);
    if (r < 0) {
        sp_stream_fail(stream, r); /* a part of it is gone: the stream cannot go on */
    }
    return r;
}

/* Afterwards all output that is left is in the queue. */
static int empty_scratch(struct sunpath_stream *stream, int flags) {
    struct sp_flow *flow = sp_flow_of(stream);
    size_t size = flow->n_output;

    flow->n_output = 0;
    return size > 0 ? send_first(stream, flow->output, size, flags) : 0;
}

bool sp_stream_push(struct sunpath_stream *stream, int flags) {
    if (sp_flow_of(stream)->collecting == stream && empty_scratch(stream, flags) < 0) {
        return false;
    }
    flush(stream, flags);
    return sp_buffer_size(&stream->output) == 0 && !stream->is_blocked && !stream->error;
}

void sp_stream_send_collected(struct sunpath_stream *stream) {
    struct sp_flow *flow = sp_flow_of(stream);

    (void)sp_stream_push(stream, 0);
    flow->collecting = NULL;
}

/*
 * Chooses where `size` more bytes go: *ret_room is in the scratch buffer, or NULL for the queue.
 * Scratch is used only while nothing is queued, so that bytes keep their order.
 */
static int choose(struct sunpath_stream *stream, char **ret_room, size_t size) {
    struct sp_flow *flow = sp_flow_of(stream);
    int r = 0;

    *ret_room = NULL;
    if (flow->collecting != stream) {
        return 0;
    }
    if (size > SP_FLOW_SCRATCH - flow->n_output) {
        r = empty_scratch(stream, 0);
    }
    if (r == 0 && sp_buffer_size(&stream->output) == 0 && size <= SP_FLOW_SCRATCH) {
        *ret_room = flow->output + flow->n_output;
    }
    return r;
}

int sp_stream_may_write(const struct sunpath_stream *stream, size_t size) {
    if (sp_unlikely(stream->is_ending || stream->error || stream->is_over || stream->is_closed)) {
        return -EPIPE;
    }
    /* after a hand-over more may be queued than the new owner allows */
    if (sp_unlikely(size > stream->max_output ||
                    sp_stream_n_queued(stream) > stream->max_output - size)) {
        return -ENOBUFS;
    }
    return 0;
}

int sp_stream_note_written(struct sunpath_stream *stream) {
    bool is_sent_anyway = sp_flow_of(stream)->collecting == stream ||
                          (stream->watch.events & SUNPATH_WRITABLE && stream->is_blocked);

    stream->wants_drain = true;
    if (!is_sent_anyway) {
        sp_task_post(&stream->task, stream->loop);
    }
    if (sp_stream_n_queued(stream) < stream->high_mark) {
        return 0;
    }
    stream->was_high = true;
    return 1;
}

int sunpath_stream_write(struct sunpath_stream *stream, const void *data, size_t size) {
    char *room;
    int r = sp_stream_may_write(stream, size);

    if (r < 0 || size == 0) {
        return r;
    }

    r = choose(stream, &room, size);
    if (r < 0) {
        return r;
    }

    if (size >= DIRECT_MIN && sp_stream_n_queued(stream) == 0 && !stream->is_blocked) {
        r = send_first(stream, data, size, 0);
    } else if (room) {
        memcpy(room, data, size);
        sp_flow_of(stream)->n_output += size;
    } else {
        r = sp_buffer_append(&stream->output, data, size, stream->max_output);
    }
    if (r < 0) {
        return r;
    }

    return sp_stream_note_written(stream);
}

/* What is behind the first `n_sent` bytes waits in the queue. */
static int queue_rest(struct sunpath_stream *stream, const struct iovec *parts, size_t n_parts,
                      size_t n_sent) {
    int r = 0;

    for (size_t i = 0; i < n_parts && r == 0; i++) {
        size_t skip = n_sent < parts[i].iov_len ? n_sent : parts[i].iov_len;

        n_sent -= skip;
        if (skip < parts[i].iov_len) {
            r = sp_buffer_append(&stream->output, (const char *)parts[i].iov_base + skip,
                                 parts[i].iov_len - skip, stream->max_output);
        }
    }
    return r;
}

int sp_stream_write_parts(struct sunpath_stream *stream, const struct iovec *parts,
                          size_t n_parts) {
    struct msghdr header = {.msg_iov = (struct iovec *)parts, .msg_iovlen = n_parts};
    size_t size = 0;
    ssize_t n;
    int r;

    for (size_t i = 0; i < n_parts; i++) {
        size += parts[i].iov_len;
    }
    r = sp_stream_may_write(stream, size);
    if (r < 0) {
        return r;
    }

    do {
        n = sendmsg(stream->watch.fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        sp_stream_fail(stream, -errno);
        return -EPIPE;
    }
    sp_stream_note_taken(stream, n > 0 ? (size_t)n : 0, size);
    r = queue_rest(stream, parts, n_parts, n > 0 ? (size_t)n : 0);
    if (r < 0) {
        sp_stream_fail(stream, r); /* a part of it is gone: the stream cannot go on */
        return r;
    }
    return sp_stream_note_written(stream);
}

char *sp_stream_reserve_any(struct sunpath_stream *stream, size_t size) {
    char *room;

    if (sp_stream_may_write(stream, size) < 0 || choose(stream, &room, size) < 0) {
        return NULL;
    }

    stream->is_reserved_in_queue = !room;
    if (!room && sp_buffer_reserve(&stream->output, &room, size, stream->max_output) < 0) {
        return NULL;
    }
    return room;
}

int sp_stream_commit_any(struct sunpath_stream *stream, size_t size) {
    if (size == 0) {
        sp_buffer_trim(&stream->output);
        return 0;
    }
    if (stream->is_reserved_in_queue) {
        sp_buffer_commit(&stream->output, size);
    } else {
        sp_flow_of(stream)->n_output += size;
    }
    return sp_stream_note_written(stream);
}

size_t sunpath_stream_n_queued(const struct sunpath_stream *stream) {
    return sp_stream_n_queued(stream);
}

void sunpath_stream_end(struct sunpath_stream *stream) {
    if (stream->is_over || stream->is_closed || stream->is_ending) {
        return;
    }
    stream->is_ending = true;
    if (!stream->is_inside) {
        sp_task_post(&stream->task, stream->loop);
    }
}
