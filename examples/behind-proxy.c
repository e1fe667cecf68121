/* SPDX-License-Identifier: MIT */
/* behind-proxy.c - a service behind nginx, Caddy or haproxy: it believes what its proxy says about
 * clients, and nobody else. behind-nginx.conf, behind-caddy.Caddyfile and behind-haproxy.cfg are
 * the proxies' side.
 *
 *     example-behind-proxy /run/site.sock www-data
 */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>
#include <unistd.h>

static void show_client(struct sunpath_http_exchange *exchange, void *user) {
    const struct sunpath_forwarded *forwarded = user;
    struct sunpath_client client;
    char text[1024];
    int n;

    if (sunpath_forwarded_read(forwarded, exchange, &client) < 0) {
        sunpath_http_fail(exchange, 400, "the proxy sent on what is malformed");
        return;
    }
    n = snprintf(text, sizeof(text), "address %s\nscheme %s\nhost %s\nforwarded %s\n",
                 client.address ? client.address : "unknown", client.scheme,
                 client.host ? client.host : "unknown", client.is_forwarded ? "yes" : "no");
    sunpath_http_respond(exchange, 200, "text/plain", text, (size_t)n);
}

/* Who the proxy is, by the user it runs as: the kernel says who is at the other end. */
static struct sunpath_forwarded *trust_user(struct sunpath_access *access, const char *name,
                                            struct sunpath_error *error) {
    struct sunpath_forwarded_options options = SUNPATH_OPTIONS(struct sunpath_forwarded_options);
    struct sunpath_forwarded *forwarded;
    char rule[64];

    snprintf(rule, sizeof(rule), "user=%.40s", name);
    if (sunpath_access_allow(access, rule, error) < 0) {
        return NULL;
    }
    options.trusted = access;
    options.headers = SUNPATH_FORWARDED_FOR | SUNPATH_FORWARDED_PROTO | SUNPATH_FORWARDED_HOST;
    return sunpath_forwarded_new(&forwarded, &options) < 0 ? NULL : forwarded;
}

static int serve(struct sunpath_loop *loop, struct sunpath_router *router, const char *address,
                 struct sunpath_forwarded *forwarded, struct sunpath_error *error) {
    struct sunpath_access_log_options log_options =
        SUNPATH_OPTIONS(struct sunpath_access_log_options);
    struct sunpath_listen_options listen_options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_access_log *log = NULL;
    struct sunpath_http_server *server = NULL;
    int r;

    log_options.format = SUNPATH_LOG_JSON;
    log_options.fd = STDOUT_FILENO;
    log_options.forwarded = forwarded;
    listen_options.mode = 0666; /* who may connect; who is believed is another matter */
    sunpath_router_on(router, "GET /client", show_client, forwarded);
    r = sunpath_router_compile(router, error);
    if (r >= 0) {
        r = sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, NULL);
    }
    if (r >= 0) {
        r = sunpath_access_log_open(&log, loop, &log_options, error);
    }
    if (r >= 0) {
        r = sunpath_access_log_attach(log, server);
    }
    if (r >= 0) {
        r = sunpath_http_server_listen(server, address, &listen_options, error);
    }
    if (r >= 0) {
        r = sunpath_loop_run_until_signal(loop);
    }
    sunpath_http_server_free(server);
    sunpath_access_log_close(log);
    return r;
}

int main(int argc, char **argv) {
    struct sunpath_error error = {.text = "out of memory"};
    struct sunpath_forwarded *forwarded = NULL;
    struct sunpath_access *access = NULL;
    struct sunpath_router *router = NULL;
    struct sunpath_loop *loop = NULL;
    int r = -1;

    if (argc != 3) {
        fprintf(stderr, "usage: behind-proxy ADDRESS PROXY-USER\n");
        return 2;
    }
    if (sunpath_loop_open(&loop) == 0 && sunpath_access_new(&access) == 0 &&
        sunpath_router_new(&router, NULL) == 0 &&
        (forwarded = trust_user(access, argv[2], &error))) {
        r = serve(loop, router, argv[1], forwarded, &error);
    }
    if (r < 0) {
        fprintf(stderr, "%s\n", error.text);
    }
    sunpath_router_free(router);
    sunpath_forwarded_free(forwarded);
    sunpath_access_free(access);
    sunpath_loop_close(loop);
    return r < 0;
}
