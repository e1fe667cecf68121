/* SPDX-License-Identifier: MIT */
/* http-client-connect.c - makes a client's connection without ever blocking its loop. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "client/http-client.h"
#include "os/clock.h"
#include "os/fd.h"

#define FIRST_RETRY_MS 1
#define MAX_RETRY_MS   50

void sp_client_disconnect(struct sp_client_connection *connection) {
    connection->connecting = sunpath_watch_close(connection->connecting);
    connection->connecting_fd = sp_close(connection->connecting_fd);
    connection->stream = sunpath_stream_close(connection->stream);
    connection->is_reused = false;
    connection->has_peer = false;
}

/* One attempt. `error` costs a look around when it fails, so it is asked for only at the end. */
static int attempt(struct sp_client_connection *connection, int *ret_fd,
                   struct sunpath_error *error) {
    struct sunpath_connect_options options = connection->client->connect;

    options.no_wait = true;
    options.wait = false;
    return sunpath_connect_address(ret_fd, &connection->client->address, &options, error);
}

static void fail(struct sp_client_connection *connection, int code) {
    struct sunpath_error error;

    sp_http_request_fail(connection->request, &error, code, sp_reason_of_errno(code),
                         "connecting: %s", strerror(-code));
    sp_client_finish(connection, code, &error);
}

/* Takes `fd` over. */
static void use(struct sp_client_connection *connection, int fd) {
    int r;

    connection->has_peer = sunpath_peer_read(&connection->peer, fd) == 0;
    r = sunpath_stream_open(&connection->stream, connection->client->loop, fd,
                            &sp_client_stream_events, connection, NULL);
    if (r < 0) {
        sp_close(fd);
        fail(connection, r);
        return;
    }
    sp_timer_cancel(&connection->work);
    sp_client_begin(connection);
}

static void on_writable(struct sunpath_watch *watch, unsigned events, void *user) {
    struct sp_client_connection *connection = user;
    struct sunpath_http_client *client = connection->client;
    int fd = connection->connecting_fd;
    int code = 0;
    socklen_t size = sizeof(code);

    (void)watch;
    (void)events;
    sp_client_enter(client);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0) {
        code = errno;
    }
    connection->connecting = sunpath_watch_close(connection->connecting);
    if (code != 0) {
        fail(connection, -code);
    } else {
        connection->connecting_fd = -1;
        use(connection, fd);
    }
    sp_client_leave(client);
}

/* A TCP connection may still be on its way; the work timer is its deadline. */
static void watch(struct sp_client_connection *connection, int fd) {
    int r;

    r = sunpath_watch_open(&connection->connecting, connection->client->loop, fd, SUNPATH_WRITABLE,
                           on_writable, connection);
    if (r < 0) {
        sp_close(fd);
        fail(connection, r);
        return;
    }
    connection->connecting_fd = fd;
    if (connection->connect_deadline_ns != SP_NEVER) {
        sp_timer_set(&connection->work, connection->client->loop, connection->connect_deadline_ns);
    }
}

static bool may_pass(const struct sp_client_connection *connection, int code) {
    return code == -EAGAIN ||
           (connection->client->connect.wait && (code == -ENOENT || code == -ECONNREFUSED));
}

void sp_client_fail_connecting(struct sp_client_connection *connection, int timeout_ms) {
    struct sunpath_error why = {.text = "the connection is not made", .code = -ETIMEDOUT};
    struct sunpath_error error;
    int fd = -1;

    if (connection->connecting_fd < 0) {
        attempt(connection, &fd, &why);
        sp_close(fd); /* too late */
    }
    sp_http_request_fail(connection->request, &error, -ETIMEDOUT,
                         may_pass(connection, why.code) ? why.reason : SUNPATH_REASON_TIMEOUT,
                         "timed out after %d ms: %s", timeout_ms, why.text);
    sp_client_finish(connection, -ETIMEDOUT, &error);
}

static void try_again_later(struct sp_client_connection *connection) {
    int left = sp_left_ms(connection->connect_deadline_ns);

    connection->retry_ms =
        connection->retry_ms * 2 < MAX_RETRY_MS ? connection->retry_ms * 2 : MAX_RETRY_MS;
    if (left >= 0 && left < connection->retry_ms) {
        connection->retry_ms = left;
    }
    sp_client_set_work(connection, connection->retry_ms);
}

static void try_now(struct sp_client_connection *connection) {
    struct sunpath_error error = {0};
    int fd = -1;
    int r;

    r = attempt(connection, &fd, NULL);
    if (r < 0 && may_pass(connection, r)) {
        if (sp_left_ms(connection->connect_deadline_ns) != 0) {
            try_again_later(connection);
        } else {
            sp_client_fail_connecting(connection, connection->client->connect.timeout_ms);
        }
        return;
    }
    if (r < 0) {
        r = attempt(connection, &fd, &error); /* now with the reason; and it may have come up */
    }
    if (r < 0) {
        sp_client_finish(connection, r, &error);
    } else if (connection->client->address.kind == SUNPATH_ADDRESS_TCP) {
        watch(connection, fd);
    } else {
        use(connection, fd);
    }
}

void sp_client_continue_connecting(struct sp_client_connection *connection) {
    if (connection->connecting_fd >= 0) {
        sp_client_fail_connecting(connection, connection->client->connect.timeout_ms);
    } else {
        try_now(connection);
    }
}

void sp_client_start(struct sp_client_connection *connection) {
    sp_timer_cancel(&connection->work);
    sp_client_reset(connection);
    sp_http_request_rewind(connection->request);
    if (connection->stream) {
        sp_client_begin(connection);
        return;
    }
    connection->retry_ms = FIRST_RETRY_MS;
    connection->connect_deadline_ns = sp_deadline_ns(connection->client->connect.timeout_ms);
    try_now(connection);
}
