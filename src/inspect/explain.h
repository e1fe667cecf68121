/* SPDX-License-Identifier: MIT */
/* explain.h - turn the errno of a failed connect or listen into the reason behind it. */

#ifndef SP_INSPECT_EXPLAIN_H
#define SP_INSPECT_EXPLAIN_H

#include <sunpath/address.h>

/*
 * Fills `error` (may be NULL: then nothing is looked up) for a connect() to `address` that failed
 * with `code` (negative errno), and returns `code`. Looks at the file system and sock_diag, and
 * connects to nothing. The sentence reads
 *   connect '/run/app.sock': refused: the file is stale, its server is gone
 * `type` is the type the client used. Keeps errno.
 */
int sp_explain_connect(struct sunpath_error *error, int code, const struct sunpath_address *address,
                       enum sunpath_type type);

/*
 * The same for publishing: `step` is what failed ("bind", "lock", ...). For -EADDRINUSE the text
 * names the living owner (process name and pid), or says what else stands in the way.
 */
int sp_explain_listen(struct sunpath_error *error, int code, const char *step,
                      const struct sunpath_address *address);

#endif
