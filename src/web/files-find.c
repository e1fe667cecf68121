/* SPDX-License-Identifier: MIT */
/* files-find.c - which file answers a request for a name. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/fd.h"
#include "web/files.h"
#include "wire/negotiate.h"

/* Opens `name`, which must be a regular file: a directory is as good as nothing. */
static int open_regular(struct sp_found *ret, const struct sunpath_files *files, const char *name) {
    int fd = sp_files_open_below(files->root_fd, name, files->options.refuses_links, &ret->stat);

    if (fd >= 0 && S_ISDIR(ret->stat.st_mode)) {
        sp_close(fd);
        return -ENOENT;
    }
    ret->fd = fd;
    ret->name = name;
    return fd < 0 ? fd : SP_FILES_FILE;
}

static bool is_absent(int r) {
    return r == -ENOENT || r == -ENOTDIR || r == -ENAMETOOLONG;
}

/* Tries each of these names behind the first `n` bytes of `name`. */
static int open_one_of(struct sp_found *ret, const struct sunpath_files *files, char *name,
                       size_t n, const char *const *endings) {
    int r = -ENOENT;

    for (size_t i = 0; endings && endings[i] && is_absent(r); i++) {
        strcpy(name + n, endings[i]); /* there is room: sunpath_files_open() */
        r = open_regular(ret, files, name);
    }
    if (r < 0) {
        name[n] = '\0';
    }
    return r;
}

/* ---- variants -------------------------------------------------------------------------------- */

static const struct variant {
    const char *ending;
    const char *coding;
    const char *alias;
} variants[] = {{".br", "br", NULL}, {".zst", "zstd", NULL}, {".gz", "gzip", "x-gzip"}};

/* The one the client wants most that was not tried yet, or NULL. */
static const struct variant *next_variant(struct sp_slice accepted, unsigned *tried) {
    int identity = sp_accept_token_weight_named(accepted, "identity"), best = 0;
    const struct variant *ret = NULL;

    for (size_t i = 0; i < SP_ARRAY_SIZE(variants); i++) {
        int weight = sp_accept_token_weight(accepted, variants[i].coding, variants[i].alias);

        if (!(*tried & 1U << i) && weight > best && weight >= identity) {
            best = weight;
            ret = &variants[i];
        }
    }
    *tried |= ret ? 1U << (ret - variants) : 0;
    return ret;
}

/* Exchanges the file for one that is compressed already, if there is one the client takes. */
static void choose_variant(struct sp_found *found, const struct sunpath_files *files,
                           struct sunpath_http_exchange *exchange, char *name) {
    struct sp_slice accepted = sp_http_exchange_join(exchange, "Accept-Encoding", NULL);
    const struct variant *variant;
    size_t n = strlen(name);
    unsigned tried = 0;

    while (accepted.data && (variant = next_variant(accepted, &tried))) {
        struct sp_found other = *found;

        strcpy(name + n, variant->ending);
        if (open_regular(&other, files, name) == SP_FILES_FILE) {
            sp_close(found->fd);
            *found = other;
            found->encoding = variant->coding;
            break;
        }
    }
    name[n] = '\0'; /* the type is that of what comes out of it */
}

/* ---- names ----------------------------------------------------------------------------------- */

static int find_index(struct sp_found *ret, const struct sunpath_files *files, char *name,
                      size_t n) {
    int r = open_one_of(ret, files, name, n, files->options.index_names);

    if (!is_absent(r)) {
        return r;
    }
    ret->fd = sp_files_open_below(files->root_fd, name, files->options.refuses_links, &ret->stat);
    ret->name = name;
    return ret->fd < 0 ? ret->fd : SP_FILES_DIRECTORY;
}

static int find_file(struct sp_found *ret, const struct sunpath_files *files, char *name,
                     size_t n) {
    ret->fd = sp_files_open_below(files->root_fd, name, files->options.refuses_links, &ret->stat);
    ret->name = name;
    if (ret->fd >= 0 && S_ISDIR(ret->stat.st_mode)) {
        ret->fd = sp_close(ret->fd);
        return SP_FILES_NO_SLASH;
    }
    if (is_absent(ret->fd)) {
        return open_one_of(ret, files, name, n, files->options.extensions);
    }
    return ret->fd < 0 ? ret->fd : SP_FILES_FILE;
}

static bool has_extension(const char *name) {
    const char *slash = strrchr(name, '/');

    return strchr(slash ? slash : name, '.');
}

static bool names_html(struct sp_slice accepted) {
    struct sp_accept_item item;
    const char *at = accepted.data;

    while (at && sp_accept_next(&item, &at, accepted.data + accepted.size)) {
        if (item.value.size == 9 && strncasecmp(item.value.data, "text/html", 9) == 0) {
            return item.weight > 0;
        }
    }
    return false;
}

/* For what may be a page of the program's, and not one of its parts. */
static int find_fallback(struct sp_found *ret, const struct sunpath_files *files,
                         struct sunpath_http_exchange *exchange, char *name) {
    int r;

    if (has_extension(name)) { /* then browsers get a page where others get 404 */
        r = sunpath_http_add_header(exchange, "Vary", "Accept");
        if (r < 0 || !names_html(sp_http_exchange_join(exchange, "Accept", NULL))) {
            return r < 0 ? r : -ENOENT;
        }
    }
    strcpy(name, files->options.fallback);
    r = open_regular(ret, files, name);
    ret->is_fallback = true;
    return r;
}

int sp_files_find(struct sp_found *ret, const struct sunpath_files *files,
                  struct sunpath_http_exchange *exchange, char *name) {
    size_t n = strlen(name);
    bool is_directory = n == 0 || name[n - 1] == '/';
    int r;

    *ret = (struct sp_found){.fd = -1};
    r = is_directory ? find_index(ret, files, name, n) : find_file(ret, files, name, n);
    if (files->options.fallback &&
        (is_absent(r) || (r == SP_FILES_DIRECTORY && !files->options.lists_directories))) {
        ret->fd = sp_close(ret->fd);
        r = find_fallback(ret, files, exchange, name);
    }
    if (r == SP_FILES_FILE && files->options.precompressed) {
        choose_variant(ret, files, exchange, name);
    }
    return r;
}
