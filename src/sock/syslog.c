/* SPDX-License-Identifier: MIT */
/* syslog.c - the way to a log daemon, and what happens when it is gone or does not read. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <sunpath/connection.h>
#include <sunpath/syslog.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/fd.h"
#include "sock/send-all.h"
#include "sock/syslog-line.h"
#include "sock/target.h"

#define DEFAULT_SOCKET     "/dev/log"
#define DEFAULT_TIMEOUT_MS 1000
#define DEFAULT_SIZE       8096 /* rsyslog cuts what is longer */
#define SIZE_MIN           480  /* RFC 5424 section 6.1: every receiver takes so much */
#define SIZE_LIMIT         (1 << 20)

struct sunpath_syslog {
    struct sunpath_syslog_options options; /* read: numbers set, strings not used any more */
    struct sunpath_address address;
    struct sp_syslog_style style;
    int fd; /* -1: not connected */
    bool is_stream;
    uint64_t n_dropped;
    char line[]; /* max_size bytes, and the NUL that ends a message on a stream */
};

/* ---- open and close -------------------------------------------------------------------------- */

static int refuse(struct sunpath_error *error, const char *why) {
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "syslog", "%s", why);
}

static int read_options(struct sunpath_syslog_options *ret,
                        const struct sunpath_syslog_options *options, struct sunpath_error *error) {
    if (sp_options_read(ret, sizeof(*ret), options) < 0) {
        return refuse(error, "the options' size is not set");
    }
    if (ret->facility & ~LOG_FACMASK || LOG_FAC(ret->facility) >= LOG_NFACILITIES) {
        return refuse(error, "there is no such facility");
    }
    if (ret->timeout_ms < -1) {
        return refuse(error, "the timeout is negative");
    }
    ret->max_size = ret->max_size == 0 ? DEFAULT_SIZE : ret->max_size;
    if (ret->max_size < SIZE_MIN || ret->max_size > SIZE_LIMIT) {
        return refuse(error, "max_size is not between 480 bytes and 1 MiB");
    }
    ret->facility = ret->facility == 0 ? LOG_USER : ret->facility;
    ret->timeout_ms = ret->no_wait           ? 0
                      : ret->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS
                                             : ret->timeout_ms;
    return 0;
}

static int read_address(struct sunpath_address *ret, const char *text,
                        struct sunpath_error *error) {
    struct sp_shown shown;
    int r = sunpath_address_parse(ret, text ? text : DEFAULT_SOCKET, error);

    if (r == 0 && !sp_target_is_local(ret)) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "syslog",
                       "'%s': a log's address is a path or an abstract name",
                       sp_show_address(&shown, ret));
    }
    return r;
}

static int set_ident(struct sp_syslog_style *style, const struct sunpath_syslog_options *options,
                     struct sunpath_error *error) {
    struct sp_shown shown;

    style->with_pid = options->with_pid;
    style->rfc5424 = options->rfc5424;
    if (sp_syslog_set_ident(style, options->ident)) {
        return 0;
    }
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "syslog",
                   "'%s': who says it is 1 to 48 printable ASCII characters without a space%s",
                   sp_show(&shown, options->ident, strlen(options->ident)),
                   options->rfc5424 ? "" : ", ':' or '['");
}

static int dial_as(struct sunpath_syslog *log, enum sunpath_type type, uint64_t deadline_ns,
                   struct sunpath_error *error) {
    struct sunpath_connect_options options = SUNPATH_OPTIONS(struct sunpath_connect_options);
    int left_ms = sp_left_ms(deadline_ns);
    int r;

    options.type = type;
    options.timeout_ms = left_ms;
    options.no_wait = left_ms == 0;
    r = sunpath_connect_address(&log->fd, &log->address, &options, error);
    log->is_stream = r == 0 && type == SUNPATH_STREAM;
    return r;
}

static int dial(struct sunpath_syslog *log, uint64_t deadline_ns, struct sunpath_error *error) {
    int r;

    if (log->address.is_typed) {
        return dial_as(log, log->address.type, deadline_ns, error);
    }
    r = dial_as(log, SUNPATH_DGRAM, deadline_ns, error);
    if (r == -EPROTOTYPE) {
        r = dial_as(log, SUNPATH_STREAM, deadline_ns, error);
        if (r == 0 && error) {
            *error = (struct sunpath_error){0};
        }
    }
    return r;
}

static void closep(struct sunpath_syslog **log) {
    *log = sunpath_syslog_close(*log);
}

int sunpath_syslog_open(struct sunpath_syslog **ret, const struct sunpath_syslog_options *options,
                        struct sunpath_error *error) {
    _cleanup_(closep) struct sunpath_syslog *log = NULL;
    struct sunpath_syslog_options read;
    int r = read_options(&read, options, error);

    if (r < 0) {
        return r;
    }
    log = malloc(sizeof(*log) + read.max_size + 1);
    if (!log) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "syslog", "out of memory");
    }
    *log = (struct sunpath_syslog){.options = read, .fd = -1};
    r = read_address(&log->address, read.socket, error);
    if (r == 0) {
        r = set_ident(&log->style, &read, error);
    }
    if (r == 0) {
        r = dial(log, sp_deadline_ns(read.timeout_ms), read.may_be_absent ? NULL : error);
        r = read.may_be_absent ? 0 : r;
    }
    if (r < 0) {
        return r;
    }
    *ret = sp_take_ptr(&log);
    return 0;
}

struct sunpath_syslog *sunpath_syslog_close(struct sunpath_syslog *log) {
    if (log) {
        sp_close(log->fd);
        free(log);
    }
    return NULL;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* The daemon that we were connected to is no more; there may be another. */
static bool is_gone(int code) {
    return code == -ECONNREFUSED || code == -EPIPE || code == -ECONNRESET || code == -ENOTCONN;
}

static int send_once(struct sunpath_syslog *log, size_t size, uint64_t deadline_ns) {
    int r = log->fd >= 0 ? 0 : dial(log, deadline_ns, NULL);

    if (r < 0) {
        return r;
    }
    if (log->is_stream) {
        log->line[size++] = '\0';
    }
    r = sp_send_all(log->fd, log->line, size, NULL, deadline_ns);
    if (r < 0 && (log->is_stream || is_gone(r))) {
        log->fd =
            sp_close(log->fd); /* a stream may have got half a message: the next begins anew */
    }
    return r;
}

static int send_line(struct sunpath_syslog *log, size_t size, uint64_t deadline_ns) {
    bool was_connected = log->fd >= 0;
    int r = send_once(log, size, deadline_ns);

    return was_connected && is_gone(r) ? send_once(log, size, deadline_ns) : r;
}

/* Sends `text`, in pieces if it must and may be. */
static int send_text(struct sunpath_syslog *log, size_t n_header, const char *text, size_t size) {
    uint64_t deadline_ns = sp_deadline_ns(log->options.timeout_ms);
    size_t max = log->options.max_size;
    int r;

    do {
        size_t n_used,
            n = sp_syslog_put_text(log->line + n_header, max - n_header, text, size, &n_used);

        if (n_used < size && !log->options.splits) {
            return -EMSGSIZE;
        }
        r = send_line(log, n_header + n, deadline_ns);
        if (r == -EMSGSIZE && log->options.splits && max / 2 >= SIZE_MIN) {
            max /= 2; /* the socket takes less */
            r = 0;
            n_used = 0;
        }
        text += n_used;
        size -= n_used;
    } while (r == 0 && size > 0);
    return r;
}

int sunpath_syslog_write(struct sunpath_syslog *log, int priority, const void *text, size_t size) {
    const char *bytes = text;
    char header[SP_SYSLOG_HEADER_MAX];
    size_t n_header;
    int r;

    if (priority & ~(LOG_PRIMASK | LOG_FACMASK) || LOG_FAC(priority) >= LOG_NFACILITIES) {
        return -EINVAL;
    }
    priority |= LOG_FAC(priority) == 0 ? log->options.facility : 0;
    size -= size > 0 && bytes[size - 1] == '\n';
    n_header = sp_syslog_put_header(header, &log->style, priority, sp_wall_ns());
    memcpy(log->line, header, n_header);

    r = send_text(log, n_header, bytes, size);
    log->n_dropped += r < 0 && r != -EMSGSIZE;
    return r == -ETIMEDOUT && log->options.no_wait ? -EAGAIN : r;
}

int sunpath_syslog_vprint(struct sunpath_syslog *log, int priority, const char *format,
                          va_list arguments) {
    _cleanup_(sp_freep) char *text = NULL;
    int n = vasprintf(&text, format, arguments);

    if (n < 0) {
        text = NULL;
        log->n_dropped += errno == ENOMEM;
        return errno == ENOMEM ? -ENOMEM : -EINVAL;
    }
    return sunpath_syslog_write(log, priority, text, (size_t)n);
}

int sunpath_syslog_print(struct sunpath_syslog *log, int priority, const char *format, ...) {
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = sunpath_syslog_vprint(log, priority, format, arguments);
    va_end(arguments);
    return r;
}

uint64_t sunpath_syslog_n_dropped(const struct sunpath_syslog *log) {
    return log->n_dropped;
}
