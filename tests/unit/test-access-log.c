/* SPDX-License-Identifier: MIT */
/* test-access-log.c - a server's requests, in a log. */

#include <sunpath/access-log.h>

#include <sys/stat.h>

#include "http-serving.h"

static struct sunpath_access_log *access_log;
static struct sunpath_access_log_options options = {
    .size = sizeof(struct sunpath_access_log_options), .path = "log"};

static void logged_open(void) {
    struct sunpath_error error;

    serving_open(NULL);
    ck_assert_int_eq(sunpath_access_log_open(&access_log, serving.loop, &options, &error), 0);
    ck_assert_int_eq(sunpath_access_log_attach(access_log, serving.server), 0);
}

static void logged_close(void) {
    serving.server = sunpath_http_server_free(serving.server);
    access_log = sunpath_access_log_close(access_log);
    serving_close();
}

static const char *content(const char *path) {
    static char text[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);

    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    close(fd);
    return text;
}

static void ask(const char *text, const char *until) {
    int fd = client();

    say(fd, text);
    hear(fd, until);
    close(fd);
    settle();
}

START_TEST(each_request_has_a_line) {
    char expected[256];
    const char *text;

    logged_open();
    ask(GET("/1") GET("/2?a=b"), "GET /2?a=b ");
    ask("nonsense\r\n\r\n", "400 Bad Request");
    text = content("log");
    snprintf(expected, sizeof(expected), "unix:%d ", (int)getpid());
    ck_assert_ptr_eq(strstr(text, expected), text);
    ck_assert_ptr_nonnull(strstr(text, "\"GET /1 HTTP/1.1\" 200 7\n"));
    ck_assert_ptr_nonnull(strstr(text, "\"GET /2?a=b HTTP/1.1\" 200 11\n"));
    ck_assert_ptr_nonnull(strstr(text, "\"-\" 400 "));
    ck_assert_uint_eq(sunpath_access_log_n_dropped(access_log), 0);
    logged_close();
}
END_TEST

START_TEST(json_knows_the_program) {
    char executable[4096], expected[5000];
    ssize_t n = readlink("/proc/self/exe", executable, sizeof(executable) - 1);

    ck_assert_int_gt(n, 0);
    executable[n] = '\0';
    options.format = SUNPATH_LOG_JSON;
    logged_open();
    ask("POST /x HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\nUser-Agent: me\r\n"
        "X-Request-Id: 7\r\n\r\nabc",
        "POST /x abc");
    snprintf(expected, sizeof(expected), "\"pid\":%d,\"uid\":%u,", (int)getpid(),
             (unsigned)getuid());
    ck_assert_ptr_nonnull(strstr(content("log"), expected));
    snprintf(expected, sizeof(expected), "\"executable\":\"%s\"", executable);
    ck_assert_ptr_nonnull(strstr(content("log"), expected));
    ck_assert_ptr_nonnull(strstr(content("log"), "\"host\":\"here\""));
    ck_assert_ptr_nonnull(strstr(content("log"), "\"received\":3,\"sent\":11,"));
    ck_assert_ptr_nonnull(strstr(content("log"), "\"user_agent\":\"me\",\"request_id\":\"7\""));
    logged_close();
}
END_TEST

START_TEST(who_left_is_logged_too) {
    int fd;

    options.format = SUNPATH_LOG_JSON;
    serving.handler.on_request = hold;
    logged_open();
    fd = client();
    say(fd, GET("/slow"));
    settle();
    close(fd);
    settle();
    ck_assert_ptr_nonnull(strstr(content("log"), "\"status\":null,"));
    ck_assert_ptr_nonnull(strstr(content("log"), "\"error\":\"Broken pipe\""));
    logged_close();
}
END_TEST

START_TEST(the_client_behind_a_proxy_is_the_one) {
    struct sunpath_forwarded_options rules = SUNPATH_OPTIONS(struct sunpath_forwarded_options);
    struct sunpath_forwarded *forwarded;
    struct sunpath_access *own;
    char rule[64];

    ck_assert_int_eq(sunpath_access_new(&own), 0);
    snprintf(rule, sizeof(rule), "uid=%u", (unsigned)getuid());
    ck_assert_int_eq(sunpath_access_allow(own, rule, NULL), 0);
    rules.trusted = own;
    ck_assert_int_eq(sunpath_forwarded_new(&forwarded, &rules), 0);
    options.forwarded = forwarded;
    logged_open();
    ask("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n", "GET / ");
    ck_assert_ptr_eq(strstr(content("log"), "192.0.2.7 "), content("log"));
    logged_close();
    sunpath_forwarded_free(forwarded);
    sunpath_access_free(own);
}
END_TEST

START_TEST(a_log_is_opened_anew) {
    struct sunpath_error error;

    logged_open();
    ask(GET("/1"), "GET /1 ");
    ck_assert_int_eq(rename("log", "old"), 0);
    ask(GET("/2"), "GET /2 ");
    ck_assert_int_eq(sunpath_access_log_reopen(access_log, &error), 0);
    ask(GET("/3"), "GET /3 ");
    ck_assert_ptr_nonnull(strstr(content("old"), "GET /2 "));
    ck_assert_ptr_null(strstr(content("log"), "GET /2 "));
    ck_assert_ptr_nonnull(strstr(content("log"), "GET /3 "));
    ck_assert_int_eq(unlink("log"), 0);
    ck_assert_int_eq(mkdir("log", 0700), 0);
    ck_assert_int_eq(sunpath_access_log_reopen(access_log, &error), -EISDIR);
    ck_assert_str_eq(error.text, "open 'log': Is a directory");
    ask(GET("/4"), "GET /4 "); /* still to the one that is open */
    ck_assert_uint_eq(sunpath_access_log_n_dropped(access_log), 0);
    logged_close();
}
END_TEST

START_TEST(a_descriptor_is_borrowed) {
    struct sunpath_error error;
    int fds[2];
    char text[256];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    options.path = NULL;
    options.fd = fds[1];
    logged_open();
    ck_assert_int_eq(sunpath_access_log_reopen(access_log, &error), -EOPNOTSUPP);
    ask(GET("/1"), "GET /1 ");
    ck_assert_int_gt(read(fds[0], text, sizeof(text)), 0);
    logged_close();
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(what_cannot_be_opened_says_why) {
    struct sunpath_error error;

    ck_assert_int_eq(sunpath_loop_open(&serving.loop), 0);
    options.path = "missing/log";
    ck_assert_int_eq(sunpath_access_log_open(&access_log, serving.loop, &options, &error), -ENOENT);
    ck_assert_str_eq(error.text, "open 'missing/log': No such file or directory");
    options.path = NULL;
    options.fd = 9999;
    ck_assert_int_eq(sunpath_access_log_open(&access_log, serving.loop, &options, &error), -EBADF);
    options.format = (enum sunpath_access_log_format)7;
    ck_assert_int_eq(sunpath_access_log_open(&access_log, serving.loop, &options, &error), -EINVAL);
    serving.loop = sunpath_loop_close(serving.loop);
}
END_TEST

SP_TESTS("access-log", each_request_has_a_line, json_knows_the_program, who_left_is_logged_too,
         the_client_behind_a_proxy_is_the_one, a_log_is_opened_anew, a_descriptor_is_borrowed,
         what_cannot_be_opened_says_why)
