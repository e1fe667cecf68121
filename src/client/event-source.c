/* SPDX-License-Identifier: MIT */
/* event-source.c - server-sent events on the client: asked for, read, and asked for again. */

#include <sunpath/event-source.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "client/http-client.h"
#include "wire/event-stream.h"
#include "wire/media-type.h"

#define RETRY_MS      3000
#define MAX_RETRY_MS  30000
#define MIN_RETRY_MS  10 /* a server that says 0, and ends at once, is not asked without pause */
#define MAX_EVENT     (1024 * 1024)
#define MAX_REDIRECTS 10

struct sunpath_event_source {
    struct sunpath_loop *loop;
    struct sunpath_http_client *client;
    const struct sunpath_event_source_events *events;
    void *user;
    struct sunpath_timer *timer; /* until it is asked for again */
    struct sp_event_reader reader;
    char *uri;
    const char **headers; /* name, value, ..., NULL; the first is Last-Event-ID. With their text */
    int retry_ms, max_retry_ms, idle_ms;
    int n_failures;             /* in a row */
    bool is_open;               /* on_open was called for it */
    bool is_final;              /* what ended it would not change by itself */
    bool is_closed;             /* by the caller, perhaps inside a callback */
    unsigned inside;            /* callbacks on the stack */
    struct sunpath_error error; /* what we found wrong with the answer; code 0: nothing */
};

static void release(struct sunpath_event_source *source) {
    sunpath_timer_free(source->timer);
    sp_event_reader_deinit(&source->reader);
    free(source->uri);
    free(source->headers);
    free(source);
}

static void enter(struct sunpath_event_source *source) {
    source->inside++;
}

/* False when the caller closed the source meanwhile: it may be gone. */
static bool leave(struct sunpath_event_source *source) {
    bool is_closed = source->is_closed;

    if (--source->inside == 0 && is_closed) {
        release(source);
    }
    return !is_closed;
}

struct sunpath_event_source *sunpath_event_source_close(struct sunpath_event_source *source) {
    if (!source || source->is_closed) {
        return NULL;
    }
    enter(source);
    source->is_closed = true;
    source->client = sunpath_http_client_free(source->client);
    leave(source);
    return NULL;
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* "events '/x' on '/run/app.sock': <sentence>" */
static void describe(const struct sunpath_event_source *source, struct sunpath_error *error,
                     int code, const char *sentence) {
    const char *uri = source->uri ? source->uri : source->client->uri ? source->client->uri : "/";
    struct sp_shown target, address;

    sp_show(&target, uri, strlen(uri));
    sp_show_address(&address, &source->client->address);
    sp_fail(error, code, SUNPATH_REASON_PROTOCOL, "events", "'%.100s' on '%s': %s", target.text,
            address.text, sentence);
}

/* Ends the request; on_error will tell why. */
static int refuse(struct sunpath_event_source *source, int code, bool is_final, const char *format,
                  ...) SUNPATH_PRINTF(4, 5);
static int refuse(struct sunpath_event_source *source, int code, bool is_final, const char *format,
                  ...) {
    char sentence[200];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    describe(source, &source->error, code, sentence);
    source->is_final = is_final;
    return -ECANCELED; /* whatever ends it */
}

static bool may_change(int status) {
    return status == 408 || status == 425 || status == 429 || status == 500 ||
           (status >= 502 && status <= 504);
}

static int judge(struct sunpath_event_source *source,
                 const struct sunpath_http_response *response) {
    const char *type = sunpath_http_response_header(response, "Content-Type");
    const char *unfollowed = sunpath_http_response_unfollowed(response);
    int status = sunpath_http_response_status(response);

    if (status == 204) {
        return refuse(source, 0, true, "the server has no more events (204)");
    }
    if (unfollowed) {
        return refuse(source, -EPROTO, true, "the server answered %d: %s", status, unfollowed);
    }
    if (status != 200) {
        return refuse(source, -EPROTO, !may_change(status), "the server answered %d %s", status,
                      sp_http_reason(status));
    }
    if (!type || !sp_media_type_is(type, strlen(type), "text/event-stream")) {
        return refuse(source, -EPROTO, true, "the answer is not a text/event-stream");
    }
    return 0;
}

static int on_head(const struct sunpath_http_response *response, void *user) {
    struct sunpath_event_source *source = user;
    int r;

    if (sunpath_http_response_status(response) < 200) {
        return 0;
    }
    r = judge(source, response);
    if (r != 0) {
        return r;
    }
    source->is_open = true;
    source->n_failures = 0;
    enter(source);
    if (source->events->on_open) {
        source->events->on_open(source, response, source->user);
    }
    return leave(source) ? 0 : -ECANCELED;
}

/* Returns false when the source was closed. */
static bool tell(struct sunpath_event_source *source, const struct sp_event *read) {
    const struct sunpath_source_event event = {
        .type = read->type, .data = read->data, .n_data = read->n_data, .id = read->id};

    source->events->on_event(source, &event, source->user);
    return !source->is_closed;
}

static int on_body(const struct sunpath_http_response *response, const void *data, size_t size,
                   void *user) {
    struct sunpath_event_source *source = user;
    const char *at = data, *end = at + size;
    struct sp_event event;
    int r = 1;

    (void)response;
    enter(source);
    while (r > 0) {
        size_t used;

        r = sp_event_read(&source->reader, at, (size_t)(end - at), &used, &event);
        at += used;
        if (r > 0 && !tell(source, &event)) {
            r = -ECANCELED;
        }
    }
    if (r == -EMSGSIZE) {
        r = refuse(source, r, true, "an event is larger than %zu bytes", source->reader.max_size);
    }
    return leave(source) ? r : -ECANCELED;
}

/* ---- asking, and asking again ---------------------------------------------------------------- */

/* The wait before the next request. */
static int next_retry_ms(const struct sunpath_event_source *source) {
    int64_t ms = source->reader.has_retry ? source->reader.retry_ms : source->retry_ms;
    int64_t max = ms > source->max_retry_ms ? ms : source->max_retry_ms;

    ms = ms < MIN_RETRY_MS ? MIN_RETRY_MS : ms;
    for (int i = 1; i < source->n_failures && ms < max; i++) {
        ms *= 2;
    }
    return (int)(ms < max ? ms : max < MIN_RETRY_MS ? MIN_RETRY_MS : max);
}

static void be_without_stream(struct sunpath_event_source *source,
                              const struct sunpath_error *error) {
    int retry_ms = -1;

    source->n_failures += !source->is_open;
    source->is_open = false;
    sp_event_reader_reset(&source->reader);
    if (!source->is_final) {
        retry_ms = next_retry_ms(source);
        sunpath_timer_set(source->timer, (uint64_t)retry_ms);
    }
    enter(source);
    if (source->events->on_error) {
        source->events->on_error(source, error, retry_ms, source->user);
    }
    leave(source);
}

/* Waiting does not make another server of it, nor another target. */
static bool is_final_code(int code) {
    return code == -EPERM || code == -ELOOP || code == -EINVAL;
}

static void on_done(const struct sunpath_http_response *response, int result,
                    const struct sunpath_error *error, void *user) {
    struct sunpath_event_source *source = user;
    struct sunpath_error ours = source->error;

    (void)response;
    if (source->is_closed) {
        return;
    }
    if (ours.text[0]) {
        be_without_stream(source, &ours);
    } else if (result != 0) {
        source->is_final = is_final_code(result);
        be_without_stream(source, error);
    } else {
        describe(source, &ours, -ECONNRESET, "the server ended the stream");
        be_without_stream(source, &ours);
    }
}

static int ask(struct sunpath_event_source *source) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    const char *id = sp_event_reader_id(&source->reader);

    source->headers[1] = sp_http_is_value(id, strlen(id)) ? id : "";
    source->error = (struct sunpath_error){0};
    source->is_final = false;
    options.headers = source->headers;
    options.on_head = on_head;
    options.on_body = on_body;
    options.user = source;
    options.timeout_ms = -1;
    options.first_byte_ms = options.idle_ms = source->idle_ms;
    options.max_redirects = MAX_REDIRECTS;
    return sunpath_http_client_send(source->client, "GET", source->uri, &options, on_done, source);
}

static void on_timer(struct sunpath_timer *timer, void *user) {
    struct sunpath_event_source *source = user;
    struct sunpath_error error;
    int r = ask(source);

    (void)timer;
    if (r < 0) {
        sp_fail(&error, r, sp_reason_of_errno(r), "events", "asking again: %s", strerror(-r));
        be_without_stream(source, &error);
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

/* What is sent unless the caller says otherwise. */
static const char *const defaults[] = {"Accept", "text/event-stream", "Cache-Control", "no-store",
                                       NULL};
static const char *const nothing[] = {NULL};

static bool has_header(const char *const *headers, const char *name) {
    for (; headers[0] && headers[1]; headers += 2) {
        if (strcasecmp(headers[0], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Counts the strings up to the NULL, and adds up their bytes. */
static size_t count(const char *const *strings, size_t *n_bytes) {
    size_t n = 0;

    for (; strings[n]; n++) {
        *n_bytes += strlen(strings[n]) + 1;
    }
    return n;
}

static int copy_headers(struct sunpath_event_source *source, const char *const *given) {
    const char **to;
    size_t n_bytes = 0, n;
    char *text;

    given = given ? given : nothing;
    n = count(given, &n_bytes);
    if (n % 2 != 0) {
        return -EINVAL;
    }
    source->headers = calloc(1, (n + 7) * sizeof(*source->headers) + n_bytes);
    if (!source->headers) {
        return -ENOMEM;
    }
    to = source->headers;
    *to++ = "Last-Event-ID";
    *to++ = "";
    for (const char *const *header = defaults; *header; header += 2) {
        if (!has_header(given, header[0])) {
            *to++ = header[0];
            *to++ = header[1];
        }
    }
    text = (char *)(source->headers + n + 7);
    for (; *given; given++) {
        *to++ = text;
        text = stpcpy(text, *given) + 1;
    }
    return 0;
}

static int make_client(struct sunpath_event_source *source, const char *address,
                       const struct sunpath_event_source_options *options,
                       struct sunpath_error *error) {
    struct sunpath_http_client_options client = SUNPATH_OPTIONS(struct sunpath_http_client_options);

    client.connect = options->connect;
    client.cookies = options->cookies;
    client.max_connections = 1;
    return sunpath_http_client_new(&source->client, source->loop, address, &client, error);
}

static int take_options(struct sunpath_event_source *source,
                        const struct sunpath_event_source_options *options) {
    int r;

    if (options->retry_ms < 0 || options->max_retry_ms < 0 || options->idle_ms < 0) {
        return -EINVAL;
    }
    source->retry_ms = options->retry_ms ? options->retry_ms : RETRY_MS;
    source->max_retry_ms = options->max_retry_ms ? options->max_retry_ms : MAX_RETRY_MS;
    source->idle_ms = options->idle_ms;
    source->reader.max_size = options->max_event ? options->max_event : MAX_EVENT;
    r = sp_event_reader_set_id(&source->reader,
                               options->last_event_id ? options->last_event_id : "");
    if (r < 0) {
        return r;
    }
    source->uri = options->uri ? strdup(options->uri) : NULL;
    if (options->uri && !source->uri) {
        return -ENOMEM;
    }
    return copy_headers(source, options->headers);
}

/* Everything but the client, which says by itself what is wrong. */
static int prepare(struct sunpath_event_source *source,
                   const struct sunpath_event_source_options *options) {
    int r = take_options(source, options);

    if (r < 0) {
        return r;
    }
    return sunpath_timer_new(&source->timer, source->loop, on_timer, source);
}

static void source_freep(struct sunpath_event_source **source) {
    *source = sunpath_event_source_close(*source);
}

int sunpath_event_source_open(struct sunpath_event_source **ret, struct sunpath_loop *loop,
                              const char *address, const struct sunpath_event_source_options *given,
                              const struct sunpath_event_source_events *events, void *user,
                              struct sunpath_error *error) {
    _cleanup_(source_freep) struct sunpath_event_source *source = NULL;
    struct sunpath_event_source_options options;
    int r;

    if (sp_options_read(&options, sizeof(options), given) < 0 || !events || !events->on_event) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "events",
                       "options: their size is wrong, or on_event is missing");
    }
    source = calloc(1, sizeof(*source));
    if (!source) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "events", "out of memory");
    }
    source->loop = loop;
    source->events = events;
    source->user = user;
    r = make_client(source, address, &options, error);
    if (r < 0) {
        return r;
    }
    r = prepare(source, &options);
    if (r >= 0) {
        r = ask(source);
    }
    if (r < 0) {
        return sp_fail(error, r, sp_reason_of_errno(r), "events", "options: %s", strerror(-r));
    }
    *ret = sp_take_ptr(&source);
    return 0;
}

const char *sunpath_event_source_last_event_id(struct sunpath_event_source *source) {
    return sp_event_reader_id(&source->reader);
}
