/* SPDX-License-Identifier: MIT */
/* http-client.c - the client on a loop: its queue, and how requests end. */

#include "client/http-client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"

static const struct sunpath_error no_error;

/* Calls on_done and frees the request and its answer. The client may be freed inside. */
static void deliver(struct sp_http_request *request, struct sunpath_http_response *response,
                    int result, const struct sunpath_error *error) {
    request->deadline = sunpath_timer_free(request->deadline);
    if (request->ret_response && result == 0) {
        *request->ret_response = response;
    }
    request->on_done(result == 0 ? response : NULL, result, error, request->done_user);
    if (!request->ret_response || result != 0) {
        sunpath_http_response_free(response);
    }
    sp_http_request_free(request);
}

void sp_http_client_finish(struct sunpath_http_client *client, int result,
                           const struct sunpath_error *error) {
    struct sp_http_request *request = client->current;
    struct sunpath_http_response *response = client->response;

    client->current = NULL;
    client->response = NULL;
    client->wants_start = true;
    sunpath_timer_cancel(client->work);
    if (result != 0) {
        sp_http_client_disconnect(client);
    }
    deliver(request, response, result, error ? error : &no_error);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void push(struct sunpath_http_client *client, struct sp_http_request *request) {
    request->next = NULL;
    if (client->last) {
        client->last->next = request;
    } else {
        client->first = request;
    }
    client->last = request;
}

static void unlink_request(struct sunpath_http_client *client, struct sp_http_request *request) {
    struct sp_http_request **at = &client->first;
    struct sp_http_request *before = NULL;

    while (*at != request) {
        before = *at;
        at = &before->next;
    }
    *at = request->next;
    if (client->last == request) {
        client->last = before;
    }
}

static void release(struct sunpath_http_client *client) {
    sp_http_client_disconnect(client);
    sunpath_timer_free(client->work);
    sunpath_http_response_free(client->response);
    sp_http_request_free(client->current);
    free(client->expect_user);
    free(client->bind);
    free(client->uri);
    free(client->room);
    free(client);
}

void sp_http_client_enter(struct sunpath_http_client *client) {
    client->n_inside++;
}

/* Requests start here, and not where the one before ended, so that failing ones do not nest. */
void sp_http_client_leave(struct sunpath_http_client *client) {
    while (client->n_inside == 1 && client->wants_start && !client->is_freed) {
        client->wants_start = false;
        if (!client->current && client->first) {
            client->current = client->first;
            unlink_request(client, client->first);
            sp_http_client_start(client);
        }
    }
    if (--client->n_inside == 0 && client->is_freed) {
        release(client);
    }
}

static void on_work(struct sunpath_timer *timer, void *user) {
    struct sunpath_http_client *client = user;

    (void)timer;
    sp_http_client_enter(client);
    if (!client->current) {
        client->wants_start = true;
    } else if (!client->stream) {
        sp_http_client_continue_connecting(client);
    } else if (client->current->sending == SP_HTTP_SEND_WAIT) {
        client->current->sending = SP_HTTP_SEND_BODY;
        sp_http_client_send_more(client);
    }
    sp_http_client_leave(client);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static void fail_waiting(struct sunpath_http_client *client, struct sp_http_request *request) {
    struct sunpath_error error;

    unlink_request(client, request);
    sp_http_request_fail(request, &error, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT,
                         "timed out after %d ms, waiting for the requests before it",
                         request->options.timeout_ms);
    deliver(request, NULL, -ETIMEDOUT, &error);
}

static void on_deadline(struct sunpath_timer *timer, void *user) {
    struct sp_http_request *request = user;
    struct sunpath_http_client *client = request->client;
    struct sp_http_phase phase;
    struct sunpath_error error;

    (void)timer;
    sp_http_client_enter(client);
    if (request != client->current) {
        fail_waiting(client, request);
    } else if (!client->stream) {
        sp_http_client_fail_connecting(client, request->options.timeout_ms);
    } else {
        sp_http_request_fail(request, &error, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT,
                             "timed out after %d ms, %s", request->options.timeout_ms,
                             sp_http_client_phase(&phase, client));
        sp_http_client_finish(client, -ETIMEDOUT, &error);
    }
    sp_http_client_leave(client);
}

int sp_http_client_queue(struct sunpath_http_client *client, struct sp_http_request *request) {
    int r = 0;

    request->client = client;
    if (request->options.timeout_ms > 0) {
        r = sunpath_timer_new(&request->deadline, client->loop, on_deadline, request);
    }
    if (r >= 0 && request->deadline) {
        r = sunpath_timer_set(request->deadline, (uint64_t)request->options.timeout_ms);
    }
    if (r >= 0 && !client->current && !client->first) {
        r = sunpath_timer_set(client->work, 0);
    }
    if (r < 0) {
        return r;
    }
    push(client, request);
    return 0;
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

int sunpath_http_client_new(struct sunpath_http_client **ret, struct sunpath_loop *loop,
                            const char *address, const struct sunpath_connect_options *options,
                            struct sunpath_error *error) {
    _cleanup_(client_freep) struct sunpath_http_client *client = NULL;
    int r;

    client = calloc(1, sizeof(*client));
    if (!client) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "request", "out of memory");
    }
    client->loop = loop;
    client->connecting_fd = -1;
    if (error) {
        error->code = 0;
    }
    r = set_address(client, address, error);
    if (r >= 0) {
        r = copy_connect_options(client, options);
    }
    if (r >= 0) {
        r = sunpath_timer_new(&client->work, loop, on_work, client);
    }
    if (r < 0) {
        return error && error->code == r ? r
                                         : sp_fail(error, r, sp_reason_of_errno(r), "request",
                                                   "making a client: %s", strerror(-r));
    }
    *ret = sp_take_ptr(&client);
    return 0;
}

int sunpath_http_client_send(struct sunpath_http_client *client, const char *method,
                             const char *uri, const struct sunpath_http_request_options *options,
                             void (*on_done)(const struct sunpath_http_response *response,
                                             int result, const struct sunpath_error *error,
                                             void *user),
                             void *user) {
    struct sunpath_http_request_options copy;
    struct sp_http_request *request;
    int r;

    if (client->is_freed) {
        return -ECANCELED;
    }
    r = sp_http_request_read_options(&copy, options, NULL);
    if (r < 0) {
        return r;
    }
    copy.uri = copy.uri ? copy.uri : client->uri;
    r = sp_http_request_new(&request, &client->address, method, uri, NULL, &copy, NULL);
    if (r < 0) {
        return r;
    }
    request->on_done = on_done;
    request->done_user = user;
    r = sp_http_client_queue(client, request);
    if (r < 0) {
        sp_http_request_free(request);
    }
    return r;
}

static void cancel(struct sp_http_request *request) {
    struct sunpath_error error;

    sp_http_request_fail(request, &error, -ECANCELED, SUNPATH_REASON_NONE,
                         "canceled: the client was freed");
    request->on_done(NULL, -ECANCELED, &error, request->done_user);
}

struct sunpath_http_client *sunpath_http_client_free(struct sunpath_http_client *client) {
    if (!client || client->is_freed) {
        return NULL;
    }

    /* whoever calls us from a callback still stands on the current request: release() frees it */
    client->is_freed = true;
    client->n_inside++;
    sp_http_client_disconnect(client);
    if (client->current) {
        cancel(client->current);
    }
    while (client->first) {
        struct sp_http_request *request = client->first;

        unlink_request(client, request);
        cancel(request);
        sp_http_request_free(request);
    }
    sp_http_client_leave(client);
    return NULL;
}
