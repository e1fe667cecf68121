/* SPDX-License-Identifier: MIT */
/* sunpath-echo.c - the echo and sink jobs on Sunpath's streams. */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

static void on_echo_data(struct sunpath_stream *stream, void *user) {
    size_t size;
    const void *input = sunpath_stream_input(stream, &size);
    int r = sunpath_stream_write(stream, input, size);

    (void)user;
    if (r < 0) {
        sunpath_stream_close(stream);
        return;
    }
    sunpath_stream_consume(stream, size);
    if (r > 0) {
        sunpath_stream_pause(stream);
    }
}

static void on_drain(struct sunpath_stream *stream, void *user) {
    (void)user;
    sunpath_stream_resume(stream);
}

static void on_sink_data(struct sunpath_stream *stream, void *user) {
    size_t size;

    (void)user;
    sunpath_stream_input(stream, &size);
    sunpath_stream_consume(stream, size);
}

static void on_close(struct sunpath_stream *stream, int error, void *user) {
    (void)error;
    (void)user;
    sunpath_stream_close(stream);
}

int main(int argc, char **argv) {
    static const struct sunpath_stream_events echo = {
        .on_data = on_echo_data, .on_drain = on_drain, .on_close = on_close};
    static const struct sunpath_stream_events sink = {.on_data = on_sink_data,
                                                      .on_close = on_close};
    struct sunpath_stream_server *server;
    struct sunpath_error error;
    struct sunpath_loop *loop;
    bool is_echo;

    if (argc != 3 || (strcmp(argv[1], "echo") != 0 && strcmp(argv[1], "sink") != 0)) {
        fprintf(stderr, "usage: bench-sunpath-echo echo|sink SOCKET\n");
        return 2;
    }
    is_echo = strcmp(argv[1], "echo") == 0;
    if (sunpath_loop_open(&loop) < 0) {
        return 1;
    }
    if (sunpath_stream_server_open(&server, loop, argv[2], NULL, NULL, NULL,
                                   is_echo ? &echo : &sink, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    return sunpath_loop_run(loop) < 0;
}
