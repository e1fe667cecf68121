/* SPDX-License-Identifier: MIT */
/* test-router-dispatch.c - middleware, handing over to routes, and error stages. */

#include "routing.h"

/* ---- middleware ------------------------------------------------------------------------------ */

static void pass(struct sunpath_http_exchange *exchange, void *user) {
    note("%s[%s|%s]%s;", (const char *)user, sunpath_http_base_path(exchange),
         sunpath_http_local_path(exchange),
         sunpath_http_param(exchange, "id") ? sunpath_http_param(exchange, "id") : "");
    ck_assert_int_eq(sunpath_router_next(exchange), 0);
}

static void refuse(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_fail(exchange, 401, "who are you"), 0);
    ck_assert_int_eq(sunpath_router_next(exchange), -EALREADY);
    ck_assert_int_eq(sunpath_router_wait(exchange, NULL, NULL), -EALREADY);
}

static void use(struct sunpath_router *in, const char *prefix,
                void (*middleware)(struct sunpath_http_exchange *exchange, void *user),
                const char *user) {
    ck_assert_int_eq(sunpath_router_use(in, prefix, middleware, (void *)user), 0);
}

static struct sunpath_router *mount(const char *prefix) {
    struct sunpath_router *child = new_router(false, false);

    ck_assert_int_eq(sunpath_router_mount(router, prefix, child, NULL), 0);
    return child;
}

static void await_note(const char *text) {
    while (!strstr(serving.log, text)) {
        sunpath_loop_dispatch(serving.loop, 1000);
    }
}

static const char *log_of(const char *request) {
    serving.log[0] = '\0';
    (void)answer(request);
    return serving.log;
}

START_TEST(middleware_runs_from_the_outside_in) {
    struct sunpath_router *child;

    router = new_router(false, false);
    on(router, "GET /plain");
    child = mount("/api/:id");
    on(child, "GET /x");
    use(child, NULL, pass, "c");
    use(child, "/x", pass, "cx");
    use(router, NULL, pass, "a");
    use(router, "/api", pass, "b");
    use(router, "/:any/1{/x}", pass, "p");
    routing_open(NULL);
    ck_assert_str_eq(log_of("GET /plain"), "a[|/plain];");
    ck_assert_str_eq(log_of("GET /api/1/x"),
                     "a[|/api/1/x]1;b[|/api/1/x]1;p[|/api/1/x]1;c[/api/1|/x]1;cx[/api/1|/x]1;");
    ck_assert_str_eq(log_of("GET /%61pi/2/%78"),
                     "a[|/%61pi/2/%78]2;b[|/%61pi/2/%78]2;c[/%61pi/2|/%78]2;cx[/%61pi/2|/%78]2;");
    ck_assert_str_eq(answer("GET /api/1/x"), "200 - /api/:id/x [/api/1|/x] id=1");
    /* Before what no route takes, too. */
    ck_assert_str_eq(log_of("GET /none"), "a[|/none];");
    ck_assert_str_eq(log_of("GET /api/2/none"), "a[|/api/2/none];b[|/api/2/none];c[/api/2|/none];");
    ck_assert_str_eq(log_of("PUT /plain"), "a[|/plain];");
    ck_assert_str_eq(log_of("OPTIONS /plain"), "a[|/plain];");
    ck_assert_str_eq(log_of("OPTIONS *"), "a[|*];");
    ck_assert_str_eq(log_of("GET /%"), "a[|/%];");
    routing_close();
}
END_TEST

START_TEST(a_middleware_that_answers_ends_it) {
    int fd;

    router = new_router(false, false);
    use(router, NULL, pass, "a");
    use(router, "/secret", refuse, NULL);
    use(router, NULL, pass, "z");
    on(router, "/*path");
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /secret/x"), "401 who are you");
    ck_assert_str_eq(serving.log, "a[|/secret/x];");
    ck_assert_str_eq(answer("GET /secrets"), "200 - /*path [|/secrets] path=secrets");

    /* Before the body: who waits for "100 Continue" never sends it. */
    fd = client();
    say(fd, "PUT /secret HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
    ck_assert_int_eq(strncmp(hear(fd, NULL), "HTTP/1.1 401 ", 13), 0);
    close(fd);
    fd = client();
    say(fd, "PUT /open HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    hear(fd, "100 Continue\r\n\r\n");
    say(fd, "body");
    hear(fd, "path=open body");
    close(fd);
    settle();
    routing_close();
}
END_TEST

static void pass_twice(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_router_next(exchange), 0);
    ck_assert_int_eq(sunpath_router_next(exchange), -EALREADY);
    ck_assert_int_eq(sunpath_router_wait(exchange, NULL, NULL), -EALREADY);
}

static void show_and_pass(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_router_next(exchange), -EALREADY);
    show(exchange, user);
    ck_assert_int_eq(sunpath_router_next(exchange), -EALREADY);
}

START_TEST(going_on_twice_changes_nothing) {
    router = new_router(false, false);
    use(router, "/a", pass_twice, NULL);
    use(router, "/a", refuse, NULL);
    ck_assert_int_eq(sunpath_router_on(router, "/a", show_and_pass, NULL), 0);
    ck_assert_int_eq(sunpath_router_on(router, "/b", show_and_pass, NULL), 0);
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /a"), "401 who are you");
    ck_assert_str_eq(answer("GET /b"), "200 - /b [|/b]");
    routing_close();
}
END_TEST

static void do_nothing(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange;
    (void)user;
}

static void note_fault(struct sunpath_http_exchange *exchange, const char *what, void *user) {
    (void)exchange;
    (void)user;
    note("%s;", what);
}

START_TEST(a_middleware_that_does_nothing_is_a_fault) {
    static const struct sunpath_http_observer observer = {.on_fault = note_fault};

    router = new_router(false, false);
    use(router, NULL, do_nothing, NULL);
    on(router, "/a");
    routing_open(NULL);
    ck_assert_int_eq(sunpath_http_server_observe(serving.server, &observer, NULL), 0);
    ck_assert_str_eq(answer("GET /a"), "500 Internal Server Error");
    ck_assert_str_eq(serving.log,
                     "a middleware neither answered nor passed the request on nor waits;");
    routing_close();
}
END_TEST

static void take_over_request(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_router_next(exchange), -EALREADY);
    show(exchange, user);
}

static void take_over(struct sunpath_http_exchange *exchange, void *user) {
    static const struct sunpath_http_handler handler = {.on_request = take_over_request};

    ck_assert_int_eq(sunpath_http_set_handler(exchange, &handler, user), 0);
}

static void start_answer(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    ck_assert_int_eq(sunpath_http_start(exchange, 200, 4), 0);
    serving.held = exchange;
}

START_TEST(a_middleware_may_keep_the_exchange) {
    int fd;

    router = new_router(false, false);
    use(router, "/taken", take_over, "mine");
    use(router, "/begun", start_answer, NULL);
    on(router, "/*path");
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /taken"), "200 mine /*path [|/taken] path=taken");
    fd = client();
    say(fd, GET("/begun"));
    hear(fd, "\r\n\r\n");
    settle();
    ck_assert_int_eq(sunpath_router_next(serving.held), -EALREADY);
    ck_assert_int_eq(sunpath_http_write(serving.held, "done", 4), 0);
    ck_assert_int_eq(sunpath_http_end(serving.held), 0);
    hear(fd, "done");
    say(fd, GET("/other"));
    hear(fd, "path=other");
    close(fd);
    settle();
    routing_close();
}
END_TEST

/* ---- middleware that waits ------------------------------------------------------------------- */

static struct sunpath_http_exchange *waiting;

static void gone(struct sunpath_http_exchange *exchange, int error, void *data) {
    ck_assert_ptr_eq(exchange, waiting);
    note("%s gone %s;", (const char *)data, error ? strerror(-error) : "well");
    waiting = NULL;
}

static void wait(struct sunpath_http_exchange *exchange, void *user) {
    note("%s waits;", (const char *)user);
    ck_assert_int_eq(sunpath_router_wait(exchange, gone, user), 0);
    waiting = exchange;
}

static void go_on(void) {
    struct sunpath_http_exchange *exchange = waiting;

    waiting = NULL;
    ck_assert_int_eq(sunpath_router_next(exchange), 0);
    ck_assert_int_eq(sunpath_router_next(exchange), -EALREADY); /* not the next one's */
    ck_assert_ptr_null(waiting);
}

START_TEST(a_middleware_may_decide_later) {
    int fd;

    router = new_router(false, false);
    use(router, NULL, wait, "one");
    use(router, NULL, pass, "two");
    use(router, NULL, wait, "three");
    on(router, "PUT /:id");
    routing_open(NULL);
    fd = client();
    say(fd, "PUT /x%20y HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    settle();
    ck_assert_str_eq(serving.log, "one waits;");
    go_on();
    settle();
    ck_assert_str_eq(serving.log, "one waits;two[|/x%20y]x y;three waits;");
    go_on();
    hear(fd, "100 Continue\r\n\r\n");
    say(fd, "body");
    hear(fd, "id=x y body");

    /* Two requests at once: the second waits for its turn. */
    serving.log[0] = '\0';
    say(fd, "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
            "PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n2");
    settle();
    go_on();
    settle();
    go_on();
    hear(fd, "id=a 1");
    ck_assert_str_eq(serving.log, "one waits;two[|/a]a;three waits;one waits;");
    go_on();
    settle();
    go_on();
    hear(fd, "id=b 2");
    close(fd);
    settle();
    routing_close();
}
END_TEST

START_TEST(who_waits_may_answer) {
    router = new_router(false, false);
    use(router, NULL, wait, "one");
    on(router, "/a");
    routing_open(NULL);
    for (int i = 0; i < 2; i++) {
        int fd = client();

        serving.log[0] = '\0';
        say(fd, GET("/a"));
        settle();
        if (i == 0) {
            ck_assert_int_eq(sunpath_http_fail(waiting, 403, NULL), 0);
            ck_assert_int_eq(sunpath_router_next(waiting), -EALREADY);
            hear(fd, "Forbidden\n");
        } else {
            ck_assert_int_eq(sunpath_http_respond(waiting, 200, NULL, "early", 5), 0);
            hear(fd, "early");
        }
        settle();
        ck_assert_str_eq(serving.log, "one waits;one gone well;");
        close(fd);
        settle();
    }
    routing_close();
}
END_TEST

static void wait_and_answer(struct sunpath_http_exchange *exchange, void *user) {
    wait(exchange, user);
    ck_assert_int_eq(sunpath_http_respond(exchange, 200, NULL, "ok", 2), 0);
}

static void wait_and_pass(struct sunpath_http_exchange *exchange, void *user) {
    wait(exchange, user);
    waiting = NULL;
    ck_assert_int_eq(sunpath_router_next(exchange), 0);
}

static void wait_and_take(struct sunpath_http_exchange *exchange, void *user) {
    wait(exchange, user);
    take_over(exchange, user);
}

START_TEST(who_waits_may_decide_at_once) {
    router = new_router(false, false);
    use(router, "/a", wait_and_answer, "a");
    use(router, "/p", wait_and_pass, "p");
    use(router, "/t", wait_and_take, "t");
    on(router, "/*path");
    routing_open(NULL);
    ck_assert_str_eq(answer("GET /a"), "200 ok");
    ck_assert_str_eq(serving.log, "a waits;a gone well;");
    ck_assert_str_eq(answer("GET /p"), "200 - /*path [|/p] path=p");
    ck_assert_str_eq(answer("GET /t"), "200 t /*path [|/t] path=t");
    ck_assert_str_eq(serving.log, "a waits;a gone well;p waits;t waits;");
    routing_close();
}
END_TEST

static void wait_and_pause(struct sunpath_http_exchange *exchange, void *user) {
    wait(exchange, user);
    sunpath_http_pause(exchange);
}

START_TEST(resuming_is_not_going_on) {
    int fd;

    router = new_router(false, false);
    use(router, NULL, wait_and_pause, "one");
    on(router, "PUT /a");
    routing_open(NULL);
    for (int i = 0; i < 2; i++) {
        fd = client();
        say(fd, "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
        settle();
        if (i == 0) {
            sunpath_http_resume(waiting);
            settle();
            go_on();
        } else {
            struct sunpath_http_exchange *exchange = waiting;

            go_on();
            settle();
            sunpath_http_resume(exchange); /* the route waits for that, too */
        }
        hear(fd, "[|/a] body");
        close(fd);
        settle();
    }
    ck_assert_str_eq(serving.log, "one waits;one waits;");
    routing_close();
}
END_TEST

START_TEST(who_waits_hears_of_the_end) {
    int fd;

    router = new_router(false, false);
    use(router, NULL, wait, "one");
    on(router, "/a");
    routing_open(NULL);
    fd = client();
    say(fd, GET("/a"));
    settle();
    close(fd);
    await_note("gone");
    ck_assert_str_eq(serving.log, "one waits;one gone Broken pipe;");

    /* It said next(), but the client is gone before the next step. */
    serving.log[0] = '\0';
    fd = client();
    say(fd, GET("/a"));
    settle();
    go_on();
    sp_http_connection_kill(
        sp_container_of(serving.server->connections.next, struct sp_http_connection, node),
        -ECANCELED);
    settle();
    ck_assert_str_eq(serving.log, "one waits;");
    close(fd);

    serving.log[0] = '\0';
    fd = client();
    say(fd, GET("/a"));
    settle();
    serving.server = sunpath_http_server_free(serving.server);
    ck_assert_str_eq(serving.log, "one waits;one gone Operation canceled;");
    close(fd);
    routing_close();
}
END_TEST

static void free_server(struct sunpath_http_exchange *exchange, void *user) {
    (void)exchange;
    (void)user;
    serving.server = sunpath_http_server_free(serving.server);
}

START_TEST(the_server_may_be_freed_in_middleware) {
    for (int i = 0; i < 2; i++) {
        int fd;

        router = new_router(false, false);
        if (i == 1) {
            use(router, NULL, wait, "one");
        }
        use(router, NULL, free_server, NULL);
        on(router, "/a");
        routing_open(NULL);
        fd = client();
        say(fd, GET("/a"));
        settle();
        if (i == 1) {
            go_on();
        }
        settle();
        ck_assert_ptr_null(serving.server);
        close(fd);
        routing_close();
    }
}
END_TEST

/* ---- routes ---------------------------------------------------------------------------------- */

static void stream_head(struct sunpath_http_exchange *exchange, void *user) {
    note("head %s %s;", (const char *)user, sunpath_http_param(exchange, "id"));
}

static void stream_body(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                        void *user) {
    (void)exchange;
    (void)user;
    note("[%.*s]", (int)size, (const char *)data);
}

static void stream_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    (void)exchange;
    (void)user;
    note("finish %d;", error);
}

static void stream_error(struct sunpath_http_exchange *exchange, int status, const char *why,
                         void *user) {
    (void)user;
    note("route %d;", status);
    if (status == 418) {
        ck_assert_int_eq(sunpath_http_respond(exchange, status, NULL, why, strlen(why)), 0);
    }
}

static const struct sunpath_http_handler streams = {
    .on_head = stream_head,
    .on_body = stream_body,
    .on_request = show,
    .on_error = stream_error,
    .on_finish = stream_finish,
};

START_TEST(a_route_may_stream) {
    for (int i = 0; i < 2; i++) {
        int fd;

        serving.log[0] = '\0';
        router = new_router(false, false);
        if (i == 1) {
            use(router, NULL, pass, "m");
        }
        ck_assert_int_eq(sunpath_router_add(router, "PUT /:id", &streams, "u", NULL), 0);
        routing_open(NULL);
        fd = client();
        say(fd, "PUT /7 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        settle();
        say(fd, "2\r\nde\r\n0\r\n\r\n");
        hear(fd, "id=7");
        settle();
        ck_assert_str_eq(serving.log,
                         i ? "m[|/7]7;head u 7;[abc][de]finish 0;" : "head u 7;[abc][de]finish 0;");
        close(fd);
        settle();
        routing_close();
    }
}
END_TEST

/* ---- error stages ---------------------------------------------------------------------------- */

static void stage(struct sunpath_http_exchange *exchange, int status, const char *why, void *user) {
    char text[256];
    int n = snprintf(text, sizeof(text), "%s says %s", (const char *)user, why);

    note("%s %d;", (const char *)user, status);
    if (status != 405) {
        ck_assert_int_eq(sunpath_http_respond(exchange, status, "text/plain", text, (size_t)n), 0);
    }
}

static void pass_stage(struct sunpath_http_exchange *exchange, int status, const char *why,
                       void *user) {
    (void)exchange;
    (void)why;
    note("%s %d;", (const char *)user, status);
}

static void fail_later(struct sunpath_http_exchange *exchange, void *user) {
    hold(exchange, user);
}

static void fail_now(struct sunpath_http_exchange *exchange, void *user) {
    ck_assert_int_eq(sunpath_http_fail(exchange, 418, user), 0);
}

START_TEST(errors_go_from_the_inside_out) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sunpath_router *child;
    int fd;

    options.max_body = 4;
    router = new_router(false, false);
    child = mount("/api");
    ck_assert_int_eq(sunpath_router_on_error(router, stage, "root"), 0);
    ck_assert_int_eq(sunpath_router_on_error(child, pass_stage, "child"), 0);
    ck_assert_int_eq(sunpath_router_on(child, "GET /now", fail_now, "teapot"), 0);
    ck_assert_int_eq(sunpath_router_on(child, "GET /later", fail_later, NULL), 0);
    ck_assert_int_eq(sunpath_router_add(child, "PUT /:id", &streams, "u", NULL), 0);
    ck_assert_int_eq(sunpath_router_on(router, "GET /now", fail_now, "pot"), 0);
    routing_open(&options);
    ck_assert_str_eq(answer("GET /now"), "418 root says pot");
    ck_assert_str_eq(serving.log, "root 418;");
    ck_assert_str_eq(log_of("GET /api/now"), "child 418;root 418;");
    ck_assert_str_eq(log_of("GET /api/none/at/all"), "child 404;root 404;");
    ck_assert_str_eq(log_of("GET /none"), "root 404;");
    ck_assert_str_eq(log_of("DELETE /now"), "root 405;");
    ck_assert_str_eq(answer("DELETE /now"), "405 Method Not Allowed");
    ck_assert_str_eq(answer("GET /%"), "400 root says the path has a malformed escape");

    /* Asynchronously, and the server's own. */
    fd = client();
    say(fd, GET("/api/later"));
    settle();
    ck_assert_int_eq(sunpath_http_fail(serving.held, 502, "the other side is away"), 0);
    hear(fd, "root says the other side is away");
    serving.log[0] = '\0';
    say(fd, "PUT /api/7 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789");
    hear(fd, "root says the body is too large");
    close(fd);
    await_note("finish");
    ck_assert_str_eq(serving.log, "head u 7;route 413;child 413;root 413;finish -90;");
    routing_close();
}
END_TEST

START_TEST(middleware_that_fails_asks_its_own_router) {
    struct sunpath_router *child;

    router = new_router(false, false);
    child = mount("/api");
    use(router, "/api/outer", refuse, NULL);
    use(child, NULL, refuse, NULL);
    ck_assert_int_eq(sunpath_router_on_error(router, pass_stage, "root"), 0);
    ck_assert_int_eq(sunpath_router_on_error(child, pass_stage, "child"), 0);
    on(child, "/*path");
    routing_open(NULL);
    ck_assert_str_eq(log_of("GET /api/outer"), "root 401;");
    ck_assert_str_eq(log_of("GET /api/inner"), "child 401;root 401;");
    routing_close();
}
END_TEST

static void free_in_stage(struct sunpath_http_exchange *exchange, int status, const char *why,
                          void *user) {
    (void)exchange;
    (void)status;
    (void)why;
    (void)user;
    serving.server = sunpath_http_server_free(serving.server);
}

START_TEST(the_server_may_be_freed_in_an_error_stage) {
    int fd;

    router = new_router(false, false);
    ck_assert_int_eq(sunpath_router_on_error(router, free_in_stage, NULL), 0);
    on(router, "/a");
    routing_open(NULL);
    fd = client();
    say(fd, GET("/b"));
    settle();
    ck_assert_ptr_null(serving.server);
    close(fd);
    routing_close();
}
END_TEST

SP_TESTS("router-dispatch", middleware_runs_from_the_outside_in, a_middleware_that_answers_ends_it,
         going_on_twice_changes_nothing, a_middleware_that_does_nothing_is_a_fault,
         a_middleware_may_keep_the_exchange, a_middleware_may_decide_later, who_waits_may_answer,
         who_waits_may_decide_at_once, resuming_is_not_going_on, who_waits_hears_of_the_end,
         the_server_may_be_freed_in_middleware, a_route_may_stream, errors_go_from_the_inside_out,
         middleware_that_fails_asks_its_own_router, the_server_may_be_freed_in_an_error_stage)
