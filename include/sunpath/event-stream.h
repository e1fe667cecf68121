/* SPDX-License-Identifier: MIT */
/* event-stream.h - server-sent events (WHATWG HTML 9.2): to one client, and to many at once. */

#ifndef SUNPATH_EVENT_STREAM_H
#define SUNPATH_EVENT_STREAM_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A response that goes on: "text/event-stream", as a browser's EventSource reads it. It takes the
 * exchange over: nothing else may be written to it, and the handler's on_drain and on_finish still
 * fire beside the events here. When the server drains the stream ends itself, so that its client
 * comes back to the successor.
 */
struct sunpath_event_stream;

struct sunpath_event_stream_options {
    size_t size;
    /*
     * A comment is sent after so long without an event, so that proxies keep the connection and a
     * client that is gone is noticed. 0: 15,000; -1: none.
     */
    int heartbeat_ms;
    int retry_ms;       /* tells the client how long to wait before it comes back; 0: its choice */
    size_t max_pending; /* bytes that wait for the client to read; 0: 1 MiB */

    /* Optional: what had piled up to the high mark (a send returned 1) has left. */
    void (*on_drain)(struct sunpath_event_stream *stream, void *user);
    /*
     * Optional: it is over, and gone when this returns: the client left (-EPIPE, -ECONNRESET), does
     * not read (-ENOBUFS, -ETIMEDOUT), the server was closed (-ECANCELED) or drains (0). Not called
     * for sunpath_event_stream_close().
     */
    void (*on_close)(struct sunpath_event_stream *stream, int error, void *user);
    void *user;
};

/*
 * Begins the response: 200, with the headers added so far, but Content-Type, Cache-Control and
 * X-Accel-Buffering of its own. A client that asked with HEAD gets them and nothing more: then
 * whatever is sent is dropped, and on_close follows. Errors as sunpath_http_start(), and -EINVAL
 * (options), -ENOMEM.
 */
SUNPATH_API int sunpath_event_stream_open(struct sunpath_event_stream **ret,
                                          struct sunpath_http_exchange *exchange,
                                          const struct sunpath_event_stream_options *options);

/* Ends the response. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_event_stream *sunpath_event_stream_close(
    struct sunpath_event_stream *stream);

/*
 * Sends an event. `id` is what the client tells when it comes back (NULL: the event has none),
 * `name` the type it is dispatched as (NULL: "message"), `data` any text; its lines are split as
 * the format wants. Returns 0, or 1 when much is waiting: stop until on_drain, if that is possible.
 * -EINVAL (a line end or NUL in `id` or `name`), -ENOBUFS (more than `max_pending` would wait: the
 * event is not sent, the stream lives on), -ENOMEM.
 */
SUNPATH_API int sunpath_event_stream_send(struct sunpath_event_stream *stream, const char *id,
                                          const char *name, const void *data, size_t size);

/* Sends a comment, which clients ignore. Returns as sunpath_event_stream_send(). */
SUNPATH_API int sunpath_event_stream_comment(struct sunpath_event_stream *stream, const char *text);

/* Tells the client to wait `retry_ms` before it comes back. Returns likewise. */
SUNPATH_API int sunpath_event_stream_retry(struct sunpath_event_stream *stream, int retry_ms);

/* Cuts a client off that does not read: on_close gets -ENOBUFS. The rest is not sent. */
SUNPATH_API void sunpath_event_stream_drop(struct sunpath_event_stream *stream);

/* The id of the last event the client has seen (Last-Event-ID), or NULL. */
SUNPATH_API const char *sunpath_event_last_id(struct sunpath_http_exchange *exchange);

SUNPATH_API struct sunpath_http_exchange *sunpath_event_stream_exchange(
    struct sunpath_event_stream *stream);
SUNPATH_API void *sunpath_event_stream_user(struct sunpath_event_stream *stream);

/*
 * One publisher, any number of subscribers. It numbers the events and remembers the last ones, so
 * that a client that comes back gets what it has missed. Subscribers that do not read are dropped;
 * they come back, and get the rest then.
 */
struct sunpath_event_channel;

struct sunpath_event_channel_options {
    size_t size;
    size_t max_history;       /* events remembered; 0: 256; SIZE_MAX: none */
    size_t max_history_bytes; /* of their text; 0: 512 KiB */
};

SUNPATH_API int sunpath_event_channel_new(struct sunpath_event_channel **ret,
                                          const struct sunpath_event_channel_options *options);

/* Ends the streams of all subscribers, without their on_close. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_event_channel *sunpath_event_channel_free(
    struct sunpath_event_channel *channel);

/*
 * From now on the stream gets what is published, until it is over. First it gets what was published
 * since the event that its client saw last. Returns 1 when that cannot be told, because the event
 * is not remembered (any more): then it gets all that is, and the program may tell the client to
 * begin anew. Else 0; -EALREADY (it has subscribed), -ENOBUFS (more was missed than may wait: close
 * the stream, and the client comes back for the rest), -ENOMEM.
 */
SUNPATH_API int sunpath_event_channel_subscribe(struct sunpath_event_channel *channel,
                                                struct sunpath_event_stream *stream);

/*
 * Sends to all. Returns how many got it. -EINVAL (a line end or NUL in `name`), -ENOMEM. A
 * subscriber that does not read is dropped, and its on_close called before this returns.
 */
SUNPATH_API int sunpath_event_channel_publish(struct sunpath_event_channel *channel,
                                              const char *name, const void *data, size_t size);

SUNPATH_API size_t sunpath_event_channel_n_subscribers(const struct sunpath_event_channel *channel);

#ifdef __cplusplus
}
#endif

#endif
