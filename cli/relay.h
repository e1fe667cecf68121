/* SPDX-License-Identifier: MIT */
/* relay.h - what the relay verb is told, and the connections it carries. */

#ifndef CLI_RELAY_H
#define CLI_RELAY_H

#include <sunpath/connection.h>
#include <sunpath/loop.h>
#include <sunpath/relay.h>

#include "cli.h"

struct relay_connection;

struct relay_job {
    /* the command line */
    struct cli_listen_options options;
    struct sunpath_connect_options connect;
    struct sunpath_relay_options relay;
    struct sunpath_address from, to;
    bool is_once, is_verbose;

    struct sunpath_listener *listener;
    struct sunpath_loop *loop;
    struct relay_connection *connections;
    unsigned n_seen;
    int status; /* of the only connection */
};

/*
 * A client, or all senders of datagrams, is there: owns `fd`. It is joined to the target as soon as
 * that is reached; until then it waits. What goes wrong is said.
 */
void relay_begin(struct relay_job *job, int fd);

/* Closes what is open. */
void relay_end_all(struct relay_job *job);

#endif
