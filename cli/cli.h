/* SPDX-License-Identifier: MIT */
/* cli.h - what every verb of the command shares: its contract, exit statuses, option helpers. */

#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>

#include <sunpath/connection.h>
#include <sunpath/listener.h>

/*
 * A verb gets its own name as argv[0] and its arguments behind it, and returns an exit status.
 * main() flushes standard output afterwards and turns a failed write into CLI_FAILED. SIGPIPE is
 * ignored; descriptors 0, 1 and 2 are always open.
 */
int cmd_connect(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_http(int argc, char **argv);
int cmd_listen(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_notify(int argc, char **argv);
int cmd_relay(int argc, char **argv);
int cmd_serve(int argc, char **argv);

/* The command table of main.c, in the order help shows it; ends with a NULL name. */
struct cli_verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

extern const struct cli_verb cli_verbs[];

/* Complains about a word that is no verb, with the one that was probably meant: CLI_USAGE. */
int cli_unknown_verb(const char *name);

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,  /* the command line makes no sense */
    CLI_DENIED = 3, /* no permission, or the wrong user */
    CLI_ABSENT = 4, /* nothing there, or stale */
    CLI_BUSY = 5    /* in use, or full */
};

/* The exit status for an error the library filled, and for a bare negative errno. */
int cli_exit_for(const struct sunpath_error *error);
int cli_exit_for_code(int code);

/* Prints the error ("sunpath: connect '/x': refused: ...") and returns cli_exit_for() of it. */
int cli_fail(const struct sunpath_error *error);

/* Prints "sunpath VERB: <what is wrong>" and where help is. Returns CLI_USAGE. */
int cli_usage(const char *verb, const char *format, ...) SUNPATH_PRINTF(2, 3);

/*
 * getopt_long(3) that complains in our words. Returns an option, -1 behind the last, or '?' after
 * it has printed what is wrong: `default: return CLI_USAGE`. It handles --help itself, by showing
 * the verb's page and exiting. `shorts` without a leading colon; `longs` ends with zeros.
 */
int cli_option(int argc, char **argv, const char *shorts, const struct option *longs);

/* What people type, read strictly: false when `text` is not one. */
bool cli_parse_number(int *ret, const char *text, int min, int max);
bool cli_parse_duration_ms(int *ret_ms, const char *text); /* 1.5  1.5s  300ms  2m  1h */
bool cli_parse_size(uint64_t *ret, const char *text);      /* 512  64K  1M  2G */
bool cli_parse_mode(mode_t *ret, const char *text);        /* octal: 600, 0660 */
bool cli_parse_type(enum sunpath_type *ret, const char *text);

/* The same for options of `verb`, which say what is wrong and return CLI_USAGE then, else CLI_OK.
 */
int cli_read_duration_ms(int *ret_ms, const char *verb, const char *text); /* not 0 */
int cli_read_buffer(int *ret_size, const char *verb, const char *text);    /* not 0 */

/*
 * --timeout and --wait[=DURATION] of whoever connects. Of both the longer duration counts; --wait
 * without any has no end. `text` may be NULL for --wait alone.
 */
int cli_read_wait(struct sunpath_connect_options *options, const char *verb, bool is_wait,
                  const char *text);

/*
 * The options of every verb that publishes a socket: --type --mode --owner --group --backlog
 * --allow --deny. A verb puts CLI_LISTEN_LONG_OPTIONS into its table, CLI_LISTEN_OPTION_CASES into
 * its switch before a call of cli_listen_option(), and calls cli_listen_options_deinit() at the
 * end.
 */
enum {
    CLI_OPTION_TYPE = 0x1000,
    CLI_OPTION_MODE,
    CLI_OPTION_OWNER,
    CLI_OPTION_GROUP,
    CLI_OPTION_BACKLOG,
    CLI_OPTION_ALLOW,
    CLI_OPTION_DENY
};

/* clang-format off */
#define CLI_LISTEN_LONG_OPTIONS                             \
    {"type", required_argument, NULL, CLI_OPTION_TYPE},     \
    {"mode", required_argument, NULL, CLI_OPTION_MODE},     \
    {"owner", required_argument, NULL, CLI_OPTION_OWNER},   \
    {"group", required_argument, NULL, CLI_OPTION_GROUP},   \
    {"backlog", required_argument, NULL, CLI_OPTION_BACKLOG}, \
    {"allow", required_argument, NULL, CLI_OPTION_ALLOW},   \
    {"deny", required_argument, NULL, CLI_OPTION_DENY}

#define CLI_LISTEN_OPTION_CASES \
    case CLI_OPTION_TYPE:       \
    case CLI_OPTION_MODE:       \
    case CLI_OPTION_OWNER:      \
    case CLI_OPTION_GROUP:      \
    case CLI_OPTION_BACKLOG:    \
    case CLI_OPTION_ALLOW:      \
    case CLI_OPTION_DENY
/* clang-format on */

struct cli_listen_options {
    struct sunpath_listen_options listen; /* hand this to sunpath_listener_open() */
    struct sunpath_access *access;
};

void cli_listen_options_init(struct cli_listen_options *options);
void cli_listen_options_deinit(struct cli_listen_options *options);

/* Reads one of the options above. CLI_OK, or an exit status after it has printed what is wrong. */
int cli_listen_option(struct cli_listen_options *options, const char *verb, int option,
                      const char *argument);

#endif
