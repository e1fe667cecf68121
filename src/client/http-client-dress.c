/* SPDX-License-Identifier: MIT */
/* http-client-dress.c - what the client adds to a request's head, and notes of an answer's. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "client/http-client.h"
#include "client/http-cookies.h"

/* The path that is asked for; "/" for targets that have none. */
static struct sp_slice path_of(const struct sunpath_http_request *request) {
    struct sp_uri_parts parts;

    sp_uri_split(&parts, request->base + request->target.at, request->target.size);
    return parts.path.data ? parts.path : (struct sp_slice){"/", 1};
}

static int put_cookies(struct sp_client_connection *connection, struct sp_buffer *lines) {
    struct sunpath_http_request *request = connection->request;

    return sp_http_cookies_put(connection->client->cookies, lines, path_of(request),
                               sp_http_request_find(request, "Cookie"));
}

/* The lines, and in `without` the caller's fields that they stand for. */
static int put_lines(struct sp_client_connection *connection, struct sp_buffer *lines,
                     const char **without) {
    int r = connection->client->cookies ? put_cookies(connection, lines) : 0;

    if (r == 0 && sp_buffer_size(lines) > 0) {
        *without++ = "Cookie";
    }
    if (r == 0 && connection->is_resuming) {
        *without++ = "Range";
        *without++ = "If-Range";
        r = sp_client_put_range(connection, lines);
    }
    *without = NULL;
    return r;
}

bool sp_client_dress(struct sp_client_connection *connection) {
    struct sp_buffer lines = {0};
    const char *without[4];
    int r;

    r = put_lines(connection, &lines, without);
    if (r == 0) {
        struct sp_slice more = {lines.data ? sp_buffer_bytes(&lines) : NULL,
                                sp_buffer_size(&lines)};

        r = sp_http_request_dress(connection->request, more, without);
    }
    sp_buffer_deinit(&lines);
    if (r < 0) {
        sp_client_fail(connection, r, SUNPATH_REASON_SYSTEM, "out of memory", "");
    }
    return r == 0;
}

void sp_client_remember(struct sp_client_connection *connection) {
    const struct sunpath_http_response *response = connection->response;
    struct sunpath_http_cookies *cookies = connection->client->cookies;

    for (size_t i = 0; cookies && i < response->n_headers; i++) {
        if (strcasecmp(response->fields[i].name, "Set-Cookie") == 0) {
            sp_http_cookies_store(cookies, path_of(connection->request), response->fields[i].value);
        }
    }
}
