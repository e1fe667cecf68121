/* SPDX-License-Identifier: MIT */
/* test-files-open.c - files below a directory, with openat2(2) and without. */

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "filing.h"
#include "web/files.h"

static int root_fd = -1;

static int open_it(const char *name, bool refuses_links) {
    struct stat stat = {0};
    int fd = sp_files_open_below(root_fd, name, refuses_links, &stat);

    if (fd >= 0) {
        ck_assert(S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode));
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        close(fd);
        return S_ISDIR(stat.st_mode) ? 2 : 1;
    }
    return fd;
}

static void open_root(void) {
    make_directory();
    root_fd = open("www", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(root_fd, 0);
}

static void check_plain_names(void) {
    ck_assert_int_eq(open_it("index.html", false), 1);
    ck_assert_int_eq(open_it("sub/page.js", false), 1);
    ck_assert_int_eq(open_it("sub/page.js", true), 1);
    ck_assert_int_eq(open_it("", false), 2);
    ck_assert_int_eq(open_it("sub", false), 2);
    ck_assert_int_eq(open_it("sub/", false), 2);
    ck_assert_int_eq(open_it("index.html/", false), -ENOTDIR);
    ck_assert_int_eq(open_it("index.html/x", false), -ENOTDIR);
    ck_assert_int_eq(open_it("none", false), -ENOENT);
    ck_assert_int_eq(open_it("none/x", false), -ENOENT);
    ck_assert_int_eq(open_it("fifo", false), -ENXIO);
    ck_assert_int_eq(open_it("socket", false), -ENXIO);
    ck_assert_int_eq(open_it("inside.js", true), -ELOOP);
    ck_assert_int_lt(open_it("out", false), 0);
    ck_assert_int_lt(open_it("absolute", false), 0);
    ck_assert_int_lt(open_it("up/secret.txt", false), 0);
    ck_assert_int_lt(open_it("loop", false), 0);
}

START_TEST(names_below) {
    open_root();
    check_plain_names();
    ck_assert_int_eq(open_it("out", false), -EXDEV);
    ck_assert_int_eq(open_it("absolute", false), -EXDEV);
    ck_assert_int_eq(open_it("../secret.txt", false), -EXDEV);
    ck_assert_int_eq(open_it("/etc/passwd", false), -EXDEV);
    ck_assert_int_eq(open_it("inside.js", false), 1);
    ck_assert_int_eq(open_it("sub/back/index.html", false), 1);
    close(root_fd);
}
END_TEST

/* As on Linux before 5.6, or in a sandbox that does not know the call. */
static void forbid_openat2(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = SP_ARRAY_SIZE(filter), .filter = filter};

    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    ck_assert_int_eq(syscall(SYS_openat2, AT_FDCWD, ".", NULL, 0), -1);
    ck_assert_int_eq(errno, ENOSYS);
}

START_TEST(without_openat2_no_link_is_followed) {
    char name[300];

    open_root();
    forbid_openat2();
    check_plain_names();
    ck_assert_int_lt(open_it("inside.js", false), 0);
    ck_assert_int_lt(open_it("sub/back/index.html", false), 0);
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(open_it(name, false), -ENAMETOOLONG);
    close(root_fd);
}
END_TEST

SP_TESTS("files-open", names_below, without_openat2_no_link_is_followed)
