/* SPDX-License-Identifier: MIT */
/* channel-queue.c - packets on their way out: queued, sent together, held back, dropped. */

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "base/error.h"
#include "flow/channel.h"
#include "os/fd.h"
#include "sock/message.h"

/* A packet that finds nothing queued is sent from where it is, when it is so large ... */
#define DIRECT_MIN 16384
/* ... or when so many turns before brought nothing that it could have waited for. */
#define LONE_MIN  8
#define BATCH_MAX 32 /* packets in one sendmmsg() */
#define SPARE_MAX 4096
#define RETRY_MS  20 /* when there is no descriptor to wait for a receiver with */

/* What stands in front of a queued packet; its descriptors, where it goes and its bytes follow. */
struct record {
    size_t n_record; /* with all of that, and padded to the next record's alignment */
    size_t n_data;
    unsigned n_fds;
    unsigned n_name;
    int via_fd;
};

static struct record *first_of(const struct sp_packets *packets) {
    return sp_buffer_size(&packets->queue) > 0
               ? (struct record *)(void *)sp_buffer_bytes(&packets->queue)
               : NULL;
}

static int *fds_of(struct record *record) {
    return (int *)(void *)(record + 1);
}

static char *name_of(struct record *record) {
    return (char *)(record + 1) + record->n_fds * sizeof(int);
}

static char *data_of(struct record *record) {
    return name_of(record) + record->n_name;
}

static struct record *next_of(struct record *record) {
    return (struct record *)(void *)((char *)record + record->n_record);
}

/* ---- its memory ------------------------------------------------------------------------------ */

/*
 * A queue takes no memory when it is empty, and most are filled and emptied again in the same turn:
 * one piece of memory goes round among the channels of a loop.
 */
static void take_spare(struct sunpath_channel *channel) {
    struct sp_flow *flow = channel->loop->shared;

    if (!channel->packets.queue.data) {
        channel->packets.queue = flow->spare;
        flow->spare = (struct sp_buffer){0};
    }
}

static void give_spare(struct sunpath_channel *channel) {
    struct sp_flow *flow = channel->loop->shared;
    struct sp_buffer *queue = &channel->packets.queue;

    if (sp_buffer_size(queue) == 0 && queue->capacity <= SPARE_MAX && !flow->spare.data) {
        flow->spare = (struct sp_buffer){.data = queue->data, .capacity = queue->capacity};
        *queue = (struct sp_buffer){0};
    }
    sp_buffer_trim(queue);
}

/* ---- out of the queue ------------------------------------------------------------------------ */

/* The first one is done with, sent or not. */
static void finish(struct sunpath_channel *channel, int error) {
    struct sp_packets *packets = &channel->packets;
    struct record *record = first_of(packets);

    sp_channel_close_kept(channel, fds_of(record), record->n_fds);
    sp_close(record->via_fd);
    sp_buffer_consume(&packets->queue, record->n_record);
    sp_channel_settle(channel, ++packets->n_finished, error);
}

void sp_packets_drop(struct sunpath_channel *channel) {
    while (first_of(&channel->packets)) {
        struct record *record = first_of(&channel->packets);

        sp_channel_close_kept(channel, fds_of(record), record->n_fds);
        sp_close(record->via_fd);
        sp_buffer_consume(&channel->packets.queue, record->n_record);
    }
    sp_buffer_deinit(&channel->packets.queue);
}

/* ---- waiting for room ------------------------------------------------------------------------ */

static void on_room(struct sp_watch *watch, unsigned events) {
    struct sunpath_channel *channel =
        sp_container_of(watch, struct sunpath_channel, packets.opening);

    (void)events;
    sp_packets_unblock(channel);
    sp_task_post(&channel->task, channel->loop);
}

void sp_packets_unblock(struct sunpath_channel *channel) {
    struct sp_watch *opening = &channel->packets.opening;

    channel->packets.is_blocked = channel->packets.is_retrying = false;
    if (opening->on_event) {
        int fd = opening->fd;

        sp_watch_close(opening, channel->loop);
        sp_close(fd);
        *opening = (struct sp_watch){0};
    }
}

/*
 * A socket that is not connected is writable whether the receiver it is to send to has room or not.
 * One that is connected to that receiver is not: such a one is made to wait with.
 */
static int wait_for_receiver(struct sunpath_channel *channel, struct record *record) {
    _cleanup_(sp_closep) int fd = -1;
    int r;

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (void *)name_of(record), record->n_name) < 0) {
        return -errno;
    }

    r = sp_watch_open(&channel->packets.opening, channel->loop, fd, SUNPATH_WRITABLE, on_room);
    if (r < 0) {
        channel->packets.opening = (struct sp_watch){0};
        return r;
    }
    sp_take_fd(&fd);
    return 0;
}

/* The first packet finds no room: either our own buffer is full, or its receiver's queue. */
static void block(struct sunpath_channel *channel) {
    struct sp_packets *packets = &channel->packets;
    struct record *record = first_of(packets);
    int r = 0;

    packets->is_blocked = true; /* then our own writability is watched */
    if (record->n_name == 0 || !sp_packets_is_writable(channel)) {
        return;
    }

    r = wait_for_receiver(channel, record);
    if (sp_is_own_failure(r) || r == -ENOSPC) {
        packets->is_retrying = true;
        sp_timer_set(&packets->timer, channel->loop,
                     sp_loop_now(channel->loop) + RETRY_MS * SP_NS_PER_MS);
    } else if (r < 0) {
        packets->is_blocked = false; /* it is gone meanwhile: sending says so */
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

static ssize_t send_one(struct sunpath_channel *channel, struct record *record) {
    struct sp_packet packet = {.data = data_of(record),
                               .size = record->n_data,
                               .fds = fds_of(record),
                               .n_fds = record->n_fds,
                               .name = record->n_name > 0 ? name_of(record) : NULL,
                               .n_name = record->n_name};
    ssize_t n = sp_send(channel->packets.watch.fd, &packet);

    return n < 0 ? n : 1;
}

/* Sends packets without descriptors together. Returns how many left, or why the first did not. */
static ssize_t send_batch(struct sunpath_channel *channel) {
    struct sp_packets *packets = &channel->packets;
    char *end = sp_buffer_bytes(&packets->queue) + sp_buffer_size(&packets->queue);
    struct record *record = first_of(packets);
    struct mmsghdr headers[BATCH_MAX];
    struct iovec bytes[BATCH_MAX];
    unsigned n = 0;
    int n_sent;

    if (record->n_fds > 0 || (char *)next_of(record) == end) {
        return send_one(channel, record);
    }
    for (; (char *)record < end && n < BATCH_MAX && record->n_fds == 0; record = next_of(record)) {
        bytes[n] = (struct iovec){.iov_base = data_of(record), .iov_len = record->n_data};
        headers[n] = (struct mmsghdr){0};
        headers[n].msg_hdr.msg_iov = &bytes[n];
        headers[n].msg_hdr.msg_iovlen = 1;
        headers[n].msg_hdr.msg_name = record->n_name > 0 ? name_of(record) : NULL;
        headers[n++].msg_hdr.msg_namelen = record->n_name;
    }
    do {
        n_sent = sendmmsg(packets->watch.fd, headers, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n_sent < 0 && errno == EINTR);
    return n_sent < 0 ? -errno : n_sent;
}

/* May the others still go, though this one was refused? */
static bool is_of_one(const struct sunpath_channel *channel, int error) {
    return channel->type == SUNPATH_DGRAM || error == -EMSGSIZE || error == -ETOOMANYREFS ||
           error == -ENOBUFS || error == -ENOMEM;
}

static void refuse(struct sunpath_channel *channel, int error) {
    if (error == -EAGAIN && channel->options.full == SUNPATH_FULL_DROP &&
        channel->type == SUNPATH_DGRAM) {
        channel->counts.n_dropped++;
        channel->counts.n_sent--;
        finish(channel, error);
    } else if (error == -EAGAIN) {
        block(channel);
    } else if (is_of_one(channel, error)) {
        sp_large_unsent(channel, data_of(first_of(&channel->packets)),
                        first_of(&channel->packets)->n_data);
        channel->counts.n_failed++;
        channel->counts.n_sent--;
        finish(channel, error);
    } else {
        channel->packets.error = error;
        sp_packets_drop(channel);
        sp_channel_settle(channel, UINT64_MAX, error);
    }
}

static void count_lone(struct sp_packets *packets) {
    uint64_t n = packets->n_accepted - packets->n_flushed;

    packets->n_flushed = packets->n_accepted;
    packets->n_lone = n > 1 ? 0 : packets->n_lone + (unsigned)n;
}

void sp_packets_flush(struct sunpath_channel *channel) {
    struct sp_packets *packets = &channel->packets;

    count_lone(packets);
    while (!packets->is_blocked && first_of(packets)) {
        ssize_t n = send_batch(channel);

        if (n < 0) {
            refuse(channel, (int)n);
        } else {
            packets->active_ns = sp_loop_now(channel->loop);
        }
        for (ssize_t i = 0; i < n; i++) {
            finish(channel, 0);
        }
    }
    give_spare(channel);
}

/* ---- into the queue -------------------------------------------------------------------------- */

static void fill(struct record *record, const struct sp_outgoing *outgoing, size_t n_record) {
    *record = (struct record){.n_record = n_record,
                              .n_data = outgoing->size,
                              .n_fds = (unsigned)outgoing->n_fds,
                              .n_name = (unsigned)outgoing->n_name,
                              .via_fd = -1};
    if (outgoing->n_name > 0) {
        memcpy(name_of(record), outgoing->name, outgoing->n_name);
        record->via_fd = sp_take_fd(outgoing->via_fd);
    }
    if (outgoing->size > 0) {
        memcpy(data_of(record), outgoing->data, outgoing->size);
    }
}

static int queue(struct sunpath_channel *channel, const struct sp_outgoing *outgoing) {
    struct sp_packets *packets = &channel->packets;
    size_t n_record =
        sizeof(struct record) + outgoing->n_fds * sizeof(int) + outgoing->n_name + outgoing->size;
    size_t max = channel->options.max_queue;
    char *room;
    int r;

    take_spare(channel);
    n_record = (n_record + 15) & ~(size_t)15;
    /* an empty queue takes any one message */
    max = sp_buffer_size(&packets->queue) == 0 && n_record > max ? n_record : max;
    r = sp_buffer_reserve(&packets->queue, &room, n_record, max);
    if (r < 0) {
        return r;
    }
    r = sp_channel_keep_fds(channel, (int *)(void *)(room + sizeof(struct record)), outgoing->fds,
                            outgoing->n_fds);
    if (r < 0) {
        give_spare(channel);
        return r;
    }

    fill((struct record *)(void *)room, outgoing, n_record);
    sp_buffer_commit(&packets->queue, n_record);
    return 0;
}

static ssize_t send_directly(struct sunpath_channel *channel, const struct sp_outgoing *outgoing) {
    struct sp_packet packet = {.data = outgoing->data,
                               .size = outgoing->size,
                               .fds = outgoing->fds,
                               .n_fds = outgoing->n_fds,
                               .name = outgoing->name,
                               .n_name = outgoing->n_name};

    return sp_send(channel->packets.watch.fd, &packet);
}

int sp_packets_send(struct sunpath_channel *channel, const struct sp_outgoing *outgoing) {
    struct sp_packets *packets = &channel->packets;
    bool is_reported =
        channel->options.full == SUNPATH_FULL_REPORT && channel->type == SUNPATH_DGRAM;
    bool is_first = !first_of(packets) && !packets->is_blocked;
    bool is_direct = outgoing->size >= DIRECT_MIN ||
                     (packets->n_lone >= LONE_MIN && packets->n_accepted == packets->n_flushed);
    ssize_t n = -EAGAIN;
    int r = 0;

    if (packets->error) {
        return -EPIPE;
    }
    if (is_reported || (is_first && is_direct)) {
        n = send_directly(channel, outgoing);
    }
    if (n < 0 && is_reported) {
        return (int)n;
    }
    if (n < 0) {
        r = queue(channel, outgoing); /* whatever it was, the flush meets it again */
    }
    if (r < 0) {
        return r;
    }

    sp_channel_note_sent(channel, outgoing, ++packets->n_accepted);
    if (n >= 0) {
        sp_channel_settle(channel, ++packets->n_finished, 0);
        packets->active_ns = sp_loop_now(channel->loop);
    }
    packets->wants_drain = true;
    sp_task_post(&channel->task, channel->loop);
    if (sp_buffer_size(&packets->queue) < channel->options.high_mark) {
        return 0;
    }
    packets->was_high = true;
    return 1;
}
