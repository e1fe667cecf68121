/* SPDX-License-Identifier: MIT */
/* cmd-serve.c - serve a directory, or a small test service, over HTTP on a socket. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "output.h"
#include "serve.h"

static int fail_with(const char *what, int code) {
    cli_say("%s: %s", what, strerror(-code));
    return cli_exit_for_code(code);
}

/* ---- what it answers ------------------------------------------------------------------------- */

static int open_router(struct serve *serve) {
    struct sunpath_router *guarded = NULL;
    struct sunpath_error error;
    int r = sunpath_router_new(&serve->router, NULL);

    r = r < 0 ? r : sunpath_router_new(&guarded, NULL);
    if (r < 0) {
        return fail_with("serve", r);
    }
    sunpath_router_use(serve->router, NULL, serve_hand_over, serve);
    serve_ops_route(&serve->ops, serve->router, guarded);
    if (serve->files.files) {
        sunpath_router_add(guarded, "GET /{*path}", sunpath_files_handler(), serve->files.files,
                           NULL);
    } else {
        serve_builtin(guarded, serve->ops.forwarded);
    }
    if (sunpath_router_mount(serve->router, "/", guarded, NULL) < 0) {
        sunpath_router_free(guarded);
    }
    return sunpath_router_compile(serve->router, &error) < 0 ? cli_fail(&error) : CLI_OK;
}

static void on_head(struct sunpath_http_exchange *exchange, void *user) {
    struct serve *serve = user;

    if (!serve_is_hand_over(exchange)) {
        sunpath_rules_handler()->on_head(exchange, &serve->ruled);
    } else if (sunpath_http_set_handler(exchange, sunpath_router_handler(), serve->router) == 0) {
        sunpath_router_handler()->on_head(exchange, serve->router);
    }
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange; /* somebody else's by now */
    (void)user;
}

static void on_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                     void *user) {
    struct serve *serve = user;

    sunpath_rules_handler()->on_error(exchange, status, why, &serve->ruled);
}

/* The router itself, or the rules before it. */
static int new_server(struct serve *serve) {
    static const struct sunpath_http_handler handler = {
        .on_head = on_head, .on_request = on_request, .on_error = on_error};

    serve->ruled = (struct sunpath_ruled){
        .rules = serve->ops.rules, .handler = sunpath_router_handler(), .user = serve->router};
    return serve->ops.rules
               ? sunpath_http_server_new(&serve->server, serve->loop, &handler, serve, serve->http)
               : sunpath_http_server_new(&serve->server, serve->loop, sunpath_router_handler(),
                                         serve->router, serve->http);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void on_drained(struct sunpath_http_server *server, void *user) {
    struct serve *serve = user;

    (void)server;
    sunpath_loop_stop(serve->loop);
}

void serve_drain(struct serve *serve) {
    serve->is_ending = true;
    sunpath_http_server_drain(serve->server, serve->drain_ms, on_drained, serve);
}

/* A worker's parent has read the rules before, and said what is wrong with them. */
static void renew(struct serve *serve) {
    serve_ops_reload_rules(&serve->ops, serve->is_worker);
    serve->ruled.rules = serve->ops.rules;
    serve_ops_reopen_log(&serve->ops);
}

/* The first signal lets everyone finish, the second does not. */
static void on_signal(struct sunpath_signal *signal, int signal_number, void *user) {
    struct serve *serve = user;

    (void)signal;
    if (signal_number == SIGHUP && serve_ops_has_files(&serve->ops)) {
        renew(serve);
    } else if (serve->is_ending) {
        sunpath_loop_stop(serve->loop);
    } else {
        serve_drain(serve);
    }
}

/* nohup(1): a terminal that goes away is to be no reason to end. */
bool serve_minds_hangup(const struct serve *serve) {
    struct sigaction action;

    return serve_ops_has_files(&serve->ops) || sigaction(SIGHUP, NULL, &action) < 0 ||
           action.sa_handler != SIG_IGN;
}

/* ---- where it serves ------------------------------------------------------------------------- */

/* What comes from now on is told by the loop (signalfd(2)): the socket file is not to be left. */
static void hold_signals(const struct serve *serve) {
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (serve_minds_hangup(serve)) {
        sigaddset(&set, SIGHUP);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int listen_on(struct serve *serve, const char *address,
                     const struct sunpath_listen_options *options) {
    struct sunpath_listener *listener;
    struct sunpath_error error;

    hold_signals(serve);
    if (sunpath_listener_open(&listener, address, options, &error) < 0) {
        return cli_fail(&error);
    }
    serve->listeners[serve->n_listeners++] = listener;
    if (sunpath_listener_address(listener)->type != SUNPATH_STREAM) { /* an inherited one */
        struct cli_shown shown;

        cli_say("listen '%s': HTTP needs a stream socket", cli_show(&shown, address));
        return CLI_FAILED;
    }
    return CLI_OK;
}

/* From the server that runs there; when none does, there is nothing to take over. */
static int take_over(struct serve *serve, const struct serve_command *command) {
    struct sunpath_listener *listener;
    struct sunpath_error error;
    int r;

    r = serve_take_over(&listener, command->address, &command->listen.listen, &error);
    if (r == -ENOENT || r == -ECONNREFUSED) {
        return CLI_OK;
    }
    if (r < 0) {
        return cli_fail(&error);
    }
    serve->listeners[serve->n_listeners++] = listener;
    hold_signals(serve); /* it is ours from now on, and its file with it */
    return CLI_OK;
}

static int listen_everywhere(struct serve *serve, const struct serve_command *command) {
    int status = command->takes_over ? take_over(serve, command) : CLI_OK;

    if (status == CLI_OK && serve->n_listeners == 0) {
        status = listen_on(serve, command->address, &command->listen.listen);
    }
    if (status == CLI_OK && command->tcp[0]) {
        status = listen_on(serve, command->tcp, NULL);
    }
    return status;
}

void serve_close_listeners(struct serve *serve) {
    while (serve->n_listeners > 0) {
        sunpath_listener_close(serve->listeners[--serve->n_listeners]);
    }
}

static void announce_one(const struct sunpath_listener *listener) {
    const struct sunpath_address *address = sunpath_listener_address(listener);
    char text[SUNPATH_NAME_MAX + 64];
    struct cli_shown shown;
    struct stat file;
    size_t size = sunpath_address_format(text, sizeof(text), address);

    fputs(cli_show_bytes(&shown, text, size < sizeof(text) ? size : sizeof(text) - 1), stdout);
    if (address->kind == SUNPATH_ADDRESS_PATH && stat(address->name, &file) == 0) {
        printf(" (mode %04o)", (unsigned)(file.st_mode & 07777));
    }
}

void serve_announce(const struct serve *serve) {
    if (serve->is_quiet) {
        return;
    }
    for (size_t i = 0; i < serve->n_listeners; i++) {
        fputs(i == 0 ? "serving " : " and ", stdout);
        announce_one(serve->listeners[i]);
    }
    printf("  stop with ^C\n");
    fflush(stdout);
}

/* ---- serving --------------------------------------------------------------------------------- */

static int open_server(struct serve *serve) {
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    int r;

    r = sunpath_loop_open(&serve->loop);
    for (size_t i = 0; r >= 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        bool is_for_parent =
            serve->is_worker && (numbers[i] == SIGINT || !serve_ops_has_files(&serve->ops));

        if ((numbers[i] == SIGTERM || !is_for_parent) &&
            (numbers[i] != SIGHUP || serve_minds_hangup(serve))) {
            r = sunpath_signal_open(&serve->signals[i], serve->loop, numbers[i], on_signal, serve);
        }
    }
    if (r >= 0) {
        r = new_server(serve);
    }
    return r < 0 ? fail_with("serve", r)
                 : serve_ops_attach(&serve->ops, serve->loop, serve->server);
}

static int attach_listeners(struct serve *serve) {
    while (serve->n_listeners > 0) {
        struct sunpath_listener **first = &serve->listeners[0];
        int r = sunpath_http_server_attach(serve->server, *first);

        if (r < 0) {
            return fail_with("serve", r);
        }
        memmove(first, first + 1, --serve->n_listeners * sizeof(*first));
    }
    return CLI_OK;
}

static void serve_deinit(struct serve *serve) {
    serve_forget_successor(serve);
    serve->server = sunpath_http_server_free(serve->server);
    serve->router = sunpath_router_free(serve->router);
    serve_ops_deinit(&serve->ops);
    for (size_t i = 0; i < sizeof(serve->signals) / sizeof(serve->signals[0]); i++) {
        serve->signals[i] = sunpath_signal_close(serve->signals[i]);
    }
    if (serve->loop) {
        serve->loop = sunpath_loop_close(serve->loop);
    }
    serve_close_listeners(serve);
    serve_files_deinit(&serve->files);
}

/* Serves until it is told to end. `ready_fd`: a worker's; -1: this is the only process. */
static int work(struct serve *serve, int ready_fd) {
    int status = open_server(serve), r;

    if (status == CLI_OK && !serve->is_worker) {
        serve_announce(serve);
    }
    if (status == CLI_OK) {
        status = attach_listeners(serve);
    }
    if (status == CLI_OK && ready_fd >= 0) { /* else it is closed when all is cleaned up */
        status = write(ready_fd, "", 1) == 1 ? CLI_OK : CLI_FAILED;
        close(ready_fd);
    }
    r = status == CLI_OK ? sunpath_loop_run(serve->loop) : 0;
    if (r < 0) {
        status = fail_with("serve", r);
    }
    serve_deinit(serve);
    return status;
}

static int run(struct serve *serve, const struct serve_command *command) {
    int status = serve_files_open(&serve->files, command->directory);

    if (status == CLI_OK) {
        status = serve_ops_prepare(&serve->ops);
    }
    if (status == CLI_OK && serve->ops.metrics_path) {
        serve->ops.metrics = serve_metrics_new(command->n_workers);
        status = serve->ops.metrics ? CLI_OK : fail_with("serve", -ENOMEM);
    }
    if (status == CLI_OK) {
        status = open_router(serve);
    }
    if (status == CLI_OK) {
        status = listen_everywhere(serve, command);
    }
    if (status != CLI_OK) {
        return status;
    }
    return command->n_workers > 1 ? serve_workers(serve, command->n_workers, work)
                                  : work(serve, -1);
}

int cmd_serve(int argc, char **argv) {
    struct serve serve = {.drain_ms = 10000};
    struct serve_command command = {.http = SUNPATH_OPTIONS(struct sunpath_http_server_options),
                                    .n_workers = 1};
    int status;

    cli_listen_options_init(&command.listen);
    serve_files_init(&serve.files);
    serve.http = &command.http;
    status = serve_read_command(&command, &serve, argc, argv);
    if (status == CLI_OK) {
        status = run(&serve, &command);
    }
    serve_deinit(&serve);
    cli_listen_options_deinit(&command.listen);
    return status;
}
