/* SPDX-License-Identifier: MIT */
/* metrics.h - a registry of metrics, from inside. */

#ifndef SP_WEB_METRICS_H
#define SP_WEB_METRICS_H

#include <sunpath/metrics.h>

#include "base/buffer.h"

#define SP_METRIC_BUCKETS   64 /* of a histogram */
#define SP_METRIC_LABELS    8  /* of a metric */
#define SP_METRIC_SLOTS     256
#define SP_METRICS_SERVERS  8
#define SP_METRICS_TEXT_MAX (16 * 1024 * 1024)

/* One combination of label values. */
struct sp_series {
    struct sp_series *next;         /* in the order of appearance */
    struct sp_series *next_in_slot; /* with the same hash */
    double value;                   /* of a histogram: the sum */
    uint64_t n_values;              /* histogram */
    uint64_t *buckets;              /* histogram: each bound's own, not accumulated; behind `key` */
    size_t n_key;
    char key[]; /* the values, each with its NUL */
};

struct sunpath_metric {
    struct sunpath_metric *next;
    struct sunpath_metrics *metrics;
    enum sunpath_metric_kind kind;
    char *name, *help;
    char *labels[SP_METRIC_LABELS];
    size_t n_labels;
    double *bounds;
    size_t n_bounds;
    struct sp_series *first, *last;
    struct sp_series *slots[SP_METRIC_SLOTS];
    size_t n_series;
};

struct sunpath_metrics {
    size_t max_series;
    char *labels; /* of every series, as text: worker="1" */
    struct sunpath_metric *first, *last;
    struct sunpath_http_server *servers[SP_METRICS_SERVERS];
    size_t n_servers;
    struct sunpath_http_stats past; /* of the servers that were detached */
    struct sunpath_metric *requests, *durations, *refused_by_uid, *faults;
};

/* metrics.c */
/* Writes `text` as a label's value, in its quotes. -ENOBUFS, -ENOMEM. */
int sp_metrics_put_value(struct sp_buffer *out, const char *text);
bool sp_metric_is_name(const char *name, bool is_label);

/* metrics-server.c */
int sp_metrics_add_own(struct sunpath_metrics *metrics);
/* What is not kept in series, but asked for: the servers' figures and the process's. */
int sp_metrics_put_figures(const struct sunpath_metrics *metrics, struct sp_buffer *out);

/* metrics-text.c */
int sp_metrics_printf(struct sp_buffer *out, const char *format, ...) SUNPATH_PRINTF(2, 3);
/* One value without labels of its own, with its TYPE and HELP. */
int sp_metrics_put_figure(const struct sunpath_metrics *metrics, struct sp_buffer *out,
                          const char *name, const char *type, const char *help, double value);

#endif
