/* SPDX-License-Identifier: MIT */
/* test-http-client-queue.c - requests that end early: in each of their callbacks, and but once. */

#include "http-peer.h"

#include "wire/content-coding.h"

/* ---- a server that makes a client call all there is to call ---------------------------------- */

#define N_PEERS 8

static struct {
    int fd;
    char text[4096];
    size_t n;
} peers[N_PEERS];
static int n_stale, n_peers;

/* The answer to /x, which is large enough that decoding it takes several calls. */
static void answer_coded(int fd) {
    static char zeros[40000];
    char data[256], head[256];
    struct sp_coder_io io = {
        .in = zeros, .n_in = sizeof(zeros), .out = data, .n_out = sizeof(data)};
    struct sp_encoder *encoder;
    int n;

    ck_assert_int_eq(sp_encoder_new(&encoder, sp_coding_find("gzip", 4), 0), 0);
    ck_assert_int_eq(sp_encoder_step(encoder, &io, SP_CODER_FINISH), 0);
    sp_encoder_free(encoder);
    n = snprintf(head, sizeof(head),
                 "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 sizeof(data) - io.n_out);
    memcpy(head + n, data, sizeof(data) - io.n_out);
    send(fd, head, (size_t)n + sizeof(data) - io.n_out, MSG_NOSIGNAL);
}

/* The first request gets OK, the next no answer, the next is sent elsewhere. */
static void answer(int i) {
    static const char moved[] = "HTTP/1.1 307 x\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n";

    if (strstr(peers[i].text, "GET ")) {
        send(peers[i].fd, OK, strlen(OK), MSG_NOSIGNAL);
    } else if (n_stale++ == 0) {
        close(peers[i].fd);
        peers[i].fd = -1;
    } else if (strstr(peers[i].text, " /x ")) {
        send(peers[i].fd, moved, strlen(moved), MSG_NOSIGNAL);
    } else {
        answer_coded(peers[i].fd);
    }
    peers[i].n = 0;
}

static void listen_to(int i) {
    ssize_t n = recv(peers[i].fd, peers[i].text + peers[i].n,
                     sizeof(peers[i].text) - 1 - peers[i].n, MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        close(peers[i].fd);
        peers[i].fd = -1;
    } else if (n > 0) {
        peers[i].n += (size_t)n;
        peers[i].text[peers[i].n] = '\0';
        if (strstr(peers[i].text, "GET ") ? !!strstr(peers[i].text, "\r\n\r\n")
                                          : !!strstr(peers[i].text, "\r\n0\r\n\r\n")) {
            answer(i);
        }
    }
}

static void serve(void) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0) {
        ck_assert_int_lt(n_peers, N_PEERS);
        peers[n_peers].n = 0;
        peers[n_peers++].fd = fd;
    }
    for (int i = 0; i < n_peers; i++) {
        if (peers[i].fd >= 0) {
            listen_to(i);
        }
    }
    turn();
}

static void stop_serving(void) {
    stop();
    for (int i = 0; i < n_peers; i++) {
        if (peers[i].fd >= 0) {
            close(peers[i].fd);
        }
    }
    n_peers = n_stale = 0;
}

/* ---- callbacks, the one of which that is due does it ----------------------------------------- */

static void (*act)(void);
static int n_calls, due;
static struct sunpath_http_request *own;
static struct result asked, other;

static void called(void) {
    ck_assert_msg(asked.n_done == 0, "call %d of a request that is over", n_calls);
    if (n_calls++ == due) {
        act();
    }
}

static int on_start(const char *head, size_t n_head, const struct sunpath_peer *peer, void *user) {
    (void)head;
    (void)n_head;
    (void)peer;
    (void)user;
    called();
    return 0;
}

static int on_response(const struct sunpath_http_response *response, void *user) {
    (void)user;
    called();
    ck_assert_int_ne(sunpath_http_response_status(response), 307);
    return 0;
}

static int on_redirect(const struct sunpath_http_response *response, const char *target,
                       void *user) {
    (void)user;
    called();
    ck_assert_int_eq(sunpath_http_response_status(response), 307);
    ck_assert_str_eq(target, "/y");
    return 0;
}

static int on_piece(const struct sunpath_http_response *response, const void *data, size_t size,
                    void *user) {
    (void)user;
    called();
    ck_assert_int_eq(sunpath_http_response_status(response), 200);
    ck_assert_int_eq(((const char *)data)[size - 1], 0);
    return 0;
}

static struct sunpath_http_form *form;
static int n_read;

static ssize_t read_source(void *user, void *buffer, size_t n_buffer) {
    (void)user;
    (void)n_buffer;
    called();
    memcpy(buffer, "abc", 3);
    return n_read++ == 0 ? 3 : 0;
}

static int rewind_source(void *user) {
    (void)user;
    n_read = 0;
    called();
    return 0;
}

static void cancel(void) {
    sunpath_http_request_cancel(own);
}

static void free_client(void) {
    client = sunpath_http_client_free(client);
}

static void do_nothing(void) {
}

static void free_form(struct result *result) {
    (void)result;
    form = sunpath_http_form_free(form);
}

static void make_form(void) {
    struct sunpath_http_form_part part = SUNPATH_OPTIONS(struct sunpath_http_form_part);

    ck_assert_int_eq(sunpath_http_form_new(&form), 0);
    part.name = "a";
    part.read = read_source;
    part.rewind = rewind_source;
    ck_assert_int_eq(sunpath_http_form_add(form, &part), 0);
    ck_assert_int_eq(sunpath_http_form_add_field(form, "b", "c"), 0);
}

static struct sunpath_http_request_options with_everything(void) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);

    n_read = 0;
    options.form = form;
    options.read_body = form ? NULL : read_source;
    options.rewind_body = form ? NULL : rewind_source;
    options.on_start = on_start;
    options.on_head = on_response;
    options.on_redirect = on_redirect;
    options.on_body = on_piece;
    options.max_redirects = 1;
    options.decode = true;
    options.ret_request = &own;
    return options;
}

/* One request with all of them, on a connection that is lost, and another that waits behind it. */
static void run(void (*how)(void), int when, bool has_form) {
    struct sunpath_http_request_options options;
    struct result first = {0};

    start_alone(NULL, 16);
    ask(&first, "GET");
    while (first.n_done == 0) {
        serve();
    }
    act = how;
    due = when;
    n_calls = 0;
    asked = (struct result){.then = free_form}; /* nobody needs it any more */
    other = (struct result){0};
    if (has_form) {
        make_form();
    }
    options = with_everything();
    ask_with(&asked, "PUT", &options);
    ask(&other, "GET");
    while (asked.n_done == 0 || other.n_done == 0) {
        serve();
    }
    serve();
    ck_assert_int_eq(asked.n_done + other.n_done, 2);
    stop_serving();
}

START_TEST(a_request_may_end_in_any_callback) {
    for (int has_form = 0; has_form < 2; has_form++) {
        int n;

        run(do_nothing, -1, has_form);
        ck_assert_msg(asked.code == 0, "%s", asked.error.text);
        n = n_calls;
        ck_assert_int_ge(n, 16);
        for (int i = 0; i < n; i++) {
            run(cancel, i, has_form);
            ck_assert_int_eq(asked.code, -ECANCELED);
            expect_ok(&other);
            run(free_client, i, has_form);
            ck_assert_int_eq(asked.code, -ECANCELED);
            ck_assert_int_eq(other.code, -ECANCELED);
            ck_assert_int_eq(n_calls, i + 1);
        }
    }
}
END_TEST

SP_TESTS("http-client-queue", a_request_may_end_in_any_callback)
