/* SPDX-License-Identifier: MIT */
/* relay-connection.c - a client of the relay verb: the target is reached, joined, and reported. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "copy.h"
#include "output.h"
#include "relay.h"

#define RETRY_MS           20 /* until the target may be there, or have room */
#define DEFAULT_TIMEOUT_MS 10000

struct relay_connection {
    struct relay_job *job;
    struct relay_connection *next, **previous;
    unsigned number;
    int client_fd; /* -1 once it is joined */
    struct sunpath_relay *relay;
    struct sunpath_timer *retry;
    uint64_t deadline_ns;
    bool has_messages;
};

static void drop(struct relay_connection *connection) {
    *connection->previous = connection->next;
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    sunpath_relay_close(connection->relay);
    sunpath_timer_free(connection->retry);
    if (connection->client_fd >= 0) {
        close(connection->client_fd);
    }
    free(connection);
}

static void finish(struct relay_connection *connection, int status) {
    struct relay_job *job = connection->job;

    drop(connection);
    if (job->is_once) {
        job->status = status;
        sunpath_loop_stop(job->loop);
    }
}

static void fail(struct relay_connection *connection, const char *what, int code) {
    cli_say("connection %u: %s: %s", connection->number, what, strerror(-code));
    finish(connection, cli_exit_for_code(code));
}

/* ---- its end --------------------------------------------------------------------------------- */

static void describe(char *ret, size_t n_ret, const struct relay_connection *connection,
                     enum sunpath_relay_end end) {
    struct sunpath_relay_counts counts;
    struct cli_size size;
    size_t n = 0;

    sunpath_relay_count(connection->relay, end, &counts);
    cli_show_size(&size, counts.n_bytes);
    if (connection->has_messages) {
        n = (size_t)snprintf(ret, n_ret, "%llu message%s, ", (unsigned long long)counts.n_messages,
                             counts.n_messages == 1 ? "" : "s");
    }
    n += (size_t)snprintf(ret + n, n_ret - n, "%s bytes", size.text);
    if (counts.n_fds > 0) {
        snprintf(ret + n, n_ret - n, ", %llu descriptor%s", (unsigned long long)counts.n_fds,
                 counts.n_fds == 1 ? "" : "s");
    }
}

static void on_close(struct sunpath_relay *relay, const struct sunpath_error *error,
                     enum sunpath_relay_end end, void *user) {
    struct relay_connection *connection = user;
    const struct relay_job *job = connection->job;
    char there[96], back[96];

    (void)relay;
    (void)end;
    /* that one side has left early is everyday life where there are many */
    if (error && (job->is_verbose || job->is_once ||
                  (error->code != -EPIPE && error->code != -ECONNRESET))) {
        cli_say("connection %u: %s", connection->number, error->text);
    }
    if (job->is_verbose) {
        describe(there, sizeof(there), connection, SUNPATH_RELAY_FIRST);
        describe(back, sizeof(back), connection, SUNPATH_RELAY_SECOND);
        cli_say("connection %u ended: %s there; %s back", connection->number, there, back);
    }
    finish(connection, error ? cli_exit_for_code(error->code) : CLI_OK);
}

/* ---- its beginning --------------------------------------------------------------------------- */

static void join(struct relay_connection *connection, int target_fd) {
    struct relay_job *job = connection->job;
    int r;

    connection->has_messages = type_of(target_fd) != SUNPATH_STREAM;
    r = sunpath_relay_open(&connection->relay, job->loop, connection->client_fd, target_fd,
                           on_close, connection, &job->relay);
    if (r < 0) {
        close(target_fd);
        fail(connection, "relay", r);
    } else {
        connection->client_fd = -1;
    }
}

static bool is_worth_waiting(const struct relay_connection *connection, int code) {
    const struct sunpath_connect_options *options = &connection->job->connect;

    return sunpath_loop_now_ns(connection->job->loop) < connection->deadline_ns &&
           (code == -EAGAIN || code == -EMFILE || code == -ENFILE ||
            (options->wait && (code == -ENOENT || code == -ECONNREFUSED)));
}

/* Goes on until it is reached or the time is up; then the reason is looked for, once. */
static void reach_target(struct relay_connection *connection) {
    struct relay_job *job = connection->job;
    struct sunpath_error error;
    int fd = -1;
    int r = sunpath_connect_address(&fd, &job->to, &job->connect, NULL);

    if (r < 0 && is_worth_waiting(connection, r)) {
        sunpath_timer_set(connection->retry, RETRY_MS);
        return;
    }
    if (r < 0) {
        r = sunpath_connect_address(&fd, &job->to, &job->connect, &error);
    }
    if (r < 0) {
        finish(connection, cli_fail(&error));
    } else {
        join(connection, fd);
    }
}

static void on_retry(struct sunpath_timer *timer, void *user) {
    (void)timer;
    reach_target(user);
}

static void announce(const struct relay_connection *connection) {
    char what[48];

    snprintf(what, sizeof(what), "connection %u from", connection->number);
    if (connection->job->is_verbose && type_of(connection->client_fd) != SUNPATH_DGRAM) {
        announce_peer(what, connection->client_fd);
    }
}

void relay_begin(struct relay_job *job, int fd) {
    struct relay_connection *connection = calloc(1, sizeof(*connection));
    int timeout_ms = job->connect.timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : job->connect.timeout_ms;
    int r;

    if (!connection) {
        cli_say("out of memory");
        close(fd);
        return;
    }
    connection->job = job;
    connection->number = ++job->n_seen;
    connection->client_fd = fd;
    connection->next = job->connections;
    connection->previous = &job->connections;
    if (connection->next) {
        connection->next->previous = &connection->next;
    }
    job->connections = connection;
    connection->deadline_ns = timeout_ms < 0
                                  ? UINT64_MAX
                                  : sunpath_loop_now_ns(job->loop) + (uint64_t)timeout_ms * 1000000;
    announce(connection);
    r = sunpath_timer_new(&connection->retry, job->loop, on_retry, connection);
    if (r < 0) {
        fail(connection, "wait", r);
    } else {
        reach_target(connection);
    }
}

void relay_end_all(struct relay_job *job) {
    while (job->connections) {
        drop(job->connections);
    }
}
