/* SPDX-License-Identifier: MIT */
/* test-handover.c - one owner at every moment, whoever leaves, lies or is late. */

#include <sunpath/listener.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sunpath/connection.h>

#include "fixture.h"

#define PLENTY_MS 60000

static struct sunpath_listener *open_ok(const char *address) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    int r = sunpath_listener_open(&listener, address, NULL, &error);

    ck_assert_msg(r == 0, "'%s': %s", address, error.text);
    return listener;
}

static void make_pair(int pair[2]) {
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
}

static bool is_up(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool up;

    strcpy(address.sun_path, path);
    up = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return up;
}

static bool is_locked(const char *address) {
    struct sunpath_listener *listener = NULL;

    if (sunpath_listener_open(&listener, address, NULL, NULL) == 0) {
        sunpath_listener_close(listener);
        return false;
    }
    return true;
}

static void wait_ok(pid_t pid) {
    int status;

    ck_assert_int_ge(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", status);
}

/* A process that has opened `address` and hands it over through the returned socket. */
static int start_old_server(pid_t *ret_pid, const char *address) {
    int pair[2];

    make_pair(pair);
    *ret_pid = fork();
    if (*ret_pid == 0) {
        struct sunpath_listener *listener = open_ok(address);

        close(pair[0]);
        ck_assert_int_eq(sunpath_listener_hand_over(listener, pair[1], PLENTY_MS, NULL), 0);
        sunpath_listener_close(listener);
        _exit(0);
    }
    close(pair[1]);
    return pair[0];
}

static struct sunpath_listener *take_over_ok(int fd, const struct sunpath_listen_options *options) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    int r = sunpath_listener_take_over(&listener, fd, PLENTY_MS, options, &error);

    ck_assert_msg(r == 0, "%s", error.text);
    return listener;
}

START_TEST(a_path_changes_hands) {
    struct sunpath_listener *listener;
    struct stat before, after;
    char expected[200];
    int server = -1, fd;
    pid_t pid;

    fd = start_old_server(&pid, "./a.sock");
    listener = take_over_ok(fd, NULL);
    close(fd);
    ck_assert_int_eq(stat("a.sock", &before), 0);
    wait_ok(pid); /* it has closed its listener and ended */

    ck_assert_int_eq(stat("a.sock", &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    snprintf(expected, sizeof(expected), "%s/a.sock", fixture_dir());
    ck_assert_str_eq(sunpath_listener_address(listener)->name, expected);
    ck_assert_int_ne(fcntl(sunpath_listener_fd(listener), F_GETFD) & FD_CLOEXEC, 0);
    ck_assert(is_up("a.sock"));
    ck_assert_int_eq(sunpath_listener_accept(listener, &server), 0);
    close(server);
    ck_assert(is_locked("./a.sock"));

    sunpath_listener_close(listener);
    ck_assert_int_eq(stat("a.sock", &after), -1);
    ck_assert(!is_locked("./a.sock"));
}
END_TEST

/* systemd-tmpfiles does that, and people. */
START_TEST(a_removed_lock_is_no_obstacle) {
    struct sunpath_listener *listener = open_ok("./a.sock"), *successor;
    struct stat before, after;
    int pair[2];
    pid_t pid;

    ck_assert_int_eq(stat("a.sock", &before), 0);
    ck_assert_int_eq(unlink("a.sock.lock"), 0);
    make_pair(pair);
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        successor = take_over_ok(pair[1], NULL);
        ck_assert_int_eq(sunpath_listener_hand_over(successor, pair[1], PLENTY_MS, NULL), 0);
        sunpath_listener_close(successor);
        _exit(0);
    }
    close(pair[1]);
    ck_assert_int_eq(sunpath_listener_hand_over(listener, pair[0], PLENTY_MS, NULL), 0);
    sunpath_listener_close(listener);
    successor = take_over_ok(pair[0], NULL);
    close(pair[0]);
    wait_ok(pid);
    ck_assert_int_eq(stat("a.sock", &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert(is_up("a.sock"));
    ck_assert(is_locked("./a.sock"));
    sunpath_listener_close(successor);
    ck_assert_int_eq(access("a.sock", F_OK), -1);
    ck_assert(!is_locked("./a.sock"));
}
END_TEST

START_TEST(a_lock_that_another_holds_is_said) {
    struct sunpath_listener *listener = open_ok("./a.sock"), *other;
    struct sunpath_error error = {0};
    int pair[2];

    ck_assert_int_eq(unlink("a.sock"), 0);
    ck_assert_int_eq(unlink("a.sock.lock"), 0);
    other = open_ok("./a.sock");
    make_pair(pair);
    ck_assert_int_eq(sunpath_listener_hand_over(listener, pair[0], PLENTY_MS, &error), -EADDRINUSE);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_IN_USE);
    ck_assert_msg(strstr(error.text, "hand over './a.sock': its lock file was removed") &&
                      strstr(error.text, "stop this server, then start the new one"),
                  "%s", error.text);
    sunpath_listener_close(listener);
    ck_assert(is_up("a.sock"));
    sunpath_listener_close(other);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(it_can_go_on_from_hand_to_hand) {
    struct sunpath_listener *listener = open_ok("./a.sock");

    for (int i = 0; i < 3; i++) {
        int pair[2];
        pid_t pid;

        make_pair(pair);
        pid = fork();
        if (pid == 0) { /* the child takes over and hands back */
            struct sunpath_listener *taken = take_over_ok(pair[1], NULL);

            ck_assert_int_eq(sunpath_listener_hand_over(taken, pair[1], PLENTY_MS, NULL), 0);
            sunpath_listener_close(taken);
            _exit(0);
        }
        close(pair[1]);
        ck_assert_int_eq(sunpath_listener_hand_over(listener, pair[0], PLENTY_MS, NULL), 0);
        sunpath_listener_close(listener);
        listener = take_over_ok(pair[0], NULL);
        close(pair[0]);
        wait_ok(pid);
        ck_assert(is_up("a.sock"));
    }
    sunpath_listener_close(listener);
    ck_assert_int_eq(access("a.sock", F_OK), -1);
}
END_TEST

static void check_kind(const char *address, enum sunpath_address_kind kind,
                       enum sunpath_type type) {
    struct sunpath_listener *listener;
    pid_t pid;
    int fd = start_old_server(&pid, address);

    listener = take_over_ok(fd, NULL);
    close(fd);
    wait_ok(pid);
    ck_assert_int_eq(sunpath_listener_address(listener)->kind, kind);
    ck_assert_int_eq(sunpath_listener_address(listener)->type, type);
    sunpath_listener_close(listener);
}

START_TEST(every_kind_changes_hands) {
    char abstract[64];

    snprintf(abstract, sizeof(abstract), "@sunpath-test-%d", (int)getpid());
    check_kind(abstract, SUNPATH_ADDRESS_ABSTRACT, SUNPATH_STREAM);
    check_kind("tcp:127.0.0.1:0", SUNPATH_ADDRESS_TCP, SUNPATH_STREAM);
    check_kind("dgram:./d.sock", SUNPATH_ADDRESS_PATH, SUNPATH_DGRAM);
    ck_assert_int_eq(access("d.sock", F_OK), -1);
}
END_TEST

/* `listener` must still own its path after `r`. */
static void check_still_owns(struct sunpath_listener *listener) {
    ck_assert(is_up("a.sock"));
    ck_assert(is_locked("./a.sock"));
    sunpath_listener_close(listener);
    ck_assert_int_eq(access("a.sock", F_OK), -1);
    ck_assert(!is_locked("./a.sock"));
}

static void check_hand_over_fails(int fd, int timeout_ms, int code, enum sunpath_reason reason) {
    struct sunpath_listener *listener = open_ok("./a.sock");
    struct sunpath_error error = {0};

    ck_assert_int_eq(sunpath_listener_hand_over(listener, fd, timeout_ms, &error), code);
    ck_assert_int_eq(error.code, code);
    ck_assert_int_eq(error.reason, reason);
    check_still_owns(listener);
}

START_TEST(the_old_server_keeps_what_nobody_took) {
    int pair[2];

    make_pair(pair); /* nobody answers */
    check_hand_over_fails(pair[0], 1, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT);
    close(pair[1]);
    check_hand_over_fails(pair[0], PLENTY_MS, -EPIPE, SUNPATH_REASON_SYSTEM);
    close(pair[0]);

    make_pair(pair); /* an answer that makes no sense */
    ck_assert_int_eq(write(pair[1], "n", 1), 1);
    check_hand_over_fails(pair[0], PLENTY_MS, -EPROTO, SUNPATH_REASON_PROTOCOL);
    close(pair[0]);
    close(pair[1]);

    make_pair(pair); /* the successor says it is ready and is gone before it gets the word */
    ck_assert_int_eq(write(pair[1], "r", 1), 1);
    ck_assert_int_eq(shutdown(pair[0], SHUT_WR), 0);
    check_hand_over_fails(pair[0], PLENTY_MS, -EPIPE, SUNPATH_REASON_SYSTEM);
    close(pair[0]);
    close(pair[1]);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
    check_hand_over_fails(pair[0], PLENTY_MS, -EINVAL, SUNPATH_REASON_INVALID);
    close(pair[0]);
    close(pair[1]);
    check_hand_over_fails(-1, PLENTY_MS, -EBADF, SUNPATH_REASON_INVALID);
}
END_TEST

static void check_take_over_fails(int fd, int timeout_ms, int code, enum sunpath_reason reason) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};

    ck_assert_int_eq(sunpath_listener_take_over(&listener, fd, timeout_ms, NULL, &error), code);
    ck_assert_ptr_null(listener);
    ck_assert_int_eq(error.code, code);
    ck_assert_int_eq(error.reason, reason);
}

START_TEST(a_successor_refuses_what_makes_no_sense) {
    static const char garbage[200] = "GET / HTTP/1.1\r\n";
    int pair[2];

    make_pair(pair);
    check_take_over_fails(pair[0], 1, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT);
    close(pair[1]);
    check_take_over_fails(pair[0], PLENTY_MS, -EPIPE, SUNPATH_REASON_SYSTEM);
    close(pair[0]);

    make_pair(pair);
    ck_assert_int_eq(write(pair[1], garbage, sizeof(garbage)), sizeof(garbage));
    check_take_over_fails(pair[0], PLENTY_MS, -EPROTO, SUNPATH_REASON_PROTOCOL);
    close(pair[0]);
    close(pair[1]);
    check_take_over_fails(-1, PLENTY_MS, -EBADF, SUNPATH_REASON_INVALID);
}
END_TEST

/*
 * A real offer, caught on its way, so that it can be changed: bytes in `data`, how many is
 * returned, the descriptors in `fds`.
 */
static size_t catch_offer(const char *address, char data[8192], int fds[2], size_t *ret_n_fds) {
    struct sunpath_message message = {.data = data, .n_data = 8192, .fds = fds, .max_fds = 2};
    struct sunpath_listener *listener = open_ok(address);
    int pair[2];

    make_pair(pair);
    ck_assert_int_eq(sunpath_listener_hand_over(listener, pair[0], 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(sunpath_receive(pair[1], &message), 1);
    *ret_n_fds = message.n_fds;
    close(pair[0]);
    close(pair[1]);
    close(sunpath_listener_take_fd(listener)); /* leaves the file */
    return message.size;
}

static void send_offer(int fd, const char *data, size_t size, const int *fds, size_t n_fds) {
    struct sunpath_send_options options = SUNPATH_OPTIONS(struct sunpath_send_options);

    options.fds = fds;
    options.n_fds = n_fds;
    ck_assert_int_eq(sunpath_send(fd, data, size, &options), (ssize_t)size);
}

/* Sends the offer with other descriptors, which the successor must refuse. */
static void check_offer_refused(const char *data, size_t size, int first, int second) {
    const int fds[] = {first, second};
    int pair[2];

    make_pair(pair);
    send_offer(pair[1], data, size, fds, first < 0 ? 0 : second < 0 ? 1 : 2);
    check_take_over_fails(pair[0], PLENTY_MS, -EPROTO, SUNPATH_REASON_PROTOCOL);
    close(pair[0]);
    close(pair[1]);
}

START_TEST(a_successor_checks_the_descriptors) {
    char data[8192], wrong[8192];
    size_t size, n_fds;
    int fds[2], file, quiet;

    size = catch_offer("./a.sock", data, fds, &n_fds);
    ck_assert_uint_eq(n_fds, 2);
    file = open("some.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    quiet = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    check_offer_refused(data, size, -1, -1);         /* none */
    check_offer_refused(data, size, fds[0], -1);     /* no lock */
    check_offer_refused(data, size, fds[1], fds[0]); /* in the wrong order */
    check_offer_refused(data, size, fds[0], file);   /* another file's lock */
    check_offer_refused(data, size, quiet, fds[1]);  /* does not listen */
    close(file);
    file = open("a.sock.lock", O_RDWR | O_CLOEXEC); /* the right file, not locked by this one */
    check_offer_refused(data, size, fds[0], file);

    memcpy(wrong, data, size);
    wrong[7]++; /* another version */
    check_offer_refused(wrong, size, fds[0], fds[1]);
    memcpy(wrong, data, size);
    wrong[size - 3] = '\0'; /* a NUL in the path */
    check_offer_refused(wrong, size, fds[0], fds[1]);
    memcpy(wrong, data, size);
    wrong[size - 1] = 'x'; /* another path */
    check_offer_refused(wrong, size, fds[0], fds[1]);

    close(file);
    close(quiet);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* The successor is ready, the word does not come, and it gives up: then the word cannot come. */
/* Takes over with only `n_more` descriptors to be had. */
static int take_over_with_few(int fd, int n_more) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    int next = fcntl(fd, F_DUPFD_CLOEXEC, 0), r;
    struct rlimit before, few;

    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)(next + n_more);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    r = sunpath_listener_take_over(&listener, fd, PLENTY_MS, NULL, &error);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_msg(r == 0 || strstr(error.text, "Too many open files"), "%s", error.text);
    sunpath_listener_close(listener);
    return r;
}

START_TEST(a_successor_without_descriptors_says_so) {
    for (int n_more = 0; n_more < 4; n_more++) {
        int pair[2], r;
        pid_t pid;

        make_pair(pair);
        pid = fork();
        if (pid == 0) {
            struct sunpath_listener *listener = open_ok("./a.sock");

            close(pair[0]);
            ck_assert_int_eq(sunpath_listener_hand_over(listener, pair[1], PLENTY_MS, NULL),
                             n_more < 3 ? -EPIPE : 0);
            sunpath_listener_close(listener);
            _exit(0);
        }
        close(pair[1]);
        r = take_over_with_few(pair[0], n_more);
        close(pair[0]);
        ck_assert_int_eq(r, n_more < 3 ? -EMFILE : 0);
        wait_ok(pid);
    }
}
END_TEST

START_TEST(who_gave_up_does_not_own) {
    char data[8192], answer = 0;
    size_t size, n_fds;
    int fds[2], pair[2];

    size = catch_offer("./a.sock", data, fds, &n_fds);
    make_pair(pair);
    send_offer(pair[1], data, size, fds, n_fds);
    check_take_over_fails(pair[0], 1, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT);
    ck_assert_int_eq(read(pair[1], &answer, 1), 1);
    ck_assert_int_eq(answer, 'r');
    ck_assert_int_eq(send(pair[1], "y", 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, EPIPE);
    ck_assert_int_eq(access("a.sock", F_OK), 0);
    close(pair[0]);
    close(pair[1]);

    make_pair(pair); /* the word is there already: it counts, however late */
    send_offer(pair[1], data, size, fds, n_fds);
    ck_assert_int_eq(write(pair[1], "y", 1), 1);
    {
        struct sunpath_listener *listener = NULL;

        ck_assert_int_eq(sunpath_listener_take_over(&listener, pair[0], 0, NULL, NULL), 0);
        sunpath_listener_close(listener);
        ck_assert_int_eq(access("a.sock", F_OK), -1);
    }
    close(pair[0]);
    close(pair[1]);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(only_who_opened_it_gives_it_away) {
    struct sunpath_listener *listener = open_ok("./a.sock");
    int pair[2];
    pid_t pid;

    make_pair(pair);
    pid = fork();
    if (pid == 0) {
        ck_assert_int_eq(sunpath_listener_hand_over(listener, pair[0], PLENTY_MS, NULL), -EINVAL);
        _exit(0);
    }
    wait_ok(pid);
    close(pair[0]);
    close(pair[1]);
    check_still_owns(listener);
}
END_TEST

SP_TESTS_EVERYWHERE("handover", a_path_changes_hands, a_removed_lock_is_no_obstacle,
                    a_lock_that_another_holds_is_said, it_can_go_on_from_hand_to_hand,
                    every_kind_changes_hands, the_old_server_keeps_what_nobody_took,
                    a_successor_refuses_what_makes_no_sense, a_successor_checks_the_descriptors,
                    a_successor_without_descriptors_says_so, who_gave_up_does_not_own,
                    only_who_opened_it_gives_it_away)
