/* SPDX-License-Identifier: MIT */
/* test-listener.c - publishing by every kind of address, accepting, closing without harm. */

#include <sunpath/connection.h>
#include <sunpath/listener.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "os/path.h"
#include "os/sock-diag.h"

#define NOBODY 65534

static struct sunpath_listener *open_ok(const char *address,
                                        const struct sunpath_listen_options *options) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    int r = sunpath_listener_open(&listener, address, options, &error);

    ck_assert_msg(r == 0, "'%s': %s", address, error.text);
    return listener;
}

static struct sunpath_error open_fails(const char *address,
                                       const struct sunpath_listen_options *options, int code) {
    struct sunpath_listener *listener = (void *)&listener;
    struct sunpath_error error = {0};
    int r = sunpath_listener_open(&listener, address, options, &error);

    ck_assert_msg(r == code, "'%s': %d instead of %d: %s", address, r, code, error.text);
    ck_assert_ptr_eq(listener, (void *)&listener);
    ck_assert_int_eq(error.code, code);
    ck_assert_int_ne(error.reason, SUNPATH_REASON_NONE);
    ck_assert_int_ne(error.text[0], 0);
    ck_assert_int_eq(sunpath_listener_open(&listener, address, options, NULL), code);
    return error;
}

static int connect_to(int type, const char *path) {
    struct sockaddr_un address;
    const char *name;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0), dir_fd, file_fd, n, r;

    r = sp_path_open_parent(&dir_fd, &name, path);
    ck_assert_int_eq(r, 0);
    file_fd = openat(dir_fd, name, O_PATH | O_CLOEXEC);
    n = sp_path_to_sockaddr(&address, file_fd, NULL);
    r = file_fd < 0                                                  ? -ENOENT
        : connect(fd, (struct sockaddr *)&address, (socklen_t)n) < 0 ? -errno
                                                                     : 0;
    close(dir_fd);
    close(file_fd);
    if (r < 0) {
        close(fd);
    }
    return r < 0 ? r : fd;
}

/* What a stranger does between the bind and the rest. */
static void (*after_bind)(void);

/* The library's own calls end here, too. */
int bind(int fd, const struct sockaddr *address, socklen_t n_address) {
    int r = (int)syscall(SYS_bind, fd, address, n_address);

    if (r == 0 && after_bind) {
        after_bind();
    }
    return r;
}

/* A client reaches the listener, and it is this one. */
static void check_serves(struct sunpath_listener *listener, int type, const char *path) {
    int client = connect_to(type, path), server = -1;

    ck_assert_int_ge(client, 0);
    ck_assert_int_eq(sunpath_listener_accept(listener, &server), 0);
    ck_assert_int_ne(fcntl(server, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(server, F_GETFL) & O_NONBLOCK, 0);
    close(server);
    close(client);
    ck_assert_int_eq(sunpath_listener_accept(listener, &server), -EAGAIN);
}

static bool exists(const char *path) {
    struct stat file;

    return lstat(path, &file) == 0;
}

static struct stat stat_of(const char *path) {
    struct stat file;

    ck_assert_int_eq(lstat(path, &file), 0);
    return file;
}

/* How many names there are in the directory that do not end in ".lock". */
static int n_files(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;
    int n = -2; /* . and .. */

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        const char *dot = strrchr(entry->d_name, '.');

        n += !dot || dot == entry->d_name || strcmp(dot, ".lock") != 0;
    }
    closedir(dir);
    return n;
}

static void make_dead(int type, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static void wait_ok(pid_t pid) {
    int status;

    ck_assert_int_ge(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

START_TEST(a_path_is_published_and_removed) {
    struct sunpath_listener *listener = open_ok("./a.sock", NULL);
    int fd = sunpath_listener_fd(listener);

    ck_assert_int_eq(stat_of("a.sock").st_mode, S_IFSOCK | 0600);
    ck_assert_int_eq(n_files("."), 1);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(sunpath_listener_address(listener)->kind, SUNPATH_ADDRESS_PATH);
    ck_assert_str_eq(sunpath_listener_address(listener)->name, "./a.sock");
    check_serves(listener, SOCK_STREAM, "a.sock");
    ck_assert_uint_eq(sunpath_listener_n_refused(listener), 0);

    ck_assert_ptr_null(sunpath_listener_close(listener));
    ck_assert_int_eq(n_files("."), 0);
    ck_assert(exists("a.sock.lock"));
    ck_assert_ptr_null(sunpath_listener_close(NULL));
}
END_TEST

START_TEST(every_type_is_published) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *listener;
    int client, fd;

    options.type = SUNPATH_SEQPACKET;
    listener = open_ok(fixture_path("a.sock"), &options);
    check_serves(listener, SOCK_SEQPACKET, "a.sock");
    ck_assert_int_eq(sunpath_listener_address(listener)->type, SUNPATH_SEQPACKET);
    sunpath_listener_close(listener);

    listener = open_ok("dgram:./a.sock", NULL);
    client = connect_to(SOCK_DGRAM, "a.sock");
    ck_assert_int_ge(client, 0);
    ck_assert_int_eq(write(client, "x", 1), 1);
    ck_assert_int_eq(recv(sunpath_listener_fd(listener), &(char){0}, 1, 0), 1);
    ck_assert_int_eq(sunpath_listener_accept(listener, &fd), -EOPNOTSUPP);
    close(client);
    sunpath_listener_close(listener);
    ck_assert_int_eq(n_files("."), 0);
}
END_TEST

START_TEST(the_first_message_says_who_sent_it) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    char data[8];
    struct sunpath_message message = {.data = data, .n_data = sizeof(data)};
    struct sunpath_listener *listener;
    int client;

    options.want_credentials = true;
    listener = open_ok("dgram:./a.sock", &options);
    client = connect_to(SOCK_DGRAM, "a.sock");
    ck_assert_int_eq(write(client, "x", 1), 1);
    ck_assert_int_eq(sunpath_receive(sunpath_listener_fd(listener), &message), 1);
    ck_assert(message.has_credentials);
    ck_assert_int_eq(message.credentials.pid, getpid());
    close(client);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(the_mode_is_exact_whatever_the_umask) {
    static const mode_t modes[] = {0600, 0666, 0777, 0060, 01777, 0400};
    static const mode_t masks[] = {0, 022, 0777};

    for (size_t i = 0; i < 6 * 3; i++) {
        struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
        mode_t before = umask(masks[i % 3]);
        struct sunpath_listener *listener;

        options.mode = modes[i / 3];
        listener = open_ok("./a.sock", &options);
        ck_assert_uint_eq(umask(before), masks[i % 3]);
        ck_assert_uint_eq(stat_of("a.sock").st_mode, S_IFSOCK | options.mode);
        sunpath_listener_close(listener);
    }
}
END_TEST

START_TEST(owner_and_group_are_set) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *listener;

    if (geteuid() != 0) {
        return;
    }
    options.owner = "nobody";
    options.group = "1234";
    options.mode = 02660;
    listener = open_ok("./a.sock", &options);
    ck_assert_uint_eq(stat_of("a.sock").st_uid, NOBODY);
    ck_assert_uint_eq(stat_of("a.sock").st_gid, 1234);
    ck_assert_uint_eq(stat_of("a.sock").st_mode, S_IFSOCK | 02660);
    check_serves(listener, SOCK_STREAM, "a.sock");
    sunpath_listener_close(listener);

    options.group = "no-such-group\n";
    ck_assert_ptr_nonnull(strstr(open_fails("./a.sock", &options, -EINVAL).text,
                                 "group 'no-such-group\\n': no such group"));
    options.group = NULL;
    options.owner = "4294967295"; /* means "leave" to chown() */
    open_fails("./a.sock", &options, -EINVAL);
    options.owner = "";
    open_fails("./a.sock", &options, -EINVAL);
    ck_assert_int_eq(n_files("."), 0);
}
END_TEST

static void fail_to_give_away(void) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);

    ck_assert_int_eq(setgid(NOBODY), 0);
    ck_assert_int_eq(setuid(NOBODY), 0);
    options.owner = "root";
    ck_assert_str_eq(open_fails("./a.sock", &options, -EPERM).step, "owner");
    options.owner = NULL;
    options.group = "0";
    open_fails("./a.sock", &options, -EPERM);
    open_fails("/a.sock", NULL, -EACCES);
    ck_assert_int_eq(n_files("."), 0);
}

START_TEST(what_is_not_permitted_leaves_nothing) {
    pid_t pid;

    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(".", 0777), 0);
    pid = fork();
    if (pid == 0) {
        fail_to_give_away();
        _exit(0);
    }
    wait_ok(pid);
}
END_TEST

START_TEST(options_are_checked) {
    struct sunpath_listen_options good = SUNPATH_OPTIONS(struct sunpath_listen_options), bad;

    bad = good, bad.size = 0;
    open_fails("./a.sock", &bad, -EINVAL);
    bad = good, bad.size = sizeof(bad) + 8;
    open_fails("./a.sock", &bad, -EINVAL);
    bad = good, bad.mode = 010600;
    open_fails("./a.sock", &bad, -EINVAL);
    bad = good, bad.backlog = -2;
    open_fails("./a.sock", &bad, -EINVAL);
    bad = good, bad.type = (enum sunpath_type)3;
    open_fails("./a.sock", &bad, -EINVAL);
    bad = good, bad.send_buffer = -1;
    open_fails("./a.sock", &bad, -EINVAL);
    bad = good, bad.receive_buffer = -1;
    open_fails("./a.sock", &bad, -EINVAL);
    bad = good, bad.type = SUNPATH_SEQPACKET;
    open_fails("dgram:./a.sock", &bad, -EINVAL); /* the address says otherwise */
    open_fails("tcp:127.0.0.1:0", &bad, -EINVAL);
    bad = good, bad.mode = 0600;
    open_fails("@sunpath-test-mode", &bad, -EINVAL); /* would guard nothing */
    open_fails("tcp:127.0.0.1:0", &bad, -EINVAL);
    open_fails("fd:0", &bad, -EINVAL);
    ck_assert(!exists("a.sock.lock"));
}
END_TEST

static uint32_t backlog_of(const char *path) {
    struct stat file = stat_of(path);
    struct sp_diag_server server;

    ck_assert_int_eq(sp_diag_find_file(&server, &file), 0);
    ck_assert_int_eq(server.life, SP_DIAG_ALIVE);
    return server.backlog;
}

START_TEST(backlog_and_buffers_are_set) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *listener;
    int value = 0, client, accepted;
    socklen_t n = sizeof(value);

    options.backlog = 7;
    options.send_buffer = 50000;
    listener = open_ok("./a.sock", &options);
    ck_assert_uint_eq(backlog_of("a.sock"), 7);
    ck_assert_int_eq(getsockopt(sunpath_listener_fd(listener), SOL_SOCKET, SO_SNDBUF, &value, &n),
                     0);
    ck_assert_int_eq(value, 100000); /* socket(7): the kernel doubles it */
    ck_assert_int_eq(sunpath_connect(&client, "./a.sock", NULL, NULL), 0);
    ck_assert_int_eq(sunpath_listener_accept(listener, &accepted), 0);
    ck_assert_int_eq(getsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &value, &n), 0);
    ck_assert_int_eq(value, 100000); /* which the kernel does not see to */
    close(client);
    close(accepted);
    sunpath_listener_close(listener);

    options.backlog = -1;
    listener = open_ok("./a.sock", &options);
    ck_assert_uint_eq(backlog_of("a.sock"), 0);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(a_dead_socket_is_replaced) {
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

    for (size_t i = 0; i < 3; i++) {
        struct sunpath_listener *listener;

        make_dead(types[i], "a.sock");
        listener = open_ok("./a.sock", NULL);
        check_serves(listener, SOCK_STREAM, "a.sock");
        ck_assert_int_eq(n_files("."), 1);
        sunpath_listener_close(listener);
        ck_assert_int_eq(n_files("."), 0);
    }
}
END_TEST

START_TEST(a_living_one_is_not) {
    struct sunpath_listener *first = open_ok("./a.sock", NULL);
    struct sunpath_error error = open_fails(fixture_path("a.sock"), NULL, -EADDRINUSE);

    ck_assert_int_eq(error.reason, SUNPATH_REASON_IN_USE);
    open_fails("dgram:./a.sock", NULL, -EADDRINUSE);
    ck_assert_int_eq(unlink("a.sock.lock"), 0); /* without its lock it still lives */
    open_fails("./a.sock", NULL, -EADDRINUSE);
    check_serves(first, SOCK_STREAM, "a.sock");
    sunpath_listener_close(first);
    ck_assert_int_eq(n_files("."), 0);
}
END_TEST

START_TEST(what_is_no_socket_stays) {
    ck_assert_int_eq(mkdir("a.sock", 0700), 0);
    open_fails("./a.sock", NULL, -EADDRINUSE);
    ck_assert_int_eq(rmdir("a.sock"), 0);
    ck_assert_int_eq(symlink("elsewhere", "a.sock"), 0);
    ck_assert_int_eq(open_fails("./a.sock", NULL, -EADDRINUSE).reason, SUNPATH_REASON_NOT_A_SOCKET);
    ck_assert_int_eq(n_files("."), 1);
    ck_assert_int_eq(unlink("a.sock"), 0);
    if (fixture_is_cleaned()) {
        return; /* no temporary name there */
    }
    ck_assert_int_eq(close(open(".a.sock.new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    ck_assert_ptr_nonnull(strstr(open_fails("./a.sock", NULL, -EADDRINUSE).text, ".a.sock.new"));
    ck_assert_int_eq(n_files("."), 1);
}
END_TEST

START_TEST(missing_directories_are_said) {
    ck_assert_int_eq(open_fails("./none/a.sock", NULL, -ENOENT).reason, SUNPATH_REASON_MISSING);
    ck_assert_int_eq(close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    open_fails("./file/a.sock", NULL, -ENOTDIR);
    open_fails("/proc/a.sock", NULL, -ENOENT);
}
END_TEST

START_TEST(long_paths_work) {
    char path[1000], name[251] = "";
    struct sunpath_listener *listener;

    memset(name, 'd', 250);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    snprintf(path, sizeof(path), "%s/%s/", fixture_dir(), name);
    memset(strchr(path, '\0'), 'n', 250); /* the longest name that leaves room for ".lock" */
    for (int i = 0; i < 2; i++) {
        listener = open_ok(path, NULL);
        ck_assert_int_eq(stat_of(path).st_mode, S_IFSOCK | 0600);
        ck_assert_int_eq(n_files(name), 1);
        check_serves(listener, SOCK_STREAM, path);
        open_fails(path, NULL, -EADDRINUSE);
        close(sunpath_listener_take_fd(listener)); /* leaves the file, dead, for the next round */
        ck_assert_int_eq(n_files(name), 1);
    }
    ck_assert_int_eq(unlink(path), 0);

    strcat(path, "n");
    ck_assert_int_eq(open_fails(path, NULL, -ENAMETOOLONG).reason, SUNPATH_REASON_NAME_TOO_LONG);
    ck_assert_int_eq(n_files(name), 0);
}
END_TEST

START_TEST(sticky_directories_are_bound_in_place) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *listener;
    struct sockaddr_un bound = {0};
    socklen_t n = sizeof(bound);

    ck_assert_int_eq(mkdir("sticky", 0700), 0);
    ck_assert_int_eq(chmod("sticky", 01777), 0);
    make_dead(SOCK_STREAM, "sticky/a.sock");
    options.mode = 0660;
    options.group = geteuid() == 0 ? "nogroup" : NULL;
    listener = open_ok("./sticky/a.sock", &options);
    ck_assert_int_eq(getsockname(sunpath_listener_fd(listener), (struct sockaddr *)&bound, &n), 0);
    ck_assert_str_eq(bound.sun_path, fixture_path("sticky/a.sock"));
    ck_assert_int_eq(stat_of("sticky/a.sock").st_mode, S_IFSOCK | 0660);
    check_serves(listener, SOCK_STREAM, "sticky/a.sock");
    open_fails("./sticky/a.sock", NULL, -EADDRINUSE);
    sunpath_listener_close(listener);
    ck_assert_int_eq(n_files("sticky"), 0);

    /* failing after bind() leaves nothing either */
    options.group = NULL;
    options.owner = "root";
    if (geteuid() == 0) {
        pid_t pid = fork();

        if (pid == 0) {
            ck_assert_int_eq(chmod(".", 0755), 0);
            ck_assert_int_eq(unlink("sticky/a.sock.lock"), 0);
            ck_assert_int_eq(setuid(NOBODY), 0);
            open_fails("./sticky/a.sock", &options, -EPERM);
            _exit(0);
        }
        wait_ok(pid);
        ck_assert_int_eq(n_files("sticky"), 0);
    }
}
END_TEST

/* Opens `address`: the name the socket was bound to ends in `end`. */
static void check_bound_to(const char *address, const char *end) {
    struct sunpath_listener *listener = open_ok(address, NULL);
    struct sockaddr_un bound = {0};
    socklen_t n = sizeof(bound);

    ck_assert_int_eq(getsockname(sunpath_listener_fd(listener), (struct sockaddr *)&bound, &n), 0);
    ck_assert_str_eq(bound.sun_path, end);
    sunpath_listener_close(listener);
}

START_TEST(below_a_sticky_directory_too) {
    const char *below = fixture_path("sticky/app/deep/a.sock");

    check_bound_to("./a.sock", fixture_is_cleaned() ? fixture_path("a.sock") : "./.a.sock.new");
    ck_assert_int_eq(mkdir("sticky", 0700), 0);
    ck_assert_int_eq(mkdir("sticky/app", 0755), 0);
    ck_assert_int_eq(mkdir("sticky/app/deep", 0700), 0);
    if (!fixture_is_cleaned()) { /* sticky for nobody else, or open and not sticky */
        ck_assert_int_eq(chmod("sticky", 01755), 0);
        check_bound_to(below, fixture_path("sticky/app/deep/.a.sock.new"));
        ck_assert_int_eq(chmod("sticky", 0777), 0);
        check_bound_to(below, fixture_path("sticky/app/deep/.a.sock.new"));
    }
    ck_assert_int_eq(chmod("sticky", 01777), 0);
    check_bound_to(below, below);
    check_bound_to("./sticky/app/deep/a.sock", below);
    ck_assert_int_eq(symlink("sticky/app", "link"), 0);
    check_bound_to(fixture_path("link/deep/a.sock"), below);
    ck_assert_int_eq(n_files("sticky/app/deep"), 0);
}
END_TEST

/* The absolute path is of no use to who may not go there. */
START_TEST(a_barred_way_up_is_no_obstacle) {
    pid_t pid;

    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(mkdir("hidden", 0700), 0);
    ck_assert_int_eq(mkdir("hidden/own", 0700), 0);
    ck_assert_int_eq(chown("hidden/own", NOBODY, NOBODY), 0);
    pid = fork();
    if (pid == 0) {
        ck_assert_int_eq(chdir("hidden/own"), 0);
        ck_assert_int_eq(setuid(NOBODY), 0);
        check_bound_to("./a.sock", "./.a.sock.new");
        check_bound_to("dgram:./a.sock", "./a.sock");
        ck_assert_int_eq(chmod(".", 01777), 0);
        check_bound_to("./a.sock", "./a.sock");
        _exit(0);
    }
    wait_ok(pid);
}
END_TEST

/* A file system with room for so many names: root, the lock, then the socket. */
static void mount_small(const char *path, const char *options) {
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_int_eq(mount("tmpfs", path, "tmpfs", 0, options), 0);
}

START_TEST(a_full_disk_leaves_nothing) {
    pid_t pid;

    if (geteuid() != 0) {
        return;
    }
    pid = fork();
    if (pid == 0) {
        mount_small("small", "nr_inodes=2");
        open_fails("./small/a.sock", NULL, -ENOSPC);
        ck_assert_int_eq(n_files("small"), 0);
        ck_assert(exists("small/a.sock.lock"));
        ck_assert_int_eq(mount(NULL, "small", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        open_fails("./small/a.sock", NULL, -EROFS);
        open_fails("./small/b.sock", NULL, -EROFS);
        _exit(0);
    }
    wait_ok(pid);
}
END_TEST

START_TEST(a_missing_proc_is_said) {
    char part[101] = "", path[512];
    pid_t pid;

    if (geteuid() != 0) {
        return;
    }
    memset(part, 'd', sizeof(part) - 1);
    ck_assert_int_eq(mkdir(part, 0700), 0);
    snprintf(path, sizeof(path), "./%s/a-name-that-makes-it-too-long.sock", part);
    pid = fork();
    if (pid == 0) {
        ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        ck_assert_int_eq(umount2("/proc", MNT_DETACH), 0);
        ck_assert_ptr_nonnull(
            strstr(open_fails("./a.sock", NULL, -ENOENT).text, "/proc is not mounted"));
        ck_assert_ptr_nonnull(strstr(open_fails(path, NULL, -ENOENT).text, "/proc is not mounted"));
        ck_assert_int_eq(n_files("."), 1);
        ck_assert_int_eq(n_files(part), 0);
        _exit(0);
    }
    wait_ok(pid);
}
END_TEST

START_TEST(abstract_names_are_published) {
    struct sunpath_listener *listener, *padded;
    struct sockaddr_un bound;
    socklen_t n = sizeof(bound);
    char exact[64], other[64];
    int fd;

    snprintf(exact, sizeof(exact), "@sunpath-test-%d", (int)getpid());
    snprintf(other, sizeof(other), "abns@sunpath-test-%d", (int)getpid());
    listener = open_ok(exact, NULL);
    ck_assert_int_eq(getsockname(sunpath_listener_fd(listener), (struct sockaddr *)&bound, &n), 0);
    ck_assert_uint_eq(n, sizeof(sa_family_t) + strlen(exact));
    ck_assert_int_eq(bound.sun_path[0], 0);
    open_fails(exact, NULL, -EADDRINUSE);

    padded = open_ok(other, NULL); /* another name, for the kernel */
    n = sizeof(bound);
    ck_assert_int_eq(getsockname(sunpath_listener_fd(padded), (struct sockaddr *)&bound, &n), 0);
    ck_assert_uint_eq(n, sizeof(bound));
    ck_assert_int_eq(sunpath_listener_accept(padded, &fd), -EAGAIN);
    sunpath_listener_close(padded);
    sunpath_listener_close(listener);
    sunpath_listener_close(open_ok(exact, NULL));
    ck_assert_int_eq(n_files("."), 0);
}
END_TEST

START_TEST(the_kernel_chooses_a_name) {
    struct sunpath_listener *listener = open_ok("autobind:", NULL);
    const struct sunpath_address *address = sunpath_listener_address(listener);
    struct sunpath_error error;
    int fd;

    ck_assert_int_eq(address->kind, SUNPATH_ADDRESS_ABSTRACT);
    ck_assert(!address->is_auto);
    ck_assert_uint_eq(address->n_name, 5); /* five hex digits: unix(7) */
    ck_assert_int_eq(sunpath_connect_address(&fd, address, NULL, &error), 0);
    close(fd);
    ck_assert_int_eq(sunpath_connect(&fd, "autobind:", NULL, &error), -EINVAL);
    sunpath_listener_close(listener);
}
END_TEST

static int connect_tcp(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

START_TEST(tcp_ports_are_published) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *first, *second;
    char text[64];
    int client, server = -1, port;

    options.reuse_port = true;
    first = open_ok("tcp:127.0.0.1:0", &options);
    port = sunpath_listener_address(first)->number;
    ck_assert_int_gt(port, 0);
    ck_assert_str_eq(sunpath_listener_address(first)->name, "127.0.0.1");
    client = connect_tcp(port);
    ck_assert_int_eq(sunpath_listener_accept(first, &server), 0);
    close(server);
    close(client);

    snprintf(text, sizeof(text), "tcp:127.0.0.1:%d", port);
    ck_assert_int_eq(open_fails(text, NULL, -EADDRINUSE).reason, SUNPATH_REASON_IN_USE);
    second = open_ok(text, &options);
    sunpath_listener_close(second);
    sunpath_listener_close(first);
    open_fails("tcp:host.invalid.:1", NULL, -ENOENT);
}
END_TEST

START_TEST(no_descriptors_is_said_and_loses_nothing) {
    struct sunpath_listener *listener = open_ok("./a.sock", NULL);
    int client = connect_to(SOCK_STREAM, "a.sock"), fd = -5;
    struct rlimit before, none;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_int_eq(sunpath_listener_accept(listener, &fd), -EMFILE);
    ck_assert_int_eq(sunpath_listener_accept(listener, &fd), -EMFILE);
    ck_assert_int_eq(fd, -5);
    ck_assert_int_eq(sunpath_listener_open(&listener, "./b.sock", NULL, NULL), -EMFILE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(sunpath_listener_accept(listener, &fd), 0);
    close(fd);
    close(client);
    sunpath_listener_close(listener);
    ck_assert_int_eq(n_files("."), 0);
}
END_TEST

/* What opening says when only `n_more` descriptors are to be had; a listener is closed at once. */
static int open_with_few(const char *path, const struct sunpath_listen_options *options,
                         int n_more) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    int next = open("/", O_PATH | O_CLOEXEC), r;
    struct rlimit before, few;

    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)(next + n_more);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    r = sunpath_listener_open(&listener, path, options, &error);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_msg(r == 0 || options || strstr(error.text, path), "no address: %s", error.text);
    sunpath_listener_close(listener);
    return r;
}

START_TEST(too_few_descriptors_leave_nothing) {
    for (int n_more = 0; n_more < 4; n_more++) {
        ck_assert_int_eq(open_with_few("./a.sock", NULL, n_more), -EMFILE);
        ck_assert_int_eq(n_files("."), 0);
    }
    ck_assert_int_eq(open_with_few("./a.sock", NULL, 4), 0);
}
END_TEST

/* "root" is there, it only cannot be looked up. */
START_TEST(too_few_descriptors_are_no_wrong_name) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);

    options.owner = "root";
    ck_assert_int_eq(open_with_few("./a.sock", &options, 0), -EMFILE);
    options.owner = NULL;
    options.group = "root";
    ck_assert_int_eq(open_with_few("./a.sock", &options, 0), -EMFILE);
}
END_TEST

/* A dead socket stays unproven: that is no reason to tell anybody to remove it. */
START_TEST(too_few_descriptors_are_no_owner) {
    make_dead(SOCK_STREAM, "a.sock");
    for (int n_more = 0; n_more < 4; n_more++) {
        ck_assert_int_eq(open_with_few("./a.sock", NULL, n_more), -EMFILE);
        ck_assert_int_eq(n_files("."), 1);
    }
    ck_assert_int_eq(open_with_few("./a.sock", NULL, 4), 0);
}
END_TEST

START_TEST(a_successor_is_safe) {
    struct sunpath_listener *first = open_ok("./a.sock", NULL), *second;

    ck_assert_int_eq(unlink("a.sock"), 0);
    open_fails("./a.sock", NULL, -EADDRINUSE); /* the first holds the lock */
    ck_assert_int_eq(unlink("a.sock.lock"), 0);
    second = open_ok("./a.sock", NULL);
    sunpath_listener_close(first);
    check_serves(second, SOCK_STREAM, "a.sock");
    sunpath_listener_close(second);
    ck_assert_int_eq(n_files("."), 0);
}
END_TEST

START_TEST(a_stranger_in_our_place_is_safe) {
    struct sunpath_listener *listener = open_ok("./a.sock", NULL);

    ck_assert_int_eq(unlink("a.sock"), 0);
    ck_assert_int_eq(close(open("a.sock", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    sunpath_listener_close(listener);
    ck_assert_int_eq(stat_of("a.sock").st_mode, S_IFREG | 0600);

    ck_assert_int_eq(unlink("a.sock"), 0);
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    listener = open_ok("./dir/a.sock", NULL);
    ck_assert_int_eq(rename("dir", "moved"), 0);
    sunpath_listener_close(listener); /* finds its file where the directory is now */
    ck_assert_int_eq(n_files("moved"), 0);

    listener = open_ok("./moved/a.sock", NULL);
    ck_assert_int_eq(unlink("moved/a.sock"), 0);
    ck_assert_int_eq(unlink("moved/a.sock.lock"), 0);
    ck_assert_int_eq(rmdir("moved"), 0);
    sunpath_listener_close(listener); /* finds nothing, and says nothing */
}
END_TEST

static void swap_for_a_link(void) {
    const char *name = fixture_is_cleaned() ? "a.sock" : ".a.sock.new";

    ck_assert_int_eq(unlink(name), 0);
    ck_assert_int_eq(link("precious", name), 0);
}

/* Root would have given the stranger any file there is. */
START_TEST(a_link_in_our_place_gets_no_new_mode) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct stat before, after;

    close(open("precious", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    before = stat_of("precious");
    options.mode = 0666;
    after_bind = swap_for_a_link;
    open_fails("./a.sock", &options, -EADDRINUSE);
    after_bind = NULL;
    after = stat_of("precious");
    ck_assert_uint_eq(after.st_mode, before.st_mode);
    ck_assert_uint_eq(after.st_nlink, 2);
    ck_assert_int_eq(exists("a.sock"), fixture_is_cleaned()); /* the stranger's link stays */
}
END_TEST

START_TEST(a_forked_process_removes_nothing) {
    struct sunpath_listener *listener = open_ok("./a.sock", NULL);
    pid_t pid = fork();

    if (pid == 0) {
        sunpath_listener_close(listener);
        _exit(0);
    }
    wait_ok(pid);
    check_serves(listener, SOCK_STREAM, "a.sock");
    open_fails("./a.sock", NULL, -EADDRINUSE);
    sunpath_listener_close(listener);
    ck_assert_int_eq(n_files("."), 0);
}
END_TEST

/* As a daemon does it: the process that opened the listener ends and its child serves. */
START_TEST(a_daemon_removes_its_file) {
    int alive[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe(alive), 0);
    pid = fork();
    if (pid == 0) {
        struct sunpath_listener *listener = open_ok("./a.sock", NULL);
        pid_t parent = getpid();

        if (fork() == 0) {
            while (getppid() == parent) {
                sched_yield();
            }
            sunpath_listener_close(listener);
        }
        _exit(0);
    }
    wait_ok(pid);
    close(alive[1]);
    ck_assert_int_eq(read(alive[0], &byte, 1), 0); /* the daemon has ended, too */
    close(alive[0]);
    ck_assert_int_eq(n_files("."), 0);
}
END_TEST

START_TEST(the_descriptor_can_be_taken) {
    struct sunpath_listener *listener = open_ok("./a.sock", NULL);
    int fd = sunpath_listener_take_fd(listener), client;

    client = connect_to(SOCK_STREAM, "a.sock");
    ck_assert_int_ge(client, 0);
    close(client);
    open_fails("./a.sock", NULL, -EADDRINUSE); /* without a lock, but alive */
    close(fd);
    sunpath_listener_close(open_ok("./a.sock", NULL));
}
END_TEST

static void check_not_adopted(int fd, int code) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};

    ck_assert_int_eq(sunpath_listener_adopt(&listener, fd, NULL, &error), code);
    ck_assert_int_eq(error.code, code);
    ck_assert_ptr_null(listener);
    if (fd >= 0) {
        ck_assert_int_eq(close(fd), 0); /* still the caller's */
    }
}

START_TEST(what_does_not_listen_is_not_adopted) {
    int pair[2];

    check_not_adopted(-1, -EBADF);
    check_not_adopted(open(".", O_RDONLY | O_CLOEXEC), -ENOTSOCK);
    check_not_adopted(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), -EINVAL);
    check_not_adopted(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), -EINVAL);
    check_not_adopted(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), -EINVAL);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    check_not_adopted(pair[0], -EINVAL);
    close(pair[1]);
}
END_TEST

START_TEST(what_listens_is_adopted_and_left) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *listener;
    int fd = sunpath_listener_take_fd(open_ok(fixture_path("a.sock"), NULL));
    char text[32];

    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
    options.type = SUNPATH_SEQPACKET;
    snprintf(text, sizeof(text), "fd:%d", fd);
    open_fails(text, &options, -EINVAL); /* it is a stream */
    ck_assert_int_eq(fcntl(fd, F_GETFD), 0);

    options.type = 0;
    options.backlog = 3;
    listener = open_ok(text, &options);
    ck_assert_int_eq(sunpath_listener_fd(listener), fd);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(sunpath_listener_address(listener)->kind, SUNPATH_ADDRESS_PATH);
    ck_assert_uint_eq(backlog_of("a.sock"), 3);
    check_serves(listener, SOCK_STREAM, "a.sock");
    sunpath_listener_close(listener);
    ck_assert(exists("a.sock"));
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);

    fd = sunpath_listener_take_fd(open_ok("tcp:127.0.0.1:0", NULL));
    options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    options.mode = 0600; /* not ours to set: to keep quiet about it would be a false promise */
    ck_assert_int_eq(sunpath_listener_adopt(&listener, fd, &options, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_listener_adopt(&listener, fd, NULL, NULL), 0);
    ck_assert_int_eq(sunpath_listener_address(listener)->kind, SUNPATH_ADDRESS_TCP);
    ck_assert_int_gt(sunpath_listener_address(listener)->number, 0);
    sunpath_listener_close(listener);

    fd = sunpath_listener_take_fd(open_ok("dgram:./d.sock", NULL));
    ck_assert_int_eq(sunpath_listener_adopt(&listener, fd, NULL, NULL), 0);
    ck_assert_int_eq(sunpath_listener_address(listener)->type, SUNPATH_DGRAM);
    sunpath_listener_close(listener);
    ck_assert(exists("d.sock"));
}
END_TEST

START_TEST(refused_peers_are_counted) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_access *access = NULL;
    struct sunpath_listener *listener;
    int client, other, server;
    char rule[32];

    ck_assert_int_eq(sunpath_access_new(&access), 0);
    snprintf(rule, sizeof(rule), "uid=%u", (unsigned)geteuid());
    ck_assert_int_eq(sunpath_access_deny(access, rule, NULL), 0);
    options.access = access;
    listener = open_ok("./a.sock", &options);
    client = connect_to(SOCK_STREAM, "a.sock");
    other = connect_to(SOCK_STREAM, "a.sock");
    ck_assert_int_ge(client, 0);
    ck_assert_int_ge(other, 0);
    ck_assert_int_eq(sunpath_listener_accept(listener, &server), -EAGAIN);
    ck_assert_uint_eq(sunpath_listener_n_refused(listener), 2);
    ck_assert_int_eq(read(client, &(char){0}, 1), 0); /* closed, not left hanging */
    close(client);
    close(other);
    sunpath_listener_close(listener);
    sunpath_access_free(access);
}
END_TEST

SP_TESTS_EVERYWHERE("listener", a_path_is_published_and_removed, every_type_is_published,
                    the_first_message_says_who_sent_it, the_mode_is_exact_whatever_the_umask,
                    owner_and_group_are_set, what_is_not_permitted_leaves_nothing,
                    options_are_checked, backlog_and_buffers_are_set, a_dead_socket_is_replaced,
                    a_living_one_is_not, what_is_no_socket_stays, missing_directories_are_said,
                    long_paths_work, sticky_directories_are_bound_in_place,
                    below_a_sticky_directory_too, a_barred_way_up_is_no_obstacle,
                    a_full_disk_leaves_nothing, a_missing_proc_is_said,
                    abstract_names_are_published, the_kernel_chooses_a_name,
                    tcp_ports_are_published, no_descriptors_is_said_and_loses_nothing,
                    too_few_descriptors_leave_nothing, too_few_descriptors_are_no_wrong_name,
                    too_few_descriptors_are_no_owner, a_successor_is_safe,
                    a_stranger_in_our_place_is_safe, a_link_in_our_place_gets_no_new_mode,
                    a_forked_process_removes_nothing, a_daemon_removes_its_file,
                    the_descriptor_can_be_taken, what_does_not_listen_is_not_adopted,
                    what_listens_is_adopted_and_left, refused_peers_are_counted)
