/* SPDX-License-Identifier: MIT */
/* error.h - fill the caller's struct sunpath_error and return its code in one line. */

#ifndef SP_BASE_ERROR_H
#define SP_BASE_ERROR_H

#include <errno.h>

#include <sunpath/base.h>

/*
 * Fills `error` (may be NULL) with the step and the formatted sentence, which begins with its
 * object in quotes ("bind '/run/x': ...") or is set apart by a colon ("activate: no descriptor was
 * passed"), and returns `code`, so failing is one line: `return sp_fail(error, -errno,
 * SUNPATH_REASON_SYSTEM, "bind", "'%s': %m", shown)`. Names from outside must be escaped first:
 * sp_show() and sp_show_address() in text.h. errno is kept.
 */
int sp_fail(struct sunpath_error *error, int code, enum sunpath_reason reason, const char *step,
            const char *format, ...) SUNPATH_PRINTF(5, 6);

/* The general reason for an errno when nothing better is known. */
enum sunpath_reason sp_reason_of_errno(int code);

/* Did we lack the means, memory or descriptors? Nothing is known then of what was looked at. */
static inline bool sp_is_own_failure(int code) {
    return code == -EMFILE || code == -ENFILE || code == -ENOMEM;
}

#endif
