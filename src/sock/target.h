/* SPDX-License-Identifier: MIT */
/* target.h - the kernel's form of an address, however long its path is. */

#ifndef SP_SOCK_TARGET_H
#define SP_SOCK_TARGET_H

#include <sys/socket.h>
#include <sys/un.h>

#include <sunpath/address.h>

/* Begins as `{.via_fd = -1}` and ends with sp_target_closep(). */
struct sp_target {
    struct sockaddr_un un;
    socklen_t length; /* what to hand to the kernel */
    int via_fd;       /* -1, or what the path goes through: open as long as `un` is used */
};

/* Is it a place of its own on this host, neither inherited nor TCP? */
static inline bool sp_target_is_local(const struct sunpath_address *address) {
    return address->kind == SUNPATH_ADDRESS_PATH || address->kind == SUNPATH_ADDRESS_ABSTRACT;
}

void sp_target_closep(struct sp_target *target);

/*
 * Where connect(2) and sendmsg(2) go. A path of more than 107 bytes is reached through an O_PATH
 * descriptor of the file itself, so every component may have its 255 bytes. -EAFNOSUPPORT (neither
 * a path nor an abstract name), or what open(2) says.
 */
int sp_target_reach(struct sp_target *target, const struct sunpath_address *address);

/*
 * Where bind(2) goes. A path of more than 107 bytes is reached through its directory: its last
 * component can have 82 bytes then, -ENAMETOOLONG beyond.
 */
int sp_target_name(struct sp_target *target, const struct sunpath_address *address);

/* The file behind `fd` (O_PATH), whatever its name is by now; takes `fd`. */
void sp_target_pin(struct sp_target *target, int fd);

#endif
