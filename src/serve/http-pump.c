/* SPDX-License-Identifier: MIT */
/* http-pump.c - requests out of a connection's input, one after the other. */

#include "serve/http-server.h"

#include <errno.h>
#include <string.h>

#include "flow/stream.h"

/* ---- a response is complete ------------------------------------------------------------------ */

void sp_http_exchange_land(struct sunpath_http_exchange *exchange) {
    struct sunpath_http_stats *stats = &exchange->connection->server->stats;

    exchange->end_at = exchange->connection->n_written;
    stats->n_in_flight--;
    stats->n_received += exchange->n_body;
}

void sp_http_connection_retire(struct sp_http_connection *connection,
                               struct sunpath_http_exchange *exchange) {
    struct sunpath_http_server *server = connection->server;

    connection->exchange = NULL;
    sp_http_exchange_land(exchange);
    if (!sp_http_exchange_is_awaited(exchange)) {
        sp_http_exchange_give(server, exchange);
        return;
    }
    exchange->next = NULL;
    if (connection->finishing) {
        connection->last_finishing->next = exchange;
    } else {
        connection->finishing = exchange;
    }
    connection->last_finishing = exchange;
    connection->n_finishing++;
}

/* ---- the head -------------------------------------------------------------------------------- */

/*
 * Behind a CONNECT that the handler does not make a tunnel there may be bytes that were meant for
 * the tunnel (to a proxy that takes any 2xx for one, they are): they are no requests.
 */
static bool may_follow(const struct sp_http_head *head, const char *input) {
    return head->keep_alive &&
           !(head->method.size == 7 && memcmp(input + head->method.at, "CONNECT", 7) == 0);
}

/* What the head decides, as long as it stays the same. */
static void judge_head(struct sunpath_http_exchange *exchange, const char *input) {
    const struct sp_http_head *head = &exchange->head;

    exchange->is_head_request =
        head->method.size == 4 && memcmp(input + head->method.at, "HEAD", 4) == 0;
    exchange->may_follow = may_follow(head, input);
    exchange->way = NULL;
}

static void start_exchange(struct sp_http_connection *connection,
                           struct sunpath_http_exchange *exchange) {
    struct sunpath_http_server *server = connection->server;
    uint64_t max_requests = server->options.max_requests;

    connection->exchange = exchange;
    connection->n_requests++;
    server->stats.n_requests++;
    server->stats.n_received += exchange->n_head;
    server->stats.n_in_flight++;
    exchange->connection = connection;
    exchange->max_body = server->options.max_body;
    exchange->began_ns = sp_loop_now(server->loop);
    exchange->ended_ns = 0;
    exchange->begin_at = connection->n_written;
    exchange->keep_alive =
        exchange->may_follow && (max_requests == 0 || connection->n_requests < max_requests);
}

static void go(struct sunpath_http_exchange *exchange, const struct sp_http_way *way) {
    exchange->handler = way->handler;
    exchange->handler_user = way->user;
    exchange->route = way->route;
    exchange->routing = way->routing;
}

/* The program hears of it. */
static void announce(struct sp_http_connection *connection,
                     struct sunpath_http_exchange *exchange) {
    struct sunpath_http_server *server = connection->server;

    if (sp_unlikely(server->users) && !sp_http_uid_limits_take(connection)) {
        (void)sunpath_http_add_header(exchange, "Retry-After", "1");
        sp_http_connection_refuse(connection, 429, "too many requests from this user");
        return;
    }
    if (sp_unlikely(server->n_observers > 0)) {
        sp_http_exchange_tell_begin(exchange);
        if (connection->is_dead || exchange->is_ended) {
            return; /* by an observer: the handler hears nothing of it */
        }
        exchange->way = NULL; /* it may have changed what decides */
    }
    exchange->is_announced = true;
    exchange->may_decode = server->options.decodes_bodies && exchange->is_reading;
    if (sp_unlikely(server->options.compresses)) {
        (void)sunpath_http_compress(exchange, NULL);
    }
    if (exchange->way) {
        go(exchange, exchange->way);
    }
    if (exchange->handler->on_head) {
        exchange->handler->on_head(exchange, exchange->handler_user);
    }
}

static void wait_for_rest(struct sp_http_connection *connection, size_t size) {
    if (connection->is_input_ended) {
        sp_http_connection_refuse(connection, 400, "the request is not complete");
        return;
    }
    if (connection->n_seen == 0) {
        connection->since_ns = sp_loop_now(connection->server->loop);
    }
    connection->n_seen = size;
}

/* Parses the next head, where it lies. NULL: it is not complete, or refused. */
static struct sunpath_http_exchange *parse_head(struct sp_http_connection *connection,
                                                const char *input, size_t size) {
    struct sunpath_http_server *server = connection->server;
    struct sunpath_http_exchange *exchange = sp_http_exchange_take(server);
    ssize_t n;

    if (!exchange) {
        sp_http_connection_refuse(connection, 503, "out of memory");
        return NULL;
    }
    n = sp_http_parse_request(&exchange->head, &server->limits, input, size, connection->n_seen);
    if (n <= 0) {
        int status = exchange->head.error_status;
        const char *why = exchange->head.why;

        sp_http_exchange_give(server, exchange);
        if (n == 0) {
            wait_for_rest(connection, size);
        } else {
            sp_http_connection_refuse(connection, status ? status : 400, why);
        }
        return NULL;
    }
    exchange->n_head = (size_t)n;
    judge_head(exchange, input);
    sp_http_remember(connection, exchange, input);
    return exchange;
}

/* The next head, if there is a whole one. */
static struct sunpath_http_exchange *read_head(struct sp_http_connection *connection) {
    struct sunpath_http_exchange *exchange;
    size_t size;
    const char *input = sp_stream_input(connection->stream, &size);

    if (size == 0) {
        if (connection->is_input_ended) {
            sp_http_connection_end(connection, true);
        }
        return NULL;
    }
    exchange = sp_http_recall(connection, input, size);
    if (!exchange) {
        exchange = parse_head(connection, input, size);
    }
    if (!exchange) {
        return NULL;
    }
    connection->n_seen = 0;
    exchange->is_reading =
        exchange->head.framing == SP_HTTP_CHUNKED || exchange->head.content_length > 0;
    if (exchange->is_reading) {
        sp_http_body_init(&exchange->body, &exchange->head);
    }
    exchange->n_repeats =
        exchange->is_reading ? 0 : sp_http_count_repeats(input, exchange->n_head, size);
    return exchange;
}

/* ---- the body -------------------------------------------------------------------------------- */

static void fail_body(struct sp_http_connection *connection, int error, int status,
                      const char *why) {
    connection->exchange->error = error;
    sp_http_connection_refuse(connection, status, why);
}

/*
 * A body that has arrived whole stays where it is, moved one byte towards the head, whose last line
 * feed is not needed any more: so there is room for the NUL behind it.
 */
static bool take_in_place(struct sp_http_connection *connection,
                          struct sunpath_http_exchange *exchange) {
    uint64_t length = exchange->head.content_length;
    size_t size;
    char *input;

    if (exchange->is_kept || exchange->decoder || exchange->head.framing != SP_HTTP_LENGTH ||
        exchange->handler->on_body) {
        return false;
    }
    input = sp_stream_input(connection->stream, &size);
    if (size - exchange->n_head < length) {
        return false;
    }
    memmove(input + exchange->n_head - 1, input + exchange->n_head, (size_t)length);
    input[exchange->n_head + length - 1] = '\0';
    exchange->n_in_place = (size_t)length;
    exchange->n_body = length;
    exchange->is_reading = false;
    return true;
}

/* "100 Continue" is for clients that wait for it: not when the body is on its way already. */
static void send_continue(struct sp_http_connection *connection,
                          struct sunpath_http_exchange *exchange, size_t n_input) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char *at;

    if (!exchange->head.expects_continue || exchange->is_continued || exchange->is_started) {
        return;
    }
    exchange->is_continued = true;
    if (n_input > 0 || sp_http_reserve(&at, connection, sizeof(text) - 1) < 0) {
        return;
    }
    if (at) {
        memcpy(at, text, sizeof(text) - 1);
        sp_http_commit(connection, sizeof(text) - 1);
    }
}

/* Is it still the one under way? */
static bool is_current(const struct sp_http_connection *connection,
                       const struct sunpath_http_exchange *exchange) {
    return !connection->is_dead && connection->exchange == exchange;
}

/* A chunk tells beforehand how much of it is still to come. */
static bool is_too_large(const struct sunpath_http_exchange *exchange) {
    return exchange->n_body > exchange->max_body ||
           (!exchange->decoder && exchange->body.left > exchange->max_body - exchange->n_body);
}

/* A piece as the handler gets it. Returns false when the request is over. */
static bool take_piece(struct sunpath_http_exchange *exchange, const char *data, size_t size) {
    struct sp_http_connection *connection = exchange->connection;

    exchange->n_body += size;
    if (is_too_large(exchange)) {
        fail_body(connection, -EMSGSIZE, 413, "the body is too large");
    } else if (exchange->handler->on_body) {
        exchange->handler->on_body(exchange, data, size, exchange->handler_user);
    } else if (sp_http_exchange_add_piece(exchange, data, size) < 0) {
        fail_body(connection, -ENOMEM, 503, "out of memory");
    }
    return is_current(connection, exchange) && !exchange->is_ended;
}

/* What decoding came to; returns false when the request is over. */
static bool check_decoded(struct sp_http_connection *connection,
                          struct sunpath_http_exchange *exchange, int r) {
    if (r == -ENOMEM) {
        fail_body(connection, r, 503, "out of memory");
    } else if (r < 0) {
        fail_body(connection, r, r == -EMSGSIZE ? 413 : 400, sp_decoder_why(exchange->decoder));
    }
    return is_current(connection, exchange);
}

static void begin_decoding(struct sp_http_connection *connection,
                           struct sunpath_http_exchange *exchange) {
    int r = sp_http_exchange_begin_decoding(exchange);

    if (r == -EOPNOTSUPP) {
        sp_http_exchange_offer_codings(exchange);
        fail_body(connection, r, 415, "the body's Content-Encoding is not known here");
    } else if (r < 0) {
        fail_body(connection, r, 503, "out of memory");
    }
}

/* One step over the input. Returns false when it needs more, or the request is over. */
static bool read_piece(struct sp_http_connection *connection,
                       struct sunpath_http_exchange *exchange) {
    struct sp_http_piece piece;
    size_t size, consumed = 0;
    char *input = sp_stream_input(connection->stream, &size);
    int r = sp_http_body_step(&exchange->body, input, size, &consumed, &piece);

    if (r < 0) {
        fail_body(connection, r, r == -EMSGSIZE ? 431 : 400, exchange->body.why);
        return false;
    }
    if (r == SP_HTTP_BODY_PIECE && !exchange->decoder) {
        (void)take_piece(exchange, piece.data, piece.size);
    } else if (r == SP_HTTP_BODY_PIECE) {
        (void)check_decoded(
            connection, exchange,
            sp_http_exchange_decode(exchange, piece.data, piece.size, false, take_piece));
    } else if (r == SP_HTTP_BODY_TRAILER &&
               sp_http_exchange_add_trailer(exchange, piece.data, piece.size) < 0) {
        fail_body(connection, -ENOMEM, 503, "out of memory");
    } else if (r == SP_HTTP_BODY_END) {
        exchange->is_reading = false;
        if (exchange->decoder) {
            (void)check_decoded(connection, exchange,
                                sp_http_exchange_decode(exchange, NULL, 0, true, take_piece));
        }
    }
    if (!is_current(connection, exchange)) {
        return false;
    }
    sunpath_stream_consume(connection->stream, consumed);
    return r != SP_HTTP_BODY_MORE && exchange->is_reading;
}

static bool read_body(struct sp_http_connection *connection,
                      struct sunpath_http_exchange *exchange) {
    size_t n_before, n_after;

    if (sp_http_exchange_is_paused(exchange)) {
        return false;
    }
    if (exchange->head.framing == SP_HTTP_LENGTH &&
        exchange->head.content_length > exchange->max_body) {
        fail_body(connection, -EMSGSIZE, 413, "the body is too large");
        return false;
    }
    if (sp_unlikely(exchange->may_decode)) {
        begin_decoding(connection, exchange);
        if (!is_current(connection, exchange)) {
            return false;
        }
    }
    if (take_in_place(connection, exchange)) {
        return true;
    }
    if (!exchange->is_kept && sp_http_exchange_keep(exchange) < 0) {
        fail_body(connection, -ENOMEM, 503, "out of memory");
        return false;
    }
    if (exchange->is_decoder_full &&
        (!check_decoded(connection, exchange, sp_http_exchange_decode_rest(exchange, take_piece)) ||
         sp_http_exchange_is_paused(exchange))) {
        return false;
    }
    sp_stream_input(connection->stream, &n_before);
    send_continue(connection, exchange, n_before);
    while (!sp_http_exchange_is_paused(exchange) && !exchange->is_ended &&
           read_piece(connection, exchange)) {
    }
    if (!is_current(connection, exchange)) {
        return false;
    }
    sp_stream_input(connection->stream, &n_after);
    if (n_after != n_before) {
        connection->since_ns = sp_loop_now(connection->server->loop);
    }
    if (!exchange->is_reading || exchange->is_ended) {
        return true;
    }
    if (connection->is_input_ended && !sp_http_exchange_is_paused(exchange)) {
        fail_body(connection, -ECONNRESET, 400, "the body is not complete");
    }
    return false;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* It is answered later: its head makes room for what the client says meanwhile, goodbye perhaps. */
static bool set_aside(struct sp_http_connection *connection,
                      struct sunpath_http_exchange *exchange) {
    if (!exchange->is_kept && sp_http_exchange_keep(exchange) < 0) {
        fail_body(connection, -ENOMEM, 503, "out of memory");
    }
    return false;
}

static bool ask(struct sp_http_connection *connection, struct sunpath_http_exchange *exchange) {
    exchange->is_asked = true;
    exchange->handler->on_request(exchange, exchange->handler_user);
    if (connection->is_dead || exchange->is_ended) {
        return true;
    }
    connection->since_ns = sp_loop_now(connection->server->loop); /* it answers later */
    return set_aside(connection, exchange);
}

/* Replies wait for the client to read them; so do the requests behind. */
static bool is_choked(const struct sp_http_connection *connection) {
    return sp_stream_n_queued(connection->stream) >= SP_HTTP_HIGH_MARK ||
           connection->n_finishing >= SP_HTTP_MAX_FINISHING;
}

/*
 * The exchange is over. Returns what takes the next request when that has the same head, byte for
 * byte: this exchange once more, or a copy of it when somebody waits for its end. NULL: the next
 * head has to be parsed.
 */
static struct sunpath_http_exchange *replace(struct sp_http_connection *connection,
                                             struct sunpath_http_exchange *exchange,
                                             bool is_awaited, bool keep_alive) {
    size_t n_repeats = keep_alive ? exchange->n_repeats : 0;
    struct sunpath_http_exchange *next = NULL;

    if (sp_likely(n_repeats > 0 && !is_awaited && !is_choked(connection))) {
        sp_http_exchange_land(exchange);
        sp_http_exchange_renew(connection->server, exchange);
        next = exchange;
    } else {
        sp_http_connection_retire(connection, exchange);
        if (n_repeats > 0 && is_awaited && !is_choked(connection)) {
            next = sp_http_exchange_take_like(connection->server, exchange);
        }
    }
    if (next) {
        next->n_repeats = n_repeats - 1;
    }
    return next;
}

/* Lets go of the request's bytes and decides what becomes of the connection. */
static struct sunpath_http_exchange *complete(struct sp_http_connection *connection,
                                              struct sunpath_http_exchange *exchange) {
    bool is_whole = !exchange->is_reading && !exchange->is_cut;
    bool keep_alive = exchange->keep_alive && is_whole;
    bool linger = !is_whole || exchange->head.keep_alive;
    bool is_awaited = sp_http_exchange_is_awaited(exchange);

    if (!exchange->is_kept) {
        size_t size = exchange->n_head + exchange->n_in_place;

        if (is_awaited) {
            sp_http_exchange_keep_head(exchange);
        }
        sp_stream_consume(connection->stream, size);
    }
    connection->since_ns = sp_loop_now(connection->server->loop);
    exchange = replace(connection, exchange, is_awaited, keep_alive);
    if (!keep_alive) {
        sp_http_connection_end(connection, linger);
    }
    return exchange;
}

/* From a request that is answered, if there was one, to the next. */
static bool begin(struct sp_http_connection *connection, struct sunpath_http_exchange *exchange) {
    if (exchange) {
        exchange = complete(connection, exchange);
    }
    if (!exchange) {
        bool may_begin = connection->closing == SP_HTTP_OPEN && !is_choked(connection);

        exchange = may_begin ? read_head(connection) : NULL;
    }
    if (!exchange) {
        return false;
    }
    start_exchange(connection, exchange);
    announce(connection, exchange);
    return true;
}

static bool step(struct sp_http_connection *connection) {
    struct sunpath_http_exchange *exchange = connection->exchange;

    if (connection->is_dead || connection->closing != SP_HTTP_OPEN) {
        return false;
    }
    if (!exchange || exchange->is_ended) {
        return begin(connection, exchange);
    }
    if (exchange->is_reading) {
        return read_body(connection, exchange);
    }
    if (sp_http_exchange_is_paused(exchange)) {
        return set_aside(connection, exchange);
    }
    return !exchange->is_asked && ask(connection, exchange);
}

/* Input that cannot be handled now stays with the kernel, which holds the client back. */
void sp_http_connection_hold(struct sp_http_connection *connection) {
    const struct sunpath_http_exchange *exchange = connection->exchange;
    size_t n_input;
    bool hold;

    sp_stream_input(connection->stream, &n_input);
    if (connection->closing != SP_HTTP_OPEN) {
        hold = false;
    } else if (!exchange) {
        hold = is_choked(connection);
    } else {
        hold = exchange->is_reading ? sp_http_exchange_is_paused(exchange) : n_input > 0;
    }
    if (hold == connection->is_held) {
        return;
    }
    connection->is_held = hold;
    if (hold) {
        sunpath_stream_pause(connection->stream);
    } else {
        sunpath_stream_resume(connection->stream);
    }
}

static bool is_flushed(const struct sp_http_connection *connection) {
    return connection->closing == SP_HTTP_FLUSHING && sp_stream_n_queued(connection->stream) == 0;
}

void sp_http_connection_pump(struct sp_http_connection *connection) {
    if (connection->is_dead || connection->is_pumping) {
        return;
    }
    connection->is_pumping = true;
    while (step(connection)) {
    }
    connection->is_pumping = false;
    sp_http_connection_finish_sent(connection); /* one that was sent before it was found ended */
    if (!connection->is_dead && is_flushed(connection)) {
        sp_http_connection_kill(connection, 0);
    }
    if (!connection->is_dead) {
        sp_http_connection_hold(connection);
        sp_http_connection_arm(connection);
    }
}
