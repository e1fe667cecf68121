/* SPDX-License-Identifier: MIT */
/* http-transfer.h - the bodies of `sunpath http`: where they come from, where they go, progress. */

#ifndef CLI_HTTP_TRANSFER_H
#define CLI_HTTP_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Bytes so far, shown on a terminal once a transfer takes longer than a moment. */
struct http_progress {
    bool is_shown; /* in: may it be shown at all? */
    const char *verb;
    uint64_t n_done;
    int64_t n_all; /* -1: unknown */
    uint64_t started_ms, printed_ms;
};

void http_progress_begin(struct http_progress *progress, const char *verb, int64_t n_all);
void http_progress_restart(struct http_progress *progress);
void http_progress_add(struct http_progress *progress, uint64_t n);
/* Wipes the line. */
void http_progress_end(struct http_progress *progress);

/* Where a request's body comes from: standard input or a file, streamed. */
struct http_source {
    int fd; /* -1: closed */
    const char *name;
    bool can_wait; /* not a regular file: its writer may be slow */
    struct http_progress *progress;
};

/* "-" is standard input. `*ret_size` is -1 unless it is a regular file. 0 or a negative errno. */
int http_source_open(struct http_source *source, const char *name, int64_t *ret_size);
void http_source_close(struct http_source *source);
/* As sunpath_http_request_options.read_body. */
ssize_t http_source_read(struct http_source *source, void *buffer, size_t size);

/* Back to the beginning, for a body that is to be sent again. -ESPIPE: it cannot. */
int http_source_rewind(struct http_source *source);

/* The whole of a file (or "-") in memory, followed by a NUL. 0 or a negative errno. */
int http_read_whole(char **ret, size_t *ret_size, const char *name);

/* Where the answer goes: standard output, or a file that is made when the answer has come. */
struct http_sink {
    const char *name; /* NULL: standard output */
    int fd;           /* -1: not open yet */
    bool is_appended; /* the file stays as it is, and goes on */
    bool is_guarded;  /* a terminal nobody asked to show binary data on */
    bool is_broken;   /* nobody reads any more */
    struct http_progress *progress;
};

void http_sink_init(struct http_sink *sink, const char *name, struct http_progress *progress);
int http_sink_open(struct http_sink *sink);
/*
 * 0 or a negative errno: -EPIPE when the reader left, -EILSEQ for binary data on a guarded
 * terminal, else the file's.
 */
int http_sink_write(struct http_sink *sink, const void *data, size_t size);
int http_sink_close(struct http_sink *sink);

#endif
