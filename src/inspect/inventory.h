/* SPDX-License-Identifier: MIT */
/* inventory.h - what the files of the inventory share: the picture while it is being taken. */

#ifndef SP_INSPECT_INVENTORY_H
#define SP_INSPECT_INVENTORY_H

#include <sunpath/inspect.h>

#include "inspect/namespaces.h"
#include "inspect/published.h"

/* What an accepted connection has in common with its listener: the file, or the abstract name. */
struct sp_key {
    uint64_t a, b;
};

/* A socket that can be connected or sent to, or a file left over. */
struct sp_entry {
    struct sp_key key;
    struct sp_diag_socket diag; /* `name` is owned here */
    struct sunpath_socket socket;
    char *bound_name; /* owned, what socket.bound_name points to */
    struct sunpath_owner *owners;
    size_t n_owners;
};

struct sunpath_socket_list {
    struct sp_entry *entries;
    size_t n_entries, entries_room;
    struct sp_key *connections; /* those of accepted connections */
    size_t n_connections, connections_room;
    struct sunpath_blind_spots blind;
};

struct sp_key sp_key_of(const struct sp_diag_socket *socket, uint64_t netns);
int sp_key_compare(const void *a, const void *b);

/* The next entry, all zero; NULL: no memory. */
struct sp_entry *sp_entry_add(struct sunpath_socket_list *list);

/* Sets the address of a path, as given. */
void sp_entry_set_path(struct sp_entry *entry, const char *path);

/* Notes that the path is this very socket, and what its file is like. */
void sp_entry_set_file(struct sp_entry *entry, const struct stat *file);

/* Who holds each entry: owners of all entries, from one walk through /proc. */
int sp_inventory_find_owners(struct sunpath_socket_list *list);

/*
 * Adds the socket files nobody serves: in the directories of the entries, and in `directories`
 * (NULL, or ends with NULL). `is_blind`: some namespaces could not be looked at.
 */
int sp_inventory_find_stale(struct sunpath_socket_list *list, const char *const *directories,
                            bool is_blind);

#endif
