/* SPDX-License-Identifier: MIT */
/* serve-files.c - the files that `sunpath serve` serves: its options for them. */

#include "serve-files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "output.h"

void serve_files_init(struct serve_files *files) {
    files->options = SUNPATH_OPTIONS(struct sunpath_files_options);
}

void serve_files_deinit(struct serve_files *files) {
    files->files = sunpath_files_close(files->files);
}

/* ---- the command line ------------------------------------------------------------------------ */

static int add_name(const char **names, const char *option, const char *name) {
    struct cli_shown shown;
    size_t n = 0;

    while (names[n]) {
        n++;
    }
    if (n == SERVE_MAX_NAMES) {
        return cli_usage("serve", "--%s may be given %d times", option, SERVE_MAX_NAMES);
    }
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        strlen(name) > 200) {
        return cli_usage("serve", "--%s '%s': not the name of a file", option,
                         cli_show(&shown, name));
    }
    names[n] = name;
    return CLI_OK;
}

static int read_dotfiles(struct serve_files *files, const char *text) {
    static const char *const words[] = {"ignore", "deny", "allow"};
    struct cli_shown shown;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], text) == 0) {
            files->options.dotfiles = (enum sunpath_files_dotfiles)i;
            return CLI_OK;
        }
    }
    return cli_usage("serve", "--dotfiles %s: ignore, deny or allow", cli_show(&shown, text));
}

/* Whole seconds, or minutes and so on up to years. 0 has every use asked for anew. */
static int read_max_age(struct serve_files *files, const char *text) {
    static const struct {
        const char *name;
        long seconds;
    } units[] = {{"", 1},     {"s", 1},     {"m", 60},      {"min", 60},
                 {"h", 3600}, {"d", 86400}, {"y", 31536000}};
    struct cli_shown shown;
    char *unit;
    long number;

    errno = 0;
    number = strtol(text, &unit, 10);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) == 0 && *text >= '0' && *text <= '9' && errno == 0 &&
            number <= INT32_MAX / units[i].seconds) {
            files->options.max_age_s = number == 0 ? -1 : (int)(number * units[i].seconds);
            return CLI_OK;
        }
    }
    return cli_usage("serve", "--max-age %s: not a time such as 600, 1h, 30d or 1y",
                     cli_show(&shown, text));
}

int serve_files_option(struct serve_files *files, int option, const char *argument) {
    switch (option) {
    case SERVE_OPTION_INDEX:
        files->an_option = "--index";
        files->options.index_names = files->indexes;
        return add_name(files->indexes, "index", argument);
    case SERVE_OPTION_EXTENSION:
        files->an_option = "--extension";
        files->options.extensions = files->extensions;
        return add_name(files->extensions, "extension", argument);
    case SERVE_OPTION_SPA:
        files->an_option = "--spa";
        files->options.fallback = argument ? argument : "index.html";
        return CLI_OK;
    case SERVE_OPTION_LIST:
        files->an_option = "--list";
        files->options.lists_directories = true;
        return CLI_OK;
    case SERVE_OPTION_DOTFILES:
        files->an_option = "--dotfiles";
        return read_dotfiles(files, argument);
    case SERVE_OPTION_MAX_AGE:
        files->an_option = "--max-age";
        return read_max_age(files, argument);
    case SERVE_OPTION_IMMUTABLE:
        files->an_option = "--immutable";
        files->options.is_immutable = true;
        return CLI_OK;
    default:
        files->an_option = "--precompressed";
        files->options.precompressed = true;
        return CLI_OK;
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

int serve_files_open(struct serve_files *files, const char *directory) {
    struct sunpath_error error;
    struct cli_shown shown;
    int r;

    if (!directory) {
        return files->an_option
                   ? cli_usage("serve", "%s is about files: give a DIR, too", files->an_option)
                   : CLI_OK;
    }
    if (files->options.is_immutable && files->options.max_age_s <= 0) {
        return cli_usage("serve", "--immutable goes with a --max-age");
    }
    r = sunpath_files_open(&files->files, directory, &files->options, &error);
    if (r == -ENOTDIR) {
        return cli_usage("serve", "'%s' is no directory: DIR is the one whose files are served",
                         cli_show(&shown, directory));
    }
    if (r == -EINVAL) {
        return cli_usage("serve", "--spa '%s': not the name of a file below DIR",
                         cli_show(&shown, files->options.fallback));
    }
    if (r < 0) {
        cli_say("serve '%s': %s", cli_show(&shown, directory), strerror(-r));
        return cli_exit_for_code(r);
    }
    return CLI_OK;
}
