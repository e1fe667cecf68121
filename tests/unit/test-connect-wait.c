/* SPDX-License-Identifier: MIT */
/* test-connect-wait.c - deadlines, full backlogs, servers yet to come, cancelling. */

#include "connecting.h"

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

SP_TESTS("connect-wait", a_full_backlog_times_out, a_full_backlog_is_waited_out,
         a_server_that_comes_later, an_expected_datagram_server_that_comes_later,
         waiting_in_vain_says_for_what, cancelling)
