/* SPDX-License-Identifier: MIT */
/* cmd-listen.c - wait for connections and copy them to standard output, or run a command on each.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "copy.h"
#include "output.h"

#define CHILDREN_MAX 256 /* connections served at once by --exec and --echo; more wait */
#define RETRY_MS     100 /* until descriptors may be free again */

enum {
    OPTION_EXEC = 1,
    OPTION_AUTO,
    OPTION_PADDED,
    OPTION_FD,
    OPTION_SYSTEMD,
    OPTION_TIMEOUT,
    OPTION_IDLE,
    OPTION_ECHO,
    OPTION_SEND_BUFFER,
    OPTION_RECEIVE_BUFFER
};

static const struct option longs[] = {
    CLI_LISTEN_LONG_OPTIONS,
    CLI_MESSAGE_LONG_OPTIONS,
    {"keep", no_argument, NULL, 'k'},
    {"exec", required_argument, NULL, OPTION_EXEC},
    {"auto", no_argument, NULL, OPTION_AUTO},
    {"padded", no_argument, NULL, OPTION_PADDED},
    {"fd", required_argument, NULL, OPTION_FD},
    {"systemd", optional_argument, NULL, OPTION_SYSTEMD},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"idle", required_argument, NULL, OPTION_IDLE},
    {"echo", no_argument, NULL, OPTION_ECHO},
    {"send-buffer", required_argument, NULL, OPTION_SEND_BUFFER},
    {"receive-buffer", required_argument, NULL, OPTION_RECEIVE_BUFFER},
    {NULL, 0, NULL, 0},
};

struct job {
    struct cli_listen_options options;
    char inherited[SUNPATH_NAME_MAX]; /* "" or the address --fd or --systemd stands for */
    struct sunpath_address address;
    struct sunpath_listener *listener;
    struct copy copy;
    int timeout_ms; /* for a client to come; 0: no limit */
    bool keeps_listening, is_padded;
    unsigned n_children;
};

static int read_value(struct job *job, int option) {
    struct cli_shown shown;
    int number = 0;

    cli_show(&shown, optarg);
    switch (option) {
    case OPTION_FD:
        if (!cli_parse_number(&number, optarg, 0, INT32_MAX)) {
            return cli_usage("listen", "--fd %s: not a descriptor", shown.text);
        }
        snprintf(job->inherited, sizeof(job->inherited), "fd:%d", number);
        return CLI_OK;
    case OPTION_TIMEOUT:
    case OPTION_IDLE:
        return cli_read_duration_ms(option == OPTION_IDLE ? &job->copy.idle_ms : &job->timeout_ms,
                                    "listen", optarg);
    default:
        return cli_read_buffer(option == OPTION_SEND_BUFFER ? &job->options.listen.send_buffer
                                                            : &job->options.listen.receive_buffer,
                               "listen", optarg);
    }
}

static int read_option(struct job *job, int option) {
    switch (option) {
    CLI_LISTEN_OPTION_CASES:
        return cli_listen_option(&job->options, "listen", option, optarg);
    CLI_MESSAGE_OPTION_CASES:
        return message_option(&job->copy.messages, "listen", option, optarg);
    case 'k':
        job->keeps_listening = true;
        return CLI_OK;
    case 'N':
        job->copy.half_close = true;
        return CLI_OK;
    case 'v':
        job->copy.messages.is_verbose = true;
        return CLI_OK;
    case OPTION_EXEC:
        job->copy.messages.command = optarg;
        return CLI_OK;
    case OPTION_ECHO:
        job->copy.messages.is_echo = true;
        return CLI_OK;
    case OPTION_AUTO:
        snprintf(job->inherited, sizeof(job->inherited), "autobind:");
        return CLI_OK;
    case OPTION_PADDED:
        job->is_padded = true;
        return CLI_OK;
    case OPTION_SYSTEMD:
        snprintf(job->inherited, sizeof(job->inherited), "systemd:%s", optarg ? optarg : "");
        return CLI_OK;
    case OPTION_FD:
    case OPTION_TIMEOUT:
    case OPTION_IDLE:
    case OPTION_SEND_BUFFER:
    case OPTION_RECEIVE_BUFFER:
        return read_value(job, option);
    default:
        return CLI_USAGE;
    }
}

static int read_address(struct job *job, int argc, char **argv) {
    struct sunpath_error error = {0};
    const char *text = job->inherited;

    if (text[0] == '\0') {
        if (optind == argc) {
            return cli_usage("listen", "where? An ADDRESS is missing");
        }
        text = argv[optind++];
    }
    if (optind < argc) {
        return cli_usage("listen", "one ADDRESS is enough");
    }
    if (sunpath_address_parse(&job->address, text, &error) < 0) {
        return cli_fail(&error);
    }
    if (job->is_padded && job->address.kind != SUNPATH_ADDRESS_ABSTRACT) {
        return cli_usage("listen", "--padded is for abstract names: @name");
    }
    job->address.is_padded = job->address.is_padded || job->is_padded;
    if (job->copy.messages.is_echo && job->copy.messages.command != NULL) {
        return cli_usage("listen", "--echo and --exec exclude each other");
    }
    return CLI_OK;
}

static int read_command_line(struct job *job, int argc, char **argv) {
    int option, status;

    while ((option = cli_option(argc, argv, "kNv", longs)) != -1) {
        status = read_option(job, option);
        if (status != CLI_OK) {
            return status;
        }
    }
    return read_address(job, argc, argv);
}

static void reap(struct job *job) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {
        job->n_children--;
    }
}

/* Waits until there may be a client. CLI_OK, or why there is none. */
static int wait_for_client(struct job *job, bool is_short_of_fds) {
    struct pollfd polled[2] = {{.fd = job->copy.signals, .events = POLLIN},
                               {.fd = sunpath_listener_fd(job->listener), .events = POLLIN}};
    int wait_ms = job->timeout_ms > 0 ? job->timeout_ms : -1;
    int n;

    if (is_short_of_fds || job->n_children >= CHILDREN_MAX) {
        polled[1].fd = -1;
        wait_ms = is_short_of_fds ? RETRY_MS : -1;
    }
    n = poll(polled, 2, wait_ms);
    if (n > 0 && polled[0].revents) {
        job->copy.signal = signals_read(job->copy.signals);
        reap(job);
    }
    if (job->copy.signal != 0) {
        return CLI_FAILED;
    }
    if (n == 0 && !is_short_of_fds) {
        cli_say("nobody connected within %g s", job->timeout_ms / 1000.0);
        return CLI_FAILED;
    }
    return CLI_OK;
}

/* The next connection in *ret_fd, or an exit status. */
static int accept_client(struct job *job, int *ret_fd) {
    for (;;) {
        bool is_busy = job->n_children >= CHILDREN_MAX;
        int r = is_busy ? -EAGAIN : sunpath_listener_accept(job->listener, ret_fd);
        int status;

        if (r == 0) {
            return CLI_OK;
        }
        if (r != -EAGAIN && r != -EMFILE && r != -ENFILE && r != -EINTR && r != -ECONNABORTED) {
            cli_say("accept: %s", strerror(-r));
            return CLI_FAILED;
        }
        status = wait_for_client(job, r == -EMFILE || r == -ENFILE);
        if (status != CLI_OK) {
            return status;
        }
    }
}

/* In a child: the command runs on each message, or each is sent back. */
static int serve_messages(int fd, void *user) {
    struct job *job = user;
    int status;

    job->copy.signals = signals_open();
    status = job->copy.signals >= 0 ? messages_run(&job->copy, fd) : CLI_FAILED;
    if (job->copy.signal != 0) {
        signals_die(job->copy.signal);
    }
    return status;
}

/* Hands the connection to a child. Waits for it only when there will be no other client. */
static int serve_by_child(struct job *job, int fd) {
    const struct message_options *messages = &job->copy.messages;
    pid_t pid;

    if (messages_are_meant(messages, type_of(fd))) {
        pid = child_start_function(fd, serve_messages, job);
    } else if (messages->is_echo) {
        pid = child_start_echo(fd);
    } else {
        pid = child_start(messages->command, fd);
    }
    close(fd);
    if (pid < 0) {
        cli_say("fork: %s", strerror(-pid));
        return job->keeps_listening ? CLI_OK : CLI_FAILED;
    }
    if (!job->keeps_listening) {
        return child_wait(pid, job->copy.signals, &job->copy.signal);
    }
    job->n_children++;
    return CLI_OK;
}

static bool is_over(const struct job *job) {
    return !job->keeps_listening || job->copy.signal != 0 || job->copy.is_output_gone ||
           messages_are_enough(&job->copy);
}

static int serve_clients(struct job *job) {
    int status, fd;

    do {
        status = accept_client(job, &fd);
        if (status != CLI_OK) {
            return status;
        }
        if (job->copy.messages.is_verbose) {
            announce_peer("connection from", fd);
        }
        if (!job->keeps_listening) {
            job->listener = sunpath_listener_close(job->listener); /* the next is refused at once */
        }
        if (job->copy.messages.is_echo || job->copy.messages.command != NULL) {
            status = serve_by_child(job, fd);
            continue;
        }
        status = copy_run(&job->copy, fd);
        close(fd);
    } while (!is_over(job));
    return status;
}

static int listen_and_run(struct job *job) {
    struct sunpath_error error = {0};
    struct cli_shown shown;
    char name[SUNPATH_NAME_MAX + 64];
    int fd, status;

    if (sunpath_listener_open_address(&job->listener, &job->address, &job->options.listen, &error) <
        0) {
        return cli_fail(&error);
    }
    fd = sunpath_listener_fd(job->listener);
    if (job->copy.messages.is_verbose || job->address.is_auto) {
        sunpath_address_format(name, sizeof(name), sunpath_listener_address(job->listener));
        cli_say("listening on %s", cli_show(&shown, name));
    }
    status = message_options_check(&job->copy.messages, "listen", type_of(fd));
    if (status != CLI_OK) {
        return status;
    }
    if (type_of(fd) != SUNPATH_DGRAM) {
        if (job->keeps_listening && job->copy.messages.command && job->copy.messages.count > 0) {
            return cli_usage("listen", "--count cannot count what many commands get: -k, --exec");
        }
        return serve_clients(job);
    }
    job->copy.is_server = true;
    return messages_run(&job->copy, fd);
}

int cmd_listen(int argc, char **argv) {
    struct job job = {0};
    int status;

    cli_listen_options_init(&job.options);
    status = read_command_line(&job, argc, argv);
    if (status != CLI_OK) {
        goto out;
    }
    status = CLI_FAILED;
    job.copy.keeps_output = job.keeps_listening;
    job.options.listen.want_credentials = /* before the first message */
        job.copy.messages.is_verbose || job.copy.messages.command != NULL;
    job.copy.signals = signals_open();
    if (job.copy.signals < 0) {
        goto out;
    }
    if (copy_init(&job.copy) < 0) {
        cli_say("out of memory");
    } else {
        status = listen_and_run(&job);
        copy_deinit(&job.copy);
    }
    job.listener = sunpath_listener_close(job.listener);
    close(job.copy.signals);

out:
    cli_listen_options_deinit(&job.options);
    message_options_deinit(&job.copy.messages);
    if (job.copy.signal != 0) {
        signals_die(job.copy.signal);
    }
    return status;
}
