/* SPDX-License-Identifier: MIT */
/* http-client.c - the client on a loop: options, life, and the way in. */

#include "client/http-client.h"
#include "client/http-cookies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"

#define MAX_CONNECTIONS 8
#define MAX_QUEUED      10000
#define IDLE_MS         4000

static void release(struct sunpath_http_client *client) {
    free(client->expect_user);
    free(client->bind);
    free(client->uri);
    free(client->room);
    free(client);
}

static void free_spent(struct sunpath_http_client *client) {
    struct sp_list *node;

    while ((node = sp_list_pop(&client->spent))) {
        sp_http_request_free(sp_container_of(node, struct sunpath_http_request, node));
    }
}

void sp_client_enter(struct sunpath_http_client *client) {
    client->n_inside++;
}

/* Requests start here, and not where the one before ended, so that failing ones do not nest. */
void sp_client_leave(struct sunpath_http_client *client) {
    if (client->n_inside == 1) {
        sp_client_dispatch(client);
    }
    if (--client->n_inside > 0) {
        return;
    }
    free_spent(client);
    sp_client_free_dead(client);
    if (client->is_freed) {
        release(client);
    }
}

/* One of those that were resumed, or NULL. */
static struct sp_client_connection *find_resumed(struct sunpath_http_client *client) {
    for (struct sp_list *node = client->busy.next; node != &client->busy; node = node->next) {
        struct sp_client_connection *connection =
            sp_container_of(node, struct sp_client_connection, node);

        if (connection->wants_input) {
            return connection;
        }
    }
    return NULL;
}

static void on_task(struct sp_task *task) {
    struct sunpath_http_client *client = sp_container_of(task, struct sunpath_http_client, task);
    struct sp_client_connection *connection;

    sp_client_enter(client);
    for (size_t n = client->n_connections; n > 0 && (connection = find_resumed(client)); n--) {
        sp_client_go_on(connection);
    }
    sp_client_leave(client);
}

/* ---- the public calls ------------------------------------------------------------------------ */

/* Keeps the caller's connect options, whatever version of the struct they are. */
static int copy_connect_options(struct sunpath_http_client *client,
                                const struct sunpath_connect_options *options) {
    struct sunpath_connect_options *copy = &client->connect;

    if (sp_options_read(copy, sizeof(*copy), options) < 0) {
        return -EINVAL;
    }
    copy->size = sizeof(*copy);
    copy->timeout_ms = copy->timeout_ms == 0 ? 10000 : copy->timeout_ms;
    copy->cancel_fd = NULL; /* freeing the client is how a loop cancels */

    client->expect_user = copy->expect_user ? strdup(copy->expect_user) : NULL;
    client->bind = copy->bind ? strdup(copy->bind) : NULL;
    if ((copy->expect_user && !client->expect_user) || (copy->bind && !client->bind)) {
        return -ENOMEM;
    }
    copy->expect_user = client->expect_user;
    copy->bind = client->bind;
    return 0;
}

static int copy_options(struct sunpath_http_client *client,
                        const struct sunpath_http_client_options *given) {
    struct sunpath_http_client_options options;

    if (sp_options_read(&options, sizeof(options), given) < 0) {
        return -EINVAL;
    }
    client->max_connections = options.max_connections ? options.max_connections : MAX_CONNECTIONS;
    client->max_queued = options.max_queued ? options.max_queued : MAX_QUEUED;
    client->max_idle = options.max_idle ? options.max_idle : client->max_connections;
    client->idle_ms = options.idle_ms ? options.idle_ms : IDLE_MS;
    client->cookies = options.cookies;
    return copy_connect_options(client, options.connect);
}

static int use_cookies(struct sunpath_http_client *client, struct sunpath_error *error) {
    if (client->cookies && sp_http_cookies_bind(client->cookies, &client->address) < 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "request",
                       "'%s': its cookies are those of another address",
                       sp_show_address(&(struct sp_shown){0}, &client->address));
    }
    return 0;
}

static int set_address(struct sunpath_http_client *client, const char *address,
                       struct sunpath_error *error) {
    int r;

    r = sunpath_address_parse(&client->address, address, error);
    if (r < 0) {
        return r;
    }
    if (client->address.type != SUNPATH_STREAM) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "request",
                       "'%s': HTTP needs a stream socket",
                       sp_show_address(&(struct sp_shown){0}, &client->address));
    }
    if (client->address.uri) {
        client->uri = strdup(client->address.uri);
        client->address.uri = NULL; /* it points into the caller's text */
        return client->uri ? 0 : -ENOMEM;
    }
    return 0;
}

static void client_freep(struct sunpath_http_client **client) {
    *client = sunpath_http_client_free(*client);
}

static struct sunpath_http_client *allocate(struct sunpath_loop *loop) {
    struct sunpath_http_client *client = calloc(1, sizeof(*client));

    if (client) {
        client->loop = loop;
        sp_task_init(&client->task, on_task);
        sp_list_init(&client->queue);
        sp_list_init(&client->spent);
        sp_list_init(&client->busy);
        sp_list_init(&client->idle);
        sp_list_init(&client->dead);
    }
    return client;
}

int sunpath_http_client_new(struct sunpath_http_client **ret, struct sunpath_loop *loop,
                            const char *address, const struct sunpath_http_client_options *options,
                            struct sunpath_error *error) {
    _cleanup_(client_freep) struct sunpath_http_client *client = allocate(loop);
    int r;

    if (!client) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "request", "out of memory");
    }
    if (error) {
        error->code = 0;
    }
    r = set_address(client, address, error);
    if (r >= 0) {
        r = copy_options(client, options);
    }
    if (r >= 0) {
        r = use_cookies(client, error);
    }
    if (r < 0) {
        return error && error->code == r ? r
                                         : sp_fail(error, r, sp_reason_of_errno(r), "request",
                                                   "making a client: %s", strerror(-r));
    }
    *ret = sp_take_ptr(&client);
    return 0;
}

int sp_client_new_request(struct sunpath_http_request **ret, struct sunpath_http_client *client,
                          const char *method, const char *uri, const char *protocol,
                          const struct sunpath_http_request_options *options) {
    struct sunpath_http_request_options copy;
    int r;

    r = sp_http_request_read_options(&copy, options, NULL);
    if (r < 0) {
        return r;
    }
    copy.uri = copy.uri ? copy.uri : client->uri;
    return sp_http_request_new(ret, &client->address, method, uri, protocol, &copy, NULL);
}

int sp_client_queue_or_free(struct sunpath_http_client *client,
                            struct sunpath_http_request *request) {
    int r = sp_client_queue(client, request);

    if (r < 0) {
        sp_http_request_free(request);
    } else if (request->options.ret_request) {
        *request->options.ret_request = request;
    }
    return r;
}

int sunpath_http_client_send(struct sunpath_http_client *client, const char *method,
                             const char *uri, const struct sunpath_http_request_options *options,
                             void (*on_done)(const struct sunpath_http_response *response,
                                             int result, const struct sunpath_error *error,
                                             void *user),
                             void *user) {
    struct sunpath_http_request *request;
    int r;

    r = sp_client_new_request(&request, client, method, uri, NULL, options);
    if (r < 0) {
        return r;
    }
    request->on_done = on_done;
    request->done_user = user;
    return sp_client_queue_or_free(client, request);
}

size_t sunpath_http_client_n_connections(const struct sunpath_http_client *client) {
    return client->n_connections;
}

size_t sunpath_http_client_n_queued(const struct sunpath_http_client *client) {
    return client->n_queued;
}

struct sunpath_http_client *sunpath_http_client_free(struct sunpath_http_client *client) {
    if (!client || client->is_freed) {
        return NULL;
    }
    sp_client_enter(client);
    client->is_freed = true;
    sp_task_cancel(&client->task);
    sp_client_cancel_all(client);
    sp_client_drop_all(client);
    sp_client_leave(client);
    return NULL;
}
