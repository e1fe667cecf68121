/* SPDX-License-Identifier: MIT */
/* http-request.c - what a handler can ask about the request. */

#include "serve/http-server.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "flow/stream.h"

/* ---- where the request lies ------------------------------------------------------------------ */

char *sp_http_exchange_head(struct sunpath_http_exchange *exchange) {
    size_t size;

    if (exchange->is_kept) {
        return sp_buffer_size(&exchange->kept) > 0 ? sp_buffer_bytes(&exchange->kept) : NULL;
    }
    return exchange->connection->stream ? sp_stream_input(exchange->connection->stream, &size)
                                        : NULL;
}

/* What follows a span in a head is a delimiter nobody needs any more: there the NUL goes. */
static const char *text(struct sunpath_http_exchange *exchange, struct sp_span span) {
    char *bytes = sp_http_exchange_head(exchange);

    if (!bytes) {
        return "";
    }
    bytes[span.at + span.size] = '\0';
    return bytes + span.at;
}

/* Appends and puts a NUL behind that does not count. */
static int append(struct sp_buffer *buffer, const char *data, size_t size) {
    char *room;
    int r;

    if (size == SIZE_MAX) {
        return -ENOMEM;
    }
    r = sp_buffer_reserve(buffer, &room, size + 1, SIZE_MAX);
    if (r < 0) {
        return r;
    }
    memcpy(room, data, size);
    room[size] = '\0';
    sp_buffer_commit(buffer, size);
    return 0;
}

void sp_http_exchange_keep_head(struct sunpath_http_exchange *exchange) {
    const struct sp_http_connection *connection = exchange->connection;
    size_t size;

    if (exchange->is_kept) {
        return;
    }
    if (sp_http_exchange_is_awaited(exchange) &&
        append(&exchange->kept, sp_stream_input(connection->stream, &size), exchange->n_head) < 0) {
        exchange->error = -ENOMEM; /* on_finish finds an empty request */
    }
    exchange->n_in_place = 0;
    exchange->is_kept = true;
}

int sp_http_exchange_keep(struct sunpath_http_exchange *exchange) {
    struct sunpath_stream *stream = exchange->connection->stream;
    size_t size;
    char *input = sp_stream_input(stream, &size);
    int r = append(&exchange->kept, input, exchange->n_head);

    if (r >= 0 && exchange->n_in_place > 0) {
        r = append(&exchange->collected, input + exchange->n_head - 1, exchange->n_in_place);
    }
    if (r < 0) {
        exchange->kept.end = exchange->kept.begin;
        return r;
    }
    sunpath_stream_consume(stream, exchange->n_head + exchange->n_in_place);
    exchange->n_in_place = 0;
    exchange->is_kept = true;
    return 0;
}

int sp_http_exchange_add_piece(struct sunpath_http_exchange *exchange, const char *data,
                               size_t size) {
    return append(&exchange->collected, data, size);
}

/* Trailers lie one after the other: name, NUL, value, NUL. */
int sp_http_exchange_add_trailer(struct sunpath_http_exchange *exchange, const char *line,
                                 size_t size) {
    struct sp_buffer *trailers = &exchange->trailers;
    struct sp_http_field field;
    char *at;
    int r;

    r = sp_buffer_reserve(trailers, &at, size + 2, SIZE_MAX);
    if (r < 0) {
        return r;
    }
    sp_http_split_field(&field, line, size);
    memcpy(at, line + field.name.at, field.name.size);
    at += field.name.size;
    *at++ = '\0';
    memcpy(at, line + field.value.at, field.value.size);
    at[field.value.size] = '\0';
    sp_buffer_commit(trailers, field.name.size + field.value.size + 2);
    return 0;
}

/* ---- the accessors --------------------------------------------------------------------------- */

const char *sunpath_http_method(struct sunpath_http_exchange *exchange) {
    return text(exchange, exchange->head.method);
}

const char *sunpath_http_target(struct sunpath_http_exchange *exchange) {
    return text(exchange, exchange->head.target);
}

int sunpath_http_version(struct sunpath_http_exchange *exchange) {
    return exchange->head.version;
}

const char *sunpath_http_header(struct sunpath_http_exchange *exchange, const char *name) {
    char *bytes = sp_http_exchange_head(exchange), *value;
    size_t size;

    if (!bytes) {
        return NULL;
    }
    value = (char *)sp_http_find_field(&exchange->head, bytes, name, &size);
    if (value) {
        value[size] = '\0';
    }
    return value;
}

static bool trailer_at(struct sunpath_http_exchange *exchange, size_t index, const char **ret_name,
                       const char **ret_value) {
    const char *at, *end;

    if (sp_buffer_size(&exchange->trailers) == 0) {
        return false;
    }
    at = sp_buffer_bytes(&exchange->trailers);
    end = at + sp_buffer_size(&exchange->trailers);
    while (at < end) {
        const char *value = at + strlen(at) + 1;

        if (index-- == 0) {
            *ret_name = at;
            *ret_value = value;
            return true;
        }
        at = value + strlen(value) + 1;
    }
    return false;
}

bool sp_http_exchange_field_at(struct sunpath_http_exchange *exchange, size_t index,
                               const char **ret_name, const char **ret_value) {
    const struct sp_http_head *head = &exchange->head;

    if (index >= head->n_fields || !sp_http_exchange_head(exchange)) {
        return false;
    }
    *ret_name = text(exchange, head->fields[index].name);
    *ret_value = text(exchange, head->fields[index].value);
    return true;
}

bool sunpath_http_header_at(struct sunpath_http_exchange *exchange, size_t index,
                            const char **ret_name, const char **ret_value) {
    size_t n_fields = exchange->head.n_fields;

    return index < n_fields ? sp_http_exchange_field_at(exchange, index, ret_name, ret_value)
                            : trailer_at(exchange, index - n_fields, ret_name, ret_value);
}

const char *sunpath_http_head(struct sunpath_http_exchange *exchange, size_t *ret_size) {
    const char *bytes = sp_http_exchange_head(exchange);

    *ret_size = bytes ? exchange->n_head - 1 : 0; /* a body in place may begin where it ends */
    return bytes ? bytes : "";
}

const void *sunpath_http_body(struct sunpath_http_exchange *exchange, size_t *ret_size) {
    size_t size = exchange->n_in_place;
    const char *body = "";

    if (size > 0 && exchange->connection->stream) {
        size_t n_input;

        body = sp_stream_input(exchange->connection->stream, &n_input) + exchange->n_head - 1;
    } else {
        size = sp_buffer_size(&exchange->collected);
        if (size > 0) {
            body = sp_buffer_bytes(&exchange->collected);
        }
    }
    if (ret_size) {
        *ret_size = size;
    }
    return body;
}

int64_t sunpath_http_content_length(struct sunpath_http_exchange *exchange) {
    if (exchange->head.framing != SP_HTTP_LENGTH || exchange->head.content_length > INT64_MAX) {
        return -1;
    }
    return (int64_t)exchange->head.content_length;
}

const struct sunpath_peer *sp_http_connection_peer(struct sp_http_connection *connection) {
    if (connection->peer_state == SP_HTTP_PEER_UNKNOWN && connection->stream) {
        int r = sunpath_peer_read(&connection->peer, sunpath_stream_fd(connection->stream));

        connection->peer_state = r < 0 ? SP_HTTP_PEER_NONE : SP_HTTP_PEER_KNOWN;
    }
    return connection->peer_state == SP_HTTP_PEER_KNOWN ? &connection->peer : NULL;
}

const struct sunpath_peer *sunpath_http_peer(struct sunpath_http_exchange *exchange) {
    return sp_http_connection_peer(exchange->connection);
}

const char *sunpath_http_peer_executable(struct sunpath_http_exchange *exchange) {
    struct sp_http_connection *connection = exchange->connection;

    if (!connection->executable && connection->stream) {
        char path[PATH_MAX];
        int r = sunpath_peer_executable(sunpath_stream_fd(connection->stream), path, sizeof(path));

        connection->executable = strdup(r < 0 ? "" : path);
    }
    return connection->executable && *connection->executable ? connection->executable : NULL;
}

int sunpath_http_fd(struct sunpath_http_exchange *exchange) {
    struct sunpath_stream *stream = exchange->connection->stream;

    return stream ? sunpath_stream_fd(stream) : -EBADF;
}

size_t sunpath_http_n_queued(struct sunpath_http_exchange *exchange) {
    struct sunpath_stream *stream = exchange->connection->stream;

    return stream ? sp_stream_n_queued(stream) : 0;
}

struct sunpath_http_server *sunpath_http_exchange_server(struct sunpath_http_exchange *exchange) {
    return exchange->connection->server;
}

/* ---- what goes with it ----------------------------------------------------------------------- */

struct sp_http_note {
    struct sp_http_note *next;
    const void *key;
    void *value;
};

void *sunpath_http_alloc(struct sunpath_http_exchange *exchange, size_t size) {
    return sp_arena_alloc(&exchange->arena, size);
}

static struct sp_http_note *find_note(struct sunpath_http_exchange *exchange, const void *key) {
    struct sp_http_note *note = exchange->notes;

    while (note && note->key != key) {
        note = note->next;
    }
    return note;
}

int sunpath_http_set_note(struct sunpath_http_exchange *exchange, const void *key, void *value) {
    struct sp_http_note *note = find_note(exchange, key);

    if (!note) {
        note = sp_arena_alloc(&exchange->arena, sizeof(*note));
        if (!note) {
            return -ENOMEM;
        }
        *note = (struct sp_http_note){.next = exchange->notes, .key = key};
        exchange->notes = note;
    }
    note->value = value;
    return 0;
}

void *sunpath_http_note(struct sunpath_http_exchange *exchange, const void *key) {
    const struct sp_http_note *note = find_note(exchange, key);

    return note ? note->value : NULL;
}

void sunpath_http_set_user(struct sunpath_http_exchange *exchange, void *data) {
    exchange->user = data;
}

void *sunpath_http_user(struct sunpath_http_exchange *exchange) {
    return exchange->user;
}

/* ---- whose it is, and holding it back ------------------------------------------------------- */

int sunpath_http_set_handler(struct sunpath_http_exchange *exchange,
                             const struct sunpath_http_handler *handler, void *user) {
    if (!handler || !handler->on_request) {
        return -EINVAL;
    }
    if (exchange->is_asked || exchange->is_ended || exchange->n_body > 0) {
        return -EALREADY;
    }
    exchange->handler = handler;
    exchange->handler_user = user;
    return 0;
}

int sunpath_http_set_max_body(struct sunpath_http_exchange *exchange, uint64_t max_body) {
    if (exchange->is_asked || exchange->n_body > 0) {
        return -EALREADY;
    }
    exchange->max_body = max_body;
    return 0;
}

static void hold_back(struct sunpath_http_exchange *exchange) {
    struct sp_http_connection *connection = exchange->connection;

    connection->since_ns = sp_loop_now(connection->server->loop);
    if (!connection->is_pumping && !connection->is_dead) {
        sp_http_connection_hold(connection);
    }
}

static void let_in(struct sunpath_http_exchange *exchange) {
    struct sp_http_connection *connection = exchange->connection;

    if (!sp_http_exchange_is_paused(exchange) && !connection->is_dead) {
        connection->since_ns = sp_loop_now(connection->server->loop);
        sp_http_connection_poke(connection);
    }
}

void sunpath_http_pause(struct sunpath_http_exchange *exchange) {
    exchange->is_paused = true;
    hold_back(exchange);
}

void sunpath_http_resume(struct sunpath_http_exchange *exchange) {
    if (exchange->is_paused) {
        exchange->is_paused = false;
        let_in(exchange);
    }
}

void sp_http_exchange_defer(struct sunpath_http_exchange *exchange) {
    exchange->is_deferred = true;
    hold_back(exchange);
}

void sp_http_exchange_admit(struct sunpath_http_exchange *exchange) {
    exchange->is_deferred = false;
    let_in(exchange);
}
