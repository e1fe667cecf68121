/* SPDX-License-Identifier: MIT */
/* id-map.c - which ids have a name in the user namespace of this process. */

#include "os/id-map.h"

#include <stdint.h>
#include <stdio.h>

#define OVERFLOW_ID 65534

/* Maps made of several ranges are taken for incomplete, which errs on the safe side. */
static bool maps_everything(const char *map) {
    unsigned long inside, outside, count;
    FILE *file = fopen(map, "re");
    bool does = false;

    if (file) {
        does = fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside == 0 &&
               count == UINT32_MAX;
        fclose(file);
    }
    return does;
}

bool sp_uid_is_unmapped(uid_t uid) {
    return uid == OVERFLOW_ID && !maps_everything("/proc/self/uid_map");
}

bool sp_gid_is_unmapped(gid_t gid) {
    return gid == OVERFLOW_ID && !maps_everything("/proc/self/gid_map");
}
