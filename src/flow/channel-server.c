/* SPDX-License-Identifier: MIT */
/* channel-server.c - a channel for each connection of a listener, or one for all datagrams. */

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/options.h"
#include "flow/acceptor.h"
#include "flow/channel.h"
#include "os/fd.h"

struct sunpath_channel_server {
    struct sp_acceptor acceptor;
    struct sp_list channels;
    struct sunpath_channel_options channel_options;
    enum sunpath_type type;
    const struct sunpath_channel_events *events;
    void (*on_connection)(struct sunpath_channel *channel, void *user);
    void *user;
};

static void on_accept(struct sp_acceptor *acceptor, int fd) {
    struct sunpath_channel_server *server =
        sp_container_of(acceptor, struct sunpath_channel_server, acceptor);
    struct sunpath_channel *channel;
    int r;

    r = sp_channel_open(&channel, acceptor->loop, fd, server->type, server->events, server->user,
                        &server->channel_options, acceptor, NULL);
    if (r < 0) {
        sp_close(fd); /* out of memory: the peer sees that at least */
        sp_acceptor_release(acceptor);
        return;
    }

    sp_list_append(&server->channels, &channel->siblings);
    if (server->on_connection) {
        server->on_connection(channel, server->user);
    }
}

static int check_options(struct sunpath_channel_server *server, size_t *ret_max,
                         const struct sunpath_channel_server_options *options) {
    struct sunpath_channel_server_options read;
    int r;

    r = sp_options_read(&read, sizeof(read), options);
    if (r < 0) {
        return r;
    }

    r = sp_options_read(&server->channel_options, sizeof(server->channel_options), read.channel);
    server->channel_options.size = sizeof(server->channel_options);
    *ret_max = read.max_connections;
    return r;
}

/* A listener of the right type: on streams without a framing nobody could say what a message is. */
static int check_type(const struct sunpath_channel_server *server, struct sunpath_error *error) {
    if (server->type == SUNPATH_DGRAM) {
        return sp_fail(error, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "open",
                       "a channel server: datagrams have no connections, bind a channel instead");
    }
    if (server->type == SUNPATH_STREAM &&
        sunpath_framing_max(server->channel_options.framing) == 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "open",
                       "a channel server: on a stream messages need a framing");
    }
    return 0;
}

static int listen_on(struct sunpath_channel_server *server, struct sunpath_loop *loop,
                     struct sunpath_listener *listener, size_t max_connections,
                     struct sunpath_error *error) {
    int r;

    server->type = sunpath_listener_address(listener)->type;
    r = check_type(server, error);
    if (r < 0) {
        return r;
    }
    if (server->type == SUNPATH_SEQPACKET && server->channel_options.want_credentials) {
        /* connections inherit it (since Linux 6.16): not even their first message is anonymous */
        sunpath_want_credentials(sunpath_listener_fd(listener), true);
    }
    r = sp_acceptor_open(&server->acceptor, loop, listener, max_connections, on_accept);
    if (r < 0) {
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "watch", "the listener: no room in epoll");
    }
    return 0;
}

int sunpath_channel_server_open(struct sunpath_channel_server **ret, struct sunpath_loop *loop,
                                const char *address,
                                const struct sunpath_listen_options *listen_options,
                                const struct sunpath_channel_server_options *options,
                                void (*on_connection)(struct sunpath_channel *channel, void *user),
                                const struct sunpath_channel_events *events, void *user,
                                struct sunpath_error *error) {
    _cleanup_(sp_freep) struct sunpath_channel_server *server = calloc(1, sizeof(*server));
    struct sunpath_listener *listener;
    size_t max_connections;
    int r;

    if (!server) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "allocate", "a server: no memory");
    }
    if (check_options(server, &max_connections, options) < 0 || !events) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "open",
                       "a channel server: the options have no size or there are no events");
    }

    r = sunpath_listener_open(&listener, address, listen_options, error);
    if (r < 0) {
        return r;
    }

    server->events = events;
    server->on_connection = on_connection;
    server->user = user;
    sp_list_init(&server->channels);
    r = listen_on(server, loop, listener, max_connections, error);
    if (r < 0) {
        sunpath_listener_close(listener);
        return r;
    }

    *ret = sp_take_ptr(&server);
    return 0;
}

struct sunpath_channel_server *sunpath_channel_server_close(struct sunpath_channel_server *server) {
    struct sp_list *node;

    if (!server) {
        return NULL;
    }
    sp_acceptor_close(&server->acceptor);
    while ((node = sp_list_pop(&server->channels))) {
        sunpath_channel_close(sp_container_of(node, struct sunpath_channel, siblings));
    }
    free(server);
    return NULL;
}

void sunpath_channel_server_stop(struct sunpath_channel_server *server) {
    sp_acceptor_close(&server->acceptor);
}

struct sunpath_listener *sunpath_channel_server_listener(struct sunpath_channel_server *server) {
    return server->acceptor.listener;
}

int sunpath_channel_bind(struct sunpath_channel **ret, struct sunpath_loop *loop,
                         const char *address, const struct sunpath_listen_options *listen_options,
                         const struct sunpath_channel_events *events, void *user,
                         const struct sunpath_channel_options *options,
                         struct sunpath_error *error) {
    struct sunpath_listener *listener;
    int r;

    r = sunpath_listener_open(&listener, address, listen_options, error);
    if (r < 0) {
        return r;
    }

    if (sunpath_listener_address(listener)->type != SUNPATH_DGRAM) {
        r = sp_fail(error, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "open",
                    "a datagram channel: the address is not of type dgram");
    } else {
        r = sp_channel_open(ret, loop, sunpath_listener_fd(listener), SUNPATH_DGRAM, events, user,
                            options, NULL, listener);
        if (r < 0) {
            errno = -r;
            sp_fail(error, r, sp_reason_of_errno(r), "open", "a datagram channel: %m");
        }
    }
    if (r < 0) {
        sunpath_listener_close(listener);
    }
    return r;
}
