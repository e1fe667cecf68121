/* SPDX-License-Identifier: MIT */
/* inventory-owners.c - the processes behind each socket of the inventory. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/inventory.h"
#include "os/proc.h"

/* Where the entry of a socket's inode is. */
struct place {
    uint64_t inode;
    size_t index;
};

struct search {
    struct sunpath_socket_list *list;
    struct place *places;         /* by inode */
    struct sunpath_owner process; /* the one whose descriptors are being read, described */
};

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;

    return (x->inode > y->inode) - (x->inode < y->inode);
}

static int add_owner(struct sp_entry *entry, const struct sunpath_owner *process, int fd) {
    struct sunpath_owner *owners;

    if (entry->n_owners > 0 && entry->owners[entry->n_owners - 1].pid == process->pid) {
        return 0; /* it holds it twice */
    }
    owners = reallocarray(entry->owners, entry->n_owners + 1, sizeof(*owners));
    if (!owners) {
        return -ENOMEM;
    }
    entry->owners = owners;
    owners[entry->n_owners] = *process;
    owners[entry->n_owners++].fd = fd;
    return 0;
}

static int on_socket(const struct sp_proc_socket *socket, void *user) {
    struct search *search = user;
    struct place key = {.inode = socket->inode};
    const struct place *place =
        bsearch(&key, search->places, search->list->n_entries, sizeof(key), compare_places);

    if (!place) {
        return 0;
    }
    if (search->process.pid != socket->pid) {
        struct sunpath_owner process = {.pid = socket->pid};

        if (sp_proc_describe(process.pid, process.name, &process.uid) < 0) {
            return 0; /* it has just ended */
        }
        search->process = process;
    }
    return add_owner(&search->list->entries[place->index], &search->process, socket->fd);
}

static int compare_owners(const void *a, const void *b) {
    const struct sunpath_owner *x = a, *y = b;

    return (x->pid > y->pid) - (x->pid < y->pid);
}

int sp_inventory_find_owners(struct sunpath_socket_list *list) {
    struct search search = {.list = list};
    int error;

    if (!sp_proc_is_there()) {
        list->blind.n_processes++; /* at least whoever has the sockets */
        return 0;
    }
    if (list->n_entries == 0) {
        return 0;
    }
    search.places = calloc(list->n_entries, sizeof(*search.places));
    if (!search.places) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < list->n_entries; i++) {
        search.places[i] = (struct place){.inode = list->entries[i].socket.inode, .index = i};
    }
    qsort(search.places, list->n_entries, sizeof(*search.places), compare_places);
    error = sp_proc_each_socket(on_socket, &search, &list->blind.n_processes);
    free(search.places);

    for (size_t i = 0; i < list->n_entries; i++) {
        struct sp_entry *entry = &list->entries[i];

        if (entry->n_owners > 1) {
            qsort(entry->owners, entry->n_owners, sizeof(*entry->owners), compare_owners);
        }
    }
    return error;
}
