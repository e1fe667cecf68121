/* SPDX-License-Identifier: MIT */
/* test-path.c - parents opened, names checked, long paths reached through a descriptor. */

#include "os/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static void check_parent(const char *path, const char *same_as, const char *expected_name) {
    struct stat got, expected;
    const char *name;
    int fd;

    ck_assert_int_eq(sp_path_open_parent(&fd, &name, path), 0);
    ck_assert_str_eq(name, expected_name);
    ck_assert_int_eq(fstat(fd, &got), 0);
    ck_assert_int_eq(stat(same_as, &expected), 0);
    ck_assert_uint_eq(got.st_ino, expected.st_ino);
    ck_assert_uint_eq(got.st_dev, expected.st_dev);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    close(fd);
}

START_TEST(the_parent_is_opened) {
    ck_assert_int_eq(mkdir("a", 0700), 0);
    ck_assert_int_eq(symlink("a", "link"), 0);
    check_parent("/x", "/", "x");
    check_parent("//x", "/", "x");
    check_parent("./x", ".", "x");
    check_parent("../x", "..", "x");
    check_parent("x", ".", "x");
    check_parent("a/x.sock", "a", "x.sock");
    check_parent("./a//x.sock", "a", "x.sock");
    check_parent("link/x", "a", "x");
    check_parent(fixture_path("a/..."), "a", "...");
}
END_TEST

static void check_refused(const char *path, int code) {
    const char *name = "untouched";
    int fd = -7;

    ck_assert_int_eq(sp_path_open_parent(&fd, &name, path), code);
    ck_assert_int_eq(fd, -7);
    ck_assert_str_eq(name, "untouched");
}

START_TEST(what_names_no_file_is_refused) {
    char component[300], path[5000];

    ck_assert_int_eq(close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    ck_assert_int_eq(symlink("loop", "loop"), 0);
    check_refused("", -EINVAL);
    check_refused("/", -EINVAL);
    check_refused("a/", -EINVAL);
    check_refused(".", -EINVAL);
    check_refused("/tmp/..", -EINVAL);
    check_refused("missing/x", -ENOENT);
    check_refused("file/x", -ENOTDIR);
    check_refused("loop/x", -ELOOP);

    memset(component, 'n', sizeof(component));
    component[256] = '\0';
    check_refused(component, -ENAMETOOLONG);
    component[255] = '\0';
    check_parent(component, ".", component);

    for (size_t i = 0; i < sizeof(path); i++) {
        path[i] = i % 2 ? '/' : '.';
    }
    path[4097] = '\0';
    path[4096] = 'x';
    check_refused(path, -ENAMETOOLONG);
}
END_TEST

/* Binds and connects in a directory whose path is far over 107 bytes. */
START_TEST(long_paths_are_reached) {
    struct sockaddr_un address;
    char component[201], path[300];
    const char *name;
    int dir_fd, file_fd, server, client, n;

    memset(component, 'd', 200);
    component[200] = '\0';
    ck_assert_int_eq(mkdir(component, 0700), 0);
    snprintf(path, sizeof(path), "%s/%s/x.sock", fixture_dir(), component);
    ck_assert_int_eq(sp_path_open_parent(&dir_fd, &name, path), 0);

    n = sp_path_to_sockaddr(&address, dir_fd, name);
    ck_assert_int_gt(n, 0);
    server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server, (struct sockaddr *)&address, (socklen_t)n), 0);
    ck_assert_int_eq(listen(server, 5), 0);

    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, (socklen_t)n), 0);
    close(client);

    /* the descriptor of the file reaches it after a rename, too */
    file_fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
    ck_assert_int_ge(file_fd, 0);
    ck_assert_int_eq(renameat(dir_fd, name, dir_fd, "other"), 0);
    n = sp_path_to_sockaddr(&address, file_fd, NULL);
    ck_assert_int_gt(n, 0);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, (socklen_t)n), 0);

    close(client);
    close(server);
    close(file_fd);
    close(dir_fd);
}
END_TEST

START_TEST(what_does_not_fit_is_never_cut) {
    struct sockaddr_un address = {.sun_family = 77};
    char name[108];

    memset(name, 'n', sizeof(name));
    name[82] = '\0';
    ck_assert_int_eq(sp_path_to_sockaddr(&address, 2147483647, name), 2 + 107 + 1);
    ck_assert_uint_eq(strlen(address.sun_path), 107);
    address.sun_family = 77;
    name[82] = 'n';
    name[83] = '\0';
    ck_assert_int_eq(sp_path_to_sockaddr(&address, 2147483647, name), -ENAMETOOLONG);
    ck_assert_int_eq(address.sun_family, 77);
}
END_TEST

START_TEST(a_rename_replaces_only_what_it_may) {
    int dir_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat a, b, now;

    ck_assert_int_eq(mkdir("a", 0700), 0);
    ck_assert_int_eq(mkdir("b", 0700), 0);
    ck_assert_int_eq(stat("a", &a) | stat("b", &b), 0);
    ck_assert_int_eq(sp_path_rename(dir_fd, "a", "b", RENAME_NOREPLACE), -EEXIST);
    ck_assert_int_eq(sp_path_rename(dir_fd, "none", "c", RENAME_NOREPLACE), -ENOENT);
    ck_assert_int_eq(sp_path_rename(dir_fd, "a", "b", RENAME_EXCHANGE), 0);
    ck_assert_int_eq(stat("a", &now), 0);
    ck_assert_uint_eq(now.st_ino, b.st_ino);
    ck_assert_int_eq(sp_path_rename(dir_fd, "a", "c", RENAME_NOREPLACE), 0);
    ck_assert_int_eq(stat("c", &now), 0);
    ck_assert_uint_eq(now.st_ino, b.st_ino);
    close(dir_fd);
}
END_TEST

SP_TESTS("path", a_rename_replaces_only_what_it_may, the_parent_is_opened,
         what_names_no_file_is_refused, long_paths_are_reached, what_does_not_fit_is_never_cut)
