/* SPDX-License-Identifier: MIT */
/* http-form.c - reads a small form, of a page or of curl, in memory. */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

static const char page[] = "<!doctype html><title>Sign up</title><form method=post>"
                           "<input name=name> <input name=town> <button>Send</button></form>\n";

static void on_post(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_error error;
    struct sunpath_form *form;
    char text[1024];
    const char *name;

    (void)user;
    if (sunpath_http_form(exchange, &form, NULL, &error) < 0) {
        sunpath_http_fail_error(exchange, &error); /* 400, 413 or 415, and why */
        return;
    }
    name = sunpath_form_value(form, "name");
    if (!name || name[0] == '\0') {
        sunpath_http_fail(exchange, 422, "who are you?");
        return;
    }
    snprintf(text, sizeof(text), "welcome, %.200s (%zu fields)\n", name,
             sunpath_form_n_parts(form));
    sunpath_http_respond(exchange, 200, "text/plain", text, strlen(text));
}

static void show_page(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_respond(exchange, 200, "text/html", page, sizeof(page) - 1);
}

int main(int argc, char **argv) {
    const char *address = argc > 1 ? argv[1] : "/tmp/form.sock";
    struct sunpath_error error = {.text = "out of memory or descriptors"};
    struct sunpath_http_server *server = NULL;
    struct sunpath_router *router = NULL;
    struct sunpath_loop *loop = NULL;

    if (sunpath_loop_open(&loop) < 0 || sunpath_router_new(&router, NULL) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_router_on(router, "GET /", show_page, NULL);
    sunpath_router_on(router, "POST /", on_post, NULL);
    if (sunpath_router_compile(router, &error) < 0 ||
        sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, NULL) < 0 ||
        sunpath_http_server_listen(server, address, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server);
    sunpath_router_free(router);
    sunpath_loop_close(loop);
    return 0;
}
