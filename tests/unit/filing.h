/* SPDX-License-Identifier: MIT */
/* filing.h - a directory of files, a server of them, and what it answers. */

#ifndef TESTS_FILING_H
#define TESTS_FILING_H

#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <sunpath/files.h>
#include <sunpath/router.h>

#include "http-serving.h"

static struct {
    struct sunpath_files *files;
    struct sunpath_loop *loop;
    struct sunpath_http_server *server;
} filing;

/* The last answer. */
static int status;
static char answer_head[8192];
static const char *body;
static size_t n_body;

static inline void write_bytes(const char *name, const void *data, size_t size) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    close(fd);
}

static inline void write_file(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

/* When it was changed, in seconds since 1970. */
static inline void set_age(const char *name, time_t modified) {
    const struct timespec times[2] = {{.tv_sec = modified}, {.tv_sec = modified}};

    ck_assert_int_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

static inline void make_directory(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "www/socket"};
    int fd;

    if (mkdir("www", 0755) < 0) {
        ck_assert_int_eq(errno, EEXIST);
        return;
    }
    ck_assert_int_eq(mkdir("www/sub", 0755), 0);
    ck_assert_int_eq(mkdir("www/a b", 0755), 0);
    ck_assert_int_eq(mkdir("www/\\evil", 0755), 0);
    ck_assert_int_eq(mkdir("www/.well-known", 0755), 0);
    write_file("secret.txt", "a secret");
    write_file("www/index.html", "<p>index");
    write_file("www/empty", "");
    write_file("www/.hidden", "a secret");
    write_file("www/.well-known/acme", "acme");
    write_file("www/sub/file name.TXT", "0123456789");
    write_file("www/sub/page.js", "1");
    ck_assert_int_eq(symlink("../secret.txt", "www/out"), 0);
    ck_assert_int_eq(symlink("/etc/passwd", "www/absolute"), 0);
    ck_assert_int_eq(symlink("..", "www/up"), 0);
    ck_assert_int_eq(symlink("..", "www/sub/back"), 0);
    ck_assert_int_eq(symlink("loop", "www/loop"), 0);
    ck_assert_int_eq(symlink("sub/page.js", "www/inside.js"), 0);
    ck_assert_int_eq(mkfifo("www/fifo", 0600), 0);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static inline void filing_serve_with(const struct sunpath_http_handler *handler, void *user) {
    serving.server = sunpath_http_server_free(serving.server);
    if (!serving.loop) {
        ck_assert_int_eq(sunpath_loop_open(&serving.loop), 0);
    }
    ck_assert_int_eq(sunpath_http_server_new(&serving.server, serving.loop, handler, user, NULL),
                     0);
}

static inline void filing_open_with(const struct sunpath_http_handler *handler,
                                    const struct sunpath_files_options *options) {
    struct sunpath_error error;

    make_directory();
    ck_assert_msg(sunpath_files_open(&filing.files, "www", options, &error) == 0, "%s", error.text);
    filing_serve_with(handler, filing.files);
}

static inline void filing_open(const struct sunpath_files_options *options) {
    filing_open_with(sunpath_files_handler(), options);
}

static inline void filing_close(void) {
    serving_close();
    filing.files = sunpath_files_close(filing.files);
}

/* Asks for it: request line and headers, without Host and the empty line. */
static inline void ask(const char *request) {
    char whole[16384];
    char *heard, *end;
    size_t size;
    int fd = client();

    snprintf(whole, sizeof(whole), "%sHost: x\r\n\r\n", request);
    say(fd, whole);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    heard = hear_size(fd, NULL, &size);
    close(fd);
    settle();
    end = strstr(heard, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    ck_assert_uint_lt((size_t)(end + 4 - heard), sizeof(answer_head));
    memcpy(answer_head, heard, (size_t)(end + 2 - heard));
    answer_head[end + 2 - heard] = '\0';
    status = atoi(heard + 9);
    body = end + 4;
    n_body = size - (size_t)(body - heard);
}

/* Of the last answer: the first of that name, or "". Valid until the 8th next call. */
static inline const char *header(const char *name) {
    static char values[8][512];
    static int i;
    char *value = values[i = (i + 1) % 8];
    char line[128];
    const char *at;

    snprintf(line, sizeof(line), "\r\n%s: ", name);
    at = strstr(answer_head, line);
    value[0] = '\0';
    if (at) {
        at += strlen(line);
        snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at, "\r"), at);
    }
    return value;
}

static inline void check_ask(const char *request, const char *line, const char *text) {
    ask(request);
    ck_assert_msg(strncmp(answer_head + 9, line, strlen(line)) == 0, "%s: %s", request,
                  answer_head);
    ck_assert_str_eq(body, text);
}

#endif
