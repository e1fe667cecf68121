/* SPDX-License-Identifier: MIT */
/* cmd-log.c - send messages to the system's log, or show what is sent there. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <sunpath/syslog.h>

#include "cli.h"
#include "datagrams.h"
#include "output.h"
#include "priorities.h"

#define TIMEOUT_MS  10000
#define LINE_ROOM   (64 << 10)
#define MESSAGE_MAX (1 << 20) /* far above what the kernel lets through */

enum {
    OPTION_SOCKET = 1,
    OPTION_RFC5424,
    OPTION_SPLIT,
    OPTION_SIZE,
    OPTION_TIMEOUT
};

static const struct option longs[] = {
    CLI_DATAGRAMS_LONG_OPTIONS,
    {"priority", required_argument, NULL, 'p'},
    {"tag", required_argument, NULL, 't'},
    {"id", no_argument, NULL, 'i'},
    {"socket", required_argument, NULL, OPTION_SOCKET},
    {"rfc5424", no_argument, NULL, OPTION_RFC5424},
    {"split", no_argument, NULL, OPTION_SPLIT},
    {"size", required_argument, NULL, OPTION_SIZE},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {NULL, 0, NULL, 0},
};

struct job {
    struct sunpath_syslog_options options;
    struct sunpath_syslog *log;
    int priority;
    struct datagrams datagrams;
};

static int read_value(struct job *job, int option) {
    struct cli_shown shown;
    uint64_t size;

    cli_show(&shown, optarg);
    switch (option) {
    case 'p':
        if (!cli_parse_priority(&job->priority, optarg)) {
            return cli_usage("log", "-p %s: not FACILITY.LEVEL such as daemon.info", shown.text);
        }
        return CLI_OK;
    case OPTION_SIZE:
        if (!cli_parse_size(&size, optarg) || size < 480 || size > MESSAGE_MAX) {
            return cli_usage("log", "--size %s: not a size from 480 to 1M", shown.text);
        }
        job->options.max_size = (size_t)size;
        return CLI_OK;
    default:
        return cli_read_duration_ms(&job->options.timeout_ms, "log", optarg);
    }
}

static int read_option(struct job *job, int option) {
    switch (option) {
    CLI_DATAGRAMS_OPTION_CASES:
        return datagrams_option(&job->datagrams, option, optarg);
    case 't':
        job->options.ident = optarg;
        return CLI_OK;
    case 'i':
        job->options.with_pid = true;
        return CLI_OK;
    case OPTION_SOCKET:
        job->options.socket = optarg;
        return CLI_OK;
    case OPTION_RFC5424:
        job->options.rfc5424 = true;
        return CLI_OK;
    case OPTION_SPLIT:
        job->options.splits = true;
        return CLI_OK;
    case 'p':
    case OPTION_SIZE:
    case OPTION_TIMEOUT:
        return read_value(job, option);
    default:
        return CLI_USAGE;
    }
}

static int read_command_line(struct job *job, int argc, char **argv) {
    int option, status;

    while ((option = cli_option(argc, argv, "p:t:i", longs)) != -1) {
        status = read_option(job, option);
        if (status != CLI_OK) {
            return status;
        }
    }
    if (job->datagrams.address != NULL && optind < argc) {
        return cli_usage("log", "--listen takes no message");
    }
    return CLI_OK;
}

/* ---- sending --------------------------------------------------------------------------------- */

static int complain(const struct job *job, int code, size_t size) {
    const char *socket = job->options.socket != NULL ? job->options.socket : "/dev/log";
    struct cli_shown shown;

    cli_show(&shown, socket);
    switch (code) {
    case -EMSGSIZE:
        cli_say("log '%s': a message of %zu bytes is too long: see --split and --size", shown.text,
                size);
        return CLI_FAILED;
    case -ETIMEDOUT:
        cli_say("log '%s': nobody reads it", shown.text);
        return CLI_BUSY;
    default:
        cli_say("log '%s': %s", shown.text, strerror(-code));
        return cli_exit_for_code(code);
    }
}

/* The words with a space between them, as logger(1) and echo(1) do. */
static int send_words(const struct job *job, int n_words, char **words) {
    size_t size = 0, at = 0;
    char *text;
    int r;

    for (int i = 0; i < n_words; i++) {
        size += strlen(words[i]) + 1;
    }
    text = malloc(size);
    if (text == NULL) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    for (int i = 0; i < n_words; i++) {
        at += (size_t)sprintf(text + at, "%s%s", i > 0 ? " " : "", words[i]);
    }
    r = sunpath_syslog_write(job->log, job->priority, text, at);
    free(text);
    return r < 0 ? complain(job, r, at) : CLI_OK;
}

/* Where a text that goes on can be parted without halving a character. */
static size_t whole_characters(const char *text, size_t size) {
    size_t at = size;

    while (at > 0 && size - at < 3 && (text[at - 1] & 0xc0) == 0x80) {
        at--;
    }
    return at > 1 && (text[at - 1] & 0xc0) == 0xc0 ? at - 1 : size;
}

/* A line of standard input without its newline, or as much of it as there is room for. */
struct line {
    char text[LINE_ROOM];
    size_t size;
    bool goes_on;
};

/* Reads behind what is there already. False at the end. */
static bool read_line(struct line *line) {
    int c = getchar_unlocked();

    while (c != EOF && c != '\n' && line->size < sizeof(line->text)) {
        line->text[line->size++] = (char)c;
        c = getchar_unlocked();
    }
    line->goes_on = c != EOF && c != '\n';
    if (line->goes_on) {
        ungetc(c, stdin);
    }
    return c != EOF || line->size > 0;
}

/* Sends it. Of a line that goes on half a character may stay. */
static int send_line(const struct job *job, struct line *line) {
    size_t n = line->goes_on ? whole_characters(line->text, line->size) : line->size;
    int r = sunpath_syslog_write(job->log, job->priority, line->text, n);

    memmove(line->text, line->text + n, line->size - n);
    line->size -= n;
    return r;
}

/* Reads to the end of a line that goes on. Returns its size. */
static size_t skip_line(struct line *line) {
    size_t size = line->size;
    int c;

    while ((c = getchar_unlocked()) != EOF && c != '\n') {
        size++;
    }
    line->size = 0;
    return size;
}

static int send_lines(const struct job *job) {
    static struct line line;
    int status = CLI_OK;

    while (read_line(&line)) {
        bool is_too_long = line.goes_on && !job->options.splits;
        size_t size = is_too_long ? skip_line(&line) : line.size;
        int r = is_too_long ? -EMSGSIZE : send_line(job, &line);

        if (r < 0) {
            status = complain(job, r, size);
        }
        if (r < 0 && r != -EMSGSIZE) {
            return status;
        }
    }
    return status;
}

static int send_all_of_it(struct job *job, int n_words, char **words) {
    struct sunpath_error error = {0};
    int status;

    if (job->options.ident == NULL) {
        job->options.ident = cli_user_name(geteuid());
    }
    if (sunpath_syslog_open(&job->log, &job->options, &error) < 0) {
        return cli_fail(&error);
    }
    status = n_words > 0 ? send_words(job, n_words, words) : send_lines(job);
    if (n_words == 0 && ferror(stdin)) {
        cli_say("standard input: it could not be read");
        status = CLI_FAILED;
    }
    job->log = sunpath_syslog_close(job->log);
    return status;
}

/* ---- listening ------------------------------------------------------------------------------- */

static void print_part(const char *before, struct sunpath_syslog_part part, const char *behind) {
    if (part.data != NULL) {
        fputs(before, stdout);
        datagrams_print(part.data, part.size);
        fputs(behind, stdout);
    }
}

static void show(const struct sunpath_message *datagram, const char *sender) {
    struct sunpath_syslog_message message;
    struct cli_priority priority;

    sunpath_syslog_parse(&message, datagram->data, datagram->size);
    printf("%s %s", sender, cli_show_priority(&priority, message.priority));
    print_part(" ", message.data, ""); /* in front of what the program wrote, which may look so */
    fputs(": ", stdout);
    print_part("", message.ident, "");
    print_part("[", message.pid, "]");
    if (message.ident.data != NULL || message.pid.data != NULL) {
        fputs(": ", stdout);
    }
    print_part("", message.text, "\n");
}

int cmd_log(int argc, char **argv) {
    struct job job = {
        .options = SUNPATH_OPTIONS(struct sunpath_syslog_options),
        .priority = LOG_USER | LOG_NOTICE,
        .datagrams = {.verb = "log", .max_size = MESSAGE_MAX, .show = show},
    };
    int status;

    job.options.timeout_ms = TIMEOUT_MS;
    cli_listen_options_init(&job.datagrams.options);
    status = read_command_line(&job, argc, argv);
    if (status == CLI_OK) {
        status = job.datagrams.address != NULL ? datagrams_run(&job.datagrams)
                                               : send_all_of_it(&job, argc - optind, argv + optind);
    }
    cli_listen_options_deinit(&job.datagrams.options);
    return status;
}
