/* SPDX-License-Identifier: MIT */
/* syslog-line.h - a message as it goes to the log: its header, and its text made one line. */

#ifndef SP_SOCK_SYSLOG_LINE_H
#define SP_SOCK_SYSLOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_SYSLOG_IDENT_MAX  48  /* APP-NAME of RFC 5424 */
#define SP_SYSLOG_HEADER_MAX 256 /* with the longest ident, and host name of Linux (64 bytes) */

struct sp_syslog_style {
    char ident[SP_SYSLOG_IDENT_MAX + 1];
    bool with_pid;
    bool rfc5424;
};

/* Stores `ident`, or the program's name for NULL, made to fit. False: it cannot be written. */
bool sp_syslog_set_ident(struct sp_syslog_style *style, const char *ident);

/* Writes what is in front of the text, and a NUL. Returns its length. */
size_t sp_syslog_put_header(char out[SP_SYSLOG_HEADER_MAX], const struct sp_syslog_style *style,
                            int priority, int64_t wall_ns);

/*
 * Writes as much of `text`, escaped, as fits, and no half characters. Returns how much it wrote;
 * *ret_used is how much of `text` that was.
 */
size_t sp_syslog_put_text(char *out, size_t room, const char *text, size_t size, size_t *ret_used);

#endif
