/* SPDX-License-Identifier: MIT */
/* echo.c - a complete server that sends every byte back, however slowly its clients read. */

#include <signal.h>
#include <stdio.h>

#include <sunpath/sunpath.h>

static void on_data(struct sunpath_stream *stream, void *user) {
    size_t size;
    const void *data = sunpath_stream_input(stream, &size);

    (void)user;
    if (sunpath_stream_write(stream, data, size) != 0) {
        sunpath_stream_pause(stream); /* enough is queued: go on when it has left */
    }
    sunpath_stream_consume(stream, size);
}

static void on_drain(struct sunpath_stream *stream, void *user) {
    (void)user;
    sunpath_stream_resume(stream);
}

static void on_close(struct sunpath_stream *stream, int error, void *user) {
    (void)error;
    (void)user;
    sunpath_stream_close(stream);
}

static void on_signal(struct sunpath_signal *signal, int number, void *loop) {
    (void)signal;
    (void)number;
    sunpath_loop_stop(loop);
}

int main(int argc, char **argv) {
    static const struct sunpath_stream_events events = {
        .on_data = on_data, .on_drain = on_drain, .on_close = on_close};
    static struct sunpath_loop *loop;
    static struct sunpath_stream_server *server;
    struct sunpath_signal *term, *interrupt;
    struct sunpath_error error = {.text = "no memory or no descriptor"};

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_signal_open(&term, loop, SIGTERM, on_signal, loop) < 0 ||
        sunpath_signal_open(&interrupt, loop, SIGINT, on_signal, loop) < 0 ||
        sunpath_stream_server_open(&server, loop, argc > 1 ? argv[1] : "/tmp/echo.sock", NULL, NULL,
                                   NULL, &events, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run(loop);
    sunpath_stream_server_close(server); /* removes the socket */
    sunpath_signal_close(term);
    sunpath_signal_close(interrupt);
    sunpath_loop_close(loop);
    return 0;
}
