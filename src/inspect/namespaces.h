/* SPDX-License-Identifier: MIT */
/* namespaces.h - sock_diag in every network namespace this process may enter. */

#ifndef SP_INSPECT_NAMESPACES_H
#define SP_INSPECT_NAMESPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_netns {
    uint64_t inode; /* of the namespace, as in /proc/PID/ns/net; 0 when it cannot be told */
    int diag_fd;    /* for sp_diag_each_on(); borrowed during the callback */
    bool is_own;
};

struct sp_netns_blind {
    size_t n_namespaces; /* known, but we may not enter them */
    size_t n_processes;  /* whose namespace we may not even know */
};

/*
 * Calls `on_netns` for our own network namespace and then for every other one that a process is in
 * or that is mounted somewhere. Ends early when it returns non-zero, and returns that. A listener
 * is known only in the namespace of its creator, so "not here" says nothing about the others.
 * Namespaces that cannot be looked at are counted in *ret_blind (may be NULL) and are no error.
 * Errors as sp_diag_each().
 */
int sp_netns_each(int (*on_netns)(const struct sp_netns *netns, void *user), void *user,
                  struct sp_netns_blind *ret_blind);

/* Our own only. */
int sp_netns_own(struct sp_netns *ret);

#endif
