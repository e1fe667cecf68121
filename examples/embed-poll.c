/* SPDX-License-Identifier: MIT */
/* embed-poll.c - an echo server inside a loop of your own: poll() on one descriptor. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

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

static void on_signal(struct sunpath_signal *signal, int number, void *user) {
    (void)signal;
    (void)number;
    *(bool *)user = true;
}

/* Your loop: other descriptors stand beside ours in the array. */
static int run(struct sunpath_loop *loop, const bool *is_done) {
    struct pollfd watched[] = {{.fd = sunpath_loop_fd(loop), .events = POLLIN}};
    int r = watched[0].fd < 0 ? watched[0].fd : 0;

    while (r >= 0 && !*is_done) {
        if (poll(watched, 1, -1) < 0 && errno != EINTR) {
            return -errno;
        }
        if (watched[0].revents) {
            r = sunpath_loop_dispatch(loop, 0);
        }
    }
    return r;
}

int main(int argc, char **argv) {
    static const struct sunpath_stream_events events = {
        .on_data = on_data, .on_drain = on_drain, .on_close = on_close};
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_loop *loop = NULL;
    struct sunpath_signal *term = NULL, *interrupt = NULL;
    struct sunpath_stream_server *server = NULL;
    bool is_done = false;
    int r;

    if (argc != 2) {
        fprintf(stderr, "usage: %s ADDRESS\n", argv[0]);
        return 2;
    }
    r = sunpath_loop_open(&loop);
    if (r == 0) {
        sunpath_signal_open(&term, loop, SIGTERM, on_signal, &is_done);
        sunpath_signal_open(&interrupt, loop, SIGINT, on_signal, &is_done);
        r = sunpath_stream_server_open(&server, loop, argv[1], NULL, NULL, NULL, &events, NULL,
                                       &error);
    }
    if (r == 0) {
        r = run(loop, &is_done);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    sunpath_stream_server_close(server);
    sunpath_signal_close(interrupt);
    sunpath_signal_close(term);
    sunpath_loop_close(loop);
    return r < 0;
}
