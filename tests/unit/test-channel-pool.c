/* SPDX-License-Identifier: MIT */
/* test-channel-pool.c - memory used again: filled in place, lent, given back, bounded, refused. */

#include <sys/resource.h>

#include "flow/channel.h"
#include "os/memfd.h"

#include "channel-pair.h"

#define LARGE (1 << 20)

static struct told a, b;
static char large[LARGE];
static size_t n_right;
static const void *shown;

static void take_large(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                       void *user) {
    told_message(channel, message, user);
    shown = message->data;
    n_right += message->size == LARGE && memcmp(message->data, large, LARGE) == 0;
}

static const struct sunpath_channel_events takes = {
    .on_message = take_large, .on_lost = told_lost, .on_end = told_end, .on_close = told_close};

static void open_for(enum sunpath_type type, size_t pool_size, bool trusts) {
    int pair[2];

    a = b = (struct told){0};
    n_right = n_completed = n_failed_completions = 0;
    open_loop();
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = (char)(i * 7 + i / 4096);
    }
    pair_of(pair, type);
    ck_assert_int_eq(sunpath_channel_open(&a.channel, loop, pair[0], &tell_all, &a,
                                          OPTIONS(.large_min = 100000, .pool_size = pool_size)),
                     0);
    ck_assert_int_eq(sunpath_channel_open(&b.channel, loop, pair[1], &takes, &b,
                                          OPTIONS(.max_large = 4 * LARGE, .trusts_peer = trusts)),
                     0);
    ck_assert_int_eq(send_text(&a, "first"), 0);
    run_until(b.n_messages == 1);
    run_quiet();
}

static int send_in_place(int number) {
    void *room;
    int r = sunpath_channel_reserve(a.channel, &room, LARGE);

    if (r < 0) {
        return r;
    }
    large[0] = (char)number;
    memcpy(room, large, LARGE);
    return sunpath_channel_send_reserved(a.channel, room, LARGE, NULL);
}

START_TEST(a_slot_is_used_again) {
    for (size_t t = 0; t < 2; t++) {
        const void *first;
        int n_fds;

        open_for(types[t], 2 * LARGE, true);
        ck_assert_int_eq(send_in_place(1), 0);
        run_until(n_right == 1);
        run_quiet();
        first = shown;
        n_fds = fixture_n_fds();
        for (size_t i = 2; i < 20; i++) {
            ck_assert_int_eq(send_in_place((int)i), 0);
            run_until(n_right == i);
            run_quiet();
            ck_assert_ptr_eq(shown, first); /* nothing new was mapped */
        }
        ck_assert_int_eq(fixture_n_fds(), n_fds);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(slots_that_are_lent_are_not_touched) {
    void *room;

    open_for(SUNPATH_STREAM, 2 * LARGE, true);
    sunpath_channel_pause(b.channel);
    ck_assert_int_eq(send_in_place(1), 0);
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, LARGE), 0);
    run_quiet();
    ck_assert_int_eq(send_in_place(2), -EAGAIN);
    memcpy(room, large, LARGE);
    ck_assert_int_eq(sunpath_channel_send_reserved(a.channel, room, LARGE, NULL), 1);
    ck_assert_int_eq(sunpath_channel_send_reserved(a.channel, room, LARGE, NULL), -EINVAL);
    ck_assert_int_eq(send_in_place(2), -EAGAIN);
    sunpath_channel_resume(b.channel);
    run_until(n_right == 2);
    run_quiet();
    ck_assert_int_eq(send_in_place(3), 0); /* they came back */
    run_until(n_right == 3);
    close_both(&a, &b);
}
END_TEST

START_TEST(who_waits_for_the_pool_is_told) {
    for (size_t t = 0; t < 2; t++) {
        int n_drains;

        open_for(types[t], 2 * LARGE, true);
        sunpath_channel_pause(b.channel);
        ck_assert_int_eq(send_in_place(1), 0);
        run_quiet();
        n_drains = a.n_drains;
        ck_assert_int_eq(send_in_place(2), 1); /* that was the last slot */
        run_quiet();
        ck_assert_int_eq(a.n_drains, n_drains); /* though the kernel has taken all of it */
        sunpath_channel_resume(b.channel);
        run_until(a.n_drains > n_drains);
        ck_assert_int_ge(send_in_place(3), 0);
        run_until(b.n_messages == 4);
        run_quiet();

        sunpath_channel_pause(b.channel);
        n_drains = a.n_drains;
        ck_assert_int_eq(send_in_place(4), 0);
        ck_assert_int_eq(send_in_place(5), 1);
        ck_assert_int_eq(send_in_place(6), -EAGAIN);
        run_quiet();
        ck_assert_int_eq(a.n_drains, n_drains);
        b.channel = sunpath_channel_close(b.channel); /* nobody gives them back any more */
        run_until(a.n_closes == 1);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(small_messages_do_not_wait_for_what_the_user_keeps) {
    int n_drains;
    void *room;

    open_for(SUNPATH_STREAM, 2 * LARGE, true);
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, LARGE), 0);
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, LARGE), 0);
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, LARGE), -EAGAIN);
    n_drains = a.n_drains;
    ck_assert_int_eq(send_text(&a, "small"), 0);
    run_until(a.n_drains > n_drains);
    close_both(&a, &b);
}
END_TEST

START_TEST(plain_sends_use_the_pool_while_it_lasts) {
    for (size_t t = 0; t < 2; t++) {
        open_for(types[t], 2 * LARGE, true);
        for (size_t i = 1; i <= 10; i++) { /* two slots, and sealed memory for the rest */
            ck_assert_int_ge(send_numbered(&a, large, LARGE, i), 0);
        }
        run_until(n_right == 10);
        run_quiet();
        ck_assert_uint_eq(n_completed, 10);
        ck_assert_uint_eq(n_failed_completions, 0);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(slots_of_other_sizes_replace_those_that_are_free) {
    void *room;

    open_for(SUNPATH_SEQPACKET, 4 * LARGE, true);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1 << 16; size <= 4 * LARGE; size *= 2) {
            size_t n = b.n_messages;

            ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, size), 0);
            memset(room, 'x', size);
            ck_assert_int_ge(sunpath_channel_send_reserved(a.channel, room, size, NULL), 0);
            run_until(b.n_messages == n + 1);
            run_quiet();
        }
    }
    ck_assert_int_eq(b.n_lost, 0); /* the peer's limit holds for what is in use */
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, 4 * LARGE + 1), -EMSGSIZE);
    close_both(&a, &b);
}
END_TEST

START_TEST(a_pool_keeps_to_the_limit_of_the_peer) {
    static const size_t sizes[] = {4 * LARGE - 5000, LARGE, 3 * LARGE, 2 * LARGE + 1, 200000};
    char *data = calloc(1, 4 * LARGE);
    void *room;

    ck_assert_ptr_nonnull(data);
    open_for(SUNPATH_STREAM, 64 * LARGE, true);
    a.channel->large.peer_max = b.channel->options.max_large = 4 * LARGE - 5000; /* no grain */
    for (size_t i = 0; i < 20; i++) { /* none is waited for: some go through the pool, some not */
        ck_assert_int_ge(sunpath_channel_send(a.channel, data, sizes[i % 5], NULL), 0);
    }
    run_until(b.n_messages + (size_t)b.n_lost == 21);
    ck_assert_int_eq(b.n_lost, 0);
    run_quiet();
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, 4 * LARGE - 4999), -EMSGSIZE);
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, 4 * LARGE - 5000), 0);
    free(data);
    close_both(&a, &b);
}
END_TEST

/* With no descriptor to be had the memory of a slot is lost, but not the slot. */
START_TEST(a_slot_that_never_came_comes_again) {
    for (size_t t = 0; t < 2; t++) {
        struct rlimit was, none = {0};

        open_for(types[t], 2 * LARGE, true);
        for (int i = 0; i < 5; i++) {
            sunpath_channel_pause(b.channel);
            ck_assert_int_eq(send_in_place(i), 0);
            ck_assert_int_eq(send_in_place(i), 1);
            run_quiet();
            ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
            none.rlim_max = was.rlim_max;
            ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
            sunpath_channel_resume(b.channel);
            run_until(b.n_lost == 2 * i + 2);
            ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
            ck_assert_int_eq(b.lost.code, -ETOOMANYREFS);
            run_quiet();
        }
        ck_assert_int_eq(send_in_place(6), 0);
        run_until(n_right == 1);
        close_both(&a, &b);
    }
}
END_TEST

START_TEST(a_peer_without_trust_gets_sealed_memory) {
    void *room;

    open_for(SUNPATH_SEQPACKET, 2 * LARGE, false);
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, LARGE), -EOPNOTSUPP);
    ck_assert_int_eq(sunpath_channel_send(a.channel, large, LARGE, NULL), 0);
    run_until(n_right == 1);
    close_both(&a, &b);
}
END_TEST

START_TEST(what_is_no_room_of_the_pool_is_refused) {
    void *room;

    open_for(SUNPATH_SEQPACKET, 2 * LARGE, true);
    ck_assert_int_eq(sunpath_channel_send_reserved(a.channel, large, 10, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_channel_send_reserved(a.channel, NULL, 10, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, 10), 0);
    ck_assert_int_eq(sunpath_channel_send_reserved(a.channel, room, LARGE, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_channel_send_reserved(a.channel, room, 10, NULL), 0);
    run_until(b.n_messages == 2);
    ck_assert_uint_eq(b.size[1], 10);
    close_both(&a, &b); /* with a slot lent */
}
END_TEST

START_TEST(a_peer_that_leaves_ends_the_pool) {
    void *room;

    open_for(SUNPATH_SEQPACKET, 2 * LARGE, true);
    b.channel = sunpath_channel_close(b.channel);
    run_until(a.n_ends == 1 && a.n_closes == 1);
    ck_assert_int_eq(sunpath_channel_reserve(a.channel, &room, LARGE), -EPIPE);
    close_both(&a, &b);
}
END_TEST

static void close_and_look(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                           void *user) {
    told_message(channel, message, user);
    if (message->size == LARGE) {
        b.channel = sunpath_channel_close(b.channel);
        n_right += memcmp(message->data, large, LARGE) == 0; /* valid until on_message returns */
    }
}

START_TEST(a_slot_outlives_a_close_inside_its_message) {
    static const struct sunpath_channel_events events = {.on_message = close_and_look};

    open_for(SUNPATH_SEQPACKET, 2 * LARGE, true);
    b.channel->events = &events;
    ck_assert_int_eq(send_in_place(1), 0);
    run_until(n_right == 1);
    ck_assert_ptr_null(b.channel);
    close_both(&a, &b);
}
END_TEST

/* A peer that has made its offer by hand, and then does what it likes. */
static int open_hostile(int *ret_side) {
    const struct sp_note offer = sp_note_of(SP_NOTE_OFFER, SP_NOTE_TAKES_POOL, 0);
    struct sunpath_send_options options;
    struct sp_note answer;
    int peer, side[2];

    b = (struct told){0};
    peer = open_channel(&b, SUNPATH_SEQPACKET, &takes,
                        OPTIONS(.max_large = LARGE, .trusts_peer = true));
    pair_of(side, SUNPATH_SEQPACKET);
    ck_assert_int_eq(send(side[0], &offer, sizeof(offer), 0), sizeof(offer));
    options = options_of(&side[1], 1);
    ck_assert_int_eq(sunpath_send(peer, "first", 5, &options), 5);
    close(side[1]);
    run_until(b.n_messages == 1);
    ck_assert_int_eq(recv(side[0], &answer, sizeof(answer), 0), sizeof(answer));
    ck_assert_uint_eq(answer.kind, SP_NOTE_ANSWER);
    ck_assert_uint_eq(answer.detail, SP_NOTE_TAKES_POOL);
    *ret_side = side[0];
    return peer;
}

static void is_refused(int peer, uint32_t detail, uint64_t size, int fd, const char *says) {
    const struct sp_note note = sp_note_of(SP_NOTE_POOL, detail, size);
    struct sunpath_send_options options = options_of(&fd, fd >= 0);
    int n_lost = b.n_lost, n_fds = fixture_n_fds();

    ck_assert_int_eq(sunpath_send(peer, &note, sizeof(note), &options), sizeof(note));
    run_until(b.n_lost == n_lost + 1);
    ck_assert_msg(strstr(b.lost.text, says) != NULL, "%s", b.lost.text);
    ck_assert_int_eq(fixture_n_fds(), n_fds);
}

START_TEST(a_peer_that_cheats_is_refused) {
    int side, peer = open_hostile(&side), unsealed, small, huge;

    ck_assert_int_eq(sp_memfd_copy(&unsealed, large, 1000), 0);
    ck_assert_int_eq(sp_memfd_fixed(&small, 1000), 0);
    ck_assert_int_eq(sp_memfd_fixed(&huge, LARGE + 1), 0);
    is_refused(peer, 0, 10, -1, "more than its slot");
    is_refused(peer, 16, 10, -1, "a slot that the pool has not");
    is_refused(peer, UINT32_MAX, 10, small, "a slot that the pool has not");
    is_refused(peer, SP_NOTE_HAS_MEMORY, 10, -1, "more than its slot");
    is_refused(peer, SP_NOTE_HAS_MEMORY, 10, unsealed, "could become shorter");
    is_refused(peer, SP_NOTE_HAS_MEMORY, 1001, small, "more than its slot");
    is_refused(peer, 0, 1001, -1, "more than its slot");
    is_refused(peer, SP_NOTE_HAS_MEMORY | 1, 10, huge, "over the limit");
    ck_assert_uint_eq(b.n_messages, 1);
    close(unsealed);
    close(small);
    close(huge);
    close(side);
    close_channel(&b, peer);
}
END_TEST

SP_TESTS("channel-pool", a_slot_is_used_again, slots_that_are_lent_are_not_touched,
         who_waits_for_the_pool_is_told, small_messages_do_not_wait_for_what_the_user_keeps,
         plain_sends_use_the_pool_while_it_lasts, slots_of_other_sizes_replace_those_that_are_free,
         a_pool_keeps_to_the_limit_of_the_peer, a_slot_that_never_came_comes_again,
         a_peer_without_trust_gets_sealed_memory, what_is_no_room_of_the_pool_is_refused,
         a_peer_that_leaves_ends_the_pool, a_slot_outlives_a_close_inside_its_message,
         a_peer_that_cheats_is_refused)
