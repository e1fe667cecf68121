/* SPDX-License-Identifier: MIT */
/* ready-service.c - a service whose manager knows how it is: ready, alive, stopping. */

#include <stdio.h>
#include <sunpath/sunpath.h>

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_respond(exchange, 200, "text/plain", "ready\n", 6);
}

struct watchdog {
    uint64_t interval_us;
};

/* Says so from inside the loop: if that hangs, the manager hears nothing, and starts us anew. */
static void say_alive(struct sunpath_timer *timer, void *user) {
    const struct watchdog *watchdog = user;

    sunpath_notify("WATCHDOG=1", NULL, NULL);
    sunpath_timer_set(timer, watchdog->interval_us / 1000 / 2);
}

/* 0 when the manager wants to hear nothing, too. */
static int watch_over(struct sunpath_timer **ret, struct sunpath_loop *loop,
                      struct watchdog *watchdog) {
    int r = sunpath_notify_watchdog_us(&watchdog->interval_us);

    if (r <= 0) {
        return r;
    }
    r = sunpath_timer_new(ret, loop, say_alive, watchdog);
    return r < 0 ? r : sunpath_timer_set(*ret, 0);
}

static void say_ready(const char *address) {
    struct sunpath_notify_options options = SUNPATH_OPTIONS(struct sunpath_notify_options);
    struct sunpath_error error;

    options.status = address;
    if (sunpath_notify("READY=1", &options, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
    }
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    const char *address = argc > 1 ? argv[1] : "/tmp/ready.sock";
    struct sunpath_error error = {.text = "cannot start: memory, descriptors or $WATCHDOG_USEC"};
    struct sunpath_http_server *server = NULL;
    struct sunpath_timer *timer = NULL;
    struct sunpath_loop *loop = NULL;
    struct watchdog watchdog;
    int status = 1;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, NULL) < 0 ||
        watch_over(&timer, loop, &watchdog) < 0 ||
        sunpath_http_server_listen(server, address, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
    } else {
        say_ready(address); /* it accepts: who waited for us may come now */
        status = sunpath_loop_run_until_signal(loop) < 0;
        sunpath_notify("STOPPING=1", NULL, NULL);
    }
    sunpath_timer_free(timer);
    sunpath_http_server_free(server); /* removes the socket */
    sunpath_loop_close(loop);
    return status;
}
