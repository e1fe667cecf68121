/* SPDX-License-Identifier: MIT */
/* files-send.c - the answer to a request for a file: conditions, ranges, headers. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "web/files.h"
#include "wire/http-condition.h"
#include "wire/http-date.h"

#define YOUNG_NS                                                                    \
    2000000000 /* a file that was changed since then may be changed again unnoticed \
                */

/* What is told of a file, and compared with what the client has. */
struct facts {
    struct sp_http_validators validators;
    int64_t now_s;
    char etag[64];
    char date[SP_HTTP_DATE_SIZE + 1]; /* "" when it is none of HTTP's */
};

static void get_facts(struct facts *ret, const struct sunpath_files *files,
                      const struct stat *file) {
    int64_t now_ns = sp_wall_ns(), modified = file->st_mtim.tv_sec;
    bool is_young = now_ns < INT64_MAX - YOUNG_NS && modified >= (now_ns - YOUNG_NS) / 1000000000;

    ret->now_s = now_ns / 1000000000;
    snprintf(ret->etag, sizeof(ret->etag), "%s\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "%08lx\"",
             is_young ? "W/" : "", (uint64_t)file->st_ino, (uint64_t)file->st_size,
             (uint64_t)modified, (unsigned long)file->st_mtim.tv_nsec);
    ret->date[0] = '\0';
    modified = modified < ret->now_s ? modified : ret->now_s; /* RFC 9110 8.8.2.1 */
    if (sp_http_is_date(modified)) {
        *sp_http_write_date(ret->date, modified) = '\0';
    }
    ret->validators = (struct sp_http_validators){
        .etag = files->options.omits_etags ? NULL : ret->etag,
        .modified = modified,
        .has_modified = ret->date[0] && !files->options.omits_dates,
        .is_modified_strong = !is_young,
    };
}

/* ---- conditions and ranges ------------------------------------------------------------------- */

static int check_conditions(struct sunpath_http_exchange *exchange, const struct facts *facts) {
    const struct sp_http_conditions conditions = {
        .if_match = sp_http_exchange_join(exchange, "If-Match", NULL),
        .if_none_match = sp_http_exchange_join(exchange, "If-None-Match", NULL),
        .if_modified_since = sp_http_exchange_join(exchange, "If-Modified-Since", NULL),
        .if_unmodified_since = sp_http_exchange_join(exchange, "If-Unmodified-Since", NULL),
    };

    return sp_http_check_conditions(&conditions, &facts->validators, facts->now_s);
}

/* How many ranges are to be sent; 0: all of it; -ERANGE. */
static int choose_ranges(struct sunpath_http_exchange *exchange, const struct facts *facts,
                         uint64_t size, struct sp_http_range *ret) {
    const char *range = sunpath_http_header(exchange, "Range");
    struct sp_slice if_range;

    if (!range || exchange->is_head_request) { /* it means GET alone: RFC 9110 14.2 */
        return 0;
    }
    if (size == 0) { /* some ask for "bytes=0-" always, and would not know what to do with 416 */
        return 0;
    }
    if_range = sp_http_exchange_join(exchange, "If-Range", NULL);
    if (if_range.data && !sp_http_check_if_range(if_range, &facts->validators, facts->now_s)) {
        return 0;
    }
    return sp_http_read_ranges(ret, range, strlen(range), size);
}

/* ---- headers --------------------------------------------------------------------------------- */

static int add(struct sunpath_http_exchange *exchange, const char *name, const char *value) {
    return value && *value ? sunpath_http_add_header(exchange, name, value) : 0;
}

/* What a 304 has, too. */
static int add_headers(const struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                       const struct sp_found *found, const struct facts *facts) {
    const char *caching = found->is_fallback ? "no-cache" : files->cache_control;
    int r = add(exchange, "ETag", facts->validators.etag);

    if (r == 0 && facts->validators.has_modified) {
        r = add(exchange, "Last-Modified", facts->date);
    }
    if (r == 0) {
        r = add(exchange, "Cache-Control", caching);
    }
    if (r == 0 && files->options.precompressed) {
        r = add(exchange, "Vary", "Accept-Encoding");
    }
    for (size_t i = 0; r == 0 && i < files->headers.n_pairs; i++) {
        r = sunpath_http_set_header(exchange, files->headers.pairs[i].name,
                                    files->headers.pairs[i].value);
    }
    return r;
}

static int add_content_range(struct sunpath_http_exchange *exchange,
                             const struct sp_http_range *range, uint64_t whole) {
    char text[96];

    if (range) {
        snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
                 range->first + range->size - 1, whole);
    } else {
        snprintf(text, sizeof(text), "bytes */%" PRIu64, whole);
    }
    return sunpath_http_set_header(exchange, "Content-Range", text);
}

/* ---- answers --------------------------------------------------------------------------------- */

static int refuse_range(struct sunpath_http_exchange *exchange, uint64_t whole) {
    int r = add_content_range(exchange, NULL, whole);

    return r < 0 ? r : sunpath_http_fail(exchange, 416, "the range is outside of the file");
}

static int send_whole(struct sunpath_http_exchange *exchange, int fd, int status,
                      const struct sp_http_range *range) {
    struct sp_http_file_part *part = sunpath_http_alloc(exchange, sizeof(*part));
    int r;

    if (!part) {
        return -ENOMEM;
    }
    *part = (struct sp_http_file_part){.offset = range->first, .size = range->size};
    r = sunpath_http_start(exchange, status, (int64_t)range->size);
    return r < 0 ? r : sp_http_exchange_send_parts(exchange, fd, part, 1);
}

static int send_content(const struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                        const struct sp_found *found, const struct sp_http_range *ranges, int n) {
    const char *type = sunpath_files_type(files, found->name);
    uint64_t size = (uint64_t)found->stat.st_size;
    const struct sp_http_range all = {0, size};
    int r = add(exchange, "Content-Encoding", found->encoding);

    if (r == 0) {
        r = sunpath_http_set_header(exchange, "Accept-Ranges", "bytes");
    }
    if (r == 0 && n > 1) {
        return sp_files_send_parts(exchange, found->fd, size, type, ranges, (size_t)n);
    }
    if (r == 0) {
        r = sunpath_http_set_header(exchange, "Content-Type", type);
    }
    if (r == 0 && n == 1) {
        r = add_content_range(exchange, ranges, size);
    }
    return r < 0 ? r : send_whole(exchange, found->fd, n == 1 ? 206 : 200, n == 1 ? ranges : &all);
}

int sp_files_send(const struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                  struct sp_found *found) {
    struct sp_http_range ranges[SP_HTTP_MAX_RANGES];
    uint64_t size = (uint64_t)found->stat.st_size;
    struct facts facts;
    int status, n, r;

    get_facts(&facts, files, &found->stat);
    status = check_conditions(exchange, &facts);
    n = status == 0 ? choose_ranges(exchange, &facts, size, ranges) : 0;
    if (status == 412) {
        r = sunpath_http_fail(exchange, 412, "the file is not the one that was meant");
    } else if (n < 0) {
        r = refuse_range(exchange, size);
    } else {
        r = add_headers(files, exchange, found, &facts);
        if (r == 0 && status == 0) {
            return send_content(files, exchange, found, ranges, n);
        }
        r = r < 0 ? r : sunpath_http_respond(exchange, 304, NULL, NULL, 0);
    }
    if (r == 0) {
        found->fd = sp_close(found->fd);
    }
    return r;
}
