/* SPDX-License-Identifier: MIT */
/* test-stream-server.c - accepting: limits, running out of descriptors, closing in callbacks. */

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <sunpath/stream.h>

#include "os/clock.h"
#include "stream-pair.h"

#define MANY 40

static struct sunpath_stream_server *server;
static struct sunpath_stream *streams[MANY];
static int n_connections, n_closes, n_echoed;

static void echo(struct sunpath_stream *stream, void *user) {
    size_t size;
    const void *data = sunpath_stream_input(stream, &size);

    (void)user;
    n_echoed++;
    ck_assert_int_ge(sunpath_stream_write(stream, data, size), 0);
    sunpath_stream_consume(stream, size);
}

static void close_stream(struct sunpath_stream *stream, int error, void *user) {
    (void)error;
    (void)user;
    n_closes++;
    sunpath_stream_close(stream);
}

static const struct sunpath_stream_events echo_events = {.on_data = echo, .on_close = close_stream};

static void count(struct sunpath_stream *stream, void *user) {
    ck_assert_ptr_eq(user, &n_connections);
    ck_assert_int_lt(n_connections, MANY);
    streams[n_connections++] = stream;
}

static void open_server(size_t max_connections) {
    const struct sunpath_stream_server_options options = {.size = sizeof(options),
                                                          .max_connections = max_connections};
    struct sunpath_error error = {0};
    int r;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    r = sunpath_stream_server_open(&server, loop, "./s.sock", NULL, &options, count, &echo_events,
                                   &n_connections, &error);
    ck_assert_msg(r == 0, "%s", error.text);
}

static void close_server(void) {
    struct stat stat;

    server = sunpath_stream_server_close(server);
    loop = sunpath_loop_close(loop);
    ck_assert_int_eq(lstat("s.sock", &stat), -1);
}

static int dial(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s.sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* The echo of one byte has come back. */
static void check_served(int fd) {
    char byte = 0;

    ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    run_until(recv(fd, &byte, 1, MSG_DONTWAIT) == 1);
    ck_assert_int_eq(byte, 'x');
}

START_TEST(connections_are_served_and_counted) {
    int fds[10];

    open_server(0);
    ck_assert_ptr_nonnull(sunpath_stream_server_listener(server));
    for (int i = 0; i < 10; i++) {
        fds[i] = dial();
    }
    for (int i = 0; i < 10; i++) {
        check_served(fds[i]);
    }
    ck_assert_int_eq(n_connections, 10);
    for (int i = 0; i < 5; i++) {
        close(fds[i]);
    }
    run_until(n_closes == 5);
    close_server(); /* with five open streams */
    for (int i = 5; i < 10; i++) {
        char byte;

        ck_assert_int_eq(read(fds[i], &byte, 1), 0);
        close(fds[i]);
    }
    ck_assert_int_eq(n_closes, 5);
    ck_assert_ptr_null(sunpath_stream_server_close(NULL));
}
END_TEST

START_TEST(more_than_the_limit_wait_in_the_backlog) {
    int fds[3];

    open_server(2);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
    }
    run_quiet(); /* the third does not make the loop spin */
    ck_assert_int_eq(n_connections, 2);
    close(fds[0]);
    run_until(n_connections == 3);
    check_served(fds[2]);
    close(fds[1]);
    close(fds[2]);
    run_until(n_closes == 3);
    close_server();
}
END_TEST

static void limit_descriptors(rlim_t limit) {
    struct rlimit limits;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limits), 0);
    limits.rlim_cur = limit ? limit : limits.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limits), 0);
}

/* Turns that ran something within the next 200 ms: thousands when the loop spins. */
static int n_turns(void) {
    uint64_t end_ns = sp_now_ns() + 200 * SP_NS_PER_MS;
    int n = 0;

    while (sp_now_ns() < end_ns) {
        n += sunpath_loop_dispatch(loop, 50);
    }
    return n;
}

START_TEST(without_descriptors_it_rests_and_recovers) {
    int fds[20];

    open_server(0);
    for (int i = 0; i < 20; i++) {
        fds[i] = dial();
    }
    limit_descriptors((rlim_t)fds[19] + 6);
    run_until(n_connections == 5);
    run_quiet();
    ck_assert_int_lt(n_turns(), 50); /* though 15 are waiting */
    ck_assert_int_eq(n_connections, 5);

    shutdown(fds[0], SHUT_RDWR); /* one of ours ends: the next comes in its place */
    run_until(n_connections == 6);
    check_served(fds[5]);

    limit_descriptors(0); /* descriptors that others gave back are found in a while */
    run_until(n_connections == 20);
    check_served(fds[19]);
    for (int i = 0; i < 20; i++) {
        close(fds[i]);
    }
    run_until(n_closes == 20);
    close_server();
}
END_TEST

static void close_at_once(struct sunpath_stream *stream, void *user) {
    (void)user;
    n_connections++;
    sunpath_stream_close(stream);
}

static void close_whole_server(struct sunpath_stream *stream, void *user) {
    (void)stream;
    (void)user;
    n_connections++;
    server = sunpath_stream_server_close(server);
}

START_TEST(streams_and_server_may_be_closed_in_on_connection) {
    char byte;
    int one, two;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_stream_server_open(&server, loop, "./s.sock", NULL, NULL,
                                                close_at_once, &echo_events, NULL, NULL),
                     0);
    one = dial();
    two = dial();
    run_until(n_connections == 2);
    ck_assert_int_eq(read(one, &byte, 1), 0);
    ck_assert_int_eq(read(two, &byte, 1), 0);
    close(one);
    close(two);
    sunpath_stream_server_close(server);

    n_connections = 0;
    ck_assert_int_eq(sunpath_stream_server_open(&server, loop, "./s.sock", NULL, NULL,
                                                close_whole_server, &echo_events, NULL, NULL),
                     0);
    one = dial();
    two = dial();
    run_until(!server);
    run_quiet();
    ck_assert_int_eq(n_connections, 1);
    ck_assert_int_le(read(one, &byte, 1), 0);
    ck_assert_int_le(read(two, &byte, 1), 0);
    close(one);
    close(two);
    loop = sunpath_loop_close(loop);
}
END_TEST

static void close_server_in_data(struct sunpath_stream *stream, void *user) {
    (void)stream;
    (void)user;
    n_echoed++;
    server = sunpath_stream_server_close(server);
}

START_TEST(the_server_may_be_closed_by_one_of_its_streams) {
    static const struct sunpath_stream_events events = {.on_data = close_server_in_data,
                                                        .on_close = close_stream};
    int one, two;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_stream_server_open(&server, loop, "./s.sock", NULL, NULL, NULL,
                                                &events, NULL, NULL),
                     0);
    one = dial();
    two = dial();
    ck_assert_int_eq(write(one, "x", 1), 1);
    ck_assert_int_eq(write(two, "x", 1), 1);
    run_until(!server);
    run_quiet();
    ck_assert_int_eq(n_echoed, 1);
    ck_assert_int_eq(n_closes, 0);
    close(one);
    close(two);
    loop = sunpath_loop_close(loop);
}
END_TEST

START_TEST(a_stopped_server_finishes_what_is_open) {
    struct stat stat;
    int fd;

    open_server(0);
    fd = dial();
    check_served(fd);
    sunpath_stream_server_stop(server);
    ck_assert_ptr_null(sunpath_stream_server_listener(server));
    ck_assert_int_eq(lstat("s.sock", &stat), -1);
    check_served(fd);
    close(fd);
    run_until(n_closes == 1);
    close_server();
}
END_TEST

START_TEST(what_cannot_be_served_is_refused) {
    const struct sunpath_stream_options no_size = {.idle_ms = 1};
    const struct sunpath_stream_server_options options = {.size = sizeof(options),
                                                          .stream = &no_size};
    struct sunpath_error error = {0};
    struct stat stat;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_stream_server_open(&server, loop, "./s.sock", NULL, &options, NULL,
                                                &echo_events, NULL, &error),
                     -EINVAL);
    ck_assert_int_eq(sunpath_stream_server_open(&server, loop, "seqpacket:./s.sock", NULL, NULL,
                                                NULL, &echo_events, NULL, &error),
                     -EPROTOTYPE);
    ck_assert_int_eq(error.code, -EPROTOTYPE);
    ck_assert_int_eq(lstat("s.sock", &stat), -1);
    ck_assert_int_eq(sunpath_stream_server_open(&server, loop, "./missing/s.sock", NULL, NULL, NULL,
                                                &echo_events, NULL, &error),
                     -ENOENT);
    ck_assert_ptr_null(server);
    loop = sunpath_loop_close(loop);
}
END_TEST

SP_TESTS("stream-server", a_stopped_server_finishes_what_is_open,
         connections_are_served_and_counted, more_than_the_limit_wait_in_the_backlog,
         without_descriptors_it_rests_and_recovers,
         streams_and_server_may_be_closed_in_on_connection,
         the_server_may_be_closed_by_one_of_its_streams, what_cannot_be_served_is_refused)
