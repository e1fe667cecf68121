/* SPDX-License-Identifier: MIT */
/* output.c - names, styles and errors as the command prints them. */

#include "output.h"

#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void cli_print_error(const struct sunpath_error *error) {
    fprintf(stderr, "sunpath: %s\n", error->text);
}

void cli_say(const char *format, ...) {
    va_list arguments;

    fputs("sunpath: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

const char *cli_show_bytes(struct cli_shown *shown, const void *name, size_t n_name) {
    if (sunpath_escape(shown->text, sizeof(shown->text), name, n_name) >= sizeof(shown->text)) {
        memcpy(shown->text + sizeof(shown->text) - 4, "...", 4);
    }
    return shown->text;
}

const char *cli_show(struct cli_shown *shown, const char *name) {
    return cli_show_bytes(shown, name, strlen(name));
}

const char *cli_show_size(struct cli_size *shown, uint64_t size) {
    static const char units[] = "BKMGTPE";
    double value = (double)size;
    size_t unit = 0;

    while (value >= 1024 && units[unit + 1] != '\0') {
        value /= 1024;
        unit++;
    }
    if (unit == 0) {
        snprintf(shown->text, sizeof(shown->text), "%d", (int)size);
    } else {
        snprintf(shown->text, sizeof(shown->text), "%.*f%c", value < 9.95 ? 1 : 0, value,
                 units[unit]);
    }
    return shown->text;
}

/* A name that was looked up before: `ls` asks for the same few ids hundreds of times. */
struct known_name {
    struct known_name *next;
    unsigned id;
    char text[80];
};

static const char *known(struct known_name **list, unsigned id, const char *(*look_up)(unsigned)) {
    static struct known_name last_resort; /* out of memory: good until the next call */
    struct known_name *name;
    const char *found;

    for (name = *list; name != NULL; name = name->next) {
        if (name->id == id) {
            return name->text;
        }
    }

    name = calloc(1, sizeof(*name));
    if (name != NULL) {
        name->next = *list;
        *list = name;
    } else {
        name = &last_resort;
    }
    name->id = id;
    found = look_up(id);
    if (found == NULL) {
        snprintf(name->text, sizeof(name->text), "%u", id);
    } else {
        sunpath_escape(name->text, sizeof(name->text), found, strlen(found));
    }
    return name->text;
}

static const char *look_up_user(unsigned id) {
    const struct passwd *entry = getpwuid(id);

    return entry == NULL ? NULL : entry->pw_name;
}

static const char *look_up_group(unsigned id) {
    const struct group *entry = getgrgid(id);

    return entry == NULL ? NULL : entry->gr_name;
}

const char *cli_user_name(uid_t uid) {
    static struct known_name *users;

    return known(&users, uid, look_up_user);
}

const char *cli_group_name(gid_t gid) {
    static struct known_name *groups;

    return known(&groups, gid, look_up_group);
}

bool cli_is_terminal(FILE *stream) {
    return isatty(fileno(stream));
}

/* https://no-color.org: set and not empty means no */
bool cli_has_colour(FILE *stream) {
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if ((no_colour != NULL && no_colour[0] != '\0') || term == NULL || strcmp(term, "dumb") == 0) {
        return false;
    }
    return cli_is_terminal(stream);
}

unsigned cli_terminal_width(FILE *stream) {
    struct winsize size = {0};

    if (!cli_is_terminal(stream)) {
        return 0;
    }
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 || size.ws_col == 0) {
        return 80;
    }
    return size.ws_col;
}

const char *cli_style_on(FILE *stream, enum cli_style style) {
    static const char *const codes[] = {
        [CLI_PLAIN] = "",        [CLI_GOOD] = "\033[32m", [CLI_BAD] = "\033[31m",
        [CLI_WARN] = "\033[33m", [CLI_DIM] = "\033[2m",   [CLI_BOLD] = "\033[1m",
    };

    return cli_has_colour(stream) ? codes[style] : "";
}

const char *cli_style_off(FILE *stream, enum cli_style style) {
    return style != CLI_PLAIN && cli_has_colour(stream) ? "\033[0m" : "";
}
