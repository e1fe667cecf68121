/* SPDX-License-Identifier: MIT */
/* test-relay.c - how a relay opens and ends: half-close, ends that leave, errors, idle. */

#include <arpa/inet.h>
#include <netinet/in.h>

#include "relay-between.h"

static const enum sunpath_type connected[] = {SUNPATH_STREAM, SUNPATH_SEQPACKET};

START_TEST(ends_are_carried_over_one_by_one) {
    for (size_t t = 0; t < 2; t++) {
        char data[8];

        join(connected[t], connected[t], NULL);
        send_bytes(first, "question", 8);
        ck_assert_int_eq(sunpath_end(first), 0);
        run_quiet();
        expect(second, "question");
        ck_assert_int_eq(take(second, data, sizeof(data)), 0);
        send_bytes(second, "answer", 6); /* the other way goes on */
        run_quiet();
        expect(first, "answer");
        ck_assert_int_eq(take(first, data, sizeof(data)), -EAGAIN);
        ck_assert_int_eq(sunpath_end(second), 0);
        run_until(n_closes == 1);
        ck_assert_int_eq(told.code, 0);
        ck_assert_int_eq(take(first, data, sizeof(data)), 0);
        ck_assert_uint_eq(counts_of(SUNPATH_RELAY_FIRST).n_bytes, 8);
        ck_assert_uint_eq(counts_of(SUNPATH_RELAY_SECOND).n_bytes, 6);
        ck_assert_uint_eq(counts_of(SUNPATH_RELAY_SECOND).n_messages, t);
        part();
    }
}
END_TEST

START_TEST(one_that_leaves_is_found_gone_by_the_other) {
    for (size_t t = 0; t < 2; t++) {
        char data[8];

        join(connected[t], connected[t], NULL);
        send_bytes(second, "last", 4);
        close(second);
        run_until(n_closes == 1);
        ck_assert_int_eq(told.code, 0);
        expect(first, "last");
        ck_assert_int_eq(take(first, data, sizeof(data)), 0);
        ck_assert_int_eq(sunpath_send(first, "x", 1, NULL), -EPIPE);
        second = -1;
        part();
    }
}
END_TEST

/* Its last words are not lost, though it has not read all. */
START_TEST(one_that_leaves_without_reading_is_told) {
    for (size_t t = 0; t < 2; t++) {
        char data[8];

        join(connected[t], connected[t], NULL);
        send_bytes(first, "unread", 6);
        run_quiet();
        send_bytes(second, "no", 2);
        close(second);
        run_until(n_closes == 1);
        ck_assert_int_eq(told.code, -ECONNRESET);
        ck_assert_int_eq(failed_end, SUNPATH_RELAY_SECOND);
        ck_assert_str_eq(told.text, "relay: the second end left before it had taken everything");
        expect(first, "no");
        ck_assert_int_eq(take(first, data, sizeof(data)), 0);
        second = -1;
        part();
    }
}
END_TEST

START_TEST(one_that_leaves_while_something_waits_for_it_is_told) {
    static char block[50000];

    for (size_t t = 0; t < 2; t++) {
        join(connected[t], connected[t], RELAY_OPTIONS(.second_name = "the target"));
        while (sunpath_send(first, block, sizeof(block), NULL) > 0) {
            run_quiet();
        }
        ck_assert_uint_gt(counts_of(SUNPATH_RELAY_FIRST).n_held, 0);
        close(second);
        run_until(n_closes == 1);
        ck_assert(told.code == -EPIPE || told.code == -ECONNRESET);
        ck_assert_int_eq(failed_end, SUNPATH_RELAY_SECOND);
        ck_assert_str_eq(told.text, "relay: the target left before it had taken everything");
        second = -1;
        part();
    }
}
END_TEST

/* One that only reads no more gets no more, and may still speak. */
START_TEST(one_that_reads_no_more_may_still_speak) {
    join(SUNPATH_STREAM, SUNPATH_STREAM, NULL);
    ck_assert_int_eq(shutdown(second, SHUT_RD), 0);
    send_bytes(first, "x", 1);
    run_quiet();
    ck_assert_int_eq(n_closes, 0);
    ck_assert_int_eq(sunpath_send(first, "x", 1, NULL), -EPIPE);
    send_bytes(second, "still here", 10);
    run_quiet();
    expect(first, "still here");
    ck_assert_int_eq(sunpath_end(second), 0);
    run_until(n_closes == 1);
    ck_assert_int_eq(told.code, -EPIPE);
    part();
}
END_TEST

/* What a peer can do with its end. */
static void treat(int *fd, int how) {
    if (how < 3) {
        ck_assert_int_eq(shutdown(*fd, how), 0);
    } else if (how == 3) {
        *fd = close(*fd) - 1;
    }
}

/* Whatever they do, in any order, with or without something under way: no spinning, one end. */
START_TEST(it_always_comes_to_rest) {
    static char block[50000];

    for (int i = 0; i < 2 * 5 * 5 * 2 * 2; i++) {
        int *ends[] = {&first, &second};
        int how[] = {i / 2 % 5, i / 10 % 5}, order = i / 50 % 2;
        ssize_t n = 1;

        join(connected[i / 100], connected[i / 100], NULL);
        while (i % 2 && n > 0) {
            n = sunpath_send(first, block, sizeof(block), NULL);
            run_quiet();
        }
        treat(ends[order], how[order]);
        run_quiet();
        treat(ends[!order], how[!order]);
        run_quiet();
        close(first);
        close(second);
        first = second = -1;
        run_quiet();
        ck_assert_int_eq(n_closes, 1);
        part();
    }
}
END_TEST

START_TEST(idle_relays_end) {
    join(SUNPATH_STREAM, SUNPATH_STREAM, RELAY_OPTIONS(.idle_ms = 20));
    send_bytes(first, "x", 1);
    run_until(n_closes == 1);
    ck_assert_int_eq(told.code, -ETIMEDOUT);
    expect(second, "x");
    part();
}
END_TEST

static void close_inside(struct sunpath_relay *closed, const struct sunpath_error *error,
                         enum sunpath_relay_end end, void *user) {
    (void)error;
    (void)end;
    (void)user;
    n_closes++;
    relay = sunpath_relay_close(closed);
}

START_TEST(it_can_be_closed_inside_on_close_or_close_itself) {
    for (int i = 0; i < 2; i++) {
        int a[2], b[2];

        n_closes = 0;
        pair_of(a, SUNPATH_STREAM);
        pair_of(b, SUNPATH_STREAM);
        ck_assert_int_eq(sunpath_loop_open(&loop), 0);
        ck_assert_int_eq(
            sunpath_relay_open(&relay, loop, a[1], b[1], i == 0 ? close_inside : NULL, NULL, NULL),
            0);
        close(a[0]);
        close(b[0]);
        run_quiet();
        ck_assert_int_eq(n_closes, i == 0);
        loop = sunpath_loop_close(loop);
    }
}
END_TEST

START_TEST(what_cannot_be_joined) {
    int stream[2], packets[2], file = open("/dev/null", O_RDWR | O_CLOEXEC);
    int unconnected = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    pair_of(stream, SUNPATH_STREAM);
    pair_of(packets, SUNPATH_SEQPACKET);
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, stream[0], packets[0], NULL, NULL, NULL),
                     -EPROTOTYPE);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, stream[0], file, NULL, NULL, NULL),
                     -ENOTSOCK);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, stream[0], stream[0], NULL, NULL, NULL),
                     -EEXIST);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, unconnected, unconnected, NULL, NULL, NULL),
                     -ENOTCONN);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, stream[0], stream[1], NULL, NULL,
                                        &(struct sunpath_relay_options){.size = 4096}),
                     -EINVAL);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, stream[0], stream[1], NULL, NULL, NULL), 0);
    relay = sunpath_relay_close(relay); /* none of the failures left a watch behind */
    loop = sunpath_loop_close(loop);
    close_pair(packets);
    close(unconnected);
    close(file);
}
END_TEST

/* A TCP descriptor may be joined before it is connected: how that went is seen then. */
START_TEST(a_tcp_target_that_refuses_is_told) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n_name = sizeof(name);
    int client[2], target = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* its port listens not */

    ck_assert_int_eq(bind(taken, (struct sockaddr *)&name, n_name), 0);
    ck_assert_int_eq(getsockname(taken, (struct sockaddr *)&name, &n_name), 0);
    ck_assert(connect(target, (struct sockaddr *)&name, n_name) < 0);
    pair_of(client, SUNPATH_STREAM);
    n_closes = 0;
    told = (struct sunpath_error){0};
    ck_assert_int_eq(sunpath_loop_open(&loop), 0);
    ck_assert_int_eq(sunpath_relay_open(&relay, loop, client[1], target, on_close, &told, NULL), 0);
    run_until(n_closes == 1);
    ck_assert_int_eq(told.code, -ECONNREFUSED);
    ck_assert_int_eq(failed_end, SUNPATH_RELAY_SECOND);
    ck_assert_str_eq(told.text, "relay: the second end: Connection refused");
    first = client[0];
    second = taken;
    part();
}
END_TEST

SP_TESTS("relay", ends_are_carried_over_one_by_one, one_that_leaves_is_found_gone_by_the_other,
         one_that_leaves_without_reading_is_told,
         one_that_leaves_while_something_waits_for_it_is_told,
         one_that_reads_no_more_may_still_speak, it_always_comes_to_rest, idle_relays_end,
         it_can_be_closed_inside_on_close_or_close_itself, what_cannot_be_joined,
         a_tcp_target_that_refuses_is_told)
