/* SPDX-License-Identifier: MIT */
/* http-client-blocking.c - one request, waited for: the client on a private loop. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "client/http-client.h"

struct call {
    struct sunpath_loop *loop;
    struct sunpath_http_client *client;
    struct sunpath_watch *cancel;
    struct sunpath_http_response *response;
    struct sunpath_error *error; /* the caller's, or NULL */
    int result;
};

static void on_done(const struct sunpath_http_response *response, int result,
                    const struct sunpath_error *error, void *user) {
    struct call *call = user;

    (void)response; /* it went to call->response */
    call->result = result;
    if (result != 0 && call->error) {
        *call->error = *error;
    }
    sunpath_loop_stop(call->loop);
}

/* Freeing the client ends the request, through on_done. */
static void on_cancel(struct sunpath_watch *watch, unsigned events, void *user) {
    struct call *call = user;

    (void)watch;
    (void)events;
    call->client = sunpath_http_client_free(call->client);
}

static void call_deinit(struct call *call) {
    sunpath_watch_close(call->cancel);
    sunpath_http_client_free(call->client);
    sunpath_loop_close(call->loop);
    sunpath_http_response_free(call->response);
}

static int prepare(struct call *call, const char *target,
                   const struct sunpath_http_request_options *options) {
    const struct sunpath_connect_options *connect = options->connect;
    struct sunpath_http_client_options client_options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);
    struct sunpath_error *error = call->error;
    int r;

    r = sunpath_loop_open(&call->loop);
    if (r < 0) {
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "request", "opening a loop: %s",
                       strerror(-r));
    }
    client_options.connect = connect;
    client_options.cookies = options->cookies;
    r = sunpath_http_client_new(&call->client, call->loop, target, &client_options, error);
    if (r < 0) {
        return r;
    }
    if (connect && connect->size > offsetof(struct sunpath_connect_options, cancel_fd) &&
        connect->cancel_fd) {
        r = sunpath_watch_open(&call->cancel, call->loop, *connect->cancel_fd, SUNPATH_READABLE,
                               on_cancel, call);
    }
    return r == 0 ? 0
                  : sp_fail(error, r, SUNPATH_REASON_SYSTEM, "request", "watching cancel_fd: %s",
                            strerror(-r));
}

static int queue(struct call *call, const char *method,
                 const struct sunpath_http_request_options *options) {
    struct sunpath_http_request *request;
    int r;

    r = sp_http_request_new(&request, &call->client->address, method,
                            options->uri ? options->uri : call->client->uri, NULL, options,
                            call->error);
    if (r < 0) {
        return r;
    }
    request->on_done = on_done;
    request->done_user = call;
    request->ret_response = &call->response;
    r = sp_client_queue(call->client, request);
    if (r < 0) {
        sp_http_request_free(request);
        return sp_fail(call->error, r, SUNPATH_REASON_SYSTEM, "request", "%s", strerror(-r));
    }
    return 0;
}

int sunpath_http_request(struct sunpath_http_response **ret, const char *method, const char *target,
                         const struct sunpath_http_request_options *options,
                         struct sunpath_error *error) {
    _cleanup_(call_deinit) struct call call = {.error = error};
    struct sunpath_http_request_options copy;
    int r;

    r = sp_http_request_read_options(&copy, options, error);
    if (r >= 0) {
        r = prepare(&call, target, &copy);
    }
    if (r >= 0) {
        r = queue(&call, method, &copy);
    }
    if (r < 0) {
        return r;
    }

    r = sunpath_loop_run(call.loop);
    if (r < 0) {
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "request", "running a loop: %s",
                       strerror(-r));
    }
    if (call.result != 0) {
        return call.result;
    }
    *ret = sp_take_ptr(&call.response);
    return 0;
}

int sunpath_http_get(struct sunpath_http_response **ret, const char *target,
                     struct sunpath_error *error) {
    return sunpath_http_request(ret, "GET", target, NULL, error);
}
