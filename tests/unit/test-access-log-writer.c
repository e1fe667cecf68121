/* SPDX-License-Identifier: MIT */
/* test-access-log-writer.c - lines to a descriptor whose reader may be slow, or gone. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "web/access-log.h"

static struct sunpath_loop *loop;
static struct sp_log_writer writer;

static int say(const char *text) {
    char *at;
    int r = sp_log_writer_reserve(&writer, &at, strlen(text));

    if (r >= 0) {
        memcpy(at, text, strlen(text));
        sp_log_writer_commit(&writer, strlen(text));
    }
    return r;
}

static void turn(void) {
    while (sunpath_loop_dispatch(loop, 0) == 1) {
    }
}

static void writer_open(int fd, size_t max_pending) {
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    sp_log_writer_open(&writer, loop, fd, max_pending);
}

static void writer_close(void) {
    sp_log_writer_close(&writer);
    loop = sunpath_loop_close(loop);
}

static const char *content(const char *path) {
    static char text[256];
    FILE *in = fopen(path, "r");

    ck_assert_ptr_nonnull(in);
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    fclose(in);
    return text;
}

START_TEST(a_file_is_written_at_the_end_of_the_turn) {
    writer_open(open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), 1000);
    say("one\n");
    say("two\n");
    ck_assert_str_eq(content("log"), "");
    turn();
    ck_assert_str_eq(content("log"), "one\ntwo\n");
    say("three\n");
    ck_assert_int_eq(rename("log", "old"), 0);
    sp_log_writer_switch(&writer, open("log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    say("four\n");
    writer_close();
    ck_assert_str_eq(content("old"), "one\ntwo\nthree\n");
    ck_assert_str_eq(content("log"), "four\n");
    ck_assert_uint_eq(writer.n_dropped, 0);
}
END_TEST

/* Fills what is at `fds[1]`, reads slowly, and finds each line that was not counted as dropped. */
static void slow_reader(const int fds[2]) {
    static char line[1001], heard[1 << 20];
    size_t n_said = 0, n_heard = 0;

    memset(line, 'x', sizeof(line) - 2);
    line[sizeof(line) - 2] = '\n';
    writer_open(fds[1], 100000);
    while (writer.n_dropped < 3) {
        (void)say(line);
        n_said++;
        turn();
        ck_assert_uint_lt(n_said, 10000);
    }
    ck_assert_uint_le(sp_buffer_size(&writer.pending), 100000);
    while (n_heard < (n_said - 3) * 1000) {
        ssize_t n = read(fds[0], heard, sizeof(heard));

        if (n > 0) {
            n_heard += (size_t)n;
        } else {
            ck_assert_int_eq(errno, EAGAIN);
            sunpath_loop_dispatch(loop, 1000);
        }
    }
    ck_assert_uint_eq(n_heard, (n_said - 3) * 1000);
    say("again\n");
    turn();
    ck_assert_int_eq(read(fds[0], heard, sizeof(heard)), 6);
    ck_assert_uint_eq(writer.n_dropped, 3);
    close(fds[0]);
    say("lost\nand lost\n"); /* and no SIGPIPE */
    turn();
    ck_assert_uint_eq(writer.n_dropped, 5);
    writer_close();
}

START_TEST(a_pipe_never_blocks) {
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    slow_reader(fds);
}
END_TEST

START_TEST(a_socket_never_blocks) {
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    slow_reader(fds);
}
END_TEST

START_TEST(a_pipe_gets_whole_lines) {
    static char line[1001], heard[65536];
    int fds[2];
    ssize_t n;

    memset(line, 'x', sizeof(line) - 2);
    line[sizeof(line) - 2] = '\n';
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_DIRECT), 0); /* each write is read by itself */
    writer_open(fds[1], 100000);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(say(line), 0);
    }
    turn();
    for (size_t n_heard = 0; n_heard < 10000; n_heard += (size_t)n) {
        n = read(fds[0], heard, sizeof(heard));
        ck_assert_int_gt(n, 0);
        ck_assert_int_eq(heard[n - 1], '\n');
    }
    writer_close();
    close(fds[0]);
}
END_TEST

START_TEST(what_waits_is_dropped_at_the_end) {
    static char line[100001];
    int fds[2];

    memset(line, 'x', sizeof(line) - 2);
    line[sizeof(line) - 2] = '\n';
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    writer_open(fds[1], 1 << 20);
    say(line);
    say(line);
    turn();
    writer_close();
    ck_assert_uint_eq(writer.n_dropped, 2);
    close(fds[0]);
}
END_TEST

START_TEST(a_full_disk_is_no_reason_to_stop) {
    writer_open(open("/dev/full", O_WRONLY | O_CLOEXEC), 1000);
    say("one\n");
    turn();
    say("two\n");
    turn();
    ck_assert_uint_eq(writer.n_dropped, 2);
    writer_close();
}
END_TEST

SP_TESTS("access-log-writer", a_file_is_written_at_the_end_of_the_turn, a_pipe_never_blocks,
         a_socket_never_blocks, a_pipe_gets_whole_lines, what_waits_is_dropped_at_the_end,
         a_full_disk_is_no_reason_to_stop)
