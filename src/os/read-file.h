/* SPDX-License-Identifier: MIT */
/* read-file.h - a small file, such as settings, as a string. */

#ifndef SP_OS_READ_FILE_H
#define SP_OS_READ_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * The whole file, with a NUL behind, in max + 2 bytes from malloc(). Returns its size, or what
 * open(2) and read(2) say, -EFBIG (over `max` bytes), -ENOMEM.
 */
ssize_t sp_read_file(char **ret, const char *path, size_t max);

#endif
