/* SPDX-License-Identifier: MIT */
/* metrics.c - a registry: metrics, their series, and counting. */

#include "web/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"

static const double default_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

/* ---- names ----------------------------------------------------------------------------------- */

bool sp_metric_is_name(const char *name, bool is_label) {
    const char *at = name;

    for (; *at; at++) {
        bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_' ||
                         (*at == ':' && !is_label);

        if (!is_letter && !(at > name && *at >= '0' && *at <= '9')) {
            return false;
        }
    }
    if (is_label && (strncmp(name, "__", 2) == 0 || strcmp(name, "le") == 0)) {
        return false;
    }
    return at > name;
}

/* ---- series ---------------------------------------------------------------------------------- */

static size_t key_size(const struct sunpath_metric *metric, const char *const *values) {
    size_t size = 0;

    for (size_t i = 0; i < metric->n_labels; i++) {
        size += strlen(values[i]) + 1;
    }
    return size;
}

static bool has_key(const struct sp_series *series, size_t n_key, size_t n_labels,
                    const char *const *values) {
    const char *at = series->key;

    if (series->n_key != n_key) {
        return false;
    }
    for (size_t i = 0; i < n_labels; i++) {
        size_t size = strlen(values[i]) + 1;

        if ((size_t)(series->key + n_key - at) < size || memcmp(at, values[i], size) != 0) {
            return false;
        }
        at += size;
    }
    return true;
}

/* FNV-1a. Who could aim at it could make no more than `max_series` collide. */
static unsigned slot_of(size_t n_labels, const char *const *values) {
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < n_labels; i++) {
        const char *at = values[i];

        do {
            hash = (hash ^ (unsigned char)*at) * 16777619U;
        } while (*at++);
    }
    return (hash ^ hash >> 16) % SP_METRIC_SLOTS;
}

static struct sp_series *add_series(struct sunpath_metric *metric, unsigned slot, size_t n_key,
                                    const char *const *values) {
    size_t n_bounds = metric->kind == SUNPATH_HISTOGRAM ? metric->n_bounds + 1 : 0;
    size_t n_aligned = (n_key + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
    struct sp_series *series = calloc(1, sizeof(*series) + n_aligned + n_bounds * sizeof(uint64_t));
    char *at;

    if (!series) {
        return NULL;
    }
    series->buckets = (uint64_t *)(void *)(series->key + n_aligned);
    series->n_key = n_key;
    at = series->key;
    for (size_t i = 0; i < metric->n_labels; i++) {
        at = stpcpy(at, values[i]) + 1;
    }
    series->next_in_slot = metric->slots[slot];
    metric->slots[slot] = series;
    if (metric->last) {
        metric->last->next = series;
    } else {
        metric->first = series;
    }
    metric->last = series;
    metric->n_series++;
    return series;
}

static struct sp_series *find(struct sunpath_metric *metric, const char *const *values,
                              bool may_overflow) {
    static const char *const overflow[SP_METRIC_LABELS] = {"overflow", "overflow", "overflow",
                                                           "overflow", "overflow", "overflow",
                                                           "overflow", "overflow"};
    size_t n_key = key_size(metric, values);
    unsigned slot = slot_of(metric->n_labels, values);
    struct sp_series *series = metric->slots[slot];

    while (series && !has_key(series, n_key, metric->n_labels, values)) {
        series = series->next_in_slot;
    }
    if (series) {
        return series;
    }
    if (may_overflow && metric->n_series >= metric->metrics->max_series) {
        return find(metric, overflow, false);
    }
    return add_series(metric, slot, n_key, values);
}

/* ---- counting -------------------------------------------------------------------------------- */

int sunpath_metric_add(struct sunpath_metric *metric, double amount, const char *const *values) {
    struct sp_series *series;

    if (metric->kind == SUNPATH_HISTOGRAM || (metric->n_labels > 0 && !values) ||
        (metric->kind == SUNPATH_COUNTER && !(amount >= 0))) {
        return -EINVAL;
    }
    series = find(metric, values, true);
    if (!series) {
        return -ENOMEM;
    }
    series->value += amount;
    return 0;
}

int sunpath_metric_set(struct sunpath_metric *metric, double value, const char *const *values) {
    struct sp_series *series;

    if (metric->kind != SUNPATH_GAUGE || (metric->n_labels > 0 && !values)) {
        return -EINVAL;
    }
    series = find(metric, values, true);
    if (!series) {
        return -ENOMEM;
    }
    series->value = value;
    return 0;
}

int sunpath_metric_observe(struct sunpath_metric *metric, double value, const char *const *values) {
    struct sp_series *series;
    size_t i = 0;

    if (metric->kind != SUNPATH_HISTOGRAM || (metric->n_labels > 0 && !values) || isnan(value)) {
        return -EINVAL;
    }
    series = find(metric, values, true);
    if (!series) {
        return -ENOMEM;
    }
    while (i < metric->n_bounds && value > metric->bounds[i]) {
        i++;
    }
    series->buckets[i]++;
    series->n_values++;
    series->value += value;
    return 0;
}

/* ---- making a metric ------------------------------------------------------------------------- */

static struct sunpath_metric *free_metric(struct sunpath_metric *metric) {
    if (!metric) {
        return NULL;
    }
    while (metric->first) {
        struct sp_series *series = metric->first;

        metric->first = series->next;
        free(series);
    }
    for (size_t i = 0; i < metric->n_labels; i++) {
        free(metric->labels[i]);
    }
    free(metric->bounds);
    free(metric->name);
    free(metric->help);
    free(metric);
    return NULL;
}

static int set_labels(struct sunpath_metric *metric, const char *const *labels) {
    for (size_t i = 0; labels && labels[i]; i++) {
        if (i == SP_METRIC_LABELS || !sp_metric_is_name(labels[i], true)) {
            return -EINVAL;
        }
        metric->labels[i] = strdup(labels[i]);
        if (!metric->labels[i]) {
            return -ENOMEM;
        }
        metric->n_labels++;
    }
    return 0;
}

static int set_bounds(struct sunpath_metric *metric, const double *bounds, size_t n_bounds) {
    if (metric->kind != SUNPATH_HISTOGRAM) {
        return bounds ? -EINVAL : 0;
    }
    if (!bounds) {
        bounds = default_buckets;
        n_bounds = SP_ARRAY_SIZE(default_buckets);
    }
    if (n_bounds == 0 || n_bounds > SP_METRIC_BUCKETS) {
        return -EINVAL;
    }
    for (size_t i = 0; i < n_bounds; i++) {
        if (!isfinite(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1])) {
            return -EINVAL;
        }
    }
    metric->bounds = malloc(n_bounds * sizeof(*bounds));
    if (!metric->bounds) {
        return -ENOMEM;
    }
    memcpy(metric->bounds, bounds, n_bounds * sizeof(*bounds));
    metric->n_bounds = n_bounds;
    return 0;
}

static int fill(struct sunpath_metric *metric, const char *name,
                const struct sunpath_metric_options *options) {
    int r;

    metric->kind = options->kind;
    metric->name = strdup(name);
    metric->help = strdup(options->help ? options->help : "");
    if (!metric->name || !metric->help) {
        return -ENOMEM;
    }
    r = set_labels(metric, options->labels);
    if (r >= 0) {
        r = set_bounds(metric, options->buckets, options->n_buckets);
    }
    if (r >= 0 && metric->n_labels == 0 && !find(metric, NULL, false)) {
        r = -ENOMEM; /* it is 0 from the beginning, not missing */
    }
    return r;
}

static bool exists(const struct sunpath_metrics *metrics, const char *name) {
    const struct sunpath_metric *metric = metrics->first;

    while (metric && strcmp(metric->name, name) != 0) {
        metric = metric->next;
    }
    return metric;
}

int sunpath_metric_new(struct sunpath_metric **ret, struct sunpath_metrics *metrics,
                       const char *name, const struct sunpath_metric_options *given) {
    struct sunpath_metric_options options;
    struct sunpath_metric *metric;
    int r;

    r = sp_options_read(&options, sizeof(options), given);
    if (r < 0 || !metrics || !name || !sp_metric_is_name(name, false) ||
        options.kind > SUNPATH_HISTOGRAM) {
        return -EINVAL;
    }
    if (exists(metrics, name)) {
        return -EEXIST;
    }
    metric = calloc(1, sizeof(*metric));
    if (!metric) {
        return -ENOMEM;
    }
    metric->metrics = metrics;
    r = fill(metric, name, &options);
    if (r < 0) {
        free_metric(metric);
        return r;
    }
    if (metrics->last) {
        metrics->last->next = metric;
    } else {
        metrics->first = metric;
    }
    metrics->last = metric;
    if (ret) {
        *ret = metric;
    }
    return 0;
}

/* ---- the registry ---------------------------------------------------------------------------- */

static int set_common_labels(struct sunpath_metrics *metrics, const char *const *labels) {
    struct sp_buffer text = {NULL};
    int r = 0;

    for (size_t i = 0; r >= 0 && labels && labels[i]; i += 2) {
        if (!labels[i + 1] || !sp_metric_is_name(labels[i], true)) {
            r = -EINVAL;
            break;
        }
        r = sp_metrics_printf(&text, "%s%s=", i > 0 ? "," : "", labels[i]);
        r = r < 0 ? r : sp_metrics_put_value(&text, labels[i + 1]);
    }
    r = r < 0 ? r : sp_buffer_append(&text, "", 1, SP_METRICS_TEXT_MAX);
    if (r >= 0) {
        metrics->labels = strdup(sp_buffer_bytes(&text));
        r = metrics->labels ? 0 : -ENOMEM;
    }
    sp_buffer_deinit(&text);
    return r;
}

int sunpath_metrics_new(struct sunpath_metrics **ret, const struct sunpath_metrics_options *given) {
    struct sunpath_metrics_options options;
    struct sunpath_metrics *metrics;
    int r;

    r = sp_options_read(&options, sizeof(options), given);
    if (r < 0 || !ret) {
        return -EINVAL;
    }
    metrics = calloc(1, sizeof(*metrics));
    if (!metrics) {
        return -ENOMEM;
    }
    metrics->max_series = options.max_series ? options.max_series : 1000;
    r = set_common_labels(metrics, options.labels);
    if (r >= 0) {
        r = sp_metrics_add_own(metrics);
    }
    if (r < 0) {
        sunpath_metrics_free(metrics);
        return r;
    }
    *ret = metrics;
    return 0;
}

struct sunpath_metrics *sunpath_metrics_free(struct sunpath_metrics *metrics) {
    if (!metrics) {
        return NULL;
    }
    while (metrics->first) {
        struct sunpath_metric *metric = metrics->first;

        metrics->first = metric->next;
        free_metric(metric);
    }
    free(metrics->labels);
    free(metrics);
    return NULL;
}
