/* SPDX-License-Identifier: MIT */
/* test-http-client-redirect.c - answers that lead elsewhere, on the same socket and off it. */

#include "http-peer.h"

static struct sunpath_http_request_options following(int max) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);

    options.max_redirects = max;
    return options;
}

static void redirect(int fd, int status, const char *location) {
    char text[512];

    snprintf(text, sizeof(text), "HTTP/1.1 %d x\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nbody",
             status, location);
    peer_write(fd, text);
}

/* The peer answers `status` to `method`; what comes then begins with `expected`. */
static void check_follows(int status, const char *method, const char *body, const char *location,
                          const char *expected, bool keeps_body) {
    const char *const headers[] = {"Authorization", "Basic eA==", "Content-Type", "a/b", NULL};
    struct sunpath_http_request_options options = following(5);
    struct result result = {0};
    const char *head;
    int fd;

    start();
    options.headers = headers;
    options.body = body;
    options.n_body = body ? strlen(body) : 0;
    ask_with(&result, method, &options);
    fd = peer_accept();
    peer_read(fd, body ? body : "\r\n\r\n");
    redirect(fd, status, location);
    head = peer_read(fd, keeps_body ? body : "\r\n\r\n");
    ck_assert_msg(strncmp(head, expected, strlen(expected)) == 0, "%s", head);
    ck_assert_ptr_nonnull(strstr(head, "Authorization: Basic eA==\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "Host: localhost\r\n"));
    ck_assert_int_eq(!!strstr(head, "Content-Length: "), keeps_body);
    ck_assert_int_eq(!!strstr(head, "Content-Type: "), keeps_body || !body);
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}

START_TEST(methods_and_bodies) {
    check_follows(302, "GET", NULL, "/y", "GET /y HTTP/1.1\r\n", false);
    check_follows(301, "POST", "hello", "/y", "GET /y HTTP/1.1\r\n", false);
    check_follows(302, "POST", "hello", "/y", "GET /y HTTP/1.1\r\n", false);
    check_follows(303, "POST", "hello", "/y", "GET /y HTTP/1.1\r\n", false);
    check_follows(303, "PUT", "hello", "/y", "GET /y HTTP/1.1\r\n", false);
    check_follows(301, "PUT", "hello", "/y", "PUT /y HTTP/1.1\r\n", true);
    check_follows(307, "POST", "hello", "/y", "POST /y HTTP/1.1\r\n", true);
    check_follows(308, "POST", "hello", "/y", "POST /y HTTP/1.1\r\n", true);
}
END_TEST

START_TEST(places_on_the_same_socket) {
    check_follows(302, "GET", NULL, "y?z#f", "GET /y?z HTTP/1.1\r\n", false);
    check_follows(302, "GET", NULL, "http://localhost/y", "GET /y HTTP/1.1\r\n", false);
    check_follows(302, "GET", NULL, "HTTP://LocalHost:80", "GET / HTTP/1.1\r\n", false);
    check_follows(302, "GET", NULL, "//localhost/y", "GET /y HTTP/1.1\r\n", false);
    check_follows(302, "GET", NULL, "http+unix://.%2Fs.sock/y", "GET /y HTTP/1.1\r\n", false);
}
END_TEST

static char unfollowed[64];

static int note_head(const struct sunpath_http_response *response, void *user) {
    const char *why = sunpath_http_response_unfollowed(response);

    (void)user;
    snprintf(unfollowed, sizeof(unfollowed), "%s", why ? why : "");
    return 0;
}

/* The redirect is delivered, with the reason. */
static void check_stays(struct sunpath_http_request_options *options, const char *location,
                        const char *why) {
    struct result result = {0};
    int fd;

    start();
    options->on_head = note_head;
    ask_with(&result, "PUT", options);
    fd = peer_accept();
    peer_head(fd);
    redirect(fd, 307, location);
    finish(&result);
    ck_assert_int_eq(result.code, 0);
    ck_assert_int_eq(result.status, 307);
    ck_assert_str_eq(result.body, "body");
    ck_assert_str_eq(unfollowed, why);
    close(fd);
    stop();
}

START_TEST(places_elsewhere) {
    struct sunpath_http_request_options options = following(5), off = following(0);

    check_stays(&options, "http://example.org/y", "it leads to another host");
    check_stays(&options, "http://localhost:81/y", "it leads to another host");
    check_stays(&options, "http://user@localhost/y", "it leads to another host");
    check_stays(&options, "//other/y", "it leads to another host");
    check_stays(&options, "https://localhost/y", "it leads to another scheme");
    check_stays(&options, "file:///etc/passwd", "it leads to another scheme");
    check_stays(&options, "http:y", "its Location is malformed");
    check_stays(&options, "http+unix://%2Frun%2Fother.sock/y", "it leads to another socket");
    check_stays(&off, "/y", "");
}
END_TEST

START_TEST(a_redirect_that_says_not_where) {
    struct sunpath_http_request_options options = following(5);
    struct result result = {0};
    int fd;

    start();
    options.on_head = note_head;
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n");
    finish(&result);
    ck_assert_int_eq(result.status, 302);
    ck_assert_str_eq(unfollowed, "it has no Location");
    close(fd);
    stop();
}
END_TEST

START_TEST(a_circle_ends) {
    struct sunpath_http_request_options options = following(3);
    struct result result = {0};
    int fd;

    start();
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    for (int i = 0; i < 4; i++) {
        peer_head(fd);
        redirect(fd, 302, "/x y");
    }
    expect_error(&result, -ELOOP, "redirected 3 times, and once more to '/x%20y'");
    close(fd);
    stop();
}
END_TEST

/* The connection that carried the redirect cannot be used again. */
static void check_reconnects(const char *answer) {
    struct sunpath_http_request_options options = following(3);
    struct result result = {0};
    int fds[2];

    start();
    ask_with(&result, "GET", &options);
    fds[0] = peer_accept();
    peer_head(fds[0]);
    peer_write(fds[0], answer);
    fds[1] = peer_accept();
    ck_assert(peer_is_closed(fds[0]));
    ck_assert_int_eq(strncmp(peer_head(fds[1]), "GET /y ", 7), 0);
    peer_write(fds[1], OK);
    expect_ok(&result);
    close(fds[0]);
    close(fds[1]);
    stop();
}

START_TEST(a_redirect_may_cost_the_connection) {
    check_reconnects("HTTP/1.1 302 x\r\nLocation: /y\r\nConnection: close\r\n"
                     "Content-Length: 0\r\n\r\n");
    check_reconnects("HTTP/1.1 302 x\r\nLocation: /y\r\n\r\nuntil the end");
    check_reconnects("HTTP/1.1 302 x\r\nLocation: /y\r\nContent-Length: 99999999\r\n\r\nbegin");
    /* a second answer is hidden behind the first */
    check_reconnects("HTTP/1.1 302 x\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n" OK);
}
END_TEST

START_TEST(a_redirect_that_breaks_off_is_followed) {
    struct sunpath_http_request_options options = following(3);
    struct result result = {0};
    int fd;

    start();
    ask_with(&result, "GET", &options);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, "HTTP/1.1 302 x\r\nLocation: /y\r\nContent-Length: 10\r\n\r\nabc");
    close(fd);
    fd = peer_accept();
    peer_head(fd);
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

/* ---- bodies from a source -------------------------------------------------------------------- */

static int n_rewound;
static size_t n_given;

static ssize_t give(void *user, void *buffer, size_t size) {
    size_t n = 5 - n_given;

    (void)user;
    n = n < size ? n : size;
    memcpy(buffer, "hello" + n_given, n);
    n_given += n;
    return (ssize_t)n;
}

static int give_again(void *user) {
    (void)user;
    n_rewound++;
    n_given = 0;
    return 0;
}

START_TEST(a_source_is_put_back_or_stays) {
    struct sunpath_http_request_options options = following(3);
    struct result result = {0};
    int fd;

    options.read_body = give;
    options.body_length = 5;
    check_stays(&options, "/y", "the body cannot be sent again");

    n_given = 0;
    start();
    options.rewind_body = give_again;
    ask_with(&result, "POST", &options);
    fd = peer_accept();
    peer_read(fd, "hello");
    redirect(fd, 307, "/y");
    ck_assert_int_eq(strncmp(peer_read(fd, "hello"), "POST /y ", 8), 0);
    ck_assert_int_eq(n_rewound, 1);
    peer_write(fd, OK);
    expect_ok(&result);

    result = (struct result){0}; /* the same when a kept connection is lost */
    n_given = 0;
    ask_with(&result, "PUT", &options);
    peer_read(fd, "hello");
    close(fd);
    fd = peer_accept();
    peer_read(fd, "hello");
    ck_assert_int_eq(n_rewound, 2);
    peer_write(fd, OK);
    expect_ok(&result);
    close(fd);
    stop();
}
END_TEST

/* ---- the program's word ---------------------------------------------------------------------- */

static int on_redirect(const struct sunpath_http_response *response, const char *target,
                       void *user) {
    ck_assert_int_eq(sunpath_http_response_status(response), 302);
    ck_assert_str_eq(target, "/y");
    return *(int *)user;
}

START_TEST(the_program_decides) {
    struct sunpath_http_request_options options = following(3);
    struct result results[3] = {0};
    int words[] = {1, -EXDEV, 0};
    int fd;

    for (size_t i = 0; i < 3; i++) {
        start();
        options.on_redirect = on_redirect;
        options.user = &words[i];
        ask_with(&results[i], "GET", &options);
        fd = peer_accept();
        peer_head(fd);
        redirect(fd, 302, "/y");
        if (words[i] == 0) {
            peer_head(fd);
            peer_write(fd, OK);
        }
        finish(&results[i]);
        close(fd);
        stop();
    }
    ck_assert_int_eq(results[0].status, 302);
    ck_assert_int_eq(results[1].code, -EXDEV);
    ck_assert_int_eq(results[2].status, 200);
}
END_TEST

SP_TESTS("http-client-redirect", methods_and_bodies, places_on_the_same_socket, places_elsewhere,
         a_redirect_that_says_not_where, a_circle_ends, a_redirect_may_cost_the_connection,
         a_redirect_that_breaks_off_is_followed, a_source_is_put_back_or_stays, the_program_decides)
