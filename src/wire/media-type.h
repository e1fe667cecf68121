/* SPDX-License-Identifier: MIT */
/* media-type.h - "value; name=value" fields: media types and dispositions (RFC 9110 5.6.6, 8.3.1).
 */

#ifndef SP_WIRE_MEDIA_TYPE_H
#define SP_WIRE_MEDIA_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/uri.h"

struct sp_parameter {
    struct sp_slice name;
    struct sp_slice value; /* without the quotes around it, escapes not undone */
    bool is_quoted;
};

/*
 * The value before the parameters, without white space around it; `*ret_at` is where they begin.
 * All of these take any bytes.
 */
struct sp_slice sp_media_value(const char *text, size_t size, const char **ret_at);

/*
 * Takes the next parameter and moves *at behind it. 0 at the end, -EBADMSG when what follows is
 * none. White space around ";" is taken, around "=" it is not; so is a ";" with nothing behind.
 */
int sp_parameter_next(struct sp_parameter *ret, const char **at, const char *end);

bool sp_parameter_is(const struct sp_parameter *parameter, const char *name);

/* Is it this type, in any case, whatever its parameters are? */
bool sp_media_type_is(const char *text, size_t size, const char *type);

/*
 * Finds the parameter of that name. 1, or 0 when there is none; -EBADMSG when the field is
 * malformed or has two of them: who reads one and who reads the other must not differ.
 */
int sp_media_parameter(struct sp_parameter *ret, const char *text, size_t size, const char *name);

/*
 * Is the content UTF-8 by its charset parameter: none, "utf-8" or "us-ascii"? -EBADMSG as above.
 */
int sp_media_is_utf8(const char *text, size_t size);

#endif
