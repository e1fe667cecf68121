/* SPDX-License-Identifier: MIT */
/* http-uid-limits.c - how many connections and requests one user may have. */

#include <errno.h>
#include <stdlib.h>

#include "os/clock.h"
#include "serve/http-server.h"

/*
 * Users are found by chaining on a few buckets: there are rarely more than a handful. One that has
 * no connection is forgotten when its allowance is full again, since then nothing is lost; it is
 * looked for where its bucket is searched anyway. The ids that have no name in this user namespace
 * all look the same, so they are one user.
 */
#define BUCKETS 64

struct sp_http_user {
    struct sp_http_user *next;
    uid_t uid;
    size_t n_connections;
    double tokens; /* requests it may make at `since_ns` */
    uint64_t since_ns;
};

struct sp_http_users {
    struct sp_http_user *buckets[BUCKETS];
};

static void refill(const struct sunpath_http_server *server, struct sp_http_user *user) {
    uint64_t now_ns = sp_loop_now(server->loop);
    double most = server->options.max_requests_per_uid_s;

    user->tokens += most * (double)(now_ns - user->since_ns) / (double)SP_NS_PER_S;
    user->tokens = user->tokens > most ? most : user->tokens;
    user->since_ns = now_ns;
}

static bool is_forgettable(const struct sunpath_http_server *server, struct sp_http_user *user) {
    if (user->n_connections > 0) {
        return false;
    }
    refill(server, user);
    return user->tokens >= server->options.max_requests_per_uid_s;
}

static struct sp_http_user *find(struct sunpath_http_server *server, uid_t uid) {
    struct sp_http_user **at = &server->users->buckets[uid % BUCKETS];

    while (*at) {
        struct sp_http_user *user = *at;

        if (user->uid == uid) {
            return user;
        }
        if (is_forgettable(server, user)) {
            *at = user->next;
            free(user);
        } else {
            at = &user->next;
        }
    }
    return NULL;
}

static struct sp_http_user *add(struct sunpath_http_server *server, uid_t uid) {
    struct sp_http_user *user = calloc(1, sizeof(*user));

    if (!user) {
        return NULL;
    }
    user->uid = uid;
    user->tokens = server->options.max_requests_per_uid_s;
    user->since_ns = sp_loop_now(server->loop);
    user->next = server->users->buckets[uid % BUCKETS];
    server->users->buckets[uid % BUCKETS] = user;
    return user;
}

int sp_http_uid_limits_enter(struct sp_http_connection *connection) {
    struct sunpath_http_server *server = connection->server;
    size_t max = server->options.max_connections_per_uid;
    const struct sunpath_peer *peer;
    struct sp_http_user *user;
    uid_t uid;

    if (max == 0 && server->options.max_requests_per_uid_s == 0) {
        return 0;
    }
    peer = sp_http_connection_peer(connection);
    if (!peer) {
        return 0;
    }
    if (!server->users && !(server->users = calloc(1, sizeof(*server->users)))) {
        return -ENOMEM;
    }
    uid = peer->is_unmapped ? (uid_t)-1 : peer->uid;
    user = find(server, uid);
    user = user ? user : add(server, uid);
    if (!user) {
        return -ENOMEM;
    }
    if (max > 0 && user->n_connections >= max) {
        return -EUSERS;
    }
    user->n_connections++;
    connection->uid_user = user;
    return 0;
}

void sp_http_uid_limits_leave(struct sp_http_connection *connection) {
    if (connection->uid_user) {
        connection->uid_user->n_connections--;
        connection->uid_user = NULL;
    }
}

bool sp_http_uid_limits_take(struct sp_http_connection *connection) {
    struct sp_http_user *user = connection->uid_user;

    if (!user || connection->server->options.max_requests_per_uid_s == 0) {
        return true;
    }
    refill(connection->server, user);
    if (user->tokens < 1) {
        return false;
    }
    user->tokens -= 1;
    return true;
}

void sp_http_uid_limits_deinit(struct sunpath_http_server *server) {
    for (size_t i = 0; server->users && i < BUCKETS; i++) {
        while (server->users->buckets[i]) {
            struct sp_http_user *user = server->users->buckets[i];

            server->users->buckets[i] = user->next;
            free(user);
        }
    }
    free(server->users);
    server->users = NULL;
}
