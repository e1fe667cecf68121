/* SPDX-License-Identifier: MIT */
/* note.c - a notification in the making, with everything checked: sd_notify(3). */

#include "sock/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sunpath/connection.h>

#include "base/error.h"
#include "base/text.h"
#include "os/clock.h"

#define FD_NAME_MAX 255 /* FDNAME_MAX of systemd */

static int refuse(const struct sp_note *note, const char *line, size_t n_line, const char *why) {
    struct sp_shown shown;

    return sp_fail(note->error, -EINVAL, SUNPATH_REASON_INVALID, "notify", "'%s': %s",
                   sp_show(&shown, line, n_line), why);
}

/* The line that begins with "KEY=", or NULL. */
static const char *find(const struct sp_note *note, const char *key, size_t n_key) {
    const char *end = note->text + note->size;

    for (const char *at = note->text; at && (size_t)(end - at) > n_key; at++) {
        if (memcmp(at, key, n_key) == 0 && at[n_key] == '=') {
            return at;
        }
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at) {
            break;
        }
    }
    return NULL;
}

static bool has(const struct sp_note *note, const char *key) {
    return find(note, key, strlen(key));
}

static int append(struct sp_note *note, const char *key, size_t n_key, const char *value,
                  size_t n_value) {
    size_t separator = note->size > 0;

    if (find(note, key, n_key)) {
        return refuse(note, key, n_key, "it is said twice");
    }
    if (!sp_is_plain(value, n_value)) {
        return refuse(note, key, n_key,
                      "its value holds a newline, another control character, or is not UTF-8");
    }
    if (n_value > sizeof(note->text) ||
        separator + n_key + 1 + n_value > sizeof(note->text) - note->size) {
        return sp_fail(note->error, -EMSGSIZE, SUNPATH_REASON_INVALID, "notify",
                       "more than %d bytes, which service managers do not read",
                       SUNPATH_NOTIFY_MAX);
    }
    if (separator) {
        note->text[note->size++] = '\n';
    }
    memcpy(note->text + note->size, key, n_key);
    note->size += n_key;
    note->text[note->size++] = '=';
    memcpy(note->text + note->size, value, n_value);
    note->size += n_value;
    return 0;
}

static int add(struct sp_note *note, const char *key, const char *value) {
    return append(note, key, strlen(key), value, strlen(value));
}

static int add_number(struct sp_note *note, const char *key, uint64_t number) {
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return add(note, key, text);
}

static bool is_key(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';

        if (!(text[i] >= 'A' && text[i] <= 'Z') && text[i] != '_' && !(is_digit && i > 0)) {
            return false;
        }
    }
    return size > 0;
}

static int add_line(struct sp_note *note, const char *line, size_t size) {
    const char *mark = memchr(line, '=', size);

    if (!mark || !is_key(line, (size_t)(mark - line))) {
        return refuse(note, line, size, "not KEY=VALUE with a key of A-Z, 0-9 and _");
    }
    return append(note, line, (size_t)(mark - line), mark + 1, size - (size_t)(mark + 1 - line));
}

static int add_state(struct sp_note *note, const char *state) {
    int r = 0;

    while (r == 0 && state && *state) {
        size_t size = strcspn(state, "\n");

        if (size > 0) {
            r = add_line(note, state, size);
        }
        state += size + (state[size] != '\0');
    }
    return r;
}

static bool is_fd_name(const char *name) {
    size_t size = strlen(name);

    for (size_t i = 0; i < size; i++) {
        if (name[i] < ' ' || name[i] > '~' || name[i] == ':') {
            return false;
        }
    }
    return size > 0 && size <= FD_NAME_MAX;
}

static int check_fds(const struct sp_note *note, const struct sunpath_notify_options *options) {
    bool stores = has(note, "FDSTORE");

    if (options->n_fds > SUNPATH_FDS_MAX || (options->n_fds > 0 && !options->fds)) {
        return refuse(note, "FDSTORE", 7, "at most 253 descriptors, and their array");
    }
    if (stores && options->n_fds == 0) {
        return refuse(note, "FDSTORE", 7, "there is no descriptor to be kept");
    }
    if (has(note, "FDNAME") && !stores && !has(note, "FDSTOREREMOVE")) {
        return refuse(note, "FDNAME", 6, "a name without descriptors");
    }
    if (has(note, "BARRIER")) {
        return refuse(note, "BARRIER", 7, "sunpath_notify_barrier() says it, and waits");
    }
    return 0;
}

static int add_fds(struct sp_note *note, const struct sunpath_notify_options *options) {
    int r = 0;

    if (options->n_fds > 0 && !has(note, "FDSTORE")) {
        r = add(note, "FDSTORE", "1");
    }
    if (r == 0 && options->fd_name) {
        if (!is_fd_name(options->fd_name)) {
            return refuse(note, options->fd_name, strlen(options->fd_name),
                          "a name has 1 to 255 printable ASCII characters, and no ':'");
        }
        r = add(note, "FDNAME", options->fd_name);
    }
    return r == 0 ? check_fds(note, options) : r;
}

/* CLOCK_MONOTONIC, so that the manager can tell this reload from an earlier one. */
static int add_clock(struct sp_note *note) {
    if (!has(note, "RELOADING") || has(note, "MONOTONIC_USEC")) {
        return 0;
    }
    return add_number(note, "MONOTONIC_USEC", sp_now_ns() / 1000);
}

int sp_note_compose(struct sp_note *note, const char *state,
                    const struct sunpath_notify_options *options) {
    int code = options->error_number;
    int r = add_state(note, state);

    if (r == 0) {
        r = add_clock(note);
    }
    if (r == 0 && options->status) {
        r = add(note, "STATUS", options->status);
    }
    if (r == 0 && code != 0) {
        r = add_number(note, "ERRNO", (uint64_t)llabs(code));
    }
    if (r == 0 && options->main_pid != 0) {
        r = options->main_pid < 0 ? refuse(note, "MAINPID", 7, "there is no such process")
                                  : add_number(note, "MAINPID", (uint64_t)options->main_pid);
    }
    if (r == 0) {
        r = add_fds(note, options);
    }
    if (r == 0 && note->size == 0) {
        return sp_fail(note->error, -EINVAL, SUNPATH_REASON_INVALID, "notify", "nothing is said");
    }
    return r;
}
