/* SPDX-License-Identifier: MIT */
/* channel-frame-fds.c - descriptors on a framed stream: with the first byte, to the right message.
 */

#include <errno.h>
#include <string.h>

#include "flow/channel.h"
#include "os/fd.h"
#include "sock/message.h"

/* ---- out ------------------------------------------------------------------------------------- */

/* The descriptors of one frame, which follow. */
struct batch {
    uint64_t begin, end; /* offsets of the frame in the stream */
    size_t n;
};

static struct batch *first_batch(const struct sp_frames *frames) {
    return sp_buffer_size(&frames->fds_out) > 0
               ? (struct batch *)(void *)sp_buffer_bytes(&frames->fds_out)
               : NULL;
}

static int *fds_of(struct batch *batch) {
    return (int *)(void *)(batch + 1);
}

static size_t room_of(size_t n) {
    return (sizeof(struct batch) + n * sizeof(int) + 7) & ~(size_t)7;
}

int sp_frames_attach(struct sunpath_channel *channel, const int *fds, size_t n, size_t n_frame) {
    struct sp_frames *frames = &channel->frames;
    struct batch *batch;
    char *room;
    int r;

    r = sp_buffer_reserve(&frames->fds_out, &room, room_of(n), SIZE_MAX);
    if (r < 0) {
        return r;
    }

    batch = (struct batch *)(void *)room;
    r = sp_channel_keep_fds(channel, fds_of(batch), fds, n);
    if (r < 0) {
        sp_buffer_trim(&frames->fds_out);
        return r;
    }

    *batch = (struct batch){.begin = frames->n_written, .end = frames->n_written + n_frame, .n = n};
    sp_buffer_commit(&frames->fds_out, room_of(n));
    return 0;
}

static void drop_batch(struct sunpath_channel *channel) {
    struct batch *batch = first_batch(&channel->frames);

    sp_channel_close_kept(channel, fds_of(batch), batch->n);
    sp_buffer_consume(&channel->frames.fds_out, room_of(batch->n));
    sp_buffer_trim(&channel->frames.fds_out);
}

/*
 * One system call: bytes up to where the next descriptors go, or descriptors with bytes of their
 * own frame alone. *ret_size: how many it was to be.
 */
static ssize_t send_some(struct sunpath_channel *channel, int fd, uint64_t at, const char *data,
                         size_t *ret_size) {
    struct batch *batch = first_batch(&channel->frames);
    struct sp_packet packet = {.data = data, .size = *ret_size};
    bool has_fds = batch && batch->begin <= at;
    ssize_t n;

    if (batch && (has_fds ? batch->end : batch->begin) - at < packet.size) {
        packet.size = (size_t)((has_fds ? batch->end : batch->begin) - at);
    }
    if (has_fds) {
        packet.fds = fds_of(batch);
        packet.n_fds = batch->n;
    }
    n = sp_send(fd, &packet);
    if (n > 0 && has_fds) {
        drop_batch(channel);
    }
    *ret_size = packet.size;
    return n;
}

/*
 * The user has more descriptors on their way than the kernel allows, and it takes no byte of the
 * frame at `data` either: that message fails alone. Returns its size, or 0 when that cannot be.
 */
static size_t fail_frame(struct sunpath_channel *channel, const char *data, size_t size) {
    struct batch *batch = first_batch(&channel->frames);
    size_t n_frame = batch ? (size_t)(batch->end - batch->begin) : 0;
    struct sunpath_frame_envelope note;

    if (n_frame == 0 || n_frame > size) {
        return 0;
    }
    sunpath_frame_wrap(&note, channel->options.framing, NULL, sizeof(struct sp_note));
    if (n_frame == note.n_header + sizeof(struct sp_note) + note.n_trailer) {
        sp_large_unsent(channel, data + note.n_header, sizeof(struct sp_note));
    }
    sp_channel_settle(channel, batch->begin, 0);
    sp_channel_settle(channel, batch->end, -ETOOMANYREFS);
    channel->counts.n_failed++;
    channel->counts.n_sent--;
    drop_batch(channel);
    return n_frame;
}

static ssize_t carry_out(void *user, int fd, const char *data, size_t size) {
    struct sunpath_channel *channel = user;
    uint64_t at = sp_stream_n_taken(channel->frames.stream);
    size_t n_done = 0;

    while (n_done < size) {
        size_t n_wanted = size - n_done;
        ssize_t n = send_some(channel, fd, at + n_done, data + n_done, &n_wanted);
        size_t n_failed = n == -ETOOMANYREFS ? fail_frame(channel, data + n_done, n_wanted) : 0;

        if (n_failed > 0) {
            n = (ssize_t)(n_wanted = n_failed);
        }
        if (n < 0 && n_done == 0) {
            return n;
        }
        if (n < 0) {
            break; /* it comes again */
        }
        n_done += (size_t)n;
        if ((size_t)n < n_wanted) {
            break;
        }
    }
    if (sp_channel_is_expected(channel)) {
        sp_task_post(&channel->task, channel->loop); /* to tell whose messages have left */
    }
    return (ssize_t)n_done;
}

/* ---- in -------------------------------------------------------------------------------------- */

static size_t n_held(const struct sp_fds_in *in) {
    return sp_buffer_size(&in->fds) / sizeof(int);
}

static void close_all(const int *fds, size_t n) {
    for (size_t i = 0; i < n; i++) {
        sp_close(fds[i]);
    }
}

static void note_credentials(struct sp_frames *frames, const struct sunpath_message *message) {
    const struct sunpath_credentials *was = &frames->credentials, *now = &message->credentials;
    bool is_same = frames->has_credentials && message->has_credentials && was->pid == now->pid &&
                   was->uid == now->uid && was->gid == now->gid;

    frames->is_mixed = frames->n_read > frames->n_shown && (frames->is_mixed || !is_same);
    frames->has_credentials = message->has_credentials;
    frames->credentials = *now;
}

/* Takes in what one read brought. `is_lost`: the kernel, or the limit, had to close some. */
static int hold(struct sunpath_channel *channel, const struct sunpath_message *message,
                bool is_lost) {
    struct sp_fds_in *in = &channel->frames.fds_in;
    int r = 0;

    in->n_at_hand = n_held(in);
    in->lost_at_hand = in->lost_at_hand || in->lost_last;
    in->end = channel->frames.n_read;
    in->lost_last = is_lost || n_held(in) + message->n_fds > sp_channel_fds_room(channel);
    if (!in->lost_last && message->n_fds > 0) {
        r = sp_buffer_append(&in->fds, message->fds, message->n_fds * sizeof(int), SIZE_MAX);
    }
    if (in->lost_last || r < 0) {
        close_all(message->fds, message->n_fds);
    }
    return r;
}

static ssize_t carry_in(void *user, int fd, char *data, size_t size) {
    struct sunpath_channel *channel = user;
    int fds[SUNPATH_FDS_MAX];
    struct sunpath_message message = {.data = data,
                                      .n_data = size,
                                      .fds = sp_channel_fds_room(channel) > 0 ? fds : NULL,
                                      .max_fds = sp_channel_fds_room(channel)};
    int r = sp_receive(fd, SOCK_STREAM, false, &message);

    if (r <= 0 && r != -ETOOMANYREFS) {
        return r;
    }
    note_credentials(&channel->frames, &message);
    channel->frames.n_read += message.size;
    r = hold(channel, &message, r < 0);
    return r < 0 ? r : (ssize_t)message.size;
}

int sp_frames_take_fds(struct sunpath_channel *channel, uint64_t end, int *fds) {
    struct sp_fds_in *in = &channel->frames.fds_in;
    bool has_last = end >= in->end;
    bool is_lost = in->lost_at_hand || (has_last && in->lost_last);
    size_t n = has_last ? n_held(in) : in->n_at_hand;

    if (n > 0) {
        memcpy(fds, sp_buffer_bytes(&in->fds), n * sizeof(int));
        sp_buffer_consume(&in->fds, n * sizeof(int));
        sp_buffer_trim(&in->fds);
    }
    in->n_at_hand = 0;
    in->lost_at_hand = false;
    in->lost_last = in->lost_last && !has_last;
    if (is_lost) {
        close_all(fds, n);
        return -ETOOMANYREFS;
    }
    return (int)n;
}

/* ---- both ------------------------------------------------------------------------------------ */

void sp_frames_drop_fds(struct sunpath_channel *channel) {
    struct sp_fds_in *in = &channel->frames.fds_in;

    while (first_batch(&channel->frames)) {
        drop_batch(channel);
    }
    if (n_held(in) > 0) {
        close_all((const int *)(const void *)sp_buffer_bytes(&in->fds), n_held(in));
    }
    sp_buffer_deinit(&in->fds);
    sp_buffer_deinit(&channel->frames.fds_out);
}

const struct sp_stream_carrier sp_frames_carrier = {.send = carry_out, .receive = carry_in};
