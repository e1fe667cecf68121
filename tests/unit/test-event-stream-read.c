/* SPDX-License-Identifier: MIT */
/* test-event-stream-read.c - the examples of the standard, and streams in pieces of every size. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "wire/event-stream.h"

/* "type/data/id|" of every event, when the stream comes `step` bytes at a time. */
static const char *read_all(struct sp_event_reader *reader, const char *text, size_t size,
                            size_t step) {
    static char log[4096];
    size_t n_log = 0;

    log[0] = '\0';
    for (size_t at = 0; at < size;) {
        size_t n = size - at < step ? size - at : step, used;
        struct sp_event event;
        int r = sp_event_read(reader, text + at, n, &used, &event);

        ck_assert_int_ge(r, 0);
        ck_assert_uint_le(used, n);
        ck_assert(r == 1 || used == n);
        at += used;
        if (r == 1) {
            ck_assert_uint_eq(strlen(event.data), event.n_data);
            n_log += (size_t)snprintf(log + n_log, sizeof(log) - n_log, "%s/%s/%s|", event.type,
                                      event.data, event.id);
        }
    }
    return log;
}

static const char *read_text(struct sp_event_reader *reader, const char *text) {
    return read_all(reader, text, strlen(text), 100);
}

static void check(const char *text, const char *expected) {
    for (size_t step = 1; step < 20; step++) {
        struct sp_event_reader reader = {.max_size = 1000};

        ck_assert_str_eq(read_all(&reader, text, strlen(text), step), expected);
        sp_event_reader_deinit(&reader);
    }
}

START_TEST(the_examples_of_the_standard) {
    check("data: YHOO\ndata: +2\ndata: 10\n\n", "message/YHOO\n+2\n10/|");
    check(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
          "event\n\n",
          "message/first event/1|message/second event/|message/ third event/|");
    check("data\n\ndata\ndata\n\ndata:", "message//|message/\n/|");
    check("data:test\n\ndata: test\n\n", "message/test/|message/test/|");
    check("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
          "add/73857293/|remove/2153/|add/113411/|");
}
END_TEST

START_TEST(line_ends_and_marks) {
    check("data: a\r\ndata: b\rdata: c\ndata: d\r\r", "message/a\nb\nc\nd/|");
    check("data: a\r\n\r\ndata: b\r\r\n", "message/a/|message/b/|");
    check("data: a\n\r\ndata: b\n\r", "message/a/|message/b/|");
    check("\xef\xbb\xbf"
          "data: a\n\n",
          "message/a/|");
    check("\xef\xbb\xbf\xef\xbb\xbf"
          "data: a\n\ndata: b\n\n",
          "message/b/|");
    check("\xef\xbb"
          "data: a\n\ndata: b\n\n",
          "message/b/|");
    check("\xef", "");
    check("", "");
    check("\n\r\n\r", "");
}
END_TEST

START_TEST(fields) {
    check("id: 1\n\ndata: a\n\n", "message/a/1|");
    check("id: 1\ndata: a\n\nid\ndata: b\n\n", "message/a/1|message/b/|");
    check("event: x\n\ndata: a\n\n", "message/a/|");
    check("event: x\nevent\ndata: a\n\n", "message/a/|");
    check("Data: a\n data: b\ndata : c\nfoo: d\n:data: e\n\n", "");
    check("data: a:b\nid: c:d\n\n", "message/a:b/c:d|");
    check("data: unfinished\n", "");
    check("data: unfinished", "");
}
END_TEST

START_TEST(an_id_or_a_type_with_a_nul_is_none) {
    static const char text[] = "id: 1\ndata: a\n\nid: 2\0\nevent: \0x\ndata: b\n\n";
    struct sp_event_reader reader = {.max_size = 1000};

    ck_assert_str_eq(read_all(&reader, text, sizeof(text) - 1, 100), "message/a/1|message/b/1|");
    sp_event_reader_deinit(&reader);
}
END_TEST

static void check_retry(const char *value, int64_t expected) {
    struct sp_event_reader reader = {.max_size = 1000};
    char text[100];

    snprintf(text, sizeof(text), "retry: %s\n", value);
    read_all(&reader, text, strlen(text), 100);
    ck_assert_int_eq(reader.has_retry, expected >= 0);
    ck_assert(expected < 0 || reader.retry_ms == expected);
    sp_event_reader_deinit(&reader);
}

START_TEST(retry_times) {
    check_retry("0", 0);
    check_retry("1500", 1500);
    check_retry("99999999999999999999999999", INT32_MAX);
    check_retry("", -1);
    check_retry("-1", -1);
    check_retry("1.5", -1);
    check_retry("1 ", -1);
}
END_TEST

START_TEST(another_stream_goes_on_with_the_id) {
    struct sp_event_reader reader = {.max_size = 1000};

    ck_assert_int_eq(sp_event_reader_set_id(&reader, "7"), 0);
    ck_assert_str_eq(sp_event_reader_id(&reader), "7");
    ck_assert_str_eq(read_text(&reader, "data: a\n\nid: 9\ndata: half"), "message/a/7|");
    ck_assert_str_eq(sp_event_reader_id(&reader), "7");
    sp_event_reader_reset(&reader);
    ck_assert_str_eq(read_text(&reader, "data: b\n\nid: 8\ndata: c\n\n"),
                     "message/b/7|message/c/8|");
    ck_assert_str_eq(sp_event_reader_id(&reader), "8");
    ck_assert_str_eq(read_text(&reader, "id: 10\n\nid: 11"), "");
    ck_assert_str_eq(sp_event_reader_id(&reader), "10");
    sp_event_reader_deinit(&reader);
}
END_TEST

/* What `text` ends with, read whole and byte by byte. */
static int result_of(const char *text, size_t max_size) {
    int results[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        struct sp_event_reader reader = {.max_size = max_size};
        size_t at = 0, used, size = strlen(text);
        struct sp_event event;

        for (; at < size && results[i] >= 0; at += used) {
            results[i] = sp_event_read(&reader, text + at, i == 0 ? size - at : 1, &used, &event);
        }
        sp_event_reader_deinit(&reader);
    }
    ck_assert_int_eq(results[0], results[1]);
    return results[0];
}

START_TEST(an_event_has_a_limit) {
    ck_assert_int_eq(result_of("data: 4567890\n\n", 15), 1);
    ck_assert_int_eq(result_of("data: 4567890\n\n", 14), -EMSGSIZE);
    ck_assert_int_eq(result_of("data: a\n\ndata: b\n\ndata: c\n\n", 9), 1);
    ck_assert_int_eq(result_of("an endless line", 9), -EMSGSIZE);
    ck_assert_int_eq(result_of("data:\ndata:\ndata:\n", 15), -EMSGSIZE);
}
END_TEST

START_TEST(comments_do_not_count) {
    ck_assert_int_eq(result_of(":an endless comment", 9), 0);
    ck_assert_int_eq(result_of(":\n:\r:\r\n: x:\n:\n:\n:\n:\n:\n:\n", 9), 0);
    ck_assert_int_eq(result_of("data: a\n: a long comment within\n\n", 9), 1);
    check(":\r\n:\rdata:1\n: data:2\r\n\n:\n\n:data:3\n\ndata:4\n:5\r\r", "message/1/|message/4/|");
}
END_TEST

START_TEST(a_comment_ends_with_its_stream) {
    struct sp_event_reader reader = {.max_size = 100};

    ck_assert_str_eq(read_text(&reader, ": broken off"), "");
    sp_event_reader_reset(&reader);
    ck_assert_str_eq(read_text(&reader, "data: a\n\n"), "message/a/|");
    sp_event_reader_deinit(&reader);
}
END_TEST

SP_TESTS("event-stream-read", the_examples_of_the_standard, line_ends_and_marks, fields,
         an_id_or_a_type_with_a_nul_is_none, retry_times, another_stream_goes_on_with_the_id,
         an_event_has_a_limit, comments_do_not_count, a_comment_ends_with_its_stream)
