/* SPDX-License-Identifier: MIT */
/* test-connect.c - connecting: reasons, deadlines, servers yet to come, squatters, long names. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sunpath/connection.h>

#include "fixture.h"

#define NOBODY  65534
#define UNTAKEN (-77)

static int socket_of(int type) {
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static int bound(int type, const char *path) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket_of(type);

    strcpy(un.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static int listening(int type, const char *path, int backlog) {
    int fd = bound(type, path);

    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

static struct sunpath_connect_options options_of(int timeout_ms) {
    struct sunpath_connect_options options = SUNPATH_OPTIONS(struct sunpath_connect_options);

    options.timeout_ms = timeout_ms;
    return options;
}

static int connected(const char *address, const struct sunpath_connect_options *options) {
    struct sunpath_error error = {0};
    int fd = UNTAKEN;
    int r = sunpath_connect(&fd, address, options, &error);

    ck_assert_msg(r == 0, "%d: %s", r, error.text);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    return fd;
}

static void fails(const char *address, const struct sunpath_connect_options *options, int code,
                  enum sunpath_reason reason, const char *part) {
    struct sunpath_error error = {0};
    int fd = UNTAKEN;
    int r = sunpath_connect(&fd, address, options, &error);

    ck_assert_msg(r == code, "%d, not %d: %s", r, code, error.text);
    ck_assert_int_eq(fd, UNTAKEN);
    ck_assert_int_eq(error.code, code);
    ck_assert_msg(error.reason == reason, "%s: %s", sunpath_reason_name(error.reason), error.text);
    ck_assert_msg(strstr(error.text, part), "'%s' is not in: %s", part, error.text);
    ck_assert_int_eq(sunpath_connect(&fd, address, options, NULL), code);
    ck_assert_int_eq(fd, UNTAKEN);
}

static void is_child_ok(pid_t child) {
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

/* Is that process asleep in poll(2)? Only then has it met what it waits for. */
static bool is_polling(pid_t pid) {
    char path[64];
    long number = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
    file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%ld", &number) != 1) {
            number = -1; /* "running" */
        }
        fclose(file);
    }
#ifdef SYS_poll
    return number == SYS_poll || number == SYS_ppoll;
#else
    return number == SYS_ppoll;
#endif
}

/* In a child: once this process waits, does `act`. */
static pid_t when_waiting(int (*act)(const void *), const void *user) {
    pid_t parent = getpid(), child = fork();

    ck_assert_int_ge(child, 0);
    if (child > 0) {
        return child;
    }
    while (!is_polling(parent)) {
        if (getppid() != parent) {
            _exit(9);
        }
        sched_yield();
    }
    _exit(act(user));
}

static void become_nobody(void) {
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0) {
        _exit(8);
    }
}

START_TEST(every_type) {
    int fds[] = {listening(SOCK_STREAM, "s", 9), listening(SOCK_SEQPACKET, "p", 9),
                 bound(SOCK_DGRAM, "d")};
    struct sunpath_connect_options options = options_of(0);

    close(connected("./s", NULL));
    close(connected("stream:s", NULL));
    close(connected("seqpacket:./p", NULL));
    close(connected("dgram:./d", NULL));
    options.type = SUNPATH_SEQPACKET;
    close(connected("./p", &options));
    close(connected("seqpacket:./p", &options));
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
}
END_TEST

START_TEST(every_reason) {
    int shut = listening(SOCK_STREAM, "shut", 1), mute = bound(SOCK_STREAM, "mute"),
        packet = listening(SOCK_SEQPACKET, "packet", 1);
    char text[5000];

    fails("./none", NULL, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    fails("./no/where", NULL, -ENOENT, SUNPATH_REASON_MISSING, "'./no'");
    close(listening(SOCK_STREAM, "stale", 1));
    fails("./stale", NULL, -ECONNREFUSED, SUNPATH_REASON_STALE, "its server is gone");
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    fails("./file", NULL, -ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "file");
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    fails("./dir", NULL, -ECONNREFUSED, SUNPATH_REASON_NOT_A_SOCKET, "directory");
    fails("./mute", NULL, -ECONNREFUSED, SUNPATH_REASON_NOT_LISTENING, "listen");
    ck_assert_int_eq(shutdown(shut, SHUT_RD), 0);
    fails("./shut", NULL, -ECONNREFUSED, SUNPATH_REASON_SHUT_DOWN, "shut");
    fails("./packet", NULL, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "seqpacket");
    fails("dgram:./packet", NULL, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "seqpacket");
    fails("@sunpath-test-none", NULL, -ECONNREFUSED, SUNPATH_REASON_MISSING, "refused");
    memset(text, 'x', sizeof(text));
    memcpy(text, "./", 2);
    text[300] = '\0'; /* one component of 298 bytes */
    fails(text, NULL, -ENAMETOOLONG, SUNPATH_REASON_NAME_TOO_LONG, "too long");
    text[300] = 'x';
    text[sizeof(text) - 1] = '\0';
    fails(text, NULL, -ENAMETOOLONG, SUNPATH_REASON_NAME_TOO_LONG, "4095");
    fails("a b", NULL, -EINVAL, SUNPATH_REASON_INVALID, "./a b");
    close(shut);
    close(mute);
    close(packet);
}
END_TEST

START_TEST(no_permission) {
    int fd = listening(SOCK_STREAM, "s", 9);
    pid_t child;

    ck_assert_int_eq(chmod(".", 0755) + chmod("s", 0600), 0);
    child = fork();
    if (child == 0) {
        become_nobody();
        fails("./s", NULL, -EACCES, SUNPATH_REASON_PERMISSION, "no permission");
        _exit(0);
    }
    is_child_ok(child);
    close(fd);
}
END_TEST

START_TEST(a_bind_mount_of_a_deleted_socket) {
    int fd = listening(SOCK_STREAM, "s", 9), gone;

    ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    close(open("mounted", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(mount("s", "mounted", NULL, MS_BIND, NULL), 0);
    close(connected("./mounted", NULL));
    ck_assert_int_eq(unlink("s"), 0);
    close(fd);
    gone = listening(SOCK_STREAM, "s", 9); /* the server was restarted */
    fails("./mounted", NULL, -ECONNREFUSED, SUNPATH_REASON_DELETED_MOUNT, "deleted");
    close(gone);
    ck_assert_int_eq(umount("mounted"), 0);
}
END_TEST

/* Fills a backlog of 0, which takes one. */
static int fill(const char *address) {
    return connected(address, NULL);
}

START_TEST(a_full_backlog_times_out) {
    int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
    const char *const addresses[] = {"./s", "seqpacket:./p"};
    struct sunpath_connect_options options = options_of(30);

    for (int i = 0; i < 2; i++) {
        int fd = listening(types[i], i ? "p" : "s", 0), first = fill(addresses[i]);

        options.no_wait = false;
        fails(addresses[i], &options, -ETIMEDOUT, SUNPATH_REASON_BACKLOG_FULL, "timed out: ");
        options.no_wait = true;
        fails(addresses[i], &options, -EAGAIN, SUNPATH_REASON_BACKLOG_FULL, "the backlog is full");
        close(first);
        close(fd);
    }
}
END_TEST

static int accept_one(const void *user) {
    int fd = accept4(*(const int *)user, NULL, NULL, SOCK_CLOEXEC);

    return fd < 0;
}

START_TEST(a_full_backlog_is_waited_out) {
    struct sunpath_connect_options options = options_of(-1);
    int fd = listening(SOCK_STREAM, "s", 0), first = fill("./s");
    pid_t child = when_waiting(accept_one, &fd);

    close(connected("./s", &options));
    is_child_ok(child);
    close(first);
    close(fd);
}
END_TEST

static int serve(const void *user) {
    const char *path = user;
    int fd;

    if (strchr(path, '/')) {
        (void)mkdir("dir", 0700);
    }
    (void)unlink(path);
    fd = listening(SOCK_STREAM, path, 9);
    fcntl(fd, F_SETFL, 0);
    return accept(fd, NULL, NULL) < 0;
}

static void comes_later(const char *address, const char *path) {
    struct sunpath_connect_options options = options_of(-1);
    pid_t child = when_waiting(serve, path);

    options.wait = true;
    close(connected(address, &options));
    is_child_ok(child);
}

START_TEST(a_server_that_comes_later) {
    comes_later("./s", "s");         /* missing */
    comes_later("./s", "s");         /* stale: the first one is gone */
    comes_later("./dir/s", "dir/s"); /* with its directory */
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    comes_later("./file", "file");
}
END_TEST

static int serve_datagrams(const void *user) {
    int fd = bound(SOCK_DGRAM, user);
    char byte;

    fcntl(fd, F_SETFL, 0);
    return recv(fd, &byte, 1, 0) != 1 || byte != '!';
}

START_TEST(an_expected_datagram_server_that_comes_later) {
    struct sunpath_connect_options options = options_of(-1);
    pid_t child = when_waiting(serve_datagrams, "d");
    int fd;

    options.wait = true;
    options.expect_user = "root";
    fd = connected("dgram:./d", &options);
    ck_assert_int_eq(send(fd, "!", 1, 0), 1);
    is_child_ok(child);
    close(fd);
}
END_TEST

START_TEST(waiting_in_vain_says_for_what) {
    struct sunpath_connect_options options = options_of(30);

    options.wait = true;
    fails("./none", &options, -ETIMEDOUT, SUNPATH_REASON_MISSING, "timed out: ");
    close(listening(SOCK_STREAM, "stale", 1));
    fails("./stale", &options, -ETIMEDOUT, SUNPATH_REASON_STALE, "its server is gone");
    options.no_wait = true;
    fails("./none", &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    options.no_wait = false;
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    fails("./file/x", &options, -ENOTDIR, SUNPATH_REASON_MISSING, "regular file");
}
END_TEST

static int ring(const void *user) {
    return eventfd_write(*(const int *)user, 1) < 0;
}

START_TEST(cancelling) {
    struct sunpath_connect_options options = options_of(-1);
    int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), fd = listening(SOCK_STREAM, "s", 0),
        first = fill("./s");
    pid_t child = when_waiting(ring, &bell);

    options.cancel_fd = &bell;
    fails("./s", &options, -ECANCELED, SUNPATH_REASON_SYSTEM, "./s");
    is_child_ok(child);
    options.wait = true;
    fails("./none", &options, -ECANCELED, SUNPATH_REASON_SYSTEM, "anceled");
    fails("tcp:127.0.0.1:1", &options, -ECANCELED, SUNPATH_REASON_SYSTEM, "anceled");
    close(first);
    close(fd);
    close(bell);
}
END_TEST

/* A server run by nobody; closing *ret_hold ends it. */
static pid_t serve_as_nobody(int type, const char *path, int *ret_hold) {
    int hold[2], ready[2];
    pid_t child;
    char byte;

    ck_assert_int_eq(pipe2(hold, O_CLOEXEC) + pipe2(ready, O_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        int fd;

        become_nobody();
        close(hold[1]);
        fd = type == SOCK_DGRAM ? bound(type, path) : listening(type, path, 9);
        if (write(ready[1], "", 1) != 1) {
            _exit(1);
        }
        (void)!read(hold[0], &byte, 1);
        /* nothing may have been sent */
        if (type == SOCK_DGRAM) {
            _exit(recv(fd, &byte, 1, 0) >= 0);
        }
        for (int n = 0; (n = accept(fd, NULL, NULL)) >= 0;) {
            if (recv(n, &byte, 1, MSG_DONTWAIT) > 0) {
                _exit(2);
            }
            close(n);
        }
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    close(hold[0]);
    *ret_hold = hold[1];
    return child;
}

START_TEST(the_expected_user) {
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    static const char *const prefixes[] = {"stream:", "seqpacket:", "dgram:"};
    struct sunpath_connect_options options = options_of(0);

    ck_assert_int_eq(chmod(".", 0777), 0);
    for (int i = 0; i < 3; i++) {
        char address[128], path[32];
        int fd, hold;
        pid_t child;

        snprintf(path, sizeof(path), "own%d", i);
        snprintf(address, sizeof(address), "%s%s", prefixes[i], path);
        fd = types[i] == SOCK_DGRAM ? bound(types[i], path) : listening(types[i], path, 9);
        options.expect_user = "root";
        close(connected(address, &options));
        options.expect_user = "0";
        close(connected(address, &options));
        options.expect_user = "nobody";
        fails(address, &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "runs as uid 0");
        close(fd);

        snprintf(path, sizeof(path), "other%d", i);
        snprintf(address, sizeof(address), "%s%s", prefixes[i], path);
        child = serve_as_nobody(types[i], path, &hold);
        close(connected(address, &options));
        options.expect_user = "root";
        fails(address, &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "not as 'root': nothing");
        close(hold);
        is_child_ok(child);
    }
}
END_TEST

START_TEST(an_expected_user_nobody_can_tell) {
    struct sunpath_connect_options options = options_of(0);

    options.expect_user = "root";
    fails("dgram:@sunpath-test", &options, -EOPNOTSUPP, SUNPATH_REASON_WRONG_OWNER, "abstract");
    fails("dgram:./none", &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    fails("tcp:127.0.0.1:1", &options, -EINVAL, SUNPATH_REASON_INVALID, "TCP");
    options.expect_user = "no-such-user\n";
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "no user 'no-such-user\\n'");
    options.expect_user = "";
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "no user ''");
}
END_TEST

/* In a user namespace that maps root alone, a file of somebody else's shows as nobody's. */
START_TEST(an_unmapped_owner_is_not_nobody) {
    int stream = listening(SOCK_STREAM, "s", 9), datagram = bound(SOCK_DGRAM, "d"), hold;
    struct sunpath_connect_options options = options_of(0);
    pid_t server, child;

    ck_assert_int_eq(chmod(".", 0777) + chown("d", 1234, 1234) + chmod("d", 0777), 0);
    server = serve_as_nobody(SOCK_STREAM, "other", &hold);
    ck_assert_int_eq(chmod("other", 0777), 0);
    child = fork();
    if (child == 0) {
        int map;

        ck_assert_int_eq(unshare(CLONE_NEWUSER), 0);
        map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
        ck_assert_int_eq(write(map, "0 0 1", 5), 5);
        close(map);
        options.expect_user = "0";
        close(connected("./s", &options));
        options.expect_user = "65534";
        fails("dgram:./d", &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "without a name");
        fails("./other", &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "without a name");
        _exit(0);
    }
    is_child_ok(child);
    close(hold);
    is_child_ok(server);
    close(stream);
    close(datagram);
}
END_TEST

START_TEST(a_name_of_our_own) {
    struct sunpath_connect_options options = options_of(0);
    int server = bound(SOCK_DGRAM, "d"), fd;
    struct sockaddr_un un;
    socklen_t size = sizeof(un);
    char byte;

    options.bind = "./own";
    fd = connected("dgram:./d", &options);
    ck_assert_int_eq(send(fd, "?", 1, 0), 1);
    ck_assert_int_eq(recvfrom(server, &byte, 1, 0, (struct sockaddr *)&un, &size), 1);
    ck_assert_str_eq(un.sun_path, "./own");
    ck_assert_int_eq(sendto(server, "!", 1, 0, (struct sockaddr *)&un, size), 1);
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
    close(fd);

    fails("dgram:./d", &options, -EADDRINUSE, SUNPATH_REASON_IN_USE, "bind our own end to './own'");
    ck_assert_int_eq(access("own", F_OK), 0); /* it was not ours to remove */
    ck_assert_int_eq(unlink("own"), 0);
    fails("dgram:./none", &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    ck_assert_int_eq(access("own", F_OK), -1); /* this one was */
    options.expect_user = "nobody";
    fails("dgram:./d", &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "uid 0");
    ck_assert_int_eq(access("own", F_OK), -1);
    options.expect_user = NULL;
    options.bind = "own";
    fails("dgram:./d", &options, -EINVAL, SUNPATH_REASON_INVALID, "./own");
    options.bind = "fd:3";
    fails("dgram:./d", &options, -EAFNOSUPPORT, SUNPATH_REASON_SYSTEM, "bind our own end");
    options.bind = "@sunpath-test-own";
    close(connected("dgram:./d", &options));
    close(server);
}
END_TEST

/* Directories of 100 bytes each below the private one, the working directory in the last. */
static void go_deep(char *path, int n_levels) {
    char name[101];

    memset(name, 'd', 100);
    name[100] = '\0';
    strcpy(path, fixture_dir());
    for (int i = 0; i < n_levels; i++) {
        ck_assert_int_eq(mkdir(name, 0700), 0);
        ck_assert_int_eq(chdir(name), 0);
        sprintf(path + strlen(path), "/%s", name);
    }
}

static void reach_long(int type, const char *prefix, const char *dir, const char *name) {
    struct sunpath_connect_options options = options_of(0);
    int fd = type == SOCK_DGRAM ? bound(type, "short") : listening(type, "short", 9);
    char address[4200];

    ck_assert_int_eq(rename("short", name), 0);
    snprintf(address, sizeof(address), "%s%s/%s", prefix, dir, name);
    close(connected(address, &options));
    options.expect_user = "root";
    close(connected(address, &options));
    options.expect_user = "nobody";
    fails(address, &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "uid 0");
    close(fd);
    options.expect_user = NULL;
    fails(address, &options, -ECONNREFUSED, SUNPATH_REASON_STALE, "its server is gone");
    ck_assert_int_eq(unlink(name), 0);
    fails(address, &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
}

START_TEST(long_paths) {
    char dir[4096], name[256];

    memset(name, 'n', 255);
    for (int levels = 1; levels <= 4; levels += 3) {
        ck_assert_int_eq(chdir(fixture_dir()), 0);
        ck_assert_int_eq(mkdir(levels == 1 ? "1" : "4", 0700), 0);
        ck_assert_int_eq(chdir(levels == 1 ? "1" : "4"), 0);
        go_deep(dir, levels);
        ck_assert_ptr_nonnull(getcwd(dir, sizeof(dir)));
        for (int n = 1; n <= 255; n += 127) { /* 1, 128 and 255 bytes */
            name[n] = '\0';
            reach_long(SOCK_STREAM, "", dir, name);
            reach_long(SOCK_SEQPACKET, "seqpacket:", dir, name);
            reach_long(SOCK_DGRAM, "dgram:", dir, name);
            name[n] = 'n';
        }
    }
}
END_TEST

START_TEST(long_names_of_our_own) {
    struct sunpath_connect_options options = options_of(0);
    int server = bound(SOCK_DGRAM, "d");
    char dir[4096], own[4400];

    go_deep(dir, 3);
    snprintf(own, sizeof(own), "%s/own", dir);
    options.bind = own;
    close(connected("dgram:../../../d", &options));
    ck_assert_int_eq(unlink("own"), 0);
    fails("dgram:./none", &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    ck_assert_int_eq(access("own", F_OK), -1);
    snprintf(own, sizeof(own), "%s/%0200d", dir, 1);
    fails("dgram:./d", &options, -ENAMETOOLONG, SUNPATH_REASON_NAME_TOO_LONG, "bind our own end");
    close(server);
}
END_TEST

START_TEST(abstract_names) {
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0sunpath-test-\n"};
    int exact = socket_of(SOCK_STREAM), padded = socket_of(SOCK_STREAM), n;
    socklen_t n_exact = offsetof(struct sockaddr_un, sun_path) + 15;

    ck_assert_int_eq(bind(exact, (struct sockaddr *)&un, n_exact), 0);
    ck_assert_int_eq(listen(exact, 9), 0);
    close(connected("@sunpath-test-\\n", NULL));
    n = accept(exact, NULL, NULL);
    ck_assert_int_ge(n, 0);
    close(n);
    fails("abns@sunpath-test-\\n", NULL, -ECONNREFUSED, SUNPATH_REASON_MISSING, "refused");
    ck_assert_int_eq(bind(padded, (struct sockaddr *)&un, sizeof(un)), 0);
    ck_assert_int_eq(listen(padded, 9), 0);
    close(connected("abns@sunpath-test-\\n", NULL));
    n = accept(padded, NULL, NULL);
    ck_assert_int_ge(n, 0);
    close(n);
    close(exact);
    close(padded);
}
END_TEST

START_TEST(a_descriptor_is_adopted) {
    struct sunpath_connect_options options = options_of(0);
    int pair[2], alone = socket_of(SOCK_STREAM), file, fd = UNTAKEN;
    char address[32];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    file = open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    snprintf(address, sizeof(address), "fd:%d", pair[0]);
    options.expect_user = "nobody";
    fails(address, &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "uid 0");
    options.expect_user = NULL;
    options.type = SUNPATH_SEQPACKET;
    fails(address, &options, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "of that type");
    options.type = SUNPATH_STREAM;
    options.bind = "./own";
    fails(address, &options, -EINVAL, SUNPATH_REASON_INVALID, "cannot be bound");
    options.bind = NULL;
    ck_assert_int_eq(fcntl(pair[0], F_GETFD), 0); /* still as it was */
    ck_assert(!(fcntl(pair[0], F_GETFL) & O_NONBLOCK));
    options.expect_user = "root";
    ck_assert_int_eq(sunpath_connect(&fd, address, &options, NULL), 0);
    ck_assert_int_eq(fd, pair[0]);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    snprintf(address, sizeof(address), "fd:%d", alone);
    fails(address, NULL, -ENOTCONN, SUNPATH_REASON_INVALID, "no connected socket");
    snprintf(address, sizeof(address), "fd:%d", file);
    fails(address, NULL, -ENOTSOCK, SUNPATH_REASON_INVALID, "no connected socket");
    fails("fd:999", NULL, -EBADF, SUNPATH_REASON_INVALID, "no connected socket");
    fails("systemd:", NULL, -EINVAL, SUNPATH_REASON_INVALID, "that is a listener");
    close(pair[0]);
    close(pair[1]);
    close(alone);
    close(file);
}
END_TEST

static int tcp_bound(char address[64]) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    snprintf(address, 64, "tcp:127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

static int listen_now(const void *user) {
    return listen(*(const int *)user, 9) < 0 || accept(*(const int *)user, NULL, NULL) < 0;
}

START_TEST(tcp) {
    struct sunpath_connect_options options = options_of(0);
    char address[64];
    int fd = tcp_bound(address), one;
    pid_t child;

    fails(address, NULL, -ECONNREFUSED, SUNPATH_REASON_SYSTEM, "refused");
    options.timeout_ms = 30;
    options.wait = true;
    fails(address, &options, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT, "timed out");
    options.timeout_ms = -1;
    child = when_waiting(listen_now, &fd); /* the port is bound: nobody else can take it */
    close(connected(address, &options));
    is_child_ok(child);
    options.no_wait = true;
    one = connected(address, &options);
    close(one);
    close(fd);
}
END_TEST

/* A network namespace whose loopback gives out two ports only, so a client soon gets the server's.
 */
static void enter_a_small_network(void) {
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd, range;

    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &up), 0);
    close(fd);
    range = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(write(range, "40000 40001", 11), 0);
    close(range);
}

START_TEST(a_tcp_client_never_meets_itself) {
    struct sunpath_connect_options options = options_of(300);

    enter_a_small_network();
    options.wait = true;
    fails("tcp:127.0.0.1:40000", &options, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT, "timed out");
    fails("tcp:127.0.0.1:40001", &options, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT, "timed out");
}
END_TEST

START_TEST(what_tcp_does_not_have) {
    struct sunpath_connect_options options = options_of(0);

    options.type = SUNPATH_SEQPACKET;
    fails("tcp:127.0.0.1:1", &options, -EINVAL, SUNPATH_REASON_INVALID, "streams only");
    options.type = SUNPATH_STREAM;
    options.bind = "./own";
    fails("tcp:127.0.0.1:1", &options, -EINVAL, SUNPATH_REASON_INVALID, "no bound name");
    fails("tcp:1.2.3.4.5:1", NULL, -EHOSTUNREACH, SUNPATH_REASON_MISSING, "cannot be resolved");
}
END_TEST

START_TEST(buffers) {
    struct sunpath_connect_options options = options_of(0);
    int listener = listening(SOCK_STREAM, "s", 9), fd, value;
    socklen_t size = sizeof(value);

    options.send_buffer = 20000;
    options.receive_buffer = 30000;
    fd = connected("./s", &options);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &size), 0);
    ck_assert_int_eq(value, 40000); /* the kernel doubles it: socket(7) */
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &size), 0);
    ck_assert_int_eq(value, 60000);
    close(fd);
    close(listener);
}
END_TEST

START_TEST(options_are_checked) {
    struct sunpath_connect_options options = {.timeout_ms = 1};

    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "size is not set");
    options = options_of(-2);
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "out of range");
    options = options_of(0);
    options.send_buffer = -1;
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "out of range");
    options = options_of(0);
    options.type = (enum sunpath_type)3;
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "out of range");
    options.type = SUNPATH_STREAM;
    fails("dgram:./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "another socket type");
}
END_TEST

START_TEST(no_descriptors_left) {
    struct rlimit limit, none;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    fails("./s", NULL, -EMFILE, SUNPATH_REASON_SYSTEM, "Too many open files");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
END_TEST

SP_TESTS("connect", every_type, every_reason, no_permission, a_bind_mount_of_a_deleted_socket,
         a_full_backlog_times_out, a_full_backlog_is_waited_out, a_server_that_comes_later,
         an_expected_datagram_server_that_comes_later, waiting_in_vain_says_for_what, cancelling,
         the_expected_user, an_expected_user_nobody_can_tell, an_unmapped_owner_is_not_nobody,
         a_name_of_our_own, long_paths, long_names_of_our_own, abstract_names,
         a_descriptor_is_adopted, tcp, a_tcp_client_never_meets_itself, what_tcp_does_not_have,
         buffers, options_are_checked, no_descriptors_left)
