/* SPDX-License-Identifier: MIT */
/* service.c - what a service has around its routes: limits, a log, metrics, health, passwords,
 * other origins, and an end that loses no request.
 *
 *     example-service /tmp/service.sock access.log user=root
 */

#include <stdio.h>
#include <sunpath/sunpath.h>
#include <unistd.h>

struct service {
    struct sunpath_loop *loop;
    struct sunpath_http_server *server;
    struct sunpath_router *router;
    struct sunpath_access_log *log;
    struct sunpath_metrics *metrics;
    struct sunpath_metric *orders;
    struct sunpath_health *health;
    struct sunpath_access *operators;
    struct sunpath_auth_table *passwords;
    struct sunpath_auth *auth;
    struct sunpath_cors *cors;
};

static void take_order(struct sunpath_http_exchange *exchange, void *user) {
    struct service *service = user;
    const char *const labels[] = {sunpath_http_param(exchange, "thing")};
    const char *who = sunpath_auth_user(exchange); /* NULL: a trusted peer, without a password */
    char text[128];
    int n = snprintf(text, sizeof(text), "%.40s for %.40s\n", labels[0], who ? who : "operator");

    sunpath_metric_add(service->orders, 1, labels);
    sunpath_http_respond(exchange, 201, "text/plain", text, (size_t)n);
}

/* A check that is asked each time somebody wants to know; what takes long is told with _set(). */
static int check_disk(char *why, size_t n_why, void *user) {
    (void)user;
    if (access("/tmp", W_OK) < 0) {
        snprintf(why, n_why, "/tmp cannot be written");
        return -1;
    }
    return 0;
}

/* ---- the parts ------------------------------------------------------------------------------- */

static int open_metrics(struct service *service) {
    struct sunpath_metric_options options = SUNPATH_OPTIONS(struct sunpath_metric_options);
    static const char *const labels[] = {"thing", NULL};
    int r = sunpath_metrics_new(&service->metrics, NULL);

    options.kind = SUNPATH_COUNTER;
    options.help = "Orders taken.";
    options.labels = labels;
    return r < 0 ? r
                 : sunpath_metric_new(&service->orders, service->metrics, "orders_total", &options);
}

/* Passwords for all but peers that the rule names: the kernel says who they are. */
static int open_auth(struct service *service, const char *trusted, struct sunpath_error *error) {
    struct sunpath_auth_options options = SUNPATH_OPTIONS(struct sunpath_auth_options);
    int r = sunpath_access_new(&service->operators);

    r = r < 0 || !trusted ? r : sunpath_access_allow(service->operators, trusted, error);
    r = r < 0 ? r : sunpath_auth_table_new(&service->passwords);
    r = r < 0 ? r : sunpath_auth_table_add_password(service->passwords, "alice", "open sesame");
    options.realm = "orders";
    options.table = service->passwords;
    options.trusted = service->operators;
    return r < 0 ? r : sunpath_auth_new(&service->auth, &options);
}

static int open_cors(struct service *service) {
    struct sunpath_cors_options options = SUNPATH_OPTIONS(struct sunpath_cors_options);
    static const char *const origins[] = {"https://shop.example", NULL};

    options.origins = origins;
    return sunpath_cors_new(&service->cors, &options);
}

/* Health and metrics stand outside of the guard, which is for what is below /orders alone. */
static int open_router(struct service *service, struct sunpath_error *error) {
    int r = sunpath_router_new(&service->router, NULL);

    if (r < 0) {
        return r;
    }
    sunpath_router_on(service->router, "GET /healthz", sunpath_health_respond_alive,
                      service->health);
    sunpath_router_on(service->router, "GET /readyz", sunpath_health_respond_ready,
                      service->health);
    sunpath_router_on(service->router, "GET /metrics", sunpath_metrics_respond, service->metrics);
    sunpath_router_use(service->router, "/orders", sunpath_cors_middleware, service->cors);
    sunpath_router_use(service->router, "/orders", sunpath_auth_middleware, service->auth);
    sunpath_router_on(service->router, "POST /orders/:thing", take_order, service);
    return sunpath_router_compile(service->router, error);
}

static int open_server(struct service *service, const char *log_path, struct sunpath_error *error) {
    struct sunpath_http_server_options options =
        SUNPATH_OPTIONS(struct sunpath_http_server_options);
    struct sunpath_access_log_options log = SUNPATH_OPTIONS(struct sunpath_access_log_options);
    int r;

    options.max_body = 64 * 1024;
    options.max_connections = 1000;
    options.max_connections_per_uid = 100; /* nobody takes all of them */
    options.max_requests_per_uid_s = 1000;
    options.answer_ms = 10000; /* then 503, and a fault for the observers */
    options.compresses = true;
    r = sunpath_http_server_new(&service->server, service->loop, sunpath_router_handler(),
                                service->router, &options);
    log.format = SUNPATH_LOG_JSON;
    log.path = log_path;
    r = r < 0 ? r : sunpath_access_log_open(&service->log, service->loop, &log, error);
    r = r < 0 ? r : sunpath_access_log_attach(service->log, service->server);
    return r < 0 ? r : sunpath_metrics_attach(service->metrics, service->server);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void on_drained(struct sunpath_http_server *server, void *user) {
    (void)server;
    sunpath_loop_stop(user);
}

/* No new connections; what is under way has ten seconds. /readyz says no meanwhile. */
static void drain(struct service *service) {
    sunpath_http_server_drain(service->server, 10000, on_drained, service->loop);
    sunpath_loop_run_until_signal(service->loop); /* a second signal ends it at once */
}

static void close_all(struct service *service) {
    sunpath_http_server_free(service->server);
    sunpath_access_log_close(service->log);
    sunpath_router_free(service->router);
    sunpath_cors_free(service->cors);
    sunpath_auth_free(service->auth);
    sunpath_auth_table_free(service->passwords);
    sunpath_access_free(service->operators);
    sunpath_health_free(service->health);
    sunpath_metrics_free(service->metrics);
    sunpath_loop_close(service->loop);
}

int main(int argc, char **argv) {
    struct sunpath_error error = {.text = "out of memory, or an option that cannot be"};
    struct service service = {0};
    int status = 1;

    if (argc < 3) {
        fprintf(stderr, "usage: service ADDRESS LOG [TRUSTED]\n");
        return 2;
    }
    if (sunpath_loop_open(&service.loop) < 0 || open_metrics(&service) < 0 ||
        sunpath_health_new(&service.health) < 0 ||
        sunpath_health_add(service.health, "disk", check_disk, NULL) < 0 ||
        open_auth(&service, argv[3], &error) < 0 || open_cors(&service) < 0 ||
        open_router(&service, &error) < 0 || open_server(&service, argv[2], &error) < 0 ||
        sunpath_http_server_listen(service.server, argv[1], NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
    } else if (sunpath_loop_run_until_signal(service.loop) >= 0) {
        drain(&service);
        status = 0;
    }
    close_all(&service);
    return status;
}
