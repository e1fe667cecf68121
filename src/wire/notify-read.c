/* SPDX-License-Identifier: MIT */
/* notify-read.c - take a service's notification apart (sd_notify(3)): a pure function. */

#include <string.h>

#include <sunpath/notify.h>

static void split(struct sunpath_notify_field *ret, const char *line, const char *end) {
    const char *mark = memchr(line, '=', (size_t)(end - line));

    ret->name = line;
    ret->n_name = (size_t)((mark ? mark : end) - line);
    ret->value = mark ? mark + 1 : NULL;
    ret->n_value = mark ? (size_t)(end - mark - 1) : 0;
}

bool sunpath_notify_next(struct sunpath_notify_field *ret, const char **at, const char *end) {
    while (*at < end) {
        const char *line = *at, *stop = memchr(line, '\n', (size_t)(end - line));

        *at = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (stop > line) {
            split(ret, line, stop);
            return true;
        }
    }
    return false;
}
