/* SPDX-License-Identifier: MIT */
/* test-sock-diag.c - the kernel's own word on who serves a socket file or an abstract name. */

#include "os/sock-diag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

static int bound(int type, const char *name, size_t n_name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, name, n_name);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n_name)),
                     0);
    return fd;
}

static int connected(int type, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static struct sp_diag_server look(const char *path) {
    struct sp_diag_server server = {0};
    struct stat file;

    ck_assert_int_eq(lstat(path, &file), 0);
    ck_assert_int_eq(sp_diag_find_file(&server, &file), 0);
    return server;
}

static uint64_t inode_of(int fd) {
    struct stat st;

    ck_assert_int_eq(fstat(fd, &st), 0);
    return st.st_ino;
}

START_TEST(a_file_lives_through_its_states) {
    int fd = bound(SOCK_STREAM, "a.sock", 6);
    struct sp_diag_server server = look("a.sock");
    int clients[3];

    ck_assert_int_eq(server.life, SP_DIAG_BOUND);
    ck_assert_int_eq(listen(fd, 5), 0);
    for (int i = 0; i < 3; i++) {
        clients[i] = connected(SOCK_STREAM, "a.sock");
    }

    server = look("a.sock");
    ck_assert_int_eq(server.life, SP_DIAG_ALIVE);
    ck_assert_uint_eq(server.inode, inode_of(fd));
    ck_assert_int_eq(server.type, SOCK_STREAM);
    ck_assert_uint_eq(server.n_waiting, 3);
    ck_assert_uint_eq(server.backlog, 5);
    ck_assert(!server.is_shut);
    ck_assert(!server.has_uid || server.uid == getuid());

    ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
    ck_assert(look("a.sock").is_shut);
    close(fd);
    ck_assert_int_eq(look("a.sock").life, SP_DIAG_DEAD);
    for (int i = 0; i < 3; i++) {
        close(clients[i]);
    }
}
END_TEST

START_TEST(an_accepted_connection_keeps_nothing_alive) {
    int fd = bound(SOCK_STREAM, "a.sock", 6);
    int client, served;

    ck_assert_int_eq(listen(fd, 5), 0);
    client = connected(SOCK_STREAM, "a.sock");
    served = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(served, 0);
    close(fd);
    ck_assert_int_eq(look("a.sock").life, SP_DIAG_DEAD);
    close(served);
    close(client);
}
END_TEST

START_TEST(types_are_told_apart) {
    int datagram = bound(SOCK_DGRAM, "d", 1);
    int packet = bound(SOCK_SEQPACKET, "p", 1);

    ck_assert_int_eq(listen(packet, 1), 0);
    ck_assert_int_eq(look("d").life, SP_DIAG_ALIVE);
    ck_assert_int_eq(look("d").type, SOCK_DGRAM);
    ck_assert_int_eq(look("p").type, SOCK_SEQPACKET);
    close(datagram);
    close(packet);
}
END_TEST

START_TEST(a_renamed_file_is_found_by_inode) {
    int fd = bound(SOCK_STREAM, "before", 6);

    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(rename("before", "after"), 0);
    ck_assert_uint_eq(look("after").inode, inode_of(fd));
    close(fd);
}
END_TEST

START_TEST(abstract_names_match_exactly) {
    char name[40];
    size_t n = (size_t)snprintf(name + 1, sizeof(name) - 1, "sunpath-test-%d", (int)getpid()) + 1;
    struct sp_diag_server server;
    int fd;

    name[0] = '\0';
    fd = bound(SOCK_STREAM, name, n);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(sp_diag_find_abstract(&server, name + 1, n - 1), 0);
    ck_assert_int_eq(server.life, SP_DIAG_ALIVE);
    ck_assert_int_eq(sp_diag_find_abstract(&server, name + 1, n - 2), 0);
    ck_assert_int_eq(server.life, SP_DIAG_DEAD);
    ck_assert_int_eq(sp_diag_find_abstract(&server, name + 1, n), 0); /* one NUL longer */
    ck_assert_int_eq(server.life, SP_DIAG_DEAD);
    close(fd);
}
END_TEST

struct seen {
    size_t n;
    uint64_t inode, peer;
    bool is_found;
};

static int on_socket(const struct sp_diag_socket *socket, void *user) {
    struct seen *seen = user;

    seen->n++;
    if (socket->inode == seen->inode) {
        seen->is_found = true;
        seen->peer = socket->peer;
    }
    return 0;
}

static int stop_at_once(const struct sp_diag_socket *socket, void *user) {
    (void)socket;
    ++*(int *)user;
    return 7;
}

START_TEST(a_large_dump_arrives_whole) {
    enum {
        N = 400
    };
    int pairs[N][2];
    struct seen seen;

    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        seen = (struct seen){.inode = inode_of(pairs[i][0])};
        ck_assert_int_eq(sp_diag_each(0, on_socket, &seen), 0);
        ck_assert_uint_ge(seen.n, 2 * N);
        ck_assert(seen.is_found);
        ck_assert_uint_eq(seen.peer, inode_of(pairs[i][1]));
    }
    for (int i = 0; i < N; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}
END_TEST

START_TEST(the_callback_ends_it_early) {
    int fd = bound(SOCK_DGRAM, "d", 1);
    int n = 0;

    ck_assert_int_eq(sp_diag_each(0, stop_at_once, &n), 7);
    ck_assert_int_eq(n, 1);
    close(fd);
}
END_TEST

START_TEST(a_descriptor_serves_many_questions) {
    int fd = sp_diag_open();
    struct seen seen = {0};
    int n = 0;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sp_diag_each_on(fd, 0, stop_at_once, &n), 7);
    ck_assert_int_eq(sp_diag_each_on(fd, 0, on_socket, &seen), 0);
    ck_assert_uint_gt(seen.n, 0);
    close(fd);
}
END_TEST

SP_TESTS("sock-diag", a_file_lives_through_its_states, an_accepted_connection_keeps_nothing_alive,
         types_are_told_apart, a_renamed_file_is_found_by_inode, abstract_names_match_exactly,
         a_large_dump_arrives_whole, the_callback_ends_it_early, a_descriptor_serves_many_questions)
