/* SPDX-License-Identifier: MIT */
/* test-connect-owner.c - squatters, and a name of our own. */

#include "connecting.h"

/* A server run by nobody; closing *ret_hold ends it. */
static pid_t serve_as_nobody(int type, const char *path, int *ret_hold) {
    int hold[2], ready[2];
    pid_t child;
    char byte;

    ck_assert_int_eq(pipe2(hold, O_CLOEXEC) + pipe2(ready, O_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        int fd;

        become_nobody();
        close(hold[1]);
        fd = type == SOCK_DGRAM ? bound(type, path) : listening(type, path, 9);
        if (write(ready[1], "", 1) != 1) {
            _exit(1);
        }
        (void)!read(hold[0], &byte, 1);
        /* nothing may have been sent */
        if (type == SOCK_DGRAM) {
            _exit(recv(fd, &byte, 1, 0) >= 0);
        }
        for (int n = 0; (n = accept(fd, NULL, NULL)) >= 0;) {
            if (recv(n, &byte, 1, MSG_DONTWAIT) > 0) {
                _exit(2);
            }
            close(n);
        }
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    close(hold[0]);
    *ret_hold = hold[1];
    return child;
}

START_TEST(the_expected_user) {
    static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
    static const char *const prefixes[] = {"stream:", "seqpacket:", "dgram:"};
    struct sunpath_connect_options options = options_of(0);

    ck_assert_int_eq(chmod(".", 0777), 0);
    for (int i = 0; i < 3; i++) {
        char address[128], path[32];
        int fd, hold;
        pid_t child;

        snprintf(path, sizeof(path), "own%d", i);
        snprintf(address, sizeof(address), "%s%s", prefixes[i], path);
        fd = types[i] == SOCK_DGRAM ? bound(types[i], path) : listening(types[i], path, 9);
        options.expect_user = "root";
        close(connected(address, &options));
        options.expect_user = "0";
        close(connected(address, &options));
        options.expect_user = "nobody";
        fails(address, &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "runs as uid 0");
        close(fd);

        snprintf(path, sizeof(path), "other%d", i);
        snprintf(address, sizeof(address), "%s%s", prefixes[i], path);
        child = serve_as_nobody(types[i], path, &hold);
        close(connected(address, &options));
        options.expect_user = "root";
        fails(address, &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "not as 'root': nothing");
        close(hold);
        is_child_ok(child);
    }
}
END_TEST

START_TEST(an_expected_user_nobody_can_tell) {
    struct sunpath_connect_options options = options_of(0);

    options.expect_user = "root";
    fails("dgram:@sunpath-test", &options, -EOPNOTSUPP, SUNPATH_REASON_WRONG_OWNER, "abstract");
    fails("dgram:./none", &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    fails("tcp:127.0.0.1:1", &options, -EINVAL, SUNPATH_REASON_INVALID, "TCP");
    options.expect_user = "no-such-user\n";
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "no user 'no-such-user\\n'");
    options.expect_user = "";
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "no user ''");
}
END_TEST

/* In a user namespace that maps root alone, a file of somebody else's shows as nobody's. */
START_TEST(an_unmapped_owner_is_not_nobody) {
    int stream = listening(SOCK_STREAM, "s", 9), datagram = bound(SOCK_DGRAM, "d"), hold;
    struct sunpath_connect_options options = options_of(0);
    pid_t server, child;

    ck_assert_int_eq(chmod(".", 0777) + chown("d", 1234, 1234) + chmod("d", 0777), 0);
    server = serve_as_nobody(SOCK_STREAM, "other", &hold);
    ck_assert_int_eq(chmod("other", 0777), 0);
    child = fork();
    if (child == 0) {
        int map;

        ck_assert_int_eq(unshare(CLONE_NEWUSER), 0);
        map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
        ck_assert_int_eq(write(map, "0 0 1", 5), 5);
        close(map);
        options.expect_user = "0";
        close(connected("./s", &options));
        options.expect_user = "65534";
        fails("dgram:./d", &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "without a name");
        fails("./other", &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "without a name");
        _exit(0);
    }
    is_child_ok(child);
    close(hold);
    is_child_ok(server);
    close(stream);
    close(datagram);
}
END_TEST

START_TEST(a_name_of_our_own) {
    struct sunpath_connect_options options = options_of(0);
    int server = bound(SOCK_DGRAM, "d"), fd;
    struct sockaddr_un un;
    socklen_t size = sizeof(un);
    char byte;

    options.bind = "./own";
    fd = connected("dgram:./d", &options);
    ck_assert_int_eq(send(fd, "?", 1, 0), 1);
    ck_assert_int_eq(recvfrom(server, &byte, 1, 0, (struct sockaddr *)&un, &size), 1);
    ck_assert_str_eq(un.sun_path, "./own");
    ck_assert_int_eq(sendto(server, "!", 1, 0, (struct sockaddr *)&un, size), 1);
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
    close(fd);

    fails("dgram:./d", &options, -EADDRINUSE, SUNPATH_REASON_IN_USE, "bind './own' to our own end");
    ck_assert_int_eq(access("own", F_OK), 0); /* it was not ours to remove */
    ck_assert_int_eq(unlink("own"), 0);
    fails("dgram:./none", &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    ck_assert_int_eq(access("own", F_OK), -1); /* this one was */
    options.expect_user = "nobody";
    fails("dgram:./d", &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "uid 0");
    ck_assert_int_eq(access("own", F_OK), -1);
    options.expect_user = NULL;
    options.bind = "own";
    fails("dgram:./d", &options, -EINVAL, SUNPATH_REASON_INVALID, "./own");
    options.bind = "fd:3";
    fails("dgram:./d", &options, -EAFNOSUPPORT, SUNPATH_REASON_SYSTEM, "to our own end");
    options.bind = "@sunpath-test-own";
    close(connected("dgram:./d", &options));
    close(server);
}
END_TEST

SP_TESTS("connect-owner", the_expected_user, an_expected_user_nobody_can_tell,
         an_unmapped_owner_is_not_nobody, a_name_of_our_own)
