/* SPDX-License-Identifier: MIT */
/* multipart-part.h - the headers of one part of a form. */

#ifndef SP_WIRE_MULTIPART_PART_H
#define SP_WIRE_MULTIPART_PART_H

#include "wire/multipart.h"

/*
 * Reads `size` bytes of whole header lines and points `ret` into them, changing them. Returns NULL,
 * or what is wrong.
 */
const char *sp_multipart_read_part(struct sp_multipart_part *ret, char *headers, size_t size);

#endif
