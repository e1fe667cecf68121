/* SPDX-License-Identifier: MIT */
/* http-client-head.c - a request's head, written anew: for another target, or with more fields. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/http-client.h"

/* The next field line with its CRLF; false at the empty line. */
static bool next_line(const char **at, const char *end, struct sp_slice *ret) {
    const char *from = *at;
    const char *to = memmem(from, (size_t)(end - from), "\r\n", 2);

    if (!to || to == from) {
        return false;
    }
    *ret = (struct sp_slice){from, (size_t)(to + 2 - from)};
    *at = to + 2;
    return true;
}

static const char *first_line(const struct sunpath_http_request *request) {
    return (const char *)memmem(request->base, request->n_base, "\r\n", 2) + 2;
}

static bool is_field(struct sp_slice line, const char *name) {
    size_t n = strlen(name);

    return line.size > n && line.data[n] == ':' && strncasecmp(line.data, name, n) == 0;
}

static bool is_one_of(struct sp_slice line, const char *const *names) {
    for (; *names; names++) {
        if (is_field(line, *names)) {
            return true;
        }
    }
    return false;
}

struct sp_slice sp_http_request_find(const struct sunpath_http_request *request, const char *name) {
    const char *at = first_line(request);
    struct sp_slice line;

    while (next_line(&at, request->base + request->n_base, &line)) {
        if (is_field(line, name)) {
            size_t n = strlen(name) + 2; /* written as "name: value\r\n" */

            return (struct sp_slice){line.data + n, line.size - n - 2};
        }
    }
    return (struct sp_slice){0};
}

/* The base's fields but `without`, then `more` and the empty line. */
static char *put_fields(char *at, const struct sunpath_http_request *request,
                        const char *const *without, struct sp_slice more) {
    const char *from = first_line(request);
    struct sp_slice line;

    while (next_line(&from, request->base + request->n_base, &line)) {
        if (!is_one_of(line, without)) {
            at = mempcpy(at, line.data, line.size);
        }
    }
    if (more.size > 0) {
        at = mempcpy(at, more.data, more.size);
    }
    return mempcpy(at, "\r\n", 2);
}

static void set_head(struct sunpath_http_request *request, char *head, size_t size) {
    if (request->head != request->base) {
        free(request->head);
    }
    request->head = head;
    request->n_head = size;
}

int sp_http_request_dress(struct sunpath_http_request *request, struct sp_slice more,
                          const char *const *without) {
    size_t n_first = (size_t)(first_line(request) - request->base);
    char *head, *at;

    if (more.size == 0) {
        set_head(request, request->base, request->n_base);
        return 0;
    }
    head = malloc(request->n_base + more.size);
    if (!head) {
        return -ENOMEM;
    }
    at = mempcpy(head, request->base, n_first);
    at = put_fields(at, request, without, more);
    set_head(request, head, (size_t)(at - head));
    return 0;
}

/* What describes a body goes with it (RFC 9110 15.4). */
static const char *const of_bodies[] = {"Content-Type",     "Content-Length",   "Content-Encoding",
                                        "Content-Language", "Content-Location", "Transfer-Encoding",
                                        "Expect",           "Digest",           NULL};
static const char *const nothing[] = {NULL};

static int drop_body(struct sunpath_http_request *request) {
    char *method = strdup("GET");

    if (!method) {
        return -ENOMEM;
    }
    free(request->method);
    request->method = method;
    request->is_idempotent = true;
    request->is_chunked = request->expects_continue = request->is_read = false;
    request->options.body = NULL;
    request->options.n_body = 0;
    request->source.read = NULL;
    return 0;
}

int sp_http_request_retarget(struct sunpath_http_request *request, const char *target,
                             bool becomes_get) {
    size_t n_target = strlen(target);
    char *base, *at;

    if (becomes_get && drop_body(request) < 0) {
        return -ENOMEM;
    }
    base = malloc(request->n_base + n_target + sizeof("GET"));
    if (!base) {
        return -ENOMEM;
    }
    at = stpcpy(stpcpy(base, request->method), " ");
    request->target = (struct sp_span){(uint32_t)(at - base), (uint32_t)n_target};
    at = stpcpy(stpcpy(at, target), " HTTP/1.1\r\n");
    at = put_fields(at, request, becomes_get ? of_bodies : nothing, (struct sp_slice){0});
    set_head(request, base, (size_t)(at - base));
    free(request->base);
    request->base = base;
    request->n_base = request->n_head;
    return 0;
}
