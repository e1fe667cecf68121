/* SPDX-License-Identifier: MIT */
/* serve-ops.h - running `sunpath serve`: log, metrics, health, CORS, who may ask, proxies. */

#ifndef CLI_SERVE_OPS_H
#define CLI_SERVE_OPS_H

#include <getopt.h>

#include <sunpath/sunpath.h>

#include "cli.h"

enum {
    SERVE_OPTION_ACCESS_LOG = 0x2000,
    SERVE_OPTION_LOG_FORMAT,
    SERVE_OPTION_METRICS,
    SERVE_OPTION_HEALTH,
    SERVE_OPTION_CORS,
    SERVE_OPTION_AUTH,
    SERVE_OPTION_AUTH_TRUST,
    SERVE_OPTION_PROXY,
    SERVE_OPTION_PROXY_HEADERS,
    SERVE_OPTION_RULES
};

/* clang-format off */
#define SERVE_OPS_LONG_OPTIONS                                         \
    {"access-log", required_argument, NULL, SERVE_OPTION_ACCESS_LOG},  \
    {"log-format", required_argument, NULL, SERVE_OPTION_LOG_FORMAT},  \
    {"metrics", optional_argument, NULL, SERVE_OPTION_METRICS},        \
    {"health", no_argument, NULL, SERVE_OPTION_HEALTH},                \
    {"cors", required_argument, NULL, SERVE_OPTION_CORS},              \
    {"auth", required_argument, NULL, SERVE_OPTION_AUTH},              \
    {"auth-trust", required_argument, NULL, SERVE_OPTION_AUTH_TRUST},  \
    {"proxy", required_argument, NULL, SERVE_OPTION_PROXY},            \
    {"proxy-headers", required_argument, NULL, SERVE_OPTION_PROXY_HEADERS}, \
    {"rules", required_argument, NULL, SERVE_OPTION_RULES}

#define SERVE_OPS_OPTION_CASES     \
    case SERVE_OPTION_ACCESS_LOG:  \
    case SERVE_OPTION_LOG_FORMAT:  \
    case SERVE_OPTION_METRICS:     \
    case SERVE_OPTION_HEALTH:      \
    case SERVE_OPTION_CORS:        \
    case SERVE_OPTION_AUTH:        \
    case SERVE_OPTION_AUTH_TRUST:  \
    case SERVE_OPTION_PROXY:       \
    case SERVE_OPTION_PROXY_HEADERS: \
    case SERVE_OPTION_RULES
/* clang-format on */

#define SERVE_MAX_ORIGINS      16
#define SERVE_MAX_WORKERS      256

#define SERVE_METRICS_PATH_MAX 200

struct serve_metrics;

struct serve_ops {
    /* What the command line says. */
    const char *log_path; /* "-": standard output; NULL: none */
    enum sunpath_access_log_format log_format;
    const char *metrics_path; /* NULL: none */
    bool has_health;
    const char *origins[SERVE_MAX_ORIGINS + 1];
    size_t n_origins;
    struct sunpath_auth_table *auth_table;
    struct sunpath_access *trusted; /* need no password */
    struct sunpath_access *proxies;
    const char *rules_path;      /* NULL: none */
    struct sunpath_rules *rules; /* NULL: none */
    unsigned proxy_headers;

    /* What that becomes. */
    struct sunpath_forwarded *forwarded; /* NULL: no proxy is trusted */
    struct sunpath_cors *cors;
    struct sunpath_auth *auth;
    struct sunpath_health *health;
    struct sunpath_access_log *log;
    struct serve_metrics *metrics;
};

/* Reads one of the options above. CLI_OK, or an exit status after it has printed what is wrong. */
int serve_ops_option(struct serve_ops *ops, int option, const char *argument);
int serve_ops_check(const struct serve_ops *ops);

/* Before the server is there: what needs no loop. An exit status. */
int serve_ops_prepare(struct serve_ops *ops);
/* For a server: opens the log and counts. An exit status. */
int serve_ops_attach(struct serve_ops *ops, struct sunpath_loop *loop,
                     struct sunpath_http_server *server);
void serve_ops_deinit(struct serve_ops *ops);

/* Adds its middleware and routes; those of `guarded`, which `all` has in it, want a password. */
void serve_ops_route(const struct serve_ops *ops, struct sunpath_router *all,
                     struct sunpath_router *guarded);

bool serve_ops_has_log_file(const struct serve_ops *ops);

/* Are there files to open or read anew? Then SIGHUP does that. */
bool serve_ops_has_files(const struct serve_ops *ops);
/* What is wrong with them is said, unless it `is_quiet`, and the old ones stay. */
void serve_ops_reload_rules(struct serve_ops *ops, bool is_quiet);
void serve_ops_reopen_log(struct serve_ops *ops);

/* serve-metrics.c: the metrics of one server, or of all workers together. */

/* For `n_workers` (1: no workers) that are forked later. NULL: out of memory. */
struct serve_metrics *serve_metrics_new(int n_workers);
/* In a worker: which one it is. Before _attach(). */
void serve_metrics_set_worker(struct serve_metrics *metrics, int index);
int serve_metrics_attach(struct serve_metrics *metrics, struct sunpath_loop *loop,
                         struct sunpath_http_server *server);
/* The parent's: a worker is gone, and its figures with it. */
void serve_metrics_forget(struct serve_metrics *metrics, int index);
/* For sunpath_router_on(): `user` is the struct serve_metrics. */
void serve_metrics_respond(struct sunpath_http_exchange *exchange, void *user);
struct serve_metrics *serve_metrics_free(struct serve_metrics *metrics);

#endif
