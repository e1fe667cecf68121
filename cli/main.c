/* SPDX-License-Identifier: MIT */
/* main.c - the sunpath command: its table of verbs. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "output.h"

const struct cli_verb cli_verbs[] = {
    {"ls", cmd_ls, "list every Unix socket of this machine"},
    {"doctor", cmd_doctor, "say whether connecting would work, and if not, why"},
    {"serve", cmd_serve, "serve a directory, or a small test service, over HTTP"},
    {"http", cmd_http, "make an HTTP request"},
    {"listen", cmd_listen, "wait for a connection and copy it to the terminal or a command"},
    {"connect", cmd_connect, "connect to a socket and copy it to the terminal or a command"},
    {"relay", cmd_relay, "listen on one socket and join each client to another"},
    {"notify", cmd_notify, "tell the service manager how a service is, or show what is told"},
    {"log", cmd_log, "send messages to the system's log, or show what is sent there"},
    {"help", cmd_help, "show the manual of a verb"},
    {NULL, NULL, NULL},
};

/* Levenshtein distance of two short words, for "did you mean". */
static size_t distance(const char *a, const char *b) {
    size_t row[16];
    size_t n_b = strlen(b);

    if (strlen(a) >= 16 || n_b >= 16) {
        return 16;
    }
    for (size_t j = 0; j <= n_b; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < n_b; j++) {
            size_t best = diagonal + (a[i] != b[j]);

            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j + 1] + 1 < best ? row[j + 1] + 1 : best;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[n_b];
}

int cli_unknown_verb(const char *name) {
    const struct cli_verb *nearest = &cli_verbs[0];
    struct cli_shown shown;

    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        if (distance(name, verb->name) < distance(name, nearest->name)) {
            nearest = verb;
        }
    }
    if (distance(name, nearest->name) <= 2) {
        cli_say("'%s' is not a verb: did you mean '%s'?", cli_show(&shown, name), nearest->name);
    } else {
        cli_say("'%s' is not a verb", cli_show(&shown, name));
    }
    fputs("Try 'sunpath help'.\n", stderr);
    return CLI_USAGE;
}

static int print_version(void) {
    const char *parts = sunpath_optional_parts();

    printf("sunpath %s\n", sunpath_version());
    printf("optional parts: %s\n", *parts ? parts : "none (built on the C library alone)");
    return CLI_OK;
}

static int run(int argc, char **argv) {
    char *ls[] = {(char *)"ls", NULL};

    if (argc < 2) {
        return cmd_ls(1, ls);
    }
    if (strcmp(argv[1], "--version") == 0) {
        return print_version();
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return cmd_help(1, argv);
    }
    for (const struct cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        if (strcmp(argv[1], verb->name) == 0) {
            return verb->run(argc - 1, argv + 1);
        }
    }
    return cli_unknown_verb(argv[1]);
}

/*
 * A program started without one of the three standard descriptors would get a socket in its place
 * and print to it. The stand-ins make reading end at once and writing fail, as it should.
 */
static void open_standard_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)!open("/dev/null", O_RDONLY); /* takes the lowest free number: this one */
        }
    }
}

static int close_output(int status) {
    bool has_failed = ferror(stdout) != 0;

    errno = 0;
    if (fflush(stdout) == 0 && !has_failed) {
        return status;
    }
    if (errno != EPIPE) { /* `sunpath ls | head` is no reason for a message */
        cli_say("standard output: %s", errno == 0 ? "it could not be written" : strerror(errno));
    }
    return status == CLI_OK ? CLI_FAILED : status;
}

int main(int argc, char **argv) {
    open_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    return close_output(run(argc, argv));
}
