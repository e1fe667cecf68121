/* SPDX-License-Identifier: MIT */
/* channel-frame.c - channels over streams: one frame a message. */

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/put.h"
#include "flow/channel.h"
#include "flow/stream-output.h"

/* More than any frame's envelope and one read together: the input never reaches its cap. */
#define INPUT_MARGIN ((size_t)SUNPATH_FRAME_HEADERS_MAX + 2 * SP_FLOW_SCRATCH)
#define DIRECT_MIN   65536 /* from here on a message is sent from where it is */

/* ---- in -------------------------------------------------------------------------------------- */

static const struct sunpath_credentials *sender_of(const struct sunpath_channel *channel) {
    const struct sp_frames *frames = &channel->frames;

    return channel->options.want_credentials && frames->has_credentials && !frames->is_mixed
               ? &frames->credentials
               : NULL;
}

static void show_with_fds(struct sunpath_channel *channel,
                          struct sunpath_channel_message *message) {
    struct sunpath_error error;
    int fds[SUNPATH_FDS_MAX];
    int n_fds = sp_frames_take_fds(channel, channel->frames.n_shown, fds);

    if (n_fds < 0) {
        sp_large_lost(channel, message->data, message->size);
        sp_fail(&error, n_fds, SUNPATH_REASON_PROTOCOL, "receive",
                "message %llu: it brought more descriptors than the limit of %zu, or than this "
                "process has left",
                sp_channel_number(channel), channel->options.max_fds);
        sp_channel_lose(channel, &error);
        return;
    }
    message->fds = fds;
    message->n_fds = (size_t)n_fds;
    sp_channel_deliver(channel, message);
}

static void show(struct sunpath_channel *channel, const struct sunpath_frame *frame) {
    struct sp_frames *frames = &channel->frames;
    struct sunpath_channel_message message = {.data = frame->data,
                                              .size = frame->size,
                                              .credentials = sender_of(channel),
                                              .is_unterminated = frame->is_unterminated};

    frames->n_shown += frame->n_frame;
    frames->is_mixed = false;
    sp_stream_consume(frames->stream, frame->n_frame); /* the bytes stay where they are */
    if (sp_frames_have_fds(frames)) {
        show_with_fds(channel, &message);
    } else {
        sp_channel_deliver(channel, &message);
    }
}

static void on_data(struct sunpath_stream *stream, void *user) {
    struct sunpath_channel *channel = user;
    struct sunpath_error error;
    int r = 1;

    sp_channel_enter(channel);
    while (r > 0 && sp_channel_is_alive(channel) && !channel->is_paused) {
        struct sunpath_frame frame;
        size_t size;
        const char *data = sp_stream_input(stream, &size);

        r = sunpath_frame_read(&channel->frames.reader, data, size, &frame, &error);
        if (r > 0) {
            show(channel, &frame);
        }
    }
    if (r < 0) {
        sp_channel_be_over(channel, &error);
    }
    sp_channel_leave(channel);
}

static void on_end(struct sunpath_stream *stream, void *user) {
    struct sunpath_channel *channel = user;
    struct sunpath_frame frame;
    struct sunpath_error error;
    size_t size;
    const char *data = sp_stream_input(stream, &size);
    int r;

    sp_channel_enter(channel);
    r = sunpath_frame_end(&channel->frames.reader, data, size, &frame, &error);
    if (r > 0) {
        show(channel, &frame);
    }
    if (r < 0) {
        sp_channel_be_over(channel, &error);
    } else if (sp_channel_is_alive(channel)) {
        sp_channel_end_input(channel);
    }
    sp_channel_leave(channel);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void settle(struct sunpath_channel *channel) {
    if (channel->frames.stream) {
        sp_channel_settle(channel, sp_stream_n_taken(channel->frames.stream), 0);
    }
}

static void run(struct sunpath_channel *channel) {
    settle(channel);
    sp_channel_tell_sent(channel);
}

static void on_drain(struct sunpath_stream *stream, void *user) {
    struct sunpath_channel *channel = user;

    (void)stream;
    sp_channel_enter(channel);
    run(channel);
    if (sp_channel_is_alive(channel)) {
        sp_channel_tell_drained(channel);
    }
    sp_channel_leave(channel);
}

/* A large one, with nothing in front of it, is not copied but for what the kernel leaves of it. */
static bool goes_directly(const struct sp_frames *frames, const struct sp_outgoing *outgoing) {
    return outgoing->size >= DIRECT_MIN && outgoing->n_fds == 0 && !frames->stream->is_blocked &&
           sp_stream_n_queued(frames->stream) == 0;
}

static int send_directly(struct sunpath_channel *channel, const struct sp_outgoing *outgoing,
                         struct sunpath_frame_envelope *envelope) {
    struct sp_frames *frames = &channel->frames;
    const struct iovec parts[] = {
        {.iov_base = envelope->header, .iov_len = envelope->n_header},
        {.iov_base = (void *)outgoing->data, .iov_len = outgoing->size},
        {.iov_base = envelope->trailer, .iov_len = envelope->n_trailer},
    };
    int r = sp_stream_write_parts(frames->stream, parts, 3);

    if (r < 0) {
        return r;
    }

    frames->n_written += envelope->n_header + outgoing->size + envelope->n_trailer;
    sp_channel_note_sent(channel, outgoing, frames->n_written);
    sp_task_post(&channel->task, channel->loop); /* to tell that it has left */
    return r;
}

static int send_frame(struct sunpath_channel *channel, const struct sp_outgoing *outgoing) {
    struct sp_frames *frames = &channel->frames;
    struct sunpath_frame_envelope envelope;
    size_t n_frame, n_queued;
    char *room;
    int r;

    r = sp_frame_wrap(&envelope, frames->framing, outgoing->data, outgoing->size);
    if (r < 0) {
        return r;
    }

    if (goes_directly(frames, outgoing)) {
        return send_directly(channel, outgoing, &envelope);
    }
    n_frame = envelope.n_header + outgoing->size + envelope.n_trailer;
    n_queued = sp_stream_n_queued(frames->stream);
    if (n_queued > 0 && n_queued + n_frame > channel->options.max_queue) {
        return -ENOBUFS;
    }
    room = sp_stream_reserve(frames->stream, n_frame);
    if (!room) {
        return sp_stream_error(frames->stream) ? -EPIPE : -ENOMEM;
    }

    r = outgoing->n_fds > 0 ? sp_frames_attach(channel, outgoing->fds, outgoing->n_fds, n_frame)
                            : 0;
    if (r < 0) {
        sp_stream_commit(frames->stream, 0);
        return r;
    }

    room = sp_put(room, envelope.header, envelope.n_header);
    room = sp_put(room, outgoing->data, outgoing->size);
    sp_put(room, envelope.trailer, envelope.n_trailer);
    frames->n_written += n_frame;
    sp_channel_note_sent(channel, outgoing, frames->n_written);
    return sp_stream_commit(frames->stream, n_frame);
}

/* ---- as a kind of channel -------------------------------------------------------------------- */

static void on_close(struct sunpath_stream *stream, int error, void *user) {
    struct sunpath_channel *channel = user;

    (void)stream;
    if (error == 0) {
        sp_channel_be_over(channel, NULL);
    } else {
        sp_channel_fail(channel, error);
    }
}

static void drop(struct sunpath_channel *channel) {
    settle(channel);
    sp_frames_drop_fds(channel);
}

static void close_frames(struct sunpath_channel *channel) {
    drop(channel);
    channel->frames.stream = sunpath_stream_close(channel->frames.stream);
}

static size_t max_message(struct sunpath_channel *channel) {
    uint64_t max = sunpath_framing_max(channel->options.framing);

    return channel->options.max_message < max ? channel->options.max_message : (size_t)max;
}

static int open_frames(struct sunpath_channel *channel, int fd) {
    static const struct sunpath_stream_events events = {
        .on_data = on_data, .on_end = on_end, .on_drain = on_drain, .on_close = on_close};
    const struct sunpath_channel_options *options = &channel->options;
    struct sunpath_stream_options stream = SUNPATH_OPTIONS(struct sunpath_stream_options);
    int r = options->want_credentials ? sunpath_want_credentials(fd, true) : 0;

    if (r < 0) {
        return r;
    }
    stream.max_input = options->max_message + INPUT_MARGIN;
    stream.max_output = SIZE_MAX; /* send_frame() keeps to the cap: any one message may be queued */
    stream.high_mark = options->high_mark;
    stream.low_mark = options->low_mark;
    stream.idle_ms = options->idle_ms;
    channel->frames.framing = sp_framing_of(options->framing);
    channel->frames.reader = (struct sunpath_frame_reader){.framing = options->framing,
                                                           .max_message = options->max_message,
                                                           .drop_cr = options->drop_cr};
    r = sp_stream_open_socket(&channel->frames.stream, channel->loop, fd, &events, channel, &stream,
                              NULL);
    if (r < 0) {
        return r;
    }
    sp_stream_set_carrier(channel->frames.stream, &sp_frames_carrier);
    channel->max_known = max_message(channel);
    return 0;
}

static void end(struct sunpath_channel *channel) {
    sunpath_stream_end(channel->frames.stream);
}

static void pause_input(struct sunpath_channel *channel) {
    sunpath_stream_pause(channel->frames.stream);
}

static void resume_input(struct sunpath_channel *channel) {
    sunpath_stream_resume(channel->frames.stream);
}

static size_t n_queued(const struct sunpath_channel *channel) {
    return channel->frames.stream ? sp_stream_n_queued(channel->frames.stream) : 0;
}

static int fd_of(const struct sunpath_channel *channel) {
    return channel->frames.stream ? sunpath_stream_fd(channel->frames.stream) : -1;
}

const struct sp_channel_kind sp_channel_frames = {
    .open = open_frames,
    .send = send_frame,
    .drop = drop,
    .close = close_frames,
    .run = run,
    .end = end,
    .pause = pause_input,
    .resume = resume_input,
    .n_queued = n_queued,
    .max_message = max_message,
    .fd = fd_of,
};
