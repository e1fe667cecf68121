/* SPDX-License-Identifier: MIT */
/* files.c - the files of a directory over HTTP: opened, set up, asked. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sunpath/router.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "os/fd.h"
#include "web/files.h"
#include "wire/http1.h"

/* ---- opening --------------------------------------------------------------------------------- */

/* A copy, or the default. */
static int copy_text(struct sunpath_files *files, const char **text, const char *by_default) {
    const char *from = *text ? *text : by_default;

    *text = from ? sp_arena_copy(&files->arena, from, strlen(from)) : NULL;
    return from && !*text ? -ENOMEM : 0;
}

/* Copies a list of what may stand behind a name, with `front` before what does not begin with it.
 */
static int copy_endings(struct sunpath_files *files, const char *const **list, const char *front) {
    const char **copy;
    size_t n = 0;

    while (*list && (*list)[n]) {
        n++;
    }
    copy = sp_arena_alloc(&files->arena, (n + 1) * sizeof(*copy));
    if (!copy) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        const char *from = (*list)[i];
        size_t n_front = strncmp(from, front, strlen(front)) == 0 ? 0 : strlen(front);
        size_t size = n_front + strlen(from) + 1;
        char *text = sp_arena_alloc(&files->arena, size);

        if (!*from || size > SP_FILES_ENDING_MAX || sp_files_check_name(from) < 0) {
            return -EINVAL;
        }
        if (!text) {
            return -ENOMEM;
        }
        snprintf(text, size, "%.*s%s", (int)n_front, front, from);
        copy[i] = text;
    }
    copy[n] = NULL;
    *list = copy;
    return 0;
}

static int set_caching(struct sunpath_files *files) {
    int max_age_s = files->options.max_age_s;
    bool is_immutable = files->options.is_immutable;

    if (max_age_s < -1 || (is_immutable && max_age_s <= 0)) {
        return -EINVAL;
    }
    if (max_age_s < 0) {
        strcpy(files->cache_control, "no-cache");
    } else if (max_age_s > 0) {
        snprintf(files->cache_control, sizeof(files->cache_control), "max-age=%d%s", max_age_s,
                 is_immutable ? ", immutable" : "");
    }
    return 0;
}

static bool is_text(const char *text, bool (*is)(const char *text, size_t size)) {
    return !text || is(text, strlen(text));
}

static int set_options(struct sunpath_files *files) {
    static const char *const usual_index[] = {"index.html", NULL};
    struct sunpath_files_options *options = &files->options;
    int r;

    if (options->dotfiles > SUNPATH_DOTFILES_SERVED ||
        !is_text(options->default_type, sp_http_is_value) ||
        (options->text_encoding && *options->text_encoding &&
         !is_text(options->text_encoding, sp_http_is_token)) ||
        (options->fallback &&
         (!*options->fallback || sp_files_check_name(options->fallback) < 0))) {
        return -EINVAL;
    }
    options->index_names = options->index_names ? options->index_names : usual_index;
    r = copy_endings(files, &options->index_names, "");
    if (r == 0) {
        r = copy_endings(files, &options->extensions, ".");
    }
    if (r == 0) {
        r = copy_text(files, &options->fallback, NULL);
    }
    if (r == 0) {
        r = copy_text(files, &options->default_type, "application/octet-stream");
    }
    if (r == 0) {
        r = copy_text(files, &options->text_encoding, "utf-8");
    }
    if (r == 0) {
        r = set_caching(files);
    }
    return r < 0 ? r : sp_files_types_init(files);
}

static int fail_to_open(struct sunpath_error *error, int code, const char *directory) {
    struct sp_shown shown;

    errno = -code;
    return sp_fail(error, code, sp_reason_of_errno(code), "open files", "'%s': %m",
                   sp_show(&shown, directory, strlen(directory)));
}

static int open_root(struct sunpath_files *files, const char *directory,
                     struct sunpath_error *error) {
    files->root_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (files->root_fd < 0 || faccessat(files->root_fd, ".", X_OK, AT_EACCESS) < 0) {
        return fail_to_open(error, -errno, directory);
    }
    return 0;
}

int sunpath_files_open(struct sunpath_files **ret, const char *directory,
                       const struct sunpath_files_options *options, struct sunpath_error *error) {
    struct sunpath_files *files = calloc(1, sizeof(*files));
    int r = -ENOMEM;

    if (files) {
        files->root_fd = -1;
        r = sp_options_read(&files->options, sizeof(files->options), options);
    }
    if (r == 0) {
        r = set_options(files);
    }
    if (r < 0) {
        sunpath_files_close(files);
        errno = -r;
        return sp_fail(error, r, sp_reason_of_errno(r), "open files", ": %s",
                       r == -EINVAL ? "the options make no sense" : strerror(-r));
    }
    r = open_root(files, directory, error);
    if (r < 0) {
        sunpath_files_close(files);
        return r;
    }
    *ret = files;
    return 0;
}

static void pairs_deinit(struct sp_files_pairs *pairs) {
    for (size_t i = 0; i < pairs->n_pairs; i++) {
        free(pairs->pairs[i].name);
        free(pairs->pairs[i].value);
    }
    free(pairs->pairs);
}

struct sunpath_files *sunpath_files_close(struct sunpath_files *files) {
    if (files) {
        sp_close(files->root_fd);
        pairs_deinit(&files->types);
        pairs_deinit(&files->headers);
        sp_arena_deinit(&files->arena);
        free(files);
    }
    return NULL;
}

/* ---- setting up ------------------------------------------------------------------------------ */

static int add_pair(struct sp_files_pairs *pairs, const char *name, const char *value) {
    struct sp_files_pair *larger =
        realloc(pairs->pairs, (pairs->n_pairs + 1) * sizeof(*pairs->pairs));
    struct sp_files_pair *pair;

    if (!larger) {
        return -ENOMEM;
    }
    pairs->pairs = larger;
    pair = &larger[pairs->n_pairs];
    *pair = (struct sp_files_pair){strdup(name), strdup(value)};
    if (!pair->name || !pair->value) {
        free(pair->name);
        free(pair->value);
        return -ENOMEM;
    }
    pairs->n_pairs++;
    return 0;
}

int sunpath_files_add_type(struct sunpath_files *files, const char *extension, const char *type) {
    if (!extension || !*extension || strpbrk(extension, "./") || !type || !*type ||
        !is_text(type, sp_http_is_value)) {
        return -EINVAL;
    }
    return add_pair(&files->types, extension, type);
}

int sunpath_files_add_header(struct sunpath_files *files, const char *name, const char *value) {
    if (!name || !value || !sp_http_may_add_field(name, value)) {
        return -EINVAL;
    }
    return add_pair(&files->headers, name, value);
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool is_absent(int error) {
    return error == -ENOENT || error == -ENOTDIR || error == -ENAMETOOLONG;
}

static int fail(struct sunpath_http_exchange *exchange, int error) {
    switch (error) {
    case -ENOENT:
    case -ENOTDIR:
    case -ENAMETOOLONG:
        return sunpath_http_fail(exchange, 404, "no such file");
    case -EACCES:
    case -EPERM:
    case -EXDEV: /* a link that leads out of the directory */
    case -ELOOP:
    case -ENXIO: /* a socket, a fifo, a device */
        return sunpath_http_fail(exchange, 403, "this file is not served");
    case -EBADMSG:
        return sunpath_http_fail(exchange, 400, "the path has a malformed escape");
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -EAGAIN:
        return sunpath_http_fail(exchange, 503, "too busy");
    default:
        return sunpath_http_fail(exchange, 500, "the file cannot be read");
    }
}

static bool is_get(struct sunpath_http_exchange *exchange) {
    const char *method = sunpath_http_method(exchange);

    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static int refuse_method(struct sunpath_http_exchange *exchange) {
    int r = sunpath_http_set_header(exchange, "Allow", "GET, HEAD");

    return r < 0 ? r : sunpath_http_fail(exchange, 405, "only GET and HEAD are possible here");
}

/*
 * "/dir" becomes "/dir/", so that relative links in its index work. A path that began with two
 * slashes, or one and a backslash, would lead to another host.
 */
static int redirect_to_slash(struct sunpath_http_exchange *exchange) {
    const char *path = sunpath_http_path(exchange), *query = sunpath_http_query_string(exchange);
    size_t size = strlen(path) + (query ? strlen(query) : 0) + 8;
    char *location = sunpath_http_alloc(exchange, size);
    int r;

    if (!location) {
        return -ENOMEM;
    }
    path += strspn(path, "/");
    snprintf(location, size, "/%s%s/%s%s", *path == '\\' ? "./" : "", path, query ? "?" : "",
             query ? query : "");
    r = sunpath_http_set_header(exchange, "Location", location);
    if (r < 0) {
        return r;
    }
    return sunpath_http_respond(exchange, 301, "text/plain; charset=utf-8",
                                "this is a directory: its name ends with a slash\n", 48);
}

static int answer_directory(const struct sunpath_files *files,
                            struct sunpath_http_exchange *exchange, struct sp_found *found,
                            char *name) {
    if (files->options.lists_directories) {
        return sp_files_list(files, exchange, sp_take_fd(&found->fd), name);
    }
    return sunpath_http_fail(exchange, 404, "this directory has no index");
}

/* Answers with what was found for `name`. */
static int answer(const struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                  struct sp_found *found, int kind, char *name) {
    int r;

    switch (kind) {
    case SP_FILES_FILE:
        r = sp_files_send(files, exchange, found);
        if (r == 0) {
            found->fd = -1;
        }
        break;
    case SP_FILES_DIRECTORY:
        r = answer_directory(files, exchange, found, name);
        break;
    default:
        r = redirect_to_slash(exchange);
    }
    sp_close(found->fd);
    return r;
}

/* `name` lies in PATH_MAX bytes; `error` is what is known to be wrong with it. */
static int serve(const struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                 char *name, int error, bool tries) {
    enum sunpath_files_dotfiles dotfiles = files->options.dotfiles;
    struct sp_found found;
    int r = error;

    if (!is_get(exchange)) {
        return refuse_method(exchange);
    }
    if (r == 0 && dotfiles != SUNPATH_DOTFILES_SERVED && sp_files_has_dot(name)) {
        r = dotfiles == SUNPATH_DOTFILES_DENIED ? -EACCES : -ENOENT;
    }
    if (r == 0) {
        r = sp_files_find(&found, files, exchange, name);
    }
    if (r >= 0) {
        return answer(files, exchange, &found, r, name);
    }
    return tries && is_absent(r) ? -ENOENT : fail(exchange, r);
}

/* A router has nothing left of the path: then "/" is ours, but not the client's. */
static bool is_mount_without_slash(struct sunpath_http_exchange *exchange, const char *local) {
    const char *path = sunpath_http_path(exchange);
    size_t size = strlen(path);

    return strcmp(local, "/") == 0 && size > 0 && path[size - 1] != '/';
}

static int serve_path(const struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                      const char *path, bool tries) {
    char name[PATH_MAX];
    int r;

    if (!path) {
        path = sunpath_http_local_path(exchange);
        if (is_get(exchange) && is_mount_without_slash(exchange, path)) {
            return redirect_to_slash(exchange);
        }
    }
    r = sp_files_decode(name, path);
    return serve(files, exchange, name, r, tries);
}

int sunpath_files_serve(struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                        const char *path) {
    return serve_path(files, exchange, path, false);
}

int sunpath_files_try(struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                      const char *path) {
    return serve_path(files, exchange, path, true);
}

int sunpath_files_serve_name(struct sunpath_files *files, struct sunpath_http_exchange *exchange,
                             const char *name) {
    int r = sp_files_check_name(name);
    char copy[PATH_MAX];

    if (r == 0) {
        strcpy(copy, name);
    }
    return serve(files, exchange, copy, r, false);
}

int sunpath_files_send(struct sunpath_files *files, struct sunpath_http_exchange *exchange, int fd,
                       const char *name) {
    struct sp_found found = {.fd = fd, .name = name};

    if (fstat(fd, &found.stat) < 0) {
        return -errno;
    }
    if (!S_ISREG(found.stat.st_mode)) {
        return -EINVAL;
    }
    return sp_files_send(files, exchange, &found);
}

/* ---- as a handler ---------------------------------------------------------------------------- */

static void on_head(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    if (!is_get(exchange)) {
        (void)refuse_method(exchange); /* and the body with it */
    }
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    int r = serve_path(user, exchange, NULL, false);

    if (r < 0 && sunpath_http_status(exchange) == 0) {
        (void)fail(exchange, r);
    }
}

const struct sunpath_http_handler *sunpath_files_handler(void) {
    static const struct sunpath_http_handler handler = {.on_head = on_head,
                                                        .on_request = on_request};

    return &handler;
}
