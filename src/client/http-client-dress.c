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

bool sp_client_dress(struct sp_client_connection *connection) {
    struct sunpath_http_cookies *cookies = connection->client->cookies;
    struct sunpath_http_request *request = connection->request;
    struct sp_buffer lines = {0};
    int r;

    if (!cookies) {
        return true;
    }
    r = sp_http_cookies_put(cookies, &lines, path_of(request),
                            sp_http_request_find(request, "Cookie"));
    if (r == 0) {
        struct sp_slice more = {lines.data + lines.begin, sp_buffer_size(&lines)};

        r = sp_http_request_dress(request, more, more.size > 0 ? "Cookie" : NULL);
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
