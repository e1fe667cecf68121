/* SPDX-License-Identifier: MIT */
/* test-errnos.c - which errno Linux gives for which cause: what explain and doctor rely on. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static int new_socket(int type) {
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static socklen_t fill(struct sockaddr_un *address, const char *path) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(address->sun_path, path);
    return (socklen_t)sizeof(*address);
}

static int bind_errno(int fd, const char *path) {
    struct sockaddr_un address;
    socklen_t n = fill(&address, path);

    return bind(fd, (struct sockaddr *)&address, n) < 0 ? errno : 0;
}

static int connect_errno_on(int fd, const char *path) {
    struct sockaddr_un address;
    socklen_t n = fill(&address, path);

    return connect(fd, (struct sockaddr *)&address, n) < 0 ? errno : 0;
}

static int connect_errno(int type, const char *path) {
    int fd = new_socket(type);
    int code = connect_errno_on(fd, path);

    close(fd);
    return code;
}

static int listener(int type, const char *path, int backlog) {
    int fd = new_socket(type);

    ck_assert_int_eq(bind_errno(fd, path), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

START_TEST(enoent_and_its_kin) {
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "none"), ENOENT);
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "none/x"), ENOENT);
    ck_assert_int_eq(symlink("gone", "dangling"), 0);
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "dangling"), ENOENT);
    ck_assert_int_eq(symlink("loop", "loop"), 0);
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "loop"), ELOOP);
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "file/x"), ENOTDIR);
}
END_TEST

START_TEST(econnrefused_has_many_causes) {
    int bound = new_socket(SOCK_STREAM), shut = listener(SOCK_STREAM, "shut", 1);

    close(listener(SOCK_STREAM, "stale", 1));
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "stale"), ECONNREFUSED);
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "file"), ECONNREFUSED); /* not ENOTSOCK */
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "dir"), ECONNREFUSED);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "fifo"), ECONNREFUSED);
    ck_assert_int_eq(bind_errno(bound, "bound"), 0);
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "bound"), ECONNREFUSED);
    ck_assert_int_eq(shutdown(shut, SHUT_RD), 0);
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "shut"), ECONNREFUSED);
    close(bound);
    close(shut);
}
END_TEST

START_TEST(an_absent_abstract_name_is_refused) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0sunpath-test-absent"};
    int fd = new_socket(SOCK_STREAM);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(fd);
}
END_TEST

START_TEST(eprototype_for_any_pair) {
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    static const char *const names[] = {"s", "p", "d"};
    int fds[3] = {listener(SOCK_STREAM, "s", 9), listener(SOCK_SEQPACKET, "p", 9),
                  new_socket(SOCK_DGRAM)};

    ck_assert_int_eq(bind_errno(fds[2], "d"), 0);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            ck_assert_int_eq(connect_errno(types[i], names[j]), i == j ? 0 : EPROTOTYPE);
        }
    }
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
}
END_TEST

START_TEST(the_type_is_judged_before_listening) {
    int fd = new_socket(SOCK_SEQPACKET);

    ck_assert_int_eq(bind_errno(fd, "p"), 0);
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "p"), EPROTOTYPE);
    ck_assert_int_eq(connect_errno(SOCK_SEQPACKET, "p"), ECONNREFUSED);
    close(fd);
}
END_TEST

START_TEST(a_backlog_admits_one_more) {
    int fd = listener(SOCK_STREAM, "s", 2);
    int clients[3];

    for (int i = 0; i < 3; i++) {
        clients[i] = new_socket(SOCK_STREAM);
        ck_assert_int_eq(connect_errno_on(clients[i], "s"), 0);
    }
    ck_assert_int_eq(connect_errno(SOCK_STREAM, "s"), EAGAIN);
    for (int i = 0; i < 3; i++) {
        close(clients[i]);
    }
    close(fd);
}
END_TEST

START_TEST(eperm_from_a_datagram_socket_with_a_peer) {
    int server = new_socket(SOCK_DGRAM), friend = new_socket(SOCK_DGRAM);

    ck_assert_int_eq(bind_errno(server, "server"), 0);
    ck_assert_int_eq(bind_errno(friend, "friend"), 0);
    ck_assert_int_eq(connect_errno_on(server, "friend"), 0);
    ck_assert_int_eq(connect_errno(SOCK_DGRAM, "server"), EPERM);
    close(server);
    close(friend);
}
END_TEST

static int as_nobody(const char *path) {
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
            setresuid(65534, 65534, 65534) < 0) {
            _exit(255);
        }
        _exit(connect_errno(SOCK_STREAM, path));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(eacces_is_write_on_the_file_and_search_on_the_way) {
    int fd, hidden;

    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(".", 0755), 0);
    fd = listener(SOCK_STREAM, "s", 20);
    ck_assert_int_eq(chmod("s", 0755), 0);
    ck_assert_int_eq(as_nobody("s"), EACCES);
    ck_assert_int_eq(chmod("s", 0222), 0);
    ck_assert_int_eq(as_nobody("s"), 0);
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    hidden = listener(SOCK_STREAM, "dir/s", 20);
    ck_assert_int_eq(chmod("dir/s", 0777), 0);
    ck_assert_int_eq(as_nobody("dir/s"), EACCES);
    ck_assert_int_eq(chmod("dir", 0711), 0);
    ck_assert_int_eq(as_nobody("dir/s"), 0);
    close(fd);
    close(hidden);
}
END_TEST

START_TEST(permission_is_judged_before_the_kind) {
    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(chmod(".", 0755), 0);
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(as_nobody("file"), EACCES);
}
END_TEST

START_TEST(bind_meets_anything_with_eaddrinuse) {
    int fd = new_socket(SOCK_STREAM);

    close(listener(SOCK_STREAM, "stale", 1));
    ck_assert_int_eq(bind_errno(fd, "stale"), EADDRINUSE);
    close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ck_assert_int_eq(bind_errno(fd, "file"), EADDRINUSE);
    ck_assert_int_eq(symlink("gone", "dangling"), 0);
    ck_assert_int_eq(bind_errno(fd, "dangling"), EADDRINUSE);
    ck_assert_int_eq(bind_errno(fd, "none/x"), ENOENT);
    ck_assert_int_eq(bind_errno(fd, "file/x"), ENOTDIR);
    ck_assert_int_eq(bind_errno(fd, "s"), 0);
    ck_assert_int_eq(bind_errno(fd, "t"), EINVAL); /* a second name */
    close(fd);
}
END_TEST

START_TEST(lengths_are_einval_and_never_enametoolong) {
    struct {
        struct sockaddr_un address;
        char more[8];
    } room = {.address = {.sun_family = AF_UNIX}};
    int fd = new_socket(SOCK_STREAM);

    memset(room.address.sun_path, 'x', sizeof(room.address.sun_path));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&room, sizeof(room.address) + 1), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&room, sizeof(room.address)), -1);
    ck_assert_int_eq(errno, ENOENT); /* 108 bytes without a NUL pass */
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&room, 2), -1);
    ck_assert_int_eq(errno, EINVAL);
    close(fd);
}
END_TEST

START_TEST(listen_wants_a_name_and_a_type_that_connects) {
    int stream = new_socket(SOCK_STREAM), datagram = new_socket(SOCK_DGRAM);

    ck_assert_int_eq(listen(stream, 1), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(bind_errno(datagram, "d"), 0);
    ck_assert_int_eq(listen(datagram, 1), -1);
    ck_assert_int_eq(errno, EOPNOTSUPP);
    close(stream);
    close(datagram);
}
END_TEST

START_TEST(what_send_and_receive_say) {
    int pair[2];
    char byte = 'x';

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(send(pair[0], &byte, 1, 0), 1);
    close(pair[1]); /* with our byte unread */
    ck_assert_int_eq(recv(pair[0], &byte, 1, 0), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    ck_assert_int_eq(send(pair[0], &byte, 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, EPIPE);
    close(pair[0]);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(send(pair[0], &byte, 1, 0), 1);
    close(pair[1]); /* a packet socket tells a sender as well, once */
    ck_assert_int_eq(send(pair[0], &byte, 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    ck_assert_int_eq(send(pair[0], &byte, 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, EPIPE);
    close(pair[0]);

    pair[0] = new_socket(SOCK_STREAM);
    ck_assert_int_eq(send(pair[0], &byte, 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, ENOTCONN);
    close(pair[0]);
}
END_TEST

SP_TESTS("errnos", enoent_and_its_kin, econnrefused_has_many_causes,
         an_absent_abstract_name_is_refused, eprototype_for_any_pair,
         the_type_is_judged_before_listening, a_backlog_admits_one_more,
         eperm_from_a_datagram_socket_with_a_peer,
         eacces_is_write_on_the_file_and_search_on_the_way, permission_is_judged_before_the_kind,
         bind_meets_anything_with_eaddrinuse, lengths_are_einval_and_never_enametoolong,
         listen_wants_a_name_and_a_type_that_connects, what_send_and_receive_say)
