/* SPDX-License-Identifier: MIT */
/* embed-glib.c - an echo server inside GLib: one source stands for the whole loop. */

#include <signal.h>
#include <stdio.h>

#include <glib-unix.h>

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

static gboolean on_signal(gpointer user) {
    g_main_loop_quit(user);
    return G_SOURCE_CONTINUE;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer user) {
    (void)fd;
    (void)condition;
    sunpath_loop_dispatch(user, 0);
    return G_SOURCE_CONTINUE;
}

static int run(struct sunpath_loop *loop, GMainLoop *main_loop) {
    int fd = sunpath_loop_fd(loop);
    guint source;

    if (fd < 0) {
        return fd;
    }

    source = g_unix_fd_add(fd, G_IO_IN, on_readable, loop);
    g_main_loop_run(main_loop);
    g_source_remove(source);
    return 0;
}

int main(int argc, char **argv) {
    static const struct sunpath_stream_events events = {
        .on_data = on_data, .on_drain = on_drain, .on_close = on_close};
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_loop *loop = NULL;
    struct sunpath_stream_server *server = NULL;
    GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);
    int r;

    if (argc != 2) {
        fprintf(stderr, "usage: %s ADDRESS\n", argv[0]);
        return 2;
    }
    g_unix_signal_add(SIGTERM, on_signal, main_loop);
    g_unix_signal_add(SIGINT, on_signal, main_loop);
    r = sunpath_loop_open(&loop);
    if (r == 0) {
        r = sunpath_stream_server_open(&server, loop, argv[1], NULL, NULL, NULL, &events, NULL,
                                       &error);
    }
    if (r == 0) {
        r = run(loop, main_loop);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    sunpath_stream_server_close(server);
    sunpath_loop_close(loop);
    g_main_loop_unref(main_loop);
    return r < 0;
}
