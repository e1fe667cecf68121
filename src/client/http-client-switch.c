/* SPDX-License-Identifier: MIT */
/* http-client-switch.c - asks for another protocol on the loop, and hands out the stream. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/text.h"
#include "client/http-client.h"
#include "flow/stream.h"

bool sp_client_is_switch(const struct sunpath_http_request *request, int status) {
    return status == 101 ||
           (strcmp(request->method, "CONNECT") == 0 && status >= 200 && status < 300);
}

static const char *name_of(const struct sunpath_http_request *request) {
    return request->protocol ? request->protocol : "a tunnel";
}

/* What speaks against it, or NULL. */
static const char *judge(const struct sunpath_http_request *request,
                         const struct sunpath_http_response *response) {
    const char *upgrade = sunpath_http_response_header(response, "Upgrade");

    if (!request->on_upgrade) {
        return "; sunpath_http_client_upgrade() asks for that";
    }
    if ((response->status == 101) != (request->protocol != NULL)) {
        return ", but not in the way that was asked for";
    }
    if (request->protocol && (!upgrade || strcasecmp(upgrade, request->protocol) != 0)) {
        return ", but to another one";
    }
    return request->sending == SP_HTTP_SENT ? NULL : ", and the request was not sent yet";
}

void sp_client_take_switch(struct sp_client_connection *connection,
                           struct sunpath_http_response *response) {
    const char *why = judge(connection->request, response);

    if (why) {
        sunpath_http_response_free(response);
        sp_client_fail(connection, -EPROTO, SUNPATH_REASON_PROTOCOL,
                       "the server switched protocols", why);
        return;
    }
    sp_client_forget_answer(connection); /* the one that broke off, when the rest was asked for */
    connection->response = response;
    connection->wants_hand_out = true;
}

void sp_client_hand_out(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;

    connection->wants_hand_out = false;
    /* with its own limits the stream cannot refuse; it is alive: it has just read */
    (void)sp_stream_hand_over(connection->stream, request->stream_events, request->done_user, NULL);
    request->upgraded = connection->stream;
    connection->stream = NULL;
    sp_client_finish(connection, 0, NULL);
}

void sp_client_refuse_switch(struct sp_client_connection *connection) {
    const struct sunpath_http_response *response = connection->response;
    const struct sunpath_http_request *request = connection->request;
    struct sunpath_error error;

    sp_http_request_fail(request, &error, -EPROTO, SUNPATH_REASON_PROTOCOL,
                         "the server answered %d %.80s instead of switching to %.40s",
                         response->status,
                         sp_show(&(struct sp_shown){0}, response->reason, strlen(response->reason)),
                         name_of(request));
    sp_client_finish(connection, -EPROTO, &error);
}

int sunpath_http_client_upgrade(
    struct sunpath_http_client *client, const char *method, const char *uri, const char *protocol,
    const struct sunpath_http_request_options *options, const struct sunpath_stream_events *events,
    void (*on_done)(struct sunpath_stream *stream, const struct sunpath_http_response *response,
                    int result, const struct sunpath_error *error, void *user),
    void *user) {
    struct sunpath_http_request *request;
    int r;

    if (!events || !on_done || (!protocol && strcmp(method, "CONNECT") != 0)) {
        return -EINVAL;
    }
    r = sp_client_new_request(&request, client, method, uri, protocol, options);
    if (r < 0) {
        return r;
    }
    request->on_upgrade = on_done;
    request->stream_events = events;
    request->done_user = user;
    return sp_client_queue_or_free(client, request);
}
