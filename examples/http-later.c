/* SPDX-License-Identifier: MIT */
/* http-later.c - an answer that takes its time, and a client that may not wait for it. */

#include <stdio.h>
#include <stdlib.h>
#include <sunpath/sunpath.h>

/* An answer that is awaited. It goes with the exchange, so nothing is to be freed but the timer. */
struct waiting {
    struct sunpath_http_exchange *exchange;
    struct sunpath_timer *timer;
};

static void on_due(struct sunpath_timer *timer, void *user) {
    struct waiting *waiting = user;

    (void)timer;
    sunpath_http_respond(waiting->exchange, 200, "text/plain", "here it is\n", 11);
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    const char *ms = sunpath_http_query(exchange, "ms");
    struct waiting *waiting = sunpath_http_alloc(exchange, sizeof(*waiting));

    if (!waiting || sunpath_timer_new(&waiting->timer, user, on_due, waiting) < 0) {
        sunpath_http_fail(exchange, 503, NULL);
        return;
    }
    waiting->exchange = exchange;
    sunpath_http_set_user(exchange, waiting);
    sunpath_timer_set(waiting->timer, ms ? strtoul(ms, NULL, 10) : 1000);
}

/* Always called, once, and the last: whether the answer has left or the client has. */
static void on_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    struct waiting *waiting = sunpath_http_user(exchange);

    (void)user;
    if (waiting) {
        sunpath_timer_free(waiting->timer);
    }
    if (error < 0) { /* -EPIPE or -ECONNRESET: it has left */
        puts("the client did not wait");
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_request = on_request,
                                                        .on_finish = on_finish};
    const char *address = argc > 1 ? argv[1] : "/tmp/later.sock";
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_http_server *server = NULL;
    struct sunpath_loop *loop = NULL;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, loop, NULL) < 0 ||
        sunpath_http_server_listen(server, address, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server);
    sunpath_loop_close(loop);
    return 0;
}
