/* SPDX-License-Identifier: MIT */
/* test-channel-packet.c - how many packets a turn takes. */

#include "channel-pair.h"

static struct told a, b;

START_TEST(a_burst_behind_single_packets_arrives) {
    for (size_t t = 0; t < 2; t++) {
        enum sunpath_type type = t == 0 ? SUNPATH_SEQPACKET : SUNPATH_DGRAM;
        a = b = (struct told){0};
        open_both(&a, &b, type, NULL);
        for (size_t i = 1; i <= 40; i++) { /* by now not every turn looks for a second one */
            ck_assert_int_eq(send_text(&a, "alone"), 0);
            run_until(b.n_messages == i);
        }
        for (size_t i = 1; i <= 100; i++) {
            ck_assert_int_eq(send_text(&a, "together"), 0);
        }
        run_until(b.n_messages == 140);
        run_quiet();
        ck_assert_uint_eq(b.n_bytes, 40 * 5 + 100 * 8);
        close_both(&a, &b);
    }
}
END_TEST

SP_TESTS("channel-packet", a_burst_behind_single_packets_arrives)
