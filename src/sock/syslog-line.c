/* SPDX-License-Identifier: MIT */
/* syslog-line.c - a message as it goes to the log: its header, and its text made one line. */

#include "sock/syslog-line.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "os/clock.h"

/* What a header's word may hold; with ":" or "[" a reader of the older format would end it early.
 */
static bool is_allowed(char c, bool rfc5424) {
    return c > ' ' && c <= '~' && (rfc5424 || (c != ':' && c != '['));
}

bool sp_syslog_set_ident(struct sp_syslog_style *style, const char *ident) {
    bool is_given = ident != NULL;
    size_t size;

    ident = is_given ? ident : program_invocation_short_name;
    size = strnlen(ident, SP_SYSLOG_IDENT_MAX + (size_t)is_given);
    if (size > SP_SYSLOG_IDENT_MAX || (is_given && size == 0)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bool fits = is_allowed(ident[i], style->rfc5424);

        if (!fits && is_given) {
            return false;
        }
        style->ident[i] = '_';
        if (fits) {
            style->ident[i] = ident[i];
        }
    }
    style->ident[size] = '\0';
    if (size == 0) { /* a program that was started without a name */
        memcpy(style->ident, "-", 2);
    }
    return true;
}

/* "Nov  5 12:00:00" as syslog(3) writes it, whatever the locale. */
static size_t put_old(char *out, size_t room, const struct sp_syslog_style *style, int priority,
                      const struct tm *now) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char pid[16] = "";

    if (style->with_pid) {
        snprintf(pid, sizeof(pid), "[%d]", (int)getpid());
    }
    return (size_t)snprintf(out, room, "<%d>%.3s %2d %02d:%02d:%02d %s%s: ", priority,
                            months + 3 * now->tm_mon, now->tm_mday, now->tm_hour, now->tm_min,
                            now->tm_sec, style->ident, pid);
}

static void read_host(char *ret, size_t n_ret) {
    if (gethostname(ret, n_ret) < 0 || ret[0] == '\0') {
        memcpy(ret, "-", 2);
    }
    ret[n_ret - 1] = '\0';
    for (char *c = ret; *c; c++) {
        *c = is_allowed(*c, true) ? *c : '_';
    }
}

static size_t put_new(char *out, size_t room, const struct sp_syslog_style *style, int priority,
                      const struct tm *now, int us) {
    int minutes = (int)(now->tm_gmtoff / 60), east = minutes < 0 ? -minutes : minutes;
    char host[HOST_NAME_MAX + 1], pid[16] = "-";

    read_host(host, sizeof(host));
    if (style->with_pid) {
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
    }
    return (size_t)snprintf(
        out, room, "<%d>1 %04d-%02d-%02dT%02d:%02d:%02d.%06d%c%02d:%02d %s %s %s - - ", priority,
        now->tm_year + 1900, now->tm_mon + 1, now->tm_mday, now->tm_hour, now->tm_min, now->tm_sec,
        us, minutes < 0 ? '-' : '+', east / 60, east % 60, host, style->ident, pid);
}

size_t sp_syslog_put_header(char out[SP_SYSLOG_HEADER_MAX], const struct sp_syslog_style *style,
                            int priority, int64_t wall_ns) {
    time_t seconds = (time_t)(wall_ns / (int64_t)SP_NS_PER_S);
    int us = (int)(wall_ns % (int64_t)SP_NS_PER_S / 1000);
    struct tm now = {0};

    (void)localtime_r(&seconds, &now); /* fails for years that do not fit in an int */
    return style->rfc5424 ? put_new(out, SP_SYSLOG_HEADER_MAX, style, priority, &now, us)
                          : put_old(out, SP_SYSLOG_HEADER_MAX, style, priority, &now);
}

size_t sp_syslog_put_text(char *out, size_t room, const char *text, size_t size, size_t *ret_used) {
    size_t written = 0, used = 0;

    while (used < size) {
        char piece[4];
        size_t n_used, n = sp_escape_next(piece, &n_used, text + used, size - used);

        if (n > room - written) {
            break;
        }
        memcpy(out + written, piece, n);
        written += n;
        used += n_used;
    }
    *ret_used = used;
    return written;
}
