/* SPDX-License-Identifier: MIT */
/* test-event-stream-write.c - server-sent events as bytes. */

#include <string.h>

#include "fixture.h"
#include "wire/event-stream.h"

static void check(const char *id, const char *name, const char *data, size_t n_data,
                  const char *expected) {
    const struct sp_event_text event = {.id = id, .name = name, .data = data, .n_data = n_data};
    char out[256];
    char *end = sp_event_put(out, &event);

    *end = '\0';
    ck_assert_str_eq(out, expected);
    ck_assert_uint_eq(sp_event_size(&event), strlen(expected));
}

START_TEST(every_part_is_a_line) {
    check(NULL, NULL, "hello", 5, "data: hello\n\n");
    check("7", "tick", "hello", 5, "id: 7\nevent: tick\ndata: hello\n\n");
    check("7", NULL, NULL, 0, "id: 7\n\n");
    check("", NULL, "x", 1, "id: \ndata: x\n\n");
    check(NULL, NULL, "", 0, "data: \n\n");
    check(NULL, NULL, NULL, 0, "\n");
    check(NULL, NULL, " x", 2, "data:  x\n\n"); /* the client takes one space off */
}
END_TEST

START_TEST(data_is_split_at_every_line_end) {
    check(NULL, NULL, "a\nb", 3, "data: a\ndata: b\n\n");
    check(NULL, NULL, "a\r\nb", 4, "data: a\ndata: b\n\n");
    check(NULL, NULL, "a\rb", 3, "data: a\ndata: b\n\n");
    check(NULL, NULL, "a\n", 2, "data: a\ndata: \n\n");
    check(NULL, NULL, "\n\r\r\n", 4, "data: \ndata: \ndata: \ndata: \n\n");
    check(NULL, NULL, "a\r", 2, "data: a\ndata: \n\n");
    check(NULL, NULL, "a\r\n", 2, "data: a\ndata: \n\n"); /* cut between CR and LF */
}
END_TEST

START_TEST(comments_are_split_too) {
    char out[64];

    *sp_event_put_comment(out, "", 0) = '\0';
    ck_assert_str_eq(out, ":\n\n");
    ck_assert_uint_eq(sp_event_comment_size("", 0), 3);
    *sp_event_put_comment(out, "a\ndata: b", 9) = '\0';
    ck_assert_str_eq(out, ":a\n:data: b\n\n");
    ck_assert_uint_eq(sp_event_comment_size("a\ndata: b", 9), strlen(out));
}
END_TEST

START_TEST(what_would_break_a_line_is_no_field) {
    ck_assert(sp_event_is_field("", 0));
    ck_assert(sp_event_is_field("tick: 1", 7));
    ck_assert(!sp_event_is_field("a\nb", 3));
    ck_assert(!sp_event_is_field("a\rb", 3));
    ck_assert(!sp_event_is_field("a\0b", 3));
}
END_TEST

SP_TESTS("event-stream-write", every_part_is_a_line, data_is_split_at_every_line_end,
         comments_are_split_too, what_would_break_a_line_is_no_field)
