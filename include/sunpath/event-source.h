/* SPDX-License-Identifier: MIT */
/* event-source.h - a client of server-sent events (WHATWG HTML 9.2) that comes back by itself. */

#ifndef SUNPATH_EVENT_SOURCE_H
#define SUNPATH_EVENT_SOURCE_H

#include <sunpath/http-client.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What EventSource is in a browser: it asks for an event stream, and when that ends or breaks asks
 * again, with the id of the last event, so that a server that keeps events leaves none out.
 */
struct sunpath_event_source;

/* The strings live until the callback returns. */
struct sunpath_source_event {
    const char *type; /* "message" when the server names none */
    const char *data; /* followed by a NUL that does not count */
    size_t n_data;
    const char *id; /* the last the server named, perhaps with an earlier event; "": none */
};

/* They fire only inside dispatch; closing the source in any of them is legal. All but on_event are
 * optional. */
struct sunpath_event_source_events {
    /* A stream has begun: 200, and its type is text/event-stream. */
    void (*on_open)(struct sunpath_event_source *source,
                    const struct sunpath_http_response *response, void *user);
    void (*on_event)(struct sunpath_event_source *source, const struct sunpath_source_event *event,
                     void *user);
    /*
     * There is no stream, and `error` says why. It is asked for again in `retry_ms`; -1: never, the
     * source is at rest until it is closed. That is so after 204, which is how a server says that
     * there will be no more (code 0 then), and after what would not change by itself: another
     * status than 200, 408, 425, 429 and 500 to 504, another type, a redirect elsewhere, the wrong
     * server
     * (-EPERM), an event over the limit (-EMSGSIZE).
     */
    void (*on_error)(struct sunpath_event_source *source, const struct sunpath_error *error,
                     int retry_ms, void *user);
};

struct sunpath_event_source_options {
    size_t size;
    const char *uri;            /* as for requests: NULL: that of the address, else "/" */
    const char *const *headers; /* more headers: name, value, ..., NULL; copied */
    const char *last_event_id;  /* to begin with; NULL: none */
    /*
     * Before it asks again; 0: 3,000. The server may set another time. After failures in a row it
     * doubles, up to max_retry_ms (0: 30,000, and never less than the server's time).
     */
    int retry_ms;
    int max_retry_ms;
    /* Without a byte for so long, its first included, the stream counts as broken; 0: no limit. For
     * servers that send comments as a sign of life. */
    int idle_ms;
    size_t max_event; /* bytes of one event as it is sent; 0: 1 MiB */
    const struct sunpath_connect_options *connect;
    struct sunpath_http_cookies *cookies; /* as for clients */
};

/*
 * The first connection is made on the loop; that fails through on_error. `events` are borrowed for
 * ever. -EINVAL (address, options, headers), -ENOMEM.
 */
SUNPATH_API int sunpath_event_source_open(struct sunpath_event_source **ret,
                                          struct sunpath_loop *loop, const char *address,
                                          const struct sunpath_event_source_options *options,
                                          const struct sunpath_event_source_events *events,
                                          void *user, struct sunpath_error *error);

/* Nothing fires any more. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_event_source *sunpath_event_source_close(
    struct sunpath_event_source *source);

/* The id a new request would tell the server; "": none. Valid until the next event. */
SUNPATH_API const char *sunpath_event_source_last_event_id(struct sunpath_event_source *source);

#ifdef __cplusplus
}
#endif

#endif
