/* SPDX-License-Identifier: MIT */
/* http-upgrade.c - from HTTP to another protocol on the same connection. */

#include "serve/http-server.h"

#include <errno.h>
#include <string.h>

#include "flow/stream.h"

static bool is_asked_for(struct sunpath_http_exchange *exchange, const char *protocol) {
    if (exchange->is_reading || exchange->head.version != 11) {
        return false;
    }
    if (!protocol) {
        return strcmp(sunpath_http_method(exchange), "CONNECT") == 0;
    }
    return exchange->head.has_upgrade && *protocol && sp_http_is_value(protocol, strlen(protocol));
}

static int put_answer(struct sunpath_http_exchange *exchange, const char *protocol) {
    struct sp_http_connection *connection = exchange->connection;
    size_t n_protocol = protocol ? strlen(protocol) : 0;
    size_t n_fields = sp_buffer_size(&exchange->fields);
    char *start, *at;
    int r;

    r = sp_http_reserve(&start, connection, SP_HTTP_STATUS_ROOM + n_protocol + n_fields + 64);
    if (r < 0) {
        return r;
    }
    if (!start) {
        return -EPIPE; /* there is no connection to hand out */
    }
    at = sp_http_put_status(start, protocol ? 101 : 200);
    if (protocol) {
        at = sp_http_put_field(at, "Connection", 10, "upgrade", 7);
        at = sp_http_put_field(at, "Upgrade", 7, protocol, n_protocol);
    }
    if (n_fields > 0) {
        memcpy(at, sp_buffer_bytes(&exchange->fields), n_fields);
        at += n_fields;
    }
    memcpy(at, "\r\n", 2);
    sp_http_commit(connection, (size_t)(at + 2 - start));
    return 0;
}

int sunpath_http_upgrade(struct sunpath_http_exchange *exchange, const char *protocol,
                         struct sunpath_stream **ret, const struct sunpath_stream_events *events,
                         void *user) {
    struct sp_http_connection *connection = exchange->connection;
    struct sunpath_stream *stream;
    int r;

    if (exchange->is_started) {
        return -EALREADY;
    }
    if (!ret || !events || !events->on_close || !is_asked_for(exchange, protocol)) {
        return -EINVAL;
    }
    if (!exchange->is_kept) {
        r = sp_http_exchange_keep(exchange);
        if (r < 0) {
            return r;
        }
    }
    r = put_answer(exchange, protocol);
    if (r < 0) {
        return r;
    }
    exchange->status = protocol ? 101 : 200;
    exchange->is_started = exchange->is_ended = true;
    stream = sp_http_connection_detach(connection);
    (void)sp_stream_hand_over(stream, events, user, NULL); /* fails for bad options alone */
    *ret = stream;
    return 0;
}
