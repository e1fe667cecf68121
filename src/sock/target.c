/* SPDX-License-Identifier: MIT */
/* target.c - the kernel's form of an address, however long its path is. */

#include "sock/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "os/fd.h"
#include "os/path.h"

void sp_target_closep(struct sp_target *target) {
    target->via_fd = sp_close(target->via_fd);
}

static bool is_too_long(const struct sunpath_address *address, int r) {
    return r == -ENAMETOOLONG && address->kind == SUNPATH_ADDRESS_PATH;
}

void sp_target_pin(struct sp_target *target, int fd) {
    int r = sp_path_to_sockaddr(&target->un, fd, NULL);

    sp_assert(r > 0); /* "/proc/self/fd/N" always fits */
    sp_close(target->via_fd);
    target->via_fd = fd;
    target->length = (socklen_t)r;
}

int sp_target_reach(struct sp_target *target, const struct sunpath_address *address) {
    int r = sunpath_address_to_sockaddr(address, &target->un);
    int fd;

    if (is_too_long(address, r)) {
        fd = open(address->name, O_PATH | O_CLOEXEC);
        if (fd < 0) {
            return -errno;
        }
        sp_target_pin(target, fd);
        return 0;
    }
    if (r < 0) {
        return r;
    }
    target->length = (socklen_t)r;
    return 0;
}

int sp_target_name(struct sp_target *target, const struct sunpath_address *address) {
    int r = sunpath_address_to_sockaddr(address, &target->un);
    const char *name;

    if (is_too_long(address, r)) {
        target->via_fd = sp_close(target->via_fd);
        r = sp_path_open_parent(&target->via_fd, &name, address->name);
        if (r == 0) {
            r = sp_path_to_sockaddr(&target->un, target->via_fd, name);
        }
    }
    if (r < 0) {
        return r;
    }
    target->length = (socklen_t)r;
    return 0;
}
