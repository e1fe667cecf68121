/* SPDX-License-Identifier: MIT */
/* cmd-connect.c - connect to a socket and copy it to standard output, or to a command. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sunpath/inspect.h>

#include "cli.h"
#include "copy.h"
#include "output.h"

enum {
    OPTION_EXEC = 1,
    OPTION_PADDED,
    OPTION_FD,
    OPTION_TIMEOUT,
    OPTION_WAIT,
    OPTION_EXPECT,
    OPTION_BIND,
    OPTION_IDLE,
    OPTION_SEND_BUFFER,
    OPTION_RECEIVE_BUFFER
};

static const struct option longs[] = {
    {"type", required_argument, NULL, CLI_OPTION_TYPE},
    {"exec", required_argument, NULL, OPTION_EXEC},
    {"padded", no_argument, NULL, OPTION_PADDED},
    {"fd", required_argument, NULL, OPTION_FD},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"wait", optional_argument, NULL, OPTION_WAIT},
    {"expect-user", required_argument, NULL, OPTION_EXPECT},
    {"bind", required_argument, NULL, OPTION_BIND},
    {"idle", required_argument, NULL, OPTION_IDLE},
    CLI_MESSAGE_LONG_OPTIONS,
    {"send-buffer", required_argument, NULL, OPTION_SEND_BUFFER},
    {"receive-buffer", required_argument, NULL, OPTION_RECEIVE_BUFFER},
    {NULL, 0, NULL, 0},
};

struct job {
    struct sunpath_connect_options options;
    struct sunpath_address address;
    struct copy copy;
    bool is_padded;
    int inherited_fd; /* -1: none */

    /* the file of --bind, to be removed only while it is still ours */
    struct sunpath_address bound;
    struct stat bound_file;
    bool has_bound_file;
};

static int read_number_option(struct job *job, int option) {
    struct cli_shown shown;

    switch (option) {
    case CLI_OPTION_TYPE:
        if (!cli_parse_type(&job->options.type, optarg)) {
            return cli_usage("connect", "--type %s: not stream, seqpacket or dgram",
                             cli_show(&shown, optarg));
        }
        return CLI_OK;
    case OPTION_FD:
        if (!cli_parse_number(&job->inherited_fd, optarg, 0, INT32_MAX)) {
            return cli_usage("connect", "--fd %s: not a descriptor", cli_show(&shown, optarg));
        }
        return CLI_OK;
    default:
        return cli_read_buffer(option == OPTION_SEND_BUFFER ? &job->options.send_buffer
                                                            : &job->options.receive_buffer,
                               "connect", optarg);
    }
}

static int read_option(struct job *job, int option) {
    switch (option) {
    case 'N':
        job->copy.half_close = true;
        return CLI_OK;
    case 'v':
        job->copy.messages.is_verbose = true;
        return CLI_OK;
    case OPTION_EXEC:
        job->copy.messages.command = optarg;
        return CLI_OK;
    case OPTION_PADDED:
        job->is_padded = true;
        return CLI_OK;
    CLI_MESSAGE_OPTION_CASES:
        return message_option(&job->copy.messages, "connect", option, optarg);
    case OPTION_EXPECT:
        job->options.expect_user = optarg;
        return CLI_OK;
    case OPTION_BIND:
        job->options.bind = optarg;
        return CLI_OK;
    case OPTION_TIMEOUT:
    case OPTION_WAIT:
        return cli_read_wait(&job->options, "connect", option == OPTION_WAIT, optarg);
    case OPTION_IDLE:
        return cli_read_duration_ms(&job->copy.idle_ms, "connect", optarg);
    case CLI_OPTION_TYPE:
    case OPTION_FD:
    case OPTION_SEND_BUFFER:
    case OPTION_RECEIVE_BUFFER:
        return read_number_option(job, option);
    default:
        return CLI_USAGE;
    }
}

static int read_address(struct job *job, int argc, char **argv) {
    struct sunpath_error error = {0};
    char inherited[24];
    const char *text = inherited;

    if (job->inherited_fd >= 0) {
        snprintf(inherited, sizeof(inherited), "fd:%d", job->inherited_fd);
    } else if (optind < argc) {
        text = argv[optind++];
    } else {
        return cli_usage("connect", "where to? An ADDRESS is missing");
    }
    if (optind < argc) {
        return cli_usage("connect", "one ADDRESS is enough");
    }
    if (sunpath_address_parse(&job->address, text, &error) < 0) {
        return cli_fail(&error);
    }
    if (job->is_padded && job->address.kind != SUNPATH_ADDRESS_ABSTRACT) {
        return cli_usage("connect", "--padded is for abstract names: @name");
    }
    job->address.is_padded = job->address.is_padded || job->is_padded;
    if (job->options.bind != NULL &&
        sunpath_address_parse(&job->bound, job->options.bind, &error) < 0) {
        return cli_fail(&error);
    }
    return CLI_OK;
}

static int read_command_line(struct job *job, int argc, char **argv) {
    int option, status;

    while ((option = cli_option(argc, argv, "Nv", longs)) != -1) {
        status = read_option(job, option);
        if (status != CLI_OK) {
            return status;
        }
    }
    return read_address(job, argc, argv);
}

static void note_bound_file(struct job *job) {
    job->has_bound_file = job->options.bind != NULL && job->bound.kind == SUNPATH_ADDRESS_PATH &&
                          lstat(job->bound.name, &job->bound_file) == 0;
}

static void remove_bound_file(const struct job *job) {
    struct stat now;

    if (job->has_bound_file && lstat(job->bound.name, &now) == 0 && S_ISSOCK(now.st_mode) &&
        now.st_dev == job->bound_file.st_dev && now.st_ino == job->bound_file.st_ino) {
        unlink(job->bound.name);
    }
}

/*
 * The file of an earlier --bind whose process was killed, and of which the doctor is certain that
 * nobody has it, is no reason to fail.
 */
static bool remove_stale_file(const struct job *job) {
    struct sunpath_diagnosis *diagnosis = NULL;
    bool is_stale;

    if (job->options.bind == NULL || job->bound.kind != SUNPATH_ADDRESS_PATH ||
        sunpath_doctor(&diagnosis, job->options.bind, NULL, NULL) < 0) {
        return false;
    }
    is_stale = sunpath_diagnosis_reason(diagnosis) == SUNPATH_REASON_STALE;
    sunpath_diagnosis_free(diagnosis);
    return is_stale && unlink(job->bound.name) == 0;
}

static int run_command(struct job *job, int fd) {
    pid_t pid = child_start(job->copy.messages.command, fd);

    close(fd);
    if (pid < 0) {
        cli_say("--exec: %s", strerror(-pid));
        return CLI_FAILED;
    }
    return child_wait(pid, job->copy.signals, &job->copy.signal);
}

static int copy(struct job *job, int fd) {
    int status;

    if (copy_init(&job->copy) < 0) {
        cli_say("out of memory");
        close(fd);
        return CLI_FAILED;
    }
    job->copy.is_bound = job->options.bind != NULL || job->inherited_fd >= 0;
    status = copy_run(&job->copy, fd);
    copy_deinit(&job->copy);
    close(fd);
    return status;
}

static int connect_and_run(struct job *job) {
    struct sunpath_error error = {0};
    int fd = -1;
    int r, status;

    r = sunpath_connect_address(&fd, &job->address, &job->options, &error);
    if (r == -EADDRINUSE && remove_stale_file(job)) {
        r = sunpath_connect_address(&fd, &job->address, &job->options, &error);
    }
    if (r < 0) {
        job->copy.signal = r == -ECANCELED ? signals_read(job->copy.signals) : 0;
        return job->copy.signal != 0 ? CLI_FAILED : cli_fail(&error);
    }
    note_bound_file(job);
    if (job->copy.messages.is_verbose) {
        announce_peer("connected to", fd);
    }
    status = message_options_check(&job->copy.messages, "connect", type_of(fd));
    if (status != CLI_OK) {
        close(fd);
    } else if (job->copy.messages.command != NULL &&
               !messages_are_meant(&job->copy.messages, type_of(fd))) {
        status = run_command(job, fd);
    } else {
        status = copy(job, fd);
    }
    remove_bound_file(job);
    return status;
}

int cmd_connect(int argc, char **argv) {
    struct job job = {
        .options = SUNPATH_OPTIONS(struct sunpath_connect_options),
        .inherited_fd = -1,
    };
    int status = read_command_line(&job, argc, argv);

    if (status != CLI_OK) {
        goto out;
    }
    status = CLI_FAILED;
    job.copy.signals = signals_open();
    if (job.copy.signals < 0) {
        goto out;
    }
    job.options.cancel_fd = &job.copy.signals;
    job.options.want_credentials = /* before the first message */
        job.copy.messages.is_verbose || job.copy.messages.command != NULL;
    status = connect_and_run(&job);
    close(job.copy.signals);

out:
    message_options_deinit(&job.copy.messages);
    if (job.copy.signal != 0) {
        signals_die(job.copy.signal);
    }
    return status;
}
