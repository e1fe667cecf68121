/* SPDX-License-Identifier: MIT */
/* serve-files.c - the files of a directory over HTTP: types, dates, ranges, and nothing outside. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"

#define INDEX       "index.html"
#define DATE_FORMAT "%a, %d %b %Y %H:%M:%S GMT" /* RFC 9110 5.6.7 */

/* ---- names ----------------------------------------------------------------------------------- */

static int hex(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Undoes the percent-encoding of "/a%20b/" into "a b/". False for what no file is served under: a
 * bad escape, a NUL, an encoded slash, an empty component (so no redirect can lead to "//host"),
 * and components that begin with a dot: hidden files, "." and "..".
 */
static bool decode(char *name, size_t n_name, const char *path, size_t size) {
    size_t n = 0;

    if (size == 0 || path[0] != '/') {
        return false;
    }
    for (size_t i = 1; i < size; i++) {
        bool is_first = path[i - 1] == '/';
        char c = path[i];

        if (c == '%') {
            int high = i + 2 < size ? hex(path[i + 1]) : -1;
            int low = high >= 0 ? hex(path[i + 2]) : -1;

            if (low < 0 || high * 16 + low == 0 || high * 16 + low == '/') {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '/' && is_first) {
            return false;
        }
        if ((is_first && c == '.') || n + sizeof(INDEX) >= n_name) {
            return false;
        }
        name[n++] = c;
    }
    name[n] = '\0';
    return true;
}

static const char *type_of_name(const char *name) {
    static const char *const types[][2] = {
        {"avif", "image/avif"},
        {"css", "text/css; charset=utf-8"},
        {"csv", "text/csv; charset=utf-8"},
        {"gif", "image/gif"},
        {"gz", "application/gzip"},
        {"htm", "text/html; charset=utf-8"},
        {"html", "text/html; charset=utf-8"},
        {"ico", "image/vnd.microsoft.icon"},
        {"jpeg", "image/jpeg"},
        {"jpg", "image/jpeg"},
        {"js", "text/javascript; charset=utf-8"},
        {"json", "application/json"},
        {"map", "application/json"},
        {"md", "text/markdown; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"mp3", "audio/mpeg"},
        {"mp4", "video/mp4"},
        {"ogg", "audio/ogg"},
        {"otf", "font/otf"},
        {"pdf", "application/pdf"},
        {"png", "image/png"},
        {"svg", "image/svg+xml"},
        {"tar", "application/x-tar"},
        {"ttf", "font/ttf"},
        {"txt", "text/plain; charset=utf-8"},
        {"wasm", "application/wasm"},
        {"wav", "audio/wav"},
        {"webm", "video/webm"},
        {"webmanifest", "application/manifest+json"},
        {"webp", "image/webp"},
        {"woff", "font/woff"},
        {"woff2", "font/woff2"},
        {"xml", "application/xml"},
        {"zip", "application/zip"},
    };
    const char *base = strrchr(name, '/');
    const char *dot = strrchr(base ? base : name, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcasecmp(dot + 1, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "application/octet-stream";
}

/* ---- what is asked of a file ----------------------------------------------------------------- */

static bool is_not_modified(struct sunpath_http_exchange *exchange, const struct stat *file) {
    const char *since = sunpath_http_header(exchange, "If-Modified-Since");
    struct tm tm = {0};
    const char *end = since ? strptime(since, DATE_FORMAT, &tm) : NULL;

    /* there are no ETags, so If-None-Match is always true, and alone decides (RFC 9110 13.2.2) */
    return end && *end == '\0' && file->st_mtime <= timegm(&tm) &&
           !sunpath_http_header(exchange, "If-None-Match");
}

/* Reads digits, false without any. More than fits is UINT64_MAX, which is past every file's end. */
static bool read_digits(uint64_t *ret, const char **at) {
    char *end;

    if (**at < '0' || **at > '9') {
        return false;
    }
    *ret = strtoull(*at, &end, 10);
    *at = end;
    return true;
}

enum range {
    RANGE_NONE = 0, /* none, or one we may ignore: several parts, other units, nonsense */
    RANGE_PART,
    RANGE_OUTSIDE
};

/* "bytes=A-B", "bytes=A-", "bytes=-N" (RFC 9110 14.1.2). */
static enum range read_range(const char *text, uint64_t size, uint64_t *ret_first,
                             uint64_t *ret_size) {
    uint64_t first = 0, last = UINT64_MAX;
    bool has_first, has_last;

    if (!text || strncasecmp(text, "bytes=", 6) != 0) {
        return RANGE_NONE;
    }
    text += 6;
    has_first = read_digits(&first, &text);
    if (*text++ != '-') {
        return RANGE_NONE;
    }
    has_last = read_digits(&last, &text);
    if (*text || (!has_first && !has_last) || (has_first && has_last && last < first)) {
        return RANGE_NONE;
    }
    if (!has_first) { /* the last N bytes */
        first = last < size ? size - last : 0;
        if (last == 0) {
            return RANGE_OUTSIDE;
        }
        last = UINT64_MAX;
    }
    if (first >= size) {
        return RANGE_OUTSIDE;
    }
    *ret_first = first;
    *ret_size = (last < size - 1 ? last : size - 1) - first + 1;
    return RANGE_PART;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void answer_errno(struct sunpath_http_exchange *exchange, int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
        serve_status(exchange, 404, "no such file");
        return;
    case EACCES:
    case EPERM:
    case EXDEV: /* a link that leads out of the directory */
    case ELOOP:
    case ENXIO: /* a socket or a fifo */
        serve_status(exchange, 403, "this file is not served");
        return;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        serve_status(exchange, 503, "too busy");
        return;
    default:
        serve_status(exchange, 500, "the file cannot be read");
    }
}

static void add_range(struct sunpath_http_exchange *exchange, uint64_t first, uint64_t size,
                      uint64_t whole) {
    char text[96];

    if (size > 0) {
        snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                 first + size - 1, whole);
    } else {
        snprintf(text, sizeof(text), "bytes */%" PRIu64, whole);
    }
    (void)sunpath_http_add_header(exchange, "Content-Range", text);
}

/* Owns `fd`. */
static void send_file(struct sunpath_http_exchange *exchange, int fd, const struct stat *file,
                      const char *name) {
    uint64_t whole = (uint64_t)file->st_size, first = 0, size = whole;
    enum range range = RANGE_NONE;
    struct tm tm;
    char date[64];

    /* a file system may hold years that are none in HTTP */
    if (gmtime_r(&file->st_mtime, &tm) && tm.tm_year >= 0 && tm.tm_year < 8100) {
        strftime(date, sizeof(date), DATE_FORMAT, &tm);
        (void)sunpath_http_add_header(exchange, "Last-Modified", date);
    }
    if (is_not_modified(exchange, file)) {
        (void)sunpath_http_respond(exchange, 304, NULL, NULL, 0);
        close(fd);
        return;
    }
    (void)sunpath_http_add_header(exchange, "Accept-Ranges", "bytes");
    if (strcmp(sunpath_http_method(exchange), "GET") == 0 &&
        !sunpath_http_header(exchange, "If-Range")) {
        range = read_range(sunpath_http_header(exchange, "Range"), whole, &first, &size);
    }
    if (range == RANGE_OUTSIDE) {
        add_range(exchange, 0, 0, whole);
        serve_status(exchange, 416, "the range is outside the file");
        close(fd);
        return;
    }
    if (range == RANGE_PART) {
        add_range(exchange, first, size, whole);
    }
    (void)sunpath_http_add_header(exchange, "Content-Type", type_of_name(name));
    if (sunpath_http_start(exchange, range == RANGE_PART ? 206 : 200, (int64_t)size) < 0 ||
        sunpath_http_send_file(exchange, fd, first, size) < 0) {
        close(fd);
    }
}

/* "/dir" becomes "/dir/", so that relative links in its index work. */
static void redirect_to_slash(struct sunpath_http_exchange *exchange) {
    char location[8192];
    size_t size;
    const char *path = serve_path(exchange, &size);
    int n = snprintf(location, sizeof(location), "%.*s/%s", (int)size, path, path + size);

    if (n >= (int)sizeof(location) || sunpath_http_add_header(exchange, "Location", location) < 0) {
        serve_status(exchange, 414, "the name is too long");
        return;
    }
    serve_status(exchange, 301, "this is a directory: its name ends with a slash");
}

/* Is it only the index that is missing? Cuts `name` back to the directory. */
static bool is_without_index(int root_fd, char *name, size_t n_directory) {
    struct stat file;
    bool is_directory;
    int fd;

    name[n_directory] = '\0';
    fd = serve_open_below(root_fd, n_directory > 0 ? name : ".");
    if (fd < 0) {
        return false;
    }
    is_directory = fstat(fd, &file) == 0 && S_ISDIR(file.st_mode);
    close(fd);
    return is_directory;
}

void serve_file(struct sunpath_http_exchange *exchange, int root_fd) {
    char name[PATH_MAX];
    struct stat file;
    size_t size, n;
    const char *path;
    bool is_index;
    int fd;

    if (!serve_is_get(exchange)) {
        return;
    }
    path = serve_path(exchange, &size);
    path = size > 0 ? path : "/"; /* http://host (RFC 9110 4.2.3) */
    if (!decode(name, sizeof(name), path, size > 0 ? size : 1)) {
        serve_status(exchange, 404, "no such file");
        return;
    }
    n = strlen(name);
    is_index = n == 0 || name[n - 1] == '/';
    if (is_index) {
        memcpy(name + n, INDEX, sizeof(INDEX));
    }
    fd = serve_open_below(root_fd, name);
    if (fd == -ENOENT && is_index && is_without_index(root_fd, name, n)) {
        serve_status(exchange, 404, "this directory has no " INDEX);
    } else if (fd < 0 || fstat(fd, &file) < 0) {
        answer_errno(exchange, fd < 0 ? -fd : errno);
        if (fd >= 0) {
            close(fd);
        }
    } else if (S_ISDIR(file.st_mode)) {
        redirect_to_slash(exchange);
        close(fd);
    } else if (!S_ISREG(file.st_mode)) {
        serve_status(exchange, 403, "this file is not served");
        close(fd);
    } else {
        send_file(exchange, fd, &file, name);
    }
}
