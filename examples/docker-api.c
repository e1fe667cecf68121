/* SPDX-License-Identifier: MIT */
/* docker-api.c - enough of the Docker API for `docker -H unix:///tmp/docker.sock ps`. */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

static const char version[] =
    "{\"Version\":\"0.1\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\",\"Os\":\"linux\","
    "\"Arch\":\"amd64\",\"GitCommit\":\"none\",\"GoVersion\":\"none\",\"KernelVersion\":\"none\","
    "\"BuildTime\":\"today\"}\n";

static const char containers[] =
    "[{\"Id\":\"0123456789abcdef0123\",\"Names\":[\"/sunny\"],\"Image\":\"sunpath:latest\","
    "\"ImageID\":\"sha256:0\",\"Command\":\"serve\",\"Created\":1700000000,\"Ports\":[],"
    "\"Labels\":{},\"State\":\"running\",\"Status\":\"Up 1 minute\"}]\n";

static void json(struct sunpath_http_exchange *exchange, const char *text) {
    sunpath_http_respond(exchange, 200, "application/json", text, strlen(text));
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    const char *target = sunpath_http_target(exchange);

    (void)user;
    sunpath_http_add_header(exchange, "Api-Version", "1.41");
    if (strstr(target, "/_ping")) {
        sunpath_http_respond(exchange, 200, "text/plain", "OK", 2);
    } else if (strstr(target, "/version")) {
        json(exchange, version);
    } else if (strstr(target, "/containers/json")) {
        json(exchange, containers);
    } else {
        sunpath_http_respond(exchange, 404, "application/json", "{\"message\":\"no such thing\"}\n",
                             28);
    }
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    struct sunpath_http_server *server;
    struct sunpath_error error;
    struct sunpath_loop *loop;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, NULL) < 0) {
        return 1;
    }
    if (sunpath_http_server_listen(server, argc > 1 ? argv[1] : "/tmp/docker.sock", NULL, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    return sunpath_loop_run(loop) < 0;
}
