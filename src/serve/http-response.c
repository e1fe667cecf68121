/* SPDX-License-Identifier: MIT */
/* http-response.c - a handler's answer, written straight into the connection's output. */

#include "serve/http-server.h"

#include <sunpath/http.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/put.h"
#include "flow/stream.h"
#include "os/clock.h"

const char *sunpath_http_reason(int status) {
    return sp_http_reason(status);
}

/* ---- output ---------------------------------------------------------------------------------- */

/* Who has left takes any amount. */
static bool has_room(const struct sp_http_connection *connection, size_t size) {
    const struct sunpath_stream *stream = connection->stream;
    size_t max = connection->server->options.max_output;

    return !stream || sp_stream_error(stream) ||
           (size <= max && sp_stream_n_queued(stream) <= max - size);
}

/* The first output that waits: from now on the client owes us to take it. */
static void note_waiting(struct sp_http_connection *connection) {
    connection->n_sent = connection->n_written;
    connection->sent_ns = sp_loop_now(connection->server->loop);
}

static sp_noinline int reserve_any(char **ret, struct sp_http_connection *connection, size_t size) {
    *ret = NULL;
    return has_room(connection, size) ? sp_http_reserve_anyway(ret, connection, size) : -ENOBUFS;
}

/*
 * Stores room for `size` bytes in *ret. When the client has left there is none, and 0 is returned:
 * whoever answers need not know. -ENOBUFS, -ENOMEM.
 */
static inline int reserve(char **ret, struct sp_http_connection *connection, size_t size) {
    struct sunpath_stream *stream = connection->stream;
    size_t max = connection->server->options.max_output;

    if (sp_unlikely(!stream || !sp_stream_can_collect(stream, size) ||
                    sp_flow_of(stream)->n_output + size > max)) {
        return reserve_any(ret, connection, size);
    }
    if (sp_flow_of(stream)->n_output == 0) {
        note_waiting(connection);
    }
    *ret = sp_stream_reserve_collected(stream);
    return 0;
}

int sp_http_reserve(char **ret, struct sp_http_connection *connection, size_t size) {
    return reserve(ret, connection, size);
}

int sp_http_reserve_anyway(char **ret, struct sp_http_connection *connection, size_t size) {
    struct sunpath_stream *stream = connection->stream;
    size_t n_queued;

    *ret = NULL;
    if (!stream || sp_stream_error(stream)) {
        return 0;
    }
    n_queued = sp_stream_n_queued(stream);
    *ret = sp_stream_reserve(stream, size);
    if (!*ret) {
        return sp_stream_error(stream) ? 0 : -ENOMEM;
    }
    if (n_queued == 0) {
        note_waiting(connection);
    }
    return 0;
}

void sp_http_note_written(struct sp_http_connection *connection, size_t size) {
    connection->n_written += size;
    connection->server->stats.n_sent += size;
    if (!connection->is_pumping) {
        sp_http_connection_arm(connection); /* else the pump does, when all is written */
    }
}

void sp_http_commit(struct sp_http_connection *connection, size_t size) {
    (void)sp_stream_commit(connection->stream, size);
    sp_http_note_written(connection, size);
}

/* ---- heads ----------------------------------------------------------------------------------- */

#define PUT(at, literal) sp_put(at, literal, sizeof(literal) - 1)

/* Formatting the date costs more than all the rest of a head: once a second is enough. */
static void refresh_date(struct sunpath_http_server *server) {
    uint64_t now_ns = sp_loop_now(server->loop);
    struct timespec now;

    if (now_ns == server->date_ns) {
        return; /* the same turn of the loop */
    }
    server->date_ns = now_ns;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != server->date_s) {
        server->date_s = now.tv_sec;
        server->n_date = (size_t)(sp_http_put_date(server->date, now.tv_sec) - server->date);
        server->start.status = 0;
    }
}

/*
 * Status line and date; nearly always the same bytes as the last time. They are copied with the
 * room behind them, as a size that the compiler knows needs no call.
 */
static inline char *put_start(struct sunpath_http_server *server, char *at, int status) {
    struct sp_http_start *start = &server->start;

    refresh_date(server);
    if (sp_unlikely(status != start->status)) {
        char *end = sp_http_put_status(start->text, status);

        end = sp_put(end, server->date, server->n_date);
        start->status = status;
        start->size = (size_t)(end - start->text);
    }
    memcpy(at, start->text, sizeof(start->text));
    return at + start->size;
}

static sp_noinline ssize_t take_new_type(struct sp_http_type *last, const char *type) {
    size_t size = strlen(type);

    if (!sp_http_is_value(type, size)) {
        return -EINVAL;
    }
    if (size < sizeof(last->name)) {
        char *end = sp_http_put_field(last->line, "Content-Type", 12, type, size);

        memcpy(last->name, type, size + 1);
        last->n_name = size;
        last->n_line = (size_t)(end - last->line);
    }
    return (ssize_t)size;
}

/*
 * The length of a type, or -EINVAL when it may not be sent. Nearly always it is the last one; a new
 * one is that from now on, unless it is too long.
 */
static inline ssize_t take_type(struct sp_http_type *last, const char *type) {
    return sp_likely(strcmp(type, last->name) == 0 && last->n_line > 0) ? (ssize_t)last->n_name
                                                                        : take_new_type(last, type);
}

/* A type that take_type() has just taken. */
static inline char *put_type(const struct sp_http_type *last, char *at, const char *type,
                             size_t size) {
    if (sp_unlikely(size >= sizeof(last->name))) {
        return sp_http_put_field(at, "Content-Type", 12, type, size);
    }
    memcpy(at, last->line, sizeof(last->line));
    return at + last->n_line;
}

static size_t head_room(const struct sunpath_http_exchange *exchange) {
    const struct sunpath_http_server *server = exchange->connection->server;

    return sizeof(server->start.text) + SP_HTTP_LENGTH_ROOM + 64 + server->n_server_line +
           sp_buffer_size(&exchange->fields);
}

/* Uses the added fields up. */
static char *put_fields(struct sunpath_http_exchange *exchange, char *at) {
    struct sp_buffer *fields = &exchange->fields;

    if (sp_buffer_size(fields) > 0) {
        at = sp_put(at, sp_buffer_bytes(fields), sp_buffer_size(fields));
        fields->begin = fields->end = 0;
    }
    return at;
}

/* All of a head but Content-Type, the body's length and the empty line. */
static inline char *put_head(struct sunpath_http_server *server,
                             struct sunpath_http_exchange *exchange, char *at, int status) {
    at = put_start(server, at, status);
    if (server->server_line) {
        at = sp_put(at, server->server_line, server->n_server_line);
    }
    at = put_fields(exchange, at);
    if (server->is_draining) {
        exchange->keep_alive = false;
    }
    if (!exchange->keep_alive) {
        at = PUT(at, "Connection: close\r\n");
    } else if (exchange->head.version == 10) {
        at = PUT(at, "Connection: keep-alive\r\n");
    }
    return at;
}

/* ---- helpers --------------------------------------------------------------------------------- */

static bool has_no_body(int status) {
    return status == 204 || status == 304;
}

static int may_start(struct sunpath_http_exchange *exchange, int status) {
    if (exchange->is_started) {
        return sp_http_exchange_fault(exchange, -EALREADY, "it answered twice");
    }
    return status < 200 || status > 599 ? -EINVAL : 0;
}

/*
 * A body that is refused but here already costs nothing to skip; else the connection cannot go on
 * after the answer.
 */
static void refuse_body(struct sunpath_http_exchange *exchange) {
    struct sp_http_connection *connection = exchange->connection;
    uint64_t length = exchange->head.content_length;
    size_t size;

    if (!exchange->is_reading || connection->is_dead) {
        return;
    }
    sp_stream_input(connection->stream, &size);
    if (!exchange->is_kept && exchange->head.framing == SP_HTTP_LENGTH &&
        size - exchange->n_head >= length) {
        exchange->n_in_place = (size_t)length;
        exchange->is_reading = false;
        return;
    }
    exchange->keep_alive = false;
}

void sp_http_exchange_end(struct sunpath_http_exchange *exchange) {
    exchange->is_ended = true;
    if (sp_unlikely(sp_http_is_observed(exchange))) {
        exchange->ended_ns = sp_now_ns();
    }
    sp_http_connection_poke(exchange->connection);
}

void sp_http_exchange_cut(struct sunpath_http_exchange *exchange, int error) {
    exchange->error = error;
    exchange->is_cut = true;
    sp_http_exchange_end(exchange);
}

/* ---- whole responses ------------------------------------------------------------------------- */

static inline void put_whole(struct sunpath_http_exchange *exchange, char *start, int status,
                             const char *type, size_t n_type, const void *body, size_t size) {
    struct sp_http_connection *connection = exchange->connection;
    struct sunpath_http_server *server = connection->server;
    char *at = put_head(server, exchange, start, status);

    if (type) {
        at = put_type(&server->type, at, type, n_type);
    }
    if (!has_no_body(status)) {
        at = sp_http_put_length(at, size);
    }
    at = PUT(at, "\r\n");
    if (size > 0 && !exchange->is_head_request) {
        at = sp_put(at, body, size);
        exchange->n_body_sent = size;
    }
    sp_http_commit(connection, (size_t)(at - start));
}

static inline int put_response(struct sunpath_http_exchange *exchange, int status, const char *type,
                               const void *body, size_t size) {
    struct sp_http_type *last_type = &exchange->connection->server->type;
    size_t n_body = exchange->is_head_request ? 0 : size;
    ssize_t n_type = type ? take_type(last_type, type) : 0;
    char *start;
    int r;

    if (n_type < 0) {
        return (int)n_type;
    }
    if (n_body > SIZE_MAX / 2) {
        return -ENOBUFS;
    }
    r = reserve(&start, exchange->connection,
                head_room(exchange) + sizeof(last_type->line) + (size_t)n_type + n_body);
    if (r < 0) {
        return r;
    }
    if (start) {
        refuse_body(exchange);
        put_whole(exchange, start, status, type, (size_t)n_type, body, size);
    }
    return 0;
}

/* put_response() after what only some responses want of it. */
static sp_noinline int put_special(struct sunpath_http_exchange *exchange, int status,
                                   const char *type, const void *body, size_t size) {
    size_t n;
    int r;

    if (type && take_type(&exchange->connection->server->type, type) < 0) {
        return -EINVAL; /* before anything of the response has changed */
    }
    if (type) {
        sp_http_exchange_drop_field(exchange, "Content-Type");
    }
    if (exchange->hooks) {
        r = sp_http_exchange_call_start(exchange);
        if (r < 0) {
            return r;
        }
        type = sp_http_exchange_find_field(exchange, "Content-Type", &n) ? NULL : type;
    }
    if (exchange->may_encode) {
        r = sp_http_exchange_encode_whole(exchange, status, type, &body, &size);
        if (r < 0) {
            return r;
        }
    }
    r = put_response(exchange, status, type, body, size);
    if (r < 0) {
        sp_http_exchange_forget_coding(exchange);
    }
    return r;
}

int sunpath_http_respond(struct sunpath_http_exchange *exchange, int status, const char *type,
                         const void *body, size_t size) {
    int r;

    r = may_start(exchange, status);
    if (r < 0) {
        return r;
    }
    if (size > 0 && !body) {
        return -EINVAL;
    }
    if (size > 0 && has_no_body(status)) {
        return sp_http_exchange_fault(exchange, -EMSGSIZE,
                                      "it gave a body to a status that has none");
    }
    if (sp_likely(!exchange->hooks && !exchange->may_encode &&
                  sp_buffer_size(&exchange->fields) == 0)) {
        r = put_response(exchange, status, type, body, size);
    } else {
        r = put_special(exchange, status, type, body, size);
    }
    if (r < 0) {
        return r;
    }
    exchange->is_started = true;
    exchange->status = status;
    sp_http_exchange_end(exchange);
    return 0;
}

int sunpath_http_status(const struct sunpath_http_exchange *exchange) {
    return exchange->status;
}

int sunpath_http_inform(struct sunpath_http_exchange *exchange, int status) {
    struct sp_http_connection *connection = exchange->connection;
    char *start, *at;
    int r;

    if (exchange->is_started) {
        return -EALREADY;
    }
    if (status < 100 || status > 199 || status == 101) {
        return -EINVAL;
    }
    if (exchange->head.version == 10) {
        exchange->fields.begin = exchange->fields.end = 0;
        return 0; /* RFC 9110 15.2: no interim responses to HTTP/1.0 */
    }
    r = sp_http_reserve(&start, connection, head_room(exchange));
    if (r < 0 || !start) {
        return r;
    }
    at = sp_http_put_status(start, status);
    at = put_fields(exchange, at);
    at = PUT(at, "\r\n");
    sp_http_commit(connection, (size_t)(at - start));
    exchange->is_continued = exchange->is_continued || status == 100;
    return 0;
}

/* ---- responses in pieces --------------------------------------------------------------------- */

/* How the end of this response will be told (RFC 9112 6.3). */
static void choose_framing(struct sunpath_http_exchange *exchange, int status,
                           int64_t content_length) {
    exchange->is_bodyless = exchange->is_head_request || has_no_body(status);
    exchange->left = has_no_body(status) ? 0 : content_length;
    if (exchange->left < 0 && exchange->head.version == 11) {
        exchange->is_chunked = true;
    } else if (exchange->left < 0) {
        exchange->keep_alive = exchange->keep_alive && exchange->is_head_request;
    }
}

int sunpath_http_start(struct sunpath_http_exchange *exchange, int status, int64_t content_length) {
    char *start, *at;
    int r;

    r = may_start(exchange, status);
    if (r < 0) {
        return r;
    }
    if (content_length < -1) {
        return -EINVAL;
    }
    if (sp_unlikely(exchange->hooks)) {
        r = sp_http_exchange_call_start(exchange);
        if (r < 0) {
            return r;
        }
    }
    if (sp_unlikely(exchange->may_encode)) {
        r = sp_http_exchange_choose_coding(exchange, status, NULL, content_length);
        if (r < 0) {
            return r;
        }
    }
    r = sp_http_reserve(&start, exchange->connection, head_room(exchange));
    if (r < 0) {
        sp_http_exchange_forget_coding(exchange);
        return r;
    }
    exchange->is_started = true;
    exchange->status = status;
    choose_framing(exchange, status, exchange->encoder ? -1 : content_length);
    if (!start) {
        return 0;
    }
    at = put_head(exchange->connection->server, exchange, start, status);
    if (exchange->is_chunked) {
        at = PUT(at, "Transfer-Encoding: chunked\r\n");
    } else if (content_length >= 0 && !exchange->encoder && status != 204) {
        at = sp_http_put_length(at, (uint64_t)content_length);
    }
    at = PUT(at, "\r\n");
    sp_http_commit(exchange->connection, (size_t)(at - start));
    if (exchange->encoder) {
        exchange->left = content_length; /* what the handler has to write all the same */
    }
    return 0;
}

static int may_write(struct sunpath_http_exchange *exchange) {
    if (exchange->is_ended || exchange->file_fd >= 0) {
        return sp_http_exchange_fault(exchange, -EALREADY, "it wrote behind the response's end");
    }
    return exchange->is_started
               ? 0
               : sp_http_exchange_fault(exchange, -EINVAL, "it wrote before it started a response");
}

/* Whoever calls has asked whether there is room. */
static int put_piece(struct sunpath_http_exchange *exchange, const void *data, size_t size) {
    struct sp_http_connection *connection = exchange->connection;
    char *start, *at;
    int r;

    if (size == 0) {
        return 0; /* an empty chunk would be the last */
    }
    r = sp_http_reserve_anyway(&start, connection, size + SP_HTTP_CHUNK_ROOM + 2);
    if (r < 0 || !start) {
        return r;
    }
    at = exchange->is_chunked ? sp_http_put_chunk_head(start, size) : start;
    at = sp_put(at, data, size);
    at = exchange->is_chunked ? PUT(at, "\r\n") : at;
    exchange->n_body_sent += size;
    sp_http_commit(connection, (size_t)(at - start));
    if (sp_stream_n_queued(connection->stream) < SP_HTTP_HIGH_MARK) {
        return 0;
    }
    exchange->wants_drain = true;
    return 1;
}

/* What the encoder has taken and cannot give leaves a gap: then the response ends there. */
static int put_encoded(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                       enum sp_coder_mode mode) {
    struct sp_slice encoded;
    int r;

    r = sp_http_exchange_encode(exchange, data, size, mode, &encoded);
    r = r < 0 ? r : put_piece(exchange, encoded.data, encoded.size);
    if (r < 0) {
        sp_http_exchange_cut(exchange, r);
    }
    return r;
}

/* What its encoder has taken cannot be given back: so whether there is room is asked before. */
int sp_http_exchange_put_body(struct sunpath_http_exchange *exchange, const void *data,
                              size_t size) {
    if (size == 0 || exchange->is_bodyless) {
        return 0;
    }
    if (!has_room(exchange->connection, size + SP_HTTP_CHUNK_ROOM + 2)) {
        exchange->wants_drain = true; /* `max_output` may lie below the high mark */
        return -ENOBUFS;
    }
    if (sp_likely(!exchange->encoder)) {
        return put_piece(exchange, data, size);
    }
    return put_encoded(exchange, data, size, exchange->left < 0 ? SP_CODER_FLUSH : SP_CODER_RUN);
}

int sunpath_http_write(struct sunpath_http_exchange *exchange, const void *data, size_t size) {
    int r;

    r = may_write(exchange);
    if (r < 0) {
        return r;
    }
    if (size > 0 && !data) {
        return -EINVAL;
    }
    if (exchange->left >= 0 && size > (uint64_t)exchange->left) {
        return sp_http_exchange_fault(exchange, -EMSGSIZE, "it wrote more than it had announced");
    }
    if (size > SIZE_MAX / 2) {
        return -ENOBUFS;
    }
    r = sp_http_exchange_put_body(exchange, data, size);
    if (r >= 0 && exchange->left > 0) {
        exchange->left -= (int64_t)size;
    }
    return r;
}

/* The last chunk, with what trailers were added. */
int sp_http_exchange_put_end(struct sunpath_http_exchange *exchange) {
    char *start, *at;
    int r;

    if (exchange->encoder && !exchange->is_bodyless) {
        r = put_encoded(exchange, NULL, 0, SP_CODER_FINISH);
        if (r < 0) {
            return r;
        }
        sp_http_exchange_drop_encoder(exchange->connection->server, exchange);
    }
    if (!exchange->is_chunked || exchange->is_bodyless) {
        return 0;
    }
    r = sp_http_reserve(&start, exchange->connection,
                        sp_buffer_size(&exchange->fields) + sizeof("0\r\n\r\n"));
    if (r < 0 || !start) {
        return r;
    }
    at = PUT(start, "0\r\n");
    at = put_fields(exchange, at);
    at = PUT(at, "\r\n");
    sp_http_commit(exchange->connection, (size_t)(at - start));
    return 0;
}

int sunpath_http_end(struct sunpath_http_exchange *exchange) {
    int r;

    r = may_write(exchange);
    if (r < 0) {
        return r;
    }
    if (exchange->left > 0 && !exchange->is_bodyless) {
        (void)sp_http_exchange_fault(exchange, 0, "it wrote less than it had announced");
        sp_http_exchange_cut(exchange, -EIO);
        return 0;
    }
    r = sp_http_exchange_put_end(exchange);
    if (r < 0) {
        return r;
    }
    sp_http_exchange_end(exchange);
    return 0;
}
