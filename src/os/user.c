/* SPDX-License-Identifier: MIT */
/* user.c - user and group names, as numbers. */

#include "os/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define N_RECORD_MIN 1024
#define N_RECORD_MAX (1024 * 1024) /* a group's record names all of its members */

/* 1: found; 0: no such name; or a negative errno, -ERANGE when the buffer is too small. */
static int find_user(unsigned *ret, const char *name, char *buffer, size_t n_buffer) {
    struct passwd record, *found = NULL;
    int r = getpwnam_r(name, &record, buffer, n_buffer, &found);

    if (found) {
        *ret = found->pw_uid;
    }
    return found ? 1 : -r;
}

static int find_group(unsigned *ret, const char *name, char *buffer, size_t n_buffer) {
    struct group record, *found = NULL;
    int r = getgrnam_r(name, &record, buffer, n_buffer, &found);

    if (found) {
        *ret = found->gr_gid;
    }
    return found ? 1 : -r;
}

static bool means_no_such_name(int r) {
    return r == 0 || r == -ENOENT || r == -ESRCH || r == -EBADF || r == -EPERM; /* getpwnam(3) */
}

static int look_up(unsigned *ret, const char *name,
                   int (*find)(unsigned *ret, const char *name, char *buffer, size_t n_buffer)) {
    for (size_t n = N_RECORD_MIN; n <= N_RECORD_MAX; n *= 4) {
        _cleanup_(sp_freep) char *buffer = malloc(n);
        int r;

        if (!buffer) {
            return -ENOMEM;
        }
        r = find(ret, name, buffer, n);
        if (r > 0) {
            return 0;
        }
        if (r != -ERANGE) {
            return means_no_such_name(r) ? -ENOENT : r;
        }
    }
    return -ENOMEM;
}

static int number_or_name(unsigned *ret, const char *name,
                          int (*find)(unsigned *, const char *, char *, size_t)) {
    size_t n_name = strlen(name);
    uint64_t number;

    if (sp_parse_number(&number, name, n_name, UINT32_MAX)) {
        if (number == UINT32_MAX) {
            return -EINVAL;
        }
        *ret = (unsigned)number;
        return 0;
    }
    return n_name == 0 ? -EINVAL : look_up(ret, name, find);
}

int sp_user_find(uid_t *ret, const char *name) {
    return number_or_name(ret, name, find_user);
}

int sp_group_find(gid_t *ret, const char *name) {
    return number_or_name(ret, name, find_group);
}
