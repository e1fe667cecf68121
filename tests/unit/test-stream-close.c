/* SPDX-License-Identifier: MIT */
/* test-stream-close.c - closing inside each callback, other owners, pipes, refused descriptors. */

#include "flow/stream.h"

#include "stream-pair.h"

static struct told told;

static void close_in_data(struct sunpath_stream *stream, void *user) {
    struct told *its = user;

    its->n_data++;
    ck_assert_int_eq(sunpath_stream_write(stream, "lost", 4), 0);
    its->stream = sunpath_stream_close(stream);
}

static void close_in_end(struct sunpath_stream *stream, void *user) {
    told_end(stream, user);
    ((struct told *)user)->stream = sunpath_stream_close(stream);
}

static void close_in_drain(struct sunpath_stream *stream, void *user) {
    told_drain(stream, user);
    ((struct told *)user)->stream = sunpath_stream_close(stream);
}

static void close_in_close(struct sunpath_stream *stream, int error, void *user) {
    told_close(stream, error, user);
    ((struct told *)user)->stream = sunpath_stream_close(stream);
}

static const struct sunpath_stream_events close_in_each[] = {
    {.on_data = close_in_data, .on_close = told_close},
    {.on_end = close_in_end, .on_close = told_close},
    {.on_drain = close_in_drain, .on_close = told_close},
    {.on_close = close_in_close},
};

START_TEST(a_stream_may_be_closed_in_each_of_its_callbacks) {
    for (int i = 0; i < 4; i++) {
        int peer, n_told;

        told = (struct told){0};
        peer = open_pair(&told, &close_in_each[i], NULL);
        if (i == 2) {
            ck_assert_int_ge(sunpath_stream_write(told.stream, "x", 1), 0);
        }
        ck_assert_int_eq(write(peer, "x", 1), 1);
        ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
        run_until(!told.stream);
        run_quiet();
        n_told = (int)told.n_data + told.n_ends + told.n_drains + told.n_closes;
        ck_assert_int_eq(n_told, 1);
        close_pair(&told, peer);
    }
}
END_TEST

static struct told many[100];

static void close_all(struct sunpath_stream *stream, void *user) {
    (void)stream;
    ((struct told *)user)->n_data++;
    for (int i = 0; i < 100; i++) {
        many[i].stream = sunpath_stream_close(many[i].stream);
    }
}

START_TEST(all_streams_may_be_closed_in_a_callback_of_one) {
    static const struct sunpath_stream_events events = {.on_data = close_all,
                                                        .on_close = told_close};
    int peers[100], n_data = 0;

    for (int i = 0; i < 100; i++) {
        peers[i] = open_pair(&many[i], &events, NULL);
        ck_assert_int_ge(sunpath_stream_write(many[i].stream, "x", 1), 0);
        ck_assert_int_eq(write(peers[i], "x", 1), 1);
    }
    run_quiet();
    for (int i = 0; i < 100; i++) {
        n_data += (int)many[i].n_data;
        ck_assert_int_eq(many[i].n_closes, 0);
        close(peers[i]);
    }
    ck_assert_int_eq(n_data, 1);
    loop = sunpath_loop_close(loop);
}
END_TEST

static void take_it(struct sunpath_stream *stream, void *user) {
    ((struct told *)user)->error = sunpath_stream_take_fd(stream);
    ((struct told *)user)->stream = NULL;
}

START_TEST(the_descriptor_can_be_taken_out) {
    static const struct sunpath_stream_events events = {.on_data = take_it, .on_close = told_close};
    char byte;
    int fd, peer = open_pair(&told, &tell_all, NULL);

    fd = sunpath_stream_fd(told.stream);
    ck_assert_int_eq(sunpath_stream_take_fd(told.stream), fd);
    ck_assert_int_eq(write(peer, "x", 1), 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0);
    ck_assert_int_eq(read(fd, &byte, 1), 1);

    ck_assert_int_eq(sunpath_stream_open(&told.stream, loop, fd, &events, &told, NULL), 0);
    ck_assert_int_eq(write(peer, "yz", 2), 2);
    run_until(!told.stream); /* from inside its own callback */
    ck_assert_int_eq(told.error, fd);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    ck_assert_int_eq(read(peer, &byte, 1), 1);
    close(fd);
    close_pair(&told, peer);
}
END_TEST

static struct told heir;

static void hand_over(struct sunpath_stream *stream, void *user) {
    struct told *its = user;

    its->n_data++;
    sunpath_stream_consume(stream, 4);
    ck_assert_int_eq(sunpath_stream_write(stream, "101", 3), 0);
    ck_assert_int_eq(sp_stream_hand_over(stream, &tell_all, &heir, NULL), 0);
}

START_TEST(another_owner_gets_the_input_that_is_left) {
    static const struct sunpath_stream_events events = {.on_data = hand_over,
                                                        .on_close = told_close};
    char reply[16];
    int peer = open_pair(&told, &events, NULL);

    ck_assert_int_eq(write(peer, "headrest", 8), 8);
    run_until(heir.n_bytes == 4);
    ck_assert_mem_eq(heir.bytes, "rest", 4);
    ck_assert_int_eq(read(peer, reply, sizeof(reply)), 3);
    ck_assert_int_eq(write(peer, "more", 4), 4);
    run_until(heir.n_bytes == 8);
    close(peer);
    run_until(heir.n_ends == 1);
    run_until(heir.n_closes == 1);
    ck_assert_uint_eq(told.n_data, 1);
    ck_assert_int_eq(told.n_closes, 0);
    close_pair(&told, -1);
}
END_TEST

START_TEST(pipes_are_streams_of_one_direction) {
    struct told reader = {0}, writer = {0};
    int ends[2];

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(sunpath_stream_open(&reader.stream, loop, ends[0], &tell_all, &reader, NULL),
                     0);
    ck_assert_int_eq(sunpath_stream_open(&writer.stream, loop, ends[1], &tell_all, &writer, NULL),
                     0);
    ck_assert_int_eq(sunpath_stream_write(reader.stream, "x", 1), -EPIPE);
    ck_assert_int_eq(sunpath_stream_write(writer.stream, "hello", 5), 0);
    sunpath_stream_end(writer.stream);
    run_until(reader.n_bytes == 5 && writer.n_closes == 1);
    ck_assert_int_eq(writer.error, 0);
    sunpath_stream_close(writer.stream);
    run_until(reader.n_closes == 1);
    ck_assert_int_eq(reader.error, 0);
    ck_assert_int_eq(reader.n_ends, 1);
    sunpath_stream_close(reader.stream);
    loop = sunpath_loop_close(loop);
}
END_TEST

START_TEST(a_pipe_without_a_reader_is_an_error_and_no_signal) {
    static const char block[100000];
    struct told writer = {0};
    int ends[2];

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(sunpath_stream_open(&writer.stream, loop, ends[1], &tell_all, &writer, NULL),
                     0);
    close(ends[0]);
    ck_assert_int_eq(sunpath_stream_write(writer.stream, block, sizeof(block)), -EPIPE);
    run_until(writer.n_closes == 1);
    ck_assert_int_eq(writer.error, -EPIPE);
    sunpath_stream_close(writer.stream);

    writer = (struct told){0};
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(sunpath_stream_open(&writer.stream, loop, ends[1], &tell_all, &writer, NULL),
                     0);
    run_quiet();
    close(ends[0]); /* noticed without a write */
    run_until(writer.n_closes == 1);
    ck_assert_int_eq(writer.error, -EPIPE);
    sunpath_stream_close(writer.stream);
    loop = sunpath_loop_close(loop);
}
END_TEST

START_TEST(what_is_no_stream_is_refused_and_not_owned) {
    const struct sunpath_stream_options no_size = {.max_input = 1};
    struct sunpath_stream *stream = NULL;
    int fd;

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_stream_open(&stream, loop, -1, &tell_all, NULL, NULL), -EBADF);
    fd = open("file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_eq(sunpath_stream_open(&stream, loop, fd, &tell_all, NULL, NULL), -EPERM);
    ck_assert_int_eq(close(fd), 0);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(sunpath_stream_open(&stream, loop, fd, &tell_all, NULL, NULL), -EPROTOTYPE);
    ck_assert_int_eq(close(fd), 0);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(sunpath_stream_open(&stream, loop, fd, NULL, NULL, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_stream_open(&stream, loop, fd, &tell_all, NULL, &no_size), -EINVAL);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_ptr_null(stream);
    loop = sunpath_loop_close(loop);
}
END_TEST

START_TEST(a_stream_without_on_close_closes_itself) {
    static const struct sunpath_stream_events quiet = {.on_data = told_data, .on_end = told_end};
    int peer, n_open;

    told = (struct told){0};
    peer = open_pair(&told, &quiet, NULL);
    ck_assert_int_eq(write(peer, "x", 1), 1);
    ck_assert_int_eq(close(peer), 0);
    n_open = fixture_n_fds();
    ck_assert_int_le(sunpath_stream_write(told.stream, "nobody reads", 12), 0);
    run_until(fixture_n_fds() == n_open - 1);
    ck_assert_uint_eq(told.n_bytes, 1);
    loop = sunpath_loop_close(loop);
}
END_TEST

SP_TESTS("stream-close", a_stream_without_on_close_closes_itself,
         a_stream_may_be_closed_in_each_of_its_callbacks,
         all_streams_may_be_closed_in_a_callback_of_one, the_descriptor_can_be_taken_out,
         another_owner_gets_the_input_that_is_left, pipes_are_streams_of_one_direction,
         a_pipe_without_a_reader_is_an_error_and_no_signal,
         what_is_no_stream_is_refused_and_not_owned)
