/* SPDX-License-Identifier: MIT */
/* metrics.h - numbers for Prometheus: the server's, the process's and the program's own. */

#ifndef SUNPATH_METRICS_H
#define SUNPATH_METRICS_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A registry. Its text is the exposition format 0.0.4. It always has the process's figures
 * (process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
 * process_open_fds, process_max_fds, process_start_time_seconds), and for the servers that are
 * attached, taken together:
 *
 *   sunpath_http_requests_total{method,code,route}         counter
 *   sunpath_http_request_duration_seconds{route}           histogram, 1 ms to 10 s
 *   sunpath_http_requests_in_flight                        gauge
 *   sunpath_http_connections                               gauge
 *   sunpath_http_connections_total                         counter
 *   sunpath_http_dropped_connections_total                 counter: closed at once, over a limit
 *   sunpath_http_refused_requests_total                    counter: answered by the server itself
 *   sunpath_http_refused_by_uid_total{uid}                 counter: over a limit for this user
 *   sunpath_http_received_bytes_total, _sent_bytes_total   counters
 *   sunpath_http_handler_faults_total                      counter: the program's own mistakes
 *
 * `method` is one of the methods of RFC 9110 and PATCH, else "other"; `code` is "0" when the client
 * left before an answer; `route` is the pattern of a route, "" without one: so what clients send
 * makes no series of its own.
 */
struct sunpath_metrics;

struct sunpath_metrics_options {
    size_t size;
    /*
     * Series of one metric; 0: 1,000. What would be one more counts in a series whose labels are
     * all "overflow": no label, whoever chooses its values, makes the process grow without end.
     */
    size_t max_series;
    /* Pairs name, value, name, value, ..., NULL that every series has: {"worker", "1", NULL}. */
    const char *const *labels;
};

SUNPATH_API int sunpath_metrics_new(struct sunpath_metrics **ret,
                                    const struct sunpath_metrics_options *options);
/* After the servers that are attached. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_metrics *sunpath_metrics_free(struct sunpath_metrics *metrics);

/* Observes the server. -ENOBUFS: it has eight observers, or there are eight servers. */
SUNPATH_API int sunpath_metrics_attach(struct sunpath_metrics *metrics,
                                       struct sunpath_http_server *server);
/* Before the server is freed, when the metrics are read after that. Its totals stay counted. */
SUNPATH_API void sunpath_metrics_detach(struct sunpath_metrics *metrics,
                                        struct sunpath_http_server *server);

enum sunpath_metric_kind {
    SUNPATH_COUNTER = 0,
    SUNPATH_GAUGE,
    SUNPATH_HISTOGRAM
};

struct sunpath_metric_options {
    size_t size;
    enum sunpath_metric_kind kind;
    const char *help;
    const char *const *labels; /* names, NULL at the end; NULL: none */
    const double *buckets;     /* upper bounds, rising, without infinity; NULL: 5 ms to 10 s */
    size_t n_buckets;          /* at most 64 */
};

/* One metric with all its series. It lives as long as its registry. */
struct sunpath_metric;

/*
 * -EINVAL (a name that Prometheus does not take, buckets that do not rise, a label called "le"),
 * -EEXIST, -ENOMEM. Everything is copied.
 */
SUNPATH_API int sunpath_metric_new(struct sunpath_metric **ret, struct sunpath_metrics *metrics,
                                   const char *name, const struct sunpath_metric_options *options);

/*
 * `values` are those of the labels, in their order; NULL when the metric has none. Adds to a
 * counter (not below 0: -EINVAL) or gauge, sets a gauge, notes a value in a histogram. -EINVAL: a
 * metric of another kind. -ENOMEM.
 */
SUNPATH_API int sunpath_metric_add(struct sunpath_metric *metric, double amount,
                                   const char *const *values);
SUNPATH_API int sunpath_metric_set(struct sunpath_metric *metric, double value,
                                   const char *const *values);
SUNPATH_API int sunpath_metric_observe(struct sunpath_metric *metric, double value,
                                       const char *const *values);

/* The text, to be freed with free(3). -ENOMEM, -ENOBUFS (over 16 MiB). */
SUNPATH_API int sunpath_metrics_text(struct sunpath_metrics *metrics, char **ret, size_t *ret_size);

/* A handler for GET and HEAD: `user` is the registry. sunpath_router_on() takes it as it is. */
SUNPATH_API void sunpath_metrics_respond(struct sunpath_http_exchange *exchange, void *user);

#ifdef __cplusplus
}
#endif

#endif
