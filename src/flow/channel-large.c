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
 * What stands for a large message in its place: these bytes, with the memory as the last of the
 * message's descriptors. An offer and its answer have the same form; they go over a socket of their
 * own, whose other end comes as the last descriptor of the first message. A peer that knows nothing
 * of it takes no descriptors, so that the kernel closes that end, which says no.
 */
struct note {
    char magic[16];
    uint32_t kind;
    uint32_t zero;
    uint64_t size; /* of the message; of the largest that is taken */
};

enum {
    NOTE_MEMORY = 1,
    NOTE_OFFER = 2,
    NOTE_ANSWER = 3
};

static const char magic[16] = {'\x93', 's',    'u',    'n',    'p',    'a',    't',    'h',
                               '\xd5', '\x1f', '\xe2', '\x07', '\xb8', '\x6c', '\x4a', '\x91'};

static struct note note_of(uint32_t kind, uint64_t size) {
    struct note note = {.kind = kind, .size = size};

    memcpy(note.magic, magic, sizeof(magic));
    return note;
}

static bool is_note(struct note *ret, const void *data, size_t size, uint32_t kind) {
    if (size != sizeof(*ret) || memcmp(data, magic, sizeof(magic)) != 0) {
        return false;
    }
    memcpy(ret, data, sizeof(*ret));
    return ret->kind == kind && ret->zero == 0;
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

static void on_answer(struct sp_watch *watch, unsigned events) {
    struct sunpath_channel *channel = sp_container_of(watch, struct sunpath_channel, large.watch);
    struct note answer;
    char data[sizeof(answer) + 1];
    ssize_t n = recv(watch->fd, data, sizeof(data), MSG_DONTWAIT);

    (void)events;
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n > 0 && is_note(&answer, data, (size_t)n, NOTE_ANSWER)) {
        channel->large.peer_max = answer.size;
    }
    close_offer(channel);
}

int sp_large_offer(struct sunpath_channel *channel, int *ret_fd) {
    const struct note offer = note_of(NOTE_OFFER, channel->options.max_large);
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
        sp_watch_open(&channel->large.watch, channel->loop, pair[0], SUNPATH_READABLE, on_answer) <
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
}

/* Takes the offer off the first message, if there is one, and answers it. */
static void take_offer(struct sunpath_channel *channel, struct sunpath_channel_message *message) {
    const struct note answer = note_of(NOTE_ANSWER, channel->options.max_large);
    struct note offer;
    char data[sizeof(offer) + 1];
    socklen_t n_type = sizeof(int);
    int fd = message->fds[message->n_fds - 1], type;
    ssize_t n;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n_type) < 0 || type != SOCK_SEQPACKET) {
        return;
    }
    n = recv(fd, data, sizeof(data), MSG_DONTWAIT | MSG_PEEK);
    if (n <= 0 || !is_note(&offer, data, (size_t)n, NOTE_OFFER)) {
        return;
    }
    recv(fd, data, sizeof(data),
         MSG_DONTWAIT); /* closing with it unread would cut our answer off */
    send(fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL); /* else the peer goes without */
    sp_close(fd);
    message->n_fds--;
}

/* ---- in -------------------------------------------------------------------------------------- */

static int refuse(const struct sunpath_channel *channel, const char *why,
                  struct sunpath_error *error) {
    return sp_fail(error, -EBADMSG, SUNPATH_REASON_PROTOCOL, "receive", "message %llu: %s",
                   sp_channel_number(channel), why);
}

static int map_memory(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                      const struct note *note, struct sunpath_error *error) {
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

int sp_large_take(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                  struct sunpath_error *error) {
    struct note note;
    int r;

    message->memory_fd = -1;
    if (channel->options.max_large == 0 || message->n_fds == 0) {
        return 0;
    }
    if (sp_channel_number(channel) == 1) {
        take_offer(channel, message);
    }
    if (message->n_fds == 0 || !is_note(&note, message->data, message->size, NOTE_MEMORY)) {
        return 0;
    }
    message->memory_fd = message->fds[--message->n_fds];
    r = map_memory(channel, message, &note, error);
    if (r < 0) {
        message->memory_fd = sp_close(message->memory_fd);
    }
    return r;
}

void sp_large_release(struct sunpath_channel_message *message) {
    if (message->memory_fd < 0) {
        return;
    }
    if (message->size > 0) {
        munmap((void *)message->data, message->size);
    }
    sp_close(message->memory_fd);
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

int sp_large_send(struct sunpath_channel *channel, int fd, struct sp_outgoing *outgoing) {
    const struct note note = note_of(NOTE_MEMORY, outgoing->size);
    int fds[SUNPATH_FDS_MAX];
    int r = outgoing->n_fds < SUNPATH_FDS_MAX ? sp_memfd_seal(fd) : -EINVAL;

    if (r < 0) {
        return r;
    }
    if (outgoing->n_fds > 0) {
        memcpy(fds, outgoing->fds, outgoing->n_fds * sizeof(int));
    }
    fds[outgoing->n_fds++] = fd;
    outgoing->fds = fds;
    outgoing->data = &note;
    outgoing->size = sizeof(note);
    return channel->kind->send(channel, outgoing);
}
