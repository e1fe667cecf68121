/* SPDX-License-Identifier: MIT */
/* test-channel-large.c - messages as memory: asked for, sealed, checked, refused, done without. */

#include "channel-pair.h"

#include <sys/mman.h>

#include "os/memfd.h"

#define LARGE (3 << 20)

static struct told a, b;
static char large[LARGE];

static bool was_memory, is_as_sent;

static void take_large(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    told_message(channel, message, user);
    was_memory = message->memory_fd >= 0;
    is_as_sent = message->size == LARGE && memcmp(message->data, large, LARGE) == 0;
}

static const struct sunpath_channel_events takes = {
    .on_message = take_large, .on_lost = told_lost, .on_end = told_end, .on_close = told_close};

static const struct sunpath_channel_options sends = {.size = sizeof(sends),
                                                     .framing = SUNPATH_FRAME_VARINT,
                                                     .max_message = 2 * LARGE,
                                                     .large_min = 100000};

static void open_for(enum sunpath_type type, const struct sunpath_channel_options *options,
                     size_t max_large) {
    int pair[2];

    a = b = (struct told){0};
    n_completed = n_failed_completions = 0;
    was_memory = is_as_sent = false;
    open_loop();
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = (char)(i * 7 + i / 4096);
    }
    pair_of(pair, type);
    ck_assert_int_eq(sunpath_channel_open(&a.channel, loop, pair[0], &tell_all, &a, options), 0);
    ck_assert_int_eq(
        sunpath_channel_open(&b.channel, loop, pair[1], &takes, &b,
                             FRAMED(.framing = SUNPATH_FRAME_VARINT, .max_message = 2 * LARGE,
                                    .max_large = max_large, .max_fds = 1)),
        0);
}

START_TEST(peers_that_both_know_memory_use_it) {
    for (size_t t = 0; t < 2; t++) {
        int n_fds;

        open_for(types[t], &sends, LARGE);
        n_fds = fixture_n_fds();
        ck_assert_int_eq(send_text(&a, "first"), 0);
        run_until(b.n_messages == 1);
        ck_assert_uint_eq(b.n_fds, 0); /* the offer is not shown */
        run_quiet();
        ck_assert_int_eq(fixture_n_fds(), n_fds);
        ck_assert_uint_ge(sunpath_channel_max_message(a.channel), LARGE);
        ck_assert_int_eq(send_numbered(&a, large, LARGE, 1), 0);
        ck_assert_int_eq(send_text(&a, "after"), 0);
        run_until(b.n_messages == 3);
        ck_assert_uint_eq(b.size[1], LARGE);
        ck_assert_str_eq(b.first[2], "after");
        ck_assert_uint_eq(n_completed, 1);
        ck_assert_int_eq(send_numbered(&a, large, LARGE, 2), 0);
        run_until(b.n_messages == 4);
        ck_assert(was_memory && is_as_sent);
        ck_assert_int_eq(fixture_n_fds(), n_fds);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(a_peer_that_knows_no_memory_gets_frames) {
    open_for(SUNPATH_STREAM, &sends, 0);
    ck_assert_int_ge(sunpath_channel_send(a.channel, large, LARGE, NULL), 0);
    run_until(b.n_messages == 1 || b.n_lost == 1);
    ck_assert_int_eq(b.n_lost, 0);
    ck_assert_uint_eq(b.n_fds, 0); /* it takes a descriptor, but not to show an offer */
    ck_assert(!was_memory && is_as_sent);
    run_quiet();
    ck_assert_int_ge(sunpath_channel_send(a.channel, large, LARGE, NULL), 0);
    run_until(b.n_messages == 2);
    ck_assert(!was_memory && is_as_sent);
    ck_assert_uint_eq(b.fds_with[1], 0);
    close_both(&a, &b);
}
END_TEST

START_TEST(an_offer_costs_no_message) {
    for (size_t t = 0; t < 2; t++) {
        for (unsigned max_fds = 0; max_fds < 2; max_fds++) {
            int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), pair[2], n_fds;

            a = b = (struct told){0};
            open_loop();
            pair_of(pair, types[t]);
            ck_assert_int_eq(sunpath_channel_open(&a.channel, loop, pair[0], &tell_all, &a, &sends),
                             0);
            ck_assert_int_eq(
                sunpath_channel_open(&b.channel, loop, pair[1], &takes, &b,
                                     FRAMED(.framing = SUNPATH_FRAME_VARINT, .max_fds = max_fds,
                                            .fd_kinds = SUNPATH_FD_DEVICE)),
                0);
            n_fds = fixture_n_fds();
            ck_assert_int_eq(sunpath_channel_send(a.channel, "first", 5,
                                                  SEND_OPTIONS(.fds = &fd, .n_fds = max_fds)),
                             0);
            ck_assert_int_eq(send_text(&a, "second"), 0);
            ck_assert_int_eq(send_text(&a, "third"), 0);
            run_until(b.n_messages == 3);
            run_quiet();
            ck_assert_int_eq(b.n_lost, 0);
            ck_assert_uint_eq(b.n_fds, max_fds);
            ck_assert_int_eq(fixture_n_fds(), n_fds); /* it was answered by closing it */
            close(fd);
            close_both(&a, &b);
        }
    }
}
END_TEST

START_TEST(an_offer_is_understood_behind_other_descriptors) {
    for (size_t t = 0; t < 2; t++) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        open_for(types[t], &sends, LARGE);
        ck_assert_int_eq(
            sunpath_channel_send(a.channel, "first", 5, SEND_OPTIONS(.fds = &fd, .n_fds = 1)), 0);
        ck_assert_int_eq(send_text(&a, "second"), 0);
        run_until(b.n_messages == 2);
        run_quiet();
        ck_assert_int_eq(sunpath_channel_send(a.channel, large, LARGE, NULL), 0);
        run_until(b.n_messages == 3);
        ck_assert(was_memory && is_as_sent);
        ck_assert_uint_eq(b.n_fds, 1);
        close(fd);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(what_ends_with_a_mark_goes_as_it_is) {
    static const enum sunpath_framing marks[] = {SUNPATH_FRAME_LINE, SUNPATH_FRAME_NUL};

    for (size_t i = 0; i < 2; i++) {
        const struct sunpath_channel_options *both =
            FRAMED(.framing = marks[i], .large_min = 1000, .max_large = LARGE,
                   .peer_takes_large = true);

        a = b = (struct told){0};
        open_both(&a, &b, SUNPATH_STREAM, both);
        memset(large, 'x', LARGE);
        for (size_t size = 2570; size < 2600; size++) { /* 0x0a0a is one */
            ck_assert_int_eq(sunpath_channel_send(a.channel, large, size, NULL), 0);
        }
        run_until(b.n_messages == 30);
        ck_assert_uint_eq(b.size[0], 2570);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(a_plain_peer_sees_nothing_of_it) {
    char data[32];
    int peer = open_channel(&a, SUNPATH_SEQPACKET, &tell_all, FRAMED(.large_min = 100000));

    ck_assert_int_eq(send_text(&a, "first"), 0);
    run_quiet();
    ck_assert_int_eq(recv(peer, data, sizeof(data), 0), 5);
    run_quiet();
    ck_assert_int_eq(sunpath_channel_send(a.channel, large, LARGE, NULL), -EMSGSIZE);
    close_channel(&a, peer);
}
END_TEST

START_TEST(memory_goes_unasked_when_both_programs_are_ours) {
    struct sunpath_channel_options options = sends;

    options.peer_takes_large = true;
    for (size_t t = 0; t < 3; t++) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        open_for(types[t], &options, LARGE);
        ck_assert_int_eq(
            sunpath_channel_send(a.channel, large, LARGE, SEND_OPTIONS(.fds = &fd, .n_fds = 1)), 0);
        run_until(b.n_messages == 1);
        ck_assert(was_memory && is_as_sent);
        ck_assert_uint_eq(b.n_fds, 1); /* the user's, not the memory */
        close(fd);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(memory_that_is_there_already_goes_without_a_copy) {
    struct sunpath_channel_options options = sends;
    void *writable;
    int fd;

    options.peer_takes_large = true;
    open_for(SUNPATH_SEQPACKET, &options, LARGE);
    ck_assert_int_eq(sp_memfd_copy(&fd, large, LARGE), 0);
    writable = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_int_eq(sunpath_channel_send_memory(a.channel, fd, NULL), -EBUSY);
    munmap(writable, LARGE);
    ck_assert_int_eq(sunpath_channel_send_memory(a.channel, fd, NULL), 0);
    ck_assert_int_eq(sunpath_channel_send_memory(a.channel, fd, NULL), 0); /* and once more */
    ck_assert_int_eq((int)write(fd, "x", 1), -1);
    run_until(b.n_messages == 2);
    ck_assert(was_memory && is_as_sent);
    close(fd);
    close_both(&a, &b);
    open_for(SUNPATH_STREAM, &sends, 0); /* nobody takes memory: its contents are sent */
    ck_assert_int_eq(sp_memfd_copy(&fd, large, LARGE), 0);
    ck_assert_int_ge(sunpath_channel_send_memory(a.channel, fd, NULL), 0);
    run_until(b.n_messages == 1);
    ck_assert(!was_memory && is_as_sent);
    close(fd);
    close_both(&a, &b);
}
END_TEST

/* What a hostile peer sends in place of sealed memory: as channel-large.c writes it. */
static void send_bad(int fd, uint64_t size) {
    static const unsigned char magic[16] = {0x93, 's',  'u',  'n',  'p',  'a',  't',  'h',
                                            0xd5, 0x1f, 0xe2, 0x07, 0xb8, 0x6c, 0x4a, 0x91};
    char note[32] = {0};
    uint32_t kind = 1;

    memcpy(note, magic, 16);
    memcpy(note + 16, &kind, 4);
    memcpy(note + 24, &size, 8);
    ck_assert_int_eq(
        sunpath_channel_send(a.channel, note, sizeof(note), SEND_OPTIONS(.fds = &fd, .n_fds = 1)),
        0);
}

static void is_refused(int fd, uint64_t size, int code, const char *says) {
    int n_lost = b.n_lost, n_fds = fixture_n_fds();

    send_bad(fd, size);
    run_until(b.n_lost == n_lost + 1);
    ck_assert_int_eq(b.lost.code, code);
    ck_assert_msg(strstr(b.lost.text, says) != NULL, "%s", b.lost.text);
    ck_assert_int_eq(fixture_n_fds(), n_fds);
}

START_TEST(memory_that_could_change_is_refused) {
    static const int partly[] = {
        F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_WRITE,
        F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE};
    int fd, file;

    open_for(SUNPATH_SEQPACKET, OPTIONS(), LARGE);
    ck_assert_int_eq(sp_memfd_copy(&fd, large, 1000), 0);
    is_refused(fd, 1000, -EBADMSG, "message 1: its memory is not sealed");
    ck_assert_int_eq(ftruncate(fd, 10), 0); /* a shrinking one: it is never mapped */
    is_refused(fd, 1000, -EBADMSG, "message 2: its memory is not sealed");
    for (int i = 0; i < 4; i++) {
        int half;

        ck_assert_int_eq(sp_memfd_copy(&half, large, 1000), 0);
        ck_assert_int_eq(fcntl(half, F_ADD_SEALS, partly[i]), 0);
        is_refused(half, 1000, -EBADMSG, "not sealed");
        close(half);
    }
    ck_assert_int_eq(sp_memfd_seal(fd), 0);
    is_refused(fd, 1000, -EBADMSG, "not of the size");
    is_refused(fd, 9, -EBADMSG, "not of the size");
    is_refused(fd, UINT64_MAX, -EMSGSIZE,
               "18446744073709551615 bytes is over the limit of 3145728");
    file = open(fixture_path("f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    is_refused(file, 0, -EBADMSG, "not sealed");
    ck_assert_uint_eq(b.n_messages, 0);
    send_bad(fd, 10); /* and one that is in order */
    run_until(b.n_messages == 1);
    ck_assert_uint_eq(b.size[0], 10);
    close(fd);
    close(file);
    close_both(&a, &b);
}
END_TEST

START_TEST(the_same_bytes_are_a_message_to_those_who_take_no_memory) {
    int fd;

    open_for(SUNPATH_SEQPACKET, OPTIONS(), 0);
    ck_assert_int_eq(sp_memfd_copy(&fd, large, 10), 0);
    send_bad(fd, 10);
    run_until(b.n_messages == 1);
    ck_assert_uint_eq(b.size[0], 32);
    ck_assert_uint_eq(b.n_fds, 1);
    close(fd);
    close_both(&a, &b);
}
END_TEST

START_TEST(a_channel_is_closed_with_its_offer_open) {
    int peer = open_channel(&a, SUNPATH_SEQPACKET, &tell_all, FRAMED(.large_min = 100000));

    ck_assert_int_eq(send_text(&a, "first"), 0);
    run_quiet();
    close_channel(&a, peer);
}
END_TEST

SP_TESTS("channel-large", peers_that_both_know_memory_use_it,
         a_peer_that_knows_no_memory_gets_frames, an_offer_costs_no_message,
         an_offer_is_understood_behind_other_descriptors, what_ends_with_a_mark_goes_as_it_is,
         a_plain_peer_sees_nothing_of_it, memory_goes_unasked_when_both_programs_are_ours,
         memory_that_is_there_already_goes_without_a_copy, memory_that_could_change_is_refused,
         the_same_bytes_are_a_message_to_those_who_take_no_memory,
         a_channel_is_closed_with_its_offer_open)
