/* SPDX-License-Identifier: MIT */
/* serve-files.h - the files that `sunpath serve` serves: its options for them. */

#ifndef CLI_SERVE_FILES_H
#define CLI_SERVE_FILES_H

#include <getopt.h>

#include <sunpath/sunpath.h>

enum {
    SERVE_OPTION_INDEX = 0x3000,
    SERVE_OPTION_SPA,
    SERVE_OPTION_LIST,
    SERVE_OPTION_DOTFILES,
    SERVE_OPTION_EXTENSION,
    SERVE_OPTION_MAX_AGE,
    SERVE_OPTION_IMMUTABLE,
    SERVE_OPTION_PRECOMPRESSED
};

/* clang-format off */
#define SERVE_FILES_LONG_OPTIONS                                     \
    {"index", required_argument, NULL, SERVE_OPTION_INDEX},          \
    {"spa", optional_argument, NULL, SERVE_OPTION_SPA},              \
    {"list", no_argument, NULL, SERVE_OPTION_LIST},                  \
    {"dotfiles", required_argument, NULL, SERVE_OPTION_DOTFILES},    \
    {"extension", required_argument, NULL, SERVE_OPTION_EXTENSION},  \
    {"max-age", required_argument, NULL, SERVE_OPTION_MAX_AGE},      \
    {"immutable", no_argument, NULL, SERVE_OPTION_IMMUTABLE},        \
    {"precompressed", no_argument, NULL, SERVE_OPTION_PRECOMPRESSED}

#define SERVE_FILES_OPTION_CASES  \
    case SERVE_OPTION_INDEX:      \
    case SERVE_OPTION_SPA:        \
    case SERVE_OPTION_LIST:       \
    case SERVE_OPTION_DOTFILES:   \
    case SERVE_OPTION_EXTENSION:  \
    case SERVE_OPTION_MAX_AGE:    \
    case SERVE_OPTION_IMMUTABLE:  \
    case SERVE_OPTION_PRECOMPRESSED
/* clang-format on */

#define SERVE_MAX_NAMES 16

struct serve_files {
    struct sunpath_files_options options;
    const char *indexes[SERVE_MAX_NAMES + 1];
    const char *extensions[SERVE_MAX_NAMES + 1];
    const char *an_option;       /* one that was given, or NULL */
    struct sunpath_files *files; /* NULL: the built-in service */
};

void serve_files_init(struct serve_files *files);
void serve_files_deinit(struct serve_files *files);

/* Reads one of the options above. CLI_OK, or an exit status after it has printed what is wrong. */
int serve_files_option(struct serve_files *files, int option, const char *argument);

/* Opens the directory; NULL: there is none, and then there may be no options. An exit status. */
int serve_files_open(struct serve_files *files, const char *directory);

#endif
