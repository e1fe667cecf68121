/* SPDX-License-Identifier: MIT */
/* event-stream.c - server-sent events to one client. */

#include "web/event-stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "os/clock.h"
#include "wire/event-stream.h"

#define ON_STACK 2048 /* events up to so many bytes are put together there */

static struct sunpath_loop *loop_of(const struct sunpath_event_stream *stream) {
    return stream->exchange->connection->server->loop;
}

static void *destroy(struct sunpath_event_stream *stream) {
    sp_timer_deinit(&stream->heartbeat, loop_of(stream));
    sp_list_remove(&stream->node);
    free(stream);
    return NULL;
}

/* ---- heartbeats ------------------------------------------------------------------------------ */

/* Later with every event: that costs one store. */
static void set_heartbeat(struct sunpath_event_stream *stream) {
    if (stream->options.heartbeat_ms > 0 && !stream->is_muted) {
        sp_timer_set(&stream->heartbeat, loop_of(stream),
                     sp_loop_now(loop_of(stream)) +
                         (uint64_t)stream->options.heartbeat_ms * SP_NS_PER_MS);
    }
}

static void on_heartbeat(struct sp_timer *timer) {
    struct sunpath_event_stream *stream =
        sp_container_of(timer, struct sunpath_event_stream, heartbeat);

    /* Where output waits the client shows signs of life by reading it, or times out. */
    if (sunpath_http_n_queued(stream->exchange) == 0) {
        (void)sunpath_event_stream_comment(stream, "");
    }
    set_heartbeat(stream);
}

/* ---- sending --------------------------------------------------------------------------------- */

int sp_event_stream_send_text(struct sunpath_event_stream *stream, const char *text, size_t size) {
    size_t n_queued;
    int r;

    if (stream->is_muted) {
        return 0;
    }
    n_queued = sunpath_http_n_queued(stream->exchange);
    if (size > stream->options.max_pending || n_queued > stream->options.max_pending - size) {
        return -ENOBUFS;
    }
    r = sunpath_http_write(stream->exchange, text, size);
    if (r >= 0) {
        set_heartbeat(stream);
    }
    return r;
}

int sunpath_event_stream_send(struct sunpath_event_stream *stream, const char *id, const char *name,
                              const void *data, size_t size) {
    const struct sp_event_text event = {.id = id, .name = name, .data = data, .n_data = size};
    _cleanup_(sp_freep) char *large = NULL;
    char small[ON_STACK], *text = small;
    size_t n_text;

    if ((size > 0 && !data) || (id && !sp_event_is_field(id, strlen(id))) ||
        (name && !sp_event_is_field(name, strlen(name)))) {
        return -EINVAL;
    }
    if (size > stream->options.max_pending) {
        return -ENOBUFS;
    }
    n_text = sp_event_size(&event);
    if (n_text > sizeof(small)) {
        text = large = malloc(n_text);
    }
    if (!text) {
        return -ENOMEM;
    }
    sp_event_put(text, &event);
    return sp_event_stream_send_text(stream, text, n_text);
}

int sunpath_event_stream_comment(struct sunpath_event_stream *stream, const char *text) {
    size_t size = text ? strlen(text) : 0;
    _cleanup_(sp_freep) char *room = NULL;
    size_t n_room;

    if (!text) {
        return -EINVAL;
    }
    n_room = sp_event_comment_size(text, size);
    room = malloc(n_room);
    if (!room) {
        return -ENOMEM;
    }
    sp_event_put_comment(room, text, size);
    return sp_event_stream_send_text(stream, room, n_room);
}

int sunpath_event_stream_retry(struct sunpath_event_stream *stream, int retry_ms) {
    char text[32];
    int n;

    if (retry_ms < 0) {
        return -EINVAL;
    }
    n = snprintf(text, sizeof(text), "retry: %d\n\n", retry_ms);
    return sp_event_stream_send_text(stream, text, (size_t)n);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void on_drain(struct sp_http_hook *hook, struct sunpath_http_exchange *exchange) {
    struct sunpath_event_stream *stream = sp_container_of(hook, struct sunpath_event_stream, hook);

    (void)exchange;
    if (stream->options.on_drain) {
        stream->options.on_drain(stream, stream->options.user);
    }
}

static void on_finish(struct sp_http_hook *hook, int error) {
    struct sunpath_event_stream *stream = sp_container_of(hook, struct sunpath_event_stream, hook);

    stream->is_muted = true;
    if (stream->options.on_close) {
        stream->hook.on_finish = NULL; /* sunpath_event_stream_close() leaves the memory to us */
        stream->options.on_close(stream, error, stream->options.user);
    }
    destroy(stream);
}

static void on_leave(struct sp_http_hook *hook) {
    struct sunpath_event_stream *stream = sp_container_of(hook, struct sunpath_event_stream, hook);

    int r;

    if (stream->is_muted) {
        return;
    }
    stream->is_muted = true;
    sp_timer_cancel(&stream->heartbeat);
    r = sunpath_http_end(stream->exchange);
    if (r < 0 && r != -EALREADY) {
        sp_http_exchange_cut(stream->exchange, r);
    }
}

static int read_options(struct sunpath_event_stream_options *ret,
                        const struct sunpath_event_stream_options *given) {
    int r;

    r = sp_options_read(ret, sizeof(*ret), given);
    if (r < 0) {
        return r;
    }
    if (ret->heartbeat_ms < -1 || ret->retry_ms < 0) {
        return -EINVAL;
    }
    ret->heartbeat_ms = ret->heartbeat_ms ? ret->heartbeat_ms : 15000;
    ret->max_pending = ret->max_pending ? ret->max_pending : 1024 * 1024;
    return 0;
}

static int start_response(struct sunpath_http_exchange *exchange) {
    /* nginx, and others that read its headers, must not collect what is to arrive now. */
    static const char *const headers[][2] = {{"Content-Type", "text/event-stream"},
                                             {"Cache-Control", "no-cache"},
                                             {"X-Accel-Buffering", "no"}};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < SP_ARRAY_SIZE(headers); i++) {
        r = sunpath_http_set_header(exchange, headers[i][0], headers[i][1]);
    }
    return r < 0 ? r : sunpath_http_start(exchange, 200, -1);
}

int sunpath_event_stream_open(struct sunpath_event_stream **ret,
                              struct sunpath_http_exchange *exchange,
                              const struct sunpath_event_stream_options *options) {
    _cleanup_(sp_freep) struct sunpath_event_stream *stream = NULL;
    struct sunpath_event_stream *opened;
    int r;

    if (!ret || !exchange) {
        return -EINVAL;
    }
    stream = calloc(1, sizeof(*stream));
    if (!stream) {
        return -ENOMEM;
    }
    r = read_options(&stream->options, options);
    if (r < 0) {
        return r;
    }
    r = start_response(exchange);
    if (r < 0) {
        return r;
    }
    stream->exchange = exchange;
    stream->hook.on_drain = on_drain;
    stream->hook.on_finish = on_finish;
    stream->hook.on_leave = on_leave;
    sp_timer_init(&stream->heartbeat, on_heartbeat);
    sp_list_init(&stream->node);
    sp_http_exchange_add_hook(exchange, &stream->hook);
    opened = *ret = sp_take_ptr(&stream);
    if (exchange->is_head_request || exchange->connection->server->is_draining) {
        on_leave(&opened->hook);
    } else if (opened->options.retry_ms > 0) {
        (void)sunpath_event_stream_retry(opened, opened->options.retry_ms);
    }
    set_heartbeat(opened);
    return 0;
}

struct sunpath_event_stream *sunpath_event_stream_close(struct sunpath_event_stream *stream) {
    if (!stream || !stream->hook.on_finish) {
        return NULL;
    }
    on_leave(&stream->hook);
    sp_http_exchange_remove_hook(stream->exchange, &stream->hook);
    return destroy(stream);
}

void sunpath_event_stream_drop(struct sunpath_event_stream *stream) {
    if (!stream->is_muted) {
        sp_http_connection_kill(stream->exchange->connection, -ENOBUFS);
    }
}

/* ---- what it is about ------------------------------------------------------------------------ */

const char *sunpath_event_last_id(struct sunpath_http_exchange *exchange) {
    return sunpath_http_header(exchange, "Last-Event-ID");
}

struct sunpath_http_exchange *sunpath_event_stream_exchange(struct sunpath_event_stream *stream) {
    return stream->exchange;
}

void *sunpath_event_stream_user(struct sunpath_event_stream *stream) {
    return stream->options.user;
}
