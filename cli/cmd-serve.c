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

enum {
    OPTION_TCP = 1,
    OPTION_FD,
    OPTION_SYSTEMD,
    OPTION_MAX_CONNS,
    OPTION_MAX_BODY,
    OPTION_TAKE_OVER,
    OPTION_DRAIN_TIMEOUT
};

static const struct option longs[] = {
    CLI_LISTEN_LONG_OPTIONS,
    {"tcp-too", required_argument, NULL, OPTION_TCP},
    {"fd", required_argument, NULL, OPTION_FD},
    {"systemd", optional_argument, NULL, OPTION_SYSTEMD},
    {"max-conns", required_argument, NULL, OPTION_MAX_CONNS},
    {"max-body", required_argument, NULL, OPTION_MAX_BODY},
    {"take-over", no_argument, NULL, OPTION_TAKE_OVER},
    {"drain-timeout", required_argument, NULL, OPTION_DRAIN_TIMEOUT},
    {"quiet", no_argument, NULL, 'q'},
    {NULL, 0, NULL, 0},
};

/* What the command line says. */
struct command {
    struct cli_listen_options listen;
    struct sunpath_http_server_options http;
    const char *address;
    char inherited[SUNPATH_NAME_MAX]; /* the address that --fd or --systemd stands for */
    char tcp[512];                    /* --tcp-too, or "" */
    const char *directory;            /* NULL: the built-in service */
    bool takes_over;
};

/* ---- the command line ------------------------------------------------------------------------ */

static int read_address_option(struct command *command, int option) {
    struct cli_shown shown;
    int number;

    if (option == OPTION_TCP) {
        snprintf(command->tcp, sizeof(command->tcp), "%s%s",
                 strncmp(optarg, "tcp:", 4) == 0 ? "" : "tcp:", optarg);
        return CLI_OK;
    }
    if (command->address) {
        return cli_usage("serve", "--fd and --systemd cannot be had together, or twice");
    }
    if (option == OPTION_SYSTEMD) {
        snprintf(command->inherited, sizeof(command->inherited), "systemd:%s",
                 optarg ? optarg : "");
    } else if (cli_parse_number(&number, optarg, 0, INT32_MAX)) {
        snprintf(command->inherited, sizeof(command->inherited), "fd:%d", number);
    } else {
        return cli_usage("serve", "--fd %s: not a descriptor", cli_show(&shown, optarg));
    }
    command->address = command->inherited;
    return CLI_OK;
}

static int read_limit_option(struct command *command, struct serve *serve, int option) {
    struct cli_shown shown;
    int number;

    cli_show(&shown, optarg);
    switch (option) {
    case OPTION_MAX_CONNS:
        if (!cli_parse_number(&number, optarg, 1, INT32_MAX)) {
            return cli_usage("serve", "--max-conns %s: not a number from 1 on", shown.text);
        }
        command->http.max_connections = (size_t)number;
        return CLI_OK;
    case OPTION_MAX_BODY:
        if (!cli_parse_size(&command->http.max_body, optarg) || command->http.max_body == 0) {
            return cli_usage("serve", "--max-body %s: not a size such as 64K or 1G", shown.text);
        }
        return CLI_OK;
    default:
        if (!cli_parse_duration_ms(&serve->drain_ms, optarg)) {
            return cli_usage("serve", "--drain-timeout %s: not a duration such as 10s", shown.text);
        }
        return CLI_OK;
    }
}

static int read_option(struct command *command, struct serve *serve, int option) {
    switch (option) {
    CLI_LISTEN_OPTION_CASES:
        return cli_listen_option(&command->listen, "serve", option, optarg);
    case OPTION_TCP:
    case OPTION_FD:
    case OPTION_SYSTEMD:
        return read_address_option(command, option);
    case OPTION_MAX_CONNS:
    case OPTION_MAX_BODY:
    case OPTION_DRAIN_TIMEOUT:
        return read_limit_option(command, serve, option);
    case OPTION_TAKE_OVER:
        command->takes_over = true;
        return CLI_OK;
    case 'q':
        serve->is_quiet = true;
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

/* What cannot be served on is said before anything is published. */
static int check_address(const char *text) {
    struct sunpath_address address;
    struct sunpath_error error;
    struct cli_shown shown;

    if (sunpath_address_parse(&address, text, &error) < 0) {
        return cli_fail(&error);
    }
    cli_show(&shown, text);
    if (address.uri) {
        return cli_usage("serve", "'%s': it is all served, so leave out the part for HTTP",
                         shown.text);
    }
    if (address.type != SUNPATH_STREAM) {
        return cli_usage("serve", "'%s': HTTP needs a stream socket", shown.text);
    }
    return CLI_OK;
}

static int check_command(const struct command *command) {
    int status;

    if (command->takes_over && command->inherited[0]) {
        return cli_usage("serve", "--take-over goes with an ADDRESS, not with --fd or --systemd");
    }
    if (command->listen.listen.type != 0 && command->listen.listen.type != SUNPATH_STREAM) {
        return cli_usage("serve", "HTTP needs a stream socket");
    }
    status = check_address(command->address);
    return status == CLI_OK && command->tcp[0] ? check_address(command->tcp) : status;
}

static int read_arguments(struct command *command, struct serve *serve, int argc, char **argv) {
    int option, status;

    while ((option = cli_option(argc, argv, "q", longs)) != -1) {
        status = read_option(command, serve, option);
        if (status != CLI_OK) {
            return status;
        }
    }
    if (!command->address && optind < argc) {
        command->address = argv[optind++];
    }
    if (!command->address) {
        return cli_usage("serve", "where? Give an address such as /tmp/a.sock");
    }
    if (optind < argc) {
        command->directory = argv[optind++];
    }
    if (optind < argc) {
        return cli_usage("serve", "one address and one directory at most");
    }
    return check_command(command);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    struct serve *serve = user;

    if (serve_hand_over(serve, exchange)) {
        return;
    }
    if (serve->root_fd >= 0) {
        serve_file(exchange, serve->root_fd);
    } else {
        serve_builtin(exchange);
    }
}

static void on_drained(struct sunpath_http_server *server, void *user) {
    struct serve *serve = user;

    (void)server;
    sunpath_loop_stop(serve->loop);
}

void serve_drain(struct serve *serve) {
    serve->is_ending = true;
    sunpath_http_server_drain(serve->server, serve->drain_ms, on_drained, serve);
}

/* The first signal lets everyone finish, the second does not. */
static void on_signal(struct sunpath_signal *signal, int signal_number, void *user) {
    struct serve *serve = user;

    (void)signal;
    (void)signal_number;
    if (serve->is_ending) {
        sunpath_loop_stop(serve->loop);
    } else {
        serve_drain(serve);
    }
}

/* ---- starting -------------------------------------------------------------------------------- */

static int fail_with(const char *what, int code) {
    cli_say("%s: %s", what, strerror(-code));
    return cli_exit_for_code(code);
}

static int open_directory(struct serve *serve, const char *directory) {
    struct cli_shown shown;
    int error;

    if (!directory) {
        return CLI_OK;
    }
    serve->root_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (serve->root_fd >= 0 && faccessat(serve->root_fd, ".", X_OK, AT_EACCESS) == 0) {
        return CLI_OK;
    }
    error = errno;
    if (error == ENOTDIR) {
        return cli_usage("serve", "'%s' is no directory: DIR is the one whose files are served",
                         cli_show(&shown, directory));
    }
    cli_say("serve '%s': %s", cli_show(&shown, directory), strerror(error));
    return cli_exit_for_code(-error);
}

/* nohup(1): a terminal that goes away is to be no reason to end. */
static bool is_ignored(int signal_number) {
    struct sigaction action;

    return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int open_server(struct serve *serve, const struct command *command) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    const int numbers[] = {SIGTERM, SIGINT, is_ignored(SIGHUP) ? 0 : SIGHUP};
    int r;

    r = sunpath_loop_open(&serve->loop);
    for (size_t i = 0; r >= 0 && i < sizeof(numbers) / sizeof(numbers[0]) && numbers[i]; i++) {
        r = sunpath_signal_open(&serve->signals[i], serve->loop, numbers[i], on_signal, serve);
    }
    if (r >= 0) {
        r = sunpath_http_server_new(&serve->server, serve->loop, &handler, serve, &command->http);
    }
    return r < 0 ? fail_with("serve", r) : CLI_OK;
}

/* From the server that runs there; when none does, there is nothing to take over. */
static int take_over(struct serve *serve, const struct command *command, bool *ret_taken) {
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
    r = sunpath_http_server_attach(serve->server, listener);
    if (r < 0) {
        sunpath_listener_close(listener);
        return fail_with("take over", r);
    }
    *ret_taken = true;
    return CLI_OK;
}

static int listen_everywhere(struct serve *serve, const struct command *command) {
    const struct sunpath_listen_options *options = &command->listen.listen;
    struct sunpath_error error;
    bool is_taken = false;

    if (command->takes_over) {
        int status = take_over(serve, command, &is_taken);

        if (status != CLI_OK) {
            return status;
        }
    }
    if (!is_taken &&
        sunpath_http_server_listen(serve->server, command->address, options, &error) < 0) {
        return cli_fail(&error);
    }
    if (command->tcp[0] &&
        sunpath_http_server_listen(serve->server, command->tcp, NULL, &error) < 0) {
        return cli_fail(&error);
    }
    return CLI_OK;
}

static void announce(const struct serve *serve) {
    struct sunpath_listener *listener;

    for (size_t i = 0; (listener = sunpath_http_server_listener(serve->server, i)); i++) {
        const struct sunpath_address *address = sunpath_listener_address(listener);
        char text[SUNPATH_NAME_MAX + 64];
        struct cli_shown shown;
        struct stat file;
        size_t size = sunpath_address_format(text, sizeof(text), address);

        printf("%s%s", i == 0 ? "serving " : " and ",
               cli_show_bytes(&shown, text, size < sizeof(text) ? size : sizeof(text) - 1));
        if (address->kind == SUNPATH_ADDRESS_PATH && stat(address->name, &file) == 0) {
            printf(" (mode %04o)", (unsigned)(file.st_mode & 07777));
        }
    }
    printf("  stop with ^C\n");
    fflush(stdout);
}

static void serve_deinit(struct serve *serve) {
    serve->successor = sunpath_stream_close(serve->successor);
    serve->server = sunpath_http_server_free(serve->server);
    for (size_t i = 0; i < sizeof(serve->signals) / sizeof(serve->signals[0]); i++) {
        serve->signals[i] = sunpath_signal_close(serve->signals[i]);
    }
    if (serve->loop) {
        serve->loop = sunpath_loop_close(serve->loop);
    }
    if (serve->root_fd >= 0) {
        close(serve->root_fd);
    }
}

static int run(struct serve *serve, const struct command *command) {
    int r, status;

    status = open_directory(serve, command->directory);
    if (status == CLI_OK) {
        status = open_server(serve, command);
    }
    if (status == CLI_OK) {
        status = listen_everywhere(serve, command);
    }
    if (status != CLI_OK) {
        return status;
    }
    if (!serve->is_quiet) {
        announce(serve);
    }
    r = sunpath_loop_run(serve->loop);
    return r < 0 ? fail_with("serve", r) : CLI_OK;
}

int cmd_serve(int argc, char **argv) {
    struct serve serve = {.root_fd = -1, .drain_ms = 10000};
    struct command command = {.http = SUNPATH_OPTIONS(struct sunpath_http_server_options)};
    int status;

    cli_listen_options_init(&command.listen);
    status = read_arguments(&command, &serve, argc, argv);
    if (status == CLI_OK) {
        status = run(&serve, &command);
    }
    serve_deinit(&serve);
    cli_listen_options_deinit(&command.listen);
    return status;
}
