/* SPDX-License-Identifier: MIT */
/* test-message-identity.c - who sent a message: addresses and credentials. */

#include "messages.h"

static int bound(const char *path) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (path) {
        strcpy(un.sun_path, path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    }
    return fd;
}

static ssize_t send_to(int fd, const char *address) {
    struct sunpath_send_options options = options_of(NULL, 0);
    struct sunpath_address to;

    ck_assert_int_eq(sunpath_address_parse(&to, address, NULL), 0);
    options.to = &to;
    return sunpath_send(fd, "x", 1, &options);
}

START_TEST(where_a_datagram_comes_from_and_goes_to) {
    int server = bound("server"), client = bound("client"), nameless = bound(NULL);
    struct sunpath_send_options options = options_of(NULL, 0);
    struct sunpath_address sender;
    char data[8], text[64];
    struct sunpath_message message = room(data, sizeof(data), NULL, 0);

    ck_assert_int_eq(send_to(client, "./server"), 1);
    message.sender = &sender;
    ck_assert_int_eq(sunpath_receive(server, &message), 1);
    ck_assert(message.has_sender);
    sunpath_address_format(text, sizeof(text), &sender);
    ck_assert_str_eq(text, "dgram:./client");
    options.to = &sender;
    ck_assert_int_eq(sunpath_send(server, "back", 4, &options), 4);
    ck_assert_int_eq(sunpath_receive(client, &message), 1);
    ck_assert(message.has_sender && message.size == 4);

    ck_assert_int_eq(send_to(nameless, "./server"), 1);
    ck_assert_int_eq(sunpath_receive(server, &message), 1);
    ck_assert(!message.has_sender);
    ck_assert_int_eq(send_to(client, "./none"), -ENOENT);
    ck_assert_int_eq(send_to(client, "tcp:localhost:1"), -EAFNOSUPPORT);
    close(server);
    ck_assert_int_eq(send_to(client, "./server"), -ECONNREFUSED);
    ck_assert_int_eq(sunpath_send(client, "x", 1, NULL), -ENOTCONN);
    close(client);
    close(nameless);
}
END_TEST

START_TEST(a_long_path_to_send_to) {
    int server, client = bound(NULL);
    char name[201], path[1024];

    memset(name, 'd', 200);
    name[200] = '\0';
    ck_assert_int_eq(mkdir(name, 0700), 0);
    ck_assert_int_eq(chdir(name), 0);
    server = bound("short");
    ck_assert_int_eq(rename("short", name), 0);
    snprintf(path, sizeof(path), "%s/%s/%s", fixture_dir(), name, name);
    ck_assert_int_eq(send_to(client, path), 1);
    close(server);
    ck_assert_int_eq(send_to(client, path), -ECONNREFUSED);
    ck_assert_int_eq(unlink(name), 0);
    ck_assert_int_eq(send_to(client, path), -ENOENT);
    close(client);
}
END_TEST

START_TEST(credentials_come_when_asked_for) {
    for (int i = 0; i < 3; i++) {
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int fds[2];

        pair_of(fds, types[i]);
        ck_assert_int_eq(sunpath_want_credentials(fds[1], true), 0);
        ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), 1);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert(message.has_credentials);
        ck_assert_int_eq(message.credentials.pid, getpid());
        ck_assert_uint_eq(message.credentials.uid, geteuid());
        ck_assert_uint_eq(message.credentials.gid, getegid());
        ck_assert_int_eq(sunpath_want_credentials(fds[1], false), 0);
        ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), 1);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert(!message.has_credentials);
        close_pair(fds);
    }
    ck_assert_int_eq(sunpath_want_credentials(-1, true), -EBADF);
}
END_TEST

/* What was sent before anybody asked is not from the user "nobody". */
START_TEST(credentials_nobody_gave_are_none) {
    for (int i = 0; i < 3; i++) {
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int fds[2];

        pair_of(fds, types[i]);
        ck_assert_int_eq(sunpath_send(fds[0], "x", i > 0 ? 0 : 1, NULL), i > 0 ? 0 : 1);
        ck_assert_int_eq(sunpath_want_credentials(fds[1], true), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert(!message.has_credentials || message.credentials.pid == getpid());
        close_pair(fds);
    }
}
END_TEST

static int forge(int fd, pid_t pid, uid_t uid, gid_t gid) {
    struct sunpath_credentials credentials = {.pid = pid, .uid = uid, .gid = gid};
    struct sunpath_send_options options = options_of(NULL, 0);

    options.credentials = &credentials;
    return (int)sunpath_send(fd, "x", 1, &options);
}

START_TEST(only_root_may_claim_to_be_another) {
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), NULL, 0);
    int fds[2], status;
    pid_t child;

    pair_of(fds, SUNPATH_SEQPACKET);
    ck_assert_int_eq(sunpath_want_credentials(fds[1], true), 0);
    ck_assert_int_eq(forge(fds[0], getppid(), 1234, 4321), 1);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert_int_eq(message.credentials.pid, getppid());
    ck_assert_uint_eq(message.credentials.uid, 1234);
    ck_assert_uint_eq(message.credentials.gid, 4321);
    child = fork();
    if (child == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
            setresuid(NOBODY, NOBODY, NOBODY) < 0) {
            _exit(1);
        }
        _exit(forge(fds[0], getpid(), 0, NOBODY) != -EPERM ||
              forge(fds[0], getpid(), NOBODY, 0) != -EPERM ||
              forge(fds[0], getppid(), NOBODY, NOBODY) != -EPERM ||
              forge(fds[0], getpid(), NOBODY, NOBODY) != 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert(message.has_credentials);
    ck_assert_int_eq(message.credentials.pid, child);
    ck_assert_uint_eq(message.credentials.uid, NOBODY);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), -EAGAIN); /* the forged never came */
    close_pair(fds);
}
END_TEST

START_TEST(descriptors_and_credentials_together) {
    int fds[2], sent[SUNPATH_FDS_MAX] = {0}, got[SUNPATH_FDS_MAX];
    struct sunpath_credentials credentials = {.pid = getpid(), .uid = 7, .gid = 8};
    struct sunpath_send_options options = options_of(sent, SUNPATH_FDS_MAX);
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), got, SUNPATH_FDS_MAX);

    options.credentials = &credentials;
    pair_of(fds, SUNPATH_STREAM);
    ck_assert_int_eq(sunpath_want_credentials(fds[1], true), 0);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), 1);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert_uint_eq(message.n_fds, SUNPATH_FDS_MAX);
    ck_assert_uint_eq(message.credentials.uid, 7);
    while (message.n_fds > 0) {
        close(got[--message.n_fds]);
    }
    close_pair(fds);
}
END_TEST

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

/* An adopted socket may attach what we did not ask for. */
START_TEST(a_pidfd_that_comes_along_is_closed) {
    int fds[2], on = 1, before, got;
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), &got, 1);

    pair_of(fds, SUNPATH_STREAM);
    if (setsockopt(fds[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) == 0) { /* Linux 6.5 */
        before = fixture_n_fds();
        ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), 1);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_uint_eq(message.n_fds, 0);
        ck_assert_int_eq(fixture_n_fds(), before);
    }
    close_pair(fds);
}
END_TEST

START_TEST(tcp_bytes_are_not_thrown_away) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[2];
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    char data[8];
    struct sunpath_message message = room(data, 2, NULL, 0);
    struct pollfd state;

    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&name, &size), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&name, size), 0);
    fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_eq(sunpath_send(fds[0], "abc", 3, NULL), 3);
    state = (struct pollfd){.fd = fds[1], .events = POLLIN};
    ck_assert_int_eq(poll(&state, 1, -1), 1);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert_mem_eq(data, "ab", 2);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert(message.size == 1 && data[0] == 'c');
    close_pair(fds);
    close(listener);
}
END_TEST

SP_TESTS("message-identity", where_a_datagram_comes_from_and_goes_to, a_long_path_to_send_to,
         credentials_come_when_asked_for, credentials_nobody_gave_are_none,
         only_root_may_claim_to_be_another, descriptors_and_credentials_together,
         a_pidfd_that_comes_along_is_closed, tcp_bytes_are_not_thrown_away)
