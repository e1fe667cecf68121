/* SPDX-License-Identifier: MIT */
/* http-server.c - the class HttpServer: our HTTP engine, and where it listens. */

#include "http.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addon.h"
#include "listener-options.h"

/* ---- the object ------------------------------------------------------------------------------ */

/* Cuts off what is left. */
static void close_server(struct sn_object *object) {
    struct sn_http_server *server = (struct sn_http_server *)object;

    server->server = sunpath_http_server_free(server->server);
    server->log = sunpath_access_log_close(server->log);
    for (size_t i = 0; i < server->n_rules; i++) {
        sunpath_access_free(server->rules[i]);
    }
    free(server->rules);
    server->rules = NULL;
    server->n_rules = 0;
}

static const struct sn_class class = {.name = "HttpServer", .close = close_server};

static struct sn_http_server *read_call(struct sn_args *args, napi_env env,
                                        napi_callback_info info) {
    sn_args_read(args, env, info);
    return sn_object_of(args, &class);
}

/* ---- options --------------------------------------------------------------------------------- */

/* `value` may be Infinity: no limit. */
static bool read_max_body(napi_env env, napi_value options, uint64_t *ret) {
    napi_value value;
    double number = 0;
    int64_t size;

    if (!sn_option(env, options, "maxBody", &value)) {
        return false;
    }
    if (!sn_is_given(env, value)) {
        return true;
    }
    if (napi_get_value_double(env, value, &number) == napi_ok && number > 0 && number * 0 != 0) {
        *ret = UINT64_MAX;
        return true;
    }
    if (!sn_get_int(env, value, "maxBody", 1, (1LL << 53) - 1, &size)) {
        return false;
    }
    *ret = (uint64_t)size;
    return true;
}

struct number_option {
    const char *name;
    int64_t min, max;
    int64_t value;
};

static bool read_numbers(napi_env env, napi_value from, struct sunpath_http_server_options *to) {
    struct number_option numbers[] = {
        {"maxHead", 0, INT_MAX, 0},        {"maxHeaders", 0, INT_MAX, 0},
        {"maxOutput", 0, INT_MAX, 0},      {"maxConnections", 0, INT_MAX, 0},
        {"maxRequests", 0, INT_MAX, 0},    {"maxConnectionsPerUid", 0, INT_MAX, 0},
        {"headTimeout", -1, INT_MAX, 0},   {"bodyTimeout", -1, INT_MAX, 0},
        {"writeTimeout", -1, INT_MAX, 0},  {"keepAliveTimeout", -1, INT_MAX, 0},
        {"answerTimeout", -1, INT_MAX, 0}, {"maxRequestsPerUidSecond", 0, INT_MAX, 0},
    };
    const struct number_option *n = numbers;

    for (size_t i = 0; i < SN_ARRAY_SIZE(numbers); i++) {
        if (!sn_option_int(env, from, numbers[i].name, numbers[i].min, numbers[i].max,
                           &numbers[i].value)) {
            return false;
        }
    }
    to->max_head = (size_t)n[0].value;
    to->max_headers = (size_t)n[1].value;
    to->max_output = (size_t)n[2].value;
    to->max_connections = (size_t)n[3].value;
    to->max_requests = (uint64_t)n[4].value;
    to->max_connections_per_uid = (size_t)n[5].value;
    to->head_ms = (int)n[6].value;
    to->body_ms = (int)n[7].value;
    to->write_ms = (int)n[8].value;
    to->keep_alive_ms = (int)n[9].value;
    to->answer_ms = (int)n[10].value;
    to->max_requests_per_uid_s = (unsigned)n[11].value;
    return true;
}

static bool read_options(napi_env env, napi_value from, struct sunpath_http_server_options *ret,
                         char **ret_name) {
    *ret = SUNPATH_OPTIONS(struct sunpath_http_server_options);
    if (!read_numbers(env, from, ret) || !read_max_body(env, from, &ret->max_body) ||
        !sn_option_bool(env, from, "dropsExcess", &ret->drops_excess) ||
        !sn_option_string(env, from, "serverName", ret_name)) {
        return false;
    }
    ret->server_name = *ret_name;
    return true;
}

/* ---- the class ------------------------------------------------------------------------------- */

/* new HttpServer(options) */
static napi_value construct(napi_env env, napi_callback_info info) {
    _cleanup_(sn_freep) char *name = NULL;
    struct sunpath_http_server_options options;
    struct sn_http_server *server;
    struct sn_env *own = sn_env_of(env);
    struct sn_args args;
    int r;

    if (!sn_args_read_new(&args, env, info) || !read_options(env, args.v[0], &options, &name) ||
        !sn_env_loop(own)) {
        return NULL;
    }
    server = calloc(1, sizeof(*server));
    if (!server) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    server->max_body = options.max_body ? options.max_body : 1024 * 1024;
    if (!sn_object_wrap(&server->object, &class, &args)) {
        return NULL;
    }
    r = sunpath_http_server_new(&server->server, own->loop, &sn_http_handler, server, &options);
    if (r < 0) {
        sn_object_close(&server->object);
        return sn_fail(env, r, "serve", NULL, NULL);
    }
    return args.this_value;
}

static bool keep_rules(struct sn_http_server *server, struct sunpath_access *rules) {
    struct sunpath_access **grown;

    if (!rules) {
        return true;
    }
    grown = realloc(server->rules, (server->n_rules + 1) * sizeof(*grown));
    if (!grown) {
        return false;
    }
    server->rules = grown;
    server->rules[server->n_rules++] = rules;
    return true;
}

static napi_value spell(napi_env env, const struct sunpath_address *address) {
    char text[4 * SUNPATH_NAME_MAX + 64];
    size_t n = sunpath_address_format(text, sizeof(text), address);

    return sn_string_n(env, text, n);
}

/* listen(address, options): the address as it came out. */
static napi_value listen_on(napi_env env, napi_callback_info info) {
    _cleanup_(sn_freep) char *address = NULL;
    _cleanup_(sn_listen_options_deinit) struct sn_listen_options options = {0};
    struct sunpath_error error = {0};
    struct sn_args args;
    struct sn_http_server *server = read_call(&args, env, info);
    size_t n = 0;
    int r;

    if (!server || !sn_get_string(env, args.v[0], "address", &address) ||
        !sn_listen_options_read(env, args.v[1], &options)) {
        return NULL;
    }
    if (!server->server) {
        return sn_fail(env, -EBADF, "listen", address, NULL);
    }
    if (!keep_rules(server, options.access)) {
        return sn_fail(env, -ENOMEM, "listen", address, NULL);
    }
    options.access = NULL;
    r = sunpath_http_server_listen(server->server, address, &options.listen, &error);
    if (r < 0) {
        return sn_fail(env, r, "listen", address, &error);
    }
    while (sunpath_http_server_listener(server->server, n + 1)) {
        n++;
    }
    sn_object_set_active(&server->object, true);
    sn_env_touch(server->object.own);
    return spell(env, sunpath_listener_address(sunpath_http_server_listener(server->server, n)));
}

static bool read_log_format(napi_env env, napi_value options, enum sunpath_access_log_format *ret) {
    static const char *const names[] = {"common", "combined", "json"};
    _cleanup_(sn_freep) char *name = NULL;

    if (!sn_option_string(env, options, "format", &name)) {
        return false;
    }
    for (size_t i = 0; name && i < SN_ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum sunpath_access_log_format)i;
            return true;
        }
    }
    return !name || sn_fail_value(env, "format", "must be 'common', 'combined' or 'json'");
}

/* log({ path, fd, format }) */
static napi_value log_to(napi_env env, napi_callback_info info) {
    struct sunpath_access_log_options options = SUNPATH_OPTIONS(struct sunpath_access_log_options);
    _cleanup_(sn_freep) char *path = NULL;
    struct sunpath_error error = {0};
    struct sn_args args;
    struct sn_http_server *server = read_call(&args, env, info);
    int64_t fd = STDERR_FILENO;
    int r;

    if (!server || !sn_option_string(env, args.v[0], "path", &path) ||
        !sn_option_int(env, args.v[0], "fd", 0, INT_MAX, &fd) ||
        !read_log_format(env, args.v[0], &options.format)) {
        return NULL;
    }
    if (!server->server || server->log) {
        return sn_fail(env, -EBADF, "open", path, NULL);
    }
    options.path = path;
    options.fd = (int)fd;
    r = sunpath_access_log_open(&server->log, server->object.own->loop, &options, &error);
    if (r >= 0) {
        r = sunpath_access_log_attach(server->log, server->server);
    }
    return r < 0 ? sn_fail(env, r, "open", path, &error) : NULL;
}

static napi_value reopen_log(napi_env env, napi_callback_info info) {
    struct sunpath_error error = {0};
    struct sn_args args;
    struct sn_http_server *server = read_call(&args, env, info);
    int r;

    if (!server) {
        return NULL;
    }
    r = server->log ? sunpath_access_log_reopen(server->log, &error) : -EBADF;
    return r < 0 ? sn_fail(env, r, "open", NULL, &error) : NULL;
}

static void on_drained(struct sunpath_http_server *engine, void *user) {
    struct sn_http_server *server = user;
    struct sn_env *own = server->object.own;
    napi_handle_scope scope;

    (void)engine;
    if (own->is_ending || napi_open_handle_scope(own->env, &scope) != napi_ok) {
        return;
    }
    sn_http_tell(server, 0, SN_HTTP_CLOSED, NULL);
    sn_object_close(&server->object);
    napi_close_handle_scope(own->env, scope);
}

/* close(timeoutMs): SN_HTTP_CLOSED tells when it is done; -1 waits as long as it takes. */
static napi_value start_closing(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_http_server *server = read_call(&args, env, info);
    int64_t timeout = 0;

    if (!server || !sn_get_int(env, args.v[0], "timeout", -1, INT_MAX, &timeout)) {
        return NULL;
    }
    if (!server->server || server->is_closing) {
        return sn_fail(env, -EBADF, "close", NULL, NULL);
    }
    server->is_closing = true;
    sn_object_set_active(&server->object, true);
    sn_object_set_ref(&server->object, true); /* somebody waits for the end of it */
    sunpath_http_server_drain(server->server, (int)timeout, on_drained, server);
    sn_env_touch(server->object.own);
    return NULL;
}

static napi_value stats(napi_env env, napi_callback_info info) {
    struct sunpath_http_stats stats = {0};
    struct sn_args args;
    struct sn_http_server *server = read_call(&args, env, info);
    napi_value object = sn_object(env);

    if (!server || !server->server) {
        return NULL;
    }
    sunpath_http_server_stats(server->server, &stats);
    sn_set(env, object, "connections", sn_int(env, (int64_t)stats.n_connections));
    sn_set(env, object, "inFlight", sn_int(env, (int64_t)stats.n_in_flight));
    sn_set(env, object, "accepted", sn_int(env, (int64_t)stats.n_accepted));
    sn_set(env, object, "dropped", sn_int(env, (int64_t)stats.n_dropped));
    sn_set(env, object, "requests", sn_int(env, (int64_t)stats.n_requests));
    sn_set(env, object, "refused", sn_int(env, (int64_t)stats.n_refused));
    sn_set(env, object, "received", sn_int(env, (int64_t)stats.n_received));
    sn_set(env, object, "sent", sn_int(env, (int64_t)stats.n_sent));
    return object;
}

bool sn_http_server_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {
        {"listen", listen_on},
        {"log", log_to},
        {"reopenLog", reopen_log},
        {"close", start_closing},
        {"setRef", sn_object_call_set_ref},
        {"stats", stats},
    };

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods));
}
