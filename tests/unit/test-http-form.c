/* SPDX-License-Identifier: MIT */
/* test-http-form.c - forms alone, read in pieces of every size, and as bodies of requests. */

#include <fcntl.h>
#include <sys/stat.h>

#include "client/http-form.h"
#include "http-peer.h"

static struct sunpath_http_form *form;

static void open_form(void) {
    ck_assert_int_eq(sunpath_http_form_new(&form), 0);
}

static void close_form(void) {
    form = sunpath_http_form_free(form);
}

static void write_file(const char *name, const char *text) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* All of it, asked for `step` bytes at a time. */
static const char *read_all(size_t step) {
    static char text[16384];
    size_t size = 0;
    ssize_t n;

    ck_assert_int_eq(sp_http_form_rewind(form), 0);
    do {
        ck_assert_uint_lt(size + step, sizeof(text));
        n = sp_http_form_read(form, text + size, step);
        ck_assert_int_ge(n, 0);
        size += (size_t)n;
    } while (n > 0);
    text[size] = '\0';
    return text;
}

/* `expected` with "@" for the boundary is what the form says, however it is read. */
static void check_form(const char *expected) {
    const char *boundary = strstr(sp_http_form_type(form), "boundary=") + 9;
    char text[8192], *at = text;

    for (; *expected; expected++) {
        at = *expected == '@' ? stpcpy(at, boundary) : stpncpy(at, expected, 1);
    }
    *at = '\0';
    for (size_t step = 1; step < 200; step += 7) {
        ck_assert_str_eq(read_all(step), text);
    }
    ck_assert_str_eq(read_all(4096), text);
    if (sunpath_http_form_length(form) >= 0) {
        ck_assert_uint_eq((size_t)sunpath_http_form_length(form), strlen(text));
    }
}

struct source {
    const char *text;
    size_t n_given;
    bool hesitates;
};

static ssize_t read_source(void *user, void *buffer, size_t size) {
    struct source *source = user;
    size_t left = strlen(source->text) - source->n_given;

    if (source->hesitates) {
        source->hesitates = false;
        return -EAGAIN;
    }
    size = size < left ? size : left;
    memcpy(buffer, source->text + source->n_given, size);
    source->n_given += size;
    return (ssize_t)size;
}

static int rewind_source(void *user) {
    ((struct source *)user)->n_given = 0;
    return 0;
}

static int add_source(struct source *source, int64_t length, bool can_rewind) {
    struct sunpath_http_form_part part = SUNPATH_OPTIONS(struct sunpath_http_form_part);

    part.name = "s";
    part.filename = "s.txt";
    part.type = "text/plain";
    part.read = read_source;
    part.rewind = can_rewind ? rewind_source : NULL;
    part.user = source;
    part.length = length;
    return sunpath_http_form_add(form, &part);
}

START_TEST(parts_of_every_kind) {
    struct source source = {.text = "from a source"};

    open_form();
    check_form("--@--\r\n");
    write_file("f.bin", "in a file");
    write_file("empty", "");
    ck_assert_int_eq(sunpath_http_form_add_field(form, "a", "1"), 0);
    ck_assert_int_eq(sunpath_http_form_add_field(form, "b", ""), 0);
    ck_assert_int_eq(sunpath_http_form_add_file(form, "f", "./f.bin", NULL), 0);
    ck_assert_int_eq(sunpath_http_form_add_file(form, "e", "empty", "image/png"), 0);
    ck_assert_int_eq(add_source(&source, 13, true), 0);
    check_form("--@\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
               "--@\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n\r\n"
               "--@\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.bin\"\r\n"
               "Content-Type: application/octet-stream\r\n\r\nin a file\r\n"
               "--@\r\nContent-Disposition: form-data; name=\"e\"; filename=\"empty\"\r\n"
               "Content-Type: image/png\r\n\r\n\r\n"
               "--@\r\nContent-Disposition: form-data; name=\"s\"; filename=\"s.txt\"\r\n"
               "Content-Type: text/plain\r\n\r\nfrom a source\r\n--@--\r\n");
    close_form();
}
END_TEST

START_TEST(names_are_quoted_as_browsers_do) {
    struct sunpath_http_form_part part = SUNPATH_OPTIONS(struct sunpath_http_form_part);

    open_form();
    part.name = "a\"b\r\nc";
    part.filename = "\xc3\xa9\\\"\n.txt";
    part.data = "x\0y";
    part.n_data = 1;
    ck_assert_int_eq(sunpath_http_form_add(form, &part), 0);
    check_form("--@\r\nContent-Disposition: form-data; name=\"a%22b%0D%0Ac\"; "
               "filename=\"\xc3\xa9\\%22%0A.txt\"\r\n"
               "Content-Type: application/octet-stream\r\n\r\nx\r\n--@--\r\n");
    close_form();
}
END_TEST

START_TEST(what_is_no_part) {
    struct sunpath_http_form_part none = SUNPATH_OPTIONS(struct sunpath_http_form_part);
    struct sunpath_http_form_part both = none, type = none;

    open_form();
    none.name = both.name = type.name = "x";
    both.data = "x";
    both.path = "x";
    type.data = "x";
    type.type = "a/b\r\nX: y";
    ck_assert_int_eq(sunpath_http_form_add(form, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_http_form_add(form, &none), -EINVAL);
    ck_assert_int_eq(sunpath_http_form_add(form, &both), -EINVAL);
    ck_assert_int_eq(sunpath_http_form_add(form, &type), -EINVAL);
    ck_assert_int_eq(sunpath_http_form_add_field(form, NULL, "x"), -EINVAL);
    ck_assert_int_eq(sunpath_http_form_add_field(form, "x", NULL), -EINVAL);
    ck_assert_int_eq(sunpath_http_form_add_file(form, "x", "missing", NULL), -ENOENT);
    ck_assert_int_eq(sunpath_http_form_add_file(form, "x", ".", NULL), -EISDIR);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(sunpath_http_form_add_file(form, "x", "fifo", NULL), -ESPIPE);
    check_form("--@--\r\n");
    close_form();
}
END_TEST

/* ---- as a body ------------------------------------------------------------------------------- */

static void send_form(struct result *result) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);

    options.form = form;
    options.max_redirects = 1;
    ask_with(result, "POST", &options);
}

START_TEST(a_form_is_sent_and_sent_again) {
    struct source source = {.text = "from a source"};
    struct result results[2] = {0};
    const char *text;
    char expected[64];
    int fd;

    start_alone(NULL, 16);
    open_form();
    ck_assert_int_eq(sunpath_http_form_add_field(form, "a", "1"), 0);
    ck_assert_int_eq(add_source(&source, 13, true), 0);
    snprintf(expected, sizeof(expected), "\r\nContent-Length: %d\r\n",
             (int)sunpath_http_form_length(form));
    send_form(&results[0]);
    fd = peer_accept();
    text = peer_read(fd, "--\r\n");
    ck_assert_ptr_nonnull(strstr(text, expected));
    ck_assert_ptr_nonnull(strstr(text, sp_http_form_type(form)));
    peer_write(fd, "HTTP/1.1 307 x\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
    text = peer_read(fd, "--\r\n");
    ck_assert_ptr_nonnull(strstr(text, "POST /y HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nfrom a source\r\n"));
    peer_write(fd, OK);
    expect_ok(&results[0]);

    send_form(&results[1]);
    text = peer_read(fd, "--\r\n");
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nfrom a source\r\n"));
    peer_write(fd, OK);
    expect_ok(&results[1]);
    close_form();
    close(fd);
    stop();
}
END_TEST

START_TEST(a_part_of_unknown_length_is_sent_in_chunks_and_once) {
    struct source source = {.text = "from a source", .hesitates = true};
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result result = {0};
    const char *text;
    int fd;

    start();
    open_form();
    ck_assert_int_eq(add_source(&source, 0, false), 0);
    ck_assert_int_eq(sunpath_http_form_length(form), -1);
    send_form(&result);
    fd = peer_accept();
    text = peer_read(fd, "\r\n0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "from a source\r\n"));
    peer_write(fd, OK);
    expect_ok(&result);
    options.form = form;
    ck_assert_int_eq(sunpath_http_client_send(client, "POST", "/", &options, on_done, &result),
                     -ESPIPE);
    close_form();
    close(fd);
    stop();
}
END_TEST

START_TEST(a_part_that_is_shorter_than_promised) {
    struct source source = {.text = "from a source"};
    struct result file = {0}, part = {0};
    int fd;

    start();
    open_form();
    write_file("f", "in a file");
    ck_assert_int_eq(sunpath_http_form_add_file(form, "f", "f", NULL), 0);
    ck_assert_int_eq(truncate("f", 3), 0);
    send_form(&file);
    fd = peer_accept();
    expect_error(&file, -ENODATA, "reading the body to send");
    close(fd);
    close_form();
    open_form();
    ck_assert_int_eq(add_source(&source, 14, true), 0);
    send_form(&part);
    fd = peer_accept();
    expect_error(&part, -ENODATA, "reading the body to send");
    close(fd);
    close_form();
    stop();
}
END_TEST

START_TEST(a_form_is_the_only_body) {
    const char *const headers[] = {"Content-Type", "text/plain", NULL};
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result result = {0};

    start();
    open_form();
    options.form = form;
    options.headers = headers;
    ck_assert_int_eq(sunpath_http_client_send(client, "POST", "/", &options, on_done, &result),
                     -EINVAL);
    options.headers = NULL;
    options.body = "x";
    ck_assert_int_eq(sunpath_http_client_send(client, "POST", "/", &options, on_done, &result),
                     -EINVAL);
    close_form();
    stop();
}
END_TEST

SP_TESTS("http-form", parts_of_every_kind, names_are_quoted_as_browsers_do, what_is_no_part,
         a_form_is_sent_and_sent_again, a_part_of_unknown_length_is_sent_in_chunks_and_once,
         a_part_that_is_shorter_than_promised, a_form_is_the_only_body)
