/* SPDX-License-Identifier: MIT */
/* channel-pool.c - memory that two peers share and use again: slots that are lent and given back.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "flow/channel.h"
#include "os/fd-kind.h"
#include "os/fd.h"
#include "os/memfd.h"

#define N_SLOTS 16
#define GRAIN   ((size_t)1 << 16) /* sizes are rounded up: slots fit more messages then */

/* A slot is free, or with its user to be filled, or with the peer to be read. */
struct slot {
    char *data; /* NULL: there is none yet */
    size_t size;
    int fd; /* -1: the peer has it, and we need it no more */
    bool is_reserved, is_lent;
};

struct sp_pool {
    struct slot slots[N_SLOTS];
    size_t n_bytes;
    bool is_full; /* no more such messages as the last one, until the peer gives a slot back */
};

static void drop_slot(struct sp_pool *pool, struct slot *slot) {
    if (slot->data) {
        munmap(slot->data, slot->size);
        sp_close(slot->fd);
        pool->n_bytes -= slot->size;
    }
    *slot = (struct slot){.fd = -1};
}

struct sp_pool *sp_pool_free(struct sp_pool *pool) {
    for (size_t i = 0; pool && i < N_SLOTS; i++) {
        drop_slot(pool, &pool->slots[i]);
    }
    free(pool);
    return NULL;
}

static struct sp_pool *pool_at(struct sp_pool **at) {
    if (!*at) {
        *at = calloc(1, sizeof(**at));
    }
    return *at;
}

/* ---- out ------------------------------------------------------------------------------------- */

static int make_slot(struct sp_pool *pool, struct slot *slot, size_t size) {
    _cleanup_(sp_closep) int fd = -1;
    void *data;
    int r = sp_memfd_fixed(&fd, size);

    if (r < 0) {
        return r;
    }
    data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
        return -errno;
    }
    *slot = (struct slot){.data = data, .size = size, .fd = sp_take_fd(&fd)};
    pool->n_bytes += size;
    return 0;
}

/* The smallest free slot that is large enough, or NULL. */
static struct slot *find_slot(struct sp_pool *pool, size_t size) {
    struct slot *best = NULL;

    for (struct slot *slot = pool->slots; slot < pool->slots + N_SLOTS; slot++) {
        if (slot->data && !slot->is_lent && !slot->is_reserved && slot->size >= size &&
            (!best || slot->size < best->size)) {
            best = slot;
        }
    }
    return best;
}

/* A free slot goes; the peer hears of it when it has it mapped. */
static void retire(struct sunpath_channel *channel, struct slot *slot) {
    struct sp_pool *pool = channel->large.pool;
    const struct sp_note note = sp_note_of(SP_NOTE_DROP, (uint32_t)(slot - pool->slots), 0);

    if (slot->data && slot->fd < 0) {
        send(channel->large.watch.fd, &note, sizeof(note), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    drop_slot(pool, slot);
}

/* As many bytes as both sides allow: the peer's limit holds for all slots together. */
static size_t max_of(const struct sunpath_channel *channel) {
    size_t max = channel->options.pool_size;

    return max < channel->large.peer_max ? max : (size_t)channel->large.peer_max;
}

/* A place for a new slot of `size` bytes, for which free ones that are too small may have to go. */
static struct slot *find_place(struct sunpath_channel *channel, size_t size) {
    struct sp_pool *pool = channel->large.pool;
    size_t max = max_of(channel);
    struct slot *place = NULL;

    for (struct slot *slot = pool->slots; slot < pool->slots + N_SLOTS; slot++) {
        if (slot->is_lent || slot->is_reserved) {
            continue;
        }
        if (pool->n_bytes + size > max) {
            retire(channel, slot);
        }
        if (!place || !slot->data) {
            place = slot;
        }
    }
    if (!place || pool->n_bytes - (place->data ? place->size : 0) + size > max) {
        return NULL;
    }
    retire(channel, place);
    return place;
}

static size_t rounded_up(size_t size, size_t max) {
    size_t n_grains = size > 0 ? (size - 1) / GRAIN + 1 : 1;

    return n_grains <= max / GRAIN ? n_grains * GRAIN : max;
}

/* Has a message of `size` bytes to wait for the peer, and for it alone? */
static bool is_lent_out(struct sunpath_channel *channel, size_t size) {
    struct sp_pool *pool = channel->large.pool;
    size_t max = max_of(channel), n_lent = 0, n_busy = 0, n_bytes = 0;

    for (struct slot *slot = pool->slots; slot < pool->slots + N_SLOTS; slot++) {
        if (slot->is_lent || slot->is_reserved) {
            n_lent += slot->is_lent;
            n_busy++;
            n_bytes += slot->size;
        }
    }
    return n_lent > 0 && (n_busy == N_SLOTS || n_bytes + rounded_up(size, max) > max);
}

int sp_pool_reserve(struct sunpath_channel *channel, void **ret, size_t size) {
    size_t max = max_of(channel), rounded = rounded_up(size, max);
    struct sp_pool *pool = pool_at(&channel->large.pool);
    struct slot *slot;
    int r;

    if (!pool) {
        return -ENOMEM;
    }
    if (size > max || max == 0) {
        return -EMSGSIZE;
    }

    slot = find_slot(pool, size);
    if (!slot) {
        slot = find_place(channel, rounded);
        if (!slot) {
            channel->large.owes_drain = pool->is_full = is_lent_out(channel, size);
            return -EAGAIN;
        }
        r = make_slot(pool, slot, rounded);
        if (r < 0) {
            return r;
        }
    }
    slot->is_reserved = true;
    *ret = slot->data;
    return 0;
}

int sp_pool_send_room(struct sunpath_channel *channel, const void *room,
                      struct sp_outgoing *outgoing) {
    struct sp_pool *pool = channel->large.pool;
    size_t size = outgoing->size; /* a note takes its place */

    for (int i = 0; pool && i < N_SLOTS; i++) {
        struct slot *slot = &pool->slots[i];
        int r;

        if (slot->data != room || !slot->is_reserved || size > slot->size) {
            continue;
        }
        r = sp_large_send_slot(channel, i, slot->fd, outgoing);
        if (r >= 0) {
            slot->fd = sp_close(slot->fd); /* it is on its way: the next time its number will do */
            slot->is_reserved = false;
            slot->is_lent = true;
            pool->is_full = is_lent_out(channel, size);
        }
        return r == 0 && pool->is_full ? 1 : r;
    }
    return -EINVAL;
}

int sp_pool_send_copy(struct sunpath_channel *channel, struct sp_outgoing *outgoing) {
    void *room;
    int r = sp_pool_reserve(channel, &room, outgoing->size);

    if (r < 0) {
        return r == -EMSGSIZE ? -EAGAIN : r; /* too large for the pool: some other way then */
    }
    memcpy(room, outgoing->data, outgoing->size);
    r = sp_pool_send_room(channel, room, outgoing);
    for (int i = 0; r < 0 && i < N_SLOTS; i++) {
        struct slot *slot = &channel->large.pool->slots[i];

        slot->is_reserved = slot->is_reserved && slot->data != room;
    }
    return r;
}

void sp_pool_release(struct sunpath_channel *channel, uint32_t slot) {
    struct sp_pool *pool = channel->large.pool;

    if (pool && slot < N_SLOTS) {
        pool->slots[slot].is_lent = pool->is_full = false;
    }
}

bool sp_pool_is_full(const struct sunpath_channel *channel) {
    return channel->large.pool && channel->large.pool->is_full && channel->large.peer_takes_pool;
}

void sp_pool_forget(struct sunpath_channel *channel, uint32_t slot) {
    struct sp_pool *pool = channel->large.pool;

    if (pool && slot < N_SLOTS && pool->slots[slot].is_lent) {
        drop_slot(pool, &pool->slots[slot]);
        pool->is_full = false;
    }
}

/* ---- in -------------------------------------------------------------------------------------- */

static int refuse(const struct sunpath_channel *channel, int code, const char *why,
                  struct sunpath_error *error) {
    return sp_fail(error, code, SUNPATH_REASON_PROTOCOL, "receive", "message %llu: %s",
                   sp_channel_number(channel), why);
}

/* The memory of a slot has come: it replaces what was there. */
static int map_slot(struct sunpath_channel *channel, struct sp_pool *pool, struct slot *slot,
                    int fd, struct sunpath_error *error) {
    int64_t size = sp_memfd_size(fd);
    const void *data;
    struct sp_note note;
    int r;

    drop_slot(pool, slot);
    for (int i = 0; i < 2 * N_SLOTS && sp_note_receive(&note, channel->large.side_fd, 0) > 0; i++) {
        if (note.kind == SP_NOTE_DROP && note.detail < N_SLOTS) {
            drop_slot(pool, &pool->slots[note.detail]);
        }
    }
    if (sp_fd_kind(fd) != SUNPATH_FD_MEMFD || !sp_memfd_is_fixed(fd) || size <= 0) {
        return refuse(channel, -EBADMSG, "its memory is not sealed: it could become shorter",
                      error);
    }
    if ((uint64_t)size > channel->options.max_large ||
        pool->n_bytes > channel->options.max_large - (size_t)size) {
        return refuse(channel, -EMSGSIZE, "the pool it is in is over the limit of large messages",
                      error);
    }
    r = sp_memfd_map(&data, fd, (size_t)size);
    if (r < 0) {
        return refuse(channel, r, "its memory cannot be mapped", error);
    }
    *slot = (struct slot){.data = (char *)data, .size = (size_t)size, .fd = -1};
    pool->n_bytes += (size_t)size;
    return 0;
}

void sp_pool_lose(struct sunpath_channel *channel, uint32_t slot) {
    const struct sp_note note = sp_note_of(SP_NOTE_DROP, slot, 0);
    struct sp_pool *pool = channel->large.peer_pool;

    if (pool && slot < N_SLOTS) {
        drop_slot(pool, &pool->slots[slot]);
    }
    send(channel->large.side_fd, &note, sizeof(note), MSG_DONTWAIT | MSG_NOSIGNAL);
}

int sp_pool_take(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                 const struct sp_note *note, struct sunpath_error *error) {
    struct sp_pool *pool = pool_at(&channel->large.peer_pool);
    uint32_t i = note->detail & ~SP_NOTE_HAS_MEMORY;
    struct slot *slot;
    int r = 0;

    if (!pool || i >= N_SLOTS) {
        return refuse(channel, pool ? -EBADMSG : -ENOMEM, "a slot that the pool has not", error);
    }
    slot = &pool->slots[i];
    if (note->detail & SP_NOTE_HAS_MEMORY && message->n_fds > 0) {
        int fd = message->fds[--message->n_fds];

        r = map_slot(channel, pool, slot, fd, error);
        sp_close(fd);
    }
    if (r < 0) {
        return r;
    }
    if (!slot->data || note->size > slot->size) {
        return refuse(channel, -EBADMSG, "more than its slot of the pool holds", error);
    }
    message->data = slot->data;
    message->size = (size_t)note->size;
    return (int)i + 1;
}
