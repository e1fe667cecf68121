/* SPDX-License-Identifier: MIT */
/* servers.c - find who serves a file or a name, in every network namespace. */

#include "inspect/servers.h"

#include <string.h>
#include <sys/un.h>

struct search {
    struct sp_server *found;
    const struct stat *file;
    const char *name;
    size_t n_name;
};

static int on_netns(const struct sp_netns *netns, void *user) {
    struct search *search = user;
    struct sp_diag_server server;
    int error = search->file ? sp_diag_find_file_on(netns->diag_fd, &server, search->file)
                             : sp_diag_find_abstract_on(netns->diag_fd, &server, search->name,
                                                        search->n_name);

    if (error < 0 || server.life <= search->found->diag.life) {
        return error;
    }
    search->found->diag = server;
    search->found->netns = netns->inode;
    search->found->is_other_netns = !netns->is_own;
    return 1;
}

static int find(struct sp_server *ret, struct search *search) {
    struct sp_server found = {0};
    int stop;

    search->found = &found;
    stop = sp_netns_each(on_netns, search, &found.blind);
    if (stop < 0) {
        return stop;
    }
    *ret = found;
    return 0;
}

int sp_server_of_file(struct sp_server *ret, const struct stat *file) {
    return find(ret, &(struct search){.file = file});
}

int sp_server_of_abstract(struct sp_server *ret, const char *name, size_t n_name) {
    return find(ret, &(struct search){.name = name, .n_name = n_name});
}

size_t sp_wire_name(char ret[SUNPATH_NAME_MAX + 1], const struct sunpath_address *address) {
    const size_t whole = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

    memset(ret, 0, SUNPATH_NAME_MAX + 1);
    memcpy(ret, address->name, address->n_name);
    return address->is_padded && address->n_name < whole ? whole : address->n_name;
}
