/* SPDX-License-Identifier: MIT */
/* datagrams.h - a verb's --listen: receive datagrams and show them with who sent them. */

#ifndef CLI_DATAGRAMS_H
#define CLI_DATAGRAMS_H

#include <sunpath/connection.h>

#include "cli.h"

/* clang-format off */
#define CLI_DATAGRAMS_LONG_OPTIONS                          \
    {"listen", required_argument, NULL, CLI_OPTION_LISTEN}, \
    {"count", required_argument, NULL, CLI_OPTION_COUNT},   \
    {"mode", required_argument, NULL, CLI_OPTION_MODE},     \
    {"owner", required_argument, NULL, CLI_OPTION_OWNER},   \
    {"group", required_argument, NULL, CLI_OPTION_GROUP}

#define CLI_DATAGRAMS_OPTION_CASES \
    case CLI_OPTION_LISTEN:        \
    case CLI_OPTION_COUNT:         \
    case CLI_OPTION_MODE:          \
    case CLI_OPTION_OWNER:         \
    case CLI_OPTION_GROUP
/* clang-format on */

enum {
    CLI_OPTION_LISTEN = 0x2000,
    CLI_OPTION_COUNT
};

/* Begins as {.verb = ..., .max_size = ..., .show = ...} and cli_listen_options_init(&x.options). */
struct datagrams {
    const char *verb;
    size_t max_size; /* bytes of a message; longer ones are dropped, and said so */
    /* Prints one. Its descriptors are closed afterwards. `sender` is escaped. */
    void (*show)(const struct sunpath_message *message, const char *sender);

    struct cli_listen_options options;
    const char *address; /* NULL: there was no --listen */
    int count;           /* end after so many; 0: never */
};

/* Reads one of the options above. CLI_OK, or an exit status after it has printed what is wrong. */
int datagrams_option(struct datagrams *datagrams, int option, const char *argument);

/* Listens until a signal, which then ends the process, or `count`. Returns an exit status. */
int datagrams_run(struct datagrams *datagrams);

/* Prints bytes from outside, escaped but for backslashes. */
void datagrams_print(const void *data, size_t size);

#endif
