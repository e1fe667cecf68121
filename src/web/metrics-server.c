/* SPDX-License-Identifier: MIT */
/* metrics-server.c - what is counted of servers, and what the process uses. */

#include "web/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/self.h"

/* ---- counting -------------------------------------------------------------------------------- */

static const char *method_class(const char *method) {
    static const char *const known[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"};

    for (size_t i = 0; i < SP_ARRAY_SIZE(known); i++) {
        if (strcmp(known[i], method) == 0) {
            return known[i];
        }
    }
    return "other";
}

static void count_refusal(struct sunpath_metrics *metrics, const struct sunpath_peer *peer) {
    char uid[16] = "unknown";
    const char *values[] = {uid};

    if (peer && !peer->is_unmapped) {
        snprintf(uid, sizeof(uid), "%u", (unsigned)peer->uid);
    }
    (void)sunpath_metric_add(metrics->refused_by_uid, 1, values);
}

static void on_record(struct sunpath_http_exchange *exchange,
                      const struct sunpath_http_record *record, void *user) {
    struct sunpath_metrics *metrics = user;
    const char *route = record->route ? record->route : "";
    const char *values[3], *routes[] = {route};
    char code[16];

    snprintf(code, sizeof(code), "%d", record->status);
    values[0] = method_class(sunpath_http_method(exchange));
    values[1] = code;
    values[2] = route;
    (void)sunpath_metric_add(metrics->requests, 1, values);
    (void)sunpath_metric_observe(metrics->durations, (double)record->duration_ns / 1e9, routes);
    if (record->status == 429) {
        count_refusal(metrics, sunpath_http_peer(exchange));
    }
}

static void on_fault(struct sunpath_http_exchange *exchange, const char *what, void *user) {
    struct sunpath_metrics *metrics = user;

    (void)exchange;
    (void)what;
    (void)sunpath_metric_add(metrics->faults, 1, NULL);
}

static void on_drop(struct sunpath_http_server *server, const struct sunpath_peer *peer,
                    const char *why, void *user) {
    (void)server;
    (void)why;
    count_refusal(user, peer);
}

int sp_metrics_add_own(struct sunpath_metrics *metrics) {
    static const char *const request_labels[] = {"method", "code", "route", NULL};
    static const char *const route_labels[] = {"route", NULL}, *const uid_labels[] = {"uid", NULL};
    static const double buckets[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                     0.25,  0.5,    1,     2.5,  5,     10};
    struct sunpath_metric_options options = SUNPATH_OPTIONS(struct sunpath_metric_options);
    int r;

    options.help = "Requests, by method, status and route.";
    options.labels = request_labels;
    r = sunpath_metric_new(&metrics->requests, metrics, "sunpath_http_requests_total", &options);
    options.help = "Refused for a limit that counts by user.";
    options.labels = uid_labels;
    r = r < 0 ? r
              : sunpath_metric_new(&metrics->refused_by_uid, metrics,
                                   "sunpath_http_refused_by_uid_total", &options);
    options.help = "Mistakes of the program's own handlers.";
    options.labels = NULL;
    r = r < 0 ? r
              : sunpath_metric_new(&metrics->faults, metrics, "sunpath_http_handler_faults_total",
                                   &options);
    options.kind = SUNPATH_HISTOGRAM;
    options.help = "From the complete head of a request to the end of its response.";
    options.labels = route_labels;
    options.buckets = buckets;
    options.n_buckets = SP_ARRAY_SIZE(buckets);
    return r < 0 ? r
                 : sunpath_metric_new(&metrics->durations, metrics,
                                      "sunpath_http_request_duration_seconds", &options);
}

/* ---- servers --------------------------------------------------------------------------------- */

int sunpath_metrics_attach(struct sunpath_metrics *metrics, struct sunpath_http_server *server) {
    static const struct sunpath_http_observer observer = {
        .on_record = on_record, .on_fault = on_fault, .on_drop = on_drop};
    int r;

    if (metrics->n_servers == SP_METRICS_SERVERS) {
        return -ENOBUFS;
    }
    r = sunpath_http_server_observe(server, &observer, metrics);
    if (r >= 0) {
        metrics->servers[metrics->n_servers++] = server;
    }
    return r;
}

static void add(struct sunpath_http_stats *sum, const struct sunpath_http_stats *stats) {
    sum->n_connections += stats->n_connections;
    sum->n_in_flight += stats->n_in_flight;
    sum->n_accepted += stats->n_accepted;
    sum->n_dropped += stats->n_dropped;
    sum->n_requests += stats->n_requests;
    sum->n_refused += stats->n_refused;
    sum->n_received += stats->n_received;
    sum->n_sent += stats->n_sent;
}

void sunpath_metrics_detach(struct sunpath_metrics *metrics, struct sunpath_http_server *server) {
    struct sunpath_http_stats stats;

    for (size_t i = 0; i < metrics->n_servers; i++) {
        if (metrics->servers[i] == server) {
            metrics->servers[i] = metrics->servers[--metrics->n_servers];
            sunpath_http_server_stats(server, &stats);
            stats.n_connections = stats.n_in_flight = 0;
            add(&metrics->past, &stats);
            return;
        }
    }
}

/* ---- figures --------------------------------------------------------------------------------- */

struct figure {
    const char *name, *type, *help;
    double value;
};

static int put_each(const struct sunpath_metrics *metrics, struct sp_buffer *out,
                    const struct figure *figures, size_t n_figures) {
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n_figures; i++) {
        r = sp_metrics_put_figure(metrics, out, figures[i].name, figures[i].type, figures[i].help,
                                  figures[i].value);
    }
    return r;
}

static int put_process(const struct sunpath_metrics *metrics, struct sp_buffer *out) {
    struct sp_self_usage self;

    sp_self_usage(&self);
    {
        const struct figure figures[] = {
            {"process_cpu_seconds_total", "counter", "CPU time, user and system.", self.cpu_s},
            {"process_resident_memory_bytes", "gauge", "Resident memory.", (double)self.n_resident},
            {"process_virtual_memory_bytes", "gauge", "Virtual memory.", (double)self.n_virtual},
            {"process_open_fds", "gauge", "Open descriptors.", (double)self.n_fds},
            {"process_max_fds", "gauge", "The limit for descriptors.", (double)self.max_fds},
            {"process_start_time_seconds", "gauge", "When it was started, since 1970.",
             self.started_s},
        };

        return put_each(metrics, out, figures, SP_ARRAY_SIZE(figures));
    }
}

int sp_metrics_put_figures(const struct sunpath_metrics *metrics, struct sp_buffer *out) {
    struct sunpath_http_stats sum = metrics->past, stats;
    int r;

    for (size_t i = 0; i < metrics->n_servers; i++) {
        sunpath_http_server_stats(metrics->servers[i], &stats);
        add(&sum, &stats);
    }
    r = put_process(metrics, out);
    if (r < 0) {
        return r;
    }
    {
        const struct figure figures[] = {
            {"sunpath_http_requests_in_flight", "gauge", "Requests under way.",
             (double)sum.n_in_flight},
            {"sunpath_http_connections", "gauge", "Connections.", (double)sum.n_connections},
            {"sunpath_http_connections_total", "counter", "Connections accepted.",
             (double)sum.n_accepted},
            {"sunpath_http_dropped_connections_total", "counter",
             "Connections over a limit, closed at once.", (double)sum.n_dropped},
            {"sunpath_http_refused_requests_total", "counter",
             "Requests that the server itself answered: malformed, too large, too slow.",
             (double)sum.n_refused},
            {"sunpath_http_received_bytes_total", "counter", "Bytes of requests.",
             (double)sum.n_received},
            {"sunpath_http_sent_bytes_total", "counter", "Bytes of responses.", (double)sum.n_sent},
        };

        return put_each(metrics, out, figures, SP_ARRAY_SIZE(figures));
    }
}
