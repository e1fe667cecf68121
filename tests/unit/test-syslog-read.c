/* SPDX-License-Identifier: MIT */
/* test-syslog-read.c - log messages of both formats, of none, and of broken ones. */

#include <sunpath/syslog.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"

static bool is(struct sunpath_syslog_part part, const char *text) {
    if (!text) {
        return part.data == NULL && part.size == 0;
    }
    return part.data && part.size == strlen(text) && memcmp(part.data, text, part.size) == 0;
}

struct expected {
    const char *message;
    int priority;
    const char *time, *host, *ident, *pid, *text;
};

static void check_one(const struct expected *expected) {
    struct sunpath_syslog_message read;
    const char *message = expected->message;

    sunpath_syslog_parse(&read, message, strlen(message));
    ck_assert_msg(!read.is_rfc5424, "%s", message);
    ck_assert_msg(read.priority == expected->priority, "%s: %d", message, read.priority);
    ck_assert_msg(is(read.time, expected->time), "time of %s", message);
    ck_assert_msg(is(read.host, expected->host), "host of %s", message);
    ck_assert_msg(is(read.ident, expected->ident), "ident of %s", message);
    ck_assert_msg(is(read.pid, expected->pid), "pid of %s", message);
    ck_assert_msg(is(read.text, expected->text), "text of %s: %.*s", message, (int)read.text.size,
                  read.text.data);
    ck_assert(!read.id.data && !read.data.data);
}

START_TEST(the_older_format) {
#define NOW "Nov 25 12:00:00"
    static const struct expected cases[] = {
        {"<30>" NOW " app[4711]: hello", 30, NOW, NULL, "app", "4711", "hello"},
        {"<13>" NOW " app: hello", 13, NOW, NULL, "app", NULL, "hello"},
        {"<13>Nov  5 12:00:00 app: ", 13, "Nov  5 12:00:00", NULL, "app", NULL, ""},
        {"<13>" NOW " app[1] no colon", 13, NOW, NULL, "app", "1", "no colon"},
        {"<13>" NOW " host app[1]: hello", 13, NOW, "host", "app", "1", "hello"},
        {"<13>" NOW " host app: a: b", 13, NOW, "host", "app", NULL, "a: b"},
        {"<14>app: no time", 14, NULL, NULL, "app", NULL, "no time"}, /* Python's SysLogHandler */
        {"<14>just text here", 14, NULL, NULL, NULL, NULL, "just text here"},
        {"<13>" NOW " just some text", 13, NOW, NULL, NULL, NULL, "just some text"},
        {"<13>" NOW " dir/app_2.x: y", 13, NOW, NULL, "dir/app_2.x", NULL, "y"},
        {"<0>app:x", 0, NULL, NULL, "app", NULL, "x"},
        {"<191>app: x\n", 191, NULL, NULL, "app", NULL, "x"},
        {"no priority", 13, NULL, NULL, NULL, NULL, "no priority"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_one(&cases[i]);
    }
}
END_TEST

START_TEST(whatever_comes_is_a_message) {
    static const struct expected cases[] = {
        {"", 13, NULL, NULL, NULL, NULL, ""},
        {"\n", 13, NULL, NULL, NULL, NULL, ""},
        {"<", 13, NULL, NULL, NULL, NULL, "<"},
        {"<>x", 13, NULL, NULL, NULL, NULL, "<>x"},
        {"<13", 13, NULL, NULL, NULL, NULL, "<13"},
        {"<192>x", 13, NULL, NULL, NULL, NULL, "<192>x"},
        {"<0013>x", 13, NULL, NULL, NULL, NULL, "<0013>x"},
        {"<-1>x", 13, NULL, NULL, NULL, NULL, "<-1>x"},
        {"<13>", 13, NULL, NULL, NULL, NULL, ""},
        {"<13>app[1 2]: x", 13, NULL, NULL, NULL, NULL, "app[1 2]: x"},
        {"<13>app[1", 13, NULL, NULL, NULL, NULL, "app[1"},
        {"<13>[1]: x", 13, NULL, NULL, NULL, NULL, "[1]: x"},
        {"<13>: x", 13, NULL, NULL, NULL, NULL, ": x"},
        {"<13>gr\xc3\xbc: x", 13, NULL, NULL, NULL, NULL, "gr\xc3\xbc: x"},
        {"<13>1", 13, NULL, NULL, NULL, NULL, "1"},
        {"<13>1 - - - - -", 13, NULL, NULL, NULL, NULL, "1 - - - - -"},
        {"<13>1 - - - - - x", 13, NULL, NULL, NULL, NULL, "1 - - - - - x"},
        {"<13>1 - - - - - [x", 13, NULL, NULL, NULL, NULL, "1 - - - - - [x"},
        {"<13>1 - - - - - [x a=\"]\\\"]", 13, NULL, NULL, NULL, NULL, NULL},
        {"<13>2 - - - - - - x", 13, NULL, NULL, NULL, NULL, "2 - - - - - - x"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].text) {
            check_one(&cases[i]);
        } else {
            struct sunpath_syslog_message read;

            sunpath_syslog_parse(&read, cases[i].message, strlen(cases[i].message));
            ck_assert(!read.is_rfc5424 && read.text.data);
        }
    }
}
END_TEST

START_TEST(the_newer_format) {
    static const char message[] = "<165>1 2003-10-11T22:14:15.003Z host.example app 42 ID47 "
                                  "[a@1 x=\"1\" y=\"\\]\\\"]\"][b] \xef\xbb\xbf"
                                  "An event";
    struct sunpath_syslog_message read;

    sunpath_syslog_parse(&read, message, sizeof(message)); /* with its NUL */
    ck_assert(read.is_rfc5424 && read.priority == 165);
    ck_assert(is(read.time, "2003-10-11T22:14:15.003Z") && is(read.host, "host.example"));
    ck_assert(is(read.ident, "app") && is(read.pid, "42") && is(read.id, "ID47"));
    ck_assert(is(read.data, "[a@1 x=\"1\" y=\"\\]\\\"]\"][b]"));
    ck_assert(is(read.text, "An event"));

    sunpath_syslog_parse(&read, "<13>1 - - - - - -", 17);
    ck_assert(read.is_rfc5424 && is(read.time, NULL) && is(read.host, NULL));
    ck_assert(is(read.ident, NULL) && is(read.pid, NULL) && is(read.id, NULL));
    ck_assert(is(read.data, NULL) && is(read.text, ""));

    sunpath_syslog_parse(&read, "<13>1 - h a - - - - text", 24);
    ck_assert(read.is_rfc5424 && is(read.text, "- text"));
}
END_TEST

SP_TESTS("syslog-read", the_older_format, whatever_comes_is_a_message, the_newer_format)
