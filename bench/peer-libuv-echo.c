/* SPDX-License-Identifier: MIT */
/* peer-libuv-echo.c - the echo and sink jobs on libuv, as its own examples write them, but faster:
 * uv_try_write() first, one read buffer for all. */

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A write that the kernel would not take at once, with its bytes behind it. */
struct pending {
    uv_write_t request;
    char data[];
};

static char buffer[64 * 1024];
static bool is_echo;

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
    (void)handle;
    (void)suggested;
    *ret = uv_buf_init(buffer, sizeof(buffer));
}

static void on_closed(uv_handle_t *handle) {
    free(handle);
}

static void on_written(uv_write_t *request, int status) {
    (void)status;
    free(request); /* it is the first member */
}

static void echo(uv_stream_t *stream, char *data, size_t size) {
    uv_buf_t rest = uv_buf_init(data, (unsigned)size);
    int n = uv_try_write(stream, &rest, 1);
    struct pending *pending;

    if (n == (int)size) {
        return;
    }
    n = n > 0 ? n : 0;
    pending = malloc(sizeof(*pending) + size - (size_t)n);
    if (!pending) {
        abort();
    }
    memcpy(pending->data, data + n, size - (size_t)n);
    rest = uv_buf_init(pending->data, (unsigned)(size - (size_t)n));
    uv_write(&pending->request, stream, &rest, 1, on_written);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *read) {
    if (n < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
    } else if (n > 0 && is_echo) {
        echo(stream, read->base, (size_t)n);
    }
}

static void on_connection(uv_stream_t *listener, int status) {
    uv_pipe_t *pipe = malloc(sizeof(*pipe));

    if (status < 0 || !pipe) {
        abort();
    }
    uv_pipe_init(listener->loop, pipe, 0);
    if (uv_accept(listener, (uv_stream_t *)pipe) < 0) {
        uv_close((uv_handle_t *)pipe, on_closed);
        return;
    }
    uv_read_start((uv_stream_t *)pipe, on_alloc, on_read);
}

int main(int argc, char **argv) {
    uv_loop_t *loop = uv_default_loop();
    uv_pipe_t listener;
    int r;

    if (argc != 3 || (strcmp(argv[1], "echo") != 0 && strcmp(argv[1], "sink") != 0)) {
        fprintf(stderr, "usage: bench-libuv-echo echo|sink SOCKET\n");
        return 2;
    }
    is_echo = strcmp(argv[1], "echo") == 0;
    signal(SIGPIPE, SIG_IGN);
    uv_pipe_init(loop, &listener, 0);
    r = uv_pipe_bind(&listener, argv[2]);
    r = r < 0 ? r : uv_listen((uv_stream_t *)&listener, 4096, on_connection);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", argv[2], uv_strerror(r));
        return 1;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
