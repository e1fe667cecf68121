/* SPDX-License-Identifier: MIT */
/* inventory-stale.c - socket files that nobody serves. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "inspect/inventory.h"
#include "os/fd.h"
#include "os/mounts.h"

/* Directories that were looked at, and the files served. Both sorted when they are searched. */
struct hunt {
    struct sunpath_socket_list *list;
    struct sp_key *served;
    size_t n_served;
    struct sp_key *seen; /* directories, by device and inode */
    size_t n_seen;
    bool is_blind;
    size_t n_unplaced; /* live entries whose file was not found yet */
    size_t n_live;     /* entries that are no stale files: those behind them are */
};

static bool is_served(const struct hunt *hunt, const struct stat *file) {
    struct sp_key key = {file->st_dev, (uint32_t)file->st_ino};

    return hunt->n_served > 0 &&
           bsearch(&key, hunt->served, hunt->n_served, sizeof(key), sp_key_compare);
}

/* The file of a live socket whose bound name did not lead here. */
static void place(struct hunt *hunt, const char *path, const struct stat *file) {
    struct sp_key key = {file->st_dev, (uint32_t)file->st_ino};

    for (size_t i = 0; i < hunt->n_live && hunt->n_unplaced > 0; i++) {
        struct sp_entry *entry = &hunt->list->entries[i];

        if (!entry->socket.has_file && sp_key_compare(&entry->key, &key) == 0) {
            sp_entry_set_path(entry, path);
            sp_entry_set_file(entry, file);
            entry->socket.is_deleted = false;
            hunt->n_unplaced--;
        }
    }
}

static int add_stale(struct hunt *hunt, const char *path, const struct stat *file) {
    struct sp_entry *entry = sp_entry_add(hunt->list);

    if (!entry) {
        return -ENOMEM;
    }
    entry->key = (struct sp_key){file->st_dev, (uint32_t)file->st_ino};
    entry->socket = (struct sunpath_socket){.state = hunt->is_blind ? SUNPATH_SOCKET_UNKNOWN
                                                                    : SUNPATH_SOCKET_STALE,
                                            .has_file = true,
                                            .mode = file->st_mode & 07777,
                                            .file_uid = file->st_uid,
                                            .file_gid = file->st_gid};
    sp_entry_set_path(entry, path);
    entry->socket.address.type = SUNPATH_STREAM;
    return 0;
}

static bool is_new_directory(struct hunt *hunt, int fd) {
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return false;
    }
    for (size_t i = 0; i < hunt->n_seen; i++) {
        if (hunt->seen[i].a == st.st_dev && hunt->seen[i].b == st.st_ino) {
            return false;
        }
    }
    hunt->seen[hunt->n_seen++] = (struct sp_key){st.st_dev, st.st_ino};
    return true;
}

static int look_at(struct hunt *hunt, int fd, const char *directory, const char *name) {
    const char *glue = directory[strlen(directory) - 1] == '/' ? "" : "/";
    char path[SUNPATH_NAME_MAX + 257];
    struct stat file, parent;

    if (fstatat(fd, name, &file, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(file.st_mode)) {
        return 0;
    }
    if (fstat(fd, &parent) == 0 && parent.st_dev == file.st_dev) {
        sp_stat_whole(&file, fd);
    }
    snprintf(path, sizeof(path), "%s%s%s", directory, glue, name);
    if (!is_served(hunt, &file)) {
        return add_stale(hunt, path, &file);
    }
    place(hunt, path, &file);
    return 0;
}

static int look_into(struct hunt *hunt, const char *directory) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 && is_new_directory(hunt, fd) ? fdopendir(fd) : NULL;
    struct dirent *entry;
    int error = 0;

    if (!dir) {
        sp_close(fd);
        return 0; /* not there, not ours to read, or looked at already */
    }
    while (error == 0 && (entry = readdir(dir))) {
        if (entry->d_type == DT_SOCK || entry->d_type == DT_UNKNOWN) {
            error = look_at(hunt, dirfd(dir), directory, entry->d_name);
        }
    }
    closedir(dir);
    return error;
}

static int look_beside(struct hunt *hunt, const struct sunpath_socket *socket) {
    char directory[SUNPATH_NAME_MAX + 1];
    const char *slash;

    if (socket->address.kind != SUNPATH_ADDRESS_PATH || socket->address.name[0] != '/') {
        return 0;
    }
    slash = strrchr(socket->address.name, '/');
    snprintf(directory, sizeof(directory), "%.*s",
             slash == socket->address.name ? 1 : (int)(slash - socket->address.name),
             socket->address.name);
    return look_into(hunt, directory);
}

/* One that came to life after the picture was taken is no stale file. */
static int on_second_look(const struct sp_diag_socket *diag, void *user) {
    struct hunt *hunt = user;
    struct sunpath_socket_list *list = hunt->list;
    struct sp_key key;

    if (!diag->has_file || (diag->state == SP_DIAG_CONNECTED && diag->type != SOCK_DGRAM)) {
        return 0;
    }
    key = sp_key_of(diag, 0);
    for (size_t i = hunt->n_live; i < list->n_entries; i++) {
        if (sp_key_compare(&list->entries[i].key, &key) == 0) {
            list->entries[i] = list->entries[--list->n_entries];
            break;
        }
    }
    return 0;
}

static int on_second_netns(const struct sp_netns *netns, void *user) {
    return sp_diag_each_on(netns->diag_fd, 0, on_second_look, user);
}

static int hunt_all(struct hunt *hunt, const char *const *directories) {
    int error = 0;

    for (size_t i = 0; i < hunt->n_live && error == 0; i++) {
        error = look_beside(hunt, &hunt->list->entries[i].socket);
    }
    for (size_t i = 0; directories && directories[i] && error == 0; i++) {
        error = directories[i][0] ? look_into(hunt, directories[i]) : 0;
    }
    if (error == 0 && hunt->list->n_entries > hunt->n_live) {
        error = sp_netns_each(on_second_netns, hunt, NULL);
    }
    return error;
}

int sp_inventory_find_stale(struct sunpath_socket_list *list, const char *const *directories,
                            bool is_blind) {
    struct hunt hunt = {.list = list, .is_blind = is_blind, .n_live = list->n_entries};
    size_t n_directories = 0;
    int error = -ENOMEM;

    while (directories && directories[n_directories]) {
        n_directories++;
    }
    hunt.served = calloc(hunt.n_live + 1, sizeof(*hunt.served));
    hunt.seen = calloc(hunt.n_live + n_directories + 1, sizeof(*hunt.seen));
    if (hunt.served && hunt.seen) {
        for (size_t i = 0; i < hunt.n_live; i++) {
            hunt.served[hunt.n_served++] = list->entries[i].key;
            hunt.n_unplaced += list->entries[i].diag.has_file && !list->entries[i].socket.has_file;
        }
        qsort(hunt.served, hunt.n_served, sizeof(*hunt.served), sp_key_compare);
        error = hunt_all(&hunt, directories);
    }
    free(hunt.served);
    free(hunt.seen);
    return error;
}
