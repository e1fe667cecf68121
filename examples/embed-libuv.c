/* SPDX-License-Identifier: MIT */
/* embed-libuv.c - an echo server inside libuv: one uv_poll_t stands for the whole loop. */

#include <signal.h>
#include <stdio.h>

#include <uv.h>

#include <sunpath/sunpath.h>

static void on_data(struct sunpath_stream *stream, void *user) {
    size_t size;
    const void *data = sunpath_stream_input(stream, &size);

    (void)user;
    if (sunpath_stream_write(stream, data, size) != 0) {
        sunpath_stream_pause(stream);
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

static void on_signal(uv_signal_t *signal, int number) {
    (void)number;
    uv_stop(signal->loop);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    sunpath_loop_dispatch(poll->data, 0);
}

static int run(struct sunpath_loop *loop, uv_loop_t *uv) {
    int fd = sunpath_loop_fd(loop);
    uv_poll_t poll;
    int r;

    if (fd < 0) {
        return fd;
    }

    r = uv_poll_init(uv, &poll, fd);
    if (r < 0) {
        return r;
    }

    poll.data = loop;
    uv_poll_start(&poll, UV_READABLE, on_readable);
    uv_run(uv, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&poll, NULL);
    uv_run(uv, UV_RUN_NOWAIT); /* closes it, while it exists */
    return 0;
}

static void close_handle(uv_handle_t *handle, void *user) {
    (void)user;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

int main(int argc, char **argv) {
    static const struct sunpath_stream_events events = {
        .on_data = on_data, .on_drain = on_drain, .on_close = on_close};
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_loop *loop = NULL;
    struct sunpath_stream_server *server = NULL;
    uv_signal_t term, interrupt;
    uv_loop_t uv;
    int r;

    if (argc != 2) {
        fprintf(stderr, "usage: %s ADDRESS\n", argv[0]);
        return 2;
    }
    uv_loop_init(&uv);
    uv_signal_init(&uv, &term);
    uv_signal_init(&uv, &interrupt);
    uv_signal_start(&term, on_signal, SIGTERM);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    r = sunpath_loop_open(&loop);
    if (r == 0) {
        r = sunpath_stream_server_open(&server, loop, argv[1], NULL, NULL, NULL, &events, NULL,
                                       &error);
    }
    if (r == 0) {
        r = run(loop, &uv);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    sunpath_stream_server_close(server);
    uv_walk(&uv, close_handle, NULL);
    uv_run(&uv, UV_RUN_DEFAULT);
    uv_loop_close(&uv);
    sunpath_loop_close(loop);
    return r < 0;
}
