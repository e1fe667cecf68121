/* SPDX-License-Identifier: MIT */
/* test-stream-file.c - bytes of a file on a stream: their order, their end, who does not take them.
 */

#include <signal.h>

#include "stream-pair.h"

#define N_FILE ((size_t)3 * 1024 * 1024 + 5)

/* The file that is sent, in on_drain and as far as it goes. */
static struct {
    struct told told;
    int fd;
    uint64_t offset, left;
    int n_calls, n_full; /* calls, and those that found no room */
    int error;
} sending;

static unsigned char byte_at(uint64_t offset) {
    return (unsigned char)(offset * 7 + offset / 4096);
}

static void check_bytes(const unsigned char *bytes, uint64_t offset, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != byte_at(offset + i)) {
            ck_abort_msg("byte %zu is wrong", i);
        }
    }
}

static int file_of(size_t size) {
    char *bytes = malloc(size);
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)byte_at(i);
    }
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    free(bytes);
    return fd;
}

static void send_on(struct sunpath_stream *stream) {
    ssize_t n;

    if (sending.left == 0 || sending.error < 0) {
        return;
    }
    n = sunpath_stream_send_file(stream, sending.fd, sending.offset, sending.left);
    sending.n_calls++;
    sending.n_full += n == 0;
    if (n < 0) {
        sending.error = (int)n;
        return;
    }
    ck_assert_uint_le((size_t)n, 1024 * 1024);
    ck_assert_uint_eq(sunpath_stream_n_queued(stream), 0);
    sending.offset += (uint64_t)n;
    sending.left -= (uint64_t)n;
}

static void send_more(struct sunpath_stream *stream, void *user) {
    told_drain(stream, user);
    send_on(stream);
}

static const struct sunpath_stream_events sends = {
    .on_data = told_data, .on_end = told_end, .on_drain = send_more, .on_close = told_close};

static int open_sender(const struct sunpath_stream_options *options, uint64_t offset,
                       uint64_t size) {
    sending.fd = file_of(N_FILE);
    sending.offset = offset;
    sending.left = size;
    return open_pair(&sending.told, &sends, options);
}

static void close_sender(int peer) {
    close(sending.fd);
    close_pair(&sending.told, peer);
}

/* Reads `size` bytes at the peer, which must be the file's from `offset` on. */
static void check_file(int peer, uint64_t offset, size_t size) {
    static unsigned char block[65536];

    while (size > 0) {
        ssize_t n = recv(peer, block, size < sizeof(block) ? size : sizeof(block), MSG_DONTWAIT);

        if (n < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
            continue;
        }
        ck_assert_int_gt(n, 0);
        check_bytes(block, offset, (size_t)n);
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
}

START_TEST(a_file_goes_out_between_what_is_written_before_and_after) {
    int peer = open_sender(NULL, 1, N_FILE - 2);
    char text[6] = "";

    ck_assert_int_eq(sunpath_stream_write(sending.told.stream, "before", 6), 0);
    send_on(sending.told.stream);
    ck_assert_uint_gt(sending.offset, 1); /* at once, with what was before */
    ck_assert_int_eq(recv(peer, text, 6, MSG_DONTWAIT), 6);
    ck_assert_int_eq(memcmp(text, "before", 6), 0);
    check_file(peer, 1, N_FILE - 2);
    ck_assert_uint_eq(sending.left, 0);
    ck_assert_int_eq(sunpath_stream_write(sending.told.stream, "after", 5), 0);
    sunpath_stream_end(sending.told.stream);
    ck_assert_uint_eq(read_to_end(peer), 5);
    close_sender(peer);
}
END_TEST

static void answer(struct sunpath_stream *stream, void *user) {
    told_data(stream, user);
    ck_assert_int_eq(sunpath_stream_write(stream, "one", 3), 0);
    ck_assert_int_eq(sunpath_stream_write(stream, "two", 3), 0);
    ck_assert_int_eq(sunpath_stream_send_file(stream, sending.fd, 5, 100), 100);
    ck_assert_int_eq(sunpath_stream_write(stream, "three", 5), 0);
}

START_TEST(it_follows_what_on_data_has_collected) {
    static const struct sunpath_stream_events answers = {.on_data = answer};
    unsigned char text[111];
    int peer;

    sending.fd = file_of(1000);
    peer = open_pair(&sending.told, &answers, NULL);
    ck_assert_int_eq(send(peer, "?", 1, 0), 1);
    run_quiet();
    ck_assert_int_eq(recv(peer, text, sizeof(text), MSG_WAITALL), sizeof(text));
    ck_assert_int_eq(memcmp(text, "onetwo", 6), 0);
    check_bytes(text + 6, 5, 100);
    ck_assert_int_eq(memcmp(text + 106, "three", 5), 0);
    close_sender(peer);
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_waited_for) {
    int peer = open_sender(NULL, 0, N_FILE), n_calls;

    send_on(sending.told.stream);
    run_quiet();
    n_calls = sending.n_calls;
    ck_assert_uint_gt(sending.left, N_FILE / 2);
    run_quiet();
    ck_assert_int_eq(sending.n_calls, n_calls); /* it does not spin meanwhile */
    check_file(peer, 0, N_FILE);
    run_quiet();
    ck_assert_uint_eq(sending.left, 0);
    ck_assert_int_eq(sending.error, 0);
    close_sender(peer);
}
END_TEST

START_TEST(behind_a_queue_it_has_no_room) {
    static char block[1024 * 1024];
    int peer = open_sender(NULL, 0, 10);

    ck_assert_int_eq(sunpath_stream_write(sending.told.stream, block, sizeof(block)), 1);
    ck_assert_int_eq(sunpath_stream_send_file(sending.told.stream, sending.fd, 0, 10), 0);
    for (size_t n = 0; n < sizeof(block);) {
        ssize_t r = recv(peer, block, sizeof(block) - n, MSG_DONTWAIT);

        if (r < 0) {
            ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
        } else {
            n += (size_t)r;
        }
    }
    check_file(peer, 0, 10);
    close_sender(peer);
}
END_TEST

START_TEST(an_idle_deadline_counts_while_it_waits) {
    struct sunpath_stream_options options = SUNPATH_OPTIONS(struct sunpath_stream_options);
    int peer;

    options.idle_ms = 20;
    peer = open_sender(&options, 0, N_FILE);
    send_on(sending.told.stream);
    run_until(sending.told.n_closes > 0);
    ck_assert_int_eq(sending.told.error, -ETIMEDOUT);
    close_sender(peer);
}
END_TEST

START_TEST(a_file_that_became_shorter_says_so) {
    int peer = open_sender(NULL, 0, N_FILE);

    send_on(sending.told.stream);
    ck_assert_int_eq(ftruncate(sending.fd, 1024 * 1024), 0);
    check_file(peer, 0, 1024 * 1024);
    run_until(sending.error != 0);
    ck_assert_int_eq(sending.error, -EIO);
    ck_assert_uint_eq(sending.offset, 1024 * 1024);
    ck_assert_int_eq(sending.told.n_closes, 0); /* what becomes of the stream is the caller's */
    close_sender(peer);
}
END_TEST

/* Whether SIGPIPE is blocked, pending, or would end us: as it was before. */
START_TEST(a_peer_that_left_is_an_error_and_no_signal) {
    sigset_t set, old;
    int peer = open_sender(NULL, 0, N_FILE);

    send_on(sending.told.stream);
    close(peer);
    run_until(sending.told.n_closes > 0);
    ck_assert(sending.told.error == -EPIPE || sending.told.error == -ECONNRESET);
    ck_assert_int_eq(sunpath_stream_send_file(sending.told.stream, sending.fd, 0, 1), -EPIPE);
    sending.told.stream = sunpath_stream_close(sending.told.stream);
    close(sending.fd);

    for (int was_pending = 0; was_pending < 2; was_pending++) {
        memset(&sending, 0, sizeof(sending));
        peer = open_sender(NULL, 0, N_FILE);
        close(peer);
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        sigprocmask(SIG_BLOCK, &set, &old);
        if (was_pending) {
            raise(SIGPIPE);
        }
        send_on(sending.told.stream);
        ck_assert_int_eq(sending.error, -EPIPE);
        sigpending(&set);
        ck_assert_int_eq(sigismember(&set, SIGPIPE), was_pending);
        if (was_pending) {
            ck_assert_int_eq(sigwaitinfo(&set, NULL), SIGPIPE);
        }
        sigprocmask(SIG_SETMASK, &old, NULL);
        close(sending.fd);
        sending.told.stream = sunpath_stream_close(sending.told.stream);
    }
    loop = sunpath_loop_close(loop);
}
END_TEST

/* sendfile(2) refuses a descriptor that appends: any kind of refusal will do. */
START_TEST(what_sendfile_cannot_do_is_copied) {
    int peer = open_sender(NULL, 3, 0);
    int fd = sunpath_stream_fd(sending.told.stream);

    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND), 0);
    for (uint64_t at = 3; at < N_FILE;) {
        ssize_t n = sunpath_stream_send_file(sending.told.stream, sending.fd, at, N_FILE - at);

        if (n > 0) {
            ck_assert_uint_ge(sunpath_stream_n_queued(sending.told.stream), (size_t)n);
            check_file(peer, at, (size_t)n);
            at += (uint64_t)n;
        } else {
            ck_assert_int_eq(n, 0);
            run_quiet();
        }
    }
    ck_assert_int_eq(sunpath_stream_send_file(sending.told.stream, sending.fd, N_FILE, 1), -EIO);
    close_sender(peer);
}
END_TEST

START_TEST(pipes_take_files_too) {
    int pipe_fds[2];

    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    sending.fd = file_of(N_FILE);
    ck_assert_int_eq(
        sunpath_stream_open(&sending.told.stream, loop, pipe_fds[1], &sends, &sending.told, NULL),
        0);
    sending.left = 200 * 1024;
    send_on(sending.told.stream);
    for (uint64_t at = 0; at < 200 * 1024;) {
        unsigned char block[4096];
        ssize_t n;

        run_quiet();
        n = read(pipe_fds[0], block, sizeof(block));
        ck_assert_int_gt(n, 0);
        check_bytes(block, at, (size_t)n);
        at += (uint64_t)n;
    }
    close_sender(pipe_fds[0]);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused) {
    int peer = open_sender(NULL, 0, 1), pipe_fds[2];
    struct sunpath_stream *stream = sending.told.stream;

    ck_assert_int_eq(sunpath_stream_send_file(stream, -1, 0, 1), -EINVAL);
    ck_assert_int_eq(sunpath_stream_send_file(stream, sending.fd, 0, 0), -EINVAL);
    ck_assert_int_eq(sunpath_stream_send_file(stream, sending.fd, UINT64_MAX, 1), -EINVAL);
    ck_assert_int_eq(sunpath_stream_send_file(stream, sending.fd, 1, INT64_MAX), -EINVAL);
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    ck_assert_int_lt(sunpath_stream_send_file(stream, pipe_fds[0], 0, 1), 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    sunpath_stream_end(stream);
    ck_assert_int_eq(sunpath_stream_send_file(stream, sending.fd, 0, 1), -EPIPE);
    close_sender(peer);
}
END_TEST

SP_TESTS("stream-file", a_file_goes_out_between_what_is_written_before_and_after,
         it_follows_what_on_data_has_collected, a_peer_that_does_not_read_is_waited_for,
         behind_a_queue_it_has_no_room, an_idle_deadline_counts_while_it_waits,
         a_file_that_became_shorter_says_so, a_peer_that_left_is_an_error_and_no_signal,
         what_sendfile_cannot_do_is_copied, pipes_take_files_too, what_makes_no_sense_is_refused)
