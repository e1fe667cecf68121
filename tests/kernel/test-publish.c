/* SPDX-License-Identifier: MIT */
/* test-publish.c - what publishing a socket relies on from Linux. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define NOBODY 65534

static int bind_at(int fd, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int bound(int type, const char *path) {
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind_at(fd, path), 0);
    return fd;
}

static int listening(int type, const char *path) {
    int fd = bound(type, path);

    ck_assert_int_eq(listen(fd, 0), 0);
    return fd;
}

/* What connect() says to a socket of this type. */
static int knock(int type, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    r = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    close(fd);
    return r;
}

static mode_t mode_of(const char *path) {
    struct stat file;

    ck_assert_int_eq(lstat(path, &file), 0);
    return file.st_mode & 07777;
}

/* Runs `body` in a forked process and returns what it returned, 0 to 127. */
static int in_child(int (*body)(void)) {
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(body());
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int knock_as_nobody(void) {
    if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0) {
        return 127;
    }
    return -knock(SOCK_STREAM, "a.sock");
}

START_TEST(fchmod_before_bind_sets_the_mode_of_the_file) {
    static const struct {
        mode_t asked, mask, given;
    } cases[] = {{0600, 0, 0600}, {0666, 022, 0644}, {0, 0, 0}, {0, 0777, 0}, {0777, 0777, 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        mode_t before = umask(cases[i].mask);

        ck_assert_int_eq(fchmod(fd, cases[i].asked), 0);
        ck_assert_int_eq(bind_at(fd, "a.sock"), 0);
        umask(before);
        ck_assert_uint_eq(mode_of("a.sock"), cases[i].given);
        ck_assert_int_eq(fchmod(fd, 0777), 0); /* after bind() it changes the file no more */
        ck_assert_uint_eq(mode_of("a.sock"), cases[i].given);
        close(fd);
        ck_assert_int_eq(unlink("a.sock"), 0);
    }
}
END_TEST

START_TEST(mode_0_keeps_everybody_out_but_root) {
    int fd = listening(SOCK_STREAM, "a.sock");

    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(".", 0755), 0);
        ck_assert_int_eq(chmod("a.sock", 0), 0);
        ck_assert_int_eq(in_child(knock_as_nobody), EACCES);
        ck_assert_int_eq(knock(SOCK_STREAM, "a.sock"), 0);
        ck_assert_int_eq(chmod("a.sock", 0002), 0);
        close(accept(fd, NULL, NULL));
        ck_assert_int_eq(in_child(knock_as_nobody), 0); /* w alone decides */
    }
    close(fd);
}
END_TEST

START_TEST(an_o_path_descriptor_changes_owner_and_mode) {
    int fd = bound(SOCK_STREAM, "a.sock"), file_fd;
    struct stat file;
    char path[32];

    file_fd = open("a.sock", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    ck_assert_int_eq(rename("a.sock", "b.sock"), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_uint_eq(mode_of("b.sock"), 0640);
    if (geteuid() == 0) {
        ck_assert_int_eq(fchownat(file_fd, "", NOBODY, 1234, AT_EMPTY_PATH), 0);
        ck_assert_int_eq(lstat("b.sock", &file), 0);
        ck_assert_uint_eq(file.st_uid, NOBODY);
        ck_assert_uint_eq(file.st_gid, 1234);
    }
    close(file_fd);
    close(fd);
}
END_TEST

START_TEST(a_renamed_socket_is_reached) {
    struct sockaddr_un address = {0};
    socklen_t n = sizeof(address);
    int fd = listening(SOCK_STREAM, ".a.sock.new");

    ck_assert_int_eq(renameat2(AT_FDCWD, ".a.sock.new", AT_FDCWD, "a.sock", RENAME_NOREPLACE), 0);
    ck_assert_int_eq(knock(SOCK_STREAM, "a.sock"), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    ck_assert_str_eq(address.sun_path, ".a.sock.new"); /* the name it was bound to stays */
    close(fd);
}
END_TEST

START_TEST(sockets_are_exchanged_and_not_overwritten) {
    int old = bound(SOCK_STREAM, "a.sock"), new;

    close(old);
    new = listening(SOCK_STREAM, ".a.sock.new");
    ck_assert_int_eq(renameat2(AT_FDCWD, ".a.sock.new", AT_FDCWD, "a.sock", RENAME_NOREPLACE), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_int_eq(renameat2(AT_FDCWD, ".a.sock.new", AT_FDCWD, "a.sock", RENAME_EXCHANGE), 0);
    ck_assert_int_eq(knock(SOCK_STREAM, "a.sock"), 0);
    ck_assert_int_eq(knock(SOCK_STREAM, ".a.sock.new"), -ECONNREFUSED);
    close(new);
}
END_TEST

/* The probe for life: a datagram socket finds any other and disturbs none. */
START_TEST(a_datagram_probe_tells_the_living_from_the_dead) {
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

    for (size_t i = 0; i < 3; i++) {
        int fd = bound(types[i], "a.sock");

        ck_assert_int_eq(knock(SOCK_DGRAM, "a.sock"), types[i] == SOCK_DGRAM ? 0 : -EPROTOTYPE);
        close(fd);
        ck_assert_int_eq(knock(SOCK_DGRAM, "a.sock"), -ECONNREFUSED);
        ck_assert_int_eq(unlink("a.sock"), 0);
    }
}
END_TEST

START_TEST(the_probe_leaves_a_full_server_alone) {
    int fd = listening(SOCK_STREAM, "a.sock"), client, accepted;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "a.sock"};

    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(knock(SOCK_STREAM, "a.sock"), -EAGAIN); /* backlog 0 holds one */
    ck_assert_int_eq(knock(SOCK_DGRAM, "a.sock"), -EPROTOTYPE);
    accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_int_ge(accepted, 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(accept(fd, NULL, NULL), -1);
    ck_assert_int_eq(errno, EAGAIN);

    close(fd); /* what was accepted does not keep the name alive */
    ck_assert_int_eq(knock(SOCK_DGRAM, "a.sock"), -ECONNREFUSED);
    close(accepted);
    close(client);
}
END_TEST

static int knock_from_elsewhere(void) {
    return unshare(CLONE_NEWNET) < 0 ? 127 : -knock(SOCK_DGRAM, "a.sock");
}

START_TEST(the_probe_crosses_network_namespaces) {
    int fd = bound(SOCK_STREAM, "a.sock");

    if (geteuid() == 0) {
        ck_assert_int_eq(in_child(knock_from_elsewhere), EPROTOTYPE);
        close(fd);
        ck_assert_int_eq(in_child(knock_from_elsewhere), ECONNREFUSED);
        return;
    }
    close(fd);
}
END_TEST

static int lock_again(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;

    close(fd);
    return r;
}

START_TEST(a_lock_belongs_to_the_open_file) {
    int fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), copy;

    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(lock_again("lock"), -EWOULDBLOCK); /* even for the same process */
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    ck_assert_int_eq(flock(copy, LOCK_EX | LOCK_NB), 0); /* the same open file has it */
    close(fd);
    ck_assert_int_eq(lock_again("lock"), -EWOULDBLOCK);
    close(copy);
    ck_assert_int_eq(lock_again("lock"), 0);
}
END_TEST

START_TEST(unlocking_one_copy_unlocks_all) {
    int fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), status;
    pid_t pid;

    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    pid = fork();
    if (pid == 0) { /* closing is not unlocking */
        close(fd);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(lock_again("lock"), -EWOULDBLOCK);
    pid = fork();
    if (pid == 0) {
        _exit(flock(fd, LOCK_UN));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(lock_again("lock"), 0);
    close(fd);
}
END_TEST

static int send_fd(int channel, int fd) {
    char room[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr message = {.msg_iov = &(struct iovec){"x", 1},
                             .msg_iovlen = 1,
                             .msg_control = room,
                             .msg_controllen = sizeof(room)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(channel, &message, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int channel) {
    char room[CMSG_SPACE(sizeof(int))] = {0}, byte;
    struct msghdr message = {.msg_iov = &(struct iovec){&byte, 1},
                             .msg_iovlen = 1,
                             .msg_control = room,
                             .msg_controllen = sizeof(room)};
    int fd;

    ck_assert_int_eq(recvmsg(channel, &message, MSG_CMSG_CLOEXEC), 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

/* Its process is gone and its descriptor is in nobody's table: the message holds it. */
START_TEST(a_lock_travels_with_its_descriptor) {
    int pair[2], status, fd;
    pid_t pid;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid = fork();
    if (pid == 0) {
        fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        _exit(flock(fd, LOCK_EX | LOCK_NB) < 0 || send_fd(pair[1], fd) < 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(lock_again("lock"), -EWOULDBLOCK);
    fd = receive_fd(pair[0]);
    ck_assert_int_eq(lock_again("lock"), -EWOULDBLOCK);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
    ck_assert_int_eq(lock_again("lock"), 0);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(what_came_before_shut_rd_is_read_and_nothing_comes_after) {
    int pair[2];
    char byte = 0;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(send(pair[1], "y", 1, MSG_NOSIGNAL), 1);
    ck_assert_int_eq(shutdown(pair[0], SHUT_RD), 0);
    ck_assert_int_eq(send(pair[1], "z", 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, EPIPE);
    ck_assert_int_eq(recv(pair[0], &byte, 1, MSG_DONTWAIT), 1);
    ck_assert_int_eq(byte, 'y');
    ck_assert_int_eq(recv(pair[0], &byte, 1, MSG_DONTWAIT), 0);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

/* So comparing inode numbers while the listener is open cannot be fooled. */
START_TEST(the_inode_of_an_open_listener_is_not_used_again) {
    int fd = listening(SOCK_STREAM, "a.sock");
    struct stat ours, other;

    ck_assert_int_eq(lstat("a.sock", &ours), 0);
    ck_assert_int_eq(unlink("a.sock"), 0);
    for (int i = 0; i < 200; i++) {
        close(bound(SOCK_STREAM, "a.sock"));
        ck_assert_int_eq(lstat("a.sock", &other), 0);
        ck_assert(other.st_ino != ours.st_ino || other.st_dev != ours.st_dev);
        ck_assert_int_eq(unlink("a.sock"), 0);
    }
    close(fd);
}
END_TEST

SP_TESTS_EVERYWHERE("publish", fchmod_before_bind_sets_the_mode_of_the_file,
                    mode_0_keeps_everybody_out_but_root,
                    an_o_path_descriptor_changes_owner_and_mode, a_renamed_socket_is_reached,
                    sockets_are_exchanged_and_not_overwritten,
                    a_datagram_probe_tells_the_living_from_the_dead,
                    the_probe_leaves_a_full_server_alone, the_probe_crosses_network_namespaces,
                    a_lock_belongs_to_the_open_file, unlocking_one_copy_unlocks_all,
                    a_lock_travels_with_its_descriptor,
                    what_came_before_shut_rd_is_read_and_nothing_comes_after,
                    the_inode_of_an_open_listener_is_not_used_again)
