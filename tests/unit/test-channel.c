/* SPDX-License-Identifier: MIT */
/* test-channel.c - messages over every type of socket: whole, empty, counted, ended, closed. */

#include "channel-pair.h"

static struct told a, b, c;

static void reset(void) {
    a = b = c = (struct told){0};
    n_completed = n_failed_completions = 0;
}

START_TEST(messages_go_both_ways) {
    for (size_t t = 0; t < 3; t++) {
        reset();
        open_both(&a, &b, types[t], OPTIONS());
        ck_assert_int_eq(sunpath_channel_type(a.channel), types[t]);
        ck_assert_int_eq(send_text(&a, "hello"), 0);
        ck_assert_int_eq(send_text(&a, ""), 0);
        ck_assert_int_eq(send_text(&a, "x"), 0);
        run_until(b.n_messages == 3);
        ck_assert_uint_eq(b.size[0], 5);
        ck_assert_uint_eq(b.size[1], 0);
        ck_assert_str_eq(b.first[0], "hello");
        ck_assert_str_eq(b.first[2], "x");
        ck_assert_int_eq(send_text(&b, "back"), 0);
        run_until(a.n_messages == 1);
        ck_assert_str_eq(a.first[0], "back");
        run_quiet();
        ck_assert_int_eq(a.n_drains, 1);
        close_both(&a, &b);
    }
}
END_TEST

/* 3,000 messages of all sizes, while the receiver is read as slowly as the loop does. */
START_TEST(every_size_arrives_whole_and_in_order) {
    static char data[200000];

    for (size_t t = 0; t < 3; t++) {
        size_t n_sent = 0, n_bytes = 0;

        reset();
        srandom(7);
        open_both(&a, &b, types[t], OPTIONS());
        while (n_sent < 3000) {
            size_t size = (size_t)random() % (random() % 20 ? 2000 : sizeof(data));

            n_sent++;
            n_bytes += size;
            memcpy(data, &n_sent, sizeof(n_sent));
            if (send_numbered(&a, data, size, n_sent) == 1) {
                int n_drains = a.n_drains;

                run_until(a.n_drains > n_drains);
            }
        }
        run_until(b.n_messages == 3000);
        run_quiet();
        ck_assert_uint_eq(b.n_bytes, n_bytes);
        ck_assert_uint_eq(n_completed, 3000);
        ck_assert_uint_eq(n_failed_completions, 0);
        ck_assert_int_eq(b.n_lost, 0);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(a_turn_of_messages_leaves_together) {
    char data[64];
    int peer = open_channel(&a, SUNPATH_STREAM, &tell_all, OPTIONS());

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(send_text(&a, "abc"), 0);
    }
    ck_assert_int_eq(recv(peer, data, sizeof(data), MSG_DONTWAIT), -1);
    run_quiet();
    ck_assert_int_eq(recv(peer, data, sizeof(data), MSG_DONTWAIT), 21);
    ck_assert_mem_eq(data, "\0\0\0\3abc\0\0\0\3abc", 14);
    close_channel(&a, peer);
}
END_TEST

START_TEST(queued_sends_of_a_closed_channel_complete_in_order) {
    for (size_t t = 0; t < 3; t++) {
        int peer;

        reset();
        peer = open_channel(&a, types[t], &tell_all, OPTIONS());
        for (size_t i = 1; i <= 1000; i++) {
            ck_assert_int_ge(send_numbered(&a, "message", 7, i), 0);
        }
        ck_assert_uint_eq(n_completed, 0);
        close_channel(&a, peer);
        ck_assert_uint_eq(n_completed, 1000);
        ck_assert_uint_eq(n_failed_completions, 1000);
        ck_assert_int_eq(last_completion, -ECANCELED);
    }
}
END_TEST

START_TEST(what_left_is_told_apart_from_what_did_not) {
    static char data[1000];

    for (size_t t = 0; t < 3; t++) {
        size_t n_left;
        int peer;

        reset();
        peer = open_channel(&a, types[t], &tell_all, OPTIONS());
        for (size_t i = 1; i <= 2000; i++) {
            ck_assert_int_ge(send_numbered(&a, data, sizeof(data), i), 0);
        }
        run_quiet(); /* the kernel takes what it can */
        n_left = n_completed;
        ck_assert_uint_gt(n_left, 3);
        ck_assert_uint_lt(n_left, 2000);
        ck_assert_uint_eq(n_failed_completions, 0);
        close_channel(&a, peer);
        ck_assert_uint_eq(n_completed, 2000);
        ck_assert_uint_eq(n_failed_completions, 2000 - n_left);
    }
}
END_TEST

START_TEST(a_peer_that_dies_fails_what_is_queued) {
    static char data[1000];

    for (size_t t = 0; t < 2; t++) { /* stream, seqpacket */
        int peer;

        reset();
        peer = open_channel(&a, types[t], &tell_all, OPTIONS());
        for (size_t i = 1; i <= 2000; i++) {
            ck_assert_int_ge(send_numbered(&a, data, sizeof(data), i), 0);
        }
        run_quiet();
        close(peer);
        run_until(a.n_closes == 1);
        ck_assert_uint_eq(n_completed, 2000);
        ck_assert_uint_gt(n_failed_completions, 0);
        ck_assert(a.error.code == -EPIPE || a.error.code == -ECONNRESET);
        ck_assert_int_eq(send_text(&a, "x"), -EPIPE);
        ck_assert_int_eq(sunpath_channel_fd(a.channel), -1);
        close_channel(&a, -1);
    }
}
END_TEST

START_TEST(sizes_are_known_and_checked_before_anything_is_queued) {
    static char data[1 << 20];
    struct sunpath_channel_counts counts;
    int buffer = 20000;

    for (size_t t = 0; t < 3; t++) {
        size_t max;

        reset();
        open_both(&a, &b, types[t], OPTIONS(.max_message = 300000));
        max = sunpath_channel_max_message(a.channel);
        ck_assert_uint_gt(max, 20000);
        ck_assert_int_eq(sunpath_channel_send(a.channel, data, max + 1, NULL), -EMSGSIZE);
        sunpath_channel_count(a.channel, &counts);
        ck_assert_uint_eq(counts.n_queued + counts.n_sent, 0);
        ck_assert_int_ge(sunpath_channel_send(a.channel, data, max, NULL), 0);
        run_until(b.n_messages == 1);
        ck_assert_uint_eq(b.n_bytes, max);
        if (types[t] != SUNPATH_STREAM) { /* a larger limit is found out, and a smaller one, too */
            setsockopt(sunpath_channel_fd(a.channel), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(int));
            ck_assert_uint_eq(sunpath_channel_max_message(a.channel), 2 * 20000 - 32);
        }
        close_both(&a, &b);
    }
    open_both(&a, &b, SUNPATH_STREAM, FRAMED(.framing = SUNPATH_FRAME_U8));
    ck_assert_uint_eq(sunpath_channel_max_message(a.channel), 255);
    ck_assert_int_eq(sunpath_channel_send(a.channel, data, 256, NULL), -EMSGSIZE);
    close_both(&a, &b);
    open_both(&a, &b, SUNPATH_STREAM, FRAMED(.framing = SUNPATH_FRAME_LINE));
    ck_assert_int_eq(send_text(&a, "two\nlines"), -EINVAL);
    close_both(&a, &b);
}
END_TEST

START_TEST(a_packet_over_the_limit_is_lost_alone) {
    char data[200] = {0};

    for (size_t t = 1; t < 3; t++) {
        int peer;

        reset();
        peer = open_channel(&a, types[t], &tell_all, OPTIONS(.max_message = 100));
        ck_assert_int_eq(send(peer, "ok", 2, 0), 2);
        ck_assert_int_eq(send(peer, data, 101, 0), 101);
        ck_assert_int_eq(send(peer, data, 100, 0), 100);
        run_until(a.n_messages == 2);
        ck_assert_int_eq(a.n_lost, 1);
        ck_assert_int_eq(a.lost.code, -EMSGSIZE);
        ck_assert_str_eq(a.lost.text,
                         "receive: message 2: its 101 bytes are over the limit of 100");
        close_channel(&a, peer);
    }
}
END_TEST

START_TEST(without_on_lost_a_loss_ends_the_channel) {
    static const struct sunpath_channel_events events = {.on_message = told_message,
                                                         .on_close = told_close};
    char data[200] = {0};
    int peer = open_channel(&a, SUNPATH_SEQPACKET, &events, OPTIONS(.max_message = 100));

    ck_assert_int_eq(send(peer, data, 101, 0), 101);
    run_until(a.n_closes == 1);
    ck_assert_int_eq(a.error.code, -EMSGSIZE);
    close_channel(&a, peer);
}
END_TEST

START_TEST(a_frame_over_the_limit_ends_the_channel_and_says_why) {
    int peer = open_channel(&a, SUNPATH_STREAM, &tell_all, OPTIONS(.max_message = 100));

    ck_assert_int_eq(send(peer, "\0\0\0\1x\xff\xff\xff\xff", 9, 0), 9);
    run_until(a.n_closes == 1);
    ck_assert_uint_eq(a.n_messages, 1);
    ck_assert_int_eq(a.error.code, -EMSGSIZE);
    ck_assert_str_eq(a.error.text,
                     "read: message 2: its length of 4294967295 bytes is over the limit of 100");
    close_channel(&a, peer);
}
END_TEST

START_TEST(the_end_is_told_apart_from_a_cut) {
    int peer;

    for (size_t t = 0; t < 2; t++) { /* a clean end, both ways */
        reset();
        open_both(&a, &b, types[t], OPTIONS());
        send_text(&a, "last");
        sunpath_channel_end(a.channel);
        ck_assert_int_eq(send_text(&a, "x"), -EPIPE);
        run_until(b.n_ends == 1);
        ck_assert_uint_eq(b.n_messages, 1);
        send_text(&b, "answer");
        sunpath_channel_end(b.channel);
        run_until(a.n_closes == 1 && b.n_closes == 1);
        ck_assert_uint_eq(a.n_messages, 1);
        ck_assert_int_eq(a.error.code + b.error.code, 0);
        close_both(&a, &b);
    }
    reset();
    peer = open_channel(&a, SUNPATH_STREAM, &tell_all, OPTIONS());
    ck_assert_int_eq(send(peer, "\0\0\0\5abc", 7, 0), 7);
    shutdown(peer, SHUT_WR);
    run_until(a.n_closes == 1);
    ck_assert_int_eq(a.error.code, -ECONNRESET);
    ck_assert_str_eq(a.error.text,
                     "read: message 1: cut by the end of the stream after 7 of 9 bytes");
    ck_assert_int_eq(a.n_ends, 0);
    close_channel(&a, peer);
    reset(); /* who left with our message unread does not end: it is over */
    peer = open_channel(&a, SUNPATH_SEQPACKET, &tell_all, OPTIONS());
    send_text(&a, "never read");
    run_until(a.n_drains == 1);
    ck_assert_int_eq(send(peer, "last", 4, 0), 4);
    close(peer);
    run_until(a.n_closes == 1);
    ck_assert_int_eq(a.error.code, -ECONNRESET);
    ck_assert_uint_eq(a.n_messages, 1);
    ck_assert_int_eq(a.n_ends, 0);
    sunpath_channel_close(a.channel);
    loop = sunpath_loop_close(loop);
    reset();
    peer = open_channel(&a, SUNPATH_STREAM, &tell_no_end, FRAMED(.framing = SUNPATH_FRAME_LINE));
    ck_assert_int_eq(send(peer, "a\nb", 3, 0), 3);
    shutdown(peer, SHUT_WR);
    run_until(a.n_closes == 1); /* without on_end it ends itself */
    ck_assert_int_eq(a.error.code, 0);
    ck_assert_uint_eq(a.n_messages, 2);
    ck_assert(a.is_unterminated);
    close_channel(&a, peer);
}
END_TEST

START_TEST(an_empty_packet_is_not_the_end) {
    int peer = open_channel(&a, SUNPATH_SEQPACKET, &tell_all, OPTIONS());

    ck_assert_int_eq(send(peer, "", 0, 0), 0);
    ck_assert_int_eq(send(peer, "x", 1, 0), 1);
    ck_assert_int_eq(send(peer, "", 0, 0), 0);
    close(peer);
    run_until(a.n_ends == 1);
    ck_assert_uint_eq(a.n_messages, 3);
    ck_assert_uint_eq(a.n_bytes, 1);
    run_until(a.n_closes == 1); /* nobody is there for what we could send */
    ck_assert_int_eq(a.error.code, -EPIPE);
    close_channel(&a, -1);
}
END_TEST

/* However many came one by one before, which is when the loop does not ask for more of them. */
START_TEST(an_empty_packet_is_not_the_end_behind_any_number) {
    for (size_t n_before = 0; n_before <= 70; n_before++) {
        int peer;

        reset();
        peer = open_channel(&a, SUNPATH_SEQPACKET, &tell_all, OPTIONS());
        for (size_t i = 0; i < n_before; i++) {
            ck_assert_int_eq(send(peer, "x", i % 2, 0), (int)(i % 2)); /* every other is empty */
            run_until(a.n_messages == i + 1);
        }
        ck_assert_int_eq(send(peer, "", 0, 0), 0);
        close(peer);
        run_until(a.n_ends == 1);
        ck_assert_uint_eq(a.n_messages, n_before + 1);
        run_until(a.n_closes == 1);
        close_channel(&a, -1);
        loop = sunpath_loop_close(loop);
    }
}
END_TEST

START_TEST(marks_and_the_cap_hold_the_sender_back) {
    static char data[1000];
    struct sunpath_channel_counts counts;

    for (size_t t = 0; t < 3; t++) {
        size_t n_sent = 0;
        int peer, r;

        reset();
        peer = open_channel(&a, types[t], &tell_all,
                            OPTIONS(.max_queue = 50000, .high_mark = 10000, .low_mark = 2000));
        do {
            r = sunpath_channel_send(a.channel, data, sizeof(data), NULL);
            n_sent += r >= 0;
            run_quiet();
        } while (r == 0);
        ck_assert_int_eq(r, 1);
        a.n_drains = 0;
        while ((r = sunpath_channel_send(a.channel, data, sizeof(data), NULL)) == 1) {
            n_sent++;
        }
        ck_assert_int_eq(r, -ENOBUFS);
        sunpath_channel_count(a.channel, &counts);
        ck_assert_uint_eq(counts.n_sent, n_sent);
        ck_assert_uint_le(counts.n_queued, 50000);
        ck_assert_uint_gt(counts.n_queued, 40000);
        run_quiet();
        ck_assert_int_eq(a.n_drains, 0);
        while (a.n_drains == 0) {
            char block[2000];

            ck_assert_int_gt(recv(peer, block, sizeof(block), 0), 0);
            run_quiet();
        }
        sunpath_channel_count(a.channel, &counts);
        ck_assert_uint_le(counts.n_queued, 2000);
        close_channel(&a, peer);
    }
}
END_TEST

START_TEST(a_paused_channel_leaves_its_messages_with_the_kernel) {
    for (size_t t = 0; t < 3; t++) {
        reset();
        open_both(&a, &b, types[t], OPTIONS());
        sunpath_channel_pause(b.channel);
        run_quiet();
        send_text(&a, "one");
        send_text(&a, "two");
        run_quiet();
        ck_assert_uint_eq(b.n_messages, 0);
        sunpath_channel_resume(b.channel);
        run_until(b.n_messages == 2);
        close_both(&a, &b);
    }
}
END_TEST

static void pause_after_each(struct sunpath_channel *channel,
                             struct sunpath_channel_message *message, void *user) {
    told_message(channel, message, user);
    sunpath_channel_pause(channel);
}

START_TEST(a_pause_inside_on_message_is_kept_at_once) {
    static const struct sunpath_channel_events events = {
        .on_message = pause_after_each, .on_end = told_end, .on_close = told_close};

    for (size_t t = 0; t < 3; t++) {
        int pair[2];

        reset();
        open_loop();
        pair_of(pair, types[t]);
        ck_assert_int_eq(sunpath_channel_open(&a.channel, loop, pair[0], &tell_all, &a, OPTIONS()),
                         0);
        ck_assert_int_eq(sunpath_channel_open(&b.channel, loop, pair[1], &events, &b, OPTIONS()),
                         0);
        for (int i = 0; i < 5; i++) {
            send_text(&a, "message");
        }
        for (size_t i = 1; i <= 5; i++) {
            run_quiet();
            ck_assert_uint_eq(b.n_messages, i);
            sunpath_channel_resume(b.channel);
        }
        run_quiet();
        ck_assert_uint_eq(b.n_messages, 5);
        close_both(&a, &b);
    }
}
END_TEST

/* ---- closing wherever one likes -------------------------------------------------------------- */

static int close_where;

static void close_now(struct told *told) {
    told->channel = sunpath_channel_close(told->channel);
}

static void closing_message(struct sunpath_channel *channel,
                            struct sunpath_channel_message *message, void *user) {
    told_message(channel, message, user);
    if (close_where == 0) {
        close_now(user);
    }
}

static void closing_lost(struct sunpath_channel *channel, const struct sunpath_error *error,
                         void *user) {
    told_lost(channel, error, user);
    close_now(user);
}

static void closing_end(struct sunpath_channel *channel, void *user) {
    told_end(channel, user);
    close_now(user);
}

static void closing_drain(struct sunpath_channel *channel, void *user) {
    told_drain(channel, user);
    if (close_where == 3) {
        close_now(user);
    }
}

static void closing_close(struct sunpath_channel *channel, const struct sunpath_error *error,
                          void *user) {
    told_close(channel, error, user);
    close_now(user);
}

static void closing_sent(struct sunpath_channel *channel, int error, void *user) {
    completed(channel, error, user);
    if (n_completed == 2) {
        close_now(&a);
    }
}

START_TEST(closing_in_any_callback_is_legal) {
    static const struct sunpath_channel_events events = {.on_message = closing_message,
                                                         .on_lost = closing_lost,
                                                         .on_end = closing_end,
                                                         .on_drain = closing_drain,
                                                         .on_close = closing_close};
    static const struct sunpath_channel_events events_no_end = {
        .on_message = closing_message, .on_drain = closing_drain, .on_close = closing_close};
    static char large[300];

    for (size_t t = 0; t < 3; t++) {
        for (close_where = 0; close_where < 6; close_where++) {
            bool ends = types[t] != SUNPATH_DGRAM;
            int peer;

            if ((close_where == 1 && types[t] == SUNPATH_STREAM) ||
                ((close_where == 2 || close_where == 4) && !ends)) {
                continue;
            }
            reset();
            peer = open_channel(&a, types[t], close_where == 4 ? &events_no_end : &events,
                                FRAMED(.max_message = 200, .framing = SUNPATH_FRAME_LINE));
            ck_assert_int_eq(send(peer, "1\n2\n", 4, 0), 4);
            ck_assert_int_eq(send(peer, "3\n", 2, 0), 2);
            if (close_where == 1) {
                send(peer, large, sizeof(large), 0);
            } else if (close_where == 2 || close_where == 4) {
                shutdown(peer, SHUT_WR);
            } else if (close_where == 3) {
                send_text(&a, "drain");
            } else if (close_where == 5) {
                for (size_t i = 1; i <= 5; i++) {
                    ck_assert_int_eq(sunpath_channel_send(
                                         a.channel, "x", 1,
                                         SEND_OPTIONS(.on_sent = closing_sent, .user = (void *)i)),
                                     0);
                }
            }
            run_until(!a.channel);
            ck_assert_uint_eq(n_completed, close_where == 5 ? 5 : 0);
            ck_assert(close_where != 0 || a.n_messages == 1);
            close_channel(&a, peer);
        }
    }
}
END_TEST

static void close_at_40(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                        void *user) {
    told_message(channel, message, user);
    if (a.n_messages == 40) {
        a.channel = sunpath_channel_close(channel);
    }
}

/* The peer has left, with ours unread, and has sent more than one turn reads. */
START_TEST(closing_in_what_a_dead_peer_had_sent_is_legal) {
    static const struct sunpath_channel_events events = {.on_message = close_at_40};

    for (size_t t = 0; t < 2; t++) {
        int peer;

        reset();
        peer = open_channel(&a, types[t], &events, FRAMED(.framing = SUNPATH_FRAME_LINE));
        open_both(&b, &c, types[t], OPTIONS());
        ck_assert_int_eq(send_text(&a, "unread"), 0);
        run_quiet();
        for (int i = 0; i < 60; i++) {
            ck_assert_int_eq((int)send(peer, "1\n", 2, 0), 2);
        }
        close(peer);
        run_until(!a.channel);
        ck_assert_int_eq(send_text(&b, "others go on"), 0);
        run_until(c.n_messages == 1);
        close_both(&b, &c);
    }
}
END_TEST

static void resume_on_drain(struct sunpath_channel *channel, void *user) {
    told_drain(channel, user);
    sunpath_channel_resume(channel);
}

START_TEST(an_owner_that_waits_for_a_dead_peer_is_told) {
    static const struct sunpath_channel_events events = {
        .on_message = told_message, .on_drain = resume_on_drain, .on_close = told_close};
    static char data[10000];

    for (size_t t = 0; t < 2; t++) {
        int peer, r = 0;

        reset();
        peer = open_channel(&a, types[t], &events, FRAMED(.framing = SUNPATH_FRAME_U32_LE));
        while (r == 0) {
            run_quiet();
            for (int i = 0; i < 100 && r == 0; i++) {
                r = sunpath_channel_send(a.channel, data, sizeof(data), NULL);
            }
        }
        ck_assert_int_eq(r, 1);
        sunpath_channel_pause(a.channel);
        ck_assert_int_eq((int)send(peer, "\1\0\0\0x", 5, 0), 5);
        run_quiet();
        close(peer);
        run_until(a.n_closes == 1);
        ck_assert_uint_eq(a.n_messages, 1);
        close_channel(&a, -1);
    }
}
END_TEST

START_TEST(large_frames_keep_their_place) {
    static char data[1 << 20];
    static const size_t sizes[] = {65536, 10, 1 << 20, 65535, 65537, 0, 300000, 70000};
    size_t n_bytes = 0, number = 0;

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (char)('a' + i % 23);
    }
    reset();
    open_both(&a, &b, SUNPATH_STREAM, OPTIONS());
    for (size_t turn = 0; turn < 20; turn++) { /* with and without something queued before */
        for (size_t i = 0; i < 1 + turn % 3; i++) {
            size_t size = sizes[number % 8];

            data[0] = data[1] = (char)('A' + number);
            ck_assert_int_ge(send_numbered(&a, data, size, ++number), 0);
            n_bytes += size;
        }
        if (turn % 4 == 3) {
            run_quiet();
        }
    }
    run_until(b.n_messages == number);
    run_quiet();
    ck_assert_uint_eq(b.n_bytes, n_bytes);
    for (size_t i = 0; i < number; i++) {
        ck_assert_uint_eq(b.size[i], sizes[i % 8]);
        ck_assert(b.size[i] < 2 || b.first[i][1] == (char)('A' + i));
    }
    ck_assert_uint_eq(n_completed, number);
    ck_assert_uint_eq(n_failed_completions, 0);
    close_both(&a, &b);
}
END_TEST

START_TEST(bad_options_and_descriptors_are_refused) {
    struct sunpath_channel *channel = NULL;
    int pair[2], pipe_fds[2];

    open_loop();
    pair_of(pair, SUNPATH_STREAM);
    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert_int_eq(sunpath_channel_open(&channel, loop, pair[0], &tell_all, NULL, NULL),
                     -EINVAL); /* no framing */
    ck_assert_int_eq(sunpath_channel_open(&channel, loop, pair[0], NULL, NULL, OPTIONS()), -EINVAL);
    ck_assert_int_eq(
        sunpath_channel_open(&channel, loop, pair[0], &tell_all, NULL, OPTIONS(.max_fds = 254)),
        -EINVAL);
    ck_assert_int_eq(sunpath_channel_open(&channel, loop, pipe_fds[0], &tell_all, NULL, OPTIONS()),
                     -ENOTSOCK);
    ck_assert_int_eq(sunpath_channel_open(&channel, loop, -1, &tell_all, NULL, OPTIONS()), -EBADF);
    ck_assert_ptr_null(channel);
    close_pair(pair);
    close_pair(pipe_fds);
    loop = sunpath_loop_close(loop);
    ck_assert_ptr_null(sunpath_channel_close(NULL));
}
END_TEST

START_TEST(no_limit_at_all_is_a_limit) {
    static const char frame[] = "\0\0\0\0\0\0\0\2hi";

    for (size_t t = 0; t < 3; t++) {
        bool is_framed = types[t] == SUNPATH_STREAM;
        size_t skip = is_framed ? 0 : 8;
        int peer;

        reset();
        peer = open_channel(&a, types[t], &tell_all,
                            FRAMED(.framing = SUNPATH_FRAME_U64_BE, .max_message = SIZE_MAX));
        ck_assert_int_eq((int)write(peer, frame + skip, 10 - skip), (int)(10 - skip));
        run_until(a.n_messages == 1);
        ck_assert_str_eq(a.first[0], "hi");
        if (is_framed) {
            ck_assert_int_eq((int)write(peer, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), 8);
            run_until(a.n_closes == 1);
            ck_assert_int_eq(a.error.code, -EMSGSIZE);
        }
        close_channel(&a, peer);
    }
}
END_TEST

START_TEST(an_idle_channel_is_over) {
    for (size_t t = 0; t < 2; t++) {
        int peer;

        reset();
        peer = open_channel(&a, types[t], &tell_all, OPTIONS(.idle_ms = 30));
        run_until(a.n_closes == 1);
        ck_assert_int_eq(a.error.code, -ETIMEDOUT);
        close_channel(&a, peer);
    }
}
END_TEST

SP_TESTS("channel", messages_go_both_ways, every_size_arrives_whole_and_in_order,
         a_turn_of_messages_leaves_together, queued_sends_of_a_closed_channel_complete_in_order,
         what_left_is_told_apart_from_what_did_not, a_peer_that_dies_fails_what_is_queued,
         sizes_are_known_and_checked_before_anything_is_queued,
         a_packet_over_the_limit_is_lost_alone, without_on_lost_a_loss_ends_the_channel,
         a_frame_over_the_limit_ends_the_channel_and_says_why, the_end_is_told_apart_from_a_cut,
         an_empty_packet_is_not_the_end, an_empty_packet_is_not_the_end_behind_any_number,
         marks_and_the_cap_hold_the_sender_back,
         a_paused_channel_leaves_its_messages_with_the_kernel,
         a_pause_inside_on_message_is_kept_at_once, closing_in_any_callback_is_legal,
         closing_in_what_a_dead_peer_had_sent_is_legal, an_owner_that_waits_for_a_dead_peer_is_told,
         large_frames_keep_their_place, bad_options_and_descriptors_are_refused,
         no_limit_at_all_is_a_limit, an_idle_channel_is_over)
