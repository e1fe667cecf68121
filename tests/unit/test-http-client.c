/* SPDX-License-Identifier: MIT */
/* test-http-client.c - the client on a loop against a peer that does exactly what it is told. */

#include "http-peer.h"

/* ---- heads ----------------------------------------------------------------------------------- */

START_TEST(sends_what_everybody_expects) {
    struct result result = {0};
    int fd;

    start_alone(NULL, 16);
    ask(&result, "GET");
    fd = peer_accept();
    ck_assert_str_eq(peer_head(fd), "GET /x HTTP/1.1\r\nHost: localhost\r\nUser-Agent: "
                                    "sunpath/" SUNPATH_VERSION "\r\nAccept: */*\r\n\r\n");
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

START_TEST(headers_replace_defaults_and_empty_ones_remove_them) {
    const char *const headers[] = {"host", "a.b", "Accept", "", "X-A", "1", "X-A", "2", NULL};
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result result = {0};
    int fd;

    start_alone(NULL, 16);
    options.headers = headers;
    options.body = "hello";
    options.n_body = 5;
    ask_with(&result, "POST", &options);
    fd = peer_accept();
    ck_assert_str_eq(peer_read(fd, "hello"),
                     "POST /x HTTP/1.1\r\nUser-Agent: sunpath/" SUNPATH_VERSION
                     "\r\nhost: a.b\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhello");
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_post_without_a_body_says_so) {
    struct result result = {0};
    int fd;

    start_alone(NULL, 16);
    ask(&result, "POST");
    fd = peer_accept();
    ck_assert_ptr_nonnull(strstr(peer_head(fd), "\r\nContent-Length: 0\r\n"));
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

static void check_refused(const char *method, const char *uri, const char *name,
                          const char *value) {
    const char *const headers[] = {name, value, NULL};
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result result = {0};

    options.headers = headers;
    options.body = "hello";
    options.n_body = 5;
    ck_assert_int_eq(sunpath_http_client_send(client, method, uri, &options, on_done, &result),
                     -EINVAL);
    ck_assert_int_eq(result.n_done, 0);
}

START_TEST(nothing_can_be_smuggled_into_a_head) {
    start_alone(NULL, 16);
    check_refused("GE T", "/", NULL, NULL);
    check_refused("", "/", NULL, NULL);
    check_refused("GET\r\nX: y", "/", NULL, NULL);
    check_refused("GET", "/a b", NULL, NULL);
    check_refused("GET", "/\r\nX: y", NULL, NULL);
    check_refused("GET", "x", NULL, NULL);
    check_refused("GET", "/", "X:", "y");
    check_refused("GET", "/", "X\r\nY", "y");
    check_refused("GET", "/", "", "y");
    check_refused("GET", "/", "X", "a\r\nb");
    check_refused("GET", "/", "X", "a\nb");
    check_refused("GET", "/", "X", NULL);
    check_refused("GET", "/", "Content-Length", "4");
    check_refused("GET", "/", "Content-Length", "");
    check_refused("GET", "/", "Transfer-Encoding", "gzip, chunked");
    stop();
}
END_TEST

static int note_start(const char *head, size_t n_head, const struct sunpath_peer *peer,
                      void *user) {
    pid_t *pid = user;

    ck_assert_int_eq(strncmp(head, "GET /x HTTP/1.1\r\n", 17), 0);
    ck_assert_int_eq(strncmp(head + n_head - 4, "\r\n\r\n", 4), 0);
    *pid = peer->pid;
    return 0;
}

START_TEST(tells_who_the_server_is_before_the_first_byte) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct result result = {0};
    pid_t pid = 0;
    int fd;

    start_alone(NULL, 16);
    options.on_start = note_start;
    options.user = &pid;
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    ck_assert_int_eq(pid, getpid());
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

START_TEST(every_way_a_body_can_end) {
    struct result length = {0}, chunked = {0}, until_close = {0}, head = {0}, none = {0},
                  unmodified = {0}, reset = {0};

    exchange(&length, "GET", OK);
    ck_assert_str_eq(length.body, "ok");
    exchange(&chunked, "GET",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: end\r\n\r\n");
    ck_assert_str_eq(chunked.body, "abcde");
    ck_assert_str_eq(chunked.trailer, "end");
    exchange(&until_close, "GET", "HTTP/1.1 200 OK\r\n\r\nall of it");
    ck_assert_str_eq(until_close.body, "all of it");
    exchange(&head, "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    ck_assert_int_eq(head.status, 200);
    exchange(&none, "GET", "HTTP/1.1 204 No Content\r\n\r\n");
    ck_assert_int_eq(none.status, 204);
    exchange(&unmodified, "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    ck_assert_int_eq(unmodified.status, 304);
    exchange(&reset, "GET", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
    ck_assert_int_eq(reset.status, 205);
}
END_TEST

START_TEST(a_truncated_answer_is_an_error_that_says_where) {
    static const struct {
        const char *answer, *text;
    } cases[] = {
        {"", "closed the connection before the first byte of the answer"},
        {"HTTP/1.1 200", "in the answer's head, after 12 bytes"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "after 3 of 10 bytes"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "after 0 of 10 bytes"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n", "after 4 bytes"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n",
         "after 4 bytes"},
        {"HTTP/1.1 100 Continue\r\n\r\n", "before the first byte of the final answer"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result result = {0};

        exchange(&result, "GET", cases[i].answer);
        expect_error(&result, -ECONNRESET, cases[i].text);
        ck_assert_int_eq(result.error.reason, SUNPATH_REASON_PROTOCOL);
        ck_assert_ptr_nonnull(strstr(result.error.text, "GET '/x' on './s.sock'"));
    }
}
END_TEST

START_TEST(garbage_is_shown_escaped) {
    struct result head = {0}, chunk = {0}, huge = {0};
    static char answer[80 * 1024];

    exchange(&head, "GET", "SSH-2.0-OpenSSH\x1b[2J\r\n");
    expect_error(&head, -EBADMSG, "SSH-2.0-OpenSSH\\x1b[2J\\r\\n");
    exchange(&chunk, "GET",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n");
    expect_error(&chunk, -EBADMSG, "after 2 bytes");
    memset(answer, 'a', sizeof(answer) - 1);
    memcpy(answer, "HTTP/1.1 200 OK\r\nX: ", 20);
    exchange(&huge, "GET", answer);
    expect_error(&huge, -EMSGSIZE, "too large");
}
END_TEST

START_TEST(interim_answers_have_an_end) {
    static const char interim[] = "HTTP/1.1 102 Processing\r\n\r\n";

    for (size_t more = 0; more < 2; more++) {
        struct result result = {0};
        char answer[101 * sizeof(interim) + sizeof(OK)] = "";
        char *at = answer;

        for (size_t i = 0; i < 100 + more; i++) {
            at = stpcpy(at, interim);
        }
        strcpy(at, OK);
        exchange(&result, "GET", answer);
        if (more == 0) {
            expect_ok(&result);
        } else {
            expect_error(&result, -EMSGSIZE, "too many interim answers");
        }
    }
}
END_TEST

START_TEST(an_answer_may_come_byte_by_byte) {
    static const char answer[] =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: t\r\n\r\n";
    struct result result = {0};
    int fd;

    start_alone(NULL, 16);
    ask(&result, "GET");
    fd = peer_accept();
    peer_head(fd);
    for (size_t i = 0; i + 1 < sizeof(answer); i++) {
        ck_assert_int_eq(result.n_done, 0);
        peer_write(fd, (char[]){answer[i], '\0'});
        turn();
    }
    expect_ok(&result);
    ck_assert_str_eq(result.trailer, "t");
    close(fd);
    stop();
}
END_TEST

START_TEST(a_collected_body_has_a_limit) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
    };

    options.max_body = 3;
    for (size_t i = 0; i < 2; i++) {
        struct result result = {0};
        int fd;

        start_alone(NULL, 16);
        ask_with(&result, "GET", &options);
        fd = peer_accept();
        peer_head(fd);
        peer_write(fd, answers[i]);
        expect_error(&result, -EMSGSIZE, "limit");
        close(fd);
        stop();
    }
}
END_TEST

struct seen {
    int n_heads, last_status, stop_at;
    char body[64];
    size_t n_body;
    bool frees;
};

static int see_head(const struct sunpath_http_response *response, void *user) {
    struct seen *seen = user;

    seen->n_heads++;
    seen->last_status = sunpath_http_response_status(response);
    if (seen->frees) {
        client = sunpath_http_client_free(client);
    }
    return seen->last_status == seen->stop_at ? -EXDEV : 0;
}

static int see_body(const struct sunpath_http_response *response, const void *data, size_t size,
                    void *user) {
    struct seen *seen = user;

    ck_assert_int_eq(sunpath_http_response_status(response), 200);
    ck_assert_uint_le(seen->n_body + size, sizeof(seen->body));
    memcpy(seen->body + seen->n_body, data, size);
    seen->n_body += size;
    if (seen->frees) {
        client = sunpath_http_client_free(client);
    }
    return seen->stop_at == -1 ? -EXDEV : 0;
}

static void see(struct seen *seen, struct result *result, bool head, bool body) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    int fd;

    start_alone(NULL, 16);
    options.on_head = head ? see_head : NULL;
    options.on_body = body ? see_body : NULL;
    options.user = seen;
    ask_with(result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" OK);
    finish(result);
    close(fd);
    stop();
}

START_TEST(heads_and_bodies_are_shown_as_they_come) {
    struct seen seen = {0};
    struct result result = {0};

    see(&seen, &result, true, true);
    ck_assert_int_eq(result.code, 0);
    ck_assert_int_eq(seen.n_heads, 2);
    ck_assert_int_eq(seen.last_status, 200);
    ck_assert_uint_eq(seen.n_body, 2);
    ck_assert_str_eq(result.body, "");
}
END_TEST

START_TEST(callbacks_can_end_the_request) {
    struct seen interim = {.stop_at = 103}, final = {.stop_at = 200}, body = {.stop_at = -1};
    struct result results[3] = {0};

    see(&interim, &results[0], true, true);
    ck_assert_int_eq(interim.n_heads, 1);
    see(&final, &results[1], true, true);
    ck_assert_int_eq(final.n_heads, 2);
    ck_assert_uint_eq(final.n_body, 0);
    see(&body, &results[2], false, true);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(results[i].code, -EXDEV);
    }
}
END_TEST

START_TEST(callbacks_can_free_the_client) {
    struct seen head = {.frees = true}, body = {.frees = true};
    struct result results[2] = {0};

    see(&head, &results[0], true, true);
    see(&body, &results[1], false, true);
    ck_assert_int_eq(results[0].code, -ECANCELED);
    ck_assert_int_eq(results[1].code, -ECANCELED);
}
END_TEST

START_TEST(an_upgrade_nobody_asked_for_is_an_error) {
    struct result result = {0};

    exchange(&result, "GET",
             "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
             "Upgrade: x\r\n\r\n");
    expect_error(&result, -EPROTO, "switched protocols");
}
END_TEST

/* ---- the connection -------------------------------------------------------------------------- */

START_TEST(requests_queue_on_one_connection) {
    struct result results[3] = {0};
    int fd;

    start_alone(NULL, 16);
    for (size_t i = 0; i < 3; i++) {
        ask(&results[i], "GET");
    }
    fd = peer_accept();
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(strstr(peer_head(fd), "GET /x"));
        ck_assert_int_eq(results[i].n_done, 0);
        peer_write(fd, OK);
        expect_ok(&results[i]);
    }
    ck_assert_int_eq(accept(listener, NULL, NULL), -1);
    close(fd);
    stop();
}
END_TEST

/* The peer answers so, and keeps its connection: the client must not use it again. */
static void check_reconnects(const char *answer) {
    struct result results[2] = {0};
    int fds[2];

    start_alone(NULL, 16);
    ask(&results[0], "GET");
    ask(&results[1], "GET");
    fds[0] = peer_accept();
    peer_head(fds[0]);
    peer_write(fds[0], answer);
    expect_ok(&results[0]);
    fds[1] = peer_accept();
    ck_assert(peer_is_closed(fds[0]));
    peer_head(fds[1]);
    peer_write(fds[1], OK);
    expect_ok(&results[1]);
    close(fds[0]);
    close(fds[1]);
    stop();
}

START_TEST(a_connection_that_ends_is_made_again) {
    check_reconnects("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    check_reconnects("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    check_reconnects("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more than was asked");
}
END_TEST

START_TEST(a_server_may_close_an_idle_connection) {
    struct result results[2] = {0};
    int fd;

    start_alone(NULL, 16);
    ask(&results[0], "GET");
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&results[0]);
    close(fd);
    ask(&results[1], "POST"); /* it cannot have been seen, so it may go out on the next one */
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&results[1]);
    close(fd);
    stop();
}
END_TEST

START_TEST(what_did_not_leave_is_sent_again_whatever_the_method) {
    struct result results[2] = {0};
    int fd;

    start_alone(NULL, 16);
    ask(&results[0], "POST");
    ask(&results[1], "POST"); /* begins in the turn that reads the first answer */
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    close(fd);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&results[0]);
    expect_ok(&results[1]);
    close(fd);
    stop();
}
END_TEST

/* The peer reads a second request on its connection, and closes without an answer. */
static int lose_second(struct result *result, const char *method) {
    struct result first = {0};
    int fd;

    start_alone(NULL, 16);
    ask(&first, "GET");
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&first);
    ask(result, method);
    peer_head(fd);
    close(fd);
    return 0;
}

START_TEST(a_request_lost_with_a_stale_connection_is_repeated_once) {
    struct result repeated = {0}, lost = {0};
    int fd;

    lose_second(&repeated, "GET");
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&repeated);
    close(fd);
    stop();

    lose_second(&lost, "GET");
    fd = peer_accept();
    peer_head(fd);
    close(fd);
    expect_error(&lost, -ECONNRESET, "before the first byte");
    stop();
}
END_TEST

START_TEST(a_post_the_server_may_have_seen_is_not_repeated) {
    struct result result = {0};

    lose_second(&result, "POST");
    expect_error(&result, -ECONNRESET, "before the first byte");
    stop();
}
END_TEST

START_TEST(freeing_ends_everything_exactly_once) {
    struct result results[3] = {0};
    int fd;

    start_alone(NULL, 16);
    for (size_t i = 0; i < 3; i++) {
        ask(&results[i], "GET");
    }
    fd = peer_accept();
    peer_head(fd);
    client = sunpath_http_client_free(client);
    for (size_t i = 0; i < 3; i++) {
        expect_error(&results[i], -ECANCELED, "freed");
    }
    ck_assert(peer_is_closed(fd));
    close(fd);
    stop();
}
END_TEST

static void free_client(struct result *result) {
    (void)result;
    client = sunpath_http_client_free(client);
}

START_TEST(freeing_inside_on_done_ends_the_rest) {
    struct result results[2] = {{.then = free_client}};
    int fd;

    start_alone(NULL, 16);
    ask(&results[0], "GET");
    ask(&results[1], "GET");
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    finish(&results[0]);
    ck_assert_int_eq(results[0].code, 0);
    expect_error(&results[1], -ECANCELED, "freed");
    close(fd);
    stop();
}
END_TEST

static struct result next_result;

static void ask_next(struct result *result) {
    (void)result;
    ask(&next_result, "GET");
}

START_TEST(on_done_may_ask_again) {
    struct result result = {.then = ask_next};
    int fd;

    start_alone(NULL, 16);
    next_result = (struct result){0};
    ask(&result, "GET");
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    finish(&result);
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&next_result);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_missing_server_is_an_error_with_its_reason) {
    struct result results[2] = {0};

    start_alone(NULL, 16);
    unlink("s.sock");
    ask(&results[0], "GET");
    ask(&results[1], "GET");
    for (size_t i = 0; i < 2; i++) {
        finish(&results[i]);
        ck_assert_int_eq(results[i].code, -ENOENT);
        ck_assert_int_eq(results[i].error.reason, SUNPATH_REASON_MISSING);
    }
    stop();
}
END_TEST

START_TEST(waits_for_a_server_that_is_not_there_yet) {
    struct sunpath_connect_options options = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct result result = {0};
    int fd;

    options.wait = true;
    start_alone(&options, 16);
    ck_assert_int_eq(rename("s.sock", "later"), 0);
    ask(&result, "GET");
    turn();
    turn();
    ck_assert_int_eq(result.n_done, 0);
    ck_assert_int_eq(rename("later", "s.sock"), 0);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

START_TEST(the_wrong_server_gets_no_byte) {
    struct sunpath_connect_options options = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct result result = {0};
    int fd;

    options.expect_user = "65533";
    start_alone(&options, 16);
    ask(&result, "GET");
    finish(&result);
    ck_assert_int_eq(result.code, -EPERM);
    ck_assert_int_eq(result.error.reason, SUNPATH_REASON_WRONG_OWNER);
    fd = peer_accept();
    ck_assert(peer_is_closed(fd));
    close(fd);
    stop();
}
END_TEST

/* Connects until the backlog is full. Returns how many that took. */
static int fill_backlog(int fds[8]) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s.sock"};
    int n = 0;

    for (;; n++) {
        ck_assert_int_lt(n, 8);
        fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(fds[n], (struct sockaddr *)&address, sizeof(address)) < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            close(fds[n]);
            return n;
        }
    }
}

START_TEST(a_full_backlog_does_not_block_the_loop) {
    struct result result = {0};
    int fds[8];
    int n_fds, fd;

    start_alone(NULL, 0);
    n_fds = fill_backlog(fds);
    ask(&result, "GET");
    for (size_t i = 0; i < 5; i++) {
        turn();
    }
    ck_assert_int_eq(result.n_done, 0);
    while (n_fds > 0) {
        close(peer_accept());
        close(fds[--n_fds]);
    }
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

/* ---- deadlines ------------------------------------------------------------------------------- */

static struct sunpath_http_request_options hasty(void) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);

    options.timeout_ms = 30;
    return options;
}

START_TEST(a_deadline_says_in_which_phase_it_passed) {
    static const struct {
        const char *answer, *text;
    } cases[] = {
        {"", "before the first byte of the answer"},
        {"HTTP/1.1 2", "in the answer's head, after 10 bytes"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", "after 2 of 10 bytes"},
        {"HTTP/1.1 200 OK\r\n\r\nabc", "in the answer's body, after 3 bytes"},
    };
    struct sunpath_http_request_options options = hasty();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result result = {0};
        int fd;

        start_alone(NULL, 16);
        ask_with(&result, "GET", &options);
        fd = peer_accept();
        peer_write(fd, cases[i].answer);
        expect_error(&result, -ETIMEDOUT, cases[i].text);
        ck_assert_ptr_nonnull(strstr(result.error.text, "timed out after 30 ms"));
        ck_assert_int_eq(result.error.reason, SUNPATH_REASON_TIMEOUT);
        close(fd);
        stop();
    }
}
END_TEST

START_TEST(a_deadline_passes_while_waiting_for_the_backlog_and_in_the_queue) {
    struct sunpath_http_request_options options = hasty();
    struct result first = {0}, second = {0};
    int fds[8];
    int n_fds;

    start_alone(NULL, 0);
    n_fds = fill_backlog(fds);
    ask(&first, "GET");
    ask_with(&second, "GET", &options);
    expect_error(&second, -ETIMEDOUT, "waiting for the requests before it");
    ck_assert_int_eq(first.n_done, 0);
    client = sunpath_http_client_free(client);
    expect_error(&first, -ECANCELED, "freed");

    ck_assert_int_eq(sunpath_http_client_new(&client, loop, "./s.sock", NULL, NULL), 0);
    second = (struct result){0};
    ask_with(&second, "GET", &options);
    expect_error(&second, -ETIMEDOUT, "timed out after 30 ms: connect");
    ck_assert_int_eq(second.error.reason, SUNPATH_REASON_BACKLOG_FULL);
    while (n_fds > 0) {
        close(fds[--n_fds]);
    }
    stop();
}
END_TEST

SP_TESTS("http-client", sends_what_everybody_expects,
         headers_replace_defaults_and_empty_ones_remove_them, a_post_without_a_body_says_so,
         nothing_can_be_smuggled_into_a_head, tells_who_the_server_is_before_the_first_byte,
         every_way_a_body_can_end, a_truncated_answer_is_an_error_that_says_where,
         garbage_is_shown_escaped, interim_answers_have_an_end, an_answer_may_come_byte_by_byte,
         a_collected_body_has_a_limit, heads_and_bodies_are_shown_as_they_come,
         callbacks_can_end_the_request, callbacks_can_free_the_client,
         an_upgrade_nobody_asked_for_is_an_error, requests_queue_on_one_connection,
         a_connection_that_ends_is_made_again, a_server_may_close_an_idle_connection,
         what_did_not_leave_is_sent_again_whatever_the_method,
         a_request_lost_with_a_stale_connection_is_repeated_once,
         a_post_the_server_may_have_seen_is_not_repeated, freeing_ends_everything_exactly_once,
         freeing_inside_on_done_ends_the_rest, on_done_may_ask_again,
         a_missing_server_is_an_error_with_its_reason, waits_for_a_server_that_is_not_there_yet,
         the_wrong_server_gets_no_byte, a_full_backlog_does_not_block_the_loop,
         a_deadline_says_in_which_phase_it_passed,
         a_deadline_passes_while_waiting_for_the_backlog_and_in_the_queue)
