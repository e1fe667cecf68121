/* SPDX-License-Identifier: MIT */
/* http-client-body.c - the body of a request, piece by piece, as it goes on the wire. */

#include <errno.h>
#include <string.h>

#include "client/http-client.h"

/* Turns the `size` bytes behind the room for a chunk's size into a chunk, the last one with its
 * end. Returns the whole length. */
static ssize_t frame(const struct sunpath_http_request *request, const char **ret_data, char *room,
                     size_t size) {
    char *data = room + SP_HTTP_CHUNK_ROOM;
    char *end = data + size;

    if (size > 0) {
        char mark[SP_HTTP_CHUNK_ROOM];
        size_t n_mark = (size_t)(sp_http_put_chunk_head(mark, size) - mark);

        data -= n_mark;
        memcpy(data, mark, n_mark);
        end = stpcpy(end, "\r\n");
    }
    if (request->sending == SP_HTTP_SENT) {
        end = stpcpy(end, "0\r\n\r\n");
    }
    *ret_data = data;
    return end - data;
}

static ssize_t next_of_memory(struct sunpath_http_request *request, const char **ret_data,
                              char *room) {
    size_t left = request->options.n_body - (size_t)request->n_sent;
    size_t size = left < SP_HTTP_CLIENT_PIECE ? left : SP_HTTP_CLIENT_PIECE;
    const char *data = (const char *)request->options.body + request->n_sent;

    request->n_sent += size;
    if (size == left) {
        request->sending = SP_HTTP_SENT;
    }
    if (!request->is_chunked) {
        *ret_data = data;
        return (ssize_t)size;
    }
    memcpy(room + SP_HTTP_CHUNK_ROOM, data, size);
    return frame(request, ret_data, room, size);
}

static ssize_t next_of_source(struct sunpath_http_request *request, const char **ret_data,
                              char *room, struct sunpath_error *error) {
    const struct sunpath_http_request_options *options = &request->options;
    size_t size = SP_HTTP_CLIENT_PIECE;
    ssize_t n;

    if (!request->is_chunked && options->body_length - (int64_t)request->n_sent < (int64_t)size) {
        size = (size_t)(options->body_length - (int64_t)request->n_sent);
    }
    request->is_read = true;
    n = size > 0 ? request->source.read(request->source.user, room + SP_HTTP_CHUNK_ROOM, size) : 0;
    if (n == -EAGAIN) {
        return n;
    }
    if (n < 0 || (size_t)n > size) {
        n = n < 0 ? n : -EINVAL;
        return sp_http_request_fail(request, error, (int)n, SUNPATH_REASON_SYSTEM,
                                    "reading the body to send: %s", strerror((int)-n));
    }
    if (n == 0 && size > 0 && !request->is_chunked) {
        return sp_http_request_fail(request, error, -ENODATA, SUNPATH_REASON_SYSTEM,
                                    "the body to send ended after %llu of %lld bytes",
                                    (unsigned long long)request->n_sent,
                                    (long long)options->body_length);
    }

    request->n_sent += (uint64_t)n;
    if (request->is_chunked ? n == 0 : (int64_t)request->n_sent == options->body_length) {
        request->sending = SP_HTTP_SENT;
    }
    if (request->is_chunked) {
        return frame(request, ret_data, room, (size_t)n);
    }
    *ret_data = room + SP_HTTP_CHUNK_ROOM;
    return n;
}

ssize_t sp_http_request_next_piece(struct sunpath_http_request *request, const char **ret_data,
                                   char *room, struct sunpath_error *error) {
    return request->source.read ? next_of_source(request, ret_data, room, error)
                                : next_of_memory(request, ret_data, room);
}
