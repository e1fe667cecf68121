/* SPDX-License-Identifier: MIT */
/* syslog.h - send to the system's log as syslog(3) does, with errors, and read such messages. */

#ifndef SUNPATH_SYSLOG_H
#define SUNPATH_SYSLOG_H

#include <stdarg.h>

#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A way to the log. It belongs to one thread, and there may be any number of them. */
struct sunpath_syslog;

struct sunpath_syslog_options {
    size_t size;
    const char *socket; /* the log's address; NULL: /dev/log */
    const char *ident;  /* who says it: 1 to 48 printable ASCII characters; NULL: the program */
    int facility;       /* LOG_DAEMON ... of <syslog.h>; 0: LOG_USER */
    bool with_pid;      /* "ident[pid]", as LOG_PID */
    bool rfc5424;       /* the newer format, with the year, microseconds and the host's name */
    bool splits;        /* a message over max_size becomes several; else it is -EMSGSIZE */
    size_t max_size;    /* bytes of a message with its header, 480 to 1 MiB; 0: 8,096 */
    int timeout_ms;     /* one message may wait so long; 0: 1,000; -1: no limit */
    bool no_wait;       /* no message waits at all: what does not fit is dropped and counted */
    bool may_be_absent; /* opening does not fail when nobody is there: each message tries anew */
};

/*
 * Opens the way to a log daemon: a datagram socket or, as syslog(3) does, a stream, on which each
 * message ends with a NUL.
 *
 * Errors, each with the reason in `error`: -EINVAL (an option is out of range, the ident has a
 * space, or ":" or "[" with the older format), -ENOMEM, and without `may_be_absent` what
 * sunpath_connect() says.
 */
SUNPATH_API int sunpath_syslog_open(struct sunpath_syslog **ret,
                                    const struct sunpath_syslog_options *options,
                                    struct sunpath_error *error);

/* Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_syslog *sunpath_syslog_close(struct sunpath_syslog *log);

/*
 * Sends one message. `priority` is a level (LOG_ERR ...) of <syslog.h>, with a facility when it is
 * not the usual one. Control characters and what is not UTF-8 become \n, \t or \xHH, so one message
 * is one line wherever it ends up; a newline at its end is dropped. Backslashes stay.
 *
 * Nothing is cut: what does not fit in max_size, or in what the socket takes, is -EMSGSIZE and not
 * sent or, with `splits`, several messages with the same header. A daemon that was started anew is
 * found again.
 *
 * 0, or a negative errno and the message is lost: -EINVAL (no such priority, or format), -EMSGSIZE,
 * -ETIMEDOUT (the daemon does not read; with no_wait -EAGAIN), -ENOENT, -ECONNREFUSED, -EACCES,
 * -EPIPE (it is gone), -EMFILE, -ENOMEM (print). All but the first two count: n_dropped.
 */
SUNPATH_API int sunpath_syslog_write(struct sunpath_syslog *log, int priority, const void *text,
                                     size_t size);
SUNPATH_API int sunpath_syslog_print(struct sunpath_syslog *log, int priority, const char *format,
                                     ...) SUNPATH_PRINTF(3, 4);
SUNPATH_API int sunpath_syslog_vprint(struct sunpath_syslog *log, int priority, const char *format,
                                      va_list arguments) SUNPATH_PRINTF(3, 0);

/* How many messages were lost so far because the daemon was gone or did not read. */
SUNPATH_API uint64_t sunpath_syslog_n_dropped(const struct sunpath_syslog *log);

/* A part of a message: it lies in the bytes that were read. NULL when the message has none. */
struct sunpath_syslog_part {
    const char *data;
    size_t size;
};

struct sunpath_syslog_message {
    int priority;    /* level and facility; 13 (user.notice) when the message has none */
    bool is_rfc5424; /* else what RFC 3164 describes, as far as it was recognized */
    struct sunpath_syslog_part time;
    struct sunpath_syslog_part host;  /* messages on this host have none in the older format */
    struct sunpath_syslog_part ident; /* TAG, APP-NAME */
    struct sunpath_syslog_part pid;   /* what the sender says: digits, as a rule */
    struct sunpath_syslog_part id;    /* MSGID; RFC 5424 alone */
    struct sunpath_syslog_part data;  /* STRUCTURED-DATA, with its brackets; RFC 5424 alone */
    struct sunpath_syslog_part text;  /* the message itself; never NULL, may be empty */
};

/*
 * Takes a message apart that came to a log socket (RFC 5424; RFC 3164, section 4.3: whatever comes
 * is a message, so this cannot fail). A newline or NUL at its end is dropped. Parts may hold any
 * byte: sunpath_escape() before they are shown.
 */
SUNPATH_API void sunpath_syslog_parse(struct sunpath_syslog_message *ret, const void *bytes,
                                      size_t size);

#ifdef __cplusplus
}
#endif

#endif
