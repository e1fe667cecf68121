/* SPDX-License-Identifier: MIT */
/* test-event-channel.c - server-sent events to many clients, and to those who come back. */

#include "event-streaming.h"

static struct sunpath_event_channel *channel;
static int last_subscribe;

static void subscribe(struct sunpath_http_exchange *exchange, void *user) {
    open_stream(exchange, user);
    last_subscribe = sunpath_event_channel_subscribe(channel, streaming.stream);
}

static void channel_open(size_t max_history, size_t max_bytes) {
    struct sunpath_event_channel_options options =
        SUNPATH_OPTIONS(struct sunpath_event_channel_options);

    options.max_history = max_history;
    options.max_history_bytes = max_bytes;
    ck_assert_int_eq(sunpath_event_channel_new(&channel, &options), 0);
    serving.handler.on_request = subscribe;
    serving_open(NULL);
}

static void channel_close(void) {
    channel = sunpath_event_channel_free(channel);
    serving_close();
}

static int publish(const char *text) {
    return sunpath_event_channel_publish(channel, NULL, text, strlen(text));
}

/* The "Last-Event-ID: ..." line for the id of the last event in what was heard. */
static const char *last_id(const char *heard) {
    static char line[128];
    const char *at = heard, *id = NULL;

    while ((at = strstr(at, "id: "))) {
        id = at += 4;
    }
    ck_assert_ptr_nonnull(id);
    snprintf(line, sizeof(line), "Last-Event-ID: %.*s\r\n", (int)strcspn(id, "\n"), id);
    return line;
}

START_TEST(all_get_what_is_published) {
    int fds[3];

    channel_open(0, 0);
    ck_assert_int_eq(publish("nobody hears"), 0);
    for (int i = 0; i < 3; i++) {
        fds[i] = subscribed("");
        ck_assert_int_eq(last_subscribe, 0);
    }
    ck_assert_int_eq(sunpath_event_channel_subscribe(channel, streaming.stream), -EALREADY);
    ck_assert_uint_eq(sunpath_event_channel_n_subscribers(channel), 3);
    ck_assert_int_eq(sunpath_event_channel_publish(channel, "tick", "one\ntwo", 7), 3);
    ck_assert_int_eq(sunpath_event_channel_publish(channel, "ti\nck", "", 0), -EINVAL);
    ck_assert_int_eq(sunpath_event_channel_publish(channel, NULL, NULL, 1), -EINVAL);
    for (int i = 0; i < 3; i++) {
        const char *heard = hear(fds[i], "data: two\n\n");

        ck_assert_ptr_nonnull(strstr(heard, "-2\nevent: tick\ndata: one\n"));
        ck_assert_ptr_null(strstr(heard, "nobody"));
    }
    close(fds[1]);
    wait_closed(1);
    ck_assert_int_eq(publish("left"), 2);
    sunpath_event_channel_free(channel);
    ck_assert_ptr_nonnull(strstr(hear(fds[0], "0\r\n\r\n"), "data: left"));
    ck_assert_int_eq(streaming.n_closed, 1);
    channel = NULL;
    close(fds[0]);
    close(fds[2]);
    channel_close();
}
END_TEST

START_TEST(who_comes_back_gets_what_was_missed) {
    char line[128];
    int fd;

    channel_open(0, 0);
    fd = subscribed("");
    ck_assert_int_eq(publish("one"), 1);
    snprintf(line, sizeof(line), "%s", last_id(hear(fd, "data: one\n\n")));
    close(fd);
    wait_closed(1);
    publish("two");
    publish("three");
    fd = subscribed(line);
    ck_assert_int_eq(last_subscribe, 0);
    publish("four");
    {
        const char *heard = hear(fd, "data: four\n\n");
        const char *two = strstr(heard, "data: two\n"), *three = strstr(heard, "data: three\n");

        ck_assert_ptr_null(strstr(heard, "data: one\n"));
        ck_assert(two && three && two < three);
        snprintf(line, sizeof(line), "%s", last_id(heard));
    }
    close(fd);
    wait_closed(2);
    fd = subscribed(line); /* nothing was missed */
    ck_assert_int_eq(last_subscribe, 0);
    publish("five");
    ck_assert_ptr_null(strstr(hear(fd, "data: five\n\n"), "data: four\n"));
    close(fd);
    channel_close();
}
END_TEST

START_TEST(what_is_forgotten_is_told) {
    char line[128];
    int fd;

    channel_open(2, 0);
    fd = subscribed("");
    publish("one");
    snprintf(line, sizeof(line), "%s", last_id(hear(fd, "data: one\n\n")));
    close(fd);
    wait_closed(1);
    publish("two");
    publish("three");
    fd = subscribed(line);
    ck_assert_int_eq(last_subscribe, 0); /* just remembered */
    hear(fd, "data: three\n\n");
    close(fd);
    wait_closed(2);
    publish("four");
    fd = subscribed(line);
    ck_assert_int_eq(last_subscribe, 1);
    ck_assert_ptr_null(strstr(hear(fd, "data: four\n\n"), "data: two\n"));
    close(fd);
    wait_closed(3);
    /* Of another process, of the future, no number at all. */
    for (int i = 0; i < 3; i++) {
        const char *ids[] = {"Last-Event-ID: 1-1\r\n", line, "Last-Event-ID: what\r\n"};

        if (i == 1) {
            strcpy(strrchr(line, '-'), "-9\r\n");
        }
        fd = subscribed(ids[i]);
        ck_assert_int_eq(last_subscribe, 1);
        hear(fd, "data: four\n\n");
        close(fd);
        wait_closed(4 + i);
    }
    channel_close();
}
END_TEST

START_TEST(history_is_bounded_by_bytes_and_can_be_none) {
    static char large[200];
    char line[128];
    int fd;

    memset(large, 'x', sizeof(large));
    channel_open(0, 150);
    fd = subscribed("");
    publish("one");
    snprintf(line, sizeof(line), "%s", last_id(hear(fd, "data: one\n\n")));
    ck_assert_int_eq(sunpath_event_channel_publish(channel, NULL, large, sizeof(large)), 1);
    close(fd);
    wait_closed(1);
    fd = subscribed(line);
    ck_assert_int_eq(last_subscribe, 1);
    close(fd);
    wait_closed(2);
    channel_close();

    channel_open(SIZE_MAX, 0);
    ck_assert_int_eq(publish("forgotten"), 0);
    fd = subscribed("Last-Event-ID: \r\n"); /* the client has seen none */
    ck_assert_int_eq(last_subscribe, 0);
    close(fd);
    wait_closed(3);
    channel_close();
}
END_TEST

static void publish_farewell(struct sunpath_event_stream *stream, int error, void *user) {
    count_close(stream, error, user);
    publish("farewell");
}

static void subscribe_noisily(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    streaming.options.on_close = publish_farewell;
    streaming.options.max_pending = 300000;
    ck_assert_int_eq(sunpath_event_stream_open(&streaming.stream, exchange, &streaming.options), 0);
    ck_assert_int_eq(sunpath_event_channel_subscribe(channel, streaming.stream), 0);
}

START_TEST(who_does_not_read_is_dropped_and_the_others_are_not) {
    static char large[50000];
    int slow[2], fast, n = 0;

    memset(large, 'x', sizeof(large));
    channel_open(0, 0);
    serving.handler.on_request = subscribe_noisily;
    slow[0] = subscribed("");
    fast = subscribed("");
    slow[1] = subscribed("");
    while (streaming.n_closed == 0) {
        int r = sunpath_event_channel_publish(channel, NULL, large, sizeof(large));

        ck_assert_int_eq(r, streaming.n_closed ? 1 : 3);
        hear(fast, "x\n\n");
        ck_assert_int_lt(n++, 1000);
    }
    ck_assert_int_eq(streaming.n_closed, 2);
    ck_assert_int_eq(streaming.last_error, -ENOBUFS);
    ck_assert_uint_eq(sunpath_event_channel_n_subscribers(channel), 1);
    publish("after");
    hear(fast, "data: after\n\n");
    close(slow[0]);
    close(slow[1]);
    close(fast);
    wait_closed(3);
    channel_close();
}
END_TEST

static void free_channel(struct sunpath_event_stream *stream, int error, void *user) {
    count_close(stream, error, user);
    channel = sunpath_event_channel_free(channel);
}

static void subscribe_fatally(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    streaming.options.on_close = free_channel;
    streaming.options.max_pending = 1000;
    ck_assert_int_eq(sunpath_event_stream_open(&streaming.stream, exchange, &streaming.options), 0);
    ck_assert_int_eq(sunpath_event_channel_subscribe(channel, streaming.stream), 0);
}

START_TEST(the_channel_may_be_freed_when_a_subscriber_goes) {
    static char large[2000];
    int fds[2];

    channel_open(0, 0);
    serving.handler.on_request = subscribe_fatally;
    fds[0] = subscribed("");
    fds[1] = subscribed("");
    ck_assert_int_eq(sunpath_event_channel_publish(channel, NULL, large, sizeof(large)), 0);
    ck_assert_int_eq(streaming.n_closed, 2);
    ck_assert_ptr_null(channel);
    close(fds[0]);
    close(fds[1]);
    channel_close();
}
END_TEST

SP_TESTS("event-channel", all_get_what_is_published, who_comes_back_gets_what_was_missed,
         what_is_forgotten_is_told, history_is_bounded_by_bytes_and_can_be_none,
         who_does_not_read_is_dropped_and_the_others_are_not,
         the_channel_may_be_freed_when_a_subscriber_goes)
