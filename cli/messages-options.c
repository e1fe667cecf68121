/* SPDX-License-Identifier: MIT */
/* messages-options.c - the options about messages that listen and connect share. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "messages.h"
#include "output.h"

/* A number is a descriptor that was inherited; every other word a file to be read. */
static int add_fd(struct message_options *options, const char *verb, const char *argument) {
    struct cli_shown shown;
    int number, fd;

    if (options->n_fds == SUNPATH_FDS_MAX) {
        return cli_usage(verb, "--fd-out: the kernel passes at most %d descriptors at once",
                         SUNPATH_FDS_MAX);
    }
    if (cli_parse_number(&number, argument, 0, INT32_MAX)) {
        fd = fcntl(number, F_DUPFD_CLOEXEC, 3);
    } else {
        fd = open(argument, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    }
    if (fd < 0) {
        int code = -errno;

        cli_say("--fd-out %s: %s", cli_show(&shown, argument), strerror(-code));
        return cli_exit_for_code(code);
    }
    options->fds[options->n_fds++] = fd;
    return CLI_OK;
}

int message_option(struct message_options *options, const char *verb, int option,
                   const char *argument) {
    struct cli_shown shown;

    switch (option) {
    case CLI_OPTION_LINES:
        options->has_lines = true;
        return CLI_OK;
    case CLI_OPTION_WHOLE:
        options->is_whole = true;
        return CLI_OK;
    case CLI_OPTION_HEX:
        options->is_hex = true;
        return CLI_OK;
    case CLI_OPTION_FD_IN:
        options->takes_fds = true;
        return CLI_OK;
    case CLI_OPTION_FD_OUT:
        return add_fd(options, verb, argument);
    case CLI_OPTION_FRAME:
        if (sunpath_framing_parse(&options->framing, argument) < 0) {
            return cli_usage(verb,
                             "--frame %s: not line, nul, u8, u16be, u16le, u32be, u32le, u64be, "
                             "u64le, varint, netstring or content-length",
                             cli_show(&shown, argument));
        }
        return CLI_OK;
    default:
        if (!cli_parse_number(&options->count, argument, 1, INT32_MAX)) {
            return cli_usage(verb, "--count %s: not a number of messages",
                             cli_show(&shown, argument));
        }
        return CLI_OK;
    }
}

void message_options_deinit(struct message_options *options) {
    while (options->n_fds > 0) {
        close(options->fds[--options->n_fds]);
    }
}

int message_options_check(const struct message_options *options, const char *verb,
                          enum sunpath_type type) {
    bool is_about_messages =
        options->is_hex || options->count > 0 || options->takes_fds || options->n_fds > 0;

    if (options->has_lines && options->is_whole) {
        return cli_usage(verb, "--lines and --whole exclude each other");
    }
    if (options->framing != 0 && type != SUNPATH_STREAM) {
        return cli_usage(verb, "--frame is for streams: this socket keeps messages apart itself");
    }
    if (options->framing == 0 && type == SUNPATH_STREAM && is_about_messages) {
        return cli_usage(verb, "a stream has no messages: --frame says where they end");
    }
    if (options->is_echo && (options->framing != 0 || is_about_messages)) {
        return cli_usage(verb, "--echo prints no messages and sends none of its own");
    }
    if (options->command != NULL && (options->is_hex || options->n_fds > 0)) {
        return cli_usage(verb, "--exec goes with neither --hex nor --fd-out");
    }
    return CLI_OK;
}
