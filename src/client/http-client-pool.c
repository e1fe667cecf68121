/* SPDX-License-Identifier: MIT */
/* http-client-pool.c - the client's connections: made when needed, kept while they may be of use.
 */

#include <errno.h>
#include <stdlib.h>

#include "client/http-client.h"
#include "flow/stream.h"

static void on_work(struct sp_timer *timer) {
    struct sp_client_connection *connection =
        sp_container_of(timer, struct sp_client_connection, work);
    struct sunpath_http_client *client = connection->client;

    sp_client_enter(client);
    if (connection->stream) {
        sp_client_stop_waiting(connection);
    } else {
        sp_client_continue_connecting(connection);
    }
    sp_client_leave(client);
}

static struct sp_client_connection *new_connection(struct sunpath_http_client *client) {
    struct sp_client_connection *connection = calloc(1, sizeof(*connection));

    if (!connection) {
        return NULL;
    }
    sp_list_init(&connection->node);
    sp_timer_init(&connection->work, on_work);
    sp_timer_init(&connection->patience, sp_client_on_patience);
    connection->client = client;
    connection->connecting_fd = -1;
    client->n_connections++;
    return connection;
}

struct sp_client_connection *sp_client_take_connection(struct sunpath_http_client *client,
                                                       int *ret) {
    struct sp_list *node = sp_list_pop(&client->idle);
    struct sp_client_connection *connection;

    *ret = 0;
    if (node) {
        connection = sp_container_of(node, struct sp_client_connection, node);
        connection->is_idle = false;
        client->n_idle--;
    } else if (client->n_connections >= client->max_connections) {
        return NULL;
    } else {
        connection = new_connection(client);
        if (!connection) {
            *ret = -ENOMEM;
            return NULL;
        }
    }
    sp_list_append(&client->busy, &connection->node);
    return connection;
}

static void drop_oldest(struct sunpath_http_client *client) {
    sp_client_drop_connection(
        sp_container_of(client->idle.prev, struct sp_client_connection, node));
}

void sp_client_return_connection(struct sp_client_connection *connection) {
    struct sunpath_http_client *client = connection->client;

    if (!connection->stream || client->is_freed) {
        sp_client_drop_connection(connection);
        return;
    }
    sp_list_remove(&connection->node);
    sp_list_append(client->idle.next, &connection->node); /* that is: before the first */
    connection->is_idle = true;
    client->n_idle++;
    connection->idle_ns = sp_loop_now(client->loop);
    sp_timer_cancel(&connection->work);
    sp_client_mind(connection);
    if (client->n_idle > client->max_idle) {
        drop_oldest(client);
    }
}

void sp_client_drop_connection(struct sp_client_connection *connection) {
    struct sunpath_http_client *client = connection->client;

    if (connection->stream) {
        connection->input = sp_stream_take_input(connection->stream);
    }
    sp_client_disconnect(connection);
    sp_client_forget_answer(connection);
    sp_timer_deinit(&connection->work, client->loop);
    sp_timer_deinit(&connection->patience, client->loop);
    sp_list_remove(&connection->node);
    sp_list_append(&client->dead, &connection->node);
    client->n_connections--;
    client->n_idle -= connection->is_idle;
    connection->is_idle = false;
}

void sp_client_drop_all(struct sunpath_http_client *client) {
    while (!sp_list_is_empty(&client->idle)) {
        drop_oldest(client);
    }
}

void sp_client_free_dead(struct sunpath_http_client *client) {
    struct sp_list *node;

    while ((node = sp_list_pop(&client->dead))) {
        struct sp_client_connection *connection =
            sp_container_of(node, struct sp_client_connection, node);

        sp_buffer_deinit(&connection->input);
        free(connection);
    }
}
