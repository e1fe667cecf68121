/* SPDX-License-Identifier: MIT */
/* test-doctor.c - a diagnosis says what a connect would meet, without connecting. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sunpath/inspect.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static int make_listener(int type, const char *path, int backlog) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

static struct sunpath_diagnosis *ask(const char *address, const char *user,
                                     enum sunpath_type type) {
    struct sunpath_doctor_options options = SUNPATH_OPTIONS(struct sunpath_doctor_options);
    struct sunpath_diagnosis *diagnosis = NULL;
    struct sunpath_error error = {0};

    options.user = user;
    options.type = type;
    ck_assert_msg(sunpath_doctor(&diagnosis, address, &options, &error) == 0, "%s", error.text);
    return diagnosis;
}

static void expect(const char *address, const char *user, enum sunpath_type type,
                   enum sunpath_reason reason, int code) {
    struct sunpath_diagnosis *diagnosis = ask(address, user, type);

    ck_assert_msg(sunpath_diagnosis_reason(diagnosis) == reason, "%s: %s: %s", address,
                  sunpath_reason_name(sunpath_diagnosis_reason(diagnosis)),
                  sunpath_diagnosis_verdict(diagnosis));
    ck_assert_int_eq(sunpath_diagnosis_errno(diagnosis), code);
    ck_assert_str_ne(sunpath_diagnosis_verdict(diagnosis), "");
    ck_assert_ptr_nonnull(sunpath_diagnosis_fix(diagnosis));
    ck_assert_ptr_null(sunpath_diagnosis_free(diagnosis));
}

START_TEST(a_healthy_socket) {
    int fd = make_listener(SOCK_STREAM, "a.sock", 5);
    struct sunpath_diagnosis *diagnosis = ask("./a.sock", NULL, 0);
    const struct sunpath_finding *finding;
    char expected[64];
    size_t n = sunpath_diagnosis_n_findings(diagnosis);

    ck_assert_int_eq(sunpath_diagnosis_reason(diagnosis), SUNPATH_REASON_NONE);
    ck_assert_int_eq(sunpath_diagnosis_errno(diagnosis), 0);
    ck_assert_uint_ge(n, 2);
    finding = sunpath_diagnosis_finding(diagnosis, n - 1);
    ck_assert_int_eq(finding->grade, SUNPATH_FINDING_OK);
    ck_assert_str_eq(finding->subject, "listening");
    snprintf(expected, sizeof(expected), "[%d], backlog 0/5", (int)getpid());
    ck_assert_ptr_nonnull(strstr(finding->detail, expected));
    ck_assert_ptr_null(sunpath_diagnosis_finding(diagnosis, n));
    sunpath_diagnosis_free(diagnosis);

    ck_assert_int_eq(accept(fd, NULL, NULL), -1); /* nobody knocked */
    ck_assert_int_eq(errno, EAGAIN);
    close(fd);
}
END_TEST

START_TEST(every_state_of_a_path) {
    int fd = make_listener(SOCK_STREAM, "a.sock", 5);
    int packets = make_listener(SOCK_SEQPACKET, "p.sock", 5);

    close(make_listener(SOCK_STREAM, "stale.sock", 5));
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    expect("./none", NULL, 0, SUNPATH_REASON_MISSING, ENOENT);
    expect("./none/x", NULL, 0, SUNPATH_REASON_MISSING, ENOENT);
    expect("./a.sock/x", NULL, 0, SUNPATH_REASON_MISSING, ENOTDIR);
    expect("./stale.sock", NULL, 0, SUNPATH_REASON_STALE, ECONNREFUSED);
    expect("./dir", NULL, 0, SUNPATH_REASON_NOT_A_SOCKET, ECONNREFUSED);
    expect("./p.sock", NULL, 0, SUNPATH_REASON_NONE, 0);
    expect("seqpacket:./p.sock", NULL, 0, SUNPATH_REASON_NONE, 0);
    expect("stream:./p.sock", NULL, 0, SUNPATH_REASON_WRONG_TYPE, EPROTOTYPE);
    expect("./a.sock", NULL, SUNPATH_DGRAM, SUNPATH_REASON_WRONG_TYPE, EPROTOTYPE);
    expect("@sunpath-nobody-has-this", NULL, 0, SUNPATH_REASON_MISSING, ECONNREFUSED);
    close(fd);
    close(packets);
}
END_TEST

START_TEST(every_trouble_has_a_fix) {
    static const struct {
        const char *address, *fix;
    } cases[] = {
        {"./none", "start the server"},
        {"./none/a.sock", "correct the path, or make the directory and start the server"},
        {"./file", "correct the path; if a server is to listen here, move the file away"},
        {"./fifo", "correct the path; if a server is to listen here, move the file away"},
        {"./subdir", "name the socket in the directory"},
        {"./to-subdir", "name the socket in the directory"},
        {"./file/a.sock", "correct the path: nothing can be below './file'"},
        {"./file/", "leave out the slash at the end"},
        {"./loop", "make the link './loop' anew"},
        {"./dangling", "point the link './dangling' at the socket, or start the server that is to "
                       "make './gone-from-here'"},
        {"./subdit/a.sock", "start the server, or did you mean 'subdir'?"},
        {"@sunpath-nobody-has-this", "start the server, or correct the name"},
    };

    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(mkdir("subdir", 0700), 0);
    ck_assert_int_eq(close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    ck_assert_int_eq(symlink("subdir", "to-subdir"), 0);
    ck_assert_int_eq(symlink("loop", "loop"), 0);
    ck_assert_int_eq(symlink("gone-from-here", "dangling"), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sunpath_diagnosis *diagnosis = ask(cases[i].address, NULL, 0);

        ck_assert_msg(strstr(sunpath_diagnosis_fix(diagnosis), cases[i].fix), "%s: %s: %s",
                      cases[i].address, sunpath_diagnosis_verdict(diagnosis),
                      sunpath_diagnosis_fix(diagnosis));
        sunpath_diagnosis_free(diagnosis);
    }
}
END_TEST

START_TEST(another_user_is_asked_for) {
    int open_fd, shut_fd;

    if (geteuid() != 0) {
        return; /* takes root */
    }
    ck_assert_int_eq(chmod(".", 0755), 0);
    ck_assert_int_eq(mkdir("private", 0700), 0);
    open_fd = make_listener(SOCK_STREAM, "open.sock", 5);
    shut_fd = make_listener(SOCK_STREAM, "private/shut.sock", 5);
    ck_assert_int_eq(chmod("open.sock", 0666), 0);
    expect(fixture_path("open.sock"), "nobody", 0, SUNPATH_REASON_NONE, 0);
    expect(fixture_path("open.sock"), "65534", 0, SUNPATH_REASON_NONE, 0);
    expect(fixture_path("open.sock"), "4711", 0, SUNPATH_REASON_NONE, 0);
    expect(fixture_path("private/shut.sock"), "nobody", 0, SUNPATH_REASON_PERMISSION, EACCES);
    expect(fixture_path("private/shut.sock"), "root", 0, SUNPATH_REASON_NONE, 0);
    ck_assert_int_eq(chmod("open.sock", 0755), 0);
    expect(fixture_path("open.sock"), "nobody", 0, SUNPATH_REASON_PERMISSION, EACCES);
    ck_assert_int_eq(geteuid(), 0); /* it was not us who changed */
    ck_assert_int_eq(waitpid(-1, NULL, __WALL | WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    close(open_fd);
    close(shut_fd);
}
END_TEST

/* A file that is stale and may not be written to: mending one of the two alone is no help. */
START_TEST(two_troubles_are_both_told) {
    const struct sunpath_finding *last;
    struct sunpath_diagnosis *diagnosis;

    if (geteuid() != 0) {
        return; /* takes root */
    }
    ck_assert_int_eq(chmod(".", 0755), 0);
    close(make_listener(SOCK_STREAM, "stale.sock", 5));
    ck_assert_int_eq(chmod("stale.sock", 0700), 0);
    diagnosis = ask(fixture_path("stale.sock"), "nobody", 0);
    ck_assert_int_eq(sunpath_diagnosis_reason(diagnosis), SUNPATH_REASON_PERMISSION);
    ck_assert_int_eq(sunpath_diagnosis_errno(diagnosis), EACCES);
    ck_assert_ptr_nonnull(strstr(sunpath_diagnosis_verdict(diagnosis), "may not write to"));
    ck_assert_ptr_nonnull(strstr(sunpath_diagnosis_verdict(diagnosis), "the file is stale"));
    ck_assert_ptr_nonnull(strstr(sunpath_diagnosis_fix(diagnosis), "chmod or chgrp"));
    ck_assert_ptr_nonnull(strstr(sunpath_diagnosis_fix(diagnosis), "then start the server again"));
    last = sunpath_diagnosis_finding(diagnosis, sunpath_diagnosis_n_findings(diagnosis) - 1);
    ck_assert_int_eq(last->grade, SUNPATH_FINDING_BAD);
    ck_assert_str_eq(last->subject, "listening");
    ck_assert_str_eq(last->detail, "no process"); /* not "nobody", which is a user, too */
    sunpath_diagnosis_free(diagnosis);
    expect(fixture_path("stale.sock"), NULL, 0, SUNPATH_REASON_STALE, ECONNREFUSED);
}
END_TEST

START_TEST(what_is_no_question) {
    struct sunpath_doctor_options options = SUNPATH_OPTIONS(struct sunpath_doctor_options);
    struct sunpath_diagnosis *diagnosis = NULL;
    struct sunpath_error error = {0};

    ck_assert_int_eq(sunpath_doctor(&diagnosis, "tcp:localhost:80", NULL, &error), -EINVAL);
    ck_assert_int_eq(sunpath_doctor(&diagnosis, "", NULL, &error), -EINVAL);
    ck_assert_int_eq(sunpath_doctor(&diagnosis, "", NULL, NULL), -EINVAL);
    options.user = "no-such-user-\x1b";
    ck_assert_int_eq(sunpath_doctor(&diagnosis, "./a", &options, &error), -ENOENT);
    ck_assert_ptr_nonnull(strstr(error.text, "no-such-user-\\x1b"));
    options.size = 0;
    ck_assert_int_eq(sunpath_doctor(&diagnosis, "./a", &options, &error), -EINVAL);
    ck_assert_ptr_null(diagnosis);
    ck_assert_ptr_null(sunpath_diagnosis_free(NULL));
}
END_TEST

START_TEST(only_root_may_ask_for_others) {
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct sunpath_doctor_options options = SUNPATH_OPTIONS(struct sunpath_doctor_options);
        struct sunpath_diagnosis *diagnosis = NULL;

        options.user = "root";
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0) {
            _exit(2);
        }
        _exit(sunpath_doctor(&diagnosis, "./a", &options, NULL) == -EPERM ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(few_descriptors_are_enough) {
    int fd = make_listener(SOCK_STREAM, "a.sock", 5);
    const struct rlimit few = {16, 16};
    char deep[400] = ".";

    for (int i = 0; i < 60; i++) {
        strcat(deep, "/d");
        ck_assert_int_eq(mkdir(deep, 0700), 0);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    expect("./a.sock", NULL, 0, SUNPATH_REASON_NONE, 0);
    strcat(deep, "/none");
    expect(deep, NULL, 0, SUNPATH_REASON_MISSING, ENOENT);
    close(fd);
}
END_TEST

/* Links that everybody can make must not cost whoever looks at them minutes and gigabytes. */
START_TEST(long_ways_are_given_up) {
    char target[4000] = "", link[16];

    ck_assert_int_eq(mkdir("d", 0700), 0);
    while (strlen(target) < 3900) {
        strcat(target, "d/../");
    }
    for (int i = 0; i < 39; i++) {
        snprintf(link, sizeof(link), "l%d", i);
        sprintf(strrchr(target, '/') + 1, "l%d", i + 1);
        ck_assert_int_eq(symlink(target, link), 0);
    }
    expect("./l38", NULL, 0, SUNPATH_REASON_MISSING, ENOENT);
    expect("./l0", NULL, 0, SUNPATH_REASON_UNKNOWN, 0);
}
END_TEST

/* round/a.sock -> ../round/b.sock -> a.sock: three components, and where it ends. */
START_TEST(a_loop_is_shown_once) {
    static const char *const subjects[] = {"./round", "./round/a.sock", "./round/../round/b.sock"};
    struct sunpath_diagnosis *diagnosis;
    size_t n;

    ck_assert_int_eq(mkdir("round", 0700), 0);
    ck_assert_int_eq(symlink("../round/b.sock", "round/a.sock"), 0);
    ck_assert_int_eq(symlink("a.sock", "round/b.sock"), 0);
    diagnosis = ask("./round/a.sock", NULL, 0);
    n = sunpath_diagnosis_n_findings(diagnosis);
    ck_assert_int_eq(sunpath_diagnosis_errno(diagnosis), ELOOP);
    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(sunpath_diagnosis_finding(diagnosis, i)->subject, subjects[i]);
        ck_assert_int_eq(sunpath_diagnosis_finding(diagnosis, i)->grade, SUNPATH_FINDING_OK);
    }
    ck_assert_int_eq(sunpath_diagnosis_finding(diagnosis, 3)->grade, SUNPATH_FINDING_BAD);
    sunpath_diagnosis_free(diagnosis);
}
END_TEST

START_TEST(long_paths_are_reached) {
    char part[101] = "", path[400];
    int fd;

    memset(part, 'p', sizeof(part) - 1);
    ck_assert_int_eq(mkdir(part, 0700), 0);
    ck_assert_int_eq(chdir(part), 0);
    fd = make_listener(SOCK_STREAM, "a.sock", 5);
    ck_assert_int_eq(chdir(".."), 0);
    snprintf(path, sizeof(path), "./%s/a.sock", part);
    expect(path, NULL, 0, SUNPATH_REASON_NONE, 0);
    memset(path + 2, 'x', 300);
    path[302] = '\0';
    expect(path, NULL, 0, SUNPATH_REASON_NAME_TOO_LONG, ENAMETOOLONG);
    close(fd);
}
END_TEST

SP_TESTS("doctor", a_healthy_socket, every_state_of_a_path, every_trouble_has_a_fix,
         another_user_is_asked_for, two_troubles_are_both_told, what_is_no_question,
         only_root_may_ask_for_others, few_descriptors_are_enough, long_ways_are_given_up,
         a_loop_is_shown_once, long_paths_are_reached)
