/* SPDX-License-Identifier: MIT */
/* access-log.h - a line for each request: who asked for what, and how it went. */

#ifndef SUNPATH_ACCESS_LOG_H
#define SUNPATH_ACCESS_LOG_H

#include <sunpath/forwarded.h>
#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sunpath_access_log_format {
    /*
     * NCSA's common log format, as log analysers read it:
     *
     *   unix:4711 alice - [25/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5
     *
     * The host is the address that a trusted proxy tells or the peer has over TCP; a peer on a Unix
     * socket has none, so it is its pid. The second word is the peer's user, the third the one that
     * sunpath_auth_user() knows. Then time, request, status and bytes of the body.
     */
    SUNPATH_LOG_COMMON = 0,
    /* The same with "Referer" and "User-Agent" behind. */
    SUNPATH_LOG_COMBINED,
    /*
     * An object a line. It has all keys always, null where nothing is known: time (RFC 3339, UTC),
     * client, host, pid, uid, gid, user, executable, auth_user, method, target, protocol, status,
     * received, sent (bytes of the bodies), sent_total, duration_ms, referer, user_agent,
     * request_id (the request's X-Request-Id), route, error, why. Names from outside are escaped as
     * sunpath_escape() does before they are written as JSON.
     */
    SUNPATH_LOG_JSON
};

struct sunpath_access_log_options {
    size_t size;
    enum sunpath_access_log_format format;
    const char *path; /* a file, appended to and created (0640); copied. NULL: `fd` */
    int fd;           /* borrowed until the log is closed: a file, pipe, terminal or socket */
    const struct sunpath_forwarded *forwarded; /* borrowed: whose word about clients counts */
    size_t max_pending;                        /* bytes kept for a reader that is slow; 0: 1 MiB */
};

/*
 * The log never blocks the loop: what a pipe, terminal or socket does not take at once waits, and
 * what does not fit into `max_pending` is dropped and counted. (Files are written at once.) Lines
 * leave at the end of the loop's turn, together.
 */
struct sunpath_access_log;

/* What open(2) says, -EINVAL (options), -EBADF, -ENOMEM. */
SUNPATH_API int sunpath_access_log_open(struct sunpath_access_log **ret, struct sunpath_loop *loop,
                                        const struct sunpath_access_log_options *options,
                                        struct sunpath_error *error);

/* Observes the server: its requests are logged. To be closed after the server is freed. */
SUNPATH_API int sunpath_access_log_attach(struct sunpath_access_log *log,
                                          struct sunpath_http_server *server);

/*
 * Opens `path` anew, after it was renamed (logrotate(8)); on failure the old file stays in use.
 * -EOPNOTSUPP without a path.
 */
SUNPATH_API int sunpath_access_log_reopen(struct sunpath_access_log *log,
                                          struct sunpath_error *error);

/* Lines that were lost: the reader was slow, gone, or the disk full. */
SUNPATH_API uint64_t sunpath_access_log_n_dropped(const struct sunpath_access_log *log);

/* Writes what can be written without waiting. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_access_log *sunpath_access_log_close(struct sunpath_access_log *log);

#ifdef __cplusplus
}
#endif

#endif
