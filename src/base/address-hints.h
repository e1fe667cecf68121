/* SPDX-License-Identifier: MIT */
/* address-hints.h - refuse what is no address, with the spelling that was probably meant. */

#ifndef SP_BASE_ADDRESS_HINTS_H
#define SP_BASE_ADDRESS_HINTS_H

#include <sunpath/base.h>

#define SP_HINT_HOME                                                                               \
    "the shell expands ~ only unquoted and in front: write $HOME/app.sock, or ./~/app.sock for a " \
    "directory of that name"

/* Fills `error` (may be NULL) with "parse 'TEXT': WHY", and returns `code`. */
int sp_refuse_address(struct sunpath_error *error, const char *text, int code, const char *why);

/* The same for a text no spelling fits: -EINVAL. */
int sp_refuse_unknown_address(struct sunpath_error *error, const char *text);

#endif
