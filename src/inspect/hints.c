/* SPDX-License-Identifier: MIT */
/* hints.c - what to say of a path that is not there, or that nobody serves. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "inspect/examine-parts.h"
#include "os/fd.h"
#include "os/mounts.h"

enum {
    MAX_SIMILAR = 2,      /* names that are shown */
    MAX_ENTRIES = 10000,  /* of a directory that are looked at */
    MAX_COMPARED = 64,    /* bytes of a name */
    UNLIKE = MAX_COMPARED /* a distance no similar name has */
};

static size_t smallest(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* How many single bytes must be changed, added or taken away (Levenshtein), case aside. */
static size_t edits(const char *a, size_t n_a, const char *b, size_t n_b) {
    size_t row[MAX_COMPARED + 1];

    for (size_t j = 0; j <= n_b; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t above = row[j];

            row[j] = smallest(above + 1, row[j - 1] + 1,
                              diagonal + (strncasecmp(a + i - 1, b + j - 1, 1) != 0));
            diagonal = above;
        }
    }
    return row[n_b];
}

/* How unlike two names are; UNLIKE when they have nothing to do with each other. */
static size_t distance(const char *a, const char *b) {
    size_t n_a = strlen(a), n_b = strlen(b);
    size_t shorter = n_a < n_b ? n_a : n_b;
    size_t d;

    if (n_a > MAX_COMPARED || n_b > MAX_COMPARED || shorter == 0) {
        return UNLIKE;
    }
    if (shorter >= 3 && strncasecmp(a, b, shorter) == 0) {
        return 1; /* "app.sock" and "app.socket" */
    }
    d = edits(a, n_a, b, n_b);
    return d <= (shorter + 2) / 3 && d < shorter ? d : UNLIKE;
}

/* The best so far, most alike first. */
struct similar {
    char names[MAX_SIMILAR][MAX_COMPARED + 1];
    size_t distances[MAX_SIMILAR];
};

static void offer(struct similar *similar, const char *name, size_t d) {
    size_t at = 0;

    while (at < MAX_SIMILAR && similar->distances[at] <= d) {
        at++;
    }
    if (d == UNLIKE || at == MAX_SIMILAR) {
        return;
    }
    for (size_t i = MAX_SIMILAR - 1; i > at; i--) {
        memcpy(similar->names[i], similar->names[i - 1], sizeof(similar->names[i]));
        similar->distances[i] = similar->distances[i - 1];
    }
    memcpy(similar->names[at], name, strlen(name) + 1); /* alike, so not too long */
    similar->distances[at] = d;
}

static void show_similar(char *buffer, size_t n_buffer, const struct similar *similar) {
    for (size_t i = 0; i < MAX_SIMILAR && similar->distances[i] != UNLIKE; i++) {
        size_t used = strlen(buffer);
        struct sp_shown shown;

        snprintf(buffer + used, n_buffer - used, "%s'%s'", i > 0 ? " or " : "",
                 sp_show(&shown, similar->names[i], strlen(similar->names[i])));
    }
}

void sp_hint_similar(char *buffer, size_t n_buffer, int directory_fd, const char *name) {
    struct similar similar;
    struct dirent *entry;
    DIR *dir = NULL;
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    buffer[0] = '\0';
    if (fd < 0 || !(dir = fdopendir(fd))) {
        sp_close(fd);
        return;
    }
    for (size_t i = 0; i < MAX_SIMILAR; i++) {
        similar.distances[i] = UNLIKE;
    }
    for (int i = 0; i < MAX_ENTRIES && (entry = readdir(dir)); i++) {
        /* never a regular file: a lock that was left, say */
        if (entry->d_type != DT_REG && (entry->d_name[0] != '.' || name[0] == '.')) {
            offer(&similar, entry->d_name, distance(name, entry->d_name));
        }
    }
    closedir(dir);
    show_similar(buffer, n_buffer, &similar);
}

struct lost_search {
    struct sp_lost *found;
    const char *path, *resolved;
    bool is_other_netns;
};

/* A listener of ours is bound under a temporary name and renamed. */
static bool is_temporary_of(const struct sp_diag_socket *socket, const char *path) {
    size_t n_directory = (size_t)(strrchr(path, '/') + 1 - path);
    char name[SP_BESIDE_N_TEMPORARY];

    sp_beside_temporary(name, path + n_directory, SP_BESIDE_NEW);
    return socket->n_name == n_directory + strlen(name) &&
           memcmp(socket->name, path, n_directory) == 0 &&
           memcmp(socket->name + n_directory, name, strlen(name)) == 0;
}

static bool is_named(const struct sp_diag_socket *socket, const char *path) {
    if (path[0] != '/') {
        return false;
    }
    return (strlen(path) == socket->n_name && memcmp(path, socket->name, socket->n_name) == 0) ||
           is_temporary_of(socket, path);
}

static int on_lost_socket(const struct sp_diag_socket *socket, void *user) {
    struct lost_search *search = user;
    bool is_server = socket->state == SP_DIAG_LISTEN || socket->type == SOCK_DGRAM;

    if (!is_server || !socket->name ||
        (!is_named(socket, search->path) && !is_named(socket, search->resolved))) {
        return 0;
    }
    *search->found =
        (struct sp_lost){.inode = socket->inode, .is_other_netns = search->is_other_netns};
    return 1;
}

static int on_lost_netns(const struct sp_netns *netns, void *user) {
    struct lost_search *search = user;

    search->is_other_netns = !netns->is_own;
    return sp_diag_each_on(netns->diag_fd, 0, on_lost_socket, search);
}

int sp_hint_lost(struct sp_lost *ret, const char *path, const char *resolved) {
    struct sp_lost found = {0};
    struct lost_search search = {.found = &found, .path = path, .resolved = resolved};
    int stop = sp_netns_each(on_lost_netns, &search, NULL);

    if (stop < 0) {
        return stop;
    }
    *ret = found;
    return 0;
}

struct mount_search {
    const char *path;
    char *buffer;
    size_t n_buffer;
};

static int on_deleted_mount(const struct sp_mount *mount, void *user) {
    static const char suffix[] = "//deleted";
    struct mount_search *search = user;
    size_t n = strlen(mount->root);
    size_t n_source = n > strlen(suffix) ? n - strlen(suffix) : 0;

    if (n_source == 0 || strcmp(mount->root + n_source, suffix) != 0 ||
        strcmp(mount->point, search->path) != 0) {
        return 0;
    }
    snprintf(search->buffer, search->n_buffer, "%.*s", (int)n_source, mount->root);
    return 1;
}

int sp_hint_deleted_mount(char *buffer, size_t n_buffer, const char *path) {
    struct mount_search search = {.path = path, .buffer = buffer, .n_buffer = n_buffer};
    int stop;

    buffer[0] = '\0';
    stop = sp_mounts_each(on_deleted_mount, &search);
    return stop < 0 ? stop : 0;
}

/* What of `path` lies below `directory`, beginning with "/"; NULL when it lies elsewhere. */
static const char *below(const char *path, const char *directory, size_t n_directory) {
    if (strncmp(path, directory, n_directory) != 0 || path[n_directory] != '/') {
        return NULL;
    }
    return path + n_directory;
}

/* Does somebody listen at <directory><rest>? Then that is put into the buffer. */
static bool try_other_side(struct mount_search *search, const char *directory, size_t n_directory,
                           const char *rest) {
    _cleanup_(sp_closep) int fd = -1;
    struct sp_server server;
    struct stat st;

    if (!rest || snprintf(search->buffer, search->n_buffer, "%.*s%s", (int)n_directory, directory,
                          rest) >= (int)search->n_buffer) {
        return false;
    }
    fd = open(search->buffer, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) {
        sp_stat_whole(&st, fd);
        if (sp_server_of_file(&server, &st) == 0 && server.diag.life == SP_DIAG_ALIVE) {
            return true;
        }
    }
    search->buffer[0] = '\0';
    return false;
}

/* One directory the overlay is made of. */
static bool try_layer(struct mount_search *search, const struct sp_mount *mount, const char *layer,
                      size_t n_layer) {
    size_t n_point = strlen(mount->point);

    return try_other_side(search, mount->point, n_point, below(search->path, layer, n_layer)) ||
           try_other_side(search, layer, n_layer, below(search->path, mount->point, n_point));
}

static int on_overlay(const struct sp_mount *mount, void *user) {
    static const char *const keys[] = {"upperdir=", "lowerdir="};
    struct mount_search *search = user;

    if (strcmp(mount->type, "overlay") != 0) {
        return 0;
    }
    for (size_t i = 0; i < SP_ARRAY_SIZE(keys); i++) {
        const char *value = strstr(mount->options, keys[i]);

        value = value ? value + strlen(keys[i]) : "";
        while (*value && *value != ',') {
            size_t n = strcspn(value, ":,");

            if (try_layer(search, mount, value, n)) {
                return 1;
            }
            value += n + (value[n] == ':');
        }
    }
    return 0;
}

int sp_hint_overlay(char *buffer, size_t n_buffer, const char *path) {
    struct mount_search search = {.path = path, .buffer = buffer, .n_buffer = n_buffer};
    int stop;

    buffer[0] = '\0';
    stop = path[0] == '/' ? sp_mounts_each(on_overlay, &search) : 0;
    return stop < 0 ? stop : 0;
}
