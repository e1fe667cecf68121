/* SPDX-License-Identifier: MIT */
/* test-syslog.c - messages reach a log daemon, or are counted. */

#include <sunpath/listener.h>
#include <sunpath/syslog.h>

#include <syslog.h>

#include "messages.h"

static struct sunpath_syslog_options to(const char *socket) {
    struct sunpath_syslog_options options = SUNPATH_OPTIONS(struct sunpath_syslog_options);

    options.socket = socket;
    options.ident = "app";
    return options;
}

static struct sunpath_listener *daemon_at(const char *path, enum sunpath_type type) {
    struct sunpath_listen_options options = SUNPATH_OPTIONS(struct sunpath_listen_options);
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    int r;

    options.type = type;
    r = sunpath_listener_open(&listener, path, &options, &error);
    ck_assert_msg(r == 0, "%s", error.text);
    return listener;
}

static struct sunpath_syslog *open_ok(const struct sunpath_syslog_options *options) {
    struct sunpath_syslog *log = NULL;
    struct sunpath_error error = {0};
    int r = sunpath_syslog_open(&log, options, &error);

    ck_assert_msg(r == 0, "%s", error.text);
    return log;
}

static void open_fails(const struct sunpath_syslog_options *options, int code, const char *why) {
    struct sunpath_syslog *log = NULL;
    struct sunpath_error error = {0};

    ck_assert_int_eq(sunpath_syslog_open(&log, options, &error), code);
    ck_assert_ptr_null(log);
    ck_assert_msg(strstr(error.text, why) != NULL, "'%s' does not say '%s'", error.text, why);
}

/* What arrives next, from "<" to the end, without the time between. */
static const char *arrives(int fd) {
    static char text[1 << 17];
    static char shown[1 << 17];
    struct sunpath_message message = room(text, sizeof(text), NULL, 0);
    struct sunpath_syslog_message read;

    ck_assert_int_eq(sunpath_receive(fd, &message), 1);
    sunpath_syslog_parse(&read, text, message.size);
    ck_assert_ptr_nonnull(read.time.data);
    snprintf(shown, sizeof(shown), "<%d>%.*s[%.*s]: %.*s", read.priority, (int)read.ident.size,
             read.ident.data, (int)read.pid.size, read.pid.data ? read.pid.data : "",
             (int)read.text.size, read.text.data);
    return shown;
}

START_TEST(messages_arrive) {
    struct sunpath_listener *listener = daemon_at("./log", SUNPATH_DGRAM);
    struct sunpath_syslog_options options = to("./log");
    int fd = sunpath_listener_fd(listener);
    struct sunpath_syslog *log = open_ok(&options);
    char expected[64];

    ck_assert_int_eq(sunpath_syslog_write(log, LOG_ERR, "bytes\0x\n", 8), 0);
    ck_assert_str_eq(arrives(fd), "<11>app[]: bytes\\x00x"); /* LOG_USER */
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_DAEMON | LOG_INFO, "%s\nforged: %d", "a", 7), 0);
    ck_assert_str_eq(arrives(fd), "<30>app[]: a\\nforged: 7");
    ck_assert_int_eq(sunpath_syslog_write(log, LOG_EMERG, "", 0), 0);
    ck_assert_str_eq(arrives(fd), "<8>app[]: ");
    ck_assert_int_eq(sunpath_syslog_write(log, 0x400, "x", 1), -EINVAL);
    ck_assert_int_eq(sunpath_syslog_write(log, 24 << 3, "x", 1), -EINVAL);
    ck_assert_int_eq(sunpath_syslog_write(log, -1, "x", 1), -EINVAL);
    ck_assert_uint_eq(sunpath_syslog_n_dropped(log), 0);
    sunpath_syslog_close(log);

    options.facility = LOG_LOCAL3;
    options.with_pid = options.rfc5424 = true;
    log = open_ok(&options);
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_WARNING, "careful"), 0);
    snprintf(expected, sizeof(expected), "<156>app[%d]: careful", (int)getpid());
    ck_assert_str_eq(arrives(fd), expected);
    ck_assert_ptr_null(sunpath_syslog_close(log));
    ck_assert_ptr_null(sunpath_syslog_close(NULL));
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(streams_are_fallen_back_to) {
    struct sunpath_listener *listener = daemon_at("./log", SUNPATH_STREAM);
    struct sunpath_syslog_options options = to("./log");
    struct sunpath_syslog *log = open_ok(&options);
    char text[256];
    struct sunpath_message message = room(text, sizeof(text), NULL, 0);
    int fd;

    ck_assert_int_eq(sunpath_listener_accept(listener, &fd), 0);
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "one"), 0);
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "two"), 0);
    ck_assert_int_eq(sunpath_receive(fd, &message), 1);
    ck_assert_uint_eq(message.size, 2 * (strlen(text) + 1)); /* each with its NUL */
    ck_assert_str_eq(text + strlen(text) - 3, "one");
    ck_assert_str_eq(text + message.size - 4, "two");
    close(fd); /* it takes another connection */
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "three"), 0);
    ck_assert_int_eq(sunpath_listener_accept(listener, &fd), 0);
    ck_assert_int_eq(sunpath_receive(fd, &message), 1);
    ck_assert_str_eq(text + message.size - 6, "three");
    close(fd);
    sunpath_syslog_close(log);
    options.socket = "dgram:./log";
    open_fails(&options, -EPROTOTYPE, "log");
    options.socket = "stream:./log";
    sunpath_syslog_close(open_ok(&options));
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(a_daemon_that_comes_back_is_found) {
    struct sunpath_listener *listener = daemon_at("./log", SUNPATH_DGRAM);
    struct sunpath_syslog_options options = to("./log");
    struct sunpath_syslog *log = open_ok(&options);

    sunpath_listener_close(listener);
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "lost"), -ENOENT);
    ck_assert_uint_eq(sunpath_syslog_n_dropped(log), 1);
    listener = daemon_at("./log", SUNPATH_DGRAM);
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "found"), 0);
    ck_assert_str_eq(arrives(sunpath_listener_fd(listener)), "<11>app[]: found");
    sunpath_listener_close(listener);
    listener = daemon_at("./log", SUNPATH_DGRAM); /* another, before we noticed */
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "again"), 0);
    ck_assert_str_eq(arrives(sunpath_listener_fd(listener)), "<11>app[]: again");
    ck_assert_uint_eq(sunpath_syslog_n_dropped(log), 1);
    sunpath_syslog_close(log);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(nobody_need_be_there) {
    struct sunpath_syslog_options options = to("./log");
    struct sunpath_listener *listener;
    struct sunpath_syslog *log;

    open_fails(&options, -ENOENT, "log");
    options.may_be_absent = true;
    log = open_ok(&options);
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "lost"), -ENOENT);
    ck_assert_uint_eq(sunpath_syslog_n_dropped(log), 1);
    listener = daemon_at("./log", SUNPATH_DGRAM);
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "there"), 0);
    ck_assert_str_eq(arrives(sunpath_listener_fd(listener)), "<11>app[]: there");
    sunpath_syslog_close(log);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(a_daemon_that_does_not_read) {
    for (int i = 0; i < 2; i++) {
        struct sunpath_listener *listener = daemon_at("./log", SUNPATH_DGRAM);
        struct sunpath_syslog_options options = to("./log");
        struct sunpath_syslog *log;
        int n_sent = -1, r;

        options.no_wait = i == 1;
        options.timeout_ms = i == 1 ? 0 : 1;
        log = open_ok(&options);
        do {
            n_sent++;
            r = sunpath_syslog_print(log, LOG_ERR, "%d", n_sent);
        } while (r == 0);
        ck_assert_int_eq(r, i == 1 ? -EAGAIN : -ETIMEDOUT);
        ck_assert_int_gt(n_sent, 0);
        ck_assert_uint_eq(sunpath_syslog_n_dropped(log), 1);
        ck_assert_str_eq(arrives(sunpath_listener_fd(listener)), "<11>app[]: 0");
        ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "room again"), 0);
        ck_assert_uint_eq(sunpath_syslog_n_dropped(log), 1);
        sunpath_syslog_close(log);
        sunpath_listener_close(listener);
    }
}
END_TEST

/* Half a message may be in the stream: what comes next must not be taken for its rest. */
START_TEST(a_stream_that_was_full_begins_anew) {
    struct sunpath_listener *listener = daemon_at("./log", SUNPATH_STREAM);
    struct sunpath_syslog_options options = to("./log");
    char *text = calloc(1, 60000), *got = calloc(1, 1 << 20);
    struct sunpath_message message = room(got, 1 << 20, NULL, 0);
    struct sunpath_syslog *log;
    int first, second;

    memset(text, 'x', 60000);
    options.max_size = 1 << 20;
    options.no_wait = true;
    log = open_ok(&options);
    while (sunpath_syslog_write(log, LOG_ERR, text, 60000) == 0) {
    }
    ck_assert_uint_eq(sunpath_syslog_n_dropped(log), 1);
    ck_assert_int_eq(sunpath_syslog_print(log, LOG_ERR, "whole"), 0);
    ck_assert_int_eq(sunpath_listener_accept(listener, &first), 0);
    ck_assert_int_eq(sunpath_listener_accept(listener, &second), 0);
    ck_assert_int_eq(sunpath_receive(second, &message), 1);
    ck_assert_mem_eq(got, "<11>", 4);
    ck_assert_str_eq(got + message.size - 6, "whole");
    close(first);
    close(second);
    sunpath_syslog_close(log);
    sunpath_listener_close(listener);
    free(text);
    free(got);
}
END_TEST

START_TEST(nothing_is_cut) {
    struct sunpath_listener *listener = daemon_at("./log", SUNPATH_DGRAM);
    struct sunpath_syslog_options options = to("./log");
    int fd = sunpath_listener_fd(listener);
    char *text = malloc(500000), data[8];
    struct sunpath_message message = room(data, sizeof(data), NULL, 0);
    struct sunpath_syslog *log;

    memset(text, 'x', 500000);
    log = open_ok(&options);
    ck_assert_int_eq(sunpath_syslog_write(log, LOG_ERR, text, 8096), -EMSGSIZE); /* the header! */
    ck_assert_int_eq(sunpath_syslog_write(log, LOG_ERR, text, 8000), 0);
    ck_assert_uint_eq(strlen(arrives(fd)), strlen("<11>app[]: ") + 8000);
    ck_assert_int_eq(sunpath_receive(fd, &message), -EAGAIN);
    sunpath_syslog_close(log);
    options.max_size = 1 << 20; /* but not what the socket takes */
    log = open_ok(&options);
    ck_assert_int_eq(sunpath_syslog_write(log, LOG_ERR, text, 500000), -EMSGSIZE);
    ck_assert_int_eq(sunpath_receive(fd, &message), -EAGAIN);
    ck_assert_uint_eq(sunpath_syslog_n_dropped(log), 0);
    sunpath_syslog_close(log);
    sunpath_listener_close(listener);
    free(text);
}
END_TEST

START_TEST(or_it_is_split) {
    struct sunpath_listener *listener = daemon_at("./log", SUNPATH_DGRAM);
    struct sunpath_syslog_options options = to("./log");
    static const char begin[] = "<11>app[]: ";
    char text[1500], joined[1501] = "";
    struct sunpath_syslog *log;

    options.splits = true;
    options.max_size = 600;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i % 26);
    }
    log = open_ok(&options);
    ck_assert_int_eq(sunpath_syslog_write(log, LOG_ERR, text, sizeof(text)), 0);
    for (int i = 0; i < 3; i++) {
        const char *piece = arrives(sunpath_listener_fd(listener));

        ck_assert_mem_eq(piece, begin, sizeof(begin) - 1);
        strcat(joined, piece + sizeof(begin) - 1);
    }
    ck_assert_uint_eq(strlen(joined), sizeof(text));
    ck_assert_mem_eq(joined, text, sizeof(text));
    sunpath_syslog_close(log);
    sunpath_listener_close(listener);
}
END_TEST

/* The socket takes less than max_size: SO_SNDBUF, 212,992 bytes by default. */
START_TEST(it_is_split_where_the_socket_ends_too) {
    struct sunpath_listener *listener = daemon_at("./log", SUNPATH_DGRAM);
    struct sunpath_syslog_options options = to("./log");
    static char text[250000], piece[260000];
    size_t n_x = 0, n_pieces = 0;
    struct sunpath_syslog *log;
    ssize_t n;

    options.max_size = 1 << 18;
    log = open_ok(&options);
    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(sunpath_syslog_write(log, LOG_ERR, text, sizeof(text)), -EMSGSIZE);
    sunpath_syslog_close(log);
    options.splits = true;
    log = open_ok(&options);
    ck_assert_int_eq(sunpath_syslog_write(log, LOG_ERR, text, sizeof(text)), 0);
    while ((n = recv(sunpath_listener_fd(listener), piece, sizeof(piece), MSG_DONTWAIT)) > 0) {
        n_pieces++;
        for (ssize_t i = 0; i < n; i++) {
            n_x += piece[i] == 'x';
        }
    }
    ck_assert_uint_eq(n_pieces, 2);
    ck_assert_uint_eq(n_x, sizeof(text));
    sunpath_syslog_close(log);
    sunpath_listener_close(listener);
}
END_TEST

START_TEST(options_are_checked) {
    struct sunpath_syslog_options options = to("./log");

    options.ident = "two words";
    open_fails(&options, -EINVAL, "'two words': who says it");
    options = to("tcp:localhost:514");
    open_fails(&options, -EINVAL, "a path or an abstract name");
    options = to("nonsense");
    open_fails(&options, -EINVAL, "nonsense");
    options = to("./log");
    options.facility = LOG_ERR;
    open_fails(&options, -EINVAL, "no such facility");
    options.facility = 24 << 3;
    open_fails(&options, -EINVAL, "no such facility");
    options = to("./log");
    options.timeout_ms = -2;
    open_fails(&options, -EINVAL, "timeout");
    options = to("./log");
    options.max_size = 479;
    open_fails(&options, -EINVAL, "max_size");
    options.max_size = (1 << 20) + 1;
    open_fails(&options, -EINVAL, "max_size");
    options.size = 0;
    open_fails(&options, -EINVAL, "size");
}
END_TEST

SP_TESTS("syslog", messages_arrive, streams_are_fallen_back_to, a_daemon_that_comes_back_is_found,
         nobody_need_be_there, a_daemon_that_does_not_read, a_stream_that_was_full_begins_anew,
         nothing_is_cut, or_it_is_split, it_is_split_where_the_socket_ends_too, options_are_checked)
