/* SPDX-License-Identifier: MIT */
/* test-http-repeat.c - heads that come again are answered as if each had been parsed. */

#include "routing.h"

#define AGAIN   "GET /echo HTTP/1.1\r\nHost: x\r\nAccept: a/b\r\n\r\n"
#define N_HEARD 65536

static int n_again; /* requests behind which their head came once more */
static int n_turns; /* of "/turns" */
static int noted_key;

/* ---- what the routes do ---------------------------------------------------------------------- */

/* Everything that could be left of the request before, or be missing because of it. */
static void tell(struct sunpath_http_exchange *exchange, void *user) {
    static int key;
    const char *name, *value;
    char text[2048];
    size_t n, n_body;
    const char *body = sunpath_http_body(exchange, &n_body);

    n = (size_t)snprintf(text, sizeof(text), "%s %s %s %d %lld %.*s;%s", (const char *)user,
                         sunpath_http_method(exchange), sunpath_http_target(exchange),
                         sunpath_http_version(exchange),
                         (long long)sunpath_http_content_length(exchange), (int)n_body, body,
                         sunpath_http_route(exchange));
    for (size_t i = 0; sunpath_http_header_at(exchange, i, &name, &value); i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%s", name, value);
    }
    for (size_t i = 0; sunpath_http_param_at(exchange, i, &name, &value); i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %s:%s", name, value);
    }
    ck_assert_ptr_null(sunpath_http_user(exchange));
    ck_assert_ptr_null(sunpath_http_note(exchange, &key));
    sunpath_http_set_user(exchange, text);
    ck_assert_int_eq(sunpath_http_set_note(exchange, &key, text), 0);
    n_again += exchange->n_repeats > 0;
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, "text/plain", text, n), 0);
}

static void tell_more(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X-More", "yes"), 0);
    tell(exchange, user);
}

static void stream(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_start(exchange, 201, -1), 0);
    ck_assert_int_eq(sunpath_http_write(exchange, "in pieces", 9), 0);
    ck_assert_int_eq(sunpath_http_add_header(exchange, "X-Trailer", "yes"), 0);
    ck_assert_int_eq(sunpath_http_end(exchange), 0);
}

static void refuse(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_fail(exchange, 418, "a teapot"), 0);
}

/* A route whose exchanges are told of their beginning and end. */
static void note_head(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_http_set_note(exchange, &noted_key, user), 0);
}

static void note_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    ck_assert_ptr_eq(sunpath_http_note(exchange, &noted_key), user);
    note("%s %s %d;", (const char *)user, sunpath_http_target(exchange), error);
}

static const struct sunpath_http_handler noting = {
    .on_head = note_head,
    .on_request = tell,
    .on_finish = note_finish,
};

/* The same head may lead elsewhere the next time: a rewrite is not the head's. */
static void turn(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    if (strcmp(sunpath_http_target(exchange), "/turns") == 0 && n_turns++ % 3 > 0) {
        ck_assert_int_eq(sunpath_http_rewrite(exchange, n_turns % 3 == 2 ? "/one" : "/other"), 0);
    }
}

static void turn_and_route(struct sunpath_http_exchange *exchange, void *user) {
    turn(exchange, NULL);
    sunpath_router_handler()->on_head(exchange, user);
}

static const char *const requests[] = {
    AGAIN,
    "\r\n" AGAIN,
    "GET /echo HTTP/1.1\r\nHost: x\r\nAccept: a/c\r\n\r\n",
    "HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /echo?a=b HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /users/7 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /more HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /fail HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /later HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /turns HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /noted HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /none HTTP/1.1\r\nHost: x\r\n\r\n",
    "PUT /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nT: "
    "u\r\n\r\n",
    "POST /fail HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n",
    /* From here on the connection ends. */
    "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /echo HTTP/1.0\r\n\r\n",
    "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /echo HTTP/1.1\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: x\r\nbad line\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHo",
};
#define N_REQUESTS (sizeof(requests) / sizeof(requests[0]))
#define N_LASTING  22

/* ---- both ways ------------------------------------------------------------------------------- */

static void on_record(struct sunpath_http_exchange *exchange,
                      const struct sunpath_http_record *record, void *user) {
    size_t n_head;
    const char *head = sunpath_http_head(exchange, &n_head);

    (void)user;
    if (record->error == -EBADMSG) {
        return; /* told at once, also before answers that have yet to leave */
    }
    note("%d %d %s %zu %.4s;", record->status, record->error, record->route ? record->route : "-",
         n_head, head);
}

/* Who has a say beside the router. */
enum company {
    ALONE,
    WITH_REWRITES,
    WITH_OBSERVER
};

static void open_routes(enum company company, const struct sunpath_http_server_options *options) {
    static const struct sunpath_http_observer observer = {.on_begin = turn, .on_record = on_record};
    static struct sunpath_http_handler rewriting;

    router = new_router(false, false);
    sunpath_router_on(router, "GET|POST /echo", tell, "echo");
    sunpath_router_on(router, "GET /users/:id", tell, "user");
    sunpath_router_on(router, "GET /more", tell_more, "more");
    sunpath_router_on(router, "GET /turns", tell, "turns");
    sunpath_router_on(router, "GET /one", tell, "one");
    sunpath_router_on(router, "GET /other", tell, "other");
    sunpath_router_on(router, "GET /stream", stream, NULL);
    sunpath_router_on(router, "GET|POST /fail", refuse, NULL);
    sunpath_router_on(router, "GET /later", hold, NULL);
    sunpath_router_add(router, "GET /noted", &noting, "noted", NULL);
    routing_open(options);
    rewriting = *sunpath_router_handler();
    rewriting.on_head = turn_and_route;
    if (company == WITH_REWRITES) {
        serving.server->handler = &rewriting;
    }
    serving.log[0] = '\0';
    n_again = n_turns = 0;
    if (company == WITH_OBSERVER) {
        ck_assert_int_eq(sunpath_http_server_observe(serving.server, &observer, NULL), 0);
    }
}

static void settle_answering(void) {
    settle();
    while (serving.held) {
        answer_held("later");
        settle();
    }
}

/* The server may have ended the connection before all is said. */
static void say_if_heard(int fd, const char *text) {
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    settle_answering();
}

/* All that was answered, without dates. */
static void hear_rest(int fd, char *ret) {
    char *date;

    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    settle_answering();
    snprintf(ret, N_HEARD, "%s", hear(fd, NULL));
    while ((date = strstr(ret, "\r\nDate: "))) {
        char *behind = strstr(date + 2, "\r\n");

        memmove(date, behind, strlen(behind) + 1);
    }
    close(fd);
    settle();
}

/* Picks of `requests`, each some times, ended by NULL. */
static void pick(const char **ret) {
    size_t n = 0;

    for (int i = rand() % 6; i >= 0; i--) {
        const char *request = requests[(size_t)rand() % (rand() % 8 ? N_LASTING : N_REQUESTS)];

        for (int j = rand() % 4; j >= 0; j--) {
            ret[n++] = request;
        }
    }
    ret[n] = NULL;
}

struct heard {
    char text[N_HEARD];
    char log[sizeof(serving.log)];
};

enum way {
    AT_ONCE,
    ONE_BY_ONE,
    PARSED
};

/* What the server says to them on one connection. */
static void try(struct heard *ret, const char *const *picked, enum way way) {
    char all[N_HEARD] = "";
    int fd = client();

    serving.log[0] = '\0';
    n_turns = 0;
    for (size_t i = 0; picked[i]; i++) {
        if (way == AT_ONCE) {
            strcat(all, picked[i]);
            continue;
        }
        if (way == PARSED) {
            sp_http_forget_all(serving.server);
        }
        say_if_heard(fd, picked[i]);
    }
    say_if_heard(fd, all);
    hear_rest(fd, ret->text);
    memcpy(ret->log, serving.log, sizeof(ret->log));
}

static void check_same(const struct heard *heard, const struct heard *expected, const char *how) {
    ck_assert_msg(strcmp(heard->text, expected->text) == 0, "%s:\n%s\n\nparsed:\n%s", how,
                  heard->text, expected->text);
    ck_assert_str_eq(heard->log, expected->log);
}

/* All ways, and once more when the server remembers the heads. */
static void compare(const char *const *picked, enum company company) {
    static struct heard parsed, heard;

    open_routes(company, NULL);
    try(&parsed, picked, PARSED);
    ck_assert_int_eq(n_again, 0);
    for (int i = 0; i < 2; i++) {
        try(&heard, picked, AT_ONCE);
        check_same(&heard, &parsed, "at once");
        try(&heard, picked, ONE_BY_ONE);
        check_same(&heard, &parsed, "one by one");
    }
    routing_close();
}

START_TEST(heads_that_come_again_mean_the_same) {
    const char *picked[32];

    srand(9112);
    for (int i = 0; i < 600; i++) {
        pick(picked);
        compare(picked, (enum company)(i % 3));
    }
}
END_TEST

START_TEST(only_equal_heads_without_a_body_come_again) {
    int fd;

    open_routes(ALONE, NULL);
    fd = client();
    say(fd, AGAIN AGAIN AGAIN "GET /echo HTTP/1.1\r\nHost: x\r\nAccept: a/c\r\n\r\n");
    hear(fd, "Accept=a/c");
    ck_assert_int_eq(n_again, 2);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2");
    hear(fd, " 1 2;");
    ck_assert_int_eq(n_again, 2);
    close(fd);
    routing_close();
}
END_TEST

/* A body may look just like the head it follows. */
START_TEST(a_body_is_no_head) {
    const char text[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 52\r\n\r\n";
    int fd;

    ck_assert_uint_eq(strlen(text), 52);
    open_routes(ALONE, NULL);
    fd = client();
    say(fd, text);
    say(fd, text);
    say(fd, GET("/none"));
    ck_assert_ptr_nonnull(strstr(hear(fd, "404 Not Found"), " 52 POST /echo HTTP/1.1\r\n"));
    ck_assert_int_eq(n_again, 0);
    close(fd);
    routing_close();
}
END_TEST

START_TEST(limits_count_them_all) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    char heard[N_HEARD];
    struct sunpath_http_stats stats;
    int fd;

    options.max_requests = 3;
    open_routes(ALONE, &options);
    fd = client();
    say(fd, AGAIN AGAIN AGAIN AGAIN AGAIN);
    hear_rest(fd, heard);
    sunpath_http_server_stats(serving.server, &stats);
    ck_assert_uint_eq(stats.n_requests, 3);
    ck_assert_uint_eq(stats.n_received, 3 * strlen(AGAIN));
    ck_assert_uint_eq(stats.n_in_flight, 0);
    ck_assert_ptr_nonnull(strstr(heard, "Connection: close"));
    routing_close();
}
END_TEST

static int n_let_in;

/* Decides by more than the head, and then is out of it. */
static void let_two_in(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    if (n_let_in++ == 2) {
        ck_assert_int_eq(sunpath_http_fail(exchange, 403, "enough"), 0);
        return;
    }
    ck_assert_int_eq(sunpath_http_set_handler(exchange, sunpath_router_handler(), router), 0);
    sunpath_router_handler()->on_head(exchange, router);
}

START_TEST(whoever_hands_it_to_a_router_is_asked_each_time) {
    static const struct sunpath_http_handler gate = {.on_head = let_two_in, .on_request = tell};
    int fd;

    open_routes(ALONE, NULL);
    serving.server->handler = &gate;
    n_let_in = 0;
    fd = client();
    say(fd, AGAIN AGAIN AGAIN);
    ck_assert_ptr_nonnull(strstr(hear(fd, "enough"), "403 Forbidden"));
    ck_assert_int_eq(n_let_in, 3);
    close(fd);
    routing_close();
}
END_TEST

/* From the third time on, also on another connection, and also when it comes byte by byte. */
START_TEST(heads_are_remembered) {
    const struct sunpath_http_exchange *memory = NULL;
    int fd;

    open_routes(ALONE, NULL);
    fd = client();
    for (int i = 0; i < 4; i++) {
        for (const char *at = AGAIN; *at; at++) {
            say_bytes(fd, at, 1);
            settle();
        }
        hear(fd, "Accept=a/b");
    }
    for (size_t i = 0; i < SP_HTTP_MEMORIES; i++) {
        memory = memory ? memory : serving.server->memories[i].exchange;
    }
    ck_assert_ptr_nonnull(memory);
    ck_assert_uint_eq(serving.server->n_memories, 1);
    ck_assert_uint_eq(memory->n_head, strlen(AGAIN));
    ck_assert_str_eq(memory->way->route, "/echo");
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(memory->way->route, "/echo"); /* one that came once changes nothing */
        say(fd, "GET /more HTTP/1.1\r\nHost: x\r\nAccept: a/b\r\n\r\n");
        ck_assert_ptr_nonnull(strstr(hear(fd, "Accept=a/b"), "X-More"));
    }
    ck_assert_str_eq(memory->way->route, "/more");
    close(fd);
    routing_close();
}
END_TEST

/* What does not fit is parsed each time. */
START_TEST(long_heads_are_not_remembered) {
    char text[SP_HTTP_MAX_MEMORY + 128];
    int fd;

    snprintf(text, sizeof(text), "GET /stream HTTP/1.1\r\nHost: x\r\nX-Long: %0*d\r\n\r\n",
             SP_HTTP_MAX_MEMORY, 0);
    open_routes(ALONE, NULL);
    fd = client();
    for (int i = 0; i < 3; i++) {
        say(fd, text);
        hear(fd, "X-Trailer: yes");
    }
    ck_assert_uint_eq(serving.server->n_memories, 0);
    close(fd);
    routing_close();
}
END_TEST

/* ---- in the middle of them ------------------------------------------------------------------- */

static int n_asked, fd_of_client;

/* The third is treated as `user` says. */
static void act(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_http_observer observer = {.on_record = on_record};
    const char *what = user;
    bool is_third = ++n_asked == 3;

    if (!is_third) {
        echo(exchange, NULL);
    } else if (strcmp(what, "free") == 0) {
        serving.server = sunpath_http_server_free(serving.server);
    } else if (strcmp(what, "drain") == 0) {
        sunpath_http_server_drain(serving.server, 1000, count_drained, NULL);
        echo(exchange, NULL);
    } else if (strcmp(what, "abort") == 0) {
        ck_assert_int_eq(sunpath_http_abort(exchange), 0);
    } else if (strcmp(what, "later") == 0) {
        hold(exchange, NULL);
    } else if (strcmp(what, "observe") == 0) {
        ck_assert_int_eq(sunpath_http_server_observe(serving.server, &observer, NULL), 0);
        echo(exchange, NULL);
    } else if (strcmp(what, "leave") == 0) {
        close(fd_of_client);
        fd_of_client = -1;
        echo(exchange, NULL);
    }
}

static int count(const char *text, const char *what) {
    int n = 0;

    for (; (text = strstr(text, what)); text++) {
        n++;
    }
    return n;
}

START_TEST(a_handler_may_do_anything_amid_them) {
    static const struct {
        const char *what;
        int n_asked, n_answered;
    } cases[] = {{"free", 3, 0},  {"drain", 3, 3},   {"abort", 3, 2},
                 {"later", 5, 5}, {"observe", 5, 5}, {"leave", 5, 0}};

    for (size_t i = 0; i < 2 * (sizeof(cases) / sizeof(cases[0])); i++) {
        const char *what = cases[i / 2].what;
        struct sunpath_http_handler handler = {.on_request = act};

        handler.on_finish = i % 2 ? count_finish : NULL;
        router = new_router(false, false);
        sunpath_router_add(router, "GET /echo", &handler, (void *)(uintptr_t)what, NULL);
        routing_open(NULL);
        n_asked = serving.n_finished = 0;
        fd_of_client = client();
        say(fd_of_client, AGAIN AGAIN AGAIN AGAIN AGAIN);
        settle_answering();
        ck_assert_msg(n_asked == cases[i / 2].n_asked, "%s: %d", what, n_asked);
        if (fd_of_client >= 0) {
            shutdown(fd_of_client, SHUT_WR);
            settle();
            if (serving.server) {
                int n = count(hear(fd_of_client, NULL), "200 OK");

                ck_assert_msg(n == cases[i / 2].n_answered, "%s: %d", what, n);
            }
            close(fd_of_client);
        }
        settle();
        ck_assert_int_eq(serving.n_finished, i % 2 ? n_asked : 0);
        routing_close();
    }
}
END_TEST

SP_TESTS("http-repeat", heads_are_remembered, long_heads_are_not_remembered,
         heads_that_come_again_mean_the_same, only_equal_heads_without_a_body_come_again,
         a_body_is_no_head, limits_count_them_all, whoever_hands_it_to_a_router_is_asked_each_time,
         a_handler_may_do_anything_amid_them)
