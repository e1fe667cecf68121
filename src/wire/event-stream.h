/* SPDX-License-Identifier: MIT */
/* event-stream.h - server-sent events as bytes (WHATWG HTML 9.2), written and read. */

#ifndef SP_WIRE_EVENT_STREAM_H
#define SP_WIRE_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

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

/* ---- reading (event-stream-read.c) ----------------------------------------------------------- */

/* All zero but `max_size` is a reader at the beginning of a stream. */
struct sp_event_reader {
    size_t max_size; /* bytes of an event, its fields' names included */
    size_t n_event;  /* of these so far */
    struct sp_buffer line, data, type;
    struct sp_buffer id;      /* as the stream has named it so far */
    struct sp_buffer last_id; /* that of the last event, or empty line */
    bool has_new_id;          /* the two differ */
    int64_t retry_ms;         /* what the stream said last; valid with has_retry */
    bool has_retry;
    bool has_begun;   /* the byte order mark is read over, if there was one */
    bool is_comment;  /* the line that is read: nothing of it is kept */
    bool is_after_cr; /* a LF that follows is the same line end */
    bool is_told;     /* `data` and `type` are those of an event that was returned */
};

/* Valid until the next call; each string is followed by a NUL that does not count. */
struct sp_event {
    const char *type; /* "message" when the stream names none */
    const char *data; /* without its last line end; bytes as they came, UTF-8 or not */
    size_t n_data;
    const char *id; /* the last the stream named, perhaps with an earlier event; "" for none */
};

/*
 * Reads on and consumes *ret_used bytes: 1 when an event is complete (call again with the rest), 0
 * when all was consumed. -EMSGSIZE: the event passes max_size; -ENOMEM. What an unfinished stream
 * leaves behind is no event.
 */
int sp_event_read(struct sp_event_reader *reader, const char *data, size_t size, size_t *ret_used,
                  struct sp_event *ret);

/* The id to begin with, and that a new stream goes on with. -ENOMEM. */
int sp_event_reader_set_id(struct sp_event_reader *reader, const char *id);
/* The id of the last event that was complete, to ask for what follows it; "": none. */
const char *sp_event_reader_id(struct sp_event_reader *reader);
/* For the next stream: all but that id and the retry time is forgotten. */
void sp_event_reader_reset(struct sp_event_reader *reader);
void sp_event_reader_deinit(struct sp_event_reader *reader);

#endif
