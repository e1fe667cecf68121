/* SPDX-License-Identifier: MIT */
/* servers.h - find who serves a file or a name, in every network namespace. */

#ifndef SP_INSPECT_SERVERS_H
#define SP_INSPECT_SERVERS_H

#include <sunpath/address.h>

#include "inspect/namespaces.h"
#include "os/sock-diag.h"

struct sp_server {
    struct sp_diag_server diag; /* life SP_DIAG_DEAD: none found */
    uint64_t netns;
    bool is_other_netns;
    struct sp_netns_blind blind; /* when none was found: what could not be looked at */
};

/* Errors as sp_netns_each(). Our own namespace is asked first, the others only if it knows none. */
int sp_server_of_file(struct sp_server *ret, const struct stat *file);
int sp_server_of_abstract(struct sp_server *ret, const char *name, size_t n_name);

/* The name as it is on the wire: padded with NULs where the address says so. At most 107 bytes. */
size_t sp_wire_name(char ret[SUNPATH_NAME_MAX + 1], const struct sunpath_address *address);

static inline bool sp_is_blind(const struct sp_netns_blind *blind) {
    return blind->n_namespaces > 0 || blind->n_processes > 0;
}

#endif
