/* SPDX-License-Identifier: MIT */
/* beside.c - the names beside a socket's path: its lock, and what is on its way in or out. */

#include "base/beside.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a: only to keep long names of one directory apart, in a name people can still read. */
static uint64_t hash(const char *text) {
    uint64_t value = 0xcbf29ce484222325u;

    for (; *text; text++) {
        value = (value ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return value;
}

void sp_beside_temporary(char ret[SP_BESIDE_N_TEMPORARY], const char *name, const char *suffix) {
    if (strlen(name) <= 64) {
        snprintf(ret, SP_BESIDE_N_TEMPORARY, ".%.64s%s", name, suffix);
    } else {
        snprintf(ret, SP_BESIDE_N_TEMPORARY, ".%.32s-%016llx%s", name,
                 (unsigned long long)hash(name), suffix);
    }
}
