/* SPDX-License-Identifier: MIT */
/* http-hello.c - an HTTP server on a Unix socket: curl --unix-socket /tmp/hello.sock http://x/ */

#include <stdio.h>
#include <sunpath/sunpath.h>

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_respond(exchange, 200, "text/plain", "hello, world\n", 13);
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    const char *address = argc > 1 ? argv[1] : "/tmp/hello.sock";
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_http_server *server = NULL;
    struct sunpath_loop *loop = NULL;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, NULL) < 0 ||
        sunpath_http_server_listen(server, address, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server); /* removes the socket */
    sunpath_loop_close(loop);
    return 0;
}
