/* SPDX-License-Identifier: MIT */
/* test-peer.c - what identity relies on from Linux. */

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define NOBODY 65534

static struct ucred peer_of(int fd) {
    struct ucred peer = {.pid = -7};
    socklen_t size = sizeof(peer);

    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    return peer;
}

static int named(int type, const char *path, bool is_client) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    strcpy(un.sun_path, path);
    ck_assert_int_eq((is_client ? connect : bind)(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static void wait_for(pid_t child) {
    int status;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

/* Made at connect(), by the effective ids; neither other ids nor the end of the process change it.
 */
START_TEST(the_client_is_a_snapshot) {
    int listener = named(SOCK_STREAM, "s", false), fd, to_child[2], from_child[2];
    pid_t child;
    char byte;

    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(pipe(to_child) + pipe(from_child), 0);
    child = fork();
    if (child == 0) {
        close(to_child[1]);
        fd = named(SOCK_STREAM, "s", true);
        ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY) + setresuid(NOBODY, NOBODY, NOBODY), 0);
        ck_assert_int_eq(write(from_child[1], "", 1), 1);
        _exit(read(to_child[0], &byte, 1) != 0);
    }
    close(to_child[0]);
    ck_assert_int_eq(read(from_child[0], &byte, 1), 1);
    fd = accept(listener, NULL, NULL);
    ck_assert_int_eq(peer_of(fd).pid, child);
    ck_assert_uint_eq(peer_of(fd).uid, 0);
    close(to_child[1]);
    wait_for(child);
    ck_assert_int_eq(peer_of(fd).pid, child); /* reaped, and still named */
    close(from_child[0]);
    close(from_child[1]);
    close(fd);
    close(listener);
}
END_TEST

/* For a client the server is whoever called listen(), not bind() and not accept(). */
START_TEST(the_server_is_who_listened) {
    int listener = named(SOCK_STREAM, "s", false), fd;
    pid_t child = fork();

    if (child == 0) {
        ck_assert_int_eq(setresgid(NOBODY, NOBODY, NOBODY) + setresuid(NOBODY, NOBODY, NOBODY), 0);
        _exit(listen(listener, 1));
    }
    wait_for(child);
    fd = named(SOCK_STREAM, "s", true);
    ck_assert_int_eq(peer_of(fd).pid, child);
    ck_assert_uint_eq(peer_of(fd).uid, NOBODY);
    close(fd);
    close(listener);
}
END_TEST

START_TEST(nobody_knows_is_minus_one) {
    int datagram = named(SOCK_DGRAM, "d", false), client = named(SOCK_DGRAM, "d", true),
        alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
        tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int fds[] = {client, alone, tcp};

    for (int i = 0; i < 3; i++) { /* a connected datagram socket tells nothing either */
        ck_assert_int_eq(peer_of(fds[i]).pid, 0);
        ck_assert_uint_eq(peer_of(fds[i]).uid, (uid_t)-1);
        ck_assert_uint_eq(peer_of(fds[i]).gid, (gid_t)-1);
        close(fds[i]);
    }
    close(datagram);
}
END_TEST

SP_TESTS("peer", the_client_is_a_snapshot, the_server_is_who_listened, nobody_knows_is_minus_one)
