/* SPDX-License-Identifier: MIT */
/* stream-file.c - bytes of a file, from the page cache into the socket. */

#include "flow/stream-output.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/quiet-write.h"

/* At most so much in one call, so that a fast peer does not keep the others waiting. */
#define PIECE_MAX ((uint64_t)1024 * 1024)

/* More can be sent when the kernel has room again, or else in a later turn: on_drain tells. */
static void await_room(struct sunpath_stream *stream) {
    stream->awaits_room = stream->is_blocked;
    (void)sp_stream_note_written(stream);
}

/* For file systems and descriptors that sendfile(2) cannot do: by way of the queue. */
static ssize_t copy_piece(struct sunpath_stream *stream, int fd, uint64_t offset, size_t size) {
    char *room;
    ssize_t n;

    size = size < SP_FLOW_SCRATCH ? size : SP_FLOW_SCRATCH;
    size = size < stream->max_output ? size : stream->max_output;
    room = sp_stream_reserve(stream, size);
    if (!room) {
        return -ENOMEM;
    }
    do {
        n = pread(fd, room, size, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    n = n < 0 ? -errno : n;
    (void)sp_stream_commit(stream, n > 0 ? (size_t)n : 0);
    return n == 0 ? -EIO : n;
}

static bool is_left_to_us(int error) {
    return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

static ssize_t send_piece(struct sunpath_stream *stream, int fd, uint64_t offset, size_t size) {
    ssize_t n;

    do {
        n = sp_quiet_sendfile(stream->watch.fd, fd, (off_t)offset, size);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {
        return -EIO;
    }
    if (n < 0 && errno != EAGAIN) {
        if (is_left_to_us(errno)) {
            return copy_piece(stream, fd, offset, size);
        }
        if (errno != EPIPE && errno != ECONNRESET) {
            return -errno; /* of the file */
        }
        sp_stream_fail(stream, -errno);
        return -EPIPE;
    }
    n = n < 0 ? 0 : n;
    sp_stream_note_taken(stream, (size_t)n, size);
    return n;
}

ssize_t sunpath_stream_send_file(struct sunpath_stream *stream, int fd, uint64_t offset,
                                 uint64_t size) {
    ssize_t n = sp_stream_may_write(stream, 0);

    if (n < 0) {
        return n;
    }
    if (fd < 0 || size == 0 || offset > INT64_MAX || size > INT64_MAX - offset) {
        return -EINVAL;
    }

    if (sp_stream_push(stream, MSG_MORE)) {
        n = send_piece(stream, fd, offset, (size_t)(size < PIECE_MAX ? size : PIECE_MAX));
    } else if (stream->error) {
        return -EPIPE;
    }
    if (n >= 0) {
        await_room(stream);
    }
    return n;
}
