/* SPDX-License-Identifier: MIT */
/* test-http-client-blocking.c - requests that are waited for, and upgrades. */

#include <sunpath/http.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* A server for one connection on a thread of its own. */
struct peer {
    pthread_t thread;
    struct sunpath_listener *listener;
    const char *answer; /* NULL: none, it waits for the client to go */
    const char *until;  /* the request ends with it */
    char request[4096];
};

static void *serve_one(void *user) {
    struct peer *peer = user;
    size_t n = 0;
    int fd;
    ssize_t got;

    poll(&(struct pollfd){.fd = sunpath_listener_fd(peer->listener), .events = POLLIN}, 1, -1);
    fd = accept(sunpath_listener_fd(peer->listener), NULL, NULL);
    while (!peer->answer || !strstr(peer->request, peer->until)) {
        got = recv(fd, peer->request + n, sizeof(peer->request) - 1 - n, 0);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    if (peer->answer) {
        send(fd, peer->answer, strlen(peer->answer), MSG_NOSIGNAL);
    }
    close(fd);
    return NULL;
}

static void start(struct peer *peer, const char *answer) {
    *peer = (struct peer){.answer = answer, .until = "\r\n\r\n"};
    ck_assert_int_eq(sunpath_listener_open(&peer->listener, "./s.sock", NULL, NULL), 0);
    ck_assert_int_eq(pthread_create(&peer->thread, NULL, serve_one, peer), 0);
}

static void stop(struct peer *peer) {
    pthread_join(peer->thread, NULL);
    sunpath_listener_close(peer->listener);
}

/* ---- requests -------------------------------------------------------------------------------- */

START_TEST(get_is_one_call) {
    struct sunpath_http_response *response;
    struct sunpath_error error;
    const char *name, *value;
    struct peer peer;
    size_t size;

    start(&peer, "HTTP/1.1 404 Nowhere\r\nX-A: 1\r\nContent-Length: 3\r\n\r\na\nb");
    ck_assert_msg(sunpath_http_get(&response, "unix:./s.sock:/status?x=1", &error) == 0, "%s",
                  error.text);
    stop(&peer);
    ck_assert_int_eq(strncmp(peer.request, "GET /status?x=1 HTTP/1.1\r\n", 26), 0);
    ck_assert_int_eq(sunpath_http_response_status(response), 404);
    ck_assert_int_eq(sunpath_http_response_version(response), 11);
    ck_assert_str_eq(sunpath_http_response_reason(response), "Nowhere");
    ck_assert_str_eq(sunpath_http_response_header(response, "x-a"), "1");
    ck_assert_ptr_null(sunpath_http_response_header(response, "x-b"));
    ck_assert(sunpath_http_response_header_at(response, 1, &name, &value));
    ck_assert_str_eq(name, "Content-Length");
    ck_assert(!sunpath_http_response_header_at(response, 2, &name, &value));
    ck_assert_int_eq(sunpath_http_response_content_length(response), 3);
    ck_assert_str_eq(sunpath_http_response_body(response, &size), "a\nb");
    ck_assert_uint_eq(size, 3);
    sunpath_http_response_free(response);
}
END_TEST

START_TEST(the_target_of_the_options_wins) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_http_response *response;
    struct peer peer;

    start(&peer, OK);
    options.uri = "/b";
    options.body = "hello";
    options.n_body = 5;
    peer.until = "hello";
    ck_assert_int_eq(sunpath_http_request(&response, "POST", "unix:./s.sock:/a", &options, NULL),
                     0);
    stop(&peer);
    ck_assert_int_eq(strncmp(peer.request, "POST /b HTTP/1.1\r\n", 18), 0);
    sunpath_http_response_free(response);
}
END_TEST

static int pause_body(const struct sunpath_http_response *response, const void *data, size_t size,
                      void *user) {
    (void)response;
    (void)data;
    (void)size;
    (void)user;
    return SUNPATH_HTTP_PAUSE;
}

START_TEST(nobody_could_resume_a_blocking_call) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_http_response *response;
    struct sunpath_error error;
    struct peer peer;

    start(&peer, OK);
    options.on_body = pause_body;
    ck_assert_int_eq(sunpath_http_request(&response, "GET", "./s.sock", &options, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "ended by on_body"));
    stop(&peer);
}
END_TEST

START_TEST(every_failure_has_its_sentence) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_http_response *response = (void *)1;
    struct sunpath_error error;

    ck_assert_int_eq(sunpath_http_get(&response, "./nothing.sock", &error), -ENOENT);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_MISSING);
    ck_assert_int_eq(sunpath_http_get(&response, "nonsense", &error), -EINVAL);
    ck_assert_int_eq(error.reason, SUNPATH_REASON_INVALID);
    ck_assert_int_eq(sunpath_http_get(&response, "seqpacket:./s", &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "HTTP needs a stream socket"));
    ck_assert_int_eq(sunpath_http_request(&response, "GE T", "./s", NULL, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "method 'GE T'"));
    options.n_body = 1;
    ck_assert_int_eq(sunpath_http_request(&response, "GET", "./s", &options, &error), -EINVAL);
    options.size = 1;
    ck_assert_int_eq(sunpath_http_request(&response, "GET", "./s", &options, &error), -EINVAL);
    ck_assert_ptr_eq(response, (void *)1);
    ck_assert_int_eq(sunpath_http_get(&response, "./nothing.sock", NULL), -ENOENT);
}
END_TEST

START_TEST(a_deadline_ends_the_wait) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_http_response *response;
    struct sunpath_error error;
    struct peer peer;

    start(&peer, NULL);
    options.timeout_ms = 30;
    ck_assert_int_eq(sunpath_http_request(&response, "GET", "./s.sock", &options, &error),
                     -ETIMEDOUT);
    ck_assert_ptr_nonnull(
        strstr(error.text, "timed out after 30 ms, before the first byte of the answer"));
    stop(&peer);
}
END_TEST

START_TEST(a_readable_descriptor_cancels) {
    struct sunpath_connect_options connect = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_http_response *response;
    struct sunpath_error error;
    int fd = eventfd(1, EFD_CLOEXEC);
    struct peer peer;

    start(&peer, NULL);
    connect.cancel_fd = &fd;
    options.connect = &connect;
    ck_assert_int_eq(sunpath_http_request(&response, "GET", "./s.sock", &options, &error),
                     -ECANCELED);
    ck_assert_int_eq(error.code, -ECANCELED);
    close(fd);
    /* it may have been canceled before it connected */
    ck_assert_int_eq(sunpath_connect(&fd, "./s.sock", NULL, NULL), 0);
    close(fd);
    stop(&peer);
}
END_TEST

/* ---- upgrades -------------------------------------------------------------------------------- */

START_TEST(an_upgrade_hands_out_what_follows_the_head_unread) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_error error;
    struct peer peer;
    char data[16] = "";
    int fd;

    start(&peer, "HTTP/1.1 100 Continue\r\n\r\n"
                 "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: TCP\r\n\r\nraw bytes");
    peer.until = "{}";
    options.body = "{}";
    options.n_body = 2;
    ck_assert_msg(sunpath_http_request_upgrade(&fd, "POST", "./s.sock", "tcp", &options, &error) ==
                      0,
                  "%s", error.text);
    stop(&peer);
    ck_assert_ptr_nonnull(strstr(peer.request, "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"));
    ck_assert_int_eq(recv(fd, data, sizeof(data), 0), 9);
    ck_assert_str_eq(data, "raw bytes");
    close(fd);
}
END_TEST

START_TEST(interim_answers_have_an_end) {
    static const char interim[] = "HTTP/1.1 102 x\r\n\r\n";
    char answer[101 * sizeof(interim)] = "";
    struct sunpath_error error;
    struct peer peer;
    char *at = answer;
    int fd = -1;

    for (size_t i = 0; i < 101; i++) {
        at = stpcpy(at, interim);
    }
    start(&peer, answer);
    ck_assert_int_eq(sunpath_http_request_upgrade(&fd, "GET", "./s.sock", "tcp", NULL, &error),
                     -EMSGSIZE);
    ck_assert_ptr_nonnull(strstr(error.text, "too many interim answers"));
    stop(&peer);
}
END_TEST

START_TEST(a_tunnel_is_an_upgrade_too) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct peer peer;
    char data[16] = "";
    int fd;

    start(&peer, "HTTP/1.1 200 Go\r\nContent-Length: 7\r\n\r\nraw");
    options.uri = "host:80";
    ck_assert_int_eq(sunpath_http_request_upgrade(&fd, "CONNECT", "./s.sock", NULL, &options, NULL),
                     0);
    stop(&peer);
    ck_assert_int_eq(strncmp(peer.request, "CONNECT host:80 HTTP/1.1\r\n", 26), 0);
    ck_assert_int_eq(recv(fd, data, sizeof(data), 0), 3);
    close(fd);
}
END_TEST

static void check_no_upgrade(const char *answer, int code, const char *text) {
    struct sunpath_error error;
    struct peer peer;
    int fd = -7;

    start(&peer, answer);
    ck_assert_int_eq(sunpath_http_request_upgrade(&fd, "GET", "./s.sock", "tcp", NULL, &error),
                     code);
    stop(&peer);
    ck_assert_int_eq(fd, -7);
    ck_assert_msg(strstr(error.text, text), "'%s' is not in '%s'", text, error.text);
}

START_TEST(any_other_answer_is_no_upgrade) {
    check_no_upgrade("HTTP/1.1 404 Not Here\r\nContent-Length: 0\r\n\r\n", -EPROTO, "404 Not Here");
    check_no_upgrade("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", -EPROTO, "200 OK");
    check_no_upgrade("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n", -EPROTO,
                     "101 S");
    check_no_upgrade("HTTP/1.1 101 S\r\n", -ECONNRESET, "in the answer's head");
    check_no_upgrade("", -ECONNRESET, "before it answered");
    check_no_upgrade("SSH-2.0\r\n\r\n", -EBADMSG, "the answer's head");
}
END_TEST

SP_TESTS("http-client-blocking", get_is_one_call, the_target_of_the_options_wins,
         nobody_could_resume_a_blocking_call, every_failure_has_its_sentence,
         a_deadline_ends_the_wait, a_readable_descriptor_cancels,
         an_upgrade_hands_out_what_follows_the_head_unread, interim_answers_have_an_end,
         a_tunnel_is_an_upgrade_too, any_other_answer_is_no_upgrade)
