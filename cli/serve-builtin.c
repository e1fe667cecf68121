/* SPDX-License-Identifier: MIT */
/* serve-builtin.c - the service of `sunpath serve` without a directory: hello, whoami, echo. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "serve.h"

#define GROUPS_MAX 65536 /* NGROUPS_MAX of the kernel */

/* ---- what files and service share ------------------------------------------------------------ */

void serve_status(struct sunpath_http_exchange *exchange, int status, const char *text) {
    char line[256];
    int n = snprintf(line, sizeof(line), "%s\n", text);

    (void)sunpath_http_respond(exchange, status, "text/plain; charset=utf-8", line, (size_t)n);
}

bool serve_is_get(struct sunpath_http_exchange *exchange) {
    const char *method = sunpath_http_method(exchange);

    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        return true;
    }
    (void)sunpath_http_add_header(exchange, "Allow", "GET, HEAD");
    serve_status(exchange, 405, "only GET and HEAD are possible here");
    return false;
}

const char *serve_path(struct sunpath_http_exchange *exchange, size_t *ret_size) {
    const char *target = sunpath_http_target(exchange);

    if (target[0] != '/') { /* http://host/path, as a client of a proxy writes it */
        const char *host = strstr(target, "://");

        target = host ? host + 3 + strcspn(host + 3, "/?#") : target;
    }
    *ret_size = strcspn(target, "?#");
    return target;
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
        serve_status(exchange, 503, "out of memory");
    }
    free(document->text);
}

static void hello(struct sunpath_http_exchange *exchange) {
    struct document document;

    if (!document_begin(&document)) {
        serve_status(exchange, 503, "out of memory");
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

static void whoami(struct sunpath_http_exchange *exchange,
                   const struct sunpath_forwarded *forwarded) {
    const struct sunpath_peer *peer = sunpath_http_peer(exchange);
    int fd = sunpath_http_fd(exchange);
    char executable[PATH_MAX];
    struct document document;

    if (!document_begin(&document)) {
        serve_status(exchange, 503, "out of memory");
        return;
    }
    cli_json_bool(&document.json, "identified", peer != NULL);
    if (peer) {
        int n = sunpath_peer_executable(fd, executable, sizeof(executable));

        put_ids(&document.json, peer);
        put_groups(&document.json, fd);
        cli_json_string(&document.json, "executable", n < 0 ? NULL : executable);
    }
    put_client(&document.json, exchange, forwarded);
    document_send(&document, exchange);
}

/* ---- the service ----------------------------------------------------------------------------- */

static void echo(struct sunpath_http_exchange *exchange) {
    const char *type = sunpath_http_header(exchange, "Content-Type");
    size_t size;
    const void *body = sunpath_http_body(exchange, &size);

    (void)sunpath_http_respond(exchange, 200, type ? type : "application/octet-stream", body, size);
}

static bool is_path(const char *path, size_t size, const char *name) {
    return strlen(name) == size && memcmp(path, name, size) == 0;
}

void serve_builtin(struct sunpath_http_exchange *exchange,
                   const struct sunpath_forwarded *forwarded) {
    size_t size;
    const char *path = serve_path(exchange, &size);

    if (is_path(path, size, "/echo")) {
        echo(exchange);
    } else if (is_path(path, size, "/") || size == 0) {
        if (serve_is_get(exchange)) {
            hello(exchange);
        }
    } else if (is_path(path, size, "/whoami")) {
        if (serve_is_get(exchange)) {
            whoami(exchange, forwarded);
        }
    } else {
        serve_status(exchange, 404, "nothing here: try /, /whoami or /echo");
    }
}
