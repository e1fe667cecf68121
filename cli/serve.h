/* SPDX-License-Identifier: MIT */
/* serve.h - what the parts of `sunpath serve` know of each other. */

#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include <sunpath/sunpath.h>

#include "cli.h"
#include "serve-files.h"
#include "serve-ops.h"

#define SERVE_MAX_LISTENERS 2

/* Who has asked for the listener and was answered 101; `timer` is NULL: nobody. */
struct serve_successor {
    struct sunpath_timer *timer;
    struct sunpath_stream *stream; /* until the answer has left; then: */
    struct sunpath_watch *watch;
    int fd; /* what it watches */
};

struct serve {
    struct sunpath_loop *loop;
    struct sunpath_http_server *server;
    struct sunpath_router *router;
    struct sunpath_ruled ruled; /* with --rules: the router behind them */
    struct sunpath_signal *signals[3];
    struct serve_successor successor;
    struct sunpath_listener *listeners[SERVE_MAX_LISTENERS]; /* until a server has them */
    size_t n_listeners;
    const struct sunpath_http_server_options *http;
    struct serve_ops ops;
    struct serve_files files;
    int drain_ms;
    bool is_quiet, is_ending;
    bool is_worker; /* one of several processes */
};

/* serve-command.c */

/* What the command line says. */
struct serve_command {
    struct cli_listen_options listen;
    struct sunpath_http_server_options http;
    const char *address;
    char inherited[SUNPATH_NAME_MAX]; /* the address that --fd or --systemd stands for */
    char tcp[512];                    /* --tcp-too, or "" */
    const char *directory;            /* NULL: the built-in service */
    bool takes_over;
    int n_workers; /* 1: this process serves */
};

/* Reads it all, and says what is wrong. An exit status. */
int serve_read_command(struct serve_command *command, struct serve *serve, int argc, char **argv);

/* serve-builtin.c: a small service to try things on: / /whoami /echo */
void serve_builtin(struct sunpath_router *router, struct sunpath_forwarded *forwarded);

/* serve-handover.c: gives the listener to a successor, or gets it from a predecessor. */

/* Is it a successor's request? No rules are for it. */
bool serve_is_hand_over(struct sunpath_http_exchange *exchange);
/*
 * Middleware, before all other: a successor is asked who it is, not for a password. `user` is the
 * struct serve.
 */
void serve_hand_over(struct sunpath_http_exchange *exchange, void *user);
/* Hangs up, if there is one. */
void serve_forget_successor(struct serve *serve);
/* Takes the listener on `address` over. -ENOENT and -ECONNREFUSED: nobody serves there. */
int serve_take_over(struct sunpath_listener **ret, const char *address,
                    const struct sunpath_listen_options *options, struct sunpath_error *error);

/* cmd-serve.c: stops accepting, finishes what is under way, ends the loop. */
void serve_drain(struct serve *serve);

/* Where it serves, unless it is to be quiet. */
void serve_announce(const struct serve *serve);
void serve_close_listeners(struct serve *serve);
/* Does SIGHUP mean anything? Not under nohup(1), unless it has files opened or read anew. */
bool serve_minds_hangup(const struct serve *serve);

/*
 * serve-workers.c: runs `work` in `n` processes until a signal ends them all. `work` writes a byte
 * to `ready_fd` when it serves, and closes it. An exit status.
 */
int serve_workers(struct serve *serve, int n, int (*work)(struct serve *serve, int ready_fd));

#endif
