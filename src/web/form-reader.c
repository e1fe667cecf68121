/* SPDX-License-Identifier: MIT */
/* form-reader.c - a multipart form as it comes, as events. */

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "web/form.h"
#include "wire/multipart.h"

/* In the arena of its exchange. */
struct sunpath_form_reader {
    struct sunpath_http_exchange *exchange;
    const struct sunpath_form_events *events;
    void *user;
    const struct sunpath_http_handler *handler; /* that the exchange had */
    void *handler_user;
    struct sunpath_form_options options;
    struct sp_multipart multipart;
    uint64_t n_part; /* bytes of the part so far */
    bool is_over;    /* on_end or on_error was called */
};

/* ---- the end --------------------------------------------------------------------------------- */

static void tell_error(struct sunpath_form_reader *reader, const struct sunpath_error *error) {
    if (reader->is_over) {
        return;
    }
    reader->is_over = true;
    if (reader->events->on_error) {
        reader->events->on_error(reader, error, reader->user);
    }
}

/* Answers when on_error has not. */
static void fail(struct sunpath_form_reader *reader, const struct sunpath_error *error) {
    tell_error(reader, error);
    if (!reader->exchange->is_ended && !reader->exchange->is_started) {
        (void)sunpath_http_fail_error(reader->exchange, error);
    }
}

static void on_finish(struct sunpath_http_exchange *exchange, int code, void *user) {
    struct sunpath_form_reader *reader = user;
    struct sunpath_error error;

    sp_fail(&error, code ? code : -ECANCELED, SUNPATH_REASON_PROTOCOL, "form", "%s",
            exchange->why ? exchange->why : "the request ended before the form was complete");
    tell_error(reader, &error);
    if (reader->handler->on_finish) {
        reader->handler->on_finish(exchange, code, reader->handler_user);
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

/* May something still come of it? A callback may have answered, or closed all. */
static bool is_going(const struct sunpath_form_reader *reader) {
    return !reader->is_over && !reader->exchange->is_started;
}

static void take_part(struct sunpath_form_reader *reader) {
    const struct sp_multipart_part *found = &reader->multipart.part;
    const struct sunpath_form_part part = {
        .name = found->name, .filename = found->filename, .type = found->type, .fd = -1};

    reader->n_part = 0;
    if (reader->events->on_part) {
        reader->events->on_part(reader, &part, reader->user);
    }
}

static void take_data(struct sunpath_form_reader *reader, struct sp_slice piece) {
    struct sunpath_error error;

    if (piece.size > reader->options.max_part - reader->n_part) {
        sp_form_too_large(&error, "a part of it is too large");
        fail(reader, &error);
        return;
    }
    reader->n_part += piece.size;
    if (reader->events->on_data) {
        reader->events->on_data(reader, piece.data, piece.size, reader->user);
    }
}

static void take_event(struct sunpath_form_reader *reader, int event, struct sp_slice piece) {
    struct sunpath_error error;

    if (event < 0) {
        sp_form_failed(&error, event, reader->multipart.why);
        fail(reader, &error);
    } else if (event == SP_MULTIPART_PART) {
        take_part(reader);
    } else if (event == SP_MULTIPART_DATA) {
        take_data(reader, piece);
    } else if (event == SP_MULTIPART_PART_END && reader->events->on_part_end) {
        reader->events->on_part_end(reader, reader->user);
    }
}

static void on_body(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                    void *user) {
    struct sunpath_form_reader *reader = user;
    struct sp_slice piece = {0};
    size_t at = 0, consumed;
    int event = 1;

    (void)exchange;
    while (event > 0 && is_going(reader)) {
        event = sp_multipart_step(&reader->multipart, (const char *)data + at, size - at, &consumed,
                                  &piece);
        at += consumed;
        take_event(reader, event, piece);
    }
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_form_reader *reader = user;
    struct sunpath_error error;

    (void)exchange;
    if (!is_going(reader)) {
        return;
    }
    if (sp_multipart_finish(&reader->multipart) < 0) {
        sp_form_malformed(&error, reader->multipart.why);
        fail(reader, &error);
        return;
    }
    reader->is_over = true;
    reader->events->on_end(reader, reader->user);
}

/* ---- what goes to the handler before --------------------------------------------------------- */

static void on_drain(struct sunpath_http_exchange *exchange, void *user) {
    const struct sunpath_form_reader *reader = user;

    if (reader->handler->on_drain) {
        reader->handler->on_drain(exchange, reader->handler_user);
    }
}

static void on_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                     void *user) {
    const struct sunpath_form_reader *reader = user;

    if (reader->handler->on_error) {
        reader->handler->on_error(exchange, status, why, reader->handler_user);
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

static const struct sunpath_http_handler handler = {.on_body = on_body,
                                                    .on_request = on_request,
                                                    .on_drain = on_drain,
                                                    .on_error = on_error,
                                                    .on_finish = on_finish};

static int take_over(struct sunpath_form_reader *reader, struct sunpath_error *error) {
    struct sunpath_http_exchange *exchange = reader->exchange;

    if (exchange->is_started || sunpath_http_set_handler(exchange, &handler, reader) < 0) {
        return sp_fail(error, -EALREADY, SUNPATH_REASON_INVALID, "form",
                       "the body was read, or the request answered");
    }
    if (reader->options.max_size > 0) {
        (void)sunpath_http_set_max_body(exchange, reader->options.max_size);
    }
    return 0;
}

int sunpath_form_reader_open(struct sunpath_form_reader **ret,
                             struct sunpath_http_exchange *exchange,
                             const struct sunpath_form_events *events, void *user,
                             const struct sunpath_form_options *given,
                             struct sunpath_error *error) {
    char boundary[SP_MULTIPART_MAX_BOUNDARY], *room;
    struct sunpath_form_options options;
    struct sunpath_form_reader *reader;
    int r, n_boundary;

    if (!exchange || !events || !events->on_end) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "form", "without on_end");
    }
    r = sp_form_read_options(&options, given, error);
    if (r < 0) {
        return r;
    }
    n_boundary = sp_form_boundary(boundary, exchange, error);
    if (n_boundary < 0) {
        return n_boundary;
    }
    reader = sunpath_http_alloc(exchange, sizeof(*reader));
    room = sunpath_http_alloc(exchange, options.max_headers);
    if (!reader || !room) {
        return sp_form_no_memory(error);
    }
    *reader = (struct sunpath_form_reader){.exchange = exchange,
                                           .events = events,
                                           .user = user,
                                           .handler = exchange->handler,
                                           .handler_user = exchange->handler_user,
                                           .options = options};
    sp_multipart_init(&reader->multipart, boundary, (size_t)n_boundary, room, options.max_headers,
                      options.max_parts);
    r = take_over(reader, error);
    if (r == 0 && ret) {
        *ret = reader;
    }
    return r;
}

struct sunpath_http_exchange *sunpath_form_reader_exchange(struct sunpath_form_reader *reader) {
    return reader->exchange;
}
