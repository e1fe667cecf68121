/* SPDX-License-Identifier: MIT */
/* http-client-queue.c - requests that wait for a connection, and how requests end. */

#include <errno.h>

#include "base/error.h"
#include "client/http-client.h"

static const struct sunpath_error no_error;

/* Calls on_done. The request's memory goes with the last callback, as does that of the response:
 * the callback that ended it may have been shown it. */
static void deliver(struct sunpath_http_request *request, struct sunpath_http_response *response,
                    int result, const struct sunpath_error *error) {
    struct sunpath_http_client *client = request->client;

    request->is_over = true;
    sp_timer_deinit(&request->deadline, client->loop);
    sp_list_remove(&request->node);
    sp_list_append(&client->spent, &request->node);
    if (request->ret_response && result == 0) {
        *request->ret_response = response;
    } else {
        request->response = response;
    }
    error = error ? error : &no_error;
    if (request->on_upgrade) {
        request->on_upgrade(request->upgraded, response, result, error, request->done_user);
    } else {
        request->on_done(result == 0 ? response : NULL, result, error, request->done_user);
    }
}

void sp_client_finish(struct sp_client_connection *connection, int result,
                      const struct sunpath_error *error) {
    struct sunpath_http_request *request = connection->request;
    struct sunpath_http_response *response = connection->response;

    connection->request = NULL;
    connection->response = NULL;
    sp_client_forget_answer(connection); /* but for the response */
    request->connection = NULL;
    if (result != 0) {
        sp_client_drop_connection(connection);
    } else {
        sp_client_return_connection(connection);
    }
    deliver(request, response, result, error);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void unqueue(struct sunpath_http_request *request) {
    sp_list_remove(&request->node);
    request->client->n_queued--;
}

int sp_client_queue(struct sunpath_http_client *client, struct sunpath_http_request *request) {
    if (client->is_freed) {
        return -ECANCELED;
    }
    if (client->n_queued >= client->max_queued) {
        return -ENOBUFS;
    }
    request->client = client;
    sp_list_append(&client->queue, &request->node);
    client->n_queued++;
    sp_timer_init(&request->deadline, sp_client_on_deadline);
    if (request->options.timeout_ms > 0) {
        sp_timer_set(&request->deadline, client->loop, sp_deadline_ns(request->options.timeout_ms));
    }
    sp_task_post(&client->task, client->loop);
    return 0;
}

static void fail_without_memory(struct sunpath_http_request *request) {
    struct sunpath_error error;

    unqueue(request);
    sp_http_request_fail(request, &error, -ENOMEM, SUNPATH_REASON_SYSTEM, "out of memory");
    deliver(request, NULL, -ENOMEM, &error);
}

/*
 * What is queued meanwhile waits for the task: requests that fail at once, each asked again by its
 * on_done, would hold up the loop for ever.
 */
void sp_client_dispatch(struct sunpath_http_client *client) {
    for (size_t n = client->n_queued; n > 0 && client->n_queued > 0; n--) {
        struct sunpath_http_request *request =
            sp_container_of(client->queue.next, struct sunpath_http_request, node);
        struct sp_client_connection *connection;
        int r;

        connection = sp_client_take_connection(client, &r);
        if (r < 0) {
            fail_without_memory(request);
            continue;
        }
        if (!connection) {
            return;
        }
        unqueue(request);
        request->connection = connection;
        connection->request = request;
        sp_client_start(connection);
    }
}

/* ---- ending early ---------------------------------------------------------------------------- */

static void cancel(struct sunpath_http_request *request, const char *why) {
    struct sunpath_error error;

    sp_http_request_fail(request, &error, -ECANCELED, SUNPATH_REASON_NONE, "canceled: %s", why);
    if (request->connection) {
        sp_client_finish(request->connection, -ECANCELED, &error);
    } else {
        unqueue(request);
        deliver(request, NULL, -ECANCELED, &error);
    }
}

void sunpath_http_request_cancel(struct sunpath_http_request *request) {
    struct sunpath_http_client *client = request->client;

    if (request->is_over) {
        return;
    }
    sp_client_enter(client);
    cancel(request, "the program wished so");
    sp_client_leave(client);
}

void sunpath_http_request_resume(struct sunpath_http_request *request) {
    if (request->is_over || !request->is_paused) {
        return;
    }
    request->is_paused = false;
    request->connection->wants_input = true;
    sp_task_post(&request->client->task, request->client->loop);
}

void sp_client_cancel_all(struct sunpath_http_client *client) {
    while (!sp_list_is_empty(&client->busy)) {
        struct sp_client_connection *connection =
            sp_container_of(client->busy.next, struct sp_client_connection, node);

        cancel(connection->request, "the client was freed");
    }
    while (client->n_queued > 0) {
        cancel(sp_container_of(client->queue.next, struct sunpath_http_request, node),
               "the client was freed");
    }
}

void sp_client_fail_queued(struct sunpath_http_request *request) {
    struct sunpath_error error;

    unqueue(request);
    sp_http_request_fail(request, &error, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT,
                         "timed out after %d ms, waiting for the requests before it",
                         request->options.timeout_ms);
    deliver(request, NULL, -ETIMEDOUT, &error);
}
