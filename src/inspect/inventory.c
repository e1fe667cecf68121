/* SPDX-License-Identifier: MIT */
/* inventory.c - a picture of all named Unix sockets of the machine. */

#include "inspect/inventory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

/* Makes room for one more of `size` bytes behind `n`. */
static int grow(void *items, size_t *room, size_t n, size_t size) {
    size_t wanted = *room ? *room * 2 : 64;
    void **pointer = items;
    void *grown;

    if (n < *room) {
        return 0;
    }
    grown = reallocarray(*pointer, wanted, size);
    if (!grown) {
        return -ENOMEM;
    }
    *pointer = grown;
    *room = wanted;
    return 0;
}

struct sp_entry *sp_entry_add(struct sunpath_socket_list *list) {
    if (grow(&list->entries, &list->entries_room, list->n_entries, sizeof(*list->entries)) < 0) {
        return NULL;
    }
    list->entries[list->n_entries] = (struct sp_entry){0};
    return &list->entries[list->n_entries++];
}

/* FNV-1a: names only have to be told apart within one namespace. */
static uint64_t hash(const char *data, size_t size) {
    uint64_t value = 0xcbf29ce484222325u;

    for (size_t i = 0; i < size; i++) {
        value = (value ^ (unsigned char)data[i]) * 0x100000001b3u;
    }
    return value;
}

struct sp_key sp_key_of(const struct sp_diag_socket *socket, uint64_t netns) {
    if (socket->has_file) {
        return (struct sp_key){socket->file_dev, socket->file_inode};
    }
    return (struct sp_key){~netns, hash(socket->name, socket->n_name)};
}

int sp_key_compare(const void *a, const void *b) {
    const struct sp_key *x = a, *y = b;

    if (x->a != y->a) {
        return x->a < y->a ? -1 : 1;
    }
    return (x->b > y->b) - (x->b < y->b);
}

void sp_entry_set_path(struct sp_entry *entry, const char *path) {
    struct sunpath_address *address = &entry->socket.address;

    address->kind = SUNPATH_ADDRESS_PATH;
    address->n_name = (size_t)snprintf(address->name, sizeof(address->name), "%s", path);
    if (address->n_name >= sizeof(address->name)) {
        address->n_name = sizeof(address->name) - 1;
    }
}

void sp_entry_set_file(struct sp_entry *entry, const struct stat *file) {
    entry->socket.has_file = true;
    entry->socket.mode = file->st_mode & 07777;
    entry->socket.file_uid = file->st_uid;
    entry->socket.file_gid = file->st_gid;
}

static int set_abstract(struct sp_entry *entry, const struct sp_diag_socket *socket) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (socket->n_name > sizeof(name.sun_path)) {
        return -EINVAL;
    }
    memcpy(name.sun_path, socket->name, socket->n_name);
    return sunpath_address_from_sockaddr(&entry->socket.address, &name,
                                         offsetof(struct sockaddr_un, sun_path) + socket->n_name,
                                         (enum sunpath_type)socket->type);
}

static int add_server(struct sunpath_socket_list *list, const struct sp_diag_socket *diag,
                      const struct sp_netns *netns) {
    bool is_listening = diag->state == SP_DIAG_LISTEN;
    struct sp_entry *entry = sp_entry_add(list);
    char *name = entry ? strndup(diag->name, diag->n_name) : NULL;

    if (!entry || !name) {
        return -ENOMEM;
    }
    entry->key = sp_key_of(diag, netns->inode);
    entry->diag = *diag;
    entry->diag.name = entry->bound_name = name;
    entry->socket = (struct sunpath_socket){.state = is_listening ? SUNPATH_SOCKET_LISTENING
                                                                  : SUNPATH_SOCKET_BOUND,
                                            .type = (enum sunpath_type)diag->type,
                                            .is_shut = is_listening && diag->is_read_shut,
                                            .inode = diag->inode,
                                            .netns = netns->inode,
                                            .is_other_netns = !netns->is_own,
                                            .n_waiting = diag->rqueue,
                                            .backlog = is_listening ? diag->wqueue : 0};
    if (diag->name[0] == '\0' && set_abstract(entry, diag) < 0) {
        entry->socket.address.kind = SUNPATH_ADDRESS_ABSTRACT; /* cannot be: shown as "@" */
    }
    entry->socket.address.type = entry->socket.type;
    entry->socket.address.is_typed = diag->type != SOCK_STREAM;
    return 0;
}

static int add_connection(struct sunpath_socket_list *list, const struct sp_diag_socket *diag,
                          const struct sp_netns *netns) {
    int error = grow(&list->connections, &list->connections_room, list->n_connections,
                     sizeof(*list->connections));

    if (error == 0) {
        list->connections[list->n_connections++] = sp_key_of(diag, netns->inode);
    }
    return error;
}

struct dump {
    struct sunpath_socket_list *list;
    const struct sp_netns *netns;
};

static int on_socket(const struct sp_diag_socket *diag, void *user) {
    struct dump *dump = user;

    if (!diag->name) {
        return 0;
    }
    if (diag->state == SP_DIAG_LISTEN || diag->type == SOCK_DGRAM ||
        diag->state == SP_DIAG_UNCONNECTED) {
        return add_server(dump->list, diag, dump->netns);
    }
    return add_connection(dump->list, diag, dump->netns);
}

static int on_netns(const struct sp_netns *netns, void *user) {
    return sp_diag_each_on(netns->diag_fd, 0, on_socket,
                           &(struct dump){.list = user, .netns = netns});
}

static size_t lower_bound(const struct sp_key *keys, size_t n, const struct sp_key *key) {
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (sp_key_compare(&keys[middle], key) < 0) {
            low = middle + 1;
        } else {
            n = middle;
        }
    }
    return low;
}

/* The keys are sorted: those of one listener stand together. */
static void count_connections(struct sunpath_socket_list *list) {
    size_t n = list->n_connections;

    if (n > 0) {
        qsort(list->connections, n, sizeof(*list->connections), sp_key_compare);
    }
    for (size_t i = 0; i < list->n_entries; i++) {
        struct sp_entry *entry = &list->entries[i];
        size_t at = lower_bound(list->connections, n, &entry->key);

        while (at < n && entry->socket.state == SUNPATH_SOCKET_LISTENING &&
               sp_key_compare(&list->connections[at], &entry->key) == 0) {
            entry->socket.n_connections++;
            at++;
        }
    }
}

/* The name as bound, made absolute where that can be done. */
static void set_bound_path(struct sp_entry *entry, pid_t owner) {
    char directory[SUNPATH_NAME_MAX + 1], path[2 * SUNPATH_NAME_MAX];
    const char *slash = strrchr(entry->bound_name, '/');
    const char *name = slash ? slash + 1 : entry->bound_name;

    if (entry->bound_name[0] != '/' &&
        sp_published_directory(directory, entry->bound_name, owner)) {
        snprintf(path, sizeof(path), "%s/%s", directory, name);
        sp_entry_set_path(entry, path);
    } else {
        sp_entry_set_path(entry, entry->bound_name);
    }
}

static void publish(struct sp_entry *entry) {
    struct sunpath_socket *socket = &entry->socket;
    const struct sunpath_owner *owner = entry->n_owners > 0 ? &entry->owners[0] : NULL;
    struct sp_published published;

    if (socket->address.kind == SUNPATH_ADDRESS_ABSTRACT) {
        return;
    }
    sp_published_find(&published, &entry->diag, owner);
    if (published.path[0]) {
        sp_entry_set_path(entry, published.path);
    } else {
        set_bound_path(entry, owner ? owner->pid : 0);
    }
    socket->is_deleted = published.is_deleted;
    if (published.has_file) {
        sp_entry_set_file(entry, &published.file);
    }
}

static int compare_entries(const void *a, const void *b) {
    const struct sunpath_socket *x = &((const struct sp_entry *)a)->socket;
    const struct sunpath_socket *y = &((const struct sp_entry *)b)->socket;
    size_t n = x->address.n_name < y->address.n_name ? x->address.n_name : y->address.n_name;
    int order = (int)x->address.kind - (int)y->address.kind;

    if (order == 0) {
        order = memcmp(x->address.name, y->address.name, n);
    }
    if (order == 0 && x->address.n_name != y->address.n_name) {
        order = x->address.n_name < y->address.n_name ? -1 : 1;
    }
    return order ? order : (x->inode > y->inode) - (x->inode < y->inode);
}

/* The pointers the caller sees, once nothing moves any more. */
static void settle(struct sunpath_socket_list *list) {
    if (list->n_entries > 0) {
        qsort(list->entries, list->n_entries, sizeof(*list->entries), compare_entries);
    }
    for (size_t i = 0; i < list->n_entries; i++) {
        struct sp_entry *entry = &list->entries[i];
        struct sunpath_socket *socket = &entry->socket;

        socket->owners = entry->owners;
        socket->n_owners = entry->n_owners;
        if (entry->bound_name && socket->address.kind == SUNPATH_ADDRESS_PATH &&
            strcmp(entry->bound_name, socket->address.name) != 0) {
            socket->bound_name = entry->bound_name;
        }
    }
}

static int take(struct sunpath_socket_list *list, const char *const *directories) {
    struct sp_netns_blind blind = {0};
    int error = sp_netns_each(on_netns, list, &blind);

    if (error < 0) {
        return error;
    }
    list->blind.n_namespaces = blind.n_namespaces;
    count_connections(list);
    error = sp_inventory_find_owners(list);
    if (error < 0) {
        return error;
    }
    for (size_t i = 0; i < list->n_entries; i++) {
        publish(&list->entries[i]);
    }
    error =
        sp_inventory_find_stale(list, directories, blind.n_namespaces > 0 || blind.n_processes > 0);
    if (error == 0) {
        settle(list);
    }
    return error;
}

static void free_listp(struct sunpath_socket_list **list) {
    *list = sunpath_socket_list_free(*list);
}

int sunpath_socket_list_take(struct sunpath_socket_list **ret, const char *const *directories) {
    _cleanup_(free_listp) struct sunpath_socket_list *list = calloc(1, sizeof(*list));
    int error;

    if (!list) {
        return -ENOMEM;
    }
    error = take(list, directories);
    if (error < 0) {
        return error;
    }
    *ret = sp_take_ptr(&list);
    return 0;
}

struct sunpath_socket_list *sunpath_socket_list_free(struct sunpath_socket_list *list) {
    if (!list) {
        return NULL;
    }
    for (size_t i = 0; i < list->n_entries; i++) {
        free(list->entries[i].bound_name);
        free(list->entries[i].owners);
    }
    free(list->entries);
    free(list->connections);
    free(list);
    return NULL;
}

size_t sunpath_socket_list_count(const struct sunpath_socket_list *list) {
    return list->n_entries;
}

const struct sunpath_socket *sunpath_socket_list_at(const struct sunpath_socket_list *list,
                                                    size_t index) {
    return index < list->n_entries ? &list->entries[index].socket : NULL;
}

const struct sunpath_blind_spots *sunpath_socket_list_blind_spots(
    const struct sunpath_socket_list *list) {
    return &list->blind;
}
