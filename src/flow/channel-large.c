/* SPDX-License-Identifier: MIT */
/* channel-large.c - large messages as sealed memory, and how peers find out that both know them. */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "flow/channel.h"
#include "os/fd-kind.h"
#include "os/fd.h"
#include "os/memfd.h"

/*
 * An offer and its answer go over a socket of their own, whose other end is the only descriptor of
 * an early message. Whoever wants no memory closes it, and so does the kernel for a peer that takes
 * no descriptors: that says no.
 */

#define NOTES_PER_TURN 32 /* so that one that never ends does not keep the others waiting */

static const char magic[16] = {'\x93', 's',    'u',    'n',    'p',    'a',    't',    'h',
                               '\xd5', '\x1f', '\xe2', '\x07', '\xb8', '\x6c', '\x4a', '\x91'};

struct sp_note sp_note_of(enum sp_note_kind kind, uint32_t detail, uint64_t size) {
    struct sp_note note = {.kind = kind, .detail = detail, .size = size};

    memcpy(note.magic, magic, sizeof(magic));
    return note;
}

bool sp_note_read(struct sp_note *ret, const void *data, size_t size) {
    if (size != sizeof(*ret) || memcmp(data, magic, sizeof(magic)) != 0) {
        return false;
    }
    memcpy(ret, data, sizeof(*ret));
    return true;
}

int sp_note_receive(struct sp_note *ret, int fd, int flags) {
    char data[sizeof(*ret) + 1];
    ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT | flags);

    if (n < 0 && errno == EAGAIN) {
        return 0;
    }
    return n > 0 && sp_note_read(ret, data, (size_t)n) ? 1 : -EPIPE;
}

/* ---- the offer ------------------------------------------------------------------------------- */

static void close_offer(struct sunpath_channel *channel) {
    struct sp_watch *watch = &channel->large.watch;

    if (watch->on_event) {
        int fd = watch->fd;

        sp_watch_close(watch, channel->loop);
        sp_close(fd);
        *watch = (struct sp_watch){0};
    }
}

static void on_note(struct sp_watch *watch, unsigned events) {
    struct sunpath_channel *channel = sp_container_of(watch, struct sunpath_channel, large.watch);
    struct sp_note note;
    int r = 1;

    (void)events;
    for (int i = 0; i < NOTES_PER_TURN && (r = sp_note_receive(&note, watch->fd, 0)) > 0; i++) {
        if (note.kind == SP_NOTE_ANSWER) {
            channel->large.peer_max = note.size;
            channel->large.peer_takes_pool = note.detail & SP_NOTE_TAKES_POOL;
        } else if (note.kind == SP_NOTE_RELEASE) {
            sp_pool_release(channel, note.detail);
        } else if (note.kind == SP_NOTE_DROP) {
            sp_pool_forget(channel, note.detail);
        }
    }
    if (r < 0) {
        channel->large.peer_takes_pool = false; /* nobody would give a slot back */
        close_offer(channel);
    } else if (channel->large.peer_max > 0 && !channel->large.peer_takes_pool) {
        close_offer(channel);
    }
    if (channel->large.owes_drain) {
        sp_channel_enter(channel);
        sp_channel_tell_drained(channel);
        sp_channel_leave(channel);
    }
}

int sp_large_offer(struct sunpath_channel *channel, int *ret_fd) {
    const struct sp_note offer =
        sp_note_of(SP_NOTE_OFFER, channel->options.pool_size > 0 ? SP_NOTE_TAKES_POOL : 0, 0);
    int pair[2];
    int r;

    if (channel->large.was_offered || channel->options.large_min == 0 ||
        channel->options.peer_takes_large || channel->type == SUNPATH_DGRAM) {
        return 0;
    }

    r = sunpath_socketpair(pair, SUNPATH_SEQPACKET);
    if (r < 0) {
        return r;
    }
    if (send(pair[0], &offer, sizeof(offer), MSG_NOSIGNAL) < 0 ||
        sp_watch_open(&channel->large.watch, channel->loop, pair[0], SUNPATH_READABLE, on_note) <
            0) {
        channel->large.watch = (struct sp_watch){0};
        sp_close(pair[0]);
        sp_close(pair[1]);
        return -ENOMEM;
    }
    *ret_fd = pair[1];
    return 1;
}

/* The offer did not leave: it goes with the next message. */
void sp_large_withdraw(struct sunpath_channel *channel) {
    close_offer(channel);
}

void sp_large_close(struct sunpath_channel *channel) {
    close_offer(channel);
    channel->large.side_fd = sp_close(channel->large.side_fd);
    channel->large.pool = sp_pool_free(channel->large.pool);
    /* what the peer fills stays: on_message may be looking at it */
}

static bool is_offer(struct sp_note *ret, int fd) {
    socklen_t n_type = sizeof(int);
    int type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n_type) == 0 && type == SOCK_SEQPACKET &&
           sp_note_receive(ret, fd, MSG_PEEK) > 0 && ret->kind == SP_NOTE_OFFER;
}

/* Takes the offer off a message, if it came with one, and answers it. */
static void take_offer(struct sunpath_channel *channel, struct sunpath_channel_message *message) {
    struct sp_note offer, answer;
    int fd = message->fds[0];
    bool has_pool;

    if (message->n_fds != 1 || !is_offer(&offer, fd)) {
        return;
    }
    channel->large.was_asked = true;
    message->n_fds = 0;
    if (channel->options.max_large == 0) {
        sp_close(fd);
        return;
    }
    sp_note_receive(&offer, fd, 0); /* closing with it unread would cut our answer off */
    has_pool = channel->options.trusts_peer && offer.detail & SP_NOTE_TAKES_POOL;
    answer =
        sp_note_of(SP_NOTE_ANSWER, has_pool ? SP_NOTE_TAKES_POOL : 0, channel->options.max_large);
    send(fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL); /* else the peer goes without */
    if (has_pool) {
        channel->large.side_fd = fd;
    } else {
        sp_close(fd);
    }
}

/* ---- in -------------------------------------------------------------------------------------- */

static int refuse(const struct sunpath_channel *channel, const char *why,
                  struct sunpath_error *error) {
    return sp_fail(error, -EBADMSG, SUNPATH_REASON_PROTOCOL, "receive", "message %llu: %s",
                   sp_channel_number(channel), why);
}

static int map_memory(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                      const struct sp_note *note, struct sunpath_error *error) {
    int fd = message->memory_fd;
    int r;

    if (note->size > channel->options.max_large) {
        return sp_fail(error, -EMSGSIZE, SUNPATH_REASON_PROTOCOL, "receive",
                       "message %llu: its memory of %llu bytes is over the limit of %zu",
                       sp_channel_number(channel), (unsigned long long)note->size,
                       channel->options.max_large);
    }
    if (sp_fd_kind(fd) != SUNPATH_FD_MEMFD || !sp_memfd_is_sealed(fd)) {
        return refuse(channel, "its memory is not sealed: the sender could change it", error);
    }
    if (sp_memfd_size(fd) != (int64_t)note->size) {
        return refuse(channel, "its memory is not of the size it says", error);
    }
    r = sp_memfd_map(&message->data, fd, (size_t)note->size);
    if (r < 0) {
        errno = -r;
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "receive",
                       "message %llu: its memory cannot be mapped: %m", sp_channel_number(channel));
    }
    message->size = (size_t)note->size;
    return 0;
}

/* Sealed memory of this message alone. */
static int take_memory(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       const struct sp_note *note, struct sunpath_error *error) {
    int r;

    if (message->n_fds == 0) {
        return 0; /* somebody plays: a message as any other */
    }
    message->memory_fd = message->fds[--message->n_fds];
    r = map_memory(channel, message, note, error);
    if (r < 0) {
        message->memory_fd = sp_close(message->memory_fd);
    }
    return r;
}

int sp_large_take(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                  struct sunpath_error *error) {
    struct sp_note note;

    message->memory_fd = -1;
    if (message->n_fds > 0 && !channel->large.was_asked && channel->type != SUNPATH_DGRAM) {
        take_offer(channel, message);
    }
    if (channel->options.max_large == 0 || !sp_note_read(&note, message->data, message->size)) {
        return 0;
    }
    if (note.kind == SP_NOTE_MEMORY) {
        return take_memory(channel, message, &note, error);
    }
    return note.kind == SP_NOTE_POOL && channel->large.side_fd >= 0
               ? sp_pool_take(channel, message, &note, error)
               : 0;
}

void sp_large_release(struct sunpath_channel *channel, int slot,
                      const struct sunpath_channel_message *message) {
    if (slot >= 0) {
        const struct sp_note note = sp_note_of(SP_NOTE_RELEASE, (uint32_t)slot, 0);

        send(channel->large.side_fd, &note, sizeof(note), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (message->memory_fd < 0) {
        return;
    }
    if (message->size > 0) {
        munmap((void *)message->data, message->size);
    }
    sp_close(message->memory_fd);
}

void sp_large_lost(struct sunpath_channel *channel, const void *data, size_t size) {
    struct sp_note note;

    if (channel->large.side_fd >= 0 && sp_note_read(&note, data, size) &&
        note.kind == SP_NOTE_POOL) {
        sp_pool_lose(channel, note.detail & ~SP_NOTE_HAS_MEMORY);
    }
}

/* ---- out ------------------------------------------------------------------------------------- */

static uint64_t peer_max(const struct sunpath_channel *channel) {
    return channel->options.peer_takes_large ? SIZE_MAX : channel->large.peer_max;
}

size_t sp_large_max(const struct sunpath_channel *channel) {
    return channel->options.large_min > 0 ? (size_t)peer_max(channel) : 0;
}

bool sp_large_is_for(const struct sunpath_channel *channel, size_t size) {
    return channel->options.large_min > 0 && size >= channel->options.large_min &&
           size <= peer_max(channel);
}

/* A note in the place of the message, with one descriptor more unless that is negative. */
static int send_note(struct sunpath_channel *channel, const struct sp_note *note, int fd,
                     struct sp_outgoing *outgoing) {
    int fds[SUNPATH_FDS_MAX];

    if (fd >= 0) {
        if (outgoing->n_fds == SUNPATH_FDS_MAX) {
            return -EINVAL;
        }
        if (outgoing->n_fds > 0) {
            memcpy(fds, outgoing->fds, outgoing->n_fds * sizeof(int));
        }
        fds[outgoing->n_fds++] = fd;
        outgoing->fds = fds;
    }
    outgoing->data = note;
    outgoing->size = sizeof(*note);
    return channel->kind->send(channel, outgoing);
}

int sp_large_send(struct sunpath_channel *channel, int fd, struct sp_outgoing *outgoing) {
    const struct sp_note note = sp_note_of(SP_NOTE_MEMORY, 0, outgoing->size);
    int r = sp_memfd_seal(fd);

    return r < 0 ? r : send_note(channel, &note, fd, outgoing);
}

int sp_large_send_slot(struct sunpath_channel *channel, int slot, int fd,
                       struct sp_outgoing *outgoing) {
    const struct sp_note note = sp_note_of(
        SP_NOTE_POOL, (uint32_t)slot | (fd >= 0 ? SP_NOTE_HAS_MEMORY : 0), outgoing->size);

    return send_note(channel, &note, fd, outgoing);
}

void sp_large_unsent(struct sunpath_channel *channel, const void *data, size_t size) {
    struct sp_note note;

    if (!channel->large.pool || !sp_note_read(&note, data, size) || note.kind != SP_NOTE_POOL) {
        return;
    }
    if (note.detail & SP_NOTE_HAS_MEMORY) {
        sp_pool_forget(channel, note.detail & ~SP_NOTE_HAS_MEMORY);
    } else {
        sp_pool_release(channel, note.detail);
    }
}
