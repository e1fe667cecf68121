/* SPDX-License-Identifier: MIT */
/* test-form-receive.c - forms whose files go to a directory. */

#include <dirent.h>
#include <sys/stat.h>

#include "form-serving.h"

static struct sunpath_form_options options;
static int directory = -1;
static const char *saved_as; /* "": by its filename; NULL: not */

static void answer_form(struct sunpath_http_exchange *exchange, struct sunpath_form *form,
                        void *user) {
    char text[4096];
    struct sunpath_form_part part;
    const char *name;

    ck_assert_str_eq(user, "user");
    form_as_text(form, text, sizeof(text));
    for (size_t i = 0; saved_as && sunpath_form_at(form, i, &part); i++) {
        if (part.fd >= 0) {
            int r = sunpath_form_save(form, i, *saved_as ? saved_as : NULL, 0640, &name);

            note("%s;", r < 0 ? strerrorname_np(-r) : name);
            if (r == 0) {
                ck_assert_int_eq(sunpath_form_save(form, i, NULL, 0, NULL), -EALREADY);
            }
        }
    }
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, text, strlen(text)), 0);
}

static void receive(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_error error;

    (void)user;
    if (sunpath_form_receive(exchange, directory, options.size ? &options : NULL, answer_form,
                             "user", &error) < 0) {
        ck_assert_int_eq(sunpath_http_fail_error(exchange, &error), 0);
    }
}

static void open_server(void) {
    ck_assert_int_eq(mkdir("files", 0700), 0);
    directory = open("files", O_PATH | O_DIRECTORY | O_CLOEXEC);
    serving.handler.on_head = receive;
    serving.handler.on_finish = count_finish;
    serving_open(NULL);
}

static void close_server(void) {
    serving_close();
    close(directory);
    directory = -1;
}

static int n_files(void) {
    DIR *files = opendir("files");
    int n = 0;

    while (readdir(files)) {
        n++;
    }
    closedir(files);
    return n - 2;
}

static void check_content(const char *path, const char *content) {
    char text[64] = "";
    FILE *file = fopen(path, "r");

    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_uint_eq(fread(text, 1, sizeof(text) - 1, file), strlen(content));
    ck_assert_str_eq(text, content);
    fclose(file);
}

START_TEST(files_are_saved_by_name) {
    struct stat stat_of;

    saved_as = "";
    open_server();
    check_answer(MULTIPART, FIELD("x") "1\r\n" FILE_NAMED("a.txt") "one\r\n--b--", 200,
                 "x=1;f[a.txt]=one;");
    check_answer(MULTIPART, FILE_NAMED("../../a.txt") "two\r\n" FILE_NAMED("a.txt") "\r\n--b--",
                 200, "f[../../a.txt]=two;f[a.txt]=;");
    ck_assert_str_eq(serving.log, "a.txt;a-1.txt;a-2.txt;");
    check_content("files/a.txt", "one");
    check_content("files/a-1.txt", "two");
    check_content("files/a-2.txt", "");
    ck_assert_int_eq(stat("files/a.txt", &stat_of), 0);
    ck_assert_int_eq(stat_of.st_mode & 07777, 0640);
    ck_assert_int_eq(n_files(), 3);
    settle();
    ck_assert_int_eq(serving.n_finished, 2);
    close_server();
}
END_TEST

/* Whoever sends the same name again and again takes it from nobody. */
START_TEST(no_name_is_ever_used_up) {
    char name[64];
    int n = 0;

    saved_as = "";
    open_server();
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), i > 0 ? "files/a-%d.txt" : "files/a.txt", i);
        close(open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    }
    for (int i = 0; i < 2; i++) {
        check_answer(MULTIPART, FILE_NAMED("a.txt") "one\r\n--b--", 200, "f[a.txt]=one;");
    }
    ck_assert_int_eq(n_files(), 102);
    sscanf(serving.log, "a-%*16[0-9a-f].txt;a-%*16[0-9a-f].txt;%n", &n);
    ck_assert_msg(n > 0 && serving.log[n] == '\0', "%s", serving.log);
    close_server();
}
END_TEST

START_TEST(a_chosen_name_is_never_replaced) {
    open_server();
    saved_as = "chosen";
    check_answer(MULTIPART, FILE_NAMED("a") "one\r\n--b--", 200, "f[a]=one;");
    check_answer(MULTIPART, FILE_NAMED("a") "two\r\n--b--", 200, "f[a]=two;");
    saved_as = "a/b";
    check_answer(MULTIPART, FILE_NAMED("a") "two\r\n--b--", 200, "f[a]=two;");
    saved_as = "..";
    check_answer(MULTIPART, FILE_NAMED("a") "two\r\n--b--", 200, "f[a]=two;");
    ck_assert_str_eq(serving.log, "chosen;EEXIST;EINVAL;EINVAL;");
    check_content("files/chosen", "one");
    ck_assert_int_eq(n_files(), 1);
    close_server();
}
END_TEST

START_TEST(what_is_not_saved_is_gone) {
    int fd;

    open_server();
    check_answer(MULTIPART, FILE_NAMED("a") "one\r\n--b--", 200, "f[a]=one;");
    check_answer(MULTIPART, FILE_NAMED("a") "one\r\n--bb", 400,
                 "form: something follows a boundary of the form\n");
    fd = client();
    say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: " MULTIPART
            "\r\n\r\n" FILE_NAMED("x") "one");
    settle();
    close(fd);
    settle();
    ck_assert_int_eq(serving.n_finished, 3);
    ck_assert_int_eq(n_files(), 0);
    close_server();
}
END_TEST

START_TEST(forms_without_files_are_received_too) {
    open_server();
    check_answer(URLENCODED, "a=b&c=d+e", 200, "a=b;c=d e;");
    check_answer("text/plain", "a=b", 415,
                 "form: the body is neither application/x-www-form-urlencoded nor "
                 "multipart/form-data\n");
    check_answer(MULTIPART, FIELD("x") "1\r\n--b--", 200, "x=1;");
    close_server();
}
END_TEST

START_TEST(memory_has_limits_and_files_are_none) {
    options = SUNPATH_OPTIONS(struct sunpath_form_options);
    options.max_memory = 10;
    open_server();
    check_answer(MULTIPART, FILE_NAMED("a") "12345678901234567890\r\n--b--", 200,
                 "f[a]=12345678901234567890;");
    check_answer(MULTIPART, FIELD("a") "1234567890\r\n--b--", 413,
                 "form: its names and values are too large\n");
    check_answer(URLENCODED, "a=12345678901", 413, "the body is too large\n");
    close(directory);
    directory = -1; /* now files are in memory, too */
    check_answer(MULTIPART, FILE_NAMED("a") "1\r\n--b--", 200, "f[a]=1;");
    check_answer(MULTIPART, FILE_NAMED("a") "1234567890\r\n--b--", 413,
                 "form: its names and values are too large\n");
    serving_close();
}
END_TEST

START_TEST(descriptors_have_a_limit) {
    options = SUNPATH_OPTIONS(struct sunpath_form_options);
    options.max_files = 2;
    open_server();
    check_answer(MULTIPART, FILE_NAMED("a") "1\r\n" FILE_NAMED("b") "2\r\n" FIELD("c") "3\r\n--b--",
                 200, "f[a]=1;f[b]=2;c=3;");
    check_answer(MULTIPART,
                 FILE_NAMED("a") "1\r\n" FILE_NAMED("b") "2\r\n" FILE_NAMED("c") "3\r\n--b--", 413,
                 "form: it has too many files\n");
    close_server();
}
END_TEST

START_TEST(a_directory_that_cannot_be_written_is_our_trouble) {
    open_server();
    ck_assert_int_eq(rmdir("files"), 0);
    check_answer(MULTIPART, FILE_NAMED("a") "1\r\n--b--", 500, "Internal Server Error\n");
    close_server();
}
END_TEST

SP_TESTS("form-receive", files_are_saved_by_name, no_name_is_ever_used_up,
         a_chosen_name_is_never_replaced, what_is_not_saved_is_gone,
         forms_without_files_are_received_too, memory_has_limits_and_files_are_none,
         descriptors_have_a_limit, a_directory_that_cannot_be_written_is_our_trouble)
