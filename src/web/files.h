/* SPDX-License-Identifier: MIT */
/* files.h - what the parts of the file server know of each other. */

#ifndef SP_WEB_FILES_H
#define SP_WEB_FILES_H

#include <limits.h>
#include <sys/stat.h>

#include <sunpath/files.h>

#include "serve/http-server.h"
#include "wire/http-range.h"

#define SP_FILES_COMPONENT_ROOM 256              /* NAME_MAX and a NUL */
#define SP_FILES_ENDING_MAX     250              /* bytes of an index' name or an extension */
#define SP_FILES_NAME_ROOM      (PATH_MAX - 260) /* so that these fit behind a name */

struct sp_files_pair {
    char *name;
    char *value;
};

struct sp_files_pairs {
    struct sp_files_pair *pairs;
    size_t n_pairs;
};

struct sunpath_files {
    int root_fd;                          /* O_PATH */
    struct sunpath_files_options options; /* its strings are in the arena */
    char cache_control[64];               /* or "" */
    struct sp_arena arena;
    const char **known_types; /* as they are told, with "charset" */
    struct sp_files_pairs types;
    struct sp_files_pairs headers;
};

/* A file that was found, or a directory. */
struct sp_found {
    int fd;
    struct stat stat;
    const char *name;     /* below the root; tells the type */
    const char *encoding; /* of a precompressed variant, or NULL */
    bool is_fallback;
};

/* files-name.c */
/*
 * Undoes the percent-encoding of a path into `name`, below the root and without a slash in front,
 * which has room for PATH_MAX bytes less what may be put behind it. -EBADMSG (a malformed escape, a
 * NUL), -ENOENT: no file has such a name ("..", an encoded slash, an empty component, too long).
 */
int sp_files_decode(char *name, const char *path);
/* The same checks of a name that is decoded already. */
int sp_files_check_name(const char *name);
/* Does a component begin with a dot, but for a leading ".well-known"? */
bool sp_files_has_dot(const char *name);

/* files-open.c */
/*
 * Opens a regular file or a directory below `root_fd`, never outside, for reading, without waiting.
 * A descriptor, or -ENOENT, -ENOTDIR, -EACCES, -EXDEV and -ELOOP (a link that is not followed),
 * -ENXIO (something else), ...
 */
int sp_files_open_below(int root_fd, const char *name, bool refuses_links, struct stat *ret);

/* files-find.c */
enum sp_files_kind {
    SP_FILES_FILE = 0,
    SP_FILES_DIRECTORY, /* without an index; it is open */
    SP_FILES_NO_SLASH   /* a directory, asked for without its slash; nothing is open */
};
/*
 * Finds what answers a request for `name`, which lies in PATH_MAX bytes that *ret then points into.
 * An enum sp_files_kind, or an error as sp_files_open_below() has them.
 */
int sp_files_find(struct sp_found *ret, const struct sunpath_files *files,
                  struct sunpath_http_exchange *exchange, char *name);

/* files-type.c: -ENOMEM */
int sp_files_types_init(struct sunpath_files *files);

/* files-send.c: owns found->fd when it returns 0 */
int sp_files_send(const struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                  struct sp_found *found);

/* files-parts.c */
/*
 * Begins the answer to a request for several ranges, multipart/byteranges (RFC 9110 14.6), and
 * sends them. Owns `fd` when it returns 0.
 */
int sp_files_send_parts(struct sunpath_http_exchange *exchange, int fd, uint64_t whole,
                        const char *type, const struct sp_http_range *ranges, size_t n_ranges);

/* files-list.c: owns `fd` in any case. `name` is the directory's, with room for an entry's behind.
 */
int sp_files_list(const struct sunpath_files *files, struct sunpath_http_exchange *exchange, int fd,
                  char *name);

#endif
