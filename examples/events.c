/* SPDX-License-Identifier: MIT */
/*
 * events.c - server-sent events: what is posted to /events goes to everyone who reads it, and every
 * minute the time.
 */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>
#include <time.h>

#define MINUTE_MS 60000

/* What a client that comes back has missed is sent first, and when it cannot be told, that. */
static void subscribe(struct sunpath_http_exchange *exchange,
                      struct sunpath_event_channel *channel) {
    struct sunpath_event_stream_options options =
        SUNPATH_OPTIONS(struct sunpath_event_stream_options);
    struct sunpath_event_stream *stream;
    int r;

    options.retry_ms = 100;
    if (sunpath_event_stream_open(&stream, exchange, &options) < 0) {
        return;
    }
    r = sunpath_event_channel_subscribe(channel, stream);
    if (r == 1) {
        sunpath_event_stream_send(stream, NULL, "gap", "", 0);
    } else if (r < 0) {
        sunpath_event_stream_close(stream);
    }
}

static void publish(struct sunpath_http_exchange *exchange, struct sunpath_event_channel *channel) {
    size_t size;
    const void *body = sunpath_http_body(exchange, &size);
    char text[32];
    int n =
        sunpath_event_channel_publish(channel, sunpath_http_query(exchange, "name"), body, size);

    if (n < 0) {
        sunpath_http_fail(exchange, 400, "that is no name for an event");
        return;
    }
    n = snprintf(text, sizeof(text), "sent to %d\n", n);
    sunpath_http_respond(exchange, 200, "text/plain", text, (size_t)n);
}

static void on_minute(struct sunpath_timer *timer, void *user) {
    struct sunpath_event_channel *channel = user;
    char text[32];
    int n = snprintf(text, sizeof(text), "%lld", (long long)time(NULL));

    sunpath_event_channel_publish(channel, "time", text, (size_t)n);
    sunpath_timer_set(timer, MINUTE_MS); /* it fires once each time it is set */
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    const char *method = sunpath_http_method(exchange);

    if (strcmp(sunpath_http_path(exchange), "/events") != 0) {
        sunpath_http_fail(exchange, 404, NULL);
    } else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        subscribe(exchange, user);
    } else if (strcmp(method, "POST") == 0) {
        publish(exchange, user);
    } else {
        sunpath_http_add_header(exchange, "Allow", "GET, HEAD, POST");
        sunpath_http_fail(exchange, 405, NULL);
    }
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    const char *address = argc > 1 ? argv[1] : "/tmp/events.sock";
    struct sunpath_event_channel *channel = NULL;
    struct sunpath_http_server *server = NULL;
    struct sunpath_timer *timer = NULL;
    struct sunpath_loop *loop = NULL;
    struct sunpath_error error = {.text = "out of memory or descriptors"};
    int status = 1;

    if (sunpath_loop_open(&loop) < 0 || sunpath_event_channel_new(&channel, NULL) < 0 ||
        sunpath_timer_new(&timer, loop, on_minute, channel) < 0 ||
        sunpath_timer_set(timer, MINUTE_MS) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, channel, NULL) < 0 ||
        sunpath_http_server_listen(server, address, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
    } else {
        status = sunpath_loop_run_until_signal(loop) < 0;
    }
    sunpath_timer_free(timer);
    sunpath_event_channel_free(channel);
    sunpath_http_server_free(server);
    sunpath_loop_close(loop);
    return status;
}
