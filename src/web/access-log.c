/* SPDX-License-Identifier: MIT */
/* access-log.c - observes servers and logs their requests. */

#include "web/access-log.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sunpath/auth.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"

#define N_NAMES 16 /* users whose names are remembered */

struct sunpath_access_log {
    struct sp_log_writer writer;
    enum sunpath_access_log_format format;
    const struct sunpath_forwarded *forwarded;
    char *path; /* NULL: a descriptor of the caller's */
    struct {
        bool is_known;
        uid_t uid;
        char name[33];
    } names[N_NAMES];
};

/* ---- what is known --------------------------------------------------------------------------- */

/* Looked up once: a directory service may be asked. A user without a name is a number. */
static const char *user_name(struct sunpath_access_log *log, uid_t uid) {
    unsigned slot = uid % N_NAMES;
    struct passwd user, *found = NULL;
    char room[4096];

    if (log->names[slot].is_known && log->names[slot].uid == uid) {
        return log->names[slot].name;
    }
    log->names[slot].is_known = true;
    log->names[slot].uid = uid;
    snprintf(log->names[slot].name, sizeof(log->names[slot].name), "%u", (unsigned)uid);
    if (getpwuid_r(uid, &user, room, sizeof(room), &found) == 0 && found) {
        snprintf(log->names[slot].name, sizeof(log->names[slot].name), "%s", found->pw_name);
    }
    return log->names[slot].name;
}

static void fill(struct sunpath_access_log *log, struct sp_log_entry *entry,
                 struct sunpath_http_exchange *exchange, const struct sunpath_http_record *record) {
    struct sunpath_client client = {.address = NULL};

    (void)sunpath_forwarded_read(log->forwarded, exchange, &client);
    *entry = (struct sp_log_entry){
        .record = record,
        .peer = sunpath_http_peer(exchange),
        .client = client.address,
        .host = client.host,
        .auth_user = sunpath_auth_user(exchange),
        .method = sunpath_http_method(exchange),
        .target = sunpath_http_target(exchange),
        .version = sunpath_http_version(exchange),
    };
    if (entry->peer && !entry->peer->is_unmapped) {
        entry->user = user_name(log, entry->peer->uid);
    }
    if (log->format == SUNPATH_LOG_COMMON) {
        return;
    }
    entry->referer = sunpath_http_header(exchange, "Referer");
    entry->user_agent = sunpath_http_header(exchange, "User-Agent");
    if (log->format == SUNPATH_LOG_JSON) {
        entry->request_id = sunpath_http_header(exchange, "X-Request-Id");
        entry->executable = sunpath_http_peer_executable(exchange);
    }
}

static void on_record(struct sunpath_http_exchange *exchange,
                      const struct sunpath_http_record *record, void *user) {
    struct sunpath_access_log *log = user;
    struct sp_log_entry entry;
    char *line;

    fill(log, &entry, exchange, record);
    if (sp_log_writer_reserve(&log->writer, &line, sp_log_room(&entry)) >= 0) {
        sp_log_writer_commit(&log->writer, (size_t)(sp_log_put(line, log->format, &entry) - line));
    }
}

/* While the client waits for its answer it runs and is connected; later it may be gone. */
static void on_begin(struct sunpath_http_exchange *exchange, void *user) {
    const struct sunpath_access_log *log = user;
    struct sunpath_client client;

    if (log->forwarded || !sunpath_http_peer(exchange)) {
        (void)sunpath_forwarded_read(log->forwarded, exchange, &client);
    }
    if (log->format == SUNPATH_LOG_JSON) {
        (void)sunpath_http_peer_executable(exchange);
    }
}

int sunpath_access_log_attach(struct sunpath_access_log *log, struct sunpath_http_server *server) {
    static const struct sunpath_http_observer observer = {.on_begin = on_begin,
                                                          .on_record = on_record};

    return sunpath_http_server_observe(server, &observer, log);
}

/* ---- the file -------------------------------------------------------------------------------- */

static int open_path(const char *path, struct sunpath_error *error) {
    /* A FIFO without a reader must not hold us up; what is written to it later may fail. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    struct sp_shown shown;

    if (fd >= 0) {
        return fd;
    }
    return sp_fail(error, -errno, sp_reason_of_errno(-errno), "open", "'%s': %m",
                   sp_show(&shown, path, strlen(path)));
}

static int open_fd(const struct sunpath_access_log_options *options, struct sunpath_error *error) {
    int fd;

    if (options->path) {
        return open_path(options->path, error);
    }
    fd = fcntl(options->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        return sp_fail(error, -errno, SUNPATH_REASON_INVALID, "log", "to descriptor %d: %m",
                       options->fd);
    }
    return fd;
}

int sunpath_access_log_reopen(struct sunpath_access_log *log, struct sunpath_error *error) {
    int fd;

    if (!log->path) {
        return sp_fail(error, -EOPNOTSUPP, SUNPATH_REASON_INVALID, "reopen",
                       "the log: it has no path");
    }
    fd = open_path(log->path, error);
    if (fd < 0) {
        return fd;
    }
    sp_log_writer_switch(&log->writer, fd);
    return 0;
}

uint64_t sunpath_access_log_n_dropped(const struct sunpath_access_log *log) {
    return log->writer.n_dropped;
}

/* ---- life ------------------------------------------------------------------------------------ */

int sunpath_access_log_open(struct sunpath_access_log **ret, struct sunpath_loop *loop,
                            const struct sunpath_access_log_options *given,
                            struct sunpath_error *error) {
    _cleanup_(sp_freep) struct sunpath_access_log *log = NULL;
    struct sunpath_access_log_options options;
    int fd, r;

    r = sp_options_read(&options, sizeof(options), given);
    if (r < 0 || !ret || !loop || options.format > SUNPATH_LOG_JSON) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "log", "with these options");
    }
    log = calloc(1, sizeof(*log));
    if (!log || (options.path && !(log->path = strdup(options.path)))) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "log", "out of memory");
    }
    fd = open_fd(&options, error);
    if (fd < 0) {
        free(log->path);
        return fd;
    }
    log->format = options.format;
    log->forwarded = options.forwarded;
    sp_log_writer_open(&log->writer, loop, fd,
                       options.max_pending ? options.max_pending : 1024 * 1024);
    *ret = sp_take_ptr(&log);
    return 0;
}

struct sunpath_access_log *sunpath_access_log_close(struct sunpath_access_log *log) {
    if (log) {
        sp_log_writer_close(&log->writer);
        free(log->path);
        free(log);
    }
    return NULL;
}
