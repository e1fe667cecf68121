/* SPDX-License-Identifier: MIT */
/* docker-api.c - enough of the Docker API for `docker -H unix:///tmp/docker.sock version`, `ps`,
 * `events` and `attach sunny`: JSON, an endless response, and a connection that becomes a stream.
 */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

static void json(struct sunpath_http_exchange *exchange, int status, const char *text) {
    sunpath_http_respond(exchange, status, "application/json", text, strlen(text));
}

static void ping(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_respond(exchange, 200, "text/plain", "OK", 2);
}

static void show_version(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    json(exchange, 200,
         "{\"Version\":\"0.1\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\",\"Os\":\"linux\","
         "\"Arch\":\"amd64\",\"GitCommit\":\"none\",\"GoVersion\":\"none\","
         "\"KernelVersion\":\"none\",\"BuildTime\":\"today\"}\n");
}

static void list_containers(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    json(exchange, 200,
         "[{\"Id\":\"0123456789abcdef0123\",\"Names\":[\"/sunny\"],\"Image\":\"sunpath:latest\","
         "\"ImageID\":\"sha256:0\",\"Command\":\"serve\",\"Created\":1700000000,\"Ports\":[],"
         "\"Labels\":{},\"State\":\"running\",\"Status\":\"Up 1 minute\"}]\n");
}

static void inspect_container(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    json(exchange, 200,
         "{\"Id\":\"0123456789abcdef0123\",\"Name\":\"/sunny\",\"Image\":\"sha256:0\","
         "\"State\":{\"Status\":\"running\",\"Running\":true},"
         "\"Config\":{\"Tty\":false,\"OpenStdin\":true,\"AttachStdin\":true},"
         "\"HostConfig\":{},\"NetworkSettings\":{}}\n");
}

/* Attached clients are over with status 0 once they have left. */
static void wait_for_container(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    json(exchange, 200, "{\"StatusCode\":0}\n");
}

/* ---- events: a response without an end ------------------------------------------------------- */

static void watch_events(struct sunpath_http_exchange *exchange, void *user) {
    static const char event[] =
        "{\"Type\":\"container\",\"Action\":\"start\",\"status\":\"start\","
        "\"id\":\"0123456789abcdef0123\",\"from\":\"sunpath:latest\","
        "\"Actor\":{\"ID\":\"0123456789abcdef0123\",\"Attributes\":{\"name\":\"sunny\"}},"
        "\"scope\":\"local\",\"time\":1700000000,\"timeNano\":1700000000000000000}\n";

    (void)user;
    sunpath_http_add_header(exchange, "Content-Type", "application/json");
    sunpath_http_start(exchange, 200, -1);
    sunpath_http_write(exchange, event, sizeof(event) - 1);
    if (sunpath_http_query(exchange, "until")) {
        sunpath_http_end(exchange); /* else it goes on until the client leaves */
    }
}

/* ---- attach: what the client types comes back ------------------------------------------------ */

/* Output travels in frames: which stream it is of (1: standard output), and its length. */
static void echo_input(struct sunpath_stream *stream, void *user) {
    unsigned char frame[8] = {1};
    size_t size;
    const void *input = sunpath_stream_input(stream, &size);

    (void)user;
    for (int i = 0; i < 4; i++) {
        frame[4 + i] = (unsigned char)(size >> 8 * (3 - i));
    }
    sunpath_stream_write(stream, frame, sizeof(frame));
    sunpath_stream_write(stream, input, size);
    sunpath_stream_consume(stream, size);
}

static void leave(struct sunpath_stream *stream, int error, void *user) {
    (void)error;
    (void)user;
    sunpath_stream_close(stream);
}

static void attach(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_stream_events events = {.on_data = echo_input, .on_close = leave};
    struct sunpath_stream *stream;

    sunpath_http_add_header(exchange, "Content-Type", "application/vnd.docker.raw-stream");
    if (sunpath_http_upgrade(exchange, "tcp", &stream, &events, user) < 0) {
        sunpath_http_fail(exchange, 400, "attach needs Upgrade: tcp");
    }
}

/* ---- the service ----------------------------------------------------------------------------- */

static void add_api_version(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_add_header(exchange, "Api-Version", "1.41");
    sunpath_router_next(exchange);
}

/* As the Docker client reads it. */
static void answer_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                         void *user) {
    char text[512];

    (void)user;
    snprintf(text, sizeof(text), "{\"message\":\"%s\"}\n", why);
    json(exchange, status, text);
}

static struct sunpath_router *make_router(struct sunpath_error *error) {
    struct sunpath_router *router;

    if (sunpath_router_new(&router, NULL) < 0) {
        return NULL;
    }
    sunpath_router_use(router, NULL, add_api_version, NULL);
    sunpath_router_on_error(router, answer_error, NULL);
    sunpath_router_on(router, "GET {/v:version}/_ping", ping, NULL);
    sunpath_router_on(router, "GET {/v:version}/version", show_version, NULL);
    sunpath_router_on(router, "GET {/v:version}/events", watch_events, NULL);
    sunpath_router_on(router, "GET {/v:version}/containers/json", list_containers, NULL);
    sunpath_router_on(router, "GET {/v:version}/containers/:id/json", inspect_container, NULL);
    sunpath_router_on(router, "POST {/v:version}/containers/:id/attach", attach, NULL);
    sunpath_router_on(router, "POST {/v:version}/containers/:id/wait", wait_for_container, NULL);
    return sunpath_router_compile(router, error) < 0 ? sunpath_router_free(router) : router;
}

int main(int argc, char **argv) {
    struct sunpath_error error = {.text = "out of memory"};
    struct sunpath_router *router = make_router(&error);
    struct sunpath_http_server *server = NULL;
    struct sunpath_loop *loop = NULL;

    if (!router || sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, NULL) < 0 ||
        sunpath_http_server_listen(server, argc > 1 ? argv[1] : "/tmp/docker.sock", NULL, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server);
    sunpath_loop_close(loop);
    sunpath_router_free(router);
    return 0;
}
