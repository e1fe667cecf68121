/* SPDX-License-Identifier: MIT */
/* http-content.c - compressed, decoded, guarded, with hints and trailers: what clients are tested
 * against. */

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/sunpath.h>
#include <sys/stat.h>

static const char *file;

static bool is_path(struct sunpath_http_exchange *exchange, const char *path) {
    return strcmp(sunpath_http_path(exchange), path) == 0;
}

static void text(struct sunpath_http_exchange *exchange, const char *what) {
    sunpath_http_respond(exchange, 200, "text/plain", what, strlen(what));
}

/* Decides about bodies before they are sent. */
static void on_head(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    if (is_path(exchange, "/guarded") && !sunpath_http_header(exchange, "Authorization")) {
        sunpath_http_add_header(exchange, "WWW-Authenticate", "Basic realm=\"x\"");
        sunpath_http_fail(exchange, 401, "who is it?");
    } else if (is_path(exchange, "/unexpected")) {
        sunpath_http_fail(exchange, 417, "not here");
    } else if (is_path(exchange, "/small")) {
        sunpath_http_set_max_body(exchange, 1000);
    }
}

static void send_large(struct sunpath_http_exchange *exchange) {
    size_t size = 200000;
    char *body = malloc(size);

    for (size_t i = 0; i < size; i++) {
        body[i] = "a line of text\n"[i % 15];
    }
    sunpath_http_add_header(exchange, "ETag", "\"large\"");
    sunpath_http_respond(exchange, 200, "text/plain", body, size);
    free(body);
}

/* Of unknown length, with a trailer. */
static void send_pieces(struct sunpath_http_exchange *exchange) {
    sunpath_http_add_header(exchange, "Content-Type", "text/plain");
    sunpath_http_add_header(exchange, "Trailer", "X-Lines");
    sunpath_http_start(exchange, 200, -1);
    for (int i = 0; i < 3; i++) {
        sunpath_http_write(exchange, "a piece of text\n", 16);
    }
    sunpath_http_add_header(exchange, "X-Lines", "3");
    sunpath_http_end(exchange);
}

static void send_file(struct sunpath_http_exchange *exchange) {
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat stat;

    if (fd < 0 || fstat(fd, &stat) < 0) {
        sunpath_http_fail(exchange, 404, NULL);
        return;
    }
    sunpath_http_add_header(exchange, "Content-Type", "text/plain");
    sunpath_http_start(exchange, 200, stat.st_size);
    sunpath_http_send_file(exchange, fd, 0, (uint64_t)stat.st_size);
}

static void send_hints(struct sunpath_http_exchange *exchange) {
    sunpath_http_add_header(exchange, "Link", "</style.css>; rel=preload; as=style");
    sunpath_http_inform(exchange, 103);
    text(exchange, "after hints\n");
}

/* The last header there is, which is a trailer if there was one. */
static void send_trailer(struct sunpath_http_exchange *exchange) {
    const char *name = "", *value = "";
    char line[256];

    for (size_t i = 0; sunpath_http_header_at(exchange, i, &name, &value); i++) {
    }
    snprintf(line, sizeof(line), "%s: %s\n", name, value);
    text(exchange, line);
}

static void send_json(struct sunpath_http_exchange *exchange) {
    struct sunpath_error error;
    struct json_t *json;

    if (sunpath_http_json(exchange, &json, &error) < 0) {
        sunpath_http_fail_error(exchange, &error);
        return;
    }
    sunpath_http_respond_json(exchange, 200, json);
    json_decref(json);
}

static void send_size(struct sunpath_http_exchange *exchange) {
    char line[32];
    size_t size;

    sunpath_http_body(exchange, &size);
    snprintf(line, sizeof(line), "%zu\n", size);
    text(exchange, line);
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    static const struct {
        const char *path;
        void (*send)(struct sunpath_http_exchange *exchange);
    } routes[] = {{"/large", send_large}, {"/pieces", send_pieces},   {"/file", send_file},
                  {"/hints", send_hints}, {"/trailer", send_trailer}, {"/json", send_json}};

    (void)user;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (is_path(exchange, routes[i].path)) {
            routes[i].send(exchange);
            return;
        }
    }
    send_size(exchange);
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_head = on_head,
                                                        .on_request = on_request};
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sunpath_http_server *server;
    struct sunpath_error error;
    struct sunpath_loop *loop;

    options.max_body = 64 * 1024 * 1024;
    options.compresses = options.decodes_bodies = true;
    if (argc != 3 || sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, &options) < 0) {
        return 2;
    }
    file = argv[2];
    if (sunpath_http_server_listen(server, argv[1], NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server);
    sunpath_loop_close(loop);
    return 0;
}
