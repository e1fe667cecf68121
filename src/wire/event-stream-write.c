/* SPDX-License-Identifier: MIT */
/* event-stream-write.c - server-sent events, written. */

#include "wire/event-stream.h"

#include <string.h>

#include "base/put.h"

bool sp_event_is_field(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n' || text[i] == '\r' || text[i] == '\0') {
            return false;
        }
    }
    return true;
}

/* The line at *at without its end; moves *at behind that. NULL when there is no further line. */
static const char *next_line(const char **at, const char *end, size_t *ret_size) {
    const char *line = *at, *to = line;

    if (!line) {
        return NULL;
    }
    while (to < end && *to != '\n' && *to != '\r') {
        to++;
    }
    *ret_size = (size_t)(to - line);
    *at = to == end ? NULL : to + (end - to > 1 && to[0] == '\r' && to[1] == '\n' ? 2 : 1);
    return line;
}

/* Each line of `text` behind `prefix`: an empty text is one empty line. */
static size_t lines_size(const char *text, size_t size, size_t n_prefix) {
    const char *at = text, *end = text + size;
    size_t n_line, total = 0;

    while (next_line(&at, end, &n_line)) {
        total += n_prefix + n_line + 1;
    }
    return total;
}

static char *put_lines(char *out, const char *text, size_t size, const char *prefix,
                       size_t n_prefix) {
    const char *at = text, *end = text + size, *line;
    size_t n_line;

    while ((line = next_line(&at, end, &n_line))) {
        out = sp_put(out, prefix, n_prefix);
        out = sp_put(out, line, n_line);
        *out++ = '\n';
    }
    return out;
}

static char *put_field(char *at, const char *prefix, size_t n_prefix, const char *value) {
    at = sp_put(at, prefix, n_prefix);
    at = sp_put(at, value, strlen(value));
    *at++ = '\n';
    return at;
}

size_t sp_event_size(const struct sp_event_text *event) {
    size_t size = 1; /* the empty line */

    size += event->id ? strlen(event->id) + sizeof("id: ") : 0;
    size += event->name ? strlen(event->name) + sizeof("event: ") : 0;
    size += event->data ? lines_size(event->data, event->n_data, sizeof("data: ") - 1) : 0;
    return size;
}

char *sp_event_put(char *at, const struct sp_event_text *event) {
    if (event->id) {
        at = put_field(at, "id: ", sizeof("id: ") - 1, event->id);
    }
    if (event->name) {
        at = put_field(at, "event: ", sizeof("event: ") - 1, event->name);
    }
    if (event->data) {
        at = put_lines(at, event->data, event->n_data, "data: ", sizeof("data: ") - 1);
    }
    *at++ = '\n';
    return at;
}

size_t sp_event_comment_size(const char *text, size_t size) {
    return lines_size(text, size, 1) + 1;
}

char *sp_event_put_comment(char *at, const char *text, size_t size) {
    at = put_lines(at, text, size, ":", 1);
    *at++ = '\n';
    return at;
}
