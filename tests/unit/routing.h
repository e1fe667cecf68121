/* SPDX-License-Identifier: MIT */
/* routing.h - a router behind a server, and requests to it. */

#ifndef TESTS_ROUTING_H
#define TESTS_ROUTING_H

#include "http-serving.h"
#include "web/router.h"

static struct sunpath_router *router;

/* Answers "<user> <route> [<base path>|<local path>] <name>=<value> ..." and the body. */
static inline void show(struct sunpath_http_exchange *exchange, void *user) {
    const char *name, *value;
    char text[4096];
    size_t n, n_body;
    const char *body = sunpath_http_body(exchange, &n_body);

    n = (size_t)snprintf(text, sizeof(text), "%s %s [%s|%s]", user ? (const char *)user : "-",
                         sunpath_http_route(exchange), sunpath_http_base_path(exchange),
                         sunpath_http_local_path(exchange));
    for (size_t i = 0; sunpath_http_param_at(exchange, i, &name, &value); i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%s", name, value);
        ck_assert_ptr_nonnull(sunpath_http_param(exchange, name));
    }
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n_body ? " " : "", (int)n_body,
                          body);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "text/plain", text, n), 0);
}

static inline struct sunpath_router *new_router(bool ignores_case, bool is_strict) {
    struct sunpath_router_options options = SUNPATH_OPTIONS(struct sunpath_router_options);
    struct sunpath_router *made = NULL;

    options.ignores_case = ignores_case;
    options.is_strict = is_strict;
    ck_assert_int_eq(sunpath_router_new(&made, &options), 0);
    return made;
}

/* A route that shows itself. */
static inline void on(struct sunpath_router *on_router, const char *route) {
    ck_assert_int_eq(sunpath_router_on(on_router, route, show, NULL), 0);
}

static inline void routing_open(const struct sunpath_http_server_options *options) {
    struct sunpath_error error = {0};

    ck_assert_msg(sunpath_router_compile(router, &error) == 0, "%s", error.text);
    serving_open(options);
    serving.server->handler = sunpath_router_handler();
    serving.server->user = router;
}

static inline void routing_close(void) {
    serving_close();
    router = sunpath_router_free(router);
}

/* The whole response to "<method> <target>" with more header lines (may be ""). */
static inline const char *response(const char *request, const char *headers) {
    int fd = client();
    char text[8192], *heard;

    snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", request,
             headers);
    say(fd, text);
    heard = hear(fd, NULL);
    close(fd);
    settle();
    return heard;
}

/* "<status> <body>" of it; for an answer without a body its Allow header. */
static inline const char *answer_with(const char *request, const char *headers) {
    static char text[8192];
    const char *heard = response(request, headers);
    const char *body = strstr(heard, "\r\n\r\n") + 4, *allow = strstr(heard, "\r\nAllow: ");
    int status = atoi(heard + 9), n = (int)strcspn(body, "\n");

    if (n == 0 && allow) {
        body = allow + 9;
        n = (int)strcspn(body, "\r");
    }
    snprintf(text, sizeof(text), "%d %.*s", status, n, body);
    return text;
}

static inline const char *answer(const char *request) {
    return answer_with(request, "");
}

#endif
