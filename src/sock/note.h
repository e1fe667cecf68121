/* SPDX-License-Identifier: MIT */
/* note.h - a notification in the making, with everything checked: sd_notify(3). */

#ifndef SP_SOCK_NOTE_H
#define SP_SOCK_NOTE_H

#include <sunpath/notify.h>

/* Lines without a newline behind the last. Begins as `{.error = error}`. */
struct sp_note {
    char text[SUNPATH_NOTIFY_MAX];
    size_t size;
    struct sunpath_error *error;
};

/* Writes what `state` (may be NULL) and the options say. 0, -EINVAL or -EMSGSIZE, as notify.h
 * tells. */
int sp_note_compose(struct sp_note *note, const char *state,
                    const struct sunpath_notify_options *options);

#endif
