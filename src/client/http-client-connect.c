/* SPDX-License-Identifier: MIT */
/* http-client-connect.c - makes the client's connection without ever blocking its loop. */

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

void sp_http_client_disconnect(struct sunpath_http_client *client) {
    client->connecting = sunpath_watch_close(client->connecting);
    client->connecting_fd = sp_close(client->connecting_fd);
    client->stream = sunpath_stream_close(client->stream);
    client->is_reused = false;
    client->has_peer = false;
}

/* One attempt. `error` costs a look around when it fails, so it is asked for only at the end. */
static int attempt(struct sunpath_http_client *client, int *ret_fd, struct sunpath_error *error) {
    struct sunpath_connect_options options = client->connect;

    options.no_wait = true;
    options.wait = false;
    return sunpath_connect_address(ret_fd, &client->address, &options, error);
}

static void fail(struct sunpath_http_client *client, int code) {
    struct sunpath_error error;

    sp_http_request_fail(client->current, &error, code, sp_reason_of_errno(code), "connecting: %s",
                         strerror(-code));
    sp_http_client_finish(client, code, &error);
}

/* Takes `fd` over. */
static void use(struct sunpath_http_client *client, int fd) {
    int r;

    client->has_peer = sunpath_peer_read(&client->peer, fd) == 0;
    r = sunpath_stream_open(&client->stream, client->loop, fd, &sp_http_client_stream_events,
                            client, NULL);
    if (r < 0) {
        sp_close(fd);
        fail(client, r);
        return;
    }
    sunpath_timer_cancel(client->work);
    sp_http_client_begin(client);
}

static void on_writable(struct sunpath_watch *watch, unsigned events, void *user) {
    struct sunpath_http_client *client = user;
    int fd = client->connecting_fd;
    int code = 0;
    socklen_t size = sizeof(code);

    (void)watch;
    (void)events;
    sp_http_client_enter(client);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0) {
        code = errno;
    }
    client->connecting = sunpath_watch_close(client->connecting);
    if (code != 0) {
        fail(client, -code);
    } else {
        client->connecting_fd = -1;
        use(client, fd);
    }
    sp_http_client_leave(client);
}

/* A TCP connection may still be on its way; the work timer is its deadline. */
static void watch(struct sunpath_http_client *client, int fd) {
    int r;

    r = sunpath_watch_open(&client->connecting, client->loop, fd, SUNPATH_WRITABLE, on_writable,
                           client);
    if (r < 0) {
        sp_close(fd);
        fail(client, r);
        return;
    }
    client->connecting_fd = fd;
    if (client->connect_deadline_ns != SP_NEVER) {
        sunpath_timer_set(client->work, (uint64_t)sp_left_ms(client->connect_deadline_ns));
    }
}

static bool may_pass(const struct sunpath_http_client *client, int code) {
    return code == -EAGAIN || (client->connect.wait && (code == -ENOENT || code == -ECONNREFUSED));
}

void sp_http_client_fail_connecting(struct sunpath_http_client *client, int timeout_ms) {
    struct sunpath_error why = {.text = "the connection is not made", .code = -ETIMEDOUT};
    struct sunpath_error error;
    int fd = -1;

    if (client->connecting_fd < 0) {
        attempt(client, &fd, &why);
        sp_close(fd); /* too late */
    }
    sp_http_request_fail(client->current, &error, -ETIMEDOUT,
                         may_pass(client, why.code) ? why.reason : SUNPATH_REASON_TIMEOUT,
                         "timed out after %d ms: %s", timeout_ms, why.text);
    sp_http_client_finish(client, -ETIMEDOUT, &error);
}

static void try_again_later(struct sunpath_http_client *client) {
    int left = sp_left_ms(client->connect_deadline_ns);

    client->retry_ms = client->retry_ms * 2 < MAX_RETRY_MS ? client->retry_ms * 2 : MAX_RETRY_MS;
    if (left >= 0 && left < client->retry_ms) {
        client->retry_ms = left;
    }
    sunpath_timer_set(client->work, (uint64_t)client->retry_ms);
}

static void try_now(struct sunpath_http_client *client) {
    struct sunpath_error error = {0};
    int fd = -1;
    int r;

    r = attempt(client, &fd, NULL);
    if (r < 0 && may_pass(client, r)) {
        if (sp_left_ms(client->connect_deadline_ns) != 0) {
            try_again_later(client);
        } else {
            sp_http_client_fail_connecting(client, client->connect.timeout_ms);
        }
        return;
    }
    if (r < 0) {
        r = attempt(client, &fd, &error); /* now with the reason; and it may have come up */
    }
    if (r < 0) {
        sp_http_client_finish(client, r, &error);
    } else if (client->address.kind == SUNPATH_ADDRESS_TCP) {
        watch(client, fd);
    } else {
        use(client, fd);
    }
}

void sp_http_client_continue_connecting(struct sunpath_http_client *client) {
    if (client->connecting_fd >= 0) {
        sp_http_client_fail_connecting(client, client->connect.timeout_ms);
    } else {
        try_now(client);
    }
}

void sp_http_client_start(struct sunpath_http_client *client) {
    sunpath_timer_cancel(client->work);
    sp_http_client_reset(client);
    sp_http_request_rewind(client->current);
    if (client->stream) {
        sp_http_client_begin(client);
        return;
    }
    client->retry_ms = FIRST_RETRY_MS;
    client->connect_deadline_ns = sp_deadline_ns(client->connect.timeout_ms);
    try_now(client);
}
