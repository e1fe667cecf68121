/* SPDX-License-Identifier: MIT */
/* http-send-file.c - the rest of a response out of a file, in constant memory. */

#include "serve/http-server.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/stream.h"
#include "os/fd.h"

#define PIECE 16384 /* of a file that is compressed */

/* ---- small ones ------------------------------------------------------------------------------ */

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

/* Copies all of it behind the head, so that both leave in one piece. */
static int copy_whole(struct sunpath_http_exchange *exchange) {
    size_t size = (size_t)exchange->file_left;
    char *start, *at;
    int r;

    r = sp_http_reserve(&start, exchange->connection, size + SP_HTTP_CHUNK_ROOM + 2);
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
        at = mempcpy(at, "\r\n", 2);
    }
    sp_http_commit(exchange->connection, (size_t)(at - start));
    exchange->n_body_sent += size;
    exchange->file_left = 0;
    return 0;
}

/* ---- compressed ones ------------------------------------------------------------------------- */

/* 1: go on, 0: wait for on_drain, or an error. */
static int encode_some(struct sunpath_http_exchange *exchange) {
    size_t size = exchange->file_left < PIECE ? (size_t)exchange->file_left : PIECE;
    char piece[PIECE];
    int r;

    if (sp_stream_error(exchange->connection->stream)) {
        return -EPIPE; /* all of the file would go into the void */
    }
    r = read_exactly(exchange->file_fd, piece, size, exchange->file_offset);
    if (r < 0) {
        return r;
    }
    r = sp_http_exchange_put_body(exchange, piece, size);
    if (r < 0) {
        return r == -ENOBUFS && sp_stream_n_queued(exchange->connection->stream) > 0 ? 0 : r;
    }
    exchange->file_offset += size;
    exchange->file_left -= size;
    return r == 0 || exchange->file_left == 0;
}

/* ---- large ones ------------------------------------------------------------------------------ */

/* Ends the chunk before, if there is one, and begins the next, if something is left. */
static int put_chunk_mark(struct sunpath_http_exchange *exchange, bool is_first) {
    uint64_t size = exchange->file_left;
    char *start, *at;
    int r;

    r = sp_http_reserve(&start, exchange->connection, SP_HTTP_CHUNK_ROOM + 2);
    if (r < 0 || !start) {
        return r;
    }
    at = is_first ? start : mempcpy(start, "\r\n", 2);
    if (size > 0) {
        size = size < SP_HTTP_FILE_CHUNK ? size : SP_HTTP_FILE_CHUNK;
        at = sp_http_put_chunk_head(at, size);
        exchange->file_chunk_left = size;
    }
    sp_http_commit(exchange->connection, (size_t)(at - start));
    return 0;
}

/* As much as the client takes. Returns as encode_some(). */
static int send_some(struct sunpath_http_exchange *exchange) {
    uint64_t size = exchange->is_chunked ? exchange->file_chunk_left : exchange->file_left;
    ssize_t n;
    int r = 0;

    n = sunpath_stream_send_file(exchange->connection->stream, exchange->file_fd,
                                 exchange->file_offset, size);
    if (n < 0) {
        return (int)n;
    }
    exchange->n_body_sent += (uint64_t)n;
    exchange->file_offset += (uint64_t)n;
    exchange->file_left -= (uint64_t)n;
    sp_http_note_written(exchange->connection, (size_t)n);
    if (exchange->is_chunked) {
        exchange->file_chunk_left -= (uint64_t)n;
        if (exchange->file_chunk_left == 0) {
            r = put_chunk_mark(exchange, false);
        }
    }
    return r < 0 ? r : exchange->file_left == 0;
}

/* ---- one range after the other --------------------------------------------------------------- */

/* What does not fit into the queue goes by itself, however small it is. */
static int begin_range(struct sunpath_http_exchange *exchange, uint64_t offset, uint64_t size) {
    int r = -ENOBUFS;

    exchange->file_offset = offset;
    exchange->file_left = exchange->is_bodyless ? 0 : size;
    if (exchange->file_left == 0 || exchange->encoder) {
        return 0;
    }
    if (size <= SP_HTTP_SMALL_FILE) {
        r = copy_whole(exchange);
    }
    if (r == -ENOBUFS) {
        r = exchange->is_chunked ? put_chunk_mark(exchange, true) : 0;
    }
    return r;
}

/* 1: it is begun, 0: wait for on_drain, or an error. */
static int begin_part(struct sunpath_http_exchange *exchange) {
    struct sp_http_connection *connection = exchange->connection;
    const struct sp_http_file_part *part = exchange->file_parts;
    size_t n_queued = sp_stream_n_queued(connection->stream);
    char *start = NULL;
    int r = 0;

    if (n_queued >= SP_HTTP_HIGH_MARK) {
        return 0;
    }
    if (part->n_before > 0) {
        r = sp_http_reserve(&start, connection, part->n_before);
    }
    if (r < 0) {
        return r == -ENOBUFS && n_queued > 0 ? 0 : r;
    }
    if (start) {
        memcpy(start, part->before, part->n_before);
        sp_http_commit(connection, part->n_before);
        exchange->n_body_sent += part->n_before;
    }
    exchange->file_parts++;
    exchange->n_file_parts--;
    r = begin_range(exchange, part->offset, part->size);
    return r < 0 ? r : 1;
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

void sp_http_exchange_pump_file(struct sunpath_http_exchange *exchange) {
    int r = 1;

    while (r > 0 && exchange->connection->stream) {
        if (exchange->file_left > 0 && exchange->encoder) {
            r = encode_some(exchange);
        } else if (exchange->file_left > 0) {
            r = send_some(exchange);
        } else if (exchange->n_file_parts > 0) {
            r = begin_part(exchange);
        } else {
            break;
        }
    }
    if (r != 0) {
        finish_file(exchange, r < 0 ? r : 0);
    }
}

/* Takes the descriptor over, and from what was announced what comes out of it. */
static void begin_file(struct sunpath_http_exchange *exchange, int fd, uint64_t n_announced) {
    exchange->file_fd = fd;
    exchange->file_left = exchange->n_file_parts = 0;
    if (exchange->left > 0) {
        exchange->left = exchange->is_bodyless ? 0 : exchange->left - (int64_t)n_announced;
    }
}

static int may_send(struct sunpath_http_exchange *exchange, int fd, uint64_t size) {
    if (exchange->is_ended || exchange->file_fd >= 0) {
        return -EALREADY;
    }
    if (!exchange->is_started || fd < 0) {
        return -EINVAL;
    }
    return exchange->left >= 0 && size > (uint64_t)exchange->left ? -EMSGSIZE : 0;
}

int sp_http_exchange_send_parts(struct sunpath_http_exchange *exchange, int fd,
                                const struct sp_http_file_part *parts, size_t n_parts) {
    uint64_t size = 0;
    int r;

    for (size_t i = 0; i < n_parts; i++) {
        size += parts[i].n_before + parts[i].size;
    }
    r = may_send(exchange, fd, size);
    if (r < 0) {
        return r;
    }
    begin_file(exchange, fd, size);
    exchange->file_parts = parts;
    exchange->n_file_parts = exchange->is_bodyless ? 0 : n_parts;
    sp_http_exchange_pump_file(exchange);
    return 0;
}

int sunpath_http_send_file(struct sunpath_http_exchange *exchange, int fd, uint64_t offset,
                           uint64_t size) {
    struct stat stat;
    int r;

    r = may_send(exchange, fd, 0);
    if (r < 0) {
        return r;
    }
    if (fstat(fd, &stat) < 0) {
        return -errno;
    }
    if (!S_ISREG(stat.st_mode) || offset > INT64_MAX || size > INT64_MAX - offset) {
        return -EINVAL;
    }
    r = may_send(exchange, fd, size);
    if (r < 0) {
        return r;
    }
    begin_file(exchange, fd, size);
    r = begin_range(exchange, offset, size);
    if (r < 0) {
        finish_file(exchange, r);
    } else {
        sp_http_exchange_pump_file(exchange);
    }
    return 0;
}
