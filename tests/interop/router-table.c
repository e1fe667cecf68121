/* SPDX-License-Identifier: MIT */
/*
 * router-table.c SOCKET TABLE CASE STRICT - serves a table of routes: "GET /path", "MOUNT /prefix"
 * and what is mounted there up to "END". Each answers with its line's index, base and parameters.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

static size_t put_text(char *at, const char *text) {
    size_t n = 0;

    at[n++] = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            at[n++] = '\\';
        }
        at[n++] = *text;
    }
    at[n++] = '"';
    return n;
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    const char *name, *value;
    char text[65536];
    size_t n;

    n = (size_t)snprintf(text, sizeof(text), "{\"index\":%zu,\"base\":", (size_t)user);
    n += put_text(text + n, sunpath_http_base_path(exchange));
    n += (size_t)snprintf(text + n, sizeof(text) - n, ",\"params\":{");
    for (size_t i = 0; sunpath_http_param_at(exchange, i, &name, &value); i++) {
        text[n] = ',';
        n += i > 0;
        n += put_text(text + n, name);
        text[n++] = ':';
        n += put_text(text + n, value);
    }
    n += (size_t)snprintf(text + n, sizeof(text) - n, "}}");
    if (sunpath_http_respond(exchange, 200, "application/json", text, n) < 0) {
        (void)sunpath_http_fail(exchange, 500, NULL);
    }
}

static struct sunpath_router *new_router(bool ignores_case, bool is_strict) {
    struct sunpath_router_options options = SUNPATH_OPTIONS(struct sunpath_router_options);
    struct sunpath_router *router = NULL;

    options.ignores_case = ignores_case;
    options.is_strict = is_strict;
    return sunpath_router_new(&router, &options) < 0 ? NULL : router;
}

/* Lines up to END or the end. Mistakes are told when the router is compiled. */
static void fill(struct sunpath_router *router, FILE *table, size_t *index) {
    char line[1024];

    while (fgets(line, sizeof(line), table)) {
        size_t at = (*index)++;

        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "END") == 0) {
            return;
        }
        if (strncmp(line, "MOUNT ", 6) == 0) {
            struct sunpath_router *child = new_router(false, false);

            (void)sunpath_router_mount(router, line + 6, child, NULL);
            fill(child, table, index);
        } else {
            (void)sunpath_router_on(router, line, on_request, (void *)at);
        }
    }
}

static void on_signal(struct sunpath_signal *signal, int signal_number, void *user) {
    (void)signal;
    (void)signal_number;
    sunpath_loop_stop(user);
}

int main(int argc, char **argv) {
    struct sunpath_http_server *server = NULL;
    struct sunpath_router *router;
    struct sunpath_signal *signal;
    struct sunpath_error error;
    struct sunpath_loop *loop;
    size_t index = 0;
    FILE *table;
    int r;

    if (argc != 5 || !(table = fopen(argv[2], "r")) || sunpath_loop_open(&loop) < 0 ||
        sunpath_signal_open(&signal, loop, SIGTERM, on_signal, loop) < 0) {
        return 2;
    }
    router = new_router(argv[3][0] == '0', argv[4][0] == '1');
    fill(router, table, &index);
    fclose(table);
    r = sunpath_router_compile(router, &error);
    if (r == 0) {
        r = sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, NULL);
    }
    if (r == 0) {
        r = sunpath_http_server_listen(server, argv[1], NULL, &error);
    }
    if (r < 0) {
        fprintf(stderr, "%s\n", error.text);
    } else {
        (void)sunpath_loop_run(loop);
    }
    sunpath_http_server_free(server);
    sunpath_router_free(router);
    sunpath_signal_close(signal);
    sunpath_loop_close(loop);
    return r < 0;
}
