/* SPDX-License-Identifier: MIT */
/*
 * http-mirror.c SOCKET [MS] - answers every request with what was understood of it, and logs how
 * each one went, and whether the proxy in front has marked it: what tests compare with other
 * servers, and where they read why a request was refused. A client may take MS milliseconds for
 * each step.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/sunpath.h>

static uint32_t fnv1a(const unsigned char *data, size_t size) {
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * 16777619U;
    }
    return hash;
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    static char text[256 * 1024]; /* more than the largest head */
    const char *method = sunpath_http_method(exchange), *name, *value;
    int version = sunpath_http_version(exchange);
    char request[32 * 1024];
    const void *body;
    size_t size, n;

    (void)user;
    snprintf(request, sizeof(request), "%s %s", method, sunpath_http_target(exchange));
    n = (size_t)snprintf(text, sizeof(text), "%s %d.%d\n", request, version / 10, version % 10);
    for (size_t i = 0; sunpath_http_header_at(exchange, i, &name, &value); i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s: %s\n", name, value);
    }
    body = sunpath_http_body(exchange, &size);
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%zu %08" PRIx32 "\n", size,
                          fnv1a(body, size));
    if (sunpath_http_add_header(exchange, "X-Request", request) < 0 ||
        sunpath_http_respond(exchange, 200, "text/plain", text, n) < 0) {
        fprintf(stderr, "cannot answer %s\n", request);
    }
}

static void on_record(struct sunpath_http_exchange *exchange,
                      const struct sunpath_http_record *record, void *user) {
    (void)user;
    fprintf(stderr, "record %d %s %s %s: %s\n", record->status,
            sunpath_http_header(exchange, "X-Front") ? "front" : "-", sunpath_http_method(exchange),
            sunpath_http_target(exchange), record->why ? record->why : "");
}

static void on_signal(struct sunpath_signal *signal, int signal_number, void *user) {
    (void)signal;
    (void)signal_number;
    sunpath_loop_stop(user);
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    static const struct sunpath_http_observer observer = {.on_record = on_record};
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sunpath_http_server *server;
    struct sunpath_signal *signal;
    struct sunpath_error error;
    struct sunpath_loop *loop;

    if (argc > 2) {
        options.head_ms = options.body_ms = options.write_ms = options.keep_alive_ms =
            atoi(argv[2]);
    }
    if (argc < 2 || argc > 3 || sunpath_loop_open(&loop) < 0 ||
        sunpath_signal_open(&signal, loop, SIGTERM, on_signal, loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, &options) < 0 ||
        sunpath_http_server_observe(server, &observer, NULL) < 0) {
        return 2;
    }
    if (sunpath_http_server_listen(server, argv[1], NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    (void)sunpath_loop_run(loop);
    sunpath_http_server_free(server);
    sunpath_signal_close(signal);
    sunpath_loop_close(loop);
    return 0;
}
