/* SPDX-License-Identifier: MIT */
/* serve-builtin.c - the service of `sunpath serve` without a directory: hello, whoami, echo. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "serve.h"

#define GROUPS_MAX 65536 /* NGROUPS_MAX of the kernel */

static void fail_without_memory(struct sunpath_http_exchange *exchange) {
    (void)sunpath_http_fail(exchange, 503, "out of memory");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* A response's body while it is written. */
struct document {
    char *text;
    size_t size;
    FILE *out;
    struct cli_json json;
};

static bool document_begin(struct document *document) {
    document->text = NULL;
    document->out = open_memstream(&document->text, &document->size);
    if (!document->out) {
        return false;
    }
    cli_json_begin(&document->json, document->out);
    return true;
}

static void document_send(struct document *document, struct sunpath_http_exchange *exchange) {
    cli_json_end(&document->json);
    if (fclose(document->out) == 0) {
        (void)sunpath_http_respond(exchange, 200, "application/json", document->text,
                                   document->size);
    } else {
        fail_without_memory(exchange);
    }
    free(document->text);
}

static void hello(struct sunpath_http_exchange *exchange, void *user) {
    struct document document;

    (void)user;
    if (!document_begin(&document)) {
        fail_without_memory(exchange);
        return;
    }
    cli_json_string(&document.json, "hello", "world");
    cli_json_string(&document.json, "server", "sunpath");
    cli_json_string(&document.json, "version", sunpath_version());
    cli_json_number(&document.json, "pid", getpid());
    document_send(&document, exchange);
}

/* ---- whoami ---------------------------------------------------------------------------------- */

static void put_ids(struct cli_json *json, const struct sunpath_peer *peer) {
    if (peer->is_outside_pid_namespace) {
        cli_json_null(json, "pid");
    } else {
        cli_json_number(json, "pid", peer->pid);
    }
    if (peer->is_unmapped) {
        cli_json_null(json, "uid");
        cli_json_null(json, "gid");
        return;
    }
    cli_json_number(json, "uid", peer->uid);
    cli_json_number(json, "gid", peer->gid);
    cli_json_string(json, "user", cli_user_name(peer->uid));
    cli_json_string(json, "group", cli_group_name(peer->gid));
}

static void put_groups(struct cli_json *json, int fd) {
    int n = sunpath_peer_groups(fd, NULL, 0);
    gid_t *groups = n >= 0 && n <= GROUPS_MAX ? calloc((size_t)n + 1, sizeof(*groups)) : NULL;

    cli_json_array(json, "groups");
    if (groups && sunpath_peer_groups(fd, groups, (size_t)n) == n) {
        for (int i = 0; i < n; i++) {
            cli_json_number(json, NULL, groups[i]);
        }
    }
    cli_json_close(json);
    free(groups);
}

/* What a trusted proxy says of whom it serves. */
static void put_client(struct cli_json *json, struct sunpath_http_exchange *exchange,
                       const struct sunpath_forwarded *forwarded) {
    struct sunpath_client client;

    if (sunpath_forwarded_read(forwarded, exchange, &client) >= 0 && client.is_forwarded) {
        cli_json_string(json, "client", client.address);
        cli_json_string(json, "scheme", client.scheme);
    }
}

/* `user`: who may speak for others, struct sunpath_forwarded, or NULL. */
static void whoami(struct sunpath_http_exchange *exchange, void *user) {
    const struct sunpath_peer *peer = sunpath_http_peer(exchange);
    int fd = sunpath_http_fd(exchange);
    char executable[PATH_MAX];
    struct document document;

    if (!document_begin(&document)) {
        fail_without_memory(exchange);
        return;
    }
    cli_json_bool(&document.json, "identified", peer != NULL);
    if (peer) {
        int n = sunpath_peer_executable(fd, executable, sizeof(executable));

        put_ids(&document.json, peer);
        put_groups(&document.json, fd);
        cli_json_string(&document.json, "executable", n < 0 ? NULL : executable);
    }
    put_client(&document.json, exchange, user);
    document_send(&document, exchange);
}

/* ---- the service ----------------------------------------------------------------------------- */

static void echo(struct sunpath_http_exchange *exchange, void *user) {
    const char *type = sunpath_http_header(exchange, "Content-Type");
    size_t size;
    const void *body = sunpath_http_body(exchange, &size);

    (void)user;
    (void)sunpath_http_respond(exchange, 200, type ? type : "application/octet-stream", body, size);
}

static void on_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                     void *user) {
    static const char hint[] = "nothing here: try /, /whoami or /echo\n";

    (void)why;
    (void)user;
    if (status == 404) {
        (void)sunpath_http_respond(exchange, 404, "text/plain; charset=utf-8", hint,
                                   sizeof(hint) - 1);
    }
}

void serve_builtin(struct sunpath_router *router, struct sunpath_forwarded *forwarded) {
    sunpath_router_on(router, "GET /", hello, NULL);
    sunpath_router_on(router, "GET /whoami", whoami, forwarded);
    sunpath_router_on(router, "/echo", echo, NULL);
    sunpath_router_on_error(router, on_error, NULL);
}
