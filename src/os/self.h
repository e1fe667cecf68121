/* SPDX-License-Identifier: MIT */
/* self.h - what this process uses: proc(5), getrlimit(2). */

#ifndef SP_OS_SELF_H
#define SP_OS_SELF_H

#include <stdint.h>

struct sp_self_usage {
    double cpu_s;
    uint64_t n_resident, n_virtual; /* bytes */
    uint64_t n_fds, max_fds;
    double started_s; /* since 1970 */
};

/* What cannot be known (no /proc) is 0. */
void sp_self_usage(struct sp_self_usage *ret);

#endif
