/* SPDX-License-Identifier: MIT */
/* test-access-log-format.c - an access log's lines, whatever is in the names. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "web/access-log.h"

static struct sunpath_http_record record = {
    .status = 200,
    .time_ns = 1764072000123456789, /* 2025-11-25 12:00:00 UTC */
    .duration_ns = 1234567,
    .n_received = 3,
    .n_sent = 150,
    .n_body_sent = 5,
};
static struct sunpath_peer peer = {.pid = 4711, .uid = 1000, .gid = 100};
static struct sp_log_entry entry = {
    .record = &record, .peer = &peer, .method = "GET", .target = "/", .version = 11};

static const char *line(enum sunpath_access_log_format format) {
    static char out[1 << 20];
    size_t room = sp_log_room(&entry);
    char *exact = malloc(room); /* a byte too far is seen */
    size_t size;

    ck_assert_ptr_nonnull(exact);
    size = (size_t)(sp_log_put(exact, format, &entry) - exact);
    ck_assert_uint_le(size, room);
    memcpy(out, exact, size);
    out[size] = '\0';
    free(exact);
    ck_assert_ptr_eq(strchr(out, '\n'), out + size - 1); /* one line, ended */
    return out;
}

static void in_utc(void) {
    setenv("TZ", "UTC", 1);
    tzset();
}

START_TEST(the_common_format) {
    in_utc();
    ck_assert_str_eq(line(SUNPATH_LOG_COMMON),
                     "unix:4711 - - [25/Nov/2025:12:00:00 +0000] \"GET / HTTP/1.1\" 200 5\n");
    entry.user = "alice";
    entry.auth_user = "a b";
    entry.client = "192.0.2.1";
    entry.version = 10;
    ck_assert_str_eq(line(SUNPATH_LOG_COMMON),
                     "192.0.2.1 alice a_b [25/Nov/2025:12:00:00 +0000] \"GET / HTTP/1.0\" 200 5\n");
    entry.user_agent = "curl/8";
    ck_assert_ptr_nonnull(strstr(line(SUNPATH_LOG_COMBINED), " 200 5 \"-\" \"curl/8\"\n"));
    entry.referer = "/from";
    ck_assert_ptr_nonnull(strstr(line(SUNPATH_LOG_COMBINED), " 200 5 \"/from\" \"curl/8\"\n"));
}
END_TEST

START_TEST(the_json_format_has_all_keys_always) {
    ck_assert_str_eq(
        line(SUNPATH_LOG_JSON),
        "{\"time\":\"2025-11-25T12:00:00.123Z\",\"client\":null,\"host\":null,\"pid\":4711,"
        "\"uid\":1000,\"gid\":100,\"user\":null,\"executable\":null,\"auth_user\":null,"
        "\"method\":\"GET\",\"target\":\"/\",\"protocol\":\"HTTP/1.1\",\"status\":200,"
        "\"received\":3,\"sent\":5,\"sent_total\":150,\"duration_ms\":1.234,\"referer\":null,"
        "\"user_agent\":null,\"request_id\":null,\"route\":null,\"error\":null,\"why\":null}\n");
}
END_TEST

START_TEST(what_is_not_known_is_said_so) {
    in_utc();
    peer.is_outside_pid_namespace = peer.is_unmapped = true;
    record.status = 0;
    record.error = -EPIPE;
    record.why = "the client left";
    entry.method = entry.target = "";
    ck_assert_str_eq(line(SUNPATH_LOG_COMMON),
                     "unix: - - [25/Nov/2025:12:00:00 +0000] \"-\" 0 5\n");
    ck_assert_ptr_nonnull(
        strstr(line(SUNPATH_LOG_JSON), "\"pid\":null,\"uid\":null,\"gid\":null,"));
    ck_assert_ptr_nonnull(strstr(line(SUNPATH_LOG_JSON),
                                 "\"method\":null,\"target\":null,\"protocol\":null,"
                                 "\"status\":null,"));
    ck_assert_ptr_nonnull(
        strstr(line(SUNPATH_LOG_JSON), "\"error\":\"Broken pipe\",\"why\":\"the client left\"}"));
    entry.peer = NULL;
    ck_assert_ptr_nonnull(strstr(line(SUNPATH_LOG_JSON), "\"pid\":null,"));
}
END_TEST

START_TEST(names_cannot_break_out) {
    entry.target = "/\"\\\n\r\t\x1b[2J\x80\xc3\xa4";
    entry.user_agent = "\" 200 0\n192.0.2.9 - - [";
    ck_assert_ptr_nonnull(
        strstr(line(SUNPATH_LOG_COMBINED),
               "\"GET /\\x22\\x5c\\x0a\\x0d\\x09\\x1b[2J\\x80\\xc3\\xa4 HTTP/1.1\" 200 5 \"-\" "
               "\"\\x22 200 0\\x0a192.0.2.9 - - [\"\n"));
    ck_assert_ptr_nonnull(
        strstr(line(SUNPATH_LOG_JSON),
               "\"target\":\"/\\\"\\\\\\\\\\\\n\\\\r\\\\t\\\\x1b[2J\\\\x80\xc3\xa4\""));
}
END_TEST

START_TEST(long_names_are_cut_and_fit) {
    static char name[10000];

    memset(name, 0x01, sizeof(name) - 1);
    entry.client = entry.host = entry.user = entry.executable = entry.auth_user = name;
    entry.method = entry.target = entry.referer = entry.user_agent = entry.request_id = name;
    record.route = record.why = name;
    record.error = -ENOTRECOVERABLE;
    record.n_sent = record.n_received = record.n_body_sent = record.duration_ns = UINT64_MAX;
    (void)line(SUNPATH_LOG_COMMON);
    (void)line(SUNPATH_LOG_COMBINED);
    ck_assert_uint_gt(strlen(line(SUNPATH_LOG_JSON)), 12 * 4 * 4096);
}
END_TEST

SP_TESTS("access-log-format", the_common_format, the_json_format_has_all_keys_always,
         what_is_not_known_is_said_so, names_cannot_break_out, long_names_are_cut_and_fit)
