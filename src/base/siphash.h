/* SPDX-License-Identifier: MIT */
/* siphash.h - a keyed hash of 64 bits (SipHash-2-4): who does not know the key cannot aim. */

#ifndef SP_BASE_SIPHASH_H
#define SP_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t sp_siphash(const uint64_t key[2], const void *data, size_t size);

#endif
