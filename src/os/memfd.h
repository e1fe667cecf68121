/* SPDX-License-Identifier: MIT */
/* memfd.h - memory that can be sent: made, sealed, checked, mapped. */

#ifndef SP_OS_MEMFD_H
#define SP_OS_MEMFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* New memory with `size` bytes of `data` in it, which can be sealed. *ret_fd is the caller's. */
int sp_memfd_copy(int *ret_fd, const void *data, size_t size);

/* New memory of `size` bytes, all zero, that can be written to for ever but never becomes shorter.
 */
int sp_memfd_fixed(int *ret_fd, size_t size);

/* Can nobody make it shorter any more? Then a mapping of it is safe to read, whatever is in it. */
bool sp_memfd_is_fixed(int fd);

/* Nobody can change it from now on. -EBUSY (somebody has it mapped to write), -EINVAL (no memfd),
 * -EPERM. */
int sp_memfd_seal(int fd);

/* Can nobody, whoever has it open, change or shorten it any more? */
bool sp_memfd_is_sealed(int fd);

/* Bytes in it, or a negative errno. */
int64_t sp_memfd_size(int fd);

/* Maps the first `size` bytes to read them. Undone by munmap(). */
int sp_memfd_map(const void **ret, int fd, size_t size);

#endif
