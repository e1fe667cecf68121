/* SPDX-License-Identifier: MIT */
/* event-stream-read.c - server-sent events, read. */

#include <errno.h>
#include <string.h>

#include "wire/event-stream.h"

#define BOM   "\xef\xbb\xbf"
#define N_BOM 3

static void empty(struct sp_buffer *buffer) {
    sp_buffer_consume(buffer, sp_buffer_size(buffer));
    sp_buffer_trim(buffer);
}

static int set(struct sp_buffer *buffer, const char *data, size_t size) {
    empty(buffer);
    return sp_buffer_append(buffer, data, size, SIZE_MAX / 2);
}

static int copy(struct sp_buffer *to, const struct sp_buffer *from) {
    return set(to, from->data ? sp_buffer_bytes(from) : "", sp_buffer_size(from));
}

/* The buffer's bytes with a NUL behind them; NULL: out of memory. */
static const char *text_of(struct sp_buffer *buffer) {
    char *end;

    if (sp_buffer_reserve(buffer, &end, 1, SIZE_MAX / 2) < 0) {
        return NULL;
    }
    *end = '\0';
    return sp_buffer_bytes(buffer);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool is(const char *name, size_t n_name, const char *expected) {
    return n_name == strlen(expected) && memcmp(name, expected, n_name) == 0;
}

static void set_retry(struct sp_event_reader *reader, const char *value, size_t size) {
    int64_t ms = 0;

    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') {
            return;
        }
        ms = ms < INT32_MAX ? ms * 10 + (value[i] - '0') : ms;
    }
    if (size > 0) {
        reader->retry_ms = ms < INT32_MAX ? ms : INT32_MAX;
        reader->has_retry = true;
    }
}

static int add_data(struct sp_event_reader *reader, const char *value, size_t size) {
    int r = sp_buffer_append(&reader->data, value, size, SIZE_MAX / 2);

    return r < 0 ? r : sp_buffer_append(&reader->data, "\n", 1, SIZE_MAX / 2);
}

/* "name: value", "name:value", "name". */
static int take_field(struct sp_event_reader *reader, const char *line, size_t size) {
    const char *colon = memchr(line, ':', size);
    size_t n_name = colon ? (size_t)(colon - line) : size;
    const char *value = colon ? colon + 1 : line + size;
    size_t n_value = size - (size_t)(value - line);

    if (n_value > 0 && *value == ' ') {
        value++;
        n_value--;
    }
    if (is(line, n_name, "data")) {
        return add_data(reader, value, n_value);
    }
    if (is(line, n_name, "retry")) {
        set_retry(reader, value, n_value);
    }
    if (memchr(value, '\0', n_value)) {
        return 0; /* for an id the standard says so, and a type could not be told as a string */
    }
    if (is(line, n_name, "event")) {
        return set(&reader->type, value, n_value);
    }
    if (is(line, n_name, "id")) {
        reader->has_new_id = true;
        return set(&reader->id, value, n_value);
    }
    return 0;
}

/* An empty line: 1 when there is an event to tell. */
static int take_end(struct sp_event_reader *reader, struct sp_event *ret) {
    reader->n_event = 0;
    if (reader->has_new_id) {
        int r = copy(&reader->last_id, &reader->id);

        if (r < 0) {
            return r;
        }
        reader->has_new_id = false;
    }
    if (sp_buffer_size(&reader->data) == 0) {
        empty(&reader->type);
        return 0;
    }
    reader->data.end--; /* the last line end */
    ret->n_data = sp_buffer_size(&reader->data);
    ret->data = text_of(&reader->data);
    ret->id = text_of(&reader->id);
    ret->type = sp_buffer_size(&reader->type) > 0 ? text_of(&reader->type) : "message";
    reader->is_told = true;
    return ret->data && ret->id && ret->type ? 1 : -ENOMEM;
}

/* The line is complete, its last bytes at `rest`. */
static int take_line(struct sp_event_reader *reader, const char *rest, size_t size,
                     struct sp_event *ret) {
    bool is_whole = sp_buffer_size(&reader->line) == 0;
    int r = is_whole ? 0 : sp_buffer_append(&reader->line, rest, size, SIZE_MAX / 2);

    if (r < 0) {
        return r;
    }
    if (!is_whole) {
        rest = sp_buffer_bytes(&reader->line);
        size = sp_buffer_size(&reader->line);
    }
    r = size == 0 ? take_end(reader, ret) : take_field(reader, rest, size);
    empty(&reader->line);
    return r;
}

/* ---- the stream ------------------------------------------------------------------------------ */

static const char *find_line_end(const char *at, const char *end) {
    while (at < end && *at != '\n' && *at != '\r') {
        at++;
    }
    return at;
}

/*
 * The byte order mark may come in pieces: they are kept in the line until it is decided. Returns
 * what it consumed; *ret_more: it is not decided yet.
 */
static size_t skip_mark(struct sp_event_reader *reader, const char *data, size_t size,
                        bool *ret_more) {
    size_t n_seen = sp_buffer_size(&reader->line), n = 0;

    while (n_seen + n < N_BOM && n < size && data[n] == BOM[n_seen + n]) {
        n++;
    }
    *ret_more = n_seen + n < N_BOM && n == size;
    if (n_seen + n == N_BOM) {
        empty(&reader->line);
    } else if (sp_buffer_append(&reader->line, data, n, N_BOM) < 0) {
        n = 0; /* no memory; the next append says so */
    }
    reader->has_begun = !*ret_more;
    return n;
}

static void forget_told(struct sp_event_reader *reader) {
    if (reader->is_told) {
        empty(&reader->data);
        empty(&reader->type);
        reader->is_told = false;
    }
}

/* Servers send comments as signs of life, perhaps for ever without an event's end between them. */
static int skip_comment(struct sp_event_reader *reader, const char **at, const char *end) {
    if (*at < end) {
        reader->is_comment = false;
        reader->is_after_cr = **at == '\r';
        ++*at;
    }
    return 0;
}

/* Takes one line, or what there is of it. 1 when that ended an event; *at moves on. */
static int read_line(struct sp_event_reader *reader, const char **at, const char *end,
                     struct sp_event *ret) {
    const char *from = *at, *stop = find_line_end(from, end);
    size_t size = (size_t)(stop - from);

    *at = stop;
    reader->is_comment |= size > 0 && *from == ':' && sp_buffer_size(&reader->line) == 0;
    if (reader->is_comment) {
        return skip_comment(reader, at, end);
    }
    reader->n_event += size + 1;
    if (reader->n_event > reader->max_size) {
        return -EMSGSIZE;
    }
    if (stop == end) {
        reader->n_event--;
        return sp_buffer_append(&reader->line, from, size, SIZE_MAX / 2);
    }
    reader->is_after_cr = *stop == '\r';
    *at = stop + 1;
    return take_line(reader, from, size, ret);
}

int sp_event_read(struct sp_event_reader *reader, const char *data, size_t size, size_t *ret_used,
                  struct sp_event *ret) {
    const char *at = data, *end = data + size;
    bool is_undecided = false;
    int r = 0;

    forget_told(reader);
    if (!reader->has_begun && size > 0) {
        at += skip_mark(reader, data, size, &is_undecided);
    }
    while (!is_undecided && at < end && r == 0) {
        if (reader->is_after_cr) {
            reader->is_after_cr = false;
            if (*at == '\n') {
                at++;
                continue;
            }
        }
        r = read_line(reader, &at, end, ret);
    }
    *ret_used = (size_t)(at - data);
    return r;
}

int sp_event_reader_set_id(struct sp_event_reader *reader, const char *id) {
    int r = set(&reader->id, id, strlen(id));

    return r < 0 ? r : copy(&reader->last_id, &reader->id);
}

const char *sp_event_reader_id(struct sp_event_reader *reader) {
    const char *id = text_of(&reader->last_id);

    return id ? id : "";
}

void sp_event_reader_reset(struct sp_event_reader *reader) {
    empty(&reader->line);
    empty(&reader->data);
    empty(&reader->type);
    if (reader->has_new_id && copy(&reader->id, &reader->last_id) < 0) {
        empty(&reader->id);
    }
    reader->has_new_id = false;
    reader->n_event = 0;
    reader->has_begun = reader->is_comment = reader->is_after_cr = reader->is_told = false;
}

void sp_event_reader_deinit(struct sp_event_reader *reader) {
    sp_event_reader_reset(reader);
    sp_buffer_deinit(&reader->id);
    sp_buffer_deinit(&reader->last_id);
}
