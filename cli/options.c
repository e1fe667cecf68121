/* SPDX-License-Identifier: MIT */
/* options.c - command lines: options, what people type as values, and what is wrong with them. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "output.h"

int cli_exit_for_code(int code) {
    switch (-code) {
    case EACCES:
    case EPERM:
        return CLI_DENIED;
    case ENOENT:
    case ECONNREFUSED:
        return CLI_ABSENT;
    case EADDRINUSE:
    case EAGAIN:
    case EBUSY:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
        return CLI_BUSY;
    default:
        return CLI_FAILED;
    }
}

int cli_exit_for(const struct sunpath_error *error) {
    switch (error->reason) {
    case SUNPATH_REASON_INVALID:
        return CLI_USAGE;
    case SUNPATH_REASON_PERMISSION:
    case SUNPATH_REASON_WRONG_OWNER:
        return CLI_DENIED;
    case SUNPATH_REASON_MISSING:
    case SUNPATH_REASON_STALE:
    case SUNPATH_REASON_NOT_LISTENING:
    case SUNPATH_REASON_SHUT_DOWN:
    case SUNPATH_REASON_OTHER_NETNS:
    case SUNPATH_REASON_DELETED_MOUNT:
    case SUNPATH_REASON_OVERLAY_LAYER:
        return CLI_ABSENT;
    case SUNPATH_REASON_BACKLOG_FULL:
    case SUNPATH_REASON_IN_USE:
    case SUNPATH_REASON_TIMEOUT:
        return CLI_BUSY;
    case SUNPATH_REASON_NONE:
    case SUNPATH_REASON_UNKNOWN:
    case SUNPATH_REASON_SYSTEM:
        return cli_exit_for_code(error->code);
    default:
        return CLI_FAILED;
    }
}

int cli_fail(const struct sunpath_error *error) {
    cli_print_error(error);
    return cli_exit_for(error);
}

int cli_usage(const char *verb, const char *format, ...) {
    va_list arguments;

    fprintf(stderr, "sunpath %s: ", verb);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nTry 'sunpath help %s'.\n", verb);
    return CLI_USAGE;
}

/* Names the option as it was written: "--mode", and "-m" of "-vm". */
static int complain(char **argv, const char *text, int short_option) {
    struct cli_shown shown;
    bool is_long = strncmp(argv[optind - 1], "--", 2) == 0;

    if (!is_long && short_option > 0 && short_option < 0x80) {
        const char name[] = {'-', (char)short_option, '\0'};

        cli_usage(argv[0], "%s '%s'", text, cli_show(&shown, name));
    } else {
        cli_usage(argv[0], "%s '%s'", text, cli_show(&shown, argv[optind - 1]));
    }
    return '?';
}

/*
 * The duration of --wait may be a word of its own, as that of --timeout is: no address reads as
 * one, so "--wait 5s /run/a.sock" and "--wait /run/a.sock" cannot be mistaken for each other.
 */
static void take_duration(int argc, char **argv, const char *option) {
    int ms;

    if (strcmp(option, "wait") == 0 && !optarg && optind < argc &&
        cli_parse_duration_ms(&ms, argv[optind])) {
        optarg = argv[optind++];
    }
}

int cli_option(int argc, char **argv, const char *shorts, const struct option *longs) {
    char quiet[64];
    int option, i_long = -1;

    /* a leading colon tells a missing argument from an unknown option: getopt(3) */
    snprintf(quiet, sizeof(quiet), ":%s", shorts);
    opterr = 0;
    option = getopt_long(argc, argv, quiet, longs, &i_long);
    if (i_long >= 0) {
        take_duration(argc, argv, longs[i_long].name);
    }
    if (option == '?' && optopt == 0 && strcmp(argv[optind - 1], "--help") == 0) {
        exit(cmd_help(2, (char *[]){(char *)"help", argv[0], NULL}));
    }
    if (option == '?' && optopt != 0 && strncmp(argv[optind - 1], "--", 2) == 0) {
        struct cli_shown shown;

        cli_usage(argv[0], "no value goes with an option like '%s'",
                  cli_show(&shown, argv[optind - 1]));
        return '?';
    }
    if (option == '?') {
        return complain(argv, "unknown option", optopt);
    }
    if (option == ':') {
        return complain(argv, "an argument is missing after", optopt);
    }
    return option;
}

bool cli_parse_number(int *ret, const char *text, int min, int max) {
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < min || number > max) {
        return false;
    }
    if (text[0] != '-' && (text[0] < '0' || text[0] > '9')) {
        return false;
    }
    *ret = (int)number;
    return true;
}

/* Digits with at most one point before the last, then `*ret_unit`; strtod() would take "inf" and
 * 0x10.
 */
static bool parse_decimal(double *ret, const char **ret_unit, const char *text) {
    size_t n = strspn(text, "0123456789.");
    const char *point;

    if (n == 0 || text[n - 1] == '.' || n > 20) {
        return false;
    }
    point = memchr(text, '.', n);
    if (point != NULL && memchr(point + 1, '.', (size_t)(text + n - point - 1)) != NULL) {
        return false;
    }
    *ret = strtod(text, NULL);
    *ret_unit = text + n;
    return true;
}

bool cli_parse_duration_ms(int *ret_ms, const char *text) {
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"", 1e3}, {"s", 1e3}, {"ms", 1}, {"m", 6e4}, {"min", 6e4}, {"h", 3.6e6}};
    const char *unit;
    double value;

    if (!parse_decimal(&value, &unit, text)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) == 0 && value * units[i].ms <= INT32_MAX) {
            /* a wait of less than a millisecond is still a wait, not "the default" or "none" */
            int ms = (int)(value * units[i].ms);

            *ret_ms = ms == 0 && value > 0 ? 1 : ms;
            return true;
        }
    }
    return false;
}

bool cli_parse_size(uint64_t *ret, const char *text) {
    static const char units[] = "KMGT";
    const char *unit, *found;
    double value;

    if (!parse_decimal(&value, &unit, text)) {
        return false;
    }
    if (unit[0] != '\0') {
        found = strchr(units, unit[0] >= 'a' ? unit[0] - 'a' + 'A' : unit[0]);
        if (found == NULL || unit[1] != '\0') {
            return false;
        }
        value *= (double)(1ULL << (10 * (found - units + 1)));
    }
    if (value > 1e18) {
        return false;
    }
    *ret = (uint64_t)value;
    return true;
}

bool cli_parse_mode(mode_t *ret, const char *text) {
    size_t n = strspn(text, "01234567");

    if (n == 0 || n > 5 || text[n] != '\0' || strtol(text, NULL, 8) > 0777) {
        return false;
    }
    *ret = (mode_t)strtol(text, NULL, 8);
    return true;
}

bool cli_parse_type(enum sunpath_type *ret, const char *text) {
    static const struct {
        const char *name;
        enum sunpath_type type;
    } types[] = {{"stream", SUNPATH_STREAM},
                 {"seqpacket", SUNPATH_SEQPACKET},
                 {"dgram", SUNPATH_DGRAM},
                 {"datagram", SUNPATH_DGRAM}};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(text, types[i].name) == 0) {
            *ret = types[i].type;
            return true;
        }
    }
    return false;
}

void cli_listen_options_init(struct cli_listen_options *options) {
    *options =
        (struct cli_listen_options){.listen = SUNPATH_OPTIONS(struct sunpath_listen_options)};
}

void cli_listen_options_deinit(struct cli_listen_options *options) {
    options->listen.access = NULL;
    options->access = sunpath_access_free(options->access);
}

static int add_rule(struct cli_listen_options *options, bool is_allow, const char *rule) {
    struct sunpath_error error = {0};
    int r = 0;

    if (options->access == NULL) {
        r = sunpath_access_new(&options->access);
    }
    if (r < 0) {
        cli_say("out of memory");
        return CLI_FAILED;
    }
    options->listen.access = options->access;
    r = (is_allow ? sunpath_access_allow : sunpath_access_deny)(options->access, rule, &error);
    if (r < 0) {
        cli_print_error(&error);
        return CLI_USAGE;
    }
    return CLI_OK;
}

int cli_listen_option(struct cli_listen_options *options, const char *verb, int option,
                      const char *argument) {
    struct cli_shown shown;

    cli_show(&shown, argument);
    switch (option) {
    case CLI_OPTION_TYPE:
        if (!cli_parse_type(&options->listen.type, argument)) {
            return cli_usage(verb, "--type %s: not stream, seqpacket or dgram", shown.text);
        }
        return CLI_OK;
    case CLI_OPTION_MODE:
        if (!cli_parse_mode(&options->listen.mode, argument)) {
            return cli_usage(verb, "--mode %s: not an octal mode such as 0660", shown.text);
        }
        if (options->listen.mode == 0) { /* to the library that is the default */
            return cli_usage(verb, "--mode %s: nobody could connect; 0600 is for the owner alone",
                             shown.text);
        }
        return CLI_OK;
    case CLI_OPTION_OWNER:
        options->listen.owner = argument;
        return CLI_OK;
    case CLI_OPTION_GROUP:
        options->listen.group = argument;
        return CLI_OK;
    case CLI_OPTION_BACKLOG:
        if (!cli_parse_number(&options->listen.backlog, argument, 0, INT32_MAX)) {
            return cli_usage(verb, "--backlog %s: not a number", shown.text);
        }
        /* nobody waiting at all is -1 to the library, whose 0 is the default */
        options->listen.backlog = options->listen.backlog == 0 ? -1 : options->listen.backlog;
        return CLI_OK;
    default:
        return add_rule(options, option == CLI_OPTION_ALLOW, argument);
    }
}

/* ---- options that several verbs have --------------------------------------------------------- */

int cli_read_duration_ms(int *ret_ms, const char *verb, const char *text) {
    struct cli_shown shown;

    if (!cli_parse_duration_ms(ret_ms, text) || *ret_ms == 0) {
        return cli_usage(verb, "not a duration such as 1.5s or 300ms: %s", cli_show(&shown, text));
    }
    return CLI_OK;
}

int cli_read_buffer(int *ret_size, const char *verb, const char *text) {
    struct cli_shown shown;
    uint64_t size;

    if (!cli_parse_size(&size, text) || size == 0 || size > INT32_MAX) {
        return cli_usage(verb, "not a buffer size: %s", cli_show(&shown, text));
    }
    *ret_size = (int)size;
    return CLI_OK;
}

int cli_read_wait(struct sunpath_connect_options *options, const char *verb, bool is_wait,
                  const char *text) {
    int ms = -1, status = text ? cli_read_duration_ms(&ms, verb, text) : CLI_OK;

    if (status != CLI_OK) {
        return status;
    }
    options->wait = options->wait || is_wait;
    if (ms > options->timeout_ms || options->timeout_ms == 0) {
        options->timeout_ms = ms;
    }
    return CLI_OK;
}
