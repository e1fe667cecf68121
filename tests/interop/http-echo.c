/* SPDX-License-Identifier: MIT */
/* http-echo.c - answers every request with 200 and its own body: what clients are tested against.
 * With a query "sign=VALUE" it sets a signed cookie as well, and tells in a header which one it
 * got. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

static void exchange_cookies(struct sunpath_http_exchange *exchange) {
    static const char *const secrets[] = {"a secret", NULL};
    const char *value = sunpath_http_query(exchange, "sign");
    const char *got = sunpath_http_signed_cookie(exchange, "signed", secrets);

    if (value) {
        (void)sunpath_http_set_signed_cookie(exchange, "signed", value, secrets[0], NULL);
        (void)sunpath_http_add_header(exchange, "X-Signed", got ? got : "none");
    }
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    size_t size;
    const void *body = sunpath_http_body(exchange, &size);

    (void)user;
    exchange_cookies(exchange);
    if (sunpath_http_respond(exchange, 200, "application/octet-stream", body, size) < 0) {
        (void)sunpath_http_respond(exchange, 500, NULL, NULL, 0);
    }
}

static void on_signal(struct sunpath_signal *signal, int signal_number, void *user) {
    (void)signal;
    (void)signal_number;
    sunpath_loop_stop(user);
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sunpath_http_server *server;
    struct sunpath_signal *signal;
    struct sunpath_error error;
    struct sunpath_loop *loop;

    options.max_body = 64 * 1024 * 1024;
    options.max_output = 128 * 1024 * 1024;
    if (argc != 2 || sunpath_loop_open(&loop) < 0 ||
        sunpath_signal_open(&signal, loop, SIGTERM, on_signal, loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, &options) < 0) {
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
