/* SPDX-License-Identifier: MIT */
/* files.h - the files of a directory over HTTP, and nothing outside of it. */

#ifndef SUNPATH_FILES_H
#define SUNPATH_FILES_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Serves what is below a directory:
 *
 *     sunpath_files_open(&files, "/srv/site", NULL, &error);
 *     sunpath_http_server_new(&server, loop, sunpath_files_handler(), files, NULL);
 *
 * or, in any handler, one request by one call of sunpath_files_serve().
 *
 * GET and HEAD with ETag and Last-Modified, conditional requests (RFC 9110 13), ranges (14), one or
 * several, and If-Range. A directory is answered with its index, or with 301 to its name with a
 * slash. What is not there is 404; what may not be read, is no regular file, or is a link that
 * leads outside is 403; other methods are 405. Errors go by way of sunpath_http_fail(), so on_error
 * may give them another look.
 *
 * No name leads outside: "..", encoded slashes, empty components and NULs are refused before the
 * file system is asked, symbolic links are followed inside of the directory alone (openat2(2); on
 * kernels without it none is followed). Fifos and devices are not opened.
 *
 * The ETag is made of the file's inode, size and time of modification in nanoseconds. It is weak
 * ("W/") while the file is younger than two seconds, since a clock that ticks every few
 * milliseconds cannot tell two changes in one tick apart; from then on it is strong.
 *
 * Files up to 8 KiB are read, larger ones go by sendfile(2). Reading may wait for the disk, and
 * with it the loop does. Who changes a file should write a new one and rename it into place: in
 * place, a client that is being sent it gets some of both.
 */
struct sunpath_files;

/* What happens to names that begin with a dot; "/.well-known/" (RFC 8615) is like any other. */
enum sunpath_files_dotfiles {
    SUNPATH_DOTFILES_HIDDEN = 0, /* 404, as if they were not there */
    SUNPATH_DOTFILES_DENIED,     /* 403 */
    SUNPATH_DOTFILES_SERVED
};

struct sunpath_files_options {
    size_t size;
    const char *const *index_names; /* NULL at the end; NULL: "index.html"; an empty list: none */
    /*
     * The file that answers with 200 where nothing is found, for pages that do their own routing:
     * to names without an extension, and to clients whose Accept names text/html. With "no-cache".
     */
    const char *fallback;
    const char *const *extensions; /* tried behind names that are not found: ".html"; NULL: none */
    enum sunpath_files_dotfiles dotfiles;
    bool lists_directories; /* that have no index, as HTML or JSON, by Accept */
    bool refuses_links;     /* follows no symbolic link at all: 403 */
    /*
     * Beside "a.js" lies "a.js.br", "a.js.zst" or "a.js.gz", and goes to clients that accept it.
     * Nobody looks whether it is up to date.
     */
    bool precompressed;
    /*
     * Cache-Control: max-age; 0: no such header; -1: "no-cache". Not "public": a cache in front
     * must not give to all what was for one with a password (RFC 9111 3.5).
     */
    int max_age_s;
    bool is_immutable;         /* and "immutable" */
    bool omits_etags;          /* no ETag header */
    bool omits_dates;          /* no Last-Modified header */
    const char *default_type;  /* of unknown names; NULL: "application/octet-stream" */
    const char *text_encoding; /* "charset" of text types; NULL: "utf-8"; "": none is told */
};

/*
 * Opens the directory, which keeps being the one that is served whatever becomes of its name.
 * Options are copied. -EINVAL (options), -ENOTDIR, -ENOENT, -EACCES, ..., -ENOMEM.
 */
SUNPATH_API int sunpath_files_open(struct sunpath_files **ret, const char *directory,
                                   const struct sunpath_files_options *options,
                                   struct sunpath_error *error);
/* Not before the servers that use it. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_files *sunpath_files_close(struct sunpath_files *files);

/*
 * Files with that extension (any case, without the dot) are of that type, whatever the library
 * knows. Copies both. -EINVAL, -ENOMEM.
 */
SUNPATH_API int sunpath_files_add_type(struct sunpath_files *files, const char *extension,
                                       const char *type);
/* What Content-Type a file of that name has. Valid until the next call that adds a type. */
SUNPATH_API const char *sunpath_files_type(const struct sunpath_files *files, const char *name);

/* A header for every file that is sent. Copies both. -EINVAL, -ENOMEM. */
SUNPATH_API int sunpath_files_add_header(struct sunpath_files *files, const char *name,
                                         const char *value);

/*
 * A handler for a server, or for sunpath_router_mount_handler(): it serves the path, or what is
 * left of it behind the prefix. The files are its `user`.
 */
SUNPATH_API const struct sunpath_http_handler *sunpath_files_handler(void);

/*
 * Answers a request whose body is read. `path` begins with "/" and is percent-encoded as in the
 * request ("/a%20b"); NULL: sunpath_http_local_path(). Errors as sunpath_http_respond().
 */
SUNPATH_API int sunpath_files_serve(struct sunpath_files *files,
                                    struct sunpath_http_exchange *exchange, const char *path);

/* Likewise, but where nothing is found (404) it answers nothing and returns -ENOENT. */
SUNPATH_API int sunpath_files_try(struct sunpath_files *files,
                                  struct sunpath_http_exchange *exchange, const char *path);

/* Likewise, of a name that is decoded already and has no slash in front: "a b/c.txt", "a b/". */
SUNPATH_API int sunpath_files_serve_name(struct sunpath_files *files,
                                         struct sunpath_http_exchange *exchange, const char *name);

/*
 * Answers with a file that is open for reading, wherever it is; `name` tells its type. Owns `fd`
 * when 0 is returned. -EINVAL: it is no regular file; else as sunpath_files_serve().
 */
SUNPATH_API int sunpath_files_send(struct sunpath_files *files,
                                   struct sunpath_http_exchange *exchange, int fd,
                                   const char *name);

#ifdef __cplusplus
}
#endif

#endif
