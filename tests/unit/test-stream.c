/* SPDX-License-Identifier: MIT */
/* test-stream.c - bytes both ways, both ends, both directions' limits, deadlines. */

#include "flow/stream.h"

#include "stream-pair.h"

static struct told told;

#define OPTIONS(...) \
    (&(struct sunpath_stream_options){.size = sizeof(struct sunpath_stream_options), __VA_ARGS__})

START_TEST(bytes_go_both_ways) {
    char reply[16];
    int peer = open_pair(&told, &tell_all, NULL);

    ck_assert_int_eq(write(peer, "hello", 5), 5);
    run_until(told.n_bytes == 5);
    ck_assert_mem_eq(told.bytes, "hello", 5);
    ck_assert_int_eq(sunpath_stream_write(told.stream, "wor", 3), 0);
    ck_assert_int_eq(sunpath_stream_write(told.stream, "ld", 2), 0);
    ck_assert_uint_eq(sunpath_stream_n_queued(told.stream), 5);
    ck_assert_int_eq(recv(peer, reply, sizeof(reply), MSG_DONTWAIT), -1); /* not before the turn */
    run_until(told.n_drains == 1);
    ck_assert_int_eq(recv(peer, reply, sizeof(reply), MSG_DONTWAIT), 5); /* and then together */
    ck_assert_mem_eq(reply, "world", 5);
    ck_assert_uint_eq(sunpath_stream_n_queued(told.stream), 0);
    close_pair(&told, peer);
}
END_TEST

START_TEST(unconsumed_input_is_shown_again_and_longer) {
    size_t size;
    int peer = open_pair(&told, &tell_all, NULL);

    told.keeps_input = true;
    ck_assert_int_eq(write(peer, "abc", 3), 3);
    run_until(told.n_data == 1);
    ck_assert_int_eq(write(peer, "def", 3), 3);
    run_until(told.n_data == 2);
    ck_assert_mem_eq(sunpath_stream_input(told.stream, &size), "abcdef", 6);
    ck_assert_uint_eq(size, 6);
    sunpath_stream_consume(told.stream, 2);
    ck_assert_int_eq(write(peer, "g", 1), 1);
    run_until(told.n_data == 3);
    ck_assert_mem_eq(sunpath_stream_input(told.stream, &size), "cdefg", 5);
    sunpath_stream_consume(told.stream, 100);
    sunpath_stream_input(told.stream, &size);
    ck_assert_uint_eq(size, 0);
    ck_assert_ptr_null(told.stream->input.data); /* an idle stream holds no buffer */
    close_pair(&told, peer);
}
END_TEST

static void echo_twice(struct sunpath_stream *stream, void *user) {
    size_t size;
    const char *data = sunpath_stream_input(stream, &size);
    char *room;

    (void)user;
    ck_assert_int_eq(sunpath_stream_write(stream, data, size), 0);
    room = sp_stream_reserve(stream, size + 10);
    ck_assert_ptr_nonnull(room);
    memcpy(room, data, size);
    ck_assert_int_eq(sp_stream_commit(stream, size), 0);
    sunpath_stream_consume(stream, size);
}

START_TEST(what_on_data_writes_leaves_in_one_piece) {
    static const struct sunpath_stream_events events = {.on_data = echo_twice,
                                                        .on_close = told_close};
    char reply[16];
    int peer = open_pair(&told, &events, NULL);

    ck_assert_int_eq(write(peer, "abc", 3), 3);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    ck_assert_int_eq(recv(peer, reply, sizeof(reply), MSG_DONTWAIT), 6);
    ck_assert_mem_eq(reply, "abcabc", 6);
    ck_assert_ptr_null(told.stream->output.data);
    close_pair(&told, peer);
}
END_TEST

/* Writes 3 MB of numbered pieces of all sizes, by both ways of writing, and then ends. */
static void write_much(struct sunpath_stream *stream, void *user) {
    static unsigned char piece[100000];
    size_t size;
    unsigned char next = 0;

    (void)user;
    sunpath_stream_input(stream, &size);
    sunpath_stream_consume(stream, size);
    srandom(5);
    for (size_t n_left = 3000000, n; n_left > 0; n_left -= n) {
        char *room;

        n = (size_t)random() % (random() % 4 ? 3000 : sizeof(piece)) + 1;
        n = n < n_left ? n : n_left;
        for (size_t i = 0; i < n; i++) {
            piece[i] = next++;
        }
        if (n % 2) {
            ck_assert_int_ge(sunpath_stream_write(stream, piece, n), 0);
        } else {
            room = sp_stream_reserve(stream, n);
            ck_assert_ptr_nonnull(room);
            memcpy(room, piece, n);
            ck_assert_int_ge(sp_stream_commit(stream, n), 0);
        }
    }
    sunpath_stream_end(stream);
}

static void check_much(int peer) {
    unsigned char block[60000], expected = 0;
    size_t n_read = 0, n_wrong = 0;
    ssize_t n;

    for (;;) {
        run_quiet();
        n = recv(peer, block, sizeof(block), MSG_DONTWAIT);
        if (n == 0) {
            break;
        }
        ck_assert_int_gt(n, 0);
        n_read += (size_t)n;
        for (ssize_t i = 0; i < n; i++) {
            n_wrong += block[i] != expected++;
        }
        ck_assert_uint_eq(n_wrong, 0);
    }
    ck_assert_uint_eq(n_read, 3000000);
}

START_TEST(bytes_keep_their_order_whichever_way_they_are_written) {
    static const struct sunpath_stream_events events = {.on_data = write_much,
                                                        .on_close = told_close};
    int peer = open_pair(&told, &events, NULL);

    ck_assert_int_eq(write(peer, "x", 1), 1);
    check_much(peer);
    close_pair(&told, peer);
    peer = open_pair(&told, &events, NULL);
    write_much(told.stream, NULL); /* from outside of its on_data */
    check_much(peer);
    close_pair(&told, peer);
}
END_TEST

START_TEST(a_thousand_queued_writes_then_end_all_arrive) {
    int peer = open_pair(&told, &tell_all, NULL);

    for (int i = 0; i < 1000; i++) {
        ck_assert_int_ge(sunpath_stream_write(told.stream, "0123456789", 10), 0);
    }
    sunpath_stream_end(told.stream);
    ck_assert_int_eq(sunpath_stream_write(told.stream, "x", 1), -EPIPE);
    ck_assert_uint_eq(read_to_end(peer), 10000);
    ck_assert_int_eq(told.n_closes, 0);
    ck_assert_int_eq(write(peer, "still", 5), 5); /* the other direction goes on */
    run_until(told.n_bytes == 5);
    close(peer);
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.n_ends, 1);
    ck_assert_int_eq(told.error, 0);
    close_pair(&told, -1);
}
END_TEST

START_TEST(a_thousand_queued_writes_then_close_leave_nothing) {
    char byte;
    int peer = open_pair(&told, &tell_all, NULL);

    for (int i = 0; i < 1000; i++) {
        ck_assert_int_ge(sunpath_stream_write(told.stream, "0123456789", 10), 0);
    }
    told.stream = sunpath_stream_close(told.stream);
    ck_assert_int_eq(read(peer, &byte, 1), 0);
    run_quiet();
    ck_assert_int_eq(told.n_closes, 0); /* who closes is not told */
    close_pair(&told, peer);
    ck_assert_ptr_null(sunpath_stream_close(NULL));
}
END_TEST

START_TEST(the_peers_end_of_file_leaves_our_side_open) {
    char reply[16];
    int peer = open_pair(&told, &tell_all, NULL);

    ck_assert_int_eq(write(peer, "q", 1), 1);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    run_until(told.n_ends == 1);
    ck_assert_uint_eq(told.n_bytes, 1);
    ck_assert_int_eq(sunpath_loop_dispatch(loop, 0), 0); /* and does not spin */
    ck_assert_int_eq(sunpath_stream_write(told.stream, "answer", 6), 0);
    run_until(told.n_drains == 1);
    ck_assert_int_eq(read(peer, reply, sizeof(reply)), 6);
    sunpath_stream_end(told.stream);
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, 0);
    ck_assert_int_eq(read(peer, reply, sizeof(reply)), 0);
    close_pair(&told, peer);
}
END_TEST

START_TEST(without_on_end_the_stream_ends_itself_after_its_output) {
    int peer = open_pair(&told, &tell_no_end, NULL);
    size_t n_written = 0;

    while (sunpath_stream_write(told.stream, "0123456789", 10) == 0) {
        n_written += 10;
    }
    n_written += 10;
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    ck_assert_uint_eq(read_to_end(peer), n_written);
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, 0);
    close_pair(&told, peer);
}
END_TEST

START_TEST(who_ended_and_left_is_noticed) {
    int peer = open_pair(&told, &tell_all, NULL);

    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    run_until(told.n_ends == 1);
    close(peer); /* our answer has no reader any more */
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, -EPIPE);
    close_pair(&told, -1);
}
END_TEST

START_TEST(what_came_before_a_reset_is_told_before_it) {
    int peer = open_pair(&told, &tell_all, NULL);

    ck_assert_int_ge(sunpath_stream_write(told.stream, "never read", 10), 0);
    run_until(told.n_drains == 1);
    ck_assert_int_eq(write(peer, "last words", 10), 10);
    close(peer); /* with our bytes unread: the kernel resets */
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, -ECONNRESET);
    ck_assert_uint_eq(told.n_bytes, 10);
    ck_assert_mem_eq(told.bytes, "last words", 10);
    close_pair(&told, -1);
}
END_TEST

START_TEST(what_came_before_a_broken_pipe_is_told_before_it) {
    int peer = open_pair(&told, &tell_all, NULL);

    ck_assert_int_eq(write(peer, "last words", 10), 10);
    close(peer);
    ck_assert_int_ge(sunpath_stream_write(told.stream, "too late", 8), 0);
    run_until(told.n_closes == 1);
    ck_assert(told.error == -EPIPE || (told.error == 0 && told.n_ends == 1));
    ck_assert_uint_eq(told.n_bytes, 10);
    close_pair(&told, -1);
}
END_TEST

START_TEST(a_large_write_to_nobody_fails_in_the_next_turn) {
    static const char block[100000];
    int peer = open_pair(&told, &tell_all, NULL);

    sunpath_stream_pause(told.stream);
    ck_assert_int_eq(write(peer, "unread", 6), 6);
    close(peer);
    ck_assert_int_eq(sunpath_stream_write(told.stream, block, sizeof(block)), -EPIPE);
    ck_assert_int_eq(told.n_closes, 0); /* never from the call that caused it */
    ck_assert_int_eq(sunpath_stream_write(told.stream, "x", 1), -EPIPE);
    run_quiet();
    ck_assert_int_eq(told.n_closes, 0); /* a paused reader has its bytes still to come */
    sunpath_stream_resume(told.stream);
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, -EPIPE);
    ck_assert_uint_eq(told.n_bytes, 6);
    close_pair(&told, -1);
}
END_TEST

START_TEST(a_paused_writer_hears_that_its_reader_is_gone) {
    int peer = open_pair(&told, &tell_all, NULL);

    sunpath_stream_pause(told.stream);
    close(peer);
    ck_assert_int_ge(sunpath_stream_write(told.stream, "x", 1), 0);
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, -EPIPE);
    close_pair(&told, -1);
}
END_TEST

START_TEST(unread_input_is_capped) {
    int peer = open_pair(&told, &tell_all, OPTIONS(.max_input = 5000));

    told.keeps_input = true;
    ck_assert_uint_gt(fill(peer), 5000);
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, -ENOBUFS);
    close_pair(&told, peer);
}
END_TEST

START_TEST(a_peer_that_does_not_read_costs_bounded_memory) {
    static const char block[1000];
    size_t n_written = 0;
    int peer, r;

    peer = open_pair(&told, &tell_all,
                     OPTIONS(.max_output = 500000, .high_mark = 100000, .low_mark = 50000));
    while ((r = sunpath_stream_write(told.stream, block, sizeof(block))) >= 0) {
        n_written += sizeof(block);
        ck_assert_int_eq(r, sunpath_stream_n_queued(told.stream) >= 100000);
        if (n_written % 10000 == 0) {
            run_quiet();
        }
    }
    ck_assert_int_eq(r, -ENOBUFS);
    ck_assert_uint_eq(sunpath_stream_n_queued(told.stream), 500000);
    ck_assert_uint_le(told.stream->output.capacity, 500000);
    told.n_drains = 0;
    while (told.n_drains == 0) {
        static char sink[4096];

        ck_assert_int_gt(read(peer, sink, sizeof(sink)), 0);
        n_written -= sizeof(sink);
        run_quiet();
    }
    ck_assert_uint_le(sunpath_stream_n_queued(told.stream), 50000);
    sunpath_stream_end(told.stream);
    read_to_end(peer);
    ck_assert_uint_eq(sunpath_stream_n_queued(told.stream), 0);
    ck_assert_ptr_null(told.stream->output.data);
    close_pair(&told, peer);
}
END_TEST

START_TEST(a_pause_holds_the_sender_back) {
    size_t n_sent;
    int peer = open_pair(&told, &tell_all, NULL);

    sunpath_stream_pause(told.stream);
    n_sent = fill(peer);
    run_quiet();
    ck_assert_uint_eq(told.n_data, 0);
    ck_assert_uint_eq(fill(peer), 0); /* nothing was taken */
    sunpath_stream_resume(told.stream);
    run_until(told.n_bytes == n_sent);
    ck_assert_uint_gt(fill(peer), 0);
    sunpath_stream_pause(told.stream);
    close(peer);
    run_quiet(); /* a hang-up does not spin either */
    ck_assert_int_eq(told.n_closes, 0);
    close_pair(&told, -1);
}
END_TEST

START_TEST(kept_input_is_shown_again_after_a_pause) {
    int peer = open_pair(&told, &tell_all, NULL);

    told.keeps_input = true;
    ck_assert_int_eq(write(peer, "abc", 3), 3);
    run_until(told.n_data == 1);
    sunpath_stream_pause(told.stream);
    run_quiet();
    told.keeps_input = false;
    sunpath_stream_resume(told.stream);
    run_until(told.n_data == 2);
    ck_assert_mem_eq(told.bytes, "abc", 3);
    run_quiet();
    ck_assert_uint_eq(told.n_data, 2);
    close_pair(&told, peer);
}
END_TEST

START_TEST(an_idle_stream_times_out) {
    uint64_t before_ns = sp_now_ns();
    int peer = open_pair(&told, &tell_all, OPTIONS(.idle_ms = 30));

    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, -ETIMEDOUT);
    ck_assert_uint_ge(sp_now_ns() - before_ns, 30 * SP_NS_PER_MS);
    close_pair(&told, peer);
}
END_TEST

START_TEST(traffic_puts_the_idle_deadline_off_but_not_the_total_one) {
    struct sp_timer *timer;
    int peer = open_pair(&told, &tell_all, OPTIONS(.idle_ms = 1000000, .total_ms = 40));
    uint64_t opened_ns = told.stream->active_ns;

    timer = &told.stream->timer;
    ck_assert_uint_eq(timer->due_ns, opened_ns + 40 * SP_NS_PER_MS);
    while (told.n_closes == 0) { /* a busy peer all the time */
        ck_assert_int_eq(send(peer, "x", 1, MSG_NOSIGNAL), 1);
        ck_assert_int_eq(sunpath_loop_dispatch(loop, FOREVER), 1);
    }
    ck_assert_int_eq(told.error, -ETIMEDOUT);
    ck_assert_uint_ge(sp_now_ns() - opened_ns, 40 * SP_NS_PER_MS);
    close_pair(&told, peer);

    told = (struct told){0};
    peer = open_pair(&told, &tell_all, OPTIONS(.idle_ms = 20));
    opened_ns = told.stream->active_ns;
    while (sp_now_ns() < opened_ns + 60 * SP_NS_PER_MS && told.n_closes == 0) {
        told.stream->active_ns = sp_now_ns(); /* as each byte does */
        ck_assert_int_ge(sunpath_loop_dispatch(loop, 1), 0);
    }
    ck_assert_int_eq(told.n_closes, 0);
    run_until(told.n_closes == 1);
    ck_assert_int_eq(told.error, -ETIMEDOUT);
    close_pair(&told, peer);
}
END_TEST

SP_TESTS(
    "stream", bytes_go_both_ways, unconsumed_input_is_shown_again_and_longer,
    what_on_data_writes_leaves_in_one_piece, bytes_keep_their_order_whichever_way_they_are_written,
    a_thousand_queued_writes_then_end_all_arrive, a_thousand_queued_writes_then_close_leave_nothing,
    the_peers_end_of_file_leaves_our_side_open,
    without_on_end_the_stream_ends_itself_after_its_output, who_ended_and_left_is_noticed,
    what_came_before_a_reset_is_told_before_it, what_came_before_a_broken_pipe_is_told_before_it,
    a_large_write_to_nobody_fails_in_the_next_turn, a_paused_writer_hears_that_its_reader_is_gone,
    unread_input_is_capped, a_peer_that_does_not_read_costs_bounded_memory,
    a_pause_holds_the_sender_back, kept_input_is_shown_again_after_a_pause,
    an_idle_stream_times_out, traffic_puts_the_idle_deadline_off_but_not_the_total_one)
