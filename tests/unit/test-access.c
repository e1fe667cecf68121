/* SPDX-License-Identifier: MIT */
/* test-access.c - who may come in, and that whoever cannot be known may not. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sunpath/peer.h>

#include "fixture.h"

#define NOBODY 65534

/* A rule set from a text such as "+uid=0 -gid=7": + allows, - denies. */
static struct sunpath_access *rules(const char *text) {
    struct sunpath_access *access = NULL;
    char copy[8192], *save = NULL;

    ck_assert_int_eq(sunpath_access_new(&access), 0);
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *rule = strtok_r(copy, " ", &save); rule; rule = strtok_r(NULL, " ", &save)) {
        ck_assert_int_eq(
            (rule[0] == '+' ? sunpath_access_allow : sunpath_access_deny)(access, rule + 1, NULL),
            0);
    }
    return access;
}

static void check(const char *text, int fd, bool may_enter) {
    struct sunpath_access *access = rules(text);
    int r = sunpath_access_check(access, fd);

    ck_assert_msg(r == (may_enter ? 0 : -EACCES), "'%s' gives %d", text, r);
    ck_assert_ptr_null(sunpath_access_free(access));
}

static void is_child_ok(pid_t child) {
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

static void become_nobody(void) {
    if (setgroups(2, (gid_t[]){11, 22}) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0) {
        _exit(8);
    }
}

/* An end of a pair that nobody made, who lives until it is closed. */
static pid_t nobodys_pair(int *ret_fd) {
    int carrier[2];
    pid_t child;
    char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x';
    struct iovec bytes = {&byte, 1};
    struct msghdr header = {.msg_iov = &bytes,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof(control)};
    struct cmsghdr *part = CMSG_FIRSTHDR(&header);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, carrier), 0);
    child = fork();
    if (child == 0) {
        int fds[2];

        close(carrier[0]);
        become_nobody();
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        *part = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(part), &fds[0], sizeof(int));
        ck_assert_int_eq(sendmsg(carrier[1], &header, 0), 1);
        close(fds[0]);
        _exit(read(fds[1], &byte, 1) != 0);
    }
    close(carrier[1]);
    ck_assert_int_eq(recvmsg(carrier[0], &header, MSG_CMSG_CLOEXEC), 1);
    memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(int));
    close(carrier[0]);
    return child;
}

static void pair_of_ours(int fds[2]) {
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

START_TEST(matrix) {
    static const struct {
        const char *rules;
        bool root, nobody;
    } rows[] = {
        {"", true, true},
        {"+uid=0", true, false},
        {"+user=root", true, false},
        {"+user=0", true, false},
        {"+user=nobody", false, true},
        {"+uid=65534", false, true},
        {"+uid=1", false, false},
        {"-uid=0", false, true},
        {"-uid=1", true, true},
        {"+uid=0 +uid=65534", true, true},
        {"+uid=0 -uid=0", false, false}, /* deny wins, in any order */
        {"-uid=0 +uid=0", false, false},
        {"-uid=0 +uid=65534", false, true},
        {"+gid=0", true, false},
        {"+group=root", true, false},
        {"+group=nogroup", false, true},
        {"+gid=65534", false, true}, /* primary */
        {"+gid=11", false, true},    /* supplementary */
        {"+gid=22", false, true},
        {"+gid=33", false, false},
        {"-gid=22", true, false},
        {"-group=root", false, true},
        {"+uid=65534 -gid=22", false, false},
        {"+uid=65534 -gid=33", false, true},
    };
    int fds[2], other;
    pid_t child = nobodys_pair(&other);

    pair_of_ours(fds);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(rows[i].rules, fds[0], rows[i].root);
        check(rows[i].rules, other, rows[i].nobody);
    }
    ck_assert_int_eq(sunpath_access_check(NULL, other), 0);
    ck_assert_ptr_null(sunpath_access_free(NULL));
    close(fds[0]);
    close(fds[1]);
    close(other);
    is_child_ok(child);
}
END_TEST

START_TEST(the_matrix_as_nobody) {
    int fds[2];
    pid_t child;

    pair_of_ours(fds);
    child = fork();
    if (child == 0) {
        int own[2];

        become_nobody();
        pair_of_ours(own);
        check("+uid=0", fds[0], true);
        check("+uid=0", own[0], false);
        check("+uid=65534", own[0], true);
        check("+gid=11", own[0], true);
        check("-gid=11", own[0], false);
        /* root's executable is hidden from nobody: what cannot be known does not pass */
        check("+exe=/proc/self/exe", fds[0], false);
        check("-exe=/no/such/file", fds[0], false);
        check("+uid=0 +exe=/no/such/file", fds[0], true);
        _exit(0);
    }
    is_child_ok(child);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static void own_rule(char rule[4200], const char *prefix) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    ck_assert_int_gt(n, 0);
    path[n] = '\0';
    snprintf(rule, 4200, "%s%s", prefix, path);
}

START_TEST(executables) {
    char rule[4200];
    int fds[2];

    pair_of_ours(fds);
    own_rule(rule, "+exe=");
    check(rule, fds[0], true);
    own_rule(rule, "-exe=");
    check(rule, fds[0], false);
    check("+exe=/bin/true", fds[0], false);
    check("-exe=/bin/true", fds[0], true);
    check("+exe=/no/such/file", fds[0], false);
    check("-exe=/no/such/file", fds[0], true);
    ck_assert_int_eq(symlink("/proc/self/exe", "link"), 0);
    snprintf(rule, sizeof(rule), "+exe=%s", fixture_path("link"));
    check(rule, fds[0], true); /* the same file by another path */
    close(fds[0]);
    close(fds[1]);
}
END_TEST

static void copy_file(const char *from, const char *to) {
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    char buffer[65536];
    ssize_t n;

    while ((n = read(in, buffer, sizeof(buffer))) > 0) {
        ck_assert_int_eq(write(out, buffer, (size_t)n), n);
    }
    close(in);
    close(out);
}

/*
 * A peer that runs the program at `path`, which is cat and ends with the connection. With `over`
 * it runs `path` by the name of `over`, mounted there in a namespace of its own.
 */
static pid_t run(int *ret_fd, const char *path, const char *over) {
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "s"};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ready[2];
    pid_t child;
    char byte;

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || dup2(fd, STDIN_FILENO) < 0) {
            _exit(3);
        }
        close(fd);
        if (over &&
            (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
             mount(path, over, NULL, MS_BIND, NULL) < 0)) {
            _exit(4);
        }
        execl(over ? over : path, "cat", NULL);
        _exit(5);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 0); /* closed by exec, or by the end */
    close(ready[0]);
    *ret_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_int_ge(*ret_fd, 0);
    close(listener);
    ck_assert_int_eq(unlink("s"), 0);
    return child;
}

/* The path a program is known by is as it sees it; only the file proves anything. */
START_TEST(an_executable_that_wears_a_trusted_name) {
    char trusted[4200], allow[4300], deny[4300], seen[4200];
    pid_t child;
    int fd;

    snprintf(trusted, sizeof(trusted), "%s", fixture_path("trusted"));
    snprintf(allow, sizeof(allow), "+exe=%s", trusted);
    snprintf(deny, sizeof(deny), "-exe=%s", trusted);
    copy_file("/bin/cat", trusted);
    copy_file("/bin/cat", "evil");

    child = run(&fd, trusted, NULL);
    check(allow, fd, true);
    check(deny, fd, false);
    close(fd);
    is_child_ok(child);

    child = run(&fd, "evil", trusted);
    ck_assert_int_gt(sunpath_peer_executable(fd, seen, sizeof(seen)), 0);
    ck_assert_str_eq(seen, trusted); /* so the path says */
    check(allow, fd, false);
    check(deny, fd, false);
    close(fd);
    is_child_ok(child);

    child = run(&fd, trusted, NULL);
    ck_assert_int_eq(rename("evil", trusted), 0); /* replaced, by an upgrade say */
    check(allow, fd, false);
    check(deny, fd, false);
    close(fd);
    is_child_ok(child);
}
END_TEST

START_TEST(whoever_carries_no_identity_is_refused) {
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&name, &size), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, size), 0);
    peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    check("+uid=0", peer, false);
    check("-uid=1", peer, false);
    check("+gid=0", peer, false);
    check("-exe=/no/such/file", peer, false);
    check("", peer, true); /* no rules, no questions */
    ck_assert_int_eq(sunpath_access_check(NULL, peer), 0);
    check("+uid=0", -1, false);
    close(peer);
    close(fd);
    close(listener);
}
END_TEST

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        _exit(7);
    }
    close(fd);
}

START_TEST(whoever_has_no_name_here_matches_no_rule) {
    int fds[2], other;
    pid_t child = nobodys_pair(&other), looker;

    pair_of_ours(fds);
    looker = fork();
    if (looker == 0) {
        if (unshare(CLONE_NEWUSER) < 0) {
            _exit(6);
        }
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", "0 0 1");
        write_file("/proc/self/gid_map", "0 0 1");
        check("+uid=0", fds[0], true);
        check("+uid=65534", other, false); /* which is what the kernel says of him */
        check("+gid=65534", other, false);
        check("-uid=1", other, false);
        check("-gid=1", other, false);
        check("-exe=/no/such/file", other, false);
        _exit(0);
    }
    is_child_ok(looker);
    close(fds[0]);
    close(fds[1]);
    close(other);
    is_child_ok(child);
}
END_TEST

/* Known by uid and gid, with supplementary groups that have no name here. */
START_TEST(groups_without_a_name_match_no_rule) {
    pid_t child = fork();

    if (child == 0) {
        int fds[2];

        ck_assert_int_eq(setgroups(2, (gid_t[]){11, 22}), 0);
        pair_of_ours(fds);
        if (unshare(CLONE_NEWUSER) < 0) {
            _exit(6);
        }
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", "0 0 1");
        write_file("/proc/self/gid_map", "0 0 1");
        check("+gid=0", fds[0], true);
        check("+gid=65534", fds[0], false); /* the kernel says 65534 for 11 and 22 */
        check("-gid=65534", fds[0], false); /* and nobody can say that it is not */
        _exit(0);
    }
    is_child_ok(child);
}
END_TEST

START_TEST(bad_rules) {
    static const struct {
        const char *rule;
        int code;
        const char *part;
    } rows[] = {
        {"", -EINVAL, "a rule is uid=N"},
        {"root", -EINVAL, "'root': a rule is"},
        {"uid", -EINVAL, "a rule is"},
        {"uid=", -EINVAL, "a rule is"},
        {"uid=root", -EINVAL, "a rule is"},
        {"uid=-1", -EINVAL, "a rule is"},
        {"uid=4294967295", -EINVAL, "a rule is"}, /* (uid_t)-1 is nobody */
        {"uid=0 ", -EINVAL, "a rule is"},
        {"UID=0", -EINVAL, "a rule is"},
        {"gid=4294967296", -EINVAL, "a rule is"},
        {"user=", -EINVAL, "a rule is"},
        {"group=", -EINVAL, "a rule is"},
        {"exe=", -EINVAL, "a rule is"},
        {"exe=cat", -EINVAL, "a rule is"},
        {"pid=1", -EINVAL, "a rule is"},
        {"user=no-such\n", -ENOENT, "'user=no-such\\n': there is no such user"},
        {"group=no-such", -ENOENT, "there is no such group"},
    };
    struct sunpath_access *access = rules("");
    struct sunpath_error error;
    int fds[2];

    pair_of_ours(fds);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r = sunpath_access_allow(access, rows[i].rule, &error);

        ck_assert_msg(r == rows[i].code, "'%s' gives %d", rows[i].rule, r);
        ck_assert_int_eq(error.code, r);
        ck_assert_msg(strstr(error.text, rows[i].part), "%s", error.text);
        ck_assert_int_eq(sunpath_access_deny(access, rows[i].rule, NULL), r);
    }
    ck_assert_int_eq(sunpath_access_check(access, fds[0]), 0); /* none of them was added */
    for (int i = 0; i < 1024; i++) {
        ck_assert_int_eq(sunpath_access_allow(access, "uid=1", NULL), 0);
    }
    ck_assert_int_eq(sunpath_access_allow(access, "uid=1", &error), -ENOBUFS);
    ck_assert_int_eq(sunpath_access_check(access, fds[0]), -EACCES);
    sunpath_access_free(access);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(trust_is_given_by_allow_rules_alone) {
    struct sunpath_access *none = rules(""), *denying = rules("-uid=7"), *own, *other;
    char text[64];
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    snprintf(text, sizeof(text), "+uid=%u", (unsigned)getuid());
    own = rules(text);
    snprintf(text, sizeof(text), "+uid=%u", (unsigned)getuid() + 1);
    other = rules(text);
    ck_assert_int_eq(sunpath_access_check(denying, fds[0]), 0);
    ck_assert(!sunpath_access_trusts(NULL, fds[0]));
    ck_assert(!sunpath_access_trusts(none, fds[0]));
    ck_assert(!sunpath_access_trusts(denying, fds[0]));
    ck_assert(!sunpath_access_trusts(other, fds[0]));
    ck_assert(sunpath_access_trusts(own, fds[0]));
    ck_assert_int_eq(sunpath_access_deny(own, text + 1, NULL), 0);
    ck_assert(sunpath_access_trusts(own, fds[0]));
    snprintf(text, sizeof(text), "uid=%u", (unsigned)getuid());
    ck_assert_int_eq(sunpath_access_deny(own, text, NULL), 0);
    ck_assert(!sunpath_access_trusts(own, fds[0]));
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
    }
    sunpath_access_free(none);
    sunpath_access_free(denying);
    sunpath_access_free(own);
    sunpath_access_free(other);
}
END_TEST

SP_TESTS("access", matrix, the_matrix_as_nobody, executables,
         an_executable_that_wears_a_trusted_name, whoever_carries_no_identity_is_refused,
         whoever_has_no_name_here_matches_no_rule, groups_without_a_name_match_no_rule, bad_rules,
         trust_is_given_by_allow_rules_alone)
