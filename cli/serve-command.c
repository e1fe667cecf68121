/* SPDX-License-Identifier: MIT */
/* serve-command.c - the command line of `sunpath serve`. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "output.h"
#include "serve.h"

enum {
    OPTION_TCP = 1,
    OPTION_FD,
    OPTION_SYSTEMD,
    OPTION_MAX_CONNS,
    OPTION_MAX_BODY,
    OPTION_TAKE_OVER,
    OPTION_DRAIN_TIMEOUT,
    OPTION_DROP_EXCESS,
    OPTION_MAX_CONNS_PER_UID,
    OPTION_MAX_RATE_PER_UID,
    OPTION_GZIP,
    OPTION_WORKERS
};

static const struct option longs[] = {
    CLI_LISTEN_LONG_OPTIONS,
    SERVE_OPS_LONG_OPTIONS,
    SERVE_FILES_LONG_OPTIONS,
    {"tcp-too", required_argument, NULL, OPTION_TCP},
    {"fd", required_argument, NULL, OPTION_FD},
    {"systemd", optional_argument, NULL, OPTION_SYSTEMD},
    {"max-conns", required_argument, NULL, OPTION_MAX_CONNS},
    {"max-body", required_argument, NULL, OPTION_MAX_BODY},
    {"take-over", no_argument, NULL, OPTION_TAKE_OVER},
    {"drain-timeout", required_argument, NULL, OPTION_DRAIN_TIMEOUT},
    {"drop-excess", no_argument, NULL, OPTION_DROP_EXCESS},
    {"max-conns-per-uid", required_argument, NULL, OPTION_MAX_CONNS_PER_UID},
    {"max-rate-per-uid", required_argument, NULL, OPTION_MAX_RATE_PER_UID},
    {"gzip", no_argument, NULL, OPTION_GZIP},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"quiet", no_argument, NULL, 'q'},
    {NULL, 0, NULL, 0},
};

static int read_address_option(struct serve_command *command, int option) {
    struct cli_shown shown;
    int number;

    if (option == OPTION_TCP) {
        if (command->tcp[0]) {
            return cli_usage("serve", "--tcp-too may be given once");
        }
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

/* A count from 1 on; 0 and a message when it is none. */
static int read_count(const char *name, int max) {
    struct cli_shown shown;
    int number;

    if (cli_parse_number(&number, optarg, 1, max)) {
        return number;
    }
    if (max == INT32_MAX) {
        cli_usage("serve", "--%s %s: not a number from 1 on", name, cli_show(&shown, optarg));
    } else {
        cli_usage("serve", "--%s %s: not a number from 1 to %d", name, cli_show(&shown, optarg),
                  max);
    }
    return 0;
}

static int read_count_option(struct serve_command *command, int option) {
    int n;

    switch (option) {
    case OPTION_MAX_CONNS:
        n = read_count("max-conns", INT32_MAX);
        command->http.max_connections = (size_t)n;
        break;
    case OPTION_MAX_CONNS_PER_UID:
        n = read_count("max-conns-per-uid", INT32_MAX);
        command->http.max_connections_per_uid = (size_t)n;
        break;
    case OPTION_MAX_RATE_PER_UID:
        n = read_count("max-rate-per-uid", INT32_MAX);
        command->http.max_requests_per_uid_s = (unsigned)n;
        break;
    default:
        n = command->n_workers = read_count("workers", SERVE_MAX_WORKERS);
        break;
    }
    return n > 0 ? CLI_OK : CLI_USAGE;
}

static int read_limit_option(struct serve_command *command, struct serve *serve, int option) {
    struct cli_shown shown;

    cli_show(&shown, optarg);
    if (option == OPTION_MAX_BODY) {
        if (!cli_parse_size(&command->http.max_body, optarg) || command->http.max_body == 0) {
            return cli_usage("serve", "--max-body %s: not a size such as 64K or 1G", shown.text);
        }
    } else if (!cli_parse_duration_ms(&serve->drain_ms, optarg)) {
        return cli_usage("serve", "--drain-timeout %s: not a duration such as 10s", shown.text);
    }
    return CLI_OK;
}

static int read_flag(struct serve_command *command, struct serve *serve, int option) {
    switch (option) {
    case OPTION_TAKE_OVER:
        command->takes_over = true;
        return CLI_OK;
    case OPTION_DROP_EXCESS:
        command->http.drops_excess = true;
        return CLI_OK;
    case OPTION_GZIP:
        command->http.compresses = true;
        return CLI_OK;
    case 'q':
        serve->is_quiet = true;
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

static int read_option(struct serve_command *command, struct serve *serve, int option) {
    switch (option) {
    CLI_LISTEN_OPTION_CASES:
        return cli_listen_option(&command->listen, "serve", option, optarg);
    case OPTION_TCP:
    case OPTION_FD:
    case OPTION_SYSTEMD:
        return read_address_option(command, option);
    SERVE_OPS_OPTION_CASES:
        return serve_ops_option(&serve->ops, option, optarg);
    SERVE_FILES_OPTION_CASES:
        return serve_files_option(&serve->files, option, optarg);
    case OPTION_MAX_CONNS:
    case OPTION_MAX_CONNS_PER_UID:
    case OPTION_MAX_RATE_PER_UID:
    case OPTION_WORKERS:
        return read_count_option(command, option);
    case OPTION_MAX_BODY:
    case OPTION_DRAIN_TIMEOUT:
        return read_limit_option(command, serve, option);
    default:
        return read_flag(command, serve, option);
    }
}

/* As other tools have it: the directory alone, or first. */
static bool is_directory(const char *text) {
    struct stat file;

    return stat(text, &file) == 0 && S_ISDIR(file.st_mode);
}

/* What cannot be served on is said before anything is published. */
static int check_address(const char *text) {
    struct sunpath_address address;
    struct sunpath_error error;
    struct cli_shown shown;

    if (is_directory(text)) {
        cli_show(&shown, text);
        return cli_usage("serve",
                         "'%s' is a directory: the address comes first, then the directory, as "
                         "in 'sunpath serve /tmp/a.sock %s'",
                         shown.text, shown.text);
    }
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

static int check_command(const struct serve_command *command, const struct serve *serve) {
    int status;

    if (command->takes_over && command->inherited[0]) {
        return cli_usage("serve", "--take-over goes with an ADDRESS, not with --fd or --systemd");
    }
    if (command->listen.listen.type != 0 && command->listen.listen.type != SUNPATH_STREAM) {
        return cli_usage("serve", "HTTP needs a stream socket");
    }
    status = check_address(command->address);
    if (status == CLI_OK && command->tcp[0]) {
        status = check_address(command->tcp);
    }
    return status == CLI_OK ? serve_ops_check(&serve->ops) : status;
}

int serve_read_command(struct serve_command *command, struct serve *serve, int argc, char **argv) {
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
    return check_command(command, serve);
}
