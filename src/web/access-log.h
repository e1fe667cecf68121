/* SPDX-License-Identifier: MIT */
/* access-log.h - the parts of an access log: entries as text, and where the text goes. */

#ifndef SP_WEB_ACCESS_LOG_H
#define SP_WEB_ACCESS_LOG_H

#include <sunpath/access-log.h>

#include "base/buffer.h"
#include "loop/loop.h"

/* ---- access-log-format.c: pure ----------------------------------------------------------------
 */

/* What a line says. NULL: not known. */
struct sp_log_entry {
    const struct sunpath_http_record *record;
    const struct sunpath_peer *peer;
    const char *client, *host; /* an address; what the client asked for */
    const char *user;          /* the peer's, by name */
    const char *executable, *auth_user;
    const char *method, *target; /* "" when the request could not be read */
    int version;                 /* 10 or 11 */
    const char *referer, *user_agent, *request_id;
};

/* Bytes that suffice for the line. */
size_t sp_log_room(const struct sp_log_entry *entry);

/* Writes the line with its line feed and returns what is behind. */
char *sp_log_put(char *at, enum sunpath_access_log_format format, const struct sp_log_entry *entry);

/* ---- access-log-writer.c ----------------------------------------------------------------------
 */

/* Text on its way to a descriptor that may not take it. Embedded in its owner. */
struct sp_log_writer {
    struct sunpath_loop *loop;
    int fd; /* owned; -1: none */
    bool is_file, is_socket;
    struct sp_buffer pending;
    size_t max_pending;
    uint64_t n_dropped; /* lines */
    struct sp_task task;
    struct sunpath_watch *watch; /* while it is waited for room */
};

/* Owns `fd` in any case. */
void sp_log_writer_open(struct sp_log_writer *writer, struct sunpath_loop *loop, int fd,
                        size_t max_pending);

/* Room for a line; -ENOBUFS, -ENOMEM: it is lost, and counted. */
int sp_log_writer_reserve(struct sp_log_writer *writer, char **ret, size_t size);
/* The line was written there. It leaves at the end of this turn. */
void sp_log_writer_commit(struct sp_log_writer *writer, size_t size);

/* Goes on to another descriptor (owned in any case) after what can be written to the old one. */
void sp_log_writer_switch(struct sp_log_writer *writer, int fd);

void sp_log_writer_close(struct sp_log_writer *writer);

#endif
