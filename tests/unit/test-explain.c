/* SPDX-License-Identifier: MIT */
/* test-explain.c - every cause of a failed connect or listen gets its own sentence and reason. */

#include "inspect/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sunpath/listener.h>

#include "fixture.h"

static int make_bound(int type, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int make_listener(const char *path, int backlog) {
    int fd = make_bound(SOCK_STREAM, path);

    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

static int try_connect(int *ret_fd, int type, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int code;

    strcpy(address.sun_path, path);
    code = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    if (code < 0 || !ret_fd) {
        close(fd);
    } else {
        *ret_fd = fd;
    }
    return code;
}

static struct sunpath_address path_address(const char *path) {
    struct sunpath_address address = {.kind = SUNPATH_ADDRESS_PATH, .type = SUNPATH_STREAM};

    address.n_name = strlen(path);
    memcpy(address.name, path, address.n_name + 1);
    return address;
}

static void has(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part), "'%s' is not in: %s", part, text);
}

/* Connects for real, wants `errno_wanted`, and has the failure explained. */
static struct sunpath_error refused(const char *path, int errno_wanted, enum sunpath_reason reason,
                                    const char *part) {
    struct sunpath_address address = path_address(path);
    struct sunpath_error error = {0};
    int code = try_connect(NULL, SOCK_STREAM, path);

    ck_assert_int_eq(code, -errno_wanted);
    errno = 77;
    ck_assert_int_eq(sp_explain_connect(&error, code, &address, SUNPATH_STREAM), code);
    ck_assert_int_eq(errno, 77);
    ck_assert_int_eq(error.code, code);
    ck_assert_str_eq(error.step, "connect");
    has(error.text, "connect '");
    has(error.text, part);
    ck_assert_msg(error.reason == reason, "%s, not %s: %s", sunpath_reason_name(error.reason),
                  sunpath_reason_name(reason), error.text);
    return error;
}

static void me(char text[64]) {
    char name[16] = "";
    FILE *comm = fopen("/proc/self/comm", "re");

    ck_assert(fscanf(comm, "%15s", name) == 1);
    fclose(comm);
    snprintf(text, 64, "%s[%d]", name, (int)getpid());
}

START_TEST(missing) {
    refused("./no/such/file", ENOENT, SUNPATH_REASON_MISSING,
            "the directory './no' does not exist");
    refused("./none", ENOENT, SUNPATH_REASON_MISSING, "not there: there is no such file");
    ck_assert_int_eq(symlink("gone", "dangling"), 0);
    refused("./dangling", ENOENT, SUNPATH_REASON_MISSING, "'./dangling' leads to './gone'");
    close(open("plain", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    refused("./plain/x", ENOTDIR, SUNPATH_REASON_MISSING, "'./plain' is a regular file");
    ck_assert_int_eq(symlink("round", "round"), 0);
    refused("./round", ELOOP, SUNPATH_REASON_MISSING, "circles");
}
END_TEST

START_TEST(similar_names_are_offered) {
    struct sunpath_error error;

    close(open("app.sock.lock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    error = refused("./app.sock", ENOENT, SUNPATH_REASON_MISSING, "there is no such file");
    ck_assert_msg(!strstr(error.text, "lock"), "a lock file is offered: %s", error.text);
    close(make_listener("postgres.sock", 1));
    refused("./postgress.sock", ENOENT, SUNPATH_REASON_MISSING, "there is 'postgres.sock'");
    refused("./Postgres.Sock", ENOENT, SUNPATH_REASON_MISSING, "there is 'postgres.sock'");
    close(make_listener("a\n\x1b[31mb.sock", 1));
    refused("./a\n\x1b[31mb.soc", ENOENT, SUNPATH_REASON_MISSING, "'a\\n\\x1b[31mb.sock'");
}
END_TEST

START_TEST(a_removed_file_of_a_live_server) {
    const char *path = fixture_path("a.sock");
    int fd = make_listener(path, 1);
    char owner[64];

    me(owner);
    ck_assert_int_eq(unlink(path), 0);
    has(refused(path, ENOENT, SUNPATH_REASON_MISSING, "the file was removed").text, owner);
    close(fd);
}
END_TEST

/* Ours are bound under another name, and long ones under one that is cut. */
START_TEST(a_removed_file_of_our_own) {
    const char *const names[] = {"a.sock",
                                 "a-name-of-more-than-sixty-four-bytes-as-programs-like-to-make-up"
                                 "-today.sock"};

    for (size_t i = 0; i < 2; i++) {
        const char *path = fixture_path(names[i]);
        struct sunpath_listener *listener = NULL;
        char owner[64];

        me(owner);
        ck_assert_int_eq(sunpath_listener_open(&listener, path, NULL, NULL), 0);
        ck_assert_int_eq(unlink(path), 0);
        has(refused(path, ENOENT, SUNPATH_REASON_MISSING, "the file was removed").text, owner);
        sunpath_listener_close(listener);
    }
}
END_TEST

START_TEST(stale) {
    close(make_listener("a.sock", 1));
    refused("./a.sock", ECONNREFUSED, SUNPATH_REASON_STALE,
            "refused: the file is stale, its server is gone");
    ck_assert_int_eq(symlink("a.sock", "link"), 0);
    refused("./link", ECONNREFUSED, SUNPATH_REASON_STALE, "stale");
}
END_TEST

START_TEST(not_a_socket) {
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(symlink("dir", "to-dir"), 0);
    refused("./file", ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "a regular file, not a socket");
    refused("./dir", ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "a directory");
    refused("/", ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "a directory");
    refused("./fifo", ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "a fifo");
    refused("./to-dir", ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "leads to './dir', a directory");
}
END_TEST

START_TEST(bound_but_not_listening) {
    int fd = make_bound(SOCK_STREAM, "a.sock");
    char owner[64];

    me(owner);
    has(refused("./a.sock", ECONNREFUSED, SUNPATH_REASON_NOT_LISTENING, "does not listen").text,
        owner);
    close(fd);
}
END_TEST

START_TEST(shut_down) {
    int fd = make_listener("a.sock", 1);

    ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
    refused("./a.sock", ECONNREFUSED, SUNPATH_REASON_SHUT_DOWN, "has shut the listener down");
    close(fd);
}
END_TEST

START_TEST(wrong_type) {
    int datagram = make_bound(SOCK_DGRAM, "d");
    int packet = make_bound(SOCK_SEQPACKET, "p");

    refused("./d", EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "a datagram socket, not stream");
    refused("./p", EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "a seqpacket socket, not stream");
    close(datagram);
    close(packet);
}
END_TEST

START_TEST(backlog_full) {
    int fd = make_listener("a.sock", 1);
    int clients[2];
    char owner[64];
    struct sunpath_error error;

    me(owner);
    ck_assert_int_eq(try_connect(&clients[0], SOCK_STREAM, "a.sock"), 0);
    ck_assert_int_eq(try_connect(&clients[1], SOCK_STREAM, "a.sock"), 0);
    error = refused("./a.sock", EAGAIN, SUNPATH_REASON_BACKLOG_FULL, "(2 of 1 waiting)");
    has(error.text, owner);
    close(clients[0]);
    close(clients[1]);
    close(fd);
}
END_TEST

START_TEST(a_full_backlog_that_is_over_by_now) {
    struct sunpath_address address = path_address("./a.sock");
    struct sunpath_error error;
    int fd = make_listener("a.sock", 1);

    sp_explain_connect(&error, -EAGAIN, &address, SUNPATH_STREAM);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_BACKLOG_FULL);
    has(error.text, "a moment ago");
    sp_explain_connect(&error, -ECONNREFUSED, &address, SUNPATH_STREAM);
    has(error.text, "by now it would work");
    close(fd);
}
END_TEST

START_TEST(a_deadline_says_what_it_waited_for) {
    struct sunpath_address address = path_address("./none");
    struct sunpath_error error;

    ck_assert_int_eq(sp_explain_connect(&error, -ETIMEDOUT, &address, SUNPATH_STREAM), -ETIMEDOUT);
    has(error.text, "timed out: there is no such file");
}
END_TEST

/* As another user, in a child: its exit status is what is checked. */
static void as_nobody(void (*check)(void)) {
    pid_t child = fork();
    int status;

    if (child == 0) {
        ck_assert_int_eq(setgroups(0, NULL), 0);
        ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
        ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
        check();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_permissions(void) {
    struct sunpath_error error;

    error = refused(fixture_path("private/a.sock"), EACCES, SUNPATH_REASON_PERMISSION,
                    "no permission: uid 65534 may not pass the directory '");
    has(error.text, "private' (drwx------ 0:0)");
    error = refused(fixture_path("b.sock"), EACCES, SUNPATH_REASON_PERMISSION,
                    "uid 65534 may not write to the socket");
    has(error.text, "(srwxr-x--- 0:0)");
}

START_TEST(no_permission_and_where) {
    int a, b;

    if (geteuid() != 0) {
        return; /* nobody to become */
    }
    ck_assert_int_eq(mkdir("private", 0700), 0);
    ck_assert_int_eq(chmod(".", 0755), 0);
    a = make_listener("private/a.sock", 1);
    b = make_listener("b.sock", 1);
    ck_assert_int_eq(chmod("b.sock", 0750), 0);
    as_nobody(check_permissions);
    close(a);
    close(b);
}
END_TEST

START_TEST(a_name_too_long) {
    struct sunpath_address address;
    struct sunpath_error error;
    char path[310] = "./";

    memset(path + 2, 'x', 300);
    address = path_address(path);
    sp_explain_connect(&error, -ENAMETOOLONG, &address, SUNPATH_STREAM);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_NAME_TOO_LONG);
    has(error.text, "300 bytes");
}
END_TEST

START_TEST(abstract_names) {
    struct sunpath_address address = {.kind = SUNPATH_ADDRESS_ABSTRACT, .type = SUNPATH_STREAM};
    struct sunpath_error error;

    address.n_name = (size_t)sprintf(address.name, "sunpath-none-%d", (int)getpid());
    sp_explain_connect(&error, -ECONNREFUSED, &address, SUNPATH_STREAM);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_MISSING);
    has(error.text, "no process has that abstract name");
}
END_TEST

static struct sunpath_error in_use(const char *path, int code, const char *step,
                                   enum sunpath_reason reason, const char *part) {
    struct sunpath_address address = path_address(path);
    struct sunpath_error error = {0};

    ck_assert_int_eq(sp_explain_listen(&error, code, step, &address), code);
    ck_assert_str_eq(error.step, step);
    has(error.text, part);
    ck_assert_msg(error.reason == reason, "%s: %s", sunpath_reason_name(error.reason), error.text);
    return error;
}

START_TEST(listen_names_the_owner) {
    int fd = make_listener("a.sock", 1);
    int datagram = make_bound(SOCK_DGRAM, "d");
    char owner[64];

    me(owner);
    has(in_use("./a.sock", -EADDRINUSE, "bind", SUNPATH_REASON_IN_USE, "in use: ").text, owner);
    has(in_use("./d", -EADDRINUSE, "bind", SUNPATH_REASON_IN_USE, "receives on").text, owner);
    close(fd);
    close(datagram);
    in_use("./a.sock", -EADDRINUSE, "bind", SUNPATH_REASON_IN_USE, "stale");
}
END_TEST

START_TEST(listen_names_who_holds_the_lock) {
    int fd = open("a.sock.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    char owner[64];

    me(owner);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    has(in_use("./a.sock", -EADDRINUSE, "lock", SUNPATH_REASON_IN_USE, "holds its lock").text,
        owner);
    close(fd);
}
END_TEST

START_TEST(listen_says_what_is_in_the_way) {
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(symlink("gone", "link"), 0);
    in_use("./file", -EADDRINUSE, "bind", SUNPATH_REASON_NOT_A_SOCKET, "a regular file is in the");
    in_use("./link", -EADDRINUSE, "bind", SUNPATH_REASON_NOT_A_SOCKET, "a symbolic link");
    in_use(".", -EADDRINUSE, "bind", SUNPATH_REASON_NOT_A_SOCKET, "a directory");
}
END_TEST

START_TEST(listen_looks_at_the_directory) {
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    in_use("./no/dir/a", -ENOENT, "lock", SUNPATH_REASON_MISSING, "the directory './no' does");
    in_use("./file/a", -ENOTDIR, "lock", SUNPATH_REASON_MISSING, "'./file' is not a directory");
    in_use("./a", -EROFS, "lock", SUNPATH_REASON_SYSTEM, "read-only");
    in_use("./a", -ENOSPC, "bind", SUNPATH_REASON_SYSTEM, "no space");
    in_use("./a", -ENAMETOOLONG, "bind", SUNPATH_REASON_NAME_TOO_LONG, "too long");
}
END_TEST

START_TEST(listen_knows_a_directory_that_was_removed) {
    struct sunpath_error error;

    ck_assert_int_eq(mkdir("gone", 0700), 0);
    ck_assert_int_eq(chdir("gone"), 0);
    ck_assert_int_eq(rmdir("../gone"), 0);
    error = in_use("./x", -ENOENT, "lock", SUNPATH_REASON_MISSING, "the directory '.' was removed");
    ck_assert_ptr_null(strstr(error.text, "another"));
    ck_assert_int_eq(chdir(fixture_dir()), 0);
    in_use("./x", -ENOENT, "lock", SUNPATH_REASON_MISSING, "there is another by now");
}
END_TEST

static void check_own_lock(void) {
    close(open(fixture_path("x.lock"), O_CREAT | O_WRONLY | O_CLOEXEC, 0000));
    in_use(fixture_path("x"), -EACCES, "lock", SUNPATH_REASON_PERMISSION,
           "x.lock' may not be opened (---------- 65534:65534)");
}

START_TEST(listen_tells_our_own_lock_file_from_others) {
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(".", 0777), 0);
        as_nobody(check_own_lock);
    }
}
END_TEST

static void check_directory(void) {
    in_use(fixture_path("x"), -EACCES, "lock", SUNPATH_REASON_PERMISSION, "may not write to the");
    in_use(fixture_path("private/deeper/x"), -EACCES, "lock", SUNPATH_REASON_PERMISSION,
           "may not pass the directory");
    in_use(fixture_path("open/x"), -EACCES, "lock", SUNPATH_REASON_PERMISSION,
           "belongs to another user (-rw------- 0:0)");
}

START_TEST(listen_says_which_directory_is_shut) {
    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(".", 0755), 0);
    ck_assert_int_eq(mkdir("private", 0700), 0);
    ck_assert_int_eq(mkdir("open", 0700), 0);
    ck_assert_int_eq(chmod("open", 0777), 0);
    ck_assert_int_eq(mkdir("private/deeper", 0700), 0);
    close(open("open/x.lock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    as_nobody(check_directory);
}
END_TEST

START_TEST(no_error_no_work) {
    struct sunpath_address address = path_address("./none");

    ck_assert_int_eq(sp_explain_connect(NULL, -ENOENT, &address, SUNPATH_STREAM), -ENOENT);
    ck_assert_int_eq(sp_explain_listen(NULL, -ENOENT, "bind", &address), -ENOENT);
}
END_TEST

START_TEST(listen_knows_that_proc_takes_no_files) {
    struct sunpath_address address = path_address("/proc/x.sock");
    struct sunpath_error error = {0};

    ck_assert_int_eq(sp_explain_listen(&error, -ENOENT, "lock", &address), -ENOENT);
    has(error.text, "no file can be made in '/proc'");
}
END_TEST

SP_TESTS("explain", listen_knows_that_proc_takes_no_files, missing, similar_names_are_offered,
         a_removed_file_of_a_live_server, a_removed_file_of_our_own, stale, not_a_socket,
         bound_but_not_listening, shut_down, wrong_type, backlog_full,
         a_full_backlog_that_is_over_by_now, a_deadline_says_what_it_waited_for,
         no_permission_and_where, a_name_too_long, abstract_names, listen_names_the_owner,
         listen_names_who_holds_the_lock, listen_says_what_is_in_the_way,
         listen_looks_at_the_directory, listen_knows_a_directory_that_was_removed,
         listen_tells_our_own_lock_file_from_others, listen_says_which_directory_is_shut,
         no_error_no_work)
