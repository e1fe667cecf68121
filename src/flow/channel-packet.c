/* SPDX-License-Identifier: MIT */
/* channel-packet.c - channels over seqpacket and datagram sockets: reading, ending, waiting. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/error.h"
#include "flow/channel.h"
#include "os/fd.h"
#include "sock/message.h"

/* What the kernel takes of SO_SNDBUF for itself: unix_dgram_sendmsg(), Linux 6.18. */
#define SEND_BUFFER_OVERHEAD 32

#define SINGLES_PER_QUESTION 32

#define READS                (SUNPATH_READABLE | SP_WATCH_END) /* what a reading channel waits for */

/* ---- the buffer that all packet channels of a loop receive into ------------------------------ */

struct sp_packet_room {
    struct sp_packet_room *next;
    size_t size;
    char data[];
};

/* One that is large enough. Smaller ones stay: a callback may be looking at what is in them. */
static struct sp_packet_room *find_room(struct sunpath_loop *loop, size_t size) {
    struct sp_flow *flow = sp_flow_share(loop);
    struct sp_packet_room *room;

    if (!flow || (flow->packet_room && flow->packet_room->size >= size)) {
        return flow ? flow->packet_room : NULL;
    }

    room = malloc(sizeof(*room) + size);
    if (room) {
        room->size = size;
        room->next = flow->packet_room;
        flow->packet_room = room;
    }
    return room;
}

char *sp_packet_room_for(struct sunpath_loop *loop, size_t size) {
    struct sp_packet_room *room = find_room(loop, size);

    return room ? room->data : NULL;
}

void sp_packet_room_free(struct sp_packet_room *room) {
    while (room) {
        struct sp_packet_room *next = room->next;

        free(room);
        room = next;
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static void lose_packet(struct sunpath_channel *channel, int code,
                        const struct sunpath_message *packet) {
    struct sunpath_error error;

    if (code == -EMSGSIZE) {
        sp_fail(&error, code, SUNPATH_REASON_PROTOCOL, "receive",
                "message %llu: its %zu bytes are over the limit of %zu", sp_channel_number(channel),
                packet->size, channel->options.max_message);
    } else {
        sp_large_lost(channel, packet->data, packet->size);
        sp_fail(&error, code, SUNPATH_REASON_PROTOCOL, "receive",
                "message %llu: it brought more descriptors than the limit of %zu, or than this "
                "process has left",
                sp_channel_number(channel), channel->options.max_fds);
    }
    sp_channel_lose(channel, &error);
}

static void deliver_packet(struct sunpath_channel *channel, struct sunpath_message *packet) {
    struct sunpath_channel_message message = {
        .data = packet->data,
        .size = packet->size,
        .fds = packet->fds,
        .n_fds = packet->n_fds,
        .credentials = packet->has_credentials && channel->options.want_credentials
                           ? &packet->credentials
                           : NULL,
        .sender = packet->has_sender ? packet->sender : NULL,
    };

    sp_channel_deliver(channel, &message);
}

/* A receiver or a sender of datagrams that is gone is told where something is sent to it. */
static bool is_about_another(const struct sunpath_channel *channel, int error) {
    return error == -ECONNRESET ||
           (channel->type == SUNPATH_DGRAM && (error == -ECONNREFUSED || error == -ENOTCONN));
}

/* 1: there may be more; 0: nothing now; negative: it failed. */
static int receive_one(struct sunpath_channel *channel, bool is_waiting) {
    struct sunpath_address sender;
    int fds[SUNPATH_FDS_MAX];
    struct sunpath_message packet = {
        .data = channel->packets.room->data,
        .n_data = channel->options.max_message,
        .fds = sp_channel_fds_room(channel) > 0 ? fds : NULL,
        .max_fds = sp_channel_fds_room(channel),
        .sender = channel->type == SUNPATH_DGRAM ? &sender : NULL,
    };
    int r = sp_receive(channel->packets.watch.fd, (int)channel->type, is_waiting, &packet);

    if (r == 1 || r == -EMSGSIZE || r == -ETOOMANYREFS) {
        channel->packets.active_ns = channel->loop->now_ns;
    }
    if (r == 1) {
        deliver_packet(channel, &packet);
    } else if (r == 0 && channel->packets.error) {
        channel->has_ended_in = true; /* a reset: that is told, and no end that one could answer */
        return 0;
    } else if (r == 0) {
        sp_channel_end_input(channel);
        return 0;
    } else if (r == -EMSGSIZE || r == -ETOOMANYREFS) {
        lose_packet(channel, r, &packet);
    } else if (r == -ECONNRESET && channel->type == SUNPATH_SEQPACKET) {
        channel->packets.error = r; /* what it sent before is still there */
        sp_packets_drop(channel);
        sp_channel_settle(channel, UINT64_MAX, r);
    } else if (!is_about_another(channel, r)) {
        return r == -EAGAIN ? 0 : r;
    }
    return 1;
}

static bool wants_input(const struct sunpath_channel *channel) {
    return sp_channel_is_alive(channel) && !channel->is_paused && !channel->has_ended_in;
}

/*
 * Whether one more packet waits is known from one more system call. Where turn after turn brings
 * one alone, as between two that take turns themselves, most turns do not ask: a packet that was
 * not asked for wakes the loop again.
 */
static int max_reads(const struct sp_packets *packets) {
    return packets->n_singles % SINGLES_PER_QUESTION == 0 ? SP_CHANNEL_READS_PER_TURN : 1;
}

/*
 * The kernel attaches credentials to a packet, though it be empty, and to no end of file. It takes
 * its time for them, so they are asked for only where a read may come upon the end. They come with
 * what was sent before, too (the sender may be unknown then, but it is a packet).
 */
static int ask_for_credentials(struct sunpath_channel *channel, bool want) {
    struct sp_packets *packets = &channel->packets;
    int r;

    if (channel->type != SUNPATH_SEQPACKET || channel->options.want_credentials ||
        packets->has_asked == want) {
        return 0;
    }
    r = sunpath_want_credentials(packets->watch.fd, want);
    if (r == 0) {
        packets->has_asked = want;
    }
    return r;
}

/*
 * Bounded, so that one busy peer does not keep the others waiting. `is_waiting`: something does,
 * and it is no end. True: nothing is left.
 */
static bool read_input(struct sunpath_channel *channel, bool is_waiting) {
    struct sp_packets *packets = &channel->packets;
    int max = max_reads(packets), n = 0, r;

    r = ask_for_credentials(channel, max > 1 || !is_waiting);
    if (r < 0) {
        sp_channel_fail(channel, r);
        return true;
    }
    r = 1;
    for (int i = 0; i < max && r > 0 && wants_input(channel); i++) {
        r = receive_one(channel, is_waiting && i == 0);
        n += r > 0;
    }
    packets->n_singles = n == 1 ? packets->n_singles + 1 : 0;
    if (r < 0) {
        sp_channel_fail(channel, r);
    }
    return r <= 0;
}

/* ---- what every turn ends with --------------------------------------------------------------- */

/*
 * Sending failed: what the peer sent before it went is still told, then it is over. An owner that
 * has paused, perhaps until the queue is low, is told that it is, and resumes.
 */
static void wind_up(struct sunpath_channel *channel) {
    if (channel->is_paused) {
        if (channel->packets.wants_drain && channel->events->on_drain) {
            channel->packets.wants_drain = channel->packets.was_high = false;
            channel->events->on_drain(channel, channel->user);
        }
    } else if (channel->has_ended_in || read_input(channel, false)) {
        sp_channel_fail(channel, channel->packets.error);
    } else if (sp_channel_is_alive(channel)) {
        sp_task_post(&channel->task, channel->loop);
    }
}

static void tell_drained(struct sunpath_channel *channel) {
    struct sp_packets *packets = &channel->packets;
    size_t n_queued = sp_buffer_size(&packets->queue);
    bool is_low = packets->was_high && n_queued <= channel->options.low_mark;

    if (!is_low && (n_queued > 0 || !packets->wants_drain)) {
        return;
    }
    packets->was_high = false;
    packets->wants_drain = n_queued > 0;
    sp_channel_tell_drained(channel);
}

/* Datagrams have no end: theirs is that nothing more is sent. */
static void end_output(struct sunpath_channel *channel) {
    if (!channel->is_ending || channel->has_ended_out ||
        sp_buffer_size(&channel->packets.queue) > 0) {
        return;
    }
    channel->has_ended_out = true;
    if (channel->type == SUNPATH_SEQPACKET) {
        shutdown(channel->packets.watch.fd, SHUT_WR);
    }
}

static void watch_for_next(struct sunpath_channel *channel) {
    unsigned events = 0;
    int r;

    if (!channel->is_paused && !channel->has_ended_in) {
        events |= READS;
    }
    if (channel->packets.is_blocked && !channel->packets.opening.on_event &&
        !channel->packets.is_retrying) {
        events |= SUNPATH_WRITABLE;
    }
    r = sp_watch_set(&channel->packets.watch, channel->loop, events ? events : SP_WATCH_ONCE);
    if (r < 0) {
        sp_channel_fail(channel, r);
    }
}

/* The last thing in each of the places that call back. */
static void leave(struct sunpath_channel *channel) {
    if (sp_channel_is_alive(channel)) {
        sp_channel_tell_sent(channel);
    }
    if (sp_channel_is_alive(channel) && channel->packets.error) {
        wind_up(channel);
    }
    if (sp_channel_is_alive(channel) && !channel->packets.error) {
        tell_drained(channel);
    }
    if (sp_channel_is_alive(channel) && !channel->packets.error) {
        end_output(channel);
    }
    if (sp_channel_is_alive(channel) && channel->has_ended_in && channel->has_ended_out) {
        sp_channel_be_over(channel, NULL);
    }
    if (sp_channel_is_alive(channel)) {
        watch_for_next(channel);
    }
    sp_channel_leave(channel);
}

/* ---- the places that call back --------------------------------------------------------------- */

static void on_event(struct sp_watch *watch, unsigned events) {
    struct sunpath_channel *channel = sp_container_of(watch, struct sunpath_channel, packets.watch);

    sp_channel_enter(channel);
    if (channel->packets.is_blocked && events & (SUNPATH_WRITABLE | SUNPATH_HANGUP)) {
        sp_packets_unblock(channel);
        sp_packets_flush(channel);
    }
    if (events & (SUNPATH_READABLE | SUNPATH_HANGUP) && wants_input(channel)) {
        read_input(channel, !(events & (SUNPATH_HANGUP | SP_WATCH_END)));
    } else if (channel->has_ended_in && events & SUNPATH_HANGUP && !channel->packets.error) {
        channel->packets.error = -EPIPE; /* now nobody is there to read what we send */
        sp_packets_drop(channel);
        sp_channel_settle(channel, UINT64_MAX, -EPIPE);
    }
    if (sp_channel_is_alive(channel)) {
        sp_task_cancel(&channel->task); /* it would do the same */
        sp_packets_flush(channel);      /* what was sent meanwhile leaves together */
    }
    leave(channel);
}

static void run(struct sunpath_channel *channel) {
    sp_channel_enter(channel);
    if (sp_channel_is_alive(channel)) {
        sp_packets_flush(channel);
    }
    leave(channel);
}

static uint64_t idle_ns(const struct sunpath_channel *channel) {
    return channel->type == SUNPATH_SEQPACKET && channel->options.idle_ms > 0
               ? channel->packets.active_ns + (uint64_t)channel->options.idle_ms * SP_NS_PER_MS
               : SP_NEVER;
}

static void on_due(struct sp_timer *timer) {
    struct sunpath_channel *channel = sp_container_of(timer, struct sunpath_channel, packets.timer);
    uint64_t due_ns = idle_ns(channel);

    sp_channel_enter(channel);
    if (due_ns <= channel->loop->now_ns) {
        sp_channel_fail(channel, -ETIMEDOUT);
    } else {
        sp_timer_cancel(timer);
        if (due_ns != SP_NEVER) {
            sp_timer_set(timer, channel->loop, due_ns);
        }
        if (channel->packets.is_retrying) {
            sp_packets_unblock(channel);
            sp_task_post(&channel->task, channel->loop);
        }
    }
    sp_channel_leave(channel);
}

/* ---- as a kind of channel -------------------------------------------------------------------- */

bool sp_packets_is_writable(const struct sunpath_channel *channel) {
    struct pollfd state = {.fd = channel->packets.watch.fd, .events = POLLOUT};

    return poll(&state, 1, 0) == 1 && state.revents & POLLOUT;
}

static size_t max_message(struct sunpath_channel *channel) {
    socklen_t n_size = sizeof(int);
    int size;

    if (getsockopt(channel->packets.watch.fd, SOL_SOCKET, SO_SNDBUF, &size, &n_size) < 0 ||
        size <= SEND_BUFFER_OVERHEAD) {
        return 0;
    }
    return (size_t)size - SEND_BUFFER_OVERHEAD;
}

static void close_packets(struct sunpath_channel *channel) {
    struct sp_packets *packets = &channel->packets;
    int fd = packets->watch.fd;

    if (packets->watch.on_event) {
        sp_packets_unblock(channel);
        sp_timer_deinit(&packets->timer, channel->loop);
        sp_watch_close(&packets->watch, channel->loop);
        packets->watch = (struct sp_watch){.fd = -1};
        if (packets->listener) {
            packets->listener = sunpath_listener_close(packets->listener);
        } else {
            sp_close(fd);
        }
    }
    sp_packets_drop(channel);
}

static int open_packets(struct sunpath_channel *channel, int fd) {
    struct sp_packets *packets = &channel->packets;
    struct sockaddr_storage peer;
    socklen_t n_peer = sizeof(peer);
    int r;

    packets->room = find_room(channel->loop, channel->options.max_message);
    if (!packets->room) {
        return -ENOMEM;
    }
    packets->is_connected = getpeername(fd, (struct sockaddr *)&peer, &n_peer) == 0;
    if (channel->options.want_credentials) {
        r = sunpath_want_credentials(fd, true);
        if (r < 0) {
            return r;
        }
    }

    packets->active_ns = sp_loop_now(channel->loop);
    sp_timer_init(&packets->timer, on_due);
    r = sp_watch_open(&packets->watch, channel->loop, fd, READS, on_event);
    if (r < 0) {
        return r;
    }
    if (idle_ns(channel) != SP_NEVER) {
        sp_timer_set(&packets->timer, channel->loop, idle_ns(channel));
    }
    channel->max_known = max_message(channel);
    return 0;
}

static void post(struct sunpath_channel *channel) {
    sp_task_post(&channel->task, channel->loop);
}

static size_t n_queued(const struct sunpath_channel *channel) {
    return sp_buffer_size(&channel->packets.queue);
}

static int fd_of(const struct sunpath_channel *channel) {
    return channel->packets.watch.fd;
}

const struct sp_channel_kind sp_channel_packets = {
    .open = open_packets,
    .send = sp_packets_send,
    .drop = sp_packets_drop,
    .close = close_packets,
    .run = run,
    .end = post,
    .pause = post,
    .resume = post,
    .n_queued = n_queued,
    .max_message = max_message,
    .fd = fd_of,
};
