/* SPDX-License-Identifier: MIT */
/* stream-server.c - a stream for each connection that a listener accepts. */

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/options.h"
#include "flow/acceptor.h"
#include "flow/stream.h"
#include "os/fd.h"

struct sunpath_stream_server {
    struct sp_acceptor acceptor;
    struct sp_list streams;
    struct sunpath_stream_options stream_options;
    const struct sunpath_stream_events *events;
    void (*on_connection)(struct sunpath_stream *stream, void *user);
    void *user;
};

static void on_accept(struct sp_acceptor *acceptor, int fd) {
    struct sunpath_stream_server *server =
        sp_container_of(acceptor, struct sunpath_stream_server, acceptor);
    struct sunpath_stream *stream;
    int r;

    r = sp_stream_open_socket(&stream, acceptor->loop, fd, server->events, server->user,
                              &server->stream_options, acceptor);
    if (r < 0) {
        sp_close(fd); /* out of memory: the peer sees that at least */
        sp_acceptor_release(acceptor);
        return;
    }

    sp_list_append(&server->streams, &stream->siblings);
    if (server->on_connection) {
        server->on_connection(stream, server->user);
    }
}

static int read_options(struct sunpath_stream_server_options *ret,
                        struct sunpath_stream_options *ret_stream,
                        const struct sunpath_stream_server_options *options) {
    int r;

    r = sp_options_read(ret, sizeof(*ret), options);
    if (r < 0) {
        return r;
    }

    r = sp_options_read(ret_stream, sizeof(*ret_stream), ret->stream);
    ret_stream->size = sizeof(*ret_stream);
    return r;
}

int sunpath_stream_server_open(struct sunpath_stream_server **ret, struct sunpath_loop *loop,
                               const char *address,
                               const struct sunpath_listen_options *listen_options,
                               const struct sunpath_stream_server_options *options,
                               void (*on_connection)(struct sunpath_stream *stream, void *user),
                               const struct sunpath_stream_events *events, void *user,
                               struct sunpath_error *error) {
    _cleanup_(sp_freep) struct sunpath_stream_server *server = NULL;
    struct sunpath_stream_server_options read;
    struct sunpath_listener *listener;
    int r;

    server = calloc(1, sizeof(*server));
    if (!server) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "allocate", "a server: no memory");
    }

    if (read_options(&read, &server->stream_options, options) < 0 || !events) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "open",
                       "a stream server: the options have no size or there are no events");
    }

    r = sunpath_listener_open(&listener, address, listen_options, error);
    if (r < 0) {
        return r;
    }

    if (sunpath_listener_address(listener)->type != SUNPATH_STREAM) {
        sunpath_listener_close(listener);
        return sp_fail(error, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "open",
                       "a stream server: the address is not of type stream");
    }

    server->events = events;
    server->on_connection = on_connection;
    server->user = user;
    sp_list_init(&server->streams);
    r = sp_acceptor_open(&server->acceptor, loop, listener, read.max_connections, on_accept);
    if (r < 0) {
        sunpath_listener_close(listener);
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "watch", "the listener: no room in epoll");
    }

    *ret = sp_take_ptr(&server);
    return 0;
}

struct sunpath_stream_server *sunpath_stream_server_close(struct sunpath_stream_server *server) {
    struct sp_list *node;

    if (!server) {
        return NULL;
    }
    sp_acceptor_close(&server->acceptor);
    while ((node = sp_list_pop(&server->streams))) {
        sunpath_stream_close(sp_container_of(node, struct sunpath_stream, siblings));
    }
    free(server);
    return NULL;
}

void sunpath_stream_server_stop(struct sunpath_stream_server *server) {
    sp_acceptor_close(&server->acceptor);
}

struct sunpath_listener *sunpath_stream_server_listener(struct sunpath_stream_server *server) {
    return server->acceptor.listener;
}
