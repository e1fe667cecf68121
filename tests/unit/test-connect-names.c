/* SPDX-License-Identifier: MIT */
/* test-connect-names.c - long and abstract names, descriptors, TCP, options. */

#include "connecting.h"

/* Directories of 100 bytes each below the private one, the working directory in the last. */
static void go_deep(char *path, int n_levels) {
    char name[101];

    memset(name, 'd', 100);
    name[100] = '\0';
    strcpy(path, fixture_dir());
    for (int i = 0; i < n_levels; i++) {
        ck_assert_int_eq(mkdir(name, 0700), 0);
        ck_assert_int_eq(chdir(name), 0);
        sprintf(path + strlen(path), "/%s", name);
    }
}

static void reach_long(int type, const char *prefix, const char *dir, const char *name) {
    struct sunpath_connect_options options = options_of(0);
    int fd = type == SOCK_DGRAM ? bound(type, "short") : listening(type, "short", 9);
    char address[4200];

    ck_assert_int_eq(rename("short", name), 0);
    snprintf(address, sizeof(address), "%s%s/%s", prefix, dir, name);
    close(connected(address, &options));
    options.expect_user = "root";
    close(connected(address, &options));
    options.expect_user = "nobody";
    fails(address, &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "uid 0");
    close(fd);
    options.expect_user = NULL;
    fails(address, &options, -ECONNREFUSED, SUNPATH_REASON_STALE, "its server is gone");
    ck_assert_int_eq(unlink(name), 0);
    fails(address, &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
}

START_TEST(long_paths) {
    char dir[4096], name[256];

    memset(name, 'n', 255);
    for (int levels = 1; levels <= 4; levels += 3) {
        ck_assert_int_eq(chdir(fixture_dir()), 0);
        ck_assert_int_eq(mkdir(levels == 1 ? "1" : "4", 0700), 0);
        ck_assert_int_eq(chdir(levels == 1 ? "1" : "4"), 0);
        go_deep(dir, levels);
        ck_assert_ptr_nonnull(getcwd(dir, sizeof(dir)));
        for (int n = 1; n <= 255; n += 127) { /* 1, 128 and 255 bytes */
            name[n] = '\0';
            reach_long(SOCK_STREAM, "", dir, name);
            reach_long(SOCK_SEQPACKET, "seqpacket:", dir, name);
            reach_long(SOCK_DGRAM, "dgram:", dir, name);
            name[n] = 'n';
        }
    }
}
END_TEST

START_TEST(long_names_of_our_own) {
    struct sunpath_connect_options options = options_of(0);
    int server = bound(SOCK_DGRAM, "d");
    char dir[4096], own[4400];

    go_deep(dir, 3);
    snprintf(own, sizeof(own), "%s/own", dir);
    options.bind = own;
    close(connected("dgram:../../../d", &options));
    ck_assert_int_eq(unlink("own"), 0);
    fails("dgram:./none", &options, -ENOENT, SUNPATH_REASON_MISSING, "not there");
    ck_assert_int_eq(access("own", F_OK), -1);
    snprintf(own, sizeof(own), "%s/%0200d", dir, 1);
    fails("dgram:./d", &options, -ENAMETOOLONG, SUNPATH_REASON_NAME_TOO_LONG, "to our own end");
    close(server);
}
END_TEST

START_TEST(abstract_names) {
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0sunpath-test-\n"};
    int exact = socket_of(SOCK_STREAM), padded = socket_of(SOCK_STREAM), n;
    socklen_t n_exact = offsetof(struct sockaddr_un, sun_path) + 15;

    ck_assert_int_eq(bind(exact, (struct sockaddr *)&un, n_exact), 0);
    ck_assert_int_eq(listen(exact, 9), 0);
    close(connected("@sunpath-test-\\n", NULL));
    n = accept(exact, NULL, NULL);
    ck_assert_int_ge(n, 0);
    close(n);
    fails("abns@sunpath-test-\\n", NULL, -ECONNREFUSED, SUNPATH_REASON_MISSING, "refused");
    ck_assert_int_eq(bind(padded, (struct sockaddr *)&un, sizeof(un)), 0);
    ck_assert_int_eq(listen(padded, 9), 0);
    close(connected("abns@sunpath-test-\\n", NULL));
    n = accept(padded, NULL, NULL);
    ck_assert_int_ge(n, 0);
    close(n);
    close(exact);
    close(padded);
}
END_TEST

START_TEST(a_descriptor_is_adopted) {
    struct sunpath_connect_options options = options_of(0);
    int pair[2], alone = socket_of(SOCK_STREAM), file, fd = UNTAKEN;
    char address[32];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    file = open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    snprintf(address, sizeof(address), "fd:%d", pair[0]);
    options.expect_user = "nobody";
    fails(address, &options, -EPERM, SUNPATH_REASON_WRONG_OWNER, "uid 0");
    options.expect_user = NULL;
    options.type = SUNPATH_SEQPACKET;
    fails(address, &options, -EPROTOTYPE, SUNPATH_REASON_WRONG_TYPE, "of that type");
    options.type = SUNPATH_STREAM;
    options.bind = "./own";
    fails(address, &options, -EINVAL, SUNPATH_REASON_INVALID, "cannot be bound");
    options.bind = NULL;
    ck_assert_int_eq(fcntl(pair[0], F_GETFD), 0); /* still as it was */
    ck_assert(!(fcntl(pair[0], F_GETFL) & O_NONBLOCK));
    options.expect_user = "root";
    ck_assert_int_eq(sunpath_connect(&fd, address, &options, NULL), 0);
    ck_assert_int_eq(fd, pair[0]);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    snprintf(address, sizeof(address), "fd:%d", alone);
    fails(address, NULL, -ENOTCONN, SUNPATH_REASON_INVALID, "no connected socket");
    snprintf(address, sizeof(address), "fd:%d", file);
    fails(address, NULL, -ENOTSOCK, SUNPATH_REASON_INVALID, "no connected socket");
    fails("fd:999", NULL, -EBADF, SUNPATH_REASON_INVALID, "no connected socket");
    fails("systemd:", NULL, -EINVAL, SUNPATH_REASON_INVALID, "that is a listener");
    close(pair[0]);
    close(pair[1]);
    close(alone);
    close(file);
}
END_TEST

static int tcp_bound(char address[64]) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &size), 0);
    snprintf(address, 64, "tcp:127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

static int listen_now(const void *user) {
    return listen(*(const int *)user, 9) < 0 || accept(*(const int *)user, NULL, NULL) < 0;
}

START_TEST(tcp) {
    struct sunpath_connect_options options = options_of(0);
    char address[64];
    int fd = tcp_bound(address), one;
    pid_t child;

    fails(address, NULL, -ECONNREFUSED, SUNPATH_REASON_SYSTEM, "refused");
    options.timeout_ms = 30;
    options.wait = true;
    fails(address, &options, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT, "timed out");
    options.timeout_ms = -1;
    child = when_waiting(listen_now, &fd); /* the port is bound: nobody else can take it */
    close(connected(address, &options));
    is_child_ok(child);
    options.no_wait = true;
    one = connected(address, &options);
    close(one);
    close(fd);
}
END_TEST

/* A network namespace whose loopback gives out two ports only, so a client soon gets the server's.
 */
static void enter_a_small_network(void) {
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd, range;

    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &up), 0);
    close(fd);
    range = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(write(range, "40000 40001", 11), 0);
    close(range);
}

START_TEST(a_tcp_client_never_meets_itself) {
    struct sunpath_connect_options options = options_of(300);

    enter_a_small_network();
    options.wait = true;
    fails("tcp:127.0.0.1:40000", &options, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT, "timed out");
    fails("tcp:127.0.0.1:40001", &options, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT, "timed out");
}
END_TEST

START_TEST(what_tcp_does_not_have) {
    struct sunpath_connect_options options = options_of(0);

    options.type = SUNPATH_SEQPACKET;
    fails("tcp:127.0.0.1:1", &options, -EINVAL, SUNPATH_REASON_INVALID, "streams only");
    options.type = SUNPATH_STREAM;
    options.bind = "./own";
    fails("tcp:127.0.0.1:1", &options, -EINVAL, SUNPATH_REASON_INVALID, "no bound name");
    fails("tcp:1.2.3.4.5:1", NULL, -EHOSTUNREACH, SUNPATH_REASON_MISSING, "cannot be resolved");
}
END_TEST

START_TEST(buffers) {
    struct sunpath_connect_options options = options_of(0);
    int listener = listening(SOCK_STREAM, "s", 9), fd, value;
    socklen_t size = sizeof(value);

    options.send_buffer = 20000;
    options.receive_buffer = 30000;
    fd = connected("./s", &options);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, &size), 0);
    ck_assert_int_eq(value, 40000); /* the kernel doubles it: socket(7) */
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &size), 0);
    ck_assert_int_eq(value, 60000);
    close(fd);
    close(listener);
}
END_TEST

START_TEST(options_are_checked) {
    struct sunpath_connect_options options = {.timeout_ms = 1};

    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "size is not set");
    options = options_of(-2);
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "out of range");
    options = options_of(0);
    options.send_buffer = -1;
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "out of range");
    options = options_of(0);
    options.type = (enum sunpath_type)3;
    fails("./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "out of range");
    options.type = SUNPATH_STREAM;
    fails("dgram:./s", &options, -EINVAL, SUNPATH_REASON_INVALID, "another socket type");
}
END_TEST

START_TEST(no_descriptors_left) {
    struct rlimit limit, none;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    fails("./s", NULL, -EMFILE, SUNPATH_REASON_SYSTEM, "Too many open files");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
END_TEST

SP_TESTS("connect-names", long_paths, long_names_of_our_own, abstract_names,
         a_descriptor_is_adopted, tcp, a_tcp_client_never_meets_itself, what_tcp_does_not_have,
         buffers, options_are_checked, no_descriptors_left)
