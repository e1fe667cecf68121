/* SPDX-License-Identifier: MIT */
/* serve-ops.c - running `sunpath serve`: its options, and requests before they are served. */

#include "serve-ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "serve.h"

/* ---- the command line ------------------------------------------------------------------------ */

static int read_log_format(struct serve_ops *ops, const char *text) {
    static const char *const names[] = {"common", "combined", "json"};
    struct cli_shown shown;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], text) == 0) {
            ops->log_format = (enum sunpath_access_log_format)i;
            return CLI_OK;
        }
    }
    return cli_usage("serve", "--log-format %s: common, combined or json", cli_show(&shown, text));
}

static int read_proxy_headers(struct serve_ops *ops, const char *text) {
    struct cli_shown shown;

    if (strcmp(text, "x-forwarded") == 0) {
        ops->proxy_headers = SUNPATH_FORWARDED_FOR | SUNPATH_FORWARDED_PROTO;
    } else if (strcmp(text, "x-real-ip") == 0) {
        ops->proxy_headers = SUNPATH_FORWARDED_REAL_IP;
    } else if (strcmp(text, "forwarded") == 0) {
        ops->proxy_headers = SUNPATH_FORWARDED_RFC7239;
    } else {
        return cli_usage("serve", "--proxy-headers %s: x-forwarded, x-real-ip or forwarded",
                         cli_show(&shown, text));
    }
    return CLI_OK;
}

static int read_rule(struct sunpath_access **access, const char *text) {
    struct sunpath_error error;
    int r = *access ? 0 : sunpath_access_new(access);

    if (r < 0) {
        return cli_exit_for_code(r);
    }
    return sunpath_access_allow(*access, text, &error) < 0 ? cli_fail(&error) : CLI_OK;
}

/* "basic:FILE" or "bearer:FILE". */
static int read_auth(struct serve_ops *ops, const char *text) {
    bool is_bearer = strncmp(text, "bearer:", 7) == 0;
    struct sunpath_error error;
    struct cli_shown shown;
    int r;

    if (!is_bearer && strncmp(text, "basic:", 6) != 0) {
        return cli_usage("serve",
                         "--auth %s: basic:FILE (lines USER:HASH) or bearer:FILE (lines "
                         "NAME:TOKEN)",
                         cli_show(&shown, text));
    }
    r = ops->auth_table ? 0 : sunpath_auth_table_new(&ops->auth_table);
    if (r < 0) {
        return cli_exit_for_code(r);
    }
    r = is_bearer ? sunpath_auth_table_load_tokens(ops->auth_table, text + 7, &error)
                  : sunpath_auth_table_load_passwords(ops->auth_table, text + 6, &error);
    return r < 0 ? cli_fail(&error) : CLI_OK;
}

/* Is tried by itself, so that it is this one that is named when it is none. */
static int add_origin(struct serve_ops *ops, const char *text) {
    struct sunpath_cors_options options = SUNPATH_OPTIONS(struct sunpath_cors_options);
    struct sunpath_cors *cors = NULL;
    struct cli_shown shown;

    if (ops->n_origins == SERVE_MAX_ORIGINS) {
        return cli_usage("serve", "--cors can be given %d times", SERVE_MAX_ORIGINS);
    }
    ops->origins[ops->n_origins] = text;
    options.origins = &ops->origins[ops->n_origins++];
    if (sunpath_cors_new(&cors, &options) == -EINVAL) {
        return cli_usage("serve", "--cors %s: not an origin such as https://app.example, or *",
                         cli_show(&shown, text));
    }
    sunpath_cors_free(cors);
    return CLI_OK;
}

static int read_rules(struct serve_ops *ops, const char *path) {
    struct sunpath_error error;

    if (ops->rules) {
        return cli_usage("serve", "--rules can be given once");
    }
    ops->rules_path = path;
    return sunpath_rules_load(&ops->rules, path, &error) < 0 ? cli_fail(&error) : CLI_OK;
}

static int read_metrics_path(struct serve_ops *ops, const char *text) {
    struct cli_shown shown;

    ops->metrics_path = text ? text : "/metrics";
    if (ops->metrics_path[0] != '/' || strpbrk(ops->metrics_path, ":*{}()[]+?!\\% ") ||
        strlen(ops->metrics_path) > SERVE_METRICS_PATH_MAX) {
        return cli_usage("serve", "--metrics=%s: not a path such as /metrics",
                         cli_show(&shown, text));
    }
    return CLI_OK;
}

int serve_ops_option(struct serve_ops *ops, int option, const char *argument) {
    switch (option) {
    case SERVE_OPTION_ACCESS_LOG:
        ops->log_path = argument;
        return CLI_OK;
    case SERVE_OPTION_LOG_FORMAT:
        return read_log_format(ops, argument);
    case SERVE_OPTION_METRICS:
        return read_metrics_path(ops, argument);
    case SERVE_OPTION_HEALTH:
        ops->has_health = true;
        return CLI_OK;
    case SERVE_OPTION_CORS:
        return add_origin(ops, argument);
    case SERVE_OPTION_AUTH:
        return read_auth(ops, argument);
    case SERVE_OPTION_AUTH_TRUST:
        return read_rule(&ops->trusted, argument);
    case SERVE_OPTION_PROXY:
        return read_rule(&ops->proxies, argument);
    case SERVE_OPTION_RULES:
        return read_rules(ops, argument);
    default:
        return read_proxy_headers(ops, argument);
    }
}

int serve_ops_check(const struct serve_ops *ops) {
    if (ops->trusted && !ops->auth_table) {
        return cli_usage("serve", "--auth-trust goes with --auth; who may connect at all is said "
                                  "with --allow");
    }
    if (ops->proxy_headers && !ops->proxies) {
        return cli_usage("serve", "--proxy-headers goes with --proxy");
    }
    if (ops->log_format != SUNPATH_LOG_COMMON && !ops->log_path) {
        return cli_usage("serve", "--log-format goes with --access-log");
    }
    return CLI_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_forwarded(struct serve_ops *ops) {
    struct sunpath_forwarded_options options = SUNPATH_OPTIONS(struct sunpath_forwarded_options);

    options.trusted = ops->proxies;
    options.headers = ops->proxy_headers;
    return ops->proxies ? sunpath_forwarded_new(&ops->forwarded, &options) : 0;
}

static int open_cors(struct serve_ops *ops) {
    struct sunpath_cors_options options = SUNPATH_OPTIONS(struct sunpath_cors_options);
    int r;

    options.origins = ops->origins;
    r = ops->n_origins > 0 ? sunpath_cors_new(&ops->cors, &options) : 0;
    return r < 0 ? cli_exit_for_code(r) : CLI_OK;
}

static int open_auth(struct serve_ops *ops) {
    struct sunpath_auth_options options = SUNPATH_OPTIONS(struct sunpath_auth_options);

    options.table = ops->auth_table;
    options.trusted = ops->trusted;
    options.realm = "sunpath";
    return ops->auth_table ? sunpath_auth_new(&ops->auth, &options) : 0;
}

int serve_ops_prepare(struct serve_ops *ops) {
    int r = open_cors(ops);

    if (r != CLI_OK) {
        return r;
    }
    if (open_auth(ops) < 0) {
        return cli_usage("serve", "--auth: nobody is in these files");
    }
    r = open_forwarded(ops);
    if (r >= 0 && ops->has_health) {
        r = sunpath_health_new(&ops->health);
    }
    return r < 0 ? cli_exit_for_code(r) : CLI_OK;
}

static int open_log(struct serve_ops *ops, struct sunpath_loop *loop,
                    struct sunpath_http_server *server) {
    struct sunpath_access_log_options options = SUNPATH_OPTIONS(struct sunpath_access_log_options);
    struct sunpath_error error;
    int r;

    options.format = ops->log_format;
    options.forwarded = ops->forwarded;
    if (serve_ops_has_log_file(ops)) {
        options.path = ops->log_path;
    } else {
        options.fd = STDOUT_FILENO;
    }
    if (sunpath_access_log_open(&ops->log, loop, &options, &error) < 0) {
        return cli_fail(&error);
    }
    r = sunpath_access_log_attach(ops->log, server);
    return r < 0 ? cli_exit_for_code(r) : CLI_OK;
}

int serve_ops_attach(struct serve_ops *ops, struct sunpath_loop *loop,
                     struct sunpath_http_server *server) {
    int status = ops->log_path ? open_log(ops, loop, server) : CLI_OK;

    if (status == CLI_OK && ops->metrics) {
        int r = serve_metrics_attach(ops->metrics, loop, server);

        status = r < 0 ? cli_exit_for_code(r) : CLI_OK;
    }
    return status;
}

void serve_ops_deinit(struct serve_ops *ops) {
    ops->log = sunpath_access_log_close(ops->log);
    ops->metrics = serve_metrics_free(ops->metrics);
    ops->health = sunpath_health_free(ops->health);
    ops->auth = sunpath_auth_free(ops->auth);
    ops->cors = sunpath_cors_free(ops->cors);
    ops->forwarded = sunpath_forwarded_free(ops->forwarded);
    ops->proxies = sunpath_access_free(ops->proxies);
    ops->trusted = sunpath_access_free(ops->trusted);
    ops->rules = sunpath_rules_free(ops->rules);
    ops->auth_table = sunpath_auth_table_free(ops->auth_table);
}

/* ---- files that change ----------------------------------------------------------------------- */

bool serve_ops_has_log_file(const struct serve_ops *ops) {
    return ops->log_path && strcmp(ops->log_path, "-") != 0;
}

bool serve_ops_has_files(const struct serve_ops *ops) {
    return serve_ops_has_log_file(ops) || ops->rules_path;
}

void serve_ops_reload_rules(struct serve_ops *ops, bool is_quiet) {
    struct sunpath_rules *rules = NULL;
    struct sunpath_error error;

    if (!ops->rules_path) {
        return;
    }
    if (sunpath_rules_load(&rules, ops->rules_path, &error) == 0) {
        sunpath_rules_free(ops->rules);
        ops->rules = rules;
    } else if (!is_quiet) {
        cli_print_error(&error);
        cli_say("the rules stay as they were");
    }
}

void serve_ops_reopen_log(struct serve_ops *ops) {
    struct sunpath_error error;

    if (serve_ops_has_log_file(ops) && sunpath_access_log_reopen(ops->log, &error) < 0) {
        cli_print_error(&error);
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Supervisors that ask for its health have no password, and learn nothing else. */
void serve_ops_route(const struct serve_ops *ops, struct sunpath_router *all,
                     struct sunpath_router *guarded) {
    char route[SERVE_METRICS_PATH_MAX + 8];

    if (ops->forwarded) {
        sunpath_router_use(all, NULL, sunpath_forwarded_middleware, ops->forwarded);
    }
    if (ops->cors) { /* before the guard: browsers send no password with a preflight */
        sunpath_router_use(all, NULL, sunpath_cors_middleware, ops->cors);
    }
    if (ops->health) {
        sunpath_router_on(all, "GET /healthz", sunpath_health_respond_alive, ops->health);
        sunpath_router_on(all, "GET /readyz", sunpath_health_respond_ready, ops->health);
    }
    if (ops->auth) {
        sunpath_router_use(guarded, NULL, sunpath_auth_middleware, ops->auth);
    }
    if (ops->metrics) {
        snprintf(route, sizeof(route), "GET %s", ops->metrics_path);
        sunpath_router_on(guarded, route, serve_metrics_respond, ops->metrics);
    }
}
