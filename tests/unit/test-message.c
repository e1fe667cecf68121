/* SPDX-License-Identifier: MIT */
/* test-message.c - bytes, descriptors and credentials in both directions, and every limit. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sunpath/connection.h>

#include "fixture.h"

#define NOBODY 65534

static const enum sunpath_type types[] = {SUNPATH_STREAM, SUNPATH_SEQPACKET, SUNPATH_DGRAM};

static void pair_of(int fds[2], enum sunpath_type type) {
    ck_assert_int_eq(sunpath_socketpair(fds, type), 0);
}

static void close_pair(const int fds[2]) {
    close(fds[0]);
    close(fds[1]);
}

static struct sunpath_send_options options_of(const int *fds, size_t n_fds) {
    struct sunpath_send_options options = SUNPATH_OPTIONS(struct sunpath_send_options);

    options.fds = fds;
    options.n_fds = n_fds;
    return options;
}

static struct sunpath_message room(char *data, size_t n_data, int *fds, size_t max_fds) {
    return (struct sunpath_message){.data = data, .n_data = n_data, .fds = fds, .max_fds = max_fds};
}

static bool is_same_file(int a, int b) {
    struct stat x, y;

    ck_assert_int_eq(fstat(a, &x) + fstat(b, &y), 0);
    return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

START_TEST(pairs_are_fit_for_use) {
    for (int i = 0; i < 3; i++) {
        int fds[2];

        pair_of(fds, types[i]);
        for (int j = 0; j < 2; j++) {
            ck_assert_int_eq(fcntl(fds[j], F_GETFD), FD_CLOEXEC);
            ck_assert(fcntl(fds[j], F_GETFL) & O_NONBLOCK);
        }
        close_pair(fds);
    }
    ck_assert_int_eq(sunpath_socketpair((int[2]){0}, (enum sunpath_type)99), -EINVAL);
}
END_TEST

START_TEST(adopting) {
    int fds[2], file = open(".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(sunpath_adopt(fds[0]), 0);
    ck_assert_int_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    ck_assert(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    ck_assert_int_eq(sunpath_adopt(file), -ENOTSOCK);
    ck_assert_int_eq(sunpath_adopt(-1), -EBADF);
    close_pair(fds);
    close(file);
}
END_TEST

START_TEST(bytes_there_and_back) {
    for (int i = 0; i < 3; i++) {
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int fds[2];

        pair_of(fds, types[i]);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EAGAIN);
        ck_assert_int_eq(sunpath_send(fds[0], "hello", 5, NULL), 5);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_uint_eq(message.size, 5);
        ck_assert_mem_eq(data, "hello", 5);
        ck_assert(!message.has_credentials && !message.has_sender && message.n_fds == 0);
        ck_assert_int_eq(sunpath_send(fds[1], "you", 3, NULL), 3);
        ck_assert_int_eq(sunpath_receive(fds[0], &message), 1);
        ck_assert_mem_eq(data, "you", 3);
        close_pair(fds);
    }
}
END_TEST

START_TEST(half_close) {
    for (int i = 0; i < 2; i++) {
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int fds[2];

        pair_of(fds, types[i]);
        ck_assert_int_eq(sunpath_end(fds[0]), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 0);
        ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), -EPIPE); /* and no SIGPIPE */
        ck_assert_int_eq(sunpath_send(fds[1], "x", 1, NULL), 1);
        ck_assert_int_eq(sunpath_receive(fds[0], &message), 1);
        close_pair(fds);
    }
    ck_assert_int_eq(sunpath_end(-1), -EBADF);
}
END_TEST

START_TEST(a_peer_that_left) {
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), NULL, 0);
    int fds[2];

    pair_of(fds, SUNPATH_STREAM);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), 1);
    close(fds[1]);
    ck_assert_int_eq(sunpath_receive(fds[0], &message), -ECONNRESET);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), -EPIPE);
    close(fds[0]);
    pair_of(fds, SUNPATH_DGRAM);
    close(fds[1]);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), -ECONNREFUSED);
    close(fds[0]);
    ck_assert_int_eq(sunpath_send(-1, "x", 1, NULL), -EBADF);
    ck_assert_int_eq(sunpath_receive(-1, &message), -EBADF);
}
END_TEST

START_TEST(full_queues_and_large_messages) {
    size_t size = 1 << 20;
    char *data = calloc(1, size);

    for (int i = 0; i < 3; i++) {
        ssize_t n;
        int fds[2];

        pair_of(fds, types[i]);
        if (types[i] != SUNPATH_STREAM) {
            ck_assert_int_eq(sunpath_send(fds[0], data, size, NULL), -EMSGSIZE);
        }
        do {
            n = sunpath_send(fds[0], data, 10000, NULL);
        } while (n > 0);
        ck_assert_int_eq(n, -EAGAIN);
        close_pair(fds);
    }
    free(data);
}
END_TEST

START_TEST(descriptors_on_every_type) {
    int file = open(".", O_RDONLY | O_CLOEXEC | O_DIRECTORY), pipe_fds[2];

    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    for (int i = 0; i < 6; i++) {
        const int sent[] = {file, pipe_fds[0], pipe_fds[1]};
        struct sunpath_send_options options = options_of(sent, 3);
        int fds[2], got[3], from = i % 2;
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), got, 3);

        pair_of(fds, types[i / 2]);
        ck_assert_int_eq(sunpath_send(fds[from], "abc", 3, &options), 3);
        ck_assert_int_eq(sunpath_receive(fds[!from], &message), 1);
        ck_assert_uint_eq(message.size, 3);
        ck_assert_uint_eq(message.n_fds, 3);
        for (int j = 0; j < 3; j++) {
            ck_assert(is_same_file(got[j], sent[j]));
            ck_assert_int_eq(fcntl(got[j], F_GETFD), FD_CLOEXEC);
            close(got[j]);
        }
        close_pair(fds);
    }
    close(file);
    close_pair(pipe_fds);
}
END_TEST

/* Sends `n_fds` to a receiver that takes `max` (-1: refuses them all). */
static void over_the_cap(enum sunpath_type type, size_t n_fds, int max, bool has_credentials) {
    struct sunpath_send_options options;
    int fds[2], sent[SUNPATH_FDS_MAX], got[SUNPATH_FDS_MAX], before;
    char data[8];
    struct sunpath_message message =
        room(data, sizeof(data), max < 0 ? NULL : got, max < 0 ? 9 : (size_t)max);
    int want = (int)n_fds <= max ? 1 : -ETOOMANYREFS;

    for (size_t i = 0; i < n_fds; i++) {
        sent[i] = STDERR_FILENO;
    }
    options = options_of(sent, n_fds);
    pair_of(fds, type);
    ck_assert_int_eq(sunpath_want_credentials(fds[1], has_credentials), 0);
    before = fixture_n_fds();
    ck_assert_int_eq(sunpath_send(fds[0], "abc", 3, &options), 3);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), want);
    ck_assert_uint_eq(message.size, 3);
    ck_assert_mem_eq(data, "abc", 3);
    ck_assert_int_eq(message.has_credentials, has_credentials);
    ck_assert_uint_eq(message.n_fds, want == 1 ? n_fds : 0);
    for (size_t i = 0; i < message.n_fds; i++) {
        close(got[i]);
    }
    ck_assert_int_eq(fixture_n_fds(), before); /* what was too much is closed */
    close_pair(fds);
}

START_TEST(caps) {
    for (int i = 0; i < 6; i++) {
        over_the_cap(types[i / 2], 1, -1, i % 2);
        over_the_cap(types[i / 2], 12, -1, i % 2);
        over_the_cap(types[i / 2], 1, 0, i % 2);
        over_the_cap(types[i / 2], 1, 1, i % 2);
        over_the_cap(types[i / 2], 2, 1, i % 2);
        over_the_cap(types[i / 2], 4, 3, i % 2);
        over_the_cap(types[i / 2], 12, 3, i % 2);
        over_the_cap(types[i / 2], SUNPATH_FDS_MAX, SUNPATH_FDS_MAX, i % 2);
        over_the_cap(types[i / 2], SUNPATH_FDS_MAX, SUNPATH_FDS_MAX - 1, i % 2);
    }
}
END_TEST

START_TEST(what_cannot_be_sent) {
    int fds[2], sent[SUNPATH_FDS_MAX + 1] = {0}, bad = 999;
    struct sunpath_send_options options = options_of(sent, SUNPATH_FDS_MAX + 1);

    pair_of(fds, SUNPATH_STREAM);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), -EINVAL);
    options = options_of(NULL, 1);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), -EINVAL);
    options = options_of(sent, 1);
    ck_assert_int_eq(sunpath_send(fds[0], "", 0, &options), -EINVAL); /* it would be lost */
    options = options_of(&bad, 1);
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), -EBADF);
    options.size = 0;
    ck_assert_int_eq(sunpath_send(fds[0], "x", 1, &options), -EINVAL);
    close_pair(fds);
}
END_TEST

START_TEST(an_empty_packet_carries_descriptors) {
    for (int i = 1; i < 3; i++) {
        int fds[2], sent = STDERR_FILENO, got;
        struct sunpath_send_options options = options_of(&sent, 1);
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), &got, 1);

        pair_of(fds, types[i]);
        ck_assert_int_eq(sunpath_send(fds[0], NULL, 0, &options), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert(message.size == 0 && message.n_fds == 1);
        close(got);
        close_pair(fds);
    }
}
END_TEST

/* Taken for the end, it would leave its descriptor with nobody to close it. */
START_TEST(an_empty_packet_with_descriptors_is_not_the_end) {
    int fds[2], sent = STDERR_FILENO, got = -1;
    struct sunpath_send_options options = options_of(&sent, 1);
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), &got, 1);

    pair_of(fds, SUNPATH_SEQPACKET);
    ck_assert_int_eq(sunpath_send(fds[0], NULL, 0, &options), 0);
    ck_assert_int_eq(sunpath_end(fds[0]), 0);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert(message.size == 0 && message.n_fds == 1);
    close(got);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 0);
    ck_assert_uint_eq(message.n_fds, 0);
    close_pair(fds);
}
END_TEST

START_TEST(no_room_for_descriptors_in_this_process) {
    for (int i = 0; i < 3; i++) {
        int fds[2], sent[] = {0, 0, 0, 0}, got[4], before, highest;
        struct sunpath_send_options options = options_of(sent, 4);
        struct rlimit limit, low;
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), got, 4);

        pair_of(fds, types[i]);
        before = fixture_n_fds();
        ck_assert_int_eq(sunpath_send(fds[0], "abc", 3, &options), 3);
        highest = dup(0); /* the lowest number that is free */
        close(highest);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        low = limit;
        low.rlim_cur = (rlim_t)highest + 2; /* two of four fit */
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -ETOOMANYREFS);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_uint_eq(message.n_fds, 0);
        ck_assert_mem_eq(data, "abc", 3);
        ck_assert_int_eq(fixture_n_fds(), before);
        close_pair(fds);
    }
}
END_TEST

START_TEST(a_message_that_does_not_fit_is_gone) {
    for (int i = 1; i < 3; i++) {
        int fds[2], sent[] = {0, 0}, got[2], before;
        struct sunpath_send_options options = options_of(sent, 2);
        char data[4];
        struct sunpath_message message = room(data, sizeof(data), got, 2);

        pair_of(fds, types[i]);
        before = fixture_n_fds();
        ck_assert_int_eq(sunpath_send(fds[0], "too long", 8, NULL), 8);
        ck_assert_int_eq(sunpath_send(fds[0], "too long", 8, &options), 8);
        ck_assert_int_eq(sunpath_send(fds[0], "too long", 8, &options), 8);
        ck_assert_int_eq(sunpath_send(fds[0], "fits", 4, NULL), 4);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EMSGSIZE);
        ck_assert_uint_eq(message.size, 8);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EMSGSIZE);
        message.max_fds = 1; /* cut and over the cap: cut is the worse */
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EMSGSIZE);
        ck_assert_uint_eq(message.size, 8);
        ck_assert_uint_eq(message.n_fds, 0);
        ck_assert_int_eq(fixture_n_fds(), before);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_mem_eq(data, "fits", 4);
        message.n_data = 0;
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EINVAL);
        close_pair(fds);
    }
}
END_TEST

START_TEST(an_empty_packet_is_not_the_end) {
    for (int with_credentials = 0; with_credentials < 2; with_credentials++) {
        char data[8];
        struct sunpath_message message = room(data, sizeof(data), NULL, 0);
        int fds[2];

        pair_of(fds, SUNPATH_SEQPACKET);
        ck_assert_int_eq(sunpath_want_credentials(fds[1], with_credentials), 0);
        ck_assert_int_eq(sunpath_send(fds[0], "", 0, NULL), 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_uint_eq(message.size, 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), -EAGAIN);

        ck_assert_int_eq(sunpath_send(fds[0], "", 0, NULL), 0);
        ck_assert_int_eq(sunpath_send(fds[0], "x", 1, NULL), 1);
        ck_assert_int_eq(sunpath_send(fds[0], "", 0, NULL), 0);
        close(fds[0]);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1); /* there is more behind it */
        ck_assert_uint_eq(message.size, 0);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
        ck_assert_uint_eq(message.size, 1);
        /* the last one is known by its credentials alone */
        ck_assert_int_eq(sunpath_receive(fds[1], &message), with_credentials);
        ck_assert_int_eq(sunpath_receive(fds[1], &message), 0);
        close(fds[1]);
    }
}
END_TEST

START_TEST(an_empty_datagram_is_a_message) {
    char data[8];
    struct sunpath_message message = room(data, sizeof(data), NULL, 0);
    int fds[2];

    pair_of(fds, SUNPATH_DGRAM);
    ck_assert_int_eq(sunpath_send(fds[0], NULL, 0, NULL), 0);
    ck_assert_int_eq(sunpath_receive(fds[1], &message), 1);
    ck_assert_uint_eq(message.size, 0);
    close_pair(fds);
}
END_TEST

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

SP_TESTS("message", pairs_are_fit_for_use, adopting, bytes_there_and_back, half_close,
         a_peer_that_left, full_queues_and_large_messages, descriptors_on_every_type, caps,
         what_cannot_be_sent, an_empty_packet_carries_descriptors,
         an_empty_packet_with_descriptors_is_not_the_end, no_room_for_descriptors_in_this_process,
         a_message_that_does_not_fit_is_gone, an_empty_packet_is_not_the_end,
         an_empty_datagram_is_a_message, where_a_datagram_comes_from_and_goes_to,
         a_long_path_to_send_to, credentials_come_when_asked_for, credentials_nobody_gave_are_none,
         only_root_may_claim_to_be_another, descriptors_and_credentials_together,
         a_pidfd_that_comes_along_is_closed, tcp_bytes_are_not_thrown_away)
