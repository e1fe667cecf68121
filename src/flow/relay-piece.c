/* SPDX-License-Identifier: MIT */
/* relay-piece.c - what a relay carries at a time: looked for, sent, held. */

#include "flow/relay-piece.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include "os/fd.h"
#include "sock/message.h"

#define STEPS_MAX 4096 /* reads to find where descriptors begin; beyond, it is to 1/4096 exact */

/*
 * Looks at up to `size` bytes without taking them: no more than up to the end of those that
 * descriptors came with. Without room for descriptors the kernel says that there are some
 * (MSG_CTRUNC), be it further on.
 */
static ssize_t look(int fd, char *data, size_t size, bool *ret_has_fds) {
    struct iovec bytes = {.iov_base = data, .iov_len = size};
    struct msghdr header = {.msg_iov = &bytes, .msg_iovlen = 1};
    ssize_t n;

    do {
        n = recvmsg(fd, &header, MSG_PEEK | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    *ret_has_fds = header.msg_flags & MSG_CTRUNC;
    return n < 0 ? -errno : n;
}

/* Reads `size` bytes more, which are there, behind those of `message`; descriptors once. */
static int read_more(int fd, struct sunpath_message *message, size_t size) {
    struct sunpath_message more = {.data = (char *)message->data + message->size,
                                   .n_data = size,
                                   .fds = message->n_fds == 0 ? message->fds : NULL,
                                   .max_fds = message->max_fds};
    int r = sp_receive(fd, SOCK_STREAM, false, &more);

    message->size += more.size;
    message->n_fds += more.n_fds;
    return r;
}

/*
 * Descriptors arrive with whatever is read together with their byte. Sent on with the first byte of
 * that, they would reach a receiver that does not look for them yet, and be lost. Where they begin
 * is known only once they are there: so the bytes before are read in small steps.
 */
int sp_piece_receive(int fd, struct sunpath_message *message, size_t *ret_fds_at) {
    bool has_fds;
    ssize_t n = look(fd, message->data, message->n_data, &has_fds);
    size_t size = n > 0 ? (size_t)n : 0, step = 1 + size / STEPS_MAX;
    int r = 1;

    message->size = message->n_fds = *ret_fds_at = 0;
    if (n <= 0) {
        return (int)n;
    }

    while (has_fds && message->n_fds == 0 && message->size + step <= size && r == 1) {
        *ret_fds_at = message->size;
        r = read_more(fd, message, step);
    }
    if (r == 1 && message->size < size) {
        r = read_more(fd, message, size - message->size);
    }
    return r;
}

static ssize_t send_part(const struct sp_relay_socket *to, const struct sp_piece *piece) {
    struct sp_packet packet = {.data = piece->data, .size = piece->size};

    if (piece->n_fds > 0 && piece->fds_at > 0) {
        packet.size = piece->fds_at;
    } else {
        packet.fds = piece->fds;
        packet.n_fds = piece->n_fds;
    }
    return sp_send(to->fd, &packet);
}

int sp_piece_send(const struct sp_relay_socket *to, struct sp_piece *piece, size_t *ret_sent) {
    *ret_sent = 0;
    do {
        ssize_t n = send_part(to, piece);

        if (n < 0) {
            return n == -EAGAIN ? 0 : (int)n;
        }
        piece->n_fds = piece->fds_at > 0 ? piece->n_fds : 0;
        piece->fds_at -= piece->n_fds > 0 ? (size_t)n : piece->fds_at;
        piece->data += n;
        piece->size -= (size_t)n;
        *ret_sent += (size_t)n;
    } while (piece->size > 0);
    return 1;
}

int sp_held_keep(struct sp_held *held, const struct sp_piece *piece) {
    int r = sp_buffer_append(&held->bytes, piece->data, piece->size, SIZE_MAX);

    if (r == 0) {
        r = sp_buffer_append(&held->fds, piece->fds, piece->n_fds * sizeof(int), SIZE_MAX);
    }
    for (size_t i = 0; i < piece->n_fds && r < 0; i++) {
        sp_close(piece->fds[i]);
    }
    held->fds_at = piece->fds_at;
    held->is_there = r == 0;
    return r;
}

struct sp_piece sp_held_piece(const struct sp_held *held) {
    return (struct sp_piece){.data = sp_buffer_bytes(&held->bytes),
                             .size = sp_buffer_size(&held->bytes),
                             .fds = (const int *)(const void *)sp_buffer_bytes(&held->fds),
                             .n_fds = sp_buffer_size(&held->fds) / sizeof(int),
                             .fds_at = held->fds_at};
}

static void close_fds(struct sp_held *held) {
    struct sp_piece piece = sp_held_piece(held);

    for (size_t i = 0; i < piece.n_fds; i++) {
        sp_close(piece.fds[i]);
    }
    sp_buffer_deinit(&held->fds);
}

void sp_held_shrink(struct sp_held *held, const struct sp_piece *piece) {
    if (piece->n_fds == 0) {
        close_fds(held);
    }
    held->fds_at = piece->fds_at;
    sp_buffer_consume(&held->bytes, sp_buffer_size(&held->bytes) - piece->size);
}

void sp_held_drop(struct sp_held *held) {
    close_fds(held);
    sp_buffer_deinit(&held->bytes);
    held->is_there = false;
}
