/* SPDX-License-Identifier: MIT */
/* http-client-redirect.c - answers that say "elsewhere" (RFC 9110 15.4), as far as that is the same
 * socket. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "client/http-client.h"
#include "wire/uri-reference.h"

/* A body that nobody reads is read up to here to keep the connection. */
#define MAX_SKIPPED (64 * 1024)

static bool is_text(struct sp_slice slice, const char *text) {
    return slice.data && slice.size == strlen(text) &&
           strncasecmp(slice.data, text, slice.size) == 0;
}

/* "localhost:80" and "localhost" are one (RFC 9110 4.2.3). */
static size_t without_default_port(struct sp_slice authority) {
    return authority.size > 3 && memcmp(authority.data + authority.size - 3, ":80", 3) == 0
               ? authority.size - 3
               : authority.size;
}

static bool is_same_host(const struct sunpath_http_request *request, struct sp_slice authority) {
    struct sp_slice host = sp_http_request_find(request, "Host");
    size_t n = without_default_port(authority);

    return host.data && without_default_port(host) == n &&
           strncasecmp(host.data, authority.data, n) == 0;
}

static bool is_same_socket(const struct sunpath_http_request *request, const char *location) {
    const struct sunpath_address *ours = request->address;
    struct sunpath_address theirs;

    return sunpath_address_parse(&theirs, location, NULL) == 0 && theirs.kind == ours->kind &&
           theirs.is_padded == ours->is_padded && theirs.n_name == ours->n_name &&
           memcmp(theirs.name, ours->name, ours->n_name) == 0;
}

/* NULL when it leads to where the request went, else why not. */
static const char *judge_place(const struct sunpath_http_request *request, const char *location,
                               const struct sp_uri_reference *reference) {
    if (is_text(reference->scheme, "http+unix")) {
        return is_same_socket(request, location) ? NULL : "it leads to another socket";
    }
    if (reference->scheme.data && !is_text(reference->scheme, "http")) {
        return "it leads to another scheme";
    }
    if (reference->scheme.data && !reference->authority.data) {
        return "its Location is malformed";
    }
    if (reference->authority.data && !is_same_host(request, reference->authority)) {
        return "it leads to another host";
    }
    return NULL;
}

static bool becomes_get(const struct sunpath_http_request *request, int status) {
    return (status == 303 && strcmp(request->method, "HEAD") != 0) ||
           ((status == 301 || status == 302) && strcmp(request->method, "POST") == 0);
}

static const char *judge(const struct sunpath_http_request *request, int status,
                         const char *location, const struct sp_uri_reference *reference) {
    const char *why;

    if (!location) {
        return "it has no Location";
    }
    why = judge_place(request, location, reference);
    if (!why && !becomes_get(request, status) && request->is_read && !request->source.rewind) {
        return "the body cannot be sent again";
    }
    return why;
}

static char *resolve(const struct sunpath_http_request *request,
                     const struct sp_uri_reference *reference, size_t n_location) {
    char *target = malloc(SP_URI_RESOLVED_ROOM(request->target.size, n_location));

    if (target) {
        sp_uri_resolve(target, request->base + request->target.at, request->target.size, reference);
    }
    return target;
}

/* What the caller says of it: true to follow. False when not, or when the request is over. */
static bool is_wanted(struct sp_client_connection *connection, const char *target) {
    struct sunpath_http_request *request = connection->request;
    const struct sunpath_http_request_options *options = &request->options;
    int r;

    if (!options->on_redirect) {
        return true;
    }
    r = options->on_redirect(connection->response, target, options->user);
    if (connection->request != request) {
        return false;
    }
    if (r == 1) {
        connection->response->unfollowed = "the program did not want it";
    } else if (r != 0) {
        sp_client_stop(connection, r, "on_redirect");
    }
    return r == 0;
}

static void fail_loop(struct sp_client_connection *connection, const char *target) {
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, -ELOOP, SUNPATH_REASON_PROTOCOL,
                         "redirected %d times, and once more to '%.100s'",
                         connection->request->n_redirects,
                         sp_show(&(struct sp_shown){0}, target, strlen(target)));
    sp_client_finish(connection, -ELOOP, &error);
}

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool sp_client_consider_redirect(struct sp_client_connection *connection) {
    struct sunpath_http_response *response = connection->response;
    struct sunpath_http_request *request = connection->request;
    const char *location = sunpath_http_response_header(response, "Location");
    size_t n_location = location ? strlen(location) : 0;
    _cleanup_(sp_freep) char *target = NULL;
    struct sp_uri_reference reference = {0};

    if (request->options.max_redirects <= 0 || !is_redirect(response->status)) {
        return true;
    }
    sp_uri_reference_split(&reference, location ? location : "", n_location);
    response->unfollowed = judge(request, response->status, location, &reference);
    if (response->unfollowed) {
        return true;
    }
    target = resolve(request, &reference, n_location);
    if (!target) {
        sp_client_fail(connection, -ENOMEM, SUNPATH_REASON_SYSTEM, "out of memory", "");
    } else if (request->n_redirects >= request->options.max_redirects) {
        fail_loop(connection, target);
    } else if (is_wanted(connection, target)) {
        request->location = sp_take_ptr(&target);
    }
    return connection->request == request;
}

/* ---- following ------------------------------------------------------------------------------- */

bool sp_client_skip_body(struct sp_client_connection *connection) {
    if (connection->body.framing != SP_HTTP_UNTIL_CLOSE &&
        connection->n_received + connection->body.left <= MAX_SKIPPED) {
        return true;
    }
    connection->is_keep_alive = false; /* a new connection costs less than the rest of it */
    sp_client_follow(connection);
    return false;
}

void sp_client_follow(struct sp_client_connection *connection) {
    struct sunpath_http_request *request = connection->request;
    _cleanup_(sp_freep) char *target = sp_take_ptr(&request->location);

    if (sp_http_request_retarget(request, target,
                                 becomes_get(request, connection->response->status)) < 0) {
        sp_client_fail(connection, -ENOMEM, SUNPATH_REASON_SYSTEM, "out of memory", "");
        return;
    }
    request->n_redirects++;
    connection->wants_start = true;
}
