/* SPDX-License-Identifier: MIT */
/* cmd-notify.c - tell the service manager how a service is, or show what services tell. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sunpath/notify.h>

#include "cli.h"
#include "datagrams.h"
#include "output.h"

#define FDS_MAX 64 /* --fd options */

enum {
    OPTION_READY = 1,
    OPTION_RELOADING,
    OPTION_STOPPING,
    OPTION_STATUS,
    OPTION_PID,
    OPTION_FD,
    OPTION_BARRIER,
    OPTION_SOCKET,
    OPTION_TIMEOUT
};

static const struct option longs[] = {
    CLI_DATAGRAMS_LONG_OPTIONS,
    {"ready", no_argument, NULL, OPTION_READY},
    {"reloading", no_argument, NULL, OPTION_RELOADING},
    {"stopping", no_argument, NULL, OPTION_STOPPING},
    {"status", required_argument, NULL, OPTION_STATUS},
    {"pid", optional_argument, NULL, OPTION_PID},
    {"fd", required_argument, NULL, OPTION_FD},
    {"barrier", no_argument, NULL, OPTION_BARRIER},
    {"socket", required_argument, NULL, OPTION_SOCKET},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {NULL, 0, NULL, 0},
};

/* A descriptor to be stored, and the name that stands in front of its number. */
struct stored {
    char name[256];
    int fd;
};

struct job {
    struct sunpath_notify_options options;
    char state[SUNPATH_NOTIFY_MAX + 1]; /* lines */
    struct stored stored[FDS_MAX];
    int n_stored;
    bool has_barrier;
    struct datagrams datagrams;
};

static int add_line(struct job *job, const char *line) {
    size_t used = strlen(job->state), size = strlen(line);
    struct cli_shown shown;

    if (strchr(line, '\n') != NULL) {
        return cli_usage("notify", "'%s': a newline would make two of it", cli_show(&shown, line));
    }
    if (used + size + 1 > SUNPATH_NOTIFY_MAX) {
        return cli_usage("notify", "more than %d bytes", SUNPATH_NOTIFY_MAX);
    }
    snprintf(job->state + used, sizeof(job->state) - used, "%s%s", used > 0 ? "\n" : "", line);
    return CLI_OK;
}

/* "--pid" alone is whoever runs this command, as for systemd-notify(1). */
static int read_pid(struct job *job) {
    int pid = (int)getppid();
    struct cli_shown shown;

    if (optarg != NULL && !cli_parse_number(&pid, optarg, 1, INT32_MAX)) {
        return cli_usage("notify", "--pid=%s: not a process", cli_show(&shown, optarg));
    }
    job->options.main_pid = (pid_t)pid;
    return CLI_OK;
}

static int read_fd(struct job *job) {
    const char *mark = strrchr(optarg, '=');
    struct stored *stored = &job->stored[job->n_stored];
    struct cli_shown shown;

    if (job->n_stored == FDS_MAX) {
        return cli_usage("notify", "more than %d times --fd", FDS_MAX);
    }
    if (mark == NULL || mark == optarg || (size_t)(mark - optarg) >= sizeof(stored->name) ||
        !cli_parse_number(&stored->fd, mark + 1, 0, INT32_MAX)) {
        return cli_usage("notify", "--fd %s: not NAME=NUMBER", cli_show(&shown, optarg));
    }
    memcpy(stored->name, optarg, (size_t)(mark - optarg));
    job->n_stored++;
    return CLI_OK;
}

static int read_option(struct job *job, int option) {
    switch (option) {
    CLI_DATAGRAMS_OPTION_CASES:
        return datagrams_option(&job->datagrams, option, optarg);
    case OPTION_READY:
        return add_line(job, "READY=1");
    case OPTION_RELOADING:
        return add_line(job, "RELOADING=1");
    case OPTION_STOPPING:
        return add_line(job, "STOPPING=1");
    case OPTION_STATUS:
        job->options.status = optarg;
        return CLI_OK;
    case OPTION_PID:
        return read_pid(job);
    case OPTION_FD:
        return read_fd(job);
    case OPTION_BARRIER:
        job->has_barrier = true;
        return CLI_OK;
    case OPTION_SOCKET:
        job->options.socket = optarg;
        return CLI_OK;
    case OPTION_TIMEOUT:
        return cli_read_duration_ms(&job->options.timeout_ms, "notify", optarg);
    default:
        return CLI_USAGE;
    }
}

static bool has_state(const struct job *job) {
    return job->state[0] != '\0' || job->options.status != NULL || job->options.main_pid != 0;
}

static int read_command_line(struct job *job, int argc, char **argv) {
    bool says;
    int option, status;

    while ((option = cli_option(argc, argv, "", longs)) != -1) {
        status = read_option(job, option);
        if (status != CLI_OK) {
            return status;
        }
    }
    for (; optind < argc; optind++) {
        status = add_line(job, argv[optind]);
        if (status != CLI_OK) {
            return status;
        }
    }
    says = has_state(job) || job->n_stored > 0 || job->has_barrier;
    if (job->datagrams.address != NULL && says) {
        return cli_usage("notify", "--listen says nothing");
    }
    if (job->datagrams.address == NULL && !says) {
        return cli_usage("notify", "what is to be said? --ready, --status=TEXT, KEY=VALUE ...");
    }
    return CLI_OK;
}

/* ---- telling --------------------------------------------------------------------------------- */

/*
 * Says one thing, in the name of whoever runs this command when that is permitted: the manager asks
 * which service a process belongs to, and this one is gone in a moment.
 */
static int say(const char *state, const struct sunpath_notify_options *options, bool is_barrier) {
    struct sunpath_notify_options as_caller = *options;
    struct sunpath_error error = {0};
    int r = -EPERM;

    as_caller.sender = options->main_pid > 0 ? options->main_pid : getppid();
    for (int i = 0; i < 2 && (r == -EPERM || r == -ESRCH); i++) {
        r = is_barrier ? sunpath_notify_barrier(&as_caller, &error)
                       : sunpath_notify(state, &as_caller, &error);
        as_caller.sender = 0;
    }
    if (r == 0) {
        cli_say("nobody listens: NOTIFY_SOCKET is %s",
                getenv("NOTIFY_SOCKET") != NULL ? "empty" : "not set");
        return CLI_ABSENT;
    }
    return r < 0 ? cli_fail(&error) : CLI_OK;
}

static int store(struct job *job, const struct stored *stored) {
    struct sunpath_notify_options options = SUNPATH_OPTIONS(struct sunpath_notify_options);

    options.socket = job->options.socket;
    options.timeout_ms = job->options.timeout_ms;
    options.fds = &stored->fd;
    options.n_fds = 1;
    options.fd_name = stored->name;
    return say(NULL, &options, false);
}

/* What is to be kept goes first: READY=1 may be the last thing somebody waits for. */
static int say_all(struct job *job) {
    int status = CLI_OK;

    for (int i = 0; status == CLI_OK && i < job->n_stored; i++) {
        status = store(job, &job->stored[i]);
    }
    if (status == CLI_OK && has_state(job)) {
        status = say(job->state, &job->options, false);
    }
    if (status == CLI_OK && job->has_barrier) {
        job->options.status = NULL;
        job->options.main_pid = 0;
        status = say(NULL, &job->options, true);
    }
    return status;
}

/* ---- listening ------------------------------------------------------------------------------- */

static void show_descriptor(int fd, const char *sender) {
    char link[32], name[512];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, name, sizeof(name));
    printf("%s: descriptor ", sender);
    datagrams_print(n < 0 ? "?" : name, n < 0 ? 1 : (size_t)n);
    putchar('\n');
}

static void show(const struct sunpath_message *message, const char *sender) {
    const char *at = message->data, *end = at + message->size;
    struct sunpath_notify_field field;

    while (sunpath_notify_next(&field, &at, end)) {
        printf("%s: ", sender);
        datagrams_print(field.name, field.n_name);
        if (field.value != NULL) {
            putchar('=');
            datagrams_print(field.value, field.n_value);
        }
        putchar('\n');
    }
    for (size_t i = 0; i < message->n_fds; i++) {
        show_descriptor(message->fds[i], sender);
    }
}

int cmd_notify(int argc, char **argv) {
    struct job job = {
        .options = SUNPATH_OPTIONS(struct sunpath_notify_options),
        .datagrams = {.verb = "notify", .max_size = SUNPATH_NOTIFY_MAX, .show = show},
    };
    int status;

    cli_listen_options_init(&job.datagrams.options);
    status = read_command_line(&job, argc, argv);
    if (status == CLI_OK) {
        status = job.datagrams.address != NULL ? datagrams_run(&job.datagrams) : say_all(&job);
    }
    cli_listen_options_deinit(&job.datagrams.options);
    return status;
}
