/* SPDX-License-Identifier: MIT */
/* http-send-file.c - the rest of a response out of a file, in constant memory. */

#include "serve/http-server.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/stream.h"
#include "os/fd.h"

/* All of `size` bytes, or an error: a file that is shorter is one. */
static int read_exactly(int fd, char *at, size_t size, uint64_t offset) {
    while (size > 0) {
        ssize_t n = pread(fd, at, size, (off_t)offset);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        at += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* Writes one piece; 1 when it is written, 0 when the client has left. */
static int send_piece(struct sunpath_http_exchange *exchange, size_t size) {
    struct sp_http_connection *connection = exchange->connection;
    char *start, *at;
    int r;

    r = sp_http_reserve(&start, connection, size + SP_HTTP_CHUNK_ROOM + 2);
    if (r < 0 || !start) {
        return r;
    }
    at = exchange->is_chunked ? sp_http_put_chunk_head(start, size) : start;
    r = read_exactly(exchange->file_fd, at, size, exchange->file_offset);
    if (r < 0) {
        return r;
    }
    at += size;
    if (exchange->is_chunked) {
        *at++ = '\r';
        *at++ = '\n';
    }
    sp_http_commit(connection, (size_t)(at - start));
    exchange->n_body_sent += size;
    exchange->file_offset += size;
    exchange->file_left -= size;
    return 1;
}

static void finish_file(struct sunpath_http_exchange *exchange, int error) {
    exchange->file_fd = sp_close(exchange->file_fd);
    if (error == 0 && exchange->left > 0) {
        error = -EIO; /* the file was all there is, and more was announced */
    }
    if (error == 0) {
        error = sp_http_exchange_put_end(exchange);
    }
    if (error < 0) {
        sp_http_exchange_cut(exchange, error);
        return;
    }
    sp_http_exchange_end(exchange);
}

/* As much as may be unsent at all; 0 is refused like anything else there is no room for. */
static size_t piece_size(const struct sunpath_http_exchange *exchange) {
    const size_t marks = SP_HTTP_CHUNK_ROOM + 2;
    size_t max = exchange->connection->server->options.max_output;
    uint64_t size =
        exchange->file_left < SP_HTTP_FILE_PIECE ? exchange->file_left : SP_HTTP_FILE_PIECE;

    return max > marks && size > max - marks ? max - marks : (size_t)size;
}

void sp_http_exchange_pump_file(struct sunpath_http_exchange *exchange) {
    struct sunpath_stream *stream = exchange->connection->stream;
    int r = 1;

    while (r > 0 && exchange->file_left > 0) {
        if (stream && sunpath_stream_n_queued(stream) >= SP_HTTP_HIGH_MARK) {
            return; /* on_drain comes back here */
        }
        r = send_piece(exchange, piece_size(exchange));
        if (r == -ENOBUFS && stream && sunpath_stream_n_queued(stream) > 0) {
            return; /* `max_output` is smaller than the high mark */
        }
    }
    finish_file(exchange, r < 0 ? r : 0);
}

int sunpath_http_send_file(struct sunpath_http_exchange *exchange, int fd, uint64_t offset,
                           uint64_t size) {
    struct stat stat;

    if (exchange->is_ended || exchange->file_fd >= 0) {
        return -EALREADY;
    }
    if (!exchange->is_started || fd < 0) {
        return -EINVAL;
    }
    if (fstat(fd, &stat) < 0) {
        return -errno;
    }
    if (!S_ISREG(stat.st_mode) || offset > INT64_MAX || size > INT64_MAX - offset) {
        return -EINVAL;
    }
    if (exchange->left >= 0 && size > (uint64_t)exchange->left) {
        return -EMSGSIZE;
    }
    exchange->file_fd = fd;
    exchange->file_offset = offset;
    exchange->file_left = exchange->is_bodyless ? 0 : size;
    if (exchange->left > 0) {
        exchange->left = exchange->is_bodyless ? 0 : exchange->left - (int64_t)size;
    }
    sp_http_exchange_pump_file(exchange);
    return 0;
}
