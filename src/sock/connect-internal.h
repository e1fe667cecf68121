/* SPDX-License-Identifier: MIT */
/* connect-internal.h - what the ways of connecting share. */

#ifndef SP_SOCK_CONNECT_INTERNAL_H
#define SP_SOCK_CONNECT_INTERNAL_H

#include <sunpath/connection.h>

/* One call of sunpath_connect(), the same for every kind of address. */
struct sp_connecting {
    const struct sunpath_address *address;
    struct sunpath_connect_options options; /* read: every field set */
    enum sunpath_type type;
    uint64_t deadline_ns;
    uid_t expected; /* with options.expect_user: who that is */
    struct sunpath_error *error;
};

/* Fails with the reason behind `code` (negative errno). */
int sp_connect_fail(const struct sp_connecting *call, int code);

/*
 * Waits until `fd` (-1: none) is writable or `pause_ms` (-1: no limit) has passed, within the
 * deadline. 0: either came; -ETIMEDOUT: the deadline did; -ECANCELED: the cancel descriptor did.
 */
int sp_connect_wait(const struct sp_connecting *call, int fd, int pause_ms);

/* SO_SNDBUF, SO_RCVBUF and SO_PASSCRED as the options want them. 0 or a negative errno. */
int sp_connect_set_up(const struct sp_connecting *call, int fd);

/* Fails with -EPERM unless the peer of the connected `fd` runs as the expected user. */
int sp_connect_check_owner(const struct sp_connecting *call, int fd);

int sp_connect_unix(int *ret_fd, const struct sp_connecting *call);
int sp_connect_tcp(int *ret_fd, const struct sp_connecting *call);

#endif
