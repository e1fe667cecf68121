/* SPDX-License-Identifier: MIT */
/* sunpath-http.c - the HTTP hello job on Sunpath's server, by way of a router. */

#include <stdio.h>
#include <sunpath/sunpath.h>

static void hello(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_respond(exchange, 200, "text/plain", "hello, world\n", 13);
}

int main(int argc, char **argv) {
    struct sunpath_http_server *server;
    struct sunpath_router *router;
    struct sunpath_error error = {.text = "no server"};
    struct sunpath_loop *loop;

    if (argc != 2) {
        fprintf(stderr, "usage: bench-sunpath-http SOCKET\n");
        return 2;
    }
    if (sunpath_loop_open(&loop) < 0 || sunpath_router_new(&router, NULL) < 0) {
        return 1;
    }
    sunpath_router_on(router, "GET /", hello, NULL);
    sunpath_router_on(router, "GET /users/:id", hello, NULL);
    if (sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, NULL) < 0 ||
        sunpath_http_server_listen(server, argv[1], NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    return sunpath_loop_run(loop) < 0;
}
