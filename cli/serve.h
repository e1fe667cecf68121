/* SPDX-License-Identifier: MIT */
/* serve.h - what the parts of `sunpath serve` know of each other. */

#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include <sunpath/sunpath.h>

struct serve {
    struct sunpath_loop *loop;
    struct sunpath_http_server *server;
    struct sunpath_signal *signals[3];
    struct sunpath_stream *successor; /* has asked for the listener and was answered 101 */
    int root_fd;                      /* the directory that is served; -1: the built-in service */
    int drain_ms;
    bool is_quiet, is_ending;
};

/* serve-builtin.c: a small service to try things on: / /whoami /echo */
void serve_builtin(struct sunpath_http_exchange *exchange);

/* serve-files.c: the files below `root_fd` */
void serve_file(struct sunpath_http_exchange *exchange, int root_fd);

/* serve-open.c: opens `path` below `root_fd` and never outside. A descriptor or a negative errno.
 */
int serve_open_below(int root_fd, const char *path);

/* serve-handover.c: gives the listener to a successor, or gets it from a predecessor. */

/* Is this request such a successor's? Then it is answered. */
bool serve_hand_over(struct serve *serve, struct sunpath_http_exchange *exchange);
/* Takes the listener on `address` over. -ENOENT and -ECONNREFUSED: nobody serves there. */
int serve_take_over(struct sunpath_listener **ret, const char *address,
                    const struct sunpath_listen_options *options, struct sunpath_error *error);

/* cmd-serve.c: stops accepting, finishes what is under way, ends the loop. */
void serve_drain(struct serve *serve);

/* serve-builtin.c: the answer to what went wrong, a line of text. */
void serve_status(struct sunpath_http_exchange *exchange, int status, const char *text);
/* Is the method GET or HEAD? Else it is answered with 405. */
bool serve_is_get(struct sunpath_http_exchange *exchange);
/* The path of the request's target, without scheme, host and query; not decoded. */
const char *serve_path(struct sunpath_http_exchange *exchange, size_t *ret_size);

#endif
