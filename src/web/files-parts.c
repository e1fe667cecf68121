/* SPDX-License-Identifier: MIT */
/* files-parts.c - several ranges of a file in one answer, multipart/byteranges (RFC 9110 14.6). */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "web/files.h"

#define BOUNDARY_SIZE 32

/* No file has these 128 random bits by accident, and nobody knows them before. */
static int make_boundary(char *ret) {
    unsigned char bytes[BOUNDARY_SIZE / 2];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
        return -EIO;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    }
    return 0;
}

static int make_part(struct sp_http_file_part *ret, struct sunpath_http_exchange *exchange,
                     const char *boundary, const char *type, const struct sp_http_range *range,
                     uint64_t whole) {
    size_t size = strlen(type) + BOUNDARY_SIZE + 160;
    char *text = sunpath_http_alloc(exchange, size);

    if (!text) {
        return -ENOMEM;
    }
    ret->before = text;
    ret->n_before =
        (size_t)snprintf(text, size,
                         "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %" PRIu64 "-%" PRIu64
                         "/%" PRIu64 "\r\n\r\n",
                         boundary, type, range->first, range->first + range->size - 1, whole);
    ret->offset = range->first;
    ret->size = range->size;
    return 0;
}

static int make_end(struct sp_http_file_part *ret, struct sunpath_http_exchange *exchange,
                    const char *boundary) {
    char *text = sunpath_http_alloc(exchange, BOUNDARY_SIZE + 16);

    if (!text) {
        return -ENOMEM;
    }
    *ret = (struct sp_http_file_part){.before = text};
    ret->n_before = (size_t)snprintf(text, BOUNDARY_SIZE + 16, "\r\n--%s--\r\n", boundary);
    return 0;
}

/* The parts and what ends them: n_ranges + 1. */
static int make_parts(struct sp_http_file_part *ret, struct sunpath_http_exchange *exchange,
                      uint64_t whole, const char *type, const struct sp_http_range *ranges,
                      size_t n_ranges) {
    char boundary[BOUNDARY_SIZE + 1];
    char field[sizeof("multipart/byteranges; boundary=") + BOUNDARY_SIZE];
    int r = make_boundary(boundary);

    for (size_t i = 0; r == 0 && i < n_ranges; i++) {
        r = make_part(&ret[i], exchange, boundary, type, &ranges[i], whole);
    }
    if (r == 0) {
        r = make_end(&ret[n_ranges], exchange, boundary);
    }
    if (r < 0) {
        return r;
    }
    snprintf(field, sizeof(field), "multipart/byteranges; boundary=%s", boundary);
    return sunpath_http_set_header(exchange, "Content-Type", field);
}

int sp_files_send_parts(struct sunpath_http_exchange *exchange, int fd, uint64_t whole,
                        const char *type, const struct sp_http_range *ranges, size_t n_ranges) {
    struct sp_http_file_part *parts = sunpath_http_alloc(exchange, (n_ranges + 1) * sizeof(*parts));
    uint64_t size = 0;
    int r;

    if (!parts) {
        return -ENOMEM;
    }
    r = make_parts(parts, exchange, whole, type, ranges, n_ranges);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i <= n_ranges; i++) {
        size += parts[i].n_before + parts[i].size;
    }
    r = sunpath_http_start(exchange, 206, (int64_t)size);
    return r < 0 ? r : sp_http_exchange_send_parts(exchange, fd, parts, n_ranges + 1);
}
