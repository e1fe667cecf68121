/* SPDX-License-Identifier: MIT */
/* files-list.c - what is in a directory, as a page or as JSON. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/fd.h"
#include "web/files.h"
#include "wire/http-date.h"
#include "wire/negotiate.h"

#define MAX_ENTRIES 10000
#define MAX_SIZE    ((size_t)8 * 1024 * 1024)

struct entry {
    const char *name;
    int64_t modified;
    uint64_t size;
    bool is_directory;
};

struct listing {
    struct sp_arena arena;
    struct entry *entries;
    size_t n_entries, n_room;
    bool is_cut; /* there are more */
    struct sp_buffer text;
    int error; /* of writing the text */
};

/* ---- reading --------------------------------------------------------------------------------- */

/* What would be served under that name, links followed as they would be. */
static bool look(struct stat *ret, const struct sunpath_files *files, int fd, char *path,
                 size_t n_path, const char *name) {
    int linked_fd;

    if (fstatat(fd, name, ret, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
        return false;
    }
    if (!S_ISLNK(ret->st_mode)) {
        return S_ISREG(ret->st_mode) || S_ISDIR(ret->st_mode);
    }
    if (strlen(name) > NAME_MAX) { /* some file systems count characters, and not bytes */
        return false;
    }
    strcpy(path + n_path, name); /* there is room */
    linked_fd = sp_files_open_below(files->root_fd, path, files->options.refuses_links, ret);
    path[n_path] = '\0';
    sp_close(linked_fd);
    return linked_fd >= 0;
}

static int add_entry(struct listing *listing, const char *name, const struct stat *stat) {
    struct entry *entry;

    if (listing->n_entries == listing->n_room) {
        size_t n = listing->n_room ? 2 * listing->n_room : 64;
        struct entry *larger = realloc(listing->entries, n * sizeof(*larger));

        if (!larger) {
            return -ENOMEM;
        }
        listing->entries = larger;
        listing->n_room = n;
    }
    entry = &listing->entries[listing->n_entries];
    *entry = (struct entry){
        .name = sp_arena_copy(&listing->arena, name, strlen(name)),
        .modified = stat->st_mtim.tv_sec,
        .size = (uint64_t)stat->st_size,
        .is_directory = S_ISDIR(stat->st_mode),
    };
    listing->n_entries += entry->name != NULL;
    return entry->name ? 0 : -ENOMEM;
}

static int compare(const void *a, const void *b) {
    const struct entry *left = a, *right = b;

    if (left->is_directory != right->is_directory) {
        return left->is_directory ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

/* Owns the stream. */
static int read_entries(struct listing *listing, const struct sunpath_files *files, DIR *stream,
                        char *path) {
    bool shows_dots = files->options.dotfiles == SUNPATH_DOTFILES_SERVED;
    size_t n_path = strlen(path);
    struct dirent *dirent;
    int r = 0;

    while (r == 0 && (dirent = readdir(stream))) {
        const char *name = dirent->d_name;
        struct stat stat;

        if (name[0] == '.' && (!shows_dots || sp_files_check_name(name) < 0)) {
            continue;
        }
        if (!look(&stat, files, dirfd(stream), path, n_path, name)) {
            continue;
        }
        if (listing->n_entries == MAX_ENTRIES) {
            listing->is_cut = true;
            break;
        }
        r = add_entry(listing, name, &stat);
    }
    if (listing->n_entries > 0) {
        qsort(listing->entries, listing->n_entries, sizeof(struct entry), compare);
    }
    return r;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put(struct listing *listing, const char *text, size_t size) {
    if (listing->error == 0) {
        listing->error = sp_buffer_append(&listing->text, text, size, MAX_SIZE);
    }
}

static void print(struct listing *listing, const char *format, ...) SUNPATH_PRINTF(2, 3);
static void print(struct listing *listing, const char *format, ...) {
    char text[512];
    va_list args;

    va_start(args, format);
    put(listing, text, (size_t)vsnprintf(text, sizeof(text), format, args)); /* all are shorter */
    va_end(args);
}

static void put_html(struct listing *listing, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '&':
            put(listing, "&amp;", 5);
            break;
        case '<':
            put(listing, "&lt;", 4);
            break;
        case '>':
            put(listing, "&gt;", 4);
            break;
        case '"':
            put(listing, "&quot;", 6);
            break;
        default:
            put(listing, text, 1);
        }
    }
}

/* As one segment of a relative reference (RFC 3986 4.2): no colon, so it is no scheme. */
static void put_href(struct listing *listing, const char *name) {
    for (; *name; name++) {
        if (strchr("-._~!$()*,;=@", *name) || (*name >= '0' && *name <= '9') ||
            ((*name | 0x20) >= 'a' && (*name | 0x20) <= 'z')) {
            put(listing, name, 1);
        } else {
            print(listing, "%%%02X", (unsigned char)*name);
        }
    }
}

/* What is no UTF-8 becomes U+FFFD: JSON has no other way. */
static void put_json_string(struct listing *listing, const char *text) {
    size_t left = strlen(text), used;
    char escaped[4];

    put(listing, "\"", 1);
    for (; left > 0; text += used, left -= used) {
        size_t n = sp_escape_next(escaped, &used, text, left);

        if (*text == '"' || *text == '\\') {
            print(listing, "\\%c", *text);
        } else if (n == used && memcmp(escaped, text, n) == 0) {
            put(listing, text, n);
        } else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            print(listing, "\\u%04x", (unsigned char)*text);
        } else {
            print(listing, "\\ufffd");
        }
    }
    put(listing, "\"", 1);
}

static void put_row(struct listing *listing, const struct entry *entry) {
    time_t modified = (time_t)entry->modified;
    char when[32] = "", amount[32] = "";
    struct tm tm;

    if (gmtime_r(&modified, &tm)) {
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
    }
    if (!entry->is_directory) {
        snprintf(amount, sizeof(amount), "%" PRIu64, entry->size);
    }
    print(listing, "<tr><td><a href=\"");
    put_href(listing, entry->name);
    print(listing, "%s\">", entry->is_directory ? "/" : "");
    put_html(listing, entry->name);
    print(listing, "%s</a></td><td>%s</td><td>%s</td></tr>\n", entry->is_directory ? "/" : "",
          amount, when);
}

static void put_page(struct listing *listing, const char *path) {
    print(listing, "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Index of /");
    put_html(listing, path);
    print(listing, "</title>\n<style>body{font-family:sans-serif}td{padding:0 1em 0 0}"
                   "td:nth-child(2){text-align:right}</style>\n</head>\n<body>\n<h1>Index of /");
    put_html(listing, path);
    print(listing, "</h1>\n<table>\n");
    if (*path) {
        print(listing, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    }
    for (size_t i = 0; i < listing->n_entries; i++) {
        put_row(listing, &listing->entries[i]);
    }
    print(listing, "</table>\n");
    if (listing->is_cut) {
        print(listing, "<p>There are more: only %d are shown.</p>\n", MAX_ENTRIES);
    }
    print(listing, "</body>\n</html>\n");
}

/* As nginx has it (autoindex_format json). */
static void put_json(struct listing *listing) {
    print(listing, "[");
    for (size_t i = 0; i < listing->n_entries; i++) {
        const struct entry *entry = &listing->entries[i];
        char date[SP_HTTP_DATE_SIZE + 1];

        *sp_http_write_date(date, entry->modified) = '\0';
        print(listing, "%s\n{\"name\":", i > 0 ? "," : "");
        put_json_string(listing, entry->name);
        print(listing, ",\"type\":\"%s\",\"mtime\":\"%s\"",
              entry->is_directory ? "directory" : "file", date);
        if (!entry->is_directory) {
            print(listing, ",\"size\":%" PRIu64, entry->size);
        }
        print(listing, "}");
    }
    print(listing, "\n]\n");
}

/* ---- the answer ------------------------------------------------------------------------------ */

static int answer(struct listing *listing, struct sunpath_http_exchange *exchange,
                  const char *path) {
    static const char *const types[] = {"text/html", "application/json"};
    int chosen = sp_accept_choose_type(sp_http_exchange_join(exchange, "Accept", NULL), types, 2);
    int r;

    if (chosen == 1) {
        put_json(listing);
    } else {
        put_page(listing, path);
    }
    r = listing->error;
    if (r == -ENOBUFS) {
        return sunpath_http_fail(exchange, 507, "the directory is too large to be listed");
    }
    if (r == 0) {
        r = sunpath_http_add_header(exchange, "Vary", "Accept");
    }
    return r < 0 ? r
                 : sunpath_http_respond(
                       exchange, 200, chosen == 1 ? "application/json" : "text/html; charset=utf-8",
                       sp_buffer_bytes(&listing->text), sp_buffer_size(&listing->text));
}

int sp_files_list(const struct sunpath_files *files, struct sunpath_http_exchange *exchange, int fd,
                  char *name) {
    struct listing listing = {0};
    DIR *stream = fdopendir(fd);
    int r;

    if (!stream) {
        r = -errno;
        sp_close(fd);
        return r;
    }
    r = read_entries(&listing, files, stream, name);
    closedir(stream);
    if (r == 0) {
        r = answer(&listing, exchange, name);
    }
    free(listing.entries);
    sp_buffer_deinit(&listing.text);
    sp_arena_deinit(&listing.arena);
    return r;
}
