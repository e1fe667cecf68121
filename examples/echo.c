/* SPDX-License-Identifier: MIT */
/* echo.c - a complete server that sends every byte back, however slowly its clients read. */

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

int main(int argc, char **argv) {
    static const struct sunpath_stream_events events = {.on_data = on_data, .on_drain = on_drain};
    const char *address = argc > 1 ? argv[1] : "/tmp/echo.sock";
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_stream_server *server = NULL;
    struct sunpath_loop *loop = NULL;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_stream_server_open(&server, loop, address, NULL, NULL, NULL, &events, NULL,
                                   &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_stream_server_close(server); /* removes the socket */
    sunpath_loop_close(loop);
    return 0;
}
