/* SPDX-License-Identifier: MIT */
/* access-log-format.c - an access log's lines. */

#include "web/access-log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "os/clock.h"

#define N_SHOWN 4096 /* bytes of a name that are shown */

/* ---- pieces ---------------------------------------------------------------------------------- */

static size_t shown_size(const char *text) {
    return text ? strnlen(text, N_SHOWN) : 0;
}

static char *put(char *at, const char *text) {
    size_t size = strlen(text);

    memcpy(at, text, size);
    return at + size;
}

static char *put_number(char *at, uint64_t number) {
    char digits[20];
    size_t n = 0;

    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0) {
        *at++ = digits[--n];
    }
    return at;
}

static char *put_hex(char *at, unsigned char byte) {
    static const char digits[] = "0123456789abcdef";

    *at++ = '\\';
    *at++ = 'x';
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
    return at;
}

/* As Apache and nginx do: what is not printable ASCII, quotes and backslashes become \xHH. */
static char *put_quoted(char *at, const char *text) {
    size_t size = shown_size(text);

    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') {
            at = put_hex(at, byte);
        } else {
            *at++ = text[i];
        }
    }
    return at;
}

/* The same as one word: "-" for nothing, and "_" for a space. */
static char *put_word(char *at, const char *text) {
    char *from = at;

    at = put_quoted(at, text);
    for (char *space = from; (space = memchr(space, ' ', (size_t)(at - space)));) {
        *space++ = '_';
    }
    return at == from ? put(at, "-") : at;
}

/* ---- the common format ----------------------------------------------------------------------- */

static char *put_local_time(char *at, int64_t time_ns) {
    time_t seconds = (time_t)(time_ns / (int64_t)SP_NS_PER_S);
    struct tm local;
    char text[40] = "-";

    if (localtime_r(&seconds, &local)) {
        (void)strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S %z", &local);
    }
    return put(at, text);
}

static char *put_host(char *at, const struct sp_log_entry *entry) {
    if (entry->client) {
        return put_word(at, entry->client);
    }
    at = put(at, "unix:");
    if (entry->peer && !entry->peer->is_outside_pid_namespace) {
        at = put_number(at, (uint64_t)entry->peer->pid);
    }
    return at;
}

static char *put_common(char *at, const struct sp_log_entry *entry) {
    at = put_host(at, entry);
    *at++ = ' ';
    at = put_word(at, entry->user);
    *at++ = ' ';
    at = put_word(at, entry->auth_user);
    at = put(at, " [");
    at = put_local_time(at, entry->record->time_ns);
    at = put(at, "] \"");
    if (*entry->method) {
        at = put_quoted(at, entry->method);
        *at++ = ' ';
        at = put_quoted(at, entry->target);
        at = put(at, entry->version == 10 ? " HTTP/1.0" : " HTTP/1.1");
    } else {
        *at++ = '-';
    }
    at = put(at, "\" ");
    at = put_number(at, (uint64_t)entry->record->status);
    *at++ = ' ';
    return put_number(at, entry->record->n_body_sent);
}

static char *put_combined(char *at, const struct sp_log_entry *entry) {
    at = put_common(at, entry);
    at = put(at, " \"");
    at = entry->referer ? put_quoted(at, entry->referer) : put(at, "-");
    at = put(at, "\" \"");
    at = entry->user_agent ? put_quoted(at, entry->user_agent) : put(at, "-");
    *at++ = '"';
    return at;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static char *put_key(char *at, const char *key) {
    at = put(at, ",\"");
    at = put(at, key);
    return put(at, "\":");
}

static char *put_text(char *at, const char *key, const char *text) {
    at = put_key(at, key);
    return text ? sp_put_json_text(at, text, shown_size(text)) : put(at, "null");
}

static char *put_integer(char *at, const char *key, bool is_known, uint64_t number) {
    at = put_key(at, key);
    return is_known ? put_number(at, number) : put(at, "null");
}

static char *put_utc_time(char *at, int64_t time_ns) {
    time_t seconds = (time_t)(time_ns / (int64_t)SP_NS_PER_S);
    unsigned ms = (unsigned)(time_ns % (int64_t)SP_NS_PER_S / (int64_t)SP_NS_PER_MS);
    char text[40] = "";
    struct tm utc;

    if (gmtime_r(&seconds, &utc)) {
        size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);

        snprintf(text + n, sizeof(text) - n, ".%03uZ", ms);
    }
    at = put(at, "{\"time\":\"");
    at = put(at, text);
    *at++ = '"';
    return at;
}

static char *put_who(char *at, const struct sp_log_entry *entry) {
    const struct sunpath_peer *peer = entry->peer;
    bool has_ids = peer && !peer->is_unmapped;

    at = put_text(at, "client", entry->client);
    at = put_text(at, "host", entry->host);
    at = put_integer(at, "pid", peer && !peer->is_outside_pid_namespace,
                     peer ? (uint64_t)peer->pid : 0);
    at = put_integer(at, "uid", has_ids, peer ? peer->uid : 0);
    at = put_integer(at, "gid", has_ids, peer ? peer->gid : 0);
    at = put_text(at, "user", entry->user);
    at = put_text(at, "executable", entry->executable);
    return put_text(at, "auth_user", entry->auth_user);
}

static char *put_milliseconds(char *at, const char *key, uint64_t ns) {
    char text[32];

    snprintf(text, sizeof(text), "%" PRIu64 ".%03u", (uint64_t)(ns / SP_NS_PER_MS),
             (unsigned)(ns % SP_NS_PER_MS / 1000));
    return put(put_key(at, key), text);
}

static char *put_json(char *at, const struct sp_log_entry *entry) {
    const struct sunpath_http_record *record = entry->record;
    bool is_read = *entry->method != '\0';

    at = put_utc_time(at, record->time_ns);
    at = put_who(at, entry);
    at = put_text(at, "method", is_read ? entry->method : NULL);
    at = put_text(at, "target", is_read ? entry->target : NULL);
    at = put_text(at, "protocol", !is_read ? NULL : entry->version == 10 ? "HTTP/1.0" : "HTTP/1.1");
    at = put_integer(at, "status", record->status > 0, (uint64_t)record->status);
    at = put_integer(at, "received", true, record->n_received);
    at = put_integer(at, "sent", true, record->n_body_sent);
    at = put_integer(at, "sent_total", true, record->n_sent);
    at = put_milliseconds(at, "duration_ms", record->duration_ns);
    at = put_text(at, "referer", entry->referer);
    at = put_text(at, "user_agent", entry->user_agent);
    at = put_text(at, "request_id", entry->request_id);
    at = put_text(at, "route", record->route);
    at = put_text(at, "error", record->error ? strerror(-record->error) : NULL);
    at = put_text(at, "why", record->why);
    *at++ = '}';
    return at;
}

/* ---- the whole ------------------------------------------------------------------------------- */

size_t sp_log_room(const struct sp_log_entry *entry) {
    const char *const texts[] = {entry->client,     entry->host,          entry->user,
                                 entry->executable, entry->auth_user,     entry->method,
                                 entry->target,     entry->referer,       entry->user_agent,
                                 entry->request_id, entry->record->route, entry->record->why};
    size_t size = 1024; /* keys, numbers, times, the error */

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size += SP_JSON_TEXT_ROOM(shown_size(texts[i]));
    }
    return size;
}

char *sp_log_put(char *at, enum sunpath_access_log_format format,
                 const struct sp_log_entry *entry) {
    switch (format) {
    case SUNPATH_LOG_JSON:
        at = put_json(at, entry);
        break;
    case SUNPATH_LOG_COMBINED:
        at = put_combined(at, entry);
        break;
    case SUNPATH_LOG_COMMON:
        at = put_common(at, entry);
        break;
    }
    *at++ = '\n';
    return at;
}
