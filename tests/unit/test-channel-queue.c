/* SPDX-License-Identifier: MIT */
/* test-channel-queue.c - packets on their way out: full queues and what is done about them, nobody
 * there, answers, company. */

#include "channel-pair.h"

static struct told a, b;

/* A datagram socket at `name` that does not read. */
static int receiver_at(const char *name, struct sunpath_address *ret) {
    struct sockaddr_un un;
    char text[200];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), length;

    snprintf(text, sizeof(text), "dgram:%s", fixture_path(name));
    ck_assert_int_eq(sunpath_address_parse(ret, text, NULL), 0);
    length = sunpath_address_to_sockaddr(ret, &un);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, (socklen_t)length), 0);
    return fd;
}

static void open_unbound(struct told *told, const struct sunpath_channel_options *options) {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    open_loop();
    ck_assert_int_eq(sunpath_channel_open(&told->channel, loop, fd, &tell_all, told, options), 0);
}

static int send_to(struct told *told, const char *text, const struct sunpath_address *to,
                   size_t number) {
    return sunpath_channel_send(
        told->channel, text, strlen(text),
        SEND_OPTIONS(.to = to, .on_sent = completed, .user = (void *)(uintptr_t)number));
}

static size_t read_all(int fd) {
    char data[100];
    size_t n = 0;

    while (recv(fd, data, sizeof(data), MSG_DONTWAIT) >= 0) {
        n++;
    }
    return n;
}

START_TEST(a_full_receiver_is_waited_for_without_spinning) {
    struct sunpath_address to;
    int fd = receiver_at("r", &to);
    size_t n_read = 0;

    open_unbound(&a, NULL);
    for (size_t i = 1; i <= 500; i++) {
        ck_assert_int_eq(send_to(&a, "datagram", &to, i), 0);
    }
    run_quiet();
    ck_assert_uint_lt(n_completed, 100);
    ck_assert_int_le(run_quiet(), 0); /* nothing to do: the receiver has no room */
    while (n_read < 500) {
        n_read += read_all(fd);
        ck_assert_int_lt(run_quiet(), 10);
    }
    ck_assert_uint_eq(n_completed, 500);
    ck_assert_uint_eq(n_failed_completions, 0);
    close(fd);
    close_channel(&a, -1);
}
END_TEST

START_TEST(a_connected_receiver_is_waited_for_too) {
    size_t n_read = 0;
    int peer = open_channel(&a, SUNPATH_DGRAM, &tell_all, NULL);

    for (size_t i = 1; i <= 500; i++) {
        ck_assert_int_eq(send_numbered(&a, "datagram", 8, i), 0);
    }
    run_quiet();
    ck_assert_uint_lt(n_completed, 400);
    ck_assert_int_le(run_quiet(), 0);
    while (n_read < 500) {
        n_read += read_all(peer);
        run_quiet();
    }
    ck_assert_uint_eq(n_completed, 500);
    close_channel(&a, peer);
}
END_TEST

START_TEST(a_receiver_that_dies_while_waited_for_fails_its_own_alone) {
    struct sunpath_address to, other;
    int fd = receiver_at("r", &to), other_fd = receiver_at("o", &other);

    open_unbound(&a, NULL);
    for (size_t i = 1; i <= 100; i++) {
        ck_assert_int_eq(send_to(&a, "datagram", &to, i), 0);
    }
    ck_assert_int_eq(send_to(&a, "other", &other, 101), 0);
    run_quiet();
    ck_assert_uint_lt(n_completed, 100);
    close(fd);
    run_until(n_completed == 101);
    ck_assert_uint_gt(n_failed_completions, 50);
    ck_assert_int_eq(last_completion, 0);
    ck_assert_uint_eq(read_all(other_fd), 1);
    close(other_fd);
    close_channel(&a, -1);
}
END_TEST

START_TEST(what_finds_no_room_can_be_dropped) {
    struct sunpath_channel_counts counts;
    struct sunpath_address to, other;
    int fd = receiver_at("r", &to), other_fd = receiver_at("o", &other);
    size_t n_read;

    open_unbound(&a, FRAMED(.full = SUNPATH_FULL_DROP));
    for (size_t i = 1; i <= 100; i++) {
        ck_assert_int_eq(send_to(&a, "datagram", &to, i), 0);
    }
    ck_assert_int_eq(send_to(&a, "other", &other, 101), 0);
    run_until(n_completed == 101);
    n_read = read_all(fd);
    sunpath_channel_count(a.channel, &counts);
    ck_assert_uint_eq(counts.n_dropped, 100 - n_read);
    ck_assert_uint_eq(counts.n_sent, n_read + 1);
    ck_assert_uint_eq(n_failed_completions, 100 - n_read);
    ck_assert_uint_eq(read_all(other_fd), 1); /* the slow one holds nobody up */
    close(fd);
    close(other_fd);
    close_channel(&a, -1);
}
END_TEST

START_TEST(what_finds_no_room_can_be_reported) {
    struct sunpath_channel_counts counts;
    struct sunpath_address to;
    int fd = receiver_at("r", &to), r;
    size_t n = 0;

    open_unbound(&a, FRAMED(.full = SUNPATH_FULL_REPORT));
    while ((r = send_to(&a, "datagram", &to, n + 1)) == 0) {
        ck_assert_uint_lt(n++, 1000);
    }
    ck_assert_int_eq(r, -EAGAIN);
    run_quiet();
    ck_assert_uint_eq(n_completed, n);
    sunpath_channel_count(a.channel, &counts);
    ck_assert_uint_eq(counts.n_queued, 0);
    ck_assert_uint_eq(read_all(fd), n);
    ck_assert_int_eq(send_to(&a, "datagram", &to, n + 1), 0);
    run_quiet();
    close(fd);
    close_channel(&a, -1);
}
END_TEST

START_TEST(nobody_there_fails_one_datagram) {
    struct sunpath_channel_counts counts;
    struct sunpath_address to, nowhere;
    int fd = receiver_at("r", &to);

    ck_assert_int_eq(sunpath_address_parse(&nowhere, "dgram:/nowhere/at/all", NULL), 0);
    open_unbound(&a, NULL);
    ck_assert_int_eq(send_text(&a, "to whom"), -ENOTCONN);
    ck_assert_int_eq(send_to(&a, "x", &nowhere, 1), 0);
    run_until(n_completed == 1);
    ck_assert_int_eq(last_completion, -ENOENT);
    ck_assert_int_eq(send_to(&a, "x", &to, 2), 0);
    run_until(n_completed == 2);
    ck_assert_int_eq(last_completion, 0);
    close(fd);
    ck_assert_int_eq(send_to(&a, "x", &to, 3), 0);
    run_until(n_completed == 3);
    ck_assert_int_eq(last_completion, -ECONNREFUSED);
    sunpath_channel_count(a.channel, &counts);
    ck_assert_uint_eq(counts.n_failed, 2);
    ck_assert_uint_eq(counts.n_sent, 1);
    ck_assert_int_eq(a.n_closes, 0);
    close_channel(&a, -1);
}
END_TEST

static void answer(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                   void *user) {
    told_message(channel, message, user);
    if (message->sender) {
        ck_assert_int_eq(sunpath_channel_send(channel, message->data, message->size,
                                              SEND_OPTIONS(.to = message->sender)),
                         0);
    }
}

/* A long path, too: more than 107 bytes fit into no socket address. */
START_TEST(a_datagram_server_answers_whoever_has_a_name) {
    static const struct sunpath_channel_events events = {.on_message = answer};
    struct sunpath_connect_options options = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sunpath_error error;
    char address[400], client[4096];

    open_loop();
    snprintf(address, sizeof(address), "dgram:%s", fixture_path("server"));
    snprintf(client, sizeof(client), "dgram:%s", fixture_path("client"));
    ck_assert_int_eq(sunpath_channel_bind(&b.channel, loop, address, NULL, &events, &b,
                                          FRAMED(.want_credentials = true), &error),
                     0);
    ck_assert_int_eq(
        sunpath_channel_connect(&a.channel, loop, address, NULL, &tell_all, &a, NULL, &error), 0);
    ck_assert_int_eq(send_text(&a, "anonymous"), 0);
    run_until(b.n_messages == 1);
    ck_assert(b.has_credentials);
    ck_assert_int_eq(b.credentials.pid, getpid());
    a.channel = sunpath_channel_close(a.channel);
    options.bind = client;
    ck_assert_int_eq(
        sunpath_channel_connect(&a.channel, loop, address, &options, &tell_all, &a, NULL, &error),
        0);
    ck_assert_int_eq(send_text(&a, "named"), 0);
    ck_assert_int_eq(send_text(&a, ""), 0);
    run_until(a.n_messages == 2);
    ck_assert_str_eq(a.first[0], "named");
    ck_assert_uint_eq(a.size[1], 0);
    close_both(&a, &b);
    ck_assert_int_ne(access(fixture_path("server"), F_OK), 0); /* it was ours */
    unlink(fixture_path("client"));
}
END_TEST

static void send_numbers(size_t first, size_t n) {
    for (size_t i = first; i < first + n; i++) {
        ck_assert_int_eq(
            sunpath_channel_send(a.channel, &i, sizeof(i),
                                 SEND_OPTIONS(.on_sent = completed, .user = (void *)i)),
            0);
    }
}

static void expect_numbers(int peer, size_t first, size_t n) {
    for (size_t i = first, number; i < first + n; i++) {
        ck_assert_int_eq(recv(peer, &number, sizeof(number), MSG_DONTWAIT), sizeof(number));
        ck_assert_uint_eq(number, i);
    }
    ck_assert_int_eq(recv(peer, &n, sizeof(n), MSG_DONTWAIT), -1);
}

START_TEST(a_packet_leaves_at_once_when_those_before_had_no_company) {
    int peer = open_channel(&a, SUNPATH_SEQPACKET, &tell_all, OPTIONS());
    size_t i;

    send_numbers(1, 1);
    expect_numbers(peer, 1, 0);
    run_quiet();
    expect_numbers(peer, 1, 1);
    for (i = 2; i <= 20; i++) {
        send_numbers(i, 1);
        run_quiet();
        expect_numbers(peer, i, 1);
        ck_assert_uint_eq(n_completed, i);
    }
    send_numbers(i, 1);
    expect_numbers(peer, i, 1);
    ck_assert_uint_eq(n_completed, i - 1); /* that is told in a turn of the loop, as ever */
    send_numbers(i + 1, 9);
    expect_numbers(peer, i, 0);
    run_quiet();
    expect_numbers(peer, i + 1, 9);
    ck_assert_uint_eq(n_completed, i + 9);
    send_numbers(i + 10, 1); /* that one had company */
    expect_numbers(peer, i, 0);
    run_quiet();
    expect_numbers(peer, i + 10, 1);
    close_channel(&a, peer);
}
END_TEST

START_TEST(bind_is_for_datagrams) {
    struct sunpath_error error;

    open_loop();
    ck_assert_int_eq(sunpath_channel_bind(&a.channel, loop, fixture_path("s"), NULL, &tell_all, &a,
                                          NULL, &error),
                     -EPROTOTYPE);
    ck_assert_int_ne(access(fixture_path("s"), F_OK), 0);
    ck_assert_ptr_null(a.channel);
    loop = sunpath_loop_close(loop);
}
END_TEST

SP_TESTS("channel-queue", a_full_receiver_is_waited_for_without_spinning,
         a_connected_receiver_is_waited_for_too,
         a_receiver_that_dies_while_waited_for_fails_its_own_alone,
         what_finds_no_room_can_be_dropped, what_finds_no_room_can_be_reported,
         nobody_there_fails_one_datagram, a_datagram_server_answers_whoever_has_a_name,
         bind_is_for_datagrams, a_packet_leaves_at_once_when_those_before_had_no_company)
