/* SPDX-License-Identifier: MIT */
/* test-peer.c - who is at the other end, also across user, pid and mount namespaces. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sunpath/peer.h>

#include "fixture.h"

#define NOBODY 65534

static int listening(const char *path) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(un.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    ck_assert_int_eq(listen(fd, 9), 0);
    return fd;
}

static int connect_to(const char *path) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(un.sun_path, path);
    return connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ? -1 : fd;
}

/* Accepts one connection, or fails when the process that should make it has ended. */
static int accept_from(int listener, pid_t child) {
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0), fd;
    struct pollfd states[] = {{.fd = listener, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};

    ck_assert_int_ge(pidfd, 0);
    ck_assert_int_ge(poll(states, 2, -1), 1);
    ck_assert_msg(states[0].revents, "the client ended before it connected");
    close(pidfd);
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* A client in a process of its own; it runs `before` first and stays until its socket is closed. */
static pid_t client(int *ret_fd, void (*before)(void)) {
    int listener = listening("s");
    pid_t child;

    ck_assert_int_eq(chmod(".", 0755) + chmod("s", 0666), 0);
    child = fork();
    if (child == 0) {
        char byte;
        int fd;

        close(listener);
        if (before) {
            before();
        }
        fd = connect_to("s");
        _exit(fd < 0 || read(fd, &byte, 1) != 0);
    }
    *ret_fd = accept_from(listener, child);
    close(listener);
    ck_assert_int_eq(unlink("s"), 0);
    return child;
}

static void is_child_ok(pid_t child) {
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

static void dismiss(pid_t child, int fd) {
    close(fd);
    is_child_ok(child);
}

static void become_nobody(void) {
    if (setgroups(3, (gid_t[]){11, 22, 33}) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0) {
        _exit(8);
    }
}

START_TEST(a_peer_is_known) {
    struct sunpath_peer peer;
    int fd;
    pid_t child = client(&fd, become_nobody);

    ck_assert_int_eq(sunpath_peer_read(&peer, fd), 0);
    ck_assert_int_eq(peer.pid, child);
    ck_assert_uint_eq(peer.uid, NOBODY);
    ck_assert_uint_eq(peer.gid, NOBODY);
    ck_assert(!peer.is_outside_pid_namespace);
    ck_assert(!peer.is_unmapped); /* here nobody is a user like any other */
    dismiss(child, fd);
}
END_TEST

START_TEST(the_server_is_known_to_the_client) {
    struct sunpath_peer peer;
    int listener = listening("s"), fd = connect_to("s");

    ck_assert_int_eq(sunpath_peer_read(&peer, fd), 0);
    ck_assert_int_eq(peer.pid, getpid());
    ck_assert_uint_eq(peer.uid, 0);
    close(fd);
    close(listener);
}
END_TEST

START_TEST(groups) {
    gid_t all[4] = {77, 77, 77, 77};
    int fd;
    pid_t child = client(&fd, become_nobody);

    ck_assert_int_eq(sunpath_peer_groups(fd, NULL, 0), 3);
    ck_assert_int_eq(sunpath_peer_groups(fd, NULL, 9), 3);
    ck_assert_int_eq(sunpath_peer_groups(fd, all, 2), 3);
    ck_assert(all[0] == 11 && all[1] == 22 && all[2] == 77);
    ck_assert_int_eq(sunpath_peer_groups(fd, all, 4), 3);
    ck_assert(all[0] == 11 && all[1] == 22 && all[2] == 33 && all[3] == 77);
    dismiss(child, fd);
}
END_TEST

static bool is_over(int pidfd) {
    struct pollfd state = {.fd = pidfd, .events = POLLIN};

    return poll(&state, 1, -1) == 1;
}

START_TEST(a_pidfd_and_its_end) {
    int fd, pidfd = -77;
    bool is_racy = true;
    pid_t child = client(&fd, NULL);
    struct sunpath_peer peer;
    char path[64];

    ck_assert_int_eq(sunpath_peer_pidfd(&pidfd, &is_racy, fd), 0);
    ck_assert_int_eq(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(kill(child, SIGKILL), 0); /* our own child */
    ck_assert(is_over(pidfd));
    close(pidfd);
    pidfd = -77;
    ck_assert_int_eq(sunpath_peer_pidfd(&pidfd, &is_racy, fd), -ESRCH); /* a zombie */
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(sunpath_peer_pidfd(&pidfd, &is_racy, fd), -ESRCH); /* reaped */
    ck_assert_int_eq(pidfd, -77);
    ck_assert_int_eq(sunpath_peer_executable(fd, path, sizeof(path)), -ESRCH);
    ck_assert_int_eq(sunpath_peer_read(&peer, fd), 0); /* that was noted */
    ck_assert_int_eq(peer.pid, child);
    close(fd);
}
END_TEST

START_TEST(the_executable) {
    char own[4096], path[4096];
    int fd;
    pid_t child = client(&fd, become_nobody);
    ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

    ck_assert_int_gt(n, 0);
    own[n] = '\0';
    ck_assert_int_eq(sunpath_peer_executable(fd, path, sizeof(path)), n);
    ck_assert_str_eq(path, own);
    ck_assert_int_eq(sunpath_peer_executable(fd, path, (size_t)n + 1), n);
    ck_assert_int_eq(sunpath_peer_executable(fd, path, (size_t)n), -ERANGE);
    ck_assert_int_eq(sunpath_peer_executable(fd, path, 0), -ERANGE);
    dismiss(child, fd);
}
END_TEST

START_TEST(the_executable_of_root_is_hidden_from_others) {
    int fd;
    pid_t child = client(&fd, NULL), looker = fork();

    if (looker == 0) {
        char path[4096];

        become_nobody();
        _exit(sunpath_peer_executable(fd, path, sizeof(path)) != -EACCES);
    }
    is_child_ok(looker);
    dismiss(child, fd);
}
END_TEST

START_TEST(a_label_or_none) {
    int fds[2], n;
    char label[256];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    n = sunpath_peer_label(fds[0], label, sizeof(label));
    ck_assert(n == -EOPNOTSUPP || (n >= 0 && strlen(label) == (size_t)n));
    ck_assert_int_eq(sunpath_peer_label(fds[0], label, 0), -ERANGE);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static void knows_nobody(int fd, int code) {
    struct sunpath_peer peer = {.pid = 77};
    char path[64];
    bool is_racy;
    int pidfd;

    ck_assert_int_eq(sunpath_peer_read(&peer, fd), code);
    ck_assert_int_eq(peer.pid, 77);
    ck_assert_int_eq(sunpath_peer_pidfd(&pidfd, &is_racy, fd), code);
    ck_assert_int_eq(sunpath_peer_executable(fd, path, sizeof(path)), code);
    ck_assert_int_lt(sunpath_peer_groups(fd, NULL, 0), 0);
}

START_TEST(sockets_without_a_peer) {
    int alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
        tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
        file = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    knows_nobody(alone, -ENOTCONN);
    knows_nobody(tcp, -EOPNOTSUPP);
    knows_nobody(file, -ENOTSOCK);
    knows_nobody(-1, -EBADF);
    close(alone);
    close(tcp);
    close(file);
}
END_TEST

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        _exit(7);
    }
    close(fd);
}

/* A user namespace in which root alone has a name: what `unshare -Ur` makes. */
static void enter_user_namespace(void) {
    if (unshare(CLONE_NEWUSER) < 0) {
        _exit(6);
    }
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 0 1");
    write_file("/proc/self/gid_map", "0 0 1");
}

START_TEST(an_unmapped_peer_is_nobody_we_know) {
    int fd, root_fds[2];
    pid_t child = client(&fd, become_nobody), looker;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, root_fds), 0);
    looker = fork();
    if (looker == 0) {
        struct sunpath_peer peer;

        enter_user_namespace();
        ck_assert_int_eq(sunpath_peer_read(&peer, fd), 0);
        ck_assert(peer.is_unmapped);
        ck_assert(!peer.is_outside_pid_namespace);
        ck_assert_int_eq(peer.pid, child);
        ck_assert_int_eq(sunpath_peer_read(&peer, root_fds[0]), 0);
        ck_assert(!peer.is_unmapped);
        ck_assert_uint_eq(peer.uid, 0);
        _exit(0);
    }
    is_child_ok(looker);
    close(root_fds[0]);
    close(root_fds[1]);
    dismiss(child, fd);
}
END_TEST

/* Root in a namespace of its own making is for us the user who made it. */
static void become_nobody_in_a_namespace(void) {
    become_nobody();
    /* having changed its ids, it is not dumpable, and then its /proc files are root's: proc(5) */
    if (prctl(PR_SET_DUMPABLE, 1) < 0 || unshare(CLONE_NEWUSER) < 0) {
        _exit(6);
    }
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 65534 1");
    write_file("/proc/self/gid_map", "0 65534 1");
    if (geteuid() != 0) {
        _exit(5);
    }
}

START_TEST(root_of_a_user_namespace_is_not_root) {
    struct sunpath_peer peer;
    int fd;
    pid_t child = client(&fd, become_nobody_in_a_namespace);

    ck_assert_int_eq(sunpath_peer_read(&peer, fd), 0);
    ck_assert_uint_eq(peer.uid, NOBODY);
    ck_assert_uint_eq(peer.gid, NOBODY);
    ck_assert(!peer.is_unmapped);
    dismiss(child, fd);
}
END_TEST

START_TEST(a_peer_outside_the_pid_namespace) {
    int fd;
    pid_t child = client(&fd, NULL), looker = fork();

    if (looker == 0) {
        pid_t inner;

        ck_assert_int_eq(unshare(CLONE_NEWPID), 0);
        inner = fork();
        if (inner == 0) {
            struct sunpath_access *access;
            struct sunpath_peer peer;
            char path[4096];

            ck_assert_int_eq(getpid(), 1);
            ck_assert_int_eq(sunpath_peer_read(&peer, fd), 0);
            ck_assert(peer.is_outside_pid_namespace);
            ck_assert(!peer.is_unmapped);
            ck_assert_int_eq(peer.pid, 0);
            ck_assert_uint_eq(peer.uid, 0);
            ck_assert_int_eq(sunpath_peer_executable(fd, path, sizeof(path)), -ESRCH);

            ck_assert_int_eq(sunpath_access_new(&access), 0);
            ck_assert_int_eq(sunpath_access_allow(access, "uid=0", NULL), 0);
            ck_assert_int_eq(sunpath_access_check(access, fd), -EACCES);
            sunpath_access_free(access);
            _exit(0);
        }
        is_child_ok(inner);
        _exit(0);
    }
    is_child_ok(looker);
    dismiss(child, fd);
}
END_TEST

START_TEST(a_peer_inside_another_pid_namespace) {
    struct sunpath_peer peer;
    int listener = listening("s"), fd;
    pid_t outer = fork();

    if (outer == 0) {
        pid_t inner;

        ck_assert_int_eq(unshare(CLONE_NEWPID), 0);
        inner = fork();
        if (inner == 0) {
            char byte;

            close(listener);
            fd = connect_to("s");
            _exit(fd < 0 || getpid() != 1 || read(fd, &byte, 1) != 0);
        }
        is_child_ok(inner);
        _exit(0);
    }
    fd = accept_from(listener, outer);
    ck_assert_int_eq(sunpath_peer_read(&peer, fd), 0);
    ck_assert_int_gt(peer.pid, 1); /* the number it has here */
    ck_assert(!peer.is_outside_pid_namespace);
    close(listener);
    dismiss(outer, fd);
}
END_TEST

SP_TESTS("peer", a_peer_is_known, the_server_is_known_to_the_client, groups, a_pidfd_and_its_end,
         the_executable, the_executable_of_root_is_hidden_from_others, a_label_or_none,
         sockets_without_a_peer, an_unmapped_peer_is_nobody_we_know,
         root_of_a_user_namespace_is_not_root, a_peer_outside_the_pid_namespace,
         a_peer_inside_another_pid_namespace)
