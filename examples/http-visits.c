/* SPDX-License-Identifier: MIT */
/* http-visits.c - headers, cookies and who is asking: counts the visits of each client. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sunpath/sunpath.h>

/* The answer in what the client likes best. */
static void greet(struct sunpath_http_exchange *exchange, unsigned long n_visits) {
    const char *type = sunpath_http_accepts(exchange, "text/plain", "application/json", NULL);
    const struct sunpath_peer *peer = sunpath_http_peer(exchange); /* NULL over TCP */
    unsigned uid = peer && !peer->is_unmapped ? (unsigned)peer->uid : 65534;
    char text[128];
    int n;

    sunpath_http_add_header(exchange, "Vary", "Accept");
    if (!type) {
        sunpath_http_fail(exchange, 406, "text or JSON");
        return;
    }
    n = snprintf(text, sizeof(text),
                 strcmp(type, "text/plain") == 0 ? "uid %u, visit %lu\n"
                                                 : "{\"uid\":%u,\"visit\":%lu}\n",
                 uid, n_visits);
    sunpath_http_respond(exchange, 200, type, text, (size_t)n);
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_http_set_cookie_options options =
        SUNPATH_OPTIONS(struct sunpath_http_set_cookie_options);
    const char *before = sunpath_http_cookie(exchange, "visits");
    unsigned long n_visits = (before ? strtoul(before, NULL, 10) : 0) + 1;
    char text[24];

    (void)user;
    sunpath_http_add_header(exchange, "Link", "</style.css>; rel=preload; as=style");
    sunpath_http_inform(exchange, 103); /* hints, while there is no answer yet */
    snprintf(text, sizeof(text), "%lu", n_visits);
    options.max_age_s = 3600;
    options.is_http_only = true;
    options.same_site = SUNPATH_SAME_SITE_LAX;
    sunpath_http_set_cookie(exchange, "visits", text, &options);
    greet(exchange, n_visits);
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    const char *address = argc > 1 ? argv[1] : "/tmp/visits.sock";
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_http_server *server = NULL;
    struct sunpath_loop *loop = NULL;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, NULL) < 0 ||
        sunpath_http_server_listen(server, address, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server);
    sunpath_loop_close(loop);
    return 0;
}
