/* SPDX-License-Identifier: MIT */
/* http-hello.c - an HTTP server on a Unix socket: curl --unix-socket /tmp/hello.sock http://x/ */

#include <stdio.h>
#include <sunpath/sunpath.h>

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_respond(exchange, 200, "text/plain", "hello, world\n", 13);
}

int main(int argc, char **argv) {
    static const struct sunpath_http_server_events events = {.on_request = on_request};
    struct sunpath_http_server *server;
    struct sunpath_error error;
    struct sunpath_loop *loop;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &events, NULL, NULL) < 0) {
        return 1;
    }
    if (sunpath_http_server_listen(server, argc > 1 ? argv[1] : "/tmp/hello.sock", NULL, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    return sunpath_loop_run(loop) < 0;
}
