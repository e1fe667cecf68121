/* SPDX-License-Identifier: MIT */
/* channel.c - whole messages on a loop: the life of a channel, what it tells, what it is asked. */

#include "flow/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/options.h"
#include "flow/acceptor.h"
#include "os/fd-kind.h"
#include "os/fd.h"
#include "os/memfd.h"
#include "sock/target.h"
#include "wire/frame.h"

#define KIB 1024ULL

/* "No limit": sums with what surrounds a frame are sizes still; SO_SNDBUF, for packets, is an int.
 */
#define FRAME_MAX  (SIZE_MAX / 4)
#define PACKET_MAX ((size_t)INT32_MAX)

/* ---- the end --------------------------------------------------------------------------------- */

void sp_channel_leave(struct sunpath_channel *channel) {
    if (--channel->n_inside == 0 && channel->is_closed) {
        sp_pool_free(channel->large.peer_pool);
        sp_buffer_deinit(&channel->sent);
        free(channel);
    }
}

struct sunpath_channel *sunpath_channel_close(struct sunpath_channel *channel) {
    if (!channel || channel->is_closed) {
        return NULL;
    }
    sp_channel_enter(channel);
    channel->is_closed = true;
    channel->kind->close(channel);
    sp_large_close(channel);
    sp_task_cancel(&channel->task);
    sp_list_remove(&channel->siblings);
    if (channel->acceptor) {
        sp_acceptor_release(channel->acceptor);
    }
    sp_channel_settle(channel, UINT64_MAX, -ECANCELED);
    sp_channel_tell_sent(channel);
    sp_channel_leave(channel);
    return NULL;
}

void sp_channel_be_over(struct sunpath_channel *channel, const struct sunpath_error *error) {
    if (!sp_channel_is_alive(channel)) {
        return;
    }
    sp_channel_enter(channel);
    channel->is_over = true;
    channel->kind->drop(channel);
    sp_channel_settle(channel, UINT64_MAX, error ? error->code : -EPIPE);
    sp_channel_tell_sent(channel);
    if (!channel->is_closed && channel->events->on_close) {
        channel->events->on_close(channel, error, channel->user);
    } else {
        sunpath_channel_close(channel);
    }
    if (!channel->is_closed) {
        channel->kind->close(channel);
        sp_large_close(channel);
        sp_task_cancel(&channel->task);
    }
    sp_channel_leave(channel);
}

void sp_channel_fail(struct sunpath_channel *channel, int code) {
    struct sunpath_error error;

    if (code == -ETIMEDOUT) {
        sp_fail(&error, code, SUNPATH_REASON_TIMEOUT, "receive", "nothing came or went for %d ms",
                channel->options.idle_ms);
    } else {
        errno = -code;
        sp_fail(&error, code, sp_reason_of_errno(code), "channel", "after message %llu: %m",
                sp_channel_number(channel) - 1);
    }
    sp_channel_be_over(channel, &error);
}

void sp_channel_end_input(struct sunpath_channel *channel) {
    channel->has_ended_in = true;
    if (channel->events->on_end) {
        channel->events->on_end(channel, channel->user);
    } else {
        sunpath_channel_end(channel);
    }
}

/* ---- what arrives ---------------------------------------------------------------------------- */

void sp_channel_lose(struct sunpath_channel *channel, const struct sunpath_error *error) {
    channel->counts.n_lost++;
    if (channel->events->on_lost) {
        channel->events->on_lost(channel, error, channel->user);
    } else {
        sp_channel_be_over(channel, error);
    }
}

/* Are these let in? Fills `error` when they are not. */
static int check_fds(struct sunpath_channel *channel, const int *fds, size_t n,
                     struct sunpath_error *error) {
    const struct sunpath_channel_options *options = &channel->options;

    channel->n_fds_received += n;
    if (n > options->max_fds) {
        return sp_fail(error, -ETOOMANYREFS, SUNPATH_REASON_PROTOCOL, "receive",
                       "message %llu: it brought more descriptors than the limit of %zu",
                       sp_channel_number(channel), options->max_fds);
    }
    if (options->max_fds_total > 0 && channel->n_fds_received > options->max_fds_total) {
        return sp_fail(error, -ETOOMANYREFS, SUNPATH_REASON_PROTOCOL, "receive",
                       "message %llu: more descriptors in all than the limit of %llu",
                       sp_channel_number(channel), (unsigned long long)options->max_fds_total);
    }
    for (size_t i = 0; i < n && options->fd_kinds != 0; i++) {
        int kind = sp_fd_kind(fds[i]);

        if (kind < 0 || !((unsigned)kind & options->fd_kinds)) {
            return sp_fail(error, -EPERM, SUNPATH_REASON_PROTOCOL, "receive",
                           "message %llu: descriptor %zu is of a kind that is not let in",
                           sp_channel_number(channel), i + 1);
        }
    }
    return 0;
}

static void show(struct sunpath_channel *channel, struct sunpath_channel_message *message) {
    message->number = sp_channel_number(channel);
    channel->counts.n_received++;
    if (channel->events->on_message) {
        channel->events->on_message(channel, message, channel->user);
    }
}

/* One that brings more than its bytes. */
static void deliver_all(struct sunpath_channel *channel, struct sunpath_channel_message *message) {
    struct sunpath_error error;
    int taken = sp_large_take(channel, message, &error), r = taken;
    struct sunpath_channel_message own = *message; /* the user may write to his */

    if (taken < 0) {
        sp_large_lost(channel, message->data, message->size);
    }
    if (r >= 0 && message->n_fds > 0) {
        r = check_fds(channel, message->fds, message->n_fds, &error);
    }
    if (r < 0) {
        sp_channel_lose(channel, &error);
    } else {
        show(channel, message);
    }
    for (size_t i = 0; i < own.n_fds; i++) {
        sp_close(own.fds[i]);
    }
    sp_large_release(channel, taken > 0 ? taken - 1 : -1, &own);
}

void sp_channel_deliver(struct sunpath_channel *channel, struct sunpath_channel_message *message) {
    message->memory_fd = -1;
    if (message->n_fds > 0 || channel->options.max_large > 0) {
        deliver_all(channel, message);
    } else {
        show(channel, message);
    }
}

/* ---- what was sent --------------------------------------------------------------------------- */

int sp_channel_prepare(struct sunpath_channel *channel, const struct sp_outgoing *outgoing) {
    char *room;

    return outgoing->on_sent
               ? sp_buffer_reserve(&channel->sent, &room, sizeof(struct sp_sent), SIZE_MAX)
               : 0;
}

void sp_channel_expect(struct sunpath_channel *channel, const struct sp_outgoing *outgoing,
                       uint64_t end) {
    struct sp_sent sent = {.end = end, .on_sent = outgoing->on_sent, .user = outgoing->user};

    sp_buffer_append(&channel->sent, &sent, sizeof(sent), SIZE_MAX); /* room was made */
}

void sp_channel_settle(struct sunpath_channel *channel, uint64_t upto, int error) {
    while (channel->n_settled < sp_buffer_size(&channel->sent)) {
        struct sp_sent *sent =
            (struct sp_sent *)(void *)(sp_buffer_bytes(&channel->sent) + channel->n_settled);

        if (sent->end > upto) {
            return;
        }
        sent->error = error;
        channel->n_settled += sizeof(*sent);
    }
}

void sp_channel_tell_sent(struct sunpath_channel *channel) {
    sp_channel_enter(channel);
    while (channel->n_settled > 0) {
        struct sp_sent sent;

        memcpy(&sent, sp_buffer_bytes(&channel->sent), sizeof(sent));
        sp_buffer_consume(&channel->sent, sizeof(sent));
        channel->n_settled -= sizeof(sent);
        sent.on_sent(channel, sent.error, sent.user);
    }
    sp_buffer_trim(&channel->sent);
    sp_channel_leave(channel);
}

void sp_channel_tell_drained(struct sunpath_channel *channel) {
    channel->large.owes_drain = sp_pool_is_full(channel);
    if (!channel->large.owes_drain && channel->events->on_drain && !channel->is_ending) {
        channel->events->on_drain(channel, channel->user);
    }
}

int sp_channel_keep_fds(struct sunpath_channel *channel, int *ret, const int *fds, size_t n) {
    if (channel->n_queued_fds + n > channel->options.max_queued_fds) {
        return -ENOBUFS;
    }
    for (size_t i = 0; i < n; i++) {
        ret[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (ret[i] < 0) {
            int r = -errno;

            while (i > 0) {
                sp_close(ret[--i]);
            }
            return r;
        }
    }
    channel->n_queued_fds += n;
    return 0;
}

void sp_channel_close_kept(struct sunpath_channel *channel, const int *fds, size_t n) {
    for (size_t i = 0; i < n; i++) {
        sp_close(fds[i]);
    }
    channel->n_queued_fds -= n;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int set_options(struct sunpath_channel *channel,
                       const struct sunpath_channel_options *given) {
    struct sunpath_channel_options *options = &channel->options;
    bool is_stream = channel->type == SUNPATH_STREAM;
    int r = sp_options_read(options, sizeof(*options), given);
    size_t max;

    if (r < 0) {
        return r;
    }
    if ((is_stream && sunpath_framing_max(options->framing) == 0) ||
        options->max_fds > SUNPATH_FDS_MAX || options->full > SUNPATH_FULL_REPORT) {
        return -EINVAL;
    }
    options->max_message = options->max_message ? options->max_message
                           : is_stream          ? 1024 * KIB
                                                : 256 * KIB;
    max = is_stream ? FRAME_MAX : PACKET_MAX;
    options->max_message = options->max_message < max ? options->max_message : max;
    options->max_queue = options->max_queue ? options->max_queue : 16 * 1024 * KIB;
    options->high_mark = options->high_mark ? options->high_mark : 256 * KIB;
    options->low_mark = options->low_mark ? options->low_mark : 64 * KIB;
    if (options->low_mark >= options->high_mark) {
        options->low_mark = options->high_mark - 1;
    }
    if (is_stream && sp_framing_of(options->framing)->kind == SP_FRAME_MARK) {
        options->large_min = 0; /* what stands for memory could hold the mark */
    }
    options->max_queued_fds = options->max_queued_fds ? options->max_queued_fds : SUNPATH_FDS_MAX;
    return 0;
}

static void on_task(struct sp_task *task) {
    struct sunpath_channel *channel = sp_container_of(task, struct sunpath_channel, task);

    channel->kind->run(channel);
}

int sp_channel_open(struct sunpath_channel **ret, struct sunpath_loop *loop, int fd,
                    enum sunpath_type type, const struct sunpath_channel_events *events, void *user,
                    const struct sunpath_channel_options *options, struct sp_acceptor *acceptor,
                    struct sunpath_listener *listener) {
    _cleanup_(sp_freep) struct sunpath_channel *channel = calloc(1, sizeof(*channel));
    int r;

    if (!channel) {
        return -ENOMEM;
    }

    channel->loop = loop;
    channel->type = type;
    channel->events = events;
    channel->user = user;
    channel->kind = type == SUNPATH_STREAM ? &sp_channel_frames : &sp_channel_packets;
    channel->packets.listener = listener;
    channel->large.side_fd = -1;
    sp_list_init(&channel->siblings);
    sp_task_init(&channel->task, on_task);
    r = events ? set_options(channel, options) : -EINVAL;
    if (r < 0) {
        return r;
    }

    r = channel->kind->open(channel, fd);
    if (r < 0) {
        return r;
    }

    channel->acceptor = acceptor;
    *ret = sp_take_ptr(&channel);
    return 0;
}

int sunpath_channel_open(struct sunpath_channel **ret, struct sunpath_loop *loop, int fd,
                         const struct sunpath_channel_events *events, void *user,
                         const struct sunpath_channel_options *options) {
    socklen_t n_type = sizeof(int);
    int r = sunpath_adopt(fd);
    int type;

    if (r < 0) {
        return r;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n_type) < 0) {
        return -errno;
    }
    return sp_channel_open(ret, loop, fd, (enum sunpath_type)type, events, user, options, NULL,
                           NULL);
}

int sunpath_channel_connect(struct sunpath_channel **ret, struct sunpath_loop *loop,
                            const char *address,
                            const struct sunpath_connect_options *connect_options,
                            const struct sunpath_channel_events *events, void *user,
                            const struct sunpath_channel_options *options,
                            struct sunpath_error *error) {
    struct sunpath_connect_options connecting;
    struct sunpath_channel_options own;
    _cleanup_(sp_closep) int fd = -1;
    int r;

    if (sp_options_read(&connecting, sizeof(connecting), connect_options) < 0 ||
        sp_options_read(&own, sizeof(own), options) < 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "open",
                       "a channel: the options have no size");
    }
    connecting.size = sizeof(connecting);
    connecting.want_credentials = connecting.want_credentials || own.want_credentials;
    r = sunpath_connect(&fd, address, &connecting, error);
    if (r < 0) {
        return r;
    }

    r = sunpath_channel_open(ret, loop, fd, events, user, options);
    if (r < 0) {
        errno = -r;
        return sp_fail(error, r, sp_reason_of_errno(r), "open", "a channel: %m");
    }
    sp_take_fd(&fd);
    return 0;
}

/* ---- the rest of the interface --------------------------------------------------------------- */

/* `is_large`: the message goes as memory, whatever the socket can take. */
static int check_send(struct sunpath_channel *channel, size_t size, bool is_large,
                      const struct sunpath_channel_send_options *options) {
    if (!sp_channel_is_alive(channel) || channel->is_ending) {
        return -EPIPE;
    }
    if (options->n_fds > SUNPATH_FDS_MAX || (options->n_fds > 0 && !options->fds) ||
        (options->to && channel->type != SUNPATH_DGRAM)) {
        return -EINVAL;
    }
    if (channel->type == SUNPATH_DGRAM && !options->to && !channel->packets.is_connected) {
        return -ENOTCONN;
    }
    if (size <= channel->max_known || is_large) {
        return 0;
    }
    channel->max_known = channel->kind->max_message(channel);
    return size > channel->max_known ? -EMSGSIZE : 0;
}

/* As it is; with an offer of memory when that was not made yet, and is no burden. */
static int send_plainly(struct sunpath_channel *channel, struct sp_outgoing *outgoing) {
    _cleanup_(sp_closep) int offer_fd = -1;
    /* without a descriptor for it, the next one has it */
    bool has_offer = outgoing->n_fds == 0 &&
                     channel->n_queued_fds < channel->options.max_queued_fds &&
                     sp_large_offer(channel, &offer_fd) > 0;
    int r;

    if (has_offer) {
        outgoing->fds = &offer_fd;
        outgoing->n_fds = 1;
    }
    r = channel->kind->send(channel, outgoing);
    if (has_offer && r < 0) {
        sp_large_withdraw(channel);
    }
    channel->large.was_offered = channel->large.was_offered || (has_offer && r >= 0);
    return r;
}

/* As memory when the peer takes it, else as it is. */
static int send_anyhow(struct sunpath_channel *channel, struct sp_outgoing *outgoing,
                       int memory_fd) {
    _cleanup_(sp_closep) int made_fd = -1;
    int r = 0;

    if (!sp_large_is_for(channel, outgoing->size)) {
        return send_plainly(channel, outgoing);
    }
    if (memory_fd < 0 && channel->large.peer_takes_pool) {
        r = sp_pool_send_copy(channel, outgoing);
        if (r != -EAGAIN) {
            return r;
        }
        r = 0; /* every slot is still with the peer */
    }
    if (memory_fd < 0) {
        r = sp_memfd_copy(&made_fd, outgoing->data, outgoing->size);
        memory_fd = made_fd;
    }
    return r < 0 ? r : sp_large_send(channel, memory_fd, outgoing);
}

/* `memory_fd`: what holds the message, or -1; `room`: the slot of ours that does, or NULL. */
static int send_message(struct sunpath_channel *channel, const void *data, size_t size,
                        const struct sunpath_channel_send_options *given, int memory_fd,
                        const void *room) {
    _cleanup_(sp_target_closep) struct sp_target to = {.via_fd = -1};
    struct sp_outgoing outgoing = {.data = data, .size = size};
    struct sunpath_channel_send_options options;
    int r;

    r = sp_options_read(&options, sizeof(options), given);
    if (r == 0) {
        r = check_send(channel, size, room || sp_large_is_for(channel, size), &options);
    }
    if (r < 0) {
        return r;
    }

    if (options.to) {
        r = sp_target_reach(&to, options.to);
        if (r < 0) {
            return r;
        }
        outgoing.name = &to.un;
        outgoing.n_name = to.length;
        outgoing.via_fd = &to.via_fd;
    }
    outgoing.fds = options.fds;
    outgoing.n_fds = options.n_fds;
    outgoing.on_sent = options.on_sent;
    outgoing.user = options.user;
    r = sp_channel_prepare(channel, &outgoing);
    if (r == 0) {
        r = room ? sp_pool_send_room(channel, room, &outgoing)
                 : send_anyhow(channel, &outgoing, memory_fd);
    }
    return r;
}

/* Nothing to be checked or told, and it goes as it is: the usual one, where many are sent. */
static bool is_plain(const struct sunpath_channel *channel, size_t size) {
    return sp_channel_is_alive(channel) && !channel->is_ending && size <= channel->max_known &&
           channel->options.large_min == 0 && channel->type != SUNPATH_DGRAM;
}

int sunpath_channel_send(struct sunpath_channel *channel, const void *data, size_t size,
                         const struct sunpath_channel_send_options *options) {
    if (!options && is_plain(channel, size)) {
        const struct sp_outgoing outgoing = {.data = data, .size = size};

        return channel->kind->send(channel, &outgoing);
    }
    return send_message(channel, data, size, options, -1, NULL);
}

int sunpath_channel_send_memory(struct sunpath_channel *channel, int memory_fd,
                                const struct sunpath_channel_send_options *options) {
    int64_t size = sp_memfd_size(memory_fd);
    const void *data = NULL;
    int r;

    if (size < 0) {
        return (int)size;
    }
    if (sp_large_is_for(channel, (size_t)size)) {
        return send_message(channel, NULL, (size_t)size, options, memory_fd, NULL);
    }

    r = sp_memfd_map(&data, memory_fd, (size_t)size);
    if (r < 0) {
        return r;
    }
    r = send_message(channel, data, (size_t)size, options, -1, NULL);
    if (size > 0) {
        munmap((void *)data, (size_t)size);
    }
    return r;
}

int sunpath_channel_reserve(struct sunpath_channel *channel, void **ret, size_t size) {
    if (!sp_channel_is_alive(channel) || channel->is_ending) {
        return -EPIPE;
    }
    if (!channel->large.peer_takes_pool) {
        return -EOPNOTSUPP;
    }
    return size > channel->large.peer_max ? -EMSGSIZE : sp_pool_reserve(channel, ret, size);
}

int sunpath_channel_send_reserved(struct sunpath_channel *channel, void *room, size_t size,
                                  const struct sunpath_channel_send_options *options) {
    return room ? send_message(channel, room, size, options, -1, room) : -EINVAL;
}

size_t sunpath_channel_max_message(struct sunpath_channel *channel) {
    size_t max = channel->kind->max_message(channel), large = sp_large_max(channel);

    return max > large ? max : large;
}

void sunpath_channel_end(struct sunpath_channel *channel) {
    if (sp_channel_is_alive(channel) && !channel->is_ending) {
        channel->is_ending = true;
        channel->kind->end(channel);
    }
}

void sunpath_channel_pause(struct sunpath_channel *channel) {
    if (sp_channel_is_alive(channel) && !channel->is_paused) {
        channel->is_paused = true;
        channel->kind->pause(channel);
    }
}

void sunpath_channel_resume(struct sunpath_channel *channel) {
    if (sp_channel_is_alive(channel) && channel->is_paused) {
        channel->is_paused = false;
        channel->kind->resume(channel);
    }
}

void sunpath_channel_count(const struct sunpath_channel *channel,
                           struct sunpath_channel_counts *ret) {
    *ret = channel->counts;
    ret->n_queued = channel->kind->n_queued(channel);
}

int sunpath_channel_fd(const struct sunpath_channel *channel) {
    return channel->kind->fd(channel);
}

enum sunpath_type sunpath_channel_type(const struct sunpath_channel *channel) {
    return channel->type;
}

void sunpath_channel_set_user(struct sunpath_channel *channel, void *user) {
    channel->user = user;
}
