/* SPDX-License-Identifier: MIT */
/* http-server.c - the server object: options, listeners, accepting, draining. */

#include "serve/http-server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"

/* ---- options --------------------------------------------------------------------------------- */

static int default_ms(int given, int otherwise) {
    return given == 0 ? otherwise : given;
}

static int set_server_line(struct sunpath_http_server *server, const char *name) {
    size_t n_name = strlen(name);

    if (!sp_http_is_value(name, n_name)) {
        return -EINVAL;
    }
    server->server_line = malloc(n_name + sizeof("Server: \r\n"));
    if (!server->server_line) {
        return -ENOMEM;
    }
    server->n_server_line =
        (size_t)(sp_http_put_field(server->server_line, "Server", 6, name, n_name) -
                 server->server_line);
    return 0;
}

static int set_options(struct sunpath_http_server *server,
                       const struct sunpath_http_server_options *given) {
    struct sunpath_http_server_options *options = &server->options;
    int r;

    r = sp_options_read(options, sizeof(*options), given);
    if (r < 0) {
        return r;
    }
    options->max_head = options->max_head ? options->max_head : 16 * 1024;
    options->max_headers = options->max_headers ? options->max_headers : 128;
    options->max_body = options->max_body ? options->max_body : 1024 * 1024;
    options->max_output = options->max_output ? options->max_output : 16 * 1024 * 1024;
    options->head_ms = default_ms(options->head_ms, 10000);
    options->body_ms = default_ms(options->body_ms, 30000);
    options->write_ms = default_ms(options->write_ms, 30000);
    options->keep_alive_ms = default_ms(options->keep_alive_ms, 75000);
    options->answer_ms = default_ms(options->answer_ms, 300000);
    if (options->max_head > 16 * 1024 * 1024 || options->max_headers > 65536) {
        return -EINVAL;
    }
    server->limits.max_head = options->max_head;
    server->limits.max_fields = options->max_headers;
    return options->server_name ? set_server_line(server, options->server_name) : 0;
}

/* ---- listeners ------------------------------------------------------------------------------- */

/* `max_connections` is for all listeners together: every acceptor counts all connections. */
static void count_connections(struct sunpath_http_server *server) {
    for (size_t i = 0; i < server->n_listeners; i++) {
        server->listeners[i]->acceptor.n_open = server->n_connections;
    }
}

static void on_accept(struct sp_acceptor *acceptor, int fd) {
    struct sp_http_listener *listener =
        sp_container_of(acceptor, struct sp_http_listener, acceptor);
    struct sunpath_http_server *server = listener->server;

    sp_http_server_enter(server);
    (void)sp_http_connection_open(server, fd);
    count_connections(server);
    sp_http_server_leave(server);
}

static void close_listeners(struct sunpath_http_server *server) {
    for (size_t i = 0; i < server->n_listeners; i++) {
        sp_acceptor_close(&server->listeners[i]->acceptor);
        free(server->listeners[i]);
    }
    free(server->listeners);
    server->listeners = NULL;
    server->n_listeners = 0;
}

int sunpath_http_server_attach(struct sunpath_http_server *server,
                               struct sunpath_listener *listener) {
    _cleanup_(sp_freep) struct sp_http_listener *added = NULL;
    struct sp_http_listener **grown;
    int r;

    if (!server || !listener) {
        return -EINVAL;
    }
    if (server->is_draining || server->is_freed) {
        return -ESHUTDOWN;
    }
    if (sunpath_listener_address(listener)->type != SUNPATH_STREAM) {
        return -EPROTOTYPE;
    }
    added = calloc(1, sizeof(*added));
    grown = realloc(server->listeners, (server->n_listeners + 1) * sizeof(*grown));
    if (grown) {
        server->listeners = grown;
    }
    if (!added || !grown) {
        return -ENOMEM;
    }
    added->server = server;
    r = sp_acceptor_open(&added->acceptor, server->loop, listener,
                         server->options.drops_excess ? 0 : server->options.max_connections,
                         on_accept);
    if (r < 0) {
        return r;
    }
    server->listeners[server->n_listeners++] = sp_take_ptr(&added);
    count_connections(server);
    return 0;
}

int sunpath_http_server_listen(struct sunpath_http_server *server, const char *address,
                               const struct sunpath_listen_options *options,
                               struct sunpath_error *error) {
    struct sunpath_listener *listener = NULL;
    struct sp_shown shown;
    int r;

    if (!server) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "listen", "without a server");
    }
    r = sunpath_listener_open(&listener, address, options, error);
    if (r < 0) {
        return r;
    }
    r = sunpath_http_server_attach(server, listener);
    if (r == -EPROTOTYPE) {
        sp_fail(error, r, SUNPATH_REASON_WRONG_TYPE, "listen", "'%s': HTTP needs a stream socket",
                sp_show_address(&shown, sunpath_listener_address(listener)));
        sunpath_listener_close(listener);
        return r;
    }
    if (r < 0) {
        sunpath_listener_close(listener);
        return sp_fail(error, r, sp_reason_of_errno(r), "attach", "the listener: %s", strerror(-r));
    }
    return 0;
}

struct sunpath_listener *sunpath_http_server_listener(struct sunpath_http_server *server,
                                                      size_t index) {
    return server && index < server->n_listeners ? server->listeners[index]->acceptor.listener
                                                 : NULL;
}

/* ---- draining -------------------------------------------------------------------------------- */

static void kill_all(struct sunpath_http_server *server, int error) {
    while (!sp_list_is_empty(&server->connections)) {
        struct sp_list *first = server->connections.next;

        sp_http_connection_kill(sp_container_of(first, struct sp_http_connection, node), error);
    }
}

static void drained(struct sunpath_http_server *server) {
    if (server->is_drained) {
        return;
    }
    server->is_drained = true;
    sp_timer_cancel(&server->drain_timer);
    if (server->on_drained) {
        server->on_drained(server, server->drain_user);
    }
}

/* The deadline passed, or the last connection went. */
static void on_drain_due(struct sp_timer *timer) {
    struct sunpath_http_server *server =
        sp_container_of(timer, struct sunpath_http_server, drain_timer);

    sp_http_server_enter(server);
    kill_all(server, -ECANCELED);
    if (!server->is_freed) {
        drained(server);
    }
    sp_http_server_leave(server);
}

/*
 * Who has connected already is served, or told that there are too many: closing the listener would
 * reset him. An observer that is told of it may close the listeners.
 */
static void accept_the_rest(struct sunpath_http_server *server) {
    for (size_t i = 0; i < server->n_listeners; i++) {
        int fd;

        for (int n = 0; n < SUNPATH_BACKLOG_DEFAULT && i < server->n_listeners; n++) {
            if (sunpath_listener_accept(server->listeners[i]->acceptor.listener, &fd) < 0) {
                break;
            }
            (void)sp_http_connection_open(server, fd);
        }
    }
}

void sunpath_http_server_drain(struct sunpath_http_server *server, int timeout_ms,
                               void (*on_drained)(struct sunpath_http_server *server, void *user),
                               void *user) {
    struct sp_list *each, *next;

    if (!server || server->is_freed) {
        return;
    }
    sp_http_server_enter(server);
    server->on_drained = on_drained;
    server->drain_user = user;
    server->is_drained = false;
    if (!server->is_draining) {
        accept_the_rest(server);
        server->is_draining = true;
        close_listeners(server);
    }
    for (each = server->connections.next; each != &server->connections; each = next) {
        struct sp_http_connection *connection =
            sp_container_of(each, struct sp_http_connection, node);

        next = each->next;
        sp_http_connection_let_go(connection);
        if (connection->exchange) {
            sp_http_exchange_call_leave(connection->exchange);
        }
    }
    sp_timer_set(&server->drain_timer, server->loop,
                 server->n_connections == 0 ? 0 : sp_deadline_ns(timeout_ms));
    sp_http_server_leave(server);
}

void sp_http_server_lost_connection(struct sunpath_http_server *server) {
    for (size_t i = 0; i < server->n_listeners; i++) {
        struct sp_acceptor *acceptor = &server->listeners[i]->acceptor;

        acceptor->n_open = server->n_connections + 1;
        sp_acceptor_release(acceptor);
    }
    if (server->is_draining && server->n_connections == 0 && !server->is_freed &&
        !server->is_drained) {
        sp_timer_set(&server->drain_timer, server->loop, 0);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static void destroy(struct sunpath_http_server *server) {
    close_listeners(server);
    sp_http_forget_all(server);
    sp_http_pool_deinit(server);
    sp_http_uid_limits_deinit(server);
    sp_http_encoders_deinit(server);
    sp_timer_deinit(&server->drain_timer, server->loop);
    free(server->server_line);
    free(server);
}

void sp_http_server_enter(struct sunpath_http_server *server) {
    server->n_inside++;
}

void sp_http_server_leave(struct sunpath_http_server *server) {
    if (--server->n_inside > 0) {
        return;
    }
    while (!sp_list_is_empty(&server->graveyard)) {
        struct sp_http_connection *dead =
            sp_container_of(sp_list_pop(&server->graveyard), struct sp_http_connection, node);

        if (dead->exchange) {
            sp_http_exchange_give(server, dead->exchange);
        }
        free(dead->executable);
        free(dead);
    }
    if (server->is_freed) {
        destroy(server);
    }
}

int sunpath_http_server_new(struct sunpath_http_server **ret, struct sunpath_loop *loop,
                            const struct sunpath_http_handler *handler, void *user,
                            const struct sunpath_http_server_options *options) {
    struct sunpath_http_server *server;
    int r;

    if (!ret || !loop || !handler || !handler->on_request) {
        return -EINVAL;
    }
    server = calloc(1, sizeof(*server));
    if (!server) {
        return -ENOMEM;
    }
    server->loop = loop;
    server->handler = handler;
    server->user = user;
    server->date_s = -1;
    sp_list_init(&server->connections);
    sp_list_init(&server->graveyard);
    sp_timer_init(&server->drain_timer, on_drain_due);
    r = set_options(server, options);
    if (r < 0) {
        destroy(server);
        return r;
    }
    *ret = server;
    return 0;
}

size_t sunpath_http_server_n_connections(const struct sunpath_http_server *server) {
    return server ? server->n_connections : 0;
}

bool sunpath_http_server_is_draining(const struct sunpath_http_server *server) {
    return server && server->is_draining;
}

void sunpath_http_server_stats(const struct sunpath_http_server *server,
                               struct sunpath_http_stats *ret) {
    *ret = server->stats;
    ret->n_connections = server->n_connections;
}

struct sunpath_http_server *sunpath_http_server_free(struct sunpath_http_server *server) {
    if (!server || server->is_freed) {
        return NULL;
    }
    sp_http_server_enter(server);
    server->is_freed = true;
    sp_timer_cancel(&server->drain_timer);
    close_listeners(server);
    kill_all(server, -ECANCELED);
    sp_http_server_leave(server);
    return NULL;
}
