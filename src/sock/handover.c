/* SPDX-License-Identifier: MIT */
/* handover.c - give a listening socket, with the lock on its path, to a successor. */

/*
 * Over a connected stream socket, in this order:
 *
 *   old → new   struct offer and the name, with the listening descriptor and the lock's
 *   new → old   READY: everything was checked
 *   old → new   YOURS: from here on the new process owns the address
 *
 * The lock goes along because flock(2) belongs to the open file, not to a process. Sending YOURS
 * decides: it either reaches the successor's queue or fails. A successor that does not want to wait
 * any longer shuts its reading side, after which YOURS can only fail (EPIPE), and then looks
 * whether it came before. So the two never disagree about who owns the address.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sunpath/connection.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/fd.h"
#include "sock/listener-internal.h"
#include "sock/send-all.h"

#define MAGIC "sunpath\1"
#define READY 'r'
#define YOURS 'y'

enum {
    FLAG_PADDED = 1 << 0,
    FLAG_TYPED = 1 << 1,
    FLAG_LOCK = 1 << 2
};

/* Both ends run on one machine, so the numbers travel as they are. */
struct offer {
    char magic[8];
    uint32_t kind, type, number, flags;
    uint64_t file_dev, file_inode; /* with FLAG_LOCK: which file is ours to remove */
    uint32_t n_name, unused;
};

static int send_all(int fd, const void *data, size_t size, const int *fds, size_t n_fds,
                    uint64_t deadline_ns) {
    struct sunpath_send_options options = SUNPATH_OPTIONS(struct sunpath_send_options);

    options.fds = fds;
    options.n_fds = n_fds;
    return sp_send_all(fd, data, size, &options, deadline_ns);
}

/* Receives exactly `size` bytes; *n_fds says how many descriptors fit in `fds`, and how many came.
 */
static int receive_all(int fd, void *data, size_t size, int *fds, size_t *n_fds,
                       uint64_t deadline_ns) {
    size_t max_fds = n_fds ? *n_fds : 0;
    size_t n_received = 0;
    int r = 0;

    for (size_t done = 0; r == 0 && done < size;) {
        struct sunpath_message message = {.data = (char *)data + done,
                                          .n_data = size - done,
                                          .fds = fds ? fds + n_received : NULL,
                                          .max_fds = max_fds - n_received};

        r = sunpath_receive(fd, &message);
        if (r == -EAGAIN) {
            r = sp_wait_until(fd, POLLIN, deadline_ns);
        } else if (r >= 0) {
            r = r == 0 ? -EPIPE : 0;
            done += message.size;
            n_received += message.n_fds;
        }
    }
    for (size_t i = n_received; i < max_fds; i++) {
        fds[i] = -1; /* what a failed call closed has left its number there */
    }
    if (n_fds) {
        *n_fds = n_received;
    }
    return r;
}

static int fail(struct sunpath_error *error, int code, const char *step, const char *who) {
    switch (code) {
    case -ETIMEDOUT:
        return sp_fail(error, code, SUNPATH_REASON_TIMEOUT, step, "%s did not answer in time", who);
    case -EPIPE:
    case -ECONNRESET:
        return sp_fail(error, -EPIPE, SUNPATH_REASON_SYSTEM, step, "%s left before it was done",
                       who);
    case -ETOOMANYREFS:
    case -EPROTO:
        return sp_fail(error, -EPROTO, SUNPATH_REASON_PROTOCOL, step,
                       "%s does not speak this protocol", who);
    default:
        errno = -code;
        return sp_fail(error, code, sp_reason_of_errno(code), step, "the listener: %m");
    }
}

static int check_channel(int fd, const char *step, struct sunpath_error *error) {
    int type = 0;
    socklen_t n = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0) {
        return sp_fail(error, -errno, SUNPATH_REASON_INVALID, step, "descriptor %d: %m", fd);
    }
    if (type != SOCK_STREAM) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, step,
                       "descriptor %d: is not a stream socket", fd);
    }
    return 0;
}

/* The successor may have another working directory: a relative path becomes absolute. */
static void make_absolute(struct sunpath_address *address, const struct sp_claim *claim) {
    char path[SUNPATH_NAME_MAX + 1];
    int n;

    if (claim->lock_fd < 0 || address->name[0] == '/') {
        return;
    }
    n = sp_claim_path(path, claim);
    if (n > 0) {
        memcpy(address->name, path, (size_t)n + 1);
        address->n_name = (size_t)n;
    }
}

/*
 * The successor takes only a lock that has its name. If somebody has removed the lock file, it is
 * put back first.
 */
static int renew_lock(struct sunpath_listener *listener, struct sunpath_error *error) {
    struct sunpath_error why = {0};
    struct sp_shown shown;
    int r;

    if (listener->claim.lock_fd < 0) {
        return 0;
    }
    r = sp_claim_renew(&listener->claim, &listener->address, &why);
    return r == 0 ? 0
                  : sp_fail(error, r, why.reason, "hand over",
                            "'%s': its lock file was removed, and cannot be had again (%s): stop "
                            "this server, then start the new one",
                            sp_show_address(&shown, &listener->address), why.text);
}

static int send_offer(const struct sunpath_listener *listener, int fd, uint64_t deadline_ns) {
    struct sunpath_address address = listener->address;
    bool has_lock = listener->claim.lock_fd >= 0;
    const int fds[] = {listener->fd, listener->claim.lock_fd};
    struct offer offer = {.magic = MAGIC};
    char message[sizeof(offer) + SUNPATH_NAME_MAX];

    make_absolute(&address, &listener->claim);
    offer.kind = address.kind;
    offer.type = listener->type;
    offer.number = (uint32_t)address.number;
    offer.flags = (address.is_padded ? FLAG_PADDED : 0u) | (address.is_typed ? FLAG_TYPED : 0u) |
                  (has_lock ? FLAG_LOCK : 0u);
    offer.file_dev = listener->file.st_dev;
    offer.file_inode = listener->file.st_ino;
    offer.n_name = (uint32_t)address.n_name;
    memcpy(message, &offer, sizeof(offer));
    memcpy(message + sizeof(offer), address.name, address.n_name);
    return send_all(fd, message, sizeof(offer) + address.n_name, fds, has_lock ? 2 : 1,
                    deadline_ns);
}

int sunpath_listener_hand_over(struct sunpath_listener *listener, int fd, int timeout_ms,
                               struct sunpath_error *error) {
    uint64_t deadline_ns = sp_deadline_ns(timeout_ms);
    char answer = 0;
    const char yours = YOURS;
    int r;

    r = check_channel(fd, "hand over", error);
    if (r < 0) {
        return r;
    }
    if (listener->claim.lock_fd >= 0 && listener->pid != getpid()) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "hand over",
                       "only process %d, which opened the listener, can give it away",
                       (int)listener->pid);
    }

    r = renew_lock(listener, error);
    if (r < 0) {
        return r;
    }
    r = send_offer(listener, fd, deadline_ns);
    if (r == 0) {
        r = receive_all(fd, &answer, 1, NULL, NULL, deadline_ns);
    }
    if (r == 0) {
        r = answer == READY ? send_all(fd, &yours, 1, NULL, 0, deadline_ns) : -EPROTO;
    }
    if (r < 0) {
        return fail(error, r, "hand over", "the successor");
    }
    sp_claim_release(&listener->claim, false); /* the successor's descriptor keeps the lock */
    return 0;
}

static bool is_sound(const struct offer *offer) {
    bool has_lock = offer->flags & FLAG_LOCK;

    return memcmp(offer->magic, MAGIC, sizeof(offer->magic)) == 0 &&
           offer->n_name <= SUNPATH_NAME_MAX && offer->kind >= SUNPATH_ADDRESS_PATH &&
           offer->kind <= SUNPATH_ADDRESS_TCP && offer->type != 0 && offer->number <= INT_MAX &&
           (!has_lock || offer->kind == SUNPATH_ADDRESS_PATH);
}

/* The kernel drops descriptors there is no number for as it drops those that are too many. */
static int why_dropped(int fd) {
    _cleanup_(sp_closep) int first = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    _cleanup_(sp_closep) int second = first < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);

    return second < 0 ? -errno : -EPROTO;
}

/* What arrived and is not part of a listener yet. */
struct received {
    struct offer offer;
    struct sunpath_address address;
    int fds[2]; /* the listener, the lock or -1 */
};

static void received_deinit(struct received *received) {
    sp_close(received->fds[0]);
    sp_close(received->fds[1]);
}

static int receive_offer(struct received *ret, int fd, uint64_t deadline_ns) {
    struct sunpath_address *address = &ret->address;
    struct offer *offer = &ret->offer;
    size_t n_fds = SP_ARRAY_SIZE(ret->fds);
    int r;

    r = receive_all(fd, offer, sizeof(*offer), ret->fds, &n_fds, deadline_ns);
    if (r < 0) {
        return r == -ETOOMANYREFS ? why_dropped(fd) : r;
    }
    if (!is_sound(offer) || n_fds != (offer->flags & FLAG_LOCK ? 2 : 1)) {
        return -EPROTO;
    }
    *address = (struct sunpath_address){.kind = (enum sunpath_address_kind)offer->kind,
                                        .type = (enum sunpath_type)offer->type,
                                        .is_typed = offer->flags & FLAG_TYPED,
                                        .is_padded = offer->flags & FLAG_PADDED,
                                        .number = (int)offer->number,
                                        .n_name = offer->n_name};
    r = receive_all(fd, address->name, offer->n_name, NULL, NULL, deadline_ns);
    if (r < 0) {
        return r;
    }
    return address->kind == SUNPATH_ADDRESS_PATH && strlen(address->name) != address->n_name
               ? -EPROTO
               : 0;
}

/* Says that we are ready and waits for the word that decides. */
static int confirm(int fd, uint64_t deadline_ns) {
    const char ready = READY;
    char answer = 0;
    int r = send_all(fd, &ready, 1, NULL, 0, deadline_ns);

    if (r == 0) {
        r = receive_all(fd, &answer, 1, NULL, NULL, deadline_ns);
    }
    if (r == -ETIMEDOUT) {
        shutdown(fd, SHUT_RD);
        if (receive_all(fd, &answer, 1, NULL, NULL, 0) == 0) {
            r = 0;
        }
    }
    return r < 0 ? r : answer == YOURS ? 0 : -EPROTO;
}

/* Makes a listener of what was received, which owns nothing in the file system yet. */
static int build(struct sunpath_listener **ret, struct sp_claim *ret_claim,
                 struct received *received, const struct sunpath_listen_options *options,
                 struct sunpath_error *error) {
    struct sunpath_listen_options used = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sp_shown shown;
    int r;

    if (received->fds[1] >= 0) {
        r = sp_claim_adopt(ret_claim, &received->address, received->fds[1]);
        if (sp_is_own_failure(r)) {
            return fail(error, r, "take over", "the old server");
        }
        if (r < 0) {
            return sp_fail(error, -EPROTO, SUNPATH_REASON_PROTOCOL, "take over",
                           "'%s': the lock that came with it is not that of this path, its lock "
                           "file was removed or lies elsewhere: stop the old server, then start "
                           "the new one",
                           sp_show_address(&shown, &received->address));
        }
        received->fds[1] = -1;
    }
    used.type = received->address.type;
    used.access = options->access;
    r = sp_listener_adopt(ret, received->fds[0], &used, error);
    if (r == -ENOMEM) {
        return r;
    }
    if (r < 0) {
        return sp_fail(error, -EPROTO, SUNPATH_REASON_PROTOCOL, "take over",
                       "the descriptor that was handed over does not listen as was said");
    }
    received->fds[0] = -1;
    (*ret)->address = received->address;
    return 0;
}

int sunpath_listener_take_over(struct sunpath_listener **ret, int fd, int timeout_ms,
                               const struct sunpath_listen_options *options,
                               struct sunpath_error *error) {
    _cleanup_(sp_listener_closep) struct sunpath_listener *listener = NULL;
    _cleanup_(sp_claim_releasep) struct sp_claim claim = SP_CLAIM_NONE;
    _cleanup_(received_deinit) struct received received = {.fds = {-1, -1}};
    uint64_t deadline_ns = sp_deadline_ns(timeout_ms);
    struct sunpath_listen_options read;
    int r;

    r = sp_listen_options_read(&read, options, error);
    if (r == 0) {
        r = check_channel(fd, "take over", error);
    }
    if (r < 0) {
        return r;
    }
    r = receive_offer(&received, fd, deadline_ns);
    if (r < 0) {
        return fail(error, r, "take over", "the old server");
    }
    r = build(&listener, &claim, &received, &read, error);
    if (r < 0) {
        return r;
    }
    r = confirm(fd, deadline_ns);
    if (r < 0) {
        return fail(error, r, "take over", "the old server");
    }

    listener->claim = claim;
    claim = SP_CLAIM_NONE;
    listener->file.st_dev = (dev_t)received.offer.file_dev;
    listener->file.st_ino = (ino_t)received.offer.file_inode;
    *ret = sp_take_ptr(&listener);
    return 0;
}
