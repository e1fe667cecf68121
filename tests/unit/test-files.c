/* SPDX-License-Identifier: MIT */
/* test-files.c - the files of a directory: found, refused, sent, redirected. */

#include "filing.h"
#include "wire/http-date.h"

START_TEST(files_have_types_tags_and_dates) {
    filing_open(NULL);
    write_file("www/index.html", "<p>index");
    set_age("www/index.html", 784111777);
    check_ask("GET / HTTP/1.1\r\n", "200 OK", "<p>index");
    ck_assert_str_eq(header("Content-Type"), "text/html; charset=utf-8");
    ck_assert_str_eq(header("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_str_eq(header("Accept-Ranges"), "bytes");
    ck_assert_int_eq(header("ETag")[0], '"');
    ck_assert_str_eq(header("Cache-Control"), "");
    ck_assert_str_eq(header("Vary"), "");
    check_ask("GET /index.html?query HTTP/1.1\r\n", "200 OK", "<p>index");
    check_ask("GET http://x?query HTTP/1.1\r\n", "200 OK", "<p>index");
    check_ask("GET /sub/file%20name.TXT HTTP/1.1\r\n", "200 OK", "0123456789");
    ck_assert_str_eq(header("Content-Type"), "text/plain; charset=utf-8");
    check_ask("HEAD /sub/file%20name.TXT HTTP/1.1\r\n", "200 OK", "");
    ck_assert_str_eq(header("Content-Length"), "10");
    check_ask("GET /empty HTTP/1.1\r\n", "200 OK", "");
    ck_assert_str_eq(header("Content-Length"), "0");
    ck_assert_str_eq(header("Content-Type"), "application/octet-stream");
    filing_close();
}
END_TEST

START_TEST(a_young_file_has_a_weak_tag) {
    char etag[80];
    int64_t date;

    filing_open(NULL);
    write_file("www/young.txt", "young");
    check_ask("GET /young.txt HTTP/1.1\r\n", "200 OK", "young");
    ck_assert_int_eq(strncmp(header("ETag"), "W/\"", 3), 0);
    strcpy(etag, header("ETag"));
    set_age("www/young.txt", time(NULL) - 100);
    check_ask("GET /young.txt HTTP/1.1\r\n", "200 OK", "young");
    ck_assert_int_eq(header("ETag")[0], '"');
    ck_assert_str_ne(header("ETag"), etag + 2); /* the time is another */
    set_age("www/young.txt", time(NULL) + 10000);
    check_ask("GET /young.txt HTTP/1.1\r\n", "200 OK", "young");
    ck_assert_int_eq(strncmp(header("ETag"), "W/\"", 3), 0);
    ck_assert(sp_http_read_date(&date, header("Last-Modified"), SP_HTTP_DATE_SIZE, 0));
    ck_assert_int_le(date, time(NULL)); /* RFC 9110 8.8.2.1 */
    filing_close();
}
END_TEST

START_TEST(nothing_outside_is_served) {
    static const char *const targets[] = {"/../secret.txt",
                                          "/sub/../../secret.txt",
                                          "/%2e%2e/secret.txt",
                                          "/..%2fsecret.txt",
                                          "/%2e%2e%2Fsecret.txt",
                                          "/sub/%2E./%2e%2E/secret.txt",
                                          "/out",
                                          "/absolute",
                                          "/up/secret.txt",
                                          "/.hidden",
                                          "/%2ehidden",
                                          "/./.hidden",
                                          "//index.html",
                                          "/sub//page.js",
                                          "/index.html%00.txt",
                                          "/fifo",
                                          "/socket",
                                          "/%zz",
                                          "/%2",
                                          "/index.html/",
                                          "/none",
                                          "/./index.html",
                                          "/sub/./page.js",
                                          "/sub/../index.html",
                                          "/sub%2fpage.js",
                                          "/index.html/..",
                                          "/\\..\\secret.txt",
                                          "http://x/../secret.txt",
                                          "/loop",
                                          "/sub/..",
                                          "/.",
                                          "/..",
                                          "/%2e"};

    filing_open(NULL);
    for (size_t i = 0; i < SP_ARRAY_SIZE(targets); i++) {
        char request[256];

        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n", targets[i]);
        ask(request);
        ck_assert_msg(status == 400 || status == 403 || status == 404, "%s: %d", targets[i],
                      status);
        ck_assert_ptr_null(strstr(body, "secret"));
    }
    filing_close();
}
END_TEST

START_TEST(each_refusal_has_its_status) {
    filing_open(NULL);
    check_ask("GET /none HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    check_ask("GET /index.html/ HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    check_ask("GET /%zz HTTP/1.1\r\n", "400 Bad Request", "the path has a malformed escape\n");
    check_ask("GET /a%00 HTTP/1.1\r\n", "400 Bad Request", "the path has a malformed escape\n");
    check_ask("GET /out HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    check_ask("GET /absolute HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    check_ask("GET /up/secret.txt HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    check_ask("GET /loop HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    check_ask("GET /fifo HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    check_ask("GET /sub/ HTTP/1.1\r\n", "404 Not Found", "this directory has no index\n");
    ck_assert_int_eq(chmod("www/sub/page.js", 0), 0);
    if (geteuid() != 0) {
        check_ask("GET /sub/page.js HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    }
    for (int length = 200; length < 9000; length += 800) {
        char request[10000] = "GET /";

        memset(request + 5, 'a', (size_t)length);
        strcpy(request + 5 + length, " HTTP/1.1\r\n");
        check_ask(request, "404 Not Found", "no such file\n");
    }
    filing_close();
}
END_TEST

START_TEST(links_are_followed_inside_alone) {
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    filing_open(NULL);
    check_ask("GET /inside.js HTTP/1.1\r\n", "200 OK", "1");
    check_ask("GET /sub/back/index.html HTTP/1.1\r\n", "200 OK", "<p>index");
    filing_close();
    options.refuses_links = true;
    filing_open(&options);
    check_ask("GET /inside.js HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    check_ask("GET /sub/back/index.html HTTP/1.1\r\n", "403 Forbidden",
              "this file is not served\n");
    check_ask("GET /sub/page.js HTTP/1.1\r\n", "200 OK", "1");
    filing_close();
}
END_TEST

START_TEST(a_fifo_is_not_opened) {
    int fd;

    filing_open(NULL);
    check_ask("GET /fifo HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    fd = open("www/fifo", O_WRONLY | O_NONBLOCK | O_CLOEXEC); /* fails while nobody reads */
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(errno, ENXIO);
    filing_close();
}
END_TEST

START_TEST(only_get_and_head) {
    filing_open(NULL);
    check_ask("POST /index.html HTTP/1.1\r\nContent-Length: 10000\r\n", "405 Method Not Allowed",
              "only GET and HEAD are possible here\n");
    ck_assert_str_eq(header("Allow"), "GET, HEAD");
    ck_assert_str_eq(header("Connection"), "close"); /* the body was not read */
    check_ask("DELETE /none HTTP/1.1\r\n", "405 Method Not Allowed",
              "only GET and HEAD are possible here\n");
    filing_close();
}
END_TEST

START_TEST(directories_redirect_to_their_slash) {
    filing_open(NULL);
    ask("GET /sub HTTP/1.1\r\n");
    ck_assert_int_eq(status, 301);
    ck_assert_str_eq(header("Location"), "/sub/");
    ask("GET /a%20b?x=y HTTP/1.1\r\n");
    ck_assert_int_eq(status, 301);
    ck_assert_str_eq(header("Location"), "/a%20b/?x=y");
    ask("GET http://x/sub?a HTTP/1.1\r\n");
    ck_assert_str_eq(header("Location"), "/sub/?a");
    ask("GET /\\evil HTTP/1.1\r\n"); /* browsers take a backslash for a slash */
    ck_assert_str_eq(header("Location"), "/./\\evil/");
    filing_close();
}
END_TEST

START_TEST(an_index_is_chosen_in_order) {
    static const char *const names[] = {"none.html", "sub", "page.js", "index.html", NULL};
    static const char *const no_names[] = {NULL};
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    options.index_names = names;
    filing_open(&options);
    check_ask("GET /sub/ HTTP/1.1\r\n", "200 OK", "1");
    ck_assert_str_eq(header("Content-Type"), "text/javascript; charset=utf-8");
    check_ask("GET / HTTP/1.1\r\n", "200 OK", "<p>index");
    filing_close();
    options.index_names = no_names;
    filing_open(&options);
    check_ask("GET / HTTP/1.1\r\n", "404 Not Found", "this directory has no index\n");
    filing_close();
}
END_TEST

START_TEST(names_may_lack_their_extension) {
    static const char *const extensions[] = {"html", ".js", NULL};
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    options.extensions = extensions;
    filing_open(&options);
    check_ask("GET /index HTTP/1.1\r\n", "200 OK", "<p>index");
    check_ask("GET /sub/page HTTP/1.1\r\n", "200 OK", "1");
    ck_assert_str_eq(header("Content-Type"), "text/javascript; charset=utf-8");
    check_ask("GET /sub/none HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    ask("GET /sub HTTP/1.1\r\n");
    ck_assert_int_eq(status, 301);
    filing_close();
}
END_TEST

START_TEST(a_fallback_answers_for_pages) {
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    options.fallback = "index.html";
    options.max_age_s = 3600;
    filing_open(&options);
    check_ask("GET /users/7 HTTP/1.1\r\n", "200 OK", "<p>index");
    ck_assert_str_eq(header("Content-Type"), "text/html; charset=utf-8");
    ck_assert_str_eq(header("Cache-Control"), "no-cache");
    check_ask("GET /sub/ HTTP/1.1\r\n", "200 OK", "<p>index");
    check_ask("GET /none.js HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    check_ask("GET /john.doe HTTP/1.1\r\nAccept: text/html,*/*;q=0.8\r\n", "200 OK", "<p>index");
    ck_assert_str_eq(header("Vary"), "Accept");
    check_ask("GET /john.doe HTTP/1.1\r\nAccept: */*\r\n", "404 Not Found", "no such file\n");
    ck_assert_str_eq(header("Vary"), "Accept");
    check_ask("GET /users/7 HTTP/1.1\r\nAccept: */*\r\n", "200 OK", "<p>index");
    ck_assert_str_eq(header("Vary"), "");
    check_ask("GET /out HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    check_ask("GET /.hidden HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    check_ask("GET /sub/page.js HTTP/1.1\r\n", "200 OK", "1");
    ck_assert_str_eq(header("Cache-Control"), "max-age=3600");
    filing_close();
}
END_TEST

START_TEST(dotfiles_are_hidden_denied_or_served) {
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    filing_open(NULL);
    check_ask("GET /.hidden HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    check_ask("GET /.well-known/acme HTTP/1.1\r\n", "200 OK", "acme");
    check_ask("GET /.well-knownx HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    check_ask("GET /sub/.well-known/x HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    filing_close();
    options.dotfiles = SUNPATH_DOTFILES_DENIED;
    filing_open(&options);
    check_ask("GET /.hidden HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    check_ask("GET /.none HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    filing_close();
    options.dotfiles = SUNPATH_DOTFILES_SERVED;
    filing_open(&options);
    check_ask("GET /.hidden HTTP/1.1\r\n", "200 OK", "a secret");
    check_ask("GET /../secret.txt HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    filing_close();
}
END_TEST

START_TEST(caching_and_headers_are_told) {
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);
    char request[256];

    options.max_age_s = 31536000;
    options.is_immutable = true;
    options.text_encoding = "";
    options.default_type = "text/x-unknown";
    filing_open(&options);
    ck_assert_int_eq(sunpath_files_add_header(filing.files, "X-A", "b"), 0);
    ck_assert_int_eq(sunpath_files_add_header(filing.files, "X-A: b", "b"), -EINVAL);
    ck_assert_int_eq(sunpath_files_add_header(filing.files, "Date", "b"), -EINVAL);
    ck_assert_int_eq(sunpath_files_add_header(filing.files, "X-B", "b\r\n"), -EINVAL);
    ck_assert_int_eq(sunpath_files_add_type(filing.files, "js", "text/x-one"), 0);
    ck_assert_int_eq(sunpath_files_add_type(filing.files, "JS", "text/x-two"), 0);
    ck_assert_int_eq(sunpath_files_add_type(filing.files, ".js", "text/x"), -EINVAL);
    ck_assert_int_eq(sunpath_files_add_type(filing.files, "js", "a\nb"), -EINVAL);
    check_ask("GET /sub/page.js HTTP/1.1\r\n", "200 OK", "1");
    ck_assert_str_eq(header("Cache-Control"), "max-age=31536000, immutable");
    ck_assert_str_eq(header("Content-Type"), "text/x-two");
    ck_assert_str_eq(header("X-A"), "b");
    snprintf(request, sizeof(request), "GET /sub/page.js HTTP/1.1\r\nIf-None-Match: %s\r\n",
             header("ETag"));
    check_ask(request, "304 Not Modified", "");
    ck_assert_str_eq(header("Cache-Control"), "max-age=31536000, immutable");
    ck_assert_str_eq(header("X-A"), "b");
    check_ask("GET /empty HTTP/1.1\r\n", "200 OK", "");
    ck_assert_str_eq(header("Content-Type"), "text/x-unknown");
    check_ask("GET / HTTP/1.1\r\n", "200 OK", "<p>index");
    ck_assert_str_eq(header("Content-Type"), "text/html");
    check_ask("GET /none HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    ck_assert_str_eq(header("Cache-Control"), "");
    filing_close();
}
END_TEST

START_TEST(variants_go_to_who_accepts_them) {
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    options.precompressed = true;
    filing_open(&options);
    write_file("www/sub/page.js.gz", "gzipped");
    write_file("www/sub/page.js.br", "brotli");
    ck_assert_int_eq(mkdir("www/sub/page.js.zst", 0755), 0);
    check_ask("GET /sub/page.js HTTP/1.1\r\n", "200 OK", "1");
    ck_assert_str_eq(header("Vary"), "Accept-Encoding");
    ck_assert_str_eq(header("Content-Encoding"), "");
    check_ask("GET /sub/page.js HTTP/1.1\r\nAccept-Encoding: gzip\r\n", "200 OK", "gzipped");
    ck_assert_str_eq(header("Content-Encoding"), "gzip");
    ck_assert_str_eq(header("Content-Type"), "text/javascript; charset=utf-8");
    ck_assert_str_eq(header("Vary"), "Accept-Encoding");
    check_ask("GET /sub/page.js HTTP/1.1\r\nAccept-Encoding: gzip, br, zstd\r\n", "200 OK",
              "brotli");
    check_ask("GET /sub/page.js HTTP/1.1\r\nAccept-Encoding: gzip\r\nAccept-Encoding: br;q=0.5\r\n",
              "200 OK", "gzipped");
    check_ask("GET /sub/page.js HTTP/1.1\r\nAccept-Encoding: zstd\r\n", "200 OK", "1");
    check_ask("GET /sub/page.js HTTP/1.1\r\nAccept-Encoding: gzip;q=0\r\n", "200 OK", "1");
    check_ask("GET /sub/page.js HTTP/1.1\r\nAccept-Encoding: identity, gzip;q=0.5\r\n", "200 OK",
              "1");
    check_ask("GET /sub/page.js HTTP/1.1\r\nAccept-Encoding: *\r\n", "200 OK", "brotli");
    check_ask("GET /sub/page.js HTTP/1.1\r\nAccept-Encoding: gzip\r\nRange: bytes=1-2\r\n",
              "206 Partial Content", "zi");
    ck_assert_str_eq(header("Content-Range"), "bytes 1-2/7");
    filing_close();
}
END_TEST

/* ---- calls ----------------------------------------------------------------------------------- */

static void try_it(struct sunpath_http_exchange *exchange, void *user) {
    int r = sunpath_files_try(user, exchange, NULL);

    if (r < 0) {
        ck_assert_int_eq(r, -ENOENT);
        sunpath_http_respond(exchange, 200, "text/plain", "ours", 4);
    }
}

START_TEST(who_tries_may_answer_what_is_not_there) {
    static const struct sunpath_http_handler handler = {.on_request = try_it};

    filing_open_with(&handler, NULL);
    check_ask("GET /none HTTP/1.1\r\n", "200 OK", "ours");
    check_ask("GET /../none HTTP/1.1\r\n", "200 OK", "ours");
    check_ask("GET /sub/page.js HTTP/1.1\r\n", "200 OK", "1");
    check_ask("GET /out HTTP/1.1\r\n", "403 Forbidden", "this file is not served\n");
    filing_close();
}
END_TEST

static void serve_by_name(struct sunpath_http_exchange *exchange, void *user) {
    const char *name = sunpath_http_query(exchange, "name");

    ck_assert_int_eq(sunpath_files_serve_name(user, exchange, name), 0);
}

START_TEST(a_name_can_come_from_elsewhere) {
    static const struct sunpath_http_handler handler = {.on_request = serve_by_name};

    filing_open_with(&handler, NULL);
    check_ask("GET /?name=sub/file%20name.TXT HTTP/1.1\r\n", "200 OK", "0123456789");
    check_ask("GET /?name= HTTP/1.1\r\n", "200 OK", "<p>index");
    check_ask("GET /?name=/etc/passwd HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    check_ask("GET /?name=../secret.txt HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    check_ask("GET /?name=a%2520b/ HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    filing_close();
}
END_TEST

static void send_open_file(struct sunpath_http_exchange *exchange, void *user) {
    int fd = open("secret.txt", O_RDONLY | O_CLOEXEC), pipe_fds[2];

    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    ck_assert_int_eq(sunpath_files_send(user, exchange, pipe_fds[0], "a.txt"), -EINVAL);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    ck_assert_int_eq(sunpath_files_send(user, exchange, -1, "a.txt"), -EBADF);
    ck_assert_int_eq(sunpath_files_send(user, exchange, fd, "a.txt"), 0);
}

START_TEST(a_file_that_is_open_can_be_sent) {
    static const struct sunpath_http_handler handler = {.on_request = send_open_file};

    filing_open_with(&handler, NULL);
    check_ask("GET /any HTTP/1.1\r\nRange: bytes=2-4\r\n", "206 Partial Content", "sec");
    ck_assert_str_eq(header("Content-Type"), "text/plain; charset=utf-8");
    filing_close();
}
END_TEST

START_TEST(a_router_may_mount_them) {
    struct sunpath_router *router;

    filing_open(NULL);
    ck_assert_int_eq(sunpath_router_new(&router, NULL), 0);
    ck_assert_int_eq(sunpath_router_mount_handler(router, "/static/:version",
                                                  sunpath_files_handler(), filing.files, NULL),
                     0);
    filing_serve_with(sunpath_router_handler(), router);
    check_ask("GET /static/1/sub/page.js HTTP/1.1\r\n", "200 OK", "1");
    check_ask("GET /static/1/ HTTP/1.1\r\n", "200 OK", "<p>index");
    check_ask("GET /static/1/../secret.txt HTTP/1.1\r\n", "404 Not Found", "no such file\n");
    ask("GET /static/1/sub?q HTTP/1.1\r\n");
    ck_assert_str_eq(header("Location"), "/static/1/sub/?q");
    ask("GET /static/1?q HTTP/1.1\r\n");
    ck_assert_int_eq(status, 301);
    ck_assert_str_eq(header("Location"), "/static/1/?q");
    filing_close();
    sunpath_router_free(router);
}
END_TEST

START_TEST(the_directory_stays_the_one_that_was_opened) {
    filing_open(NULL);
    ck_assert_int_eq(rename("www", "moved"), 0);
    check_ask("GET / HTTP/1.1\r\n", "200 OK", "<p>index");
    ck_assert_int_eq(rename("moved", "www"), 0);
    filing_close();
}
END_TEST

static int try_open(const char *directory, const struct sunpath_files_options *options) {
    struct sunpath_files *files = (void *)1;
    struct sunpath_error error;
    int r = sunpath_files_open(&files, directory, options, &error);

    ck_assert_ptr_eq(files, (void *)1);
    ck_assert_int_eq(error.code, r);
    ck_assert_uint_gt(strlen(error.text), 10);
    return r;
}

START_TEST(what_cannot_be_opened_is_told) {
    static const char *const bad_names[] = {"../secret.txt", NULL};
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    close(open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    ck_assert_int_eq(try_open("none", NULL), -ENOENT);
    ck_assert_int_eq(try_open("file", NULL), -ENOTDIR);
    options.index_names = bad_names;
    ck_assert_int_eq(try_open(".", &options), -EINVAL);
    options.index_names = NULL;
    options.fallback = "../secret.txt";
    ck_assert_int_eq(try_open(".", &options), -EINVAL);
    options.fallback = NULL;
    options.is_immutable = true;
    ck_assert_int_eq(try_open(".", &options), -EINVAL);
    options.is_immutable = false;
    options.default_type = "a\nb";
    ck_assert_int_eq(try_open(".", &options), -EINVAL);
    options.size = 0;
    ck_assert_int_eq(try_open(".", &options), -EINVAL);
    ck_assert_ptr_null(sunpath_files_close(NULL));
}
END_TEST

SP_TESTS("files", files_have_types_tags_and_dates, a_young_file_has_a_weak_tag,
         nothing_outside_is_served, each_refusal_has_its_status, links_are_followed_inside_alone,
         a_fifo_is_not_opened, only_get_and_head, directories_redirect_to_their_slash,
         an_index_is_chosen_in_order, names_may_lack_their_extension, a_fallback_answers_for_pages,
         dotfiles_are_hidden_denied_or_served, caching_and_headers_are_told,
         variants_go_to_who_accepts_them, who_tries_may_answer_what_is_not_there,
         a_name_can_come_from_elsewhere, a_file_that_is_open_can_be_sent, a_router_may_mount_them,
         the_directory_stays_the_one_that_was_opened, what_cannot_be_opened_is_told)
