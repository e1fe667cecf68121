/* SPDX-License-Identifier: MIT */
/* test-notify.c - notifications arrive where $NOTIFY_SOCKET says, or the reason does. */

#include <sunpath/listener.h>
#include <sunpath/notify.h>

#include <pthread.h>

#include "messages.h"

#define PLENTY_MS 60000

static struct sunpath_notify_options within(int timeout_ms) {
    struct sunpath_notify_options options = SUNPATH_OPTIONS(struct sunpath_notify_options);

    options.timeout_ms = timeout_ms;
    return options;
}

static struct sunpath_listener *listen_at(const char *address) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    int r;

    options.type = SUNPATH_DGRAM;
    options.want_credentials = true;
    r = sunpath_listener_open(&listener, address, &options, &error);
    ck_assert_msg(r == 0, "%s", error.text);
    return listener;
}

/* Receives one; its descriptors go to `fds`, of which there must be `n_fds`. */
static struct sunpath_credentials arrives(struct sunpath_listener *listener, const char *expected,
                                          int *fds, size_t n_fds) {
    char data[SUNPATH_NOTIFY_MAX];
    struct sunpath_message message = room(data, sizeof(data), fds, n_fds);

    ck_assert_int_eq(sunpath_receive(sunpath_listener_fd(listener), &message), 1);
    ck_assert_uint_eq(message.size, strlen(expected));
    ck_assert_mem_eq(data, expected, message.size);
    ck_assert_uint_eq(message.n_fds, n_fds);
    ck_assert(message.has_credentials);
    return message.credentials;
}

static void fails(const char *state, const struct sunpath_notify_options *options, int code,
                  const char *why) {
    struct sunpath_error error = {0};

    ck_assert_int_eq(sunpath_notify(state, options, &error), code);
    ck_assert_int_eq(error.code, code);
    ck_assert_msg(strstr(error.text, why) != NULL, "'%s' does not say '%s'", error.text, why);
    ck_assert_int_eq(sunpath_notify(state, options, NULL), code);
}

START_TEST(without_a_manager_nobody_listens) {
    unsetenv("NOTIFY_SOCKET");
    ck_assert_int_eq(sunpath_notify("READY=1", NULL, NULL), 0);
    ck_assert_int_eq(sunpath_notify_barrier(NULL, NULL), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    ck_assert_int_eq(sunpath_notify("READY=1", NULL, NULL), 0);
    fails("nonsense", NULL, -EINVAL, "not KEY=VALUE"); /* shows all the same */
}
END_TEST

START_TEST(it_arrives_by_path_and_by_abstract_name) {
    const char *path = fixture_path("notify.sock");
    struct sunpath_notify_options options = within(0);
    struct sunpath_listener *listener = listen_at(path);
    char name[64], address[80];

    setenv("NOTIFY_SOCKET", path, 1);
    ck_assert_int_eq(sunpath_notify("READY=1", NULL, NULL), 1);
    ck_assert_int_eq(arrives(listener, "READY=1", NULL, 0).pid, getpid());
    options.status = "listening";
    ck_assert_int_eq(sunpath_notify("READY=1", &options, NULL), 1);
    ck_assert_int_eq((int)arrives(listener, "READY=1\nSTATUS=listening", NULL, 0).uid,
                     (int)getuid());
    sunpath_listener_close(listener);

    snprintf(name, sizeof(name), "@sunpath-notify-%d\\x", (int)getpid()); /* no escape there */
    snprintf(address, sizeof(address), "@sunpath-notify-%d\\\\x", (int)getpid());
    listener = listen_at(address);
    setenv("NOTIFY_SOCKET", name, 1);
    ck_assert_int_eq(sunpath_notify("STOPPING=1", NULL, NULL), 1);
    arrives(listener, "STOPPING=1", NULL, 0);
    setenv("NOTIFY_SOCKET", "/nowhere", 1);
    options = within(0);
    options.socket = address; /* ours goes before the manager's */
    ck_assert_int_eq(sunpath_notify("WATCHDOG=1", &options, NULL), 1);
    arrives(listener, "WATCHDOG=1", NULL, 0);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(paths_may_be_long) {
    struct sunpath_listener *listener;
    char path[400];
    int n = snprintf(path, sizeof(path), "%s/", fixture_dir());

    memset(path + n, 'd', 200);
    path[n + 200] = '\0';
    ck_assert_int_eq(mkdir(path, 0700), 0);
    memcpy(path + n + 200, "/n", 3);
    listener = listen_at(path);
    setenv("NOTIFY_SOCKET", path, 1);
    ck_assert_int_eq(sunpath_notify("READY=1", NULL, NULL), 1);
    arrives(listener, "READY=1", NULL, 0);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(receivers_that_are_none) {
    struct sunpath_notify_options options = within(0);
    struct sunpath_listener *listener = NULL;

    setenv("NOTIFY_SOCKET", fixture_path("missing.sock"), 1);
    fails("READY=1", NULL, -ENOENT, "missing.sock");
    setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
    fails("READY=1", NULL, -EAFNOSUPPORT, "not supported");
    ck_assert_int_eq(sunpath_notify_barrier(NULL, NULL), -EAFNOSUPPORT);
    setenv("NOTIFY_SOCKET", "relative/path", 1);
    fails("READY=1", NULL, -EINVAL, "neither /path nor @name");
    setenv("NOTIFY_SOCKET", "@", 1);
    fails("READY=1", NULL, -EINVAL, "neither");
    ck_assert_int_eq(sunpath_listener_open(&listener, fixture_path("stream.sock"), NULL, NULL), 0);
    setenv("NOTIFY_SOCKET", fixture_path("stream.sock"), 1);
    fails("READY=1", NULL, -EPROTOTYPE, "stream.sock");
    sunpath_listener_close(listener);
    options.socket = "fd:0";
    fails("READY=1", &options, -EINVAL, "a path or an abstract name");
    options.socket = "stream:/tmp/x";
    fails("READY=1", &options, -EINVAL, "another socket type");
    options = within(-2);
    fails("READY=1", &options, -EINVAL, "out of range");
    options.size = 0;
    fails("READY=1", &options, -EINVAL, "size");
}
END_TEST

START_TEST(the_environment_is_left_as_asked) {
    struct sunpath_notify_options options = within(0);

    setenv("NOTIFY_SOCKET", fixture_path("missing.sock"), 1);
    ck_assert_int_eq(sunpath_notify("READY=1", &options, NULL), -ENOENT);
    ck_assert_ptr_nonnull(getenv("NOTIFY_SOCKET"));
    options.unset_environment = true;
    ck_assert_int_eq(sunpath_notify("READY=1", &options, NULL), -ENOENT);
    ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
    setenv("NOTIFY_SOCKET", fixture_path("missing.sock"), 1);
    ck_assert_int_eq(sunpath_notify("nonsense", &options, NULL), -EINVAL);
    ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
    setenv("NOTIFY_SOCKET", fixture_path("missing.sock"), 1);
    ck_assert_int_eq(sunpath_notify_barrier(&options, NULL), -ENOENT);
    ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
}
END_TEST

START_TEST(descriptors_arrive) {
    struct sunpath_listener *listener = listen_at(fixture_path("n.sock"));
    struct sunpath_notify_options options = within(0);
    int file = open(".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    const int sent[] = {file, STDERR_FILENO};
    int got[2];

    setenv("NOTIFY_SOCKET", fixture_path("n.sock"), 1);
    options.fds = sent;
    options.n_fds = 2;
    options.fd_name = "web";
    ck_assert_int_eq(sunpath_notify(NULL, &options, NULL), 1);
    arrives(listener, "FDSTORE=1\nFDNAME=web", got, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert(is_same_file(got[i], sent[i]));
        close(got[i]);
    }
    ck_assert_int_eq(fcntl(file, F_GETFD), FD_CLOEXEC); /* still ours */
    close(file);
    ck_assert_int_eq(sunpath_notify(NULL, &options, NULL), -EBADF);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(only_root_speaks_for_others) {
    struct sunpath_notify_options options = within(0);
    struct sunpath_listener *listener;
    int status;
    pid_t child;

    if (geteuid() != 0) {
        return;
    }
    listener = listen_at("@sunpath-notify-sender");
    options.socket = "@sunpath-notify-sender";
    options.sender = getppid();
    ck_assert_int_eq(sunpath_notify("READY=1", &options, NULL), 1);
    ck_assert_int_eq(arrives(listener, "READY=1", NULL, 0).pid, getppid());
    child = fork();
    if (child == 0) {
        ck_assert_int_eq(setgroups(0, NULL) + setgid(NOBODY) + setuid(NOBODY), 0);
        _exit(sunpath_notify("READY=1", &options, NULL) == -EPERM ? 42 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(a_manager_that_does_not_read) {
    struct sunpath_listener *listener = listen_at(fixture_path("n.sock"));
    struct sunpath_notify_options options = within(1);
    struct sunpath_error error = {0};
    int r;

    setenv("NOTIFY_SOCKET", fixture_path("n.sock"), 1);
    ck_assert_int_eq(sunpath_notify_barrier(&options, &error), -ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(error.text, "in time"));
    do {
        r = sunpath_notify("READY=1", &options, NULL);
    } while (r == 1);
    ck_assert_int_eq(r, -ETIMEDOUT);
    ck_assert_int_eq(sunpath_notify_barrier(&options, NULL), -ETIMEDOUT);
    sunpath_listener_close(listener);
}
END_TEST

static void *wait_at_barrier(void *argument) {
    struct sunpath_notify_options options = within(PLENTY_MS);

    (void)argument;
    return (void *)(intptr_t)sunpath_notify_barrier(&options, NULL);
}

START_TEST(a_barrier_waits_for_the_reader) {
    struct sunpath_listener *listener = listen_at(fixture_path("n.sock"));
    struct pollfd readable = {.fd = sunpath_listener_fd(listener), .events = POLLIN};
    struct sunpath_notify_options options = within(0);
    pthread_t waiter;
    void *r;
    int fd;

    setenv("NOTIFY_SOCKET", fixture_path("n.sock"), 1);
    ck_assert_int_eq(sunpath_notify("READY=1", NULL, NULL), 1);
    ck_assert_int_eq(pthread_create(&waiter, NULL, wait_at_barrier, NULL), 0);
    ck_assert_int_eq(poll(&readable, 1, PLENTY_MS), 1);
    arrives(listener, "READY=1", NULL, 0);
    ck_assert_int_eq(poll(&readable, 1, PLENTY_MS), 1);
    arrives(listener, "BARRIER=1", &fd, 1);
    ck_assert_int_ne(pthread_tryjoin_np(waiter, &r), 0); /* the descriptor is open */
    close(fd);
    ck_assert_int_eq(pthread_join(waiter, &r), 0);
    ck_assert_int_eq((int)(intptr_t)r, 1);
    options.status = "says something else";
    ck_assert_int_eq(sunpath_notify_barrier(&options, NULL), -EINVAL);
    sunpath_listener_close(listener);
}
END_TEST

static void watchdog(const char *us, const char *pid, int code, uint64_t expected) {
    uint64_t read = 77;

    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (us) {
        setenv("WATCHDOG_USEC", us, 1);
    }
    if (pid) {
        setenv("WATCHDOG_PID", pid, 1);
    }
    ck_assert_int_eq(sunpath_notify_watchdog_us(&read), code);
    ck_assert_uint_eq(read, code == 1 ? expected : 77);
}

START_TEST(the_watchdog_is_found) {
    char own[16];

    snprintf(own, sizeof(own), "%d", (int)getpid());
    watchdog(NULL, NULL, 0, 0);
    watchdog(NULL, own, 0, 0);
    watchdog("2000000", NULL, 1, 2000000);
    watchdog("2000000", own, 1, 2000000);
    watchdog("2000000", "1", 0, 0);
    watchdog("0", own, -EINVAL, 0);
    watchdog("", own, -EINVAL, 0);
    watchdog("2s", own, -EINVAL, 0);
    watchdog("18446744073709551615", own, -EINVAL, 0); /* infinity, to systemd */
    watchdog("1", "me", -EINVAL, 0);
}
END_TEST

SP_TESTS("notify", without_a_manager_nobody_listens, it_arrives_by_path_and_by_abstract_name,
         paths_may_be_long, receivers_that_are_none, the_environment_is_left_as_asked,
         descriptors_arrive, only_root_speaks_for_others, a_manager_that_does_not_read,
         a_barrier_waits_for_the_reader, the_watchdog_is_found)
