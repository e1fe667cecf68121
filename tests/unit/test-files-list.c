/* SPDX-License-Identifier: MIT */
/* test-files-list.c - directories as pages and as JSON. */

#include "filing.h"

static void open_lists(enum sunpath_files_dotfiles dotfiles) {
    struct sunpath_files_options options = SUNPATH_OPTIONS(struct sunpath_files_options);

    options.lists_directories = true;
    options.dotfiles = dotfiles;
    filing_open(&options);
    ck_assert_int_eq(mkdir("www/list", 0755), 0);
}

START_TEST(an_index_goes_before_the_list) {
    open_lists(SUNPATH_DOTFILES_HIDDEN);
    check_ask("GET / HTTP/1.1\r\n", "200 OK", "<p>index");
    ask("GET /sub/ HTTP/1.1\r\n");
    ck_assert_int_eq(status, 200);
    ck_assert_str_eq(header("Content-Type"), "text/html; charset=utf-8");
    ck_assert_str_eq(header("Vary"), "Accept");
    ck_assert_ptr_nonnull(strstr(body, "<a href=\"../\">"));
    ck_assert_ptr_nonnull(strstr(body, "<a href=\"page.js\">page.js</a>"));
    ck_assert_ptr_nonnull(strstr(body, "<a href=\"file%20name.TXT\">file name.TXT</a>"));
    ck_assert_ptr_nonnull(strstr(body, "<a href=\"back/\">back/</a>"));
    check_ask("HEAD /sub/ HTTP/1.1\r\n", "200 OK", "");
    filing_close();
}
END_TEST

START_TEST(json_is_for_who_prefers_it) {
    open_lists(SUNPATH_DOTFILES_HIDDEN);
    ck_assert_int_eq(mkdir("www/list/z", 0755), 0);
    write_file("www/list/b", "12345");
    write_file("www/list/a", "");
    set_age("www/list/a", 784111777);
    set_age("www/list/b", 784111777);
    set_age("www/list/z", 784111777);
    check_ask("GET /list/ HTTP/1.1\r\nAccept: application/json\r\n", "200 OK",
              "[\n{\"name\":\"z\",\"type\":\"directory\",\"mtime\":\"Sun, 06 Nov 1994 08:49:37 "
              "GMT\"},\n{\"name\":\"a\",\"type\":\"file\",\"mtime\":\"Sun, 06 Nov 1994 08:49:37 "
              "GMT\",\"size\":0},\n{\"name\":\"b\",\"type\":\"file\",\"mtime\":\"Sun, 06 Nov 1994 "
              "08:49:37 GMT\",\"size\":5}\n]\n");
    ck_assert_str_eq(header("Content-Type"), "application/json");
    ask("GET /list/ HTTP/1.1\r\nAccept: text/html, application/json;q=0.9\r\n");
    ck_assert_str_eq(header("Content-Type"), "text/html; charset=utf-8");
    ck_assert_int_eq(rmdir("www/list/z"), 0);
    filing_close();
}
END_TEST

START_TEST(what_is_not_served_is_not_listed) {
    open_lists(SUNPATH_DOTFILES_HIDDEN);
    ck_assert_int_eq(unlink("www/index.html"), 0);
    ask("GET / HTTP/1.1\r\nAccept: application/json\r\n");
    ck_assert_ptr_nonnull(strstr(body, "\"inside.js\",\"type\":\"file\""));
    ck_assert_ptr_nonnull(strstr(body, "\"sub\",\"type\":\"directory\""));
    for (const char *const *name =
             (const char *const[]){"hidden", "well-known", "out", "absolute", "up", "loop", "fifo",
                                   "socket", "secret", "\"..\"", NULL};
         *name; name++) {
        ck_assert_msg(!strstr(body, *name), "%s: %s", *name, body);
    }
    ask("GET / HTTP/1.1\r\n");
    ck_assert_ptr_null(strstr(body, "../")); /* there is nothing above the root */
    filing_close();

    ck_assert_int_eq(rmdir("www/list"), 0);
    open_lists(SUNPATH_DOTFILES_SERVED);
    ask("GET / HTTP/1.1\r\nAccept: application/json\r\n");
    ck_assert_ptr_nonnull(strstr(body, "\".hidden\""));
    ck_assert_ptr_null(strstr(body, "\".\""));
    ck_assert_ptr_null(strstr(body, "\"..\""));
    filing_close();
}
END_TEST

/* A name is text, in the page, in the link and in the JSON. */
START_TEST(names_are_escaped) {
    open_lists(SUNPATH_DOTFILES_HIDDEN);
    write_file("www/list/<script>\"&'", "");
    write_file("www/list/a:b%41#?", "");
    write_file("www/list/\xff\n\\\xc3\xa4\x7f", "");
    ask("GET /list/ HTTP/1.1\r\n");
    ck_assert_ptr_null(strstr(body, "<script>"));
    ck_assert_ptr_nonnull(
        strstr(body, "<a href=\"%3Cscript%3E%22%26%27\">&lt;script&gt;&quot;&amp;'</a>"));
    ck_assert_ptr_nonnull(strstr(body, "<a href=\"a%3Ab%2541%23%3F\">a:b%41#?</a>"));
    ck_assert_ptr_nonnull(strstr(body, "<a href=\"%FF%0A%5C%C3%A4%7F\">"));
    ask("GET /list/ HTTP/1.1\r\nAccept: application/json\r\n");
    ck_assert_ptr_nonnull(strstr(body, "{\"name\":\"<script>\\\"&'\""));
    ck_assert_ptr_nonnull(strstr(body, "{\"name\":\"\\ufffd\\u000a\\\\\xc3\xa4\\u007f\""));
    check_ask("GET /list/%FF%0A%5C%C3%A4%7F HTTP/1.1\r\n", "200 OK", "");
    filing_close();
}
END_TEST

START_TEST(a_large_directory_is_cut) {
    open_lists(SUNPATH_DOTFILES_HIDDEN);
    for (int i = 0; i < 10001; i++) {
        char name[64];

        snprintf(name, sizeof(name), "www/list/%d", i);
        ck_assert_int_eq(link("www/index.html", name), 0);
    }
    ask("GET /list/ HTTP/1.1\r\n");
    ck_assert_int_eq(status, 200);
    ck_assert_ptr_nonnull(strstr(body, "only 10000 are shown"));
    filing_close();
}
END_TEST

SP_TESTS("files-list", an_index_goes_before_the_list, json_is_for_who_prefers_it,
         what_is_not_served_is_not_listed, names_are_escaped, a_large_directory_is_cut)
