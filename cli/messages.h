/* SPDX-License-Identifier: MIT */
/* messages.h - what listen and connect do with messages: their options, and what is shown. */

#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

#include <sunpath/channel.h>

#include "cli.h"

#define MESSAGE_MAX (4 << 20) /* bytes of one, far above what the kernel lets a packet have */

/* clang-format off */
#define CLI_MESSAGE_LONG_OPTIONS                           \
    {"lines", no_argument, NULL, CLI_OPTION_LINES},        \
    {"whole", no_argument, NULL, CLI_OPTION_WHOLE},        \
    {"frame", required_argument, NULL, CLI_OPTION_FRAME},  \
    {"hex", no_argument, NULL, CLI_OPTION_HEX},            \
    {"count", required_argument, NULL, CLI_OPTION_N_MESSAGES}, \
    {"fd-in", no_argument, NULL, CLI_OPTION_FD_IN},        \
    {"fd-out", required_argument, NULL, CLI_OPTION_FD_OUT}

#define CLI_MESSAGE_OPTION_CASES \
    case CLI_OPTION_LINES:       \
    case CLI_OPTION_WHOLE:       \
    case CLI_OPTION_FRAME:       \
    case CLI_OPTION_HEX:         \
    case CLI_OPTION_N_MESSAGES:  \
    case CLI_OPTION_FD_IN:       \
    case CLI_OPTION_FD_OUT
/* clang-format on */

enum {
    CLI_OPTION_LINES = 0x3000,
    CLI_OPTION_WHOLE,
    CLI_OPTION_FRAME,
    CLI_OPTION_HEX,
    CLI_OPTION_N_MESSAGES,
    CLI_OPTION_FD_IN,
    CLI_OPTION_FD_OUT
};

/* All zeros but what the command line says. */
struct message_options {
    enum sunpath_framing framing; /* 0: none was said */
    bool has_lines, is_whole;     /* what a message is on standard input; neither: it depends */
    bool is_hex;
    bool takes_fds;      /* descriptors are welcome */
    bool is_verbose;     /* show where messages begin and end, and who sent them */
    int count;           /* end after so many were received; 0: never */
    const char *command; /* run on each message; NULL: they are printed */
    bool is_echo;        /* they are sent back */

    /* owned: to be sent with the first message */
    int fds[SUNPATH_FDS_MAX];
    size_t n_fds;
};

/* Reads one of the options above. CLI_OK, or an exit status after it has printed what is wrong. */
int message_option(struct message_options *options, const char *verb, int option,
                   const char *argument);
void message_options_deinit(struct message_options *options);

/* Do they fit the type of socket? CLI_OK, or CLI_USAGE after it has printed what does not. */
int message_options_check(const struct message_options *options, const char *verb,
                          enum sunpath_type type);

/* What is shown of a message besides its bytes, each line without its newline. */
void message_describe(char *ret, size_t n_ret, const struct sunpath_channel_message *message);
void message_describe_fd(char *ret, size_t n_ret, int fd);

/* One line of a hex dump, newline included: of the at most 16 bytes at `offset`. */
#define MESSAGE_HEX_BYTES 16
#define MESSAGE_HEX_LINE  96
size_t message_hex_line(char ret[MESSAGE_HEX_LINE], const void *data, size_t size, size_t offset);

#endif
