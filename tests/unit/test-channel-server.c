/* SPDX-License-Identifier: MIT */
/* test-channel-server.c - channels for connections: both types, many at once, closed in any order.
 */

#include "channel-pair.h"

#define N_CLIENTS 40

static struct told clients[N_CLIENTS], server_side;
static size_t n_connections;
static struct sunpath_channel_server *server;

static void on_connection(struct sunpath_channel *channel, void *user) {
    (void)channel;
    ck_assert_ptr_eq(user, &server_side);
    n_connections++;
}

static void echo(struct sunpath_channel *channel, struct sunpath_channel_message *message,
                 void *user) {
    struct told *told = user;

    told->n_messages++;
    ck_assert_int_ge(
        sunpath_channel_send(channel, message->data, message->size,
                             SEND_OPTIONS(.fds = message->fds, .n_fds = message->n_fds)),
        0);
}

static const struct sunpath_channel_events echoes = {.on_message = echo};

static const char *address_of(enum sunpath_type type) {
    static char address[400];

    snprintf(address, sizeof(address), "%s%s", type == SUNPATH_SEQPACKET ? "seqpacket:" : "",
             fixture_path("server"));
    return address;
}

static void serve(enum sunpath_type type, const struct sunpath_channel_events *events,
                  size_t max_connections) {
    struct sunpath_channel_server_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_server_options);

    n_connections = 0;
    server_side = (struct told){0};
    memset(clients, 0, sizeof(clients));
    options.channel = OPTIONS(.max_fds = 2);
    options.max_connections = max_connections;
    open_loop();
    ck_assert_int_eq(sunpath_channel_server_open(&server, loop, address_of(type), NULL, &options,
                                                 on_connection, events, &server_side, NULL),
                     0);
}

static void connect_clients(enum sunpath_type type, size_t n) {
    struct sunpath_error error = {0};

    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(sunpath_channel_connect(&clients[i].channel, loop, address_of(type), NULL,
                                              &tell_all, &clients[i], OPTIONS(.max_fds = 2),
                                              &error) == 0,
                      "%s", error.text);
    }
}

static void close_clients(void) {
    for (size_t i = 0; i < N_CLIENTS; i++) {
        clients[i].channel = sunpath_channel_close(clients[i].channel);
    }
}

static size_t n_answered(void) {
    size_t n = 0;

    for (size_t i = 0; i < N_CLIENTS; i++) {
        n += clients[i].n_messages;
    }
    return n;
}

START_TEST(many_clients_are_echoed) {
    for (size_t t = 0; t < 2; t++) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        serve(types[t], &echoes, 0);
        connect_clients(types[t], N_CLIENTS);
        for (size_t i = 0; i < N_CLIENTS; i++) {
            for (int j = 0; j < 5; j++) {
                ck_assert_int_eq(sunpath_channel_send(clients[i].channel, "hello", (size_t)j,
                                                      SEND_OPTIONS(.fds = &fd, .n_fds = j == 3)),
                                 0);
            }
        }
        run_until(n_answered() == 5 * N_CLIENTS);
        ck_assert_uint_eq(n_connections, N_CLIENTS);
        for (size_t i = 0; i < N_CLIENTS; i++) {
            ck_assert_uint_eq(clients[i].size[4], 4);
            ck_assert_uint_eq(clients[i].n_fds, 1);
            ck_assert_uint_eq(clients[i].fds_with[3], 1);
        }
        close_clients();
        run_quiet(); /* the server's ends close themselves */
        server = sunpath_channel_server_close(server);
        loop = sunpath_loop_close(loop);
        close(fd);
    }
}
END_TEST

START_TEST(a_server_closes_its_channels) {
    for (size_t t = 0; t < 2; t++) {
        serve(types[t], &echoes, 0);
        connect_clients(types[t], 5);
        run_until(n_connections == 5);
        server = sunpath_channel_server_close(server);
        for (size_t i = 0; i < 5; i++) {
            run_until(clients[i].n_ends == 1);
        }
        close_clients();
        loop = sunpath_loop_close(loop);
        ck_assert_int_ne(access(fixture_path("server"), F_OK), 0);
    }
}
END_TEST

static void close_the_server(struct sunpath_channel *channel,
                             struct sunpath_channel_message *message, void *user) {
    (void)channel;
    (void)message;
    (void)user;
    server = sunpath_channel_server_close(server);
}

START_TEST(a_server_can_be_closed_inside_its_own_message) {
    static const struct sunpath_channel_events events = {.on_message = close_the_server};

    for (size_t t = 0; t < 2; t++) {
        serve(types[t], &events, 0);
        connect_clients(types[t], 2);
        send_text(&clients[0], "x");
        send_text(&clients[0], "y");
        run_until(clients[0].n_ends + clients[0].n_closes > 0);
        ck_assert_ptr_null(server);
        close_clients();
        loop = sunpath_loop_close(loop);
    }
}
END_TEST

START_TEST(more_connections_wait_for_their_turn) {
    serve(SUNPATH_SEQPACKET, &echoes, 2);
    connect_clients(SUNPATH_SEQPACKET, 3);
    for (size_t i = 0; i < 3; i++) {
        send_text(&clients[i], "x");
    }
    run_until(n_answered() == 2);
    run_quiet();
    ck_assert_uint_eq(n_connections, 2);
    clients[0].channel = sunpath_channel_close(clients[0].channel);
    run_until(clients[2].n_messages == 1);
    close_clients();
    server = sunpath_channel_server_close(server);
    loop = sunpath_loop_close(loop);
}
END_TEST

START_TEST(a_server_that_was_stopped_finishes_its_channels) {
    serve(SUNPATH_STREAM, &echoes, 0);
    connect_clients(SUNPATH_STREAM, 1);
    run_until(n_connections == 1);
    ck_assert_ptr_nonnull(sunpath_channel_server_listener(server));
    sunpath_channel_server_stop(server);
    ck_assert_ptr_null(sunpath_channel_server_listener(server));
    send_text(&clients[0], "still");
    run_until(clients[0].n_messages == 1);
    close_clients();
    server = sunpath_channel_server_close(server);
    loop = sunpath_loop_close(loop);
}
END_TEST

START_TEST(what_has_no_connections_or_no_framing_is_refused) {
    struct sunpath_channel_server_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_server_options);
    struct sunpath_error error;
    char address[400];

    open_loop();
    snprintf(address, sizeof(address), "dgram:%s", fixture_path("d"));
    ck_assert_int_eq(sunpath_channel_server_open(&server, loop, address, NULL, &options, NULL,
                                                 &echoes, NULL, &error),
                     -EPROTOTYPE);
    ck_assert_int_eq(sunpath_channel_server_open(&server, loop, fixture_path("s"), NULL, &options,
                                                 NULL, &echoes, NULL, &error),
                     -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "framing"));
    ck_assert_int_ne(access(fixture_path("s"), F_OK), 0);
    loop = sunpath_loop_close(loop);
    ck_assert_ptr_null(sunpath_channel_server_close(NULL));
}
END_TEST

SP_TESTS_EVERYWHERE("channel-server", many_clients_are_echoed, a_server_closes_its_channels,
                    a_server_can_be_closed_inside_its_own_message,
                    more_connections_wait_for_their_turn,
                    a_server_that_was_stopped_finishes_its_channels,
                    what_has_no_connections_or_no_framing_is_refused)
