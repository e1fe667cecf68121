/* SPDX-License-Identifier: MIT */
/* base64.h - base64 (RFC 4648 section 4), strictly: pure functions. */

#ifndef SP_WIRE_BASE64_H
#define SP_WIRE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* Room for what `size` bytes become, and for the most that `size` characters may stand for. */
#define SP_BASE64_ENCODED(size) (((size) + 2) / 3 * 4)
#define SP_BASE64_DECODED(size) ((size) / 4 * 3)

/* Writes the padded form and returns what is behind it. No NUL. */
char *sp_base64_encode(char *out, const void *data, size_t size);

/*
 * Returns the number of bytes, or -EINVAL: anything but the one padded text that encodes them, so
 * that a secret has one spelling (RFC 4648 sections 3.2, 3.3, 3.5). `out` may be `text` itself.
 */
ssize_t sp_base64_decode(void *out, const char *text, size_t size);

#endif
