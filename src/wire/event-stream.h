/* SPDX-License-Identifier: MIT */
/* event-stream.h - server-sent events as bytes (WHATWG HTML 9.2): pure functions. */

#ifndef SP_WIRE_EVENT_STREAM_H
#define SP_WIRE_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>

/* ---- writing (event-stream-write.c) ---------------------------------------------------------- */

/* One event as it is to be written. NULL parts are left out. */
struct sp_event_text {
    const char *id;   /* "" makes the client forget the last one */
    const char *name; /* NULL: the client calls it "message" */
    const char *data; /* NULL: no event is dispatched, but the client notes the id */
    size_t n_data;
};

/* May `text` be an id or a name? Neither a line end nor a NUL can be written there. */
bool sp_event_is_field(const char *text, size_t size);

/* The bytes that sp_event_put() writes. */
size_t sp_event_size(const struct sp_event_text *event);

/* Writes the event, its data split at every line end (LF, CR, CRLF). Returns what is behind. */
char *sp_event_put(char *at, const struct sp_event_text *event);

/* A comment, which clients ignore, split likewise: 0 bytes of text are the shortest sign of life.
 */
size_t sp_event_comment_size(const char *text, size_t size);
char *sp_event_put_comment(char *at, const char *text, size_t size);

#endif
