/* SPDX-License-Identifier: MIT */
/* test-metrics.c - a registry: what may be counted, and how much of it. */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sunpath/metrics.h>

#include "fixture.h"

static struct sunpath_metrics *metrics;
static struct sunpath_metric *metric;

static int make(const char *name, enum sunpath_metric_kind kind, const char *const *labels) {
    struct sunpath_metric_options options = SUNPATH_OPTIONS(struct sunpath_metric_options);

    options.kind = kind;
    options.labels = labels;
    return sunpath_metric_new(&metric, metrics, name, &options);
}

/* Does the text have this line? */
static void check(const char *line, bool expected) {
    char *text, *with_ends;
    size_t size;

    ck_assert_int_eq(sunpath_metrics_text(metrics, &text, &size), 0);
    ck_assert_uint_eq(strlen(text), size);
    ck_assert_int_ge(asprintf(&with_ends, "\n%s\n", line), 0);
    ck_assert_msg((strstr(text, with_ends) != NULL) == expected, "%s in\n%s", line, text);
    free(with_ends);
    free(text);
}

START_TEST(counters_and_gauges) {
    const char *labels[] = {"a", "b", NULL};
    const char *x[] = {"1", ""}, *y[] = {"", "1"};

    ck_assert_int_eq(sunpath_metrics_new(&metrics, NULL), 0);
    ck_assert_int_eq(make("plain_total", SUNPATH_COUNTER, NULL), 0);
    check("plain_total 0", true); /* not missing */
    ck_assert_int_eq(sunpath_metric_add(metric, 1, NULL), 0);
    ck_assert_int_eq(sunpath_metric_add(metric, 0.5, NULL), 0);
    ck_assert_int_eq(sunpath_metric_add(metric, -1, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_metric_add(metric, NAN, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_metric_set(metric, 1, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_metric_observe(metric, 1, NULL), -EINVAL);
    check("plain_total 1.5", true);

    ck_assert_int_eq(make("level", SUNPATH_GAUGE, labels), 0);
    check("# TYPE level gauge", true);
    ck_assert_int_eq(sunpath_metric_add(metric, 1, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_metric_set(metric, 5, x), 0);
    ck_assert_int_eq(sunpath_metric_add(metric, -7, x), 0);
    ck_assert_int_eq(sunpath_metric_set(metric, 1e300, y), 0);
    check("level{a=\"1\",b=\"\"} -2", true);
    check("level{a=\"\",b=\"1\"} 1e+300", true);
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

START_TEST(histograms) {
    struct sunpath_metric_options options = SUNPATH_OPTIONS(struct sunpath_metric_options);
    const double bounds[] = {0.1, 1}, falling[] = {1, 0.1}, infinite[] = {1, INFINITY};

    ck_assert_int_eq(sunpath_metrics_new(&metrics, NULL), 0);
    options.kind = SUNPATH_HISTOGRAM;
    options.n_buckets = 2;
    options.buckets = falling;
    ck_assert_int_eq(sunpath_metric_new(&metric, metrics, "h", &options), -EINVAL);
    options.buckets = infinite;
    ck_assert_int_eq(sunpath_metric_new(&metric, metrics, "h", &options), -EINVAL);
    options.buckets = bounds;
    ck_assert_int_eq(sunpath_metric_new(&metric, metrics, "h", &options), 0);
    ck_assert_int_eq(sunpath_metric_add(metric, 1, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_metric_observe(metric, NAN, NULL), -EINVAL);
    ck_assert_int_eq(sunpath_metric_observe(metric, 0.1, NULL), 0);
    ck_assert_int_eq(sunpath_metric_observe(metric, 0.5, NULL), 0);
    ck_assert_int_eq(sunpath_metric_observe(metric, 5, NULL), 0);
    check("h_bucket{le=\"0.1\"} 1", true);
    check("h_bucket{le=\"1\"} 2", true);
    check("h_bucket{le=\"+Inf\"} 3", true);
    check("h_sum 5.6", true);
    check("h_count 3", true);
    ck_assert_int_eq(make("with_defaults", SUNPATH_HISTOGRAM, NULL), 0);
    check("with_defaults_bucket{le=\"0.005\"} 0", true);
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

START_TEST(names_are_checked) {
    const char *bad[] = {"", "1a", "a-b", "a b", "\xc3\xa4"};
    const char *bad_labels[][2] = {{"le", NULL}, {"__x", NULL}, {"a:b", NULL}, {"", NULL}};
    const char *many[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", NULL};

    ck_assert_int_eq(sunpath_metrics_new(&metrics, NULL), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(make(bad[i], SUNPATH_GAUGE, NULL), -EINVAL);
    }
    for (size_t i = 0; i < sizeof(bad_labels) / sizeof(bad_labels[0]); i++) {
        ck_assert_int_eq(make("x", SUNPATH_GAUGE, bad_labels[i]), -EINVAL);
    }
    ck_assert_int_eq(make("x", SUNPATH_GAUGE, many), -EINVAL);
    ck_assert_int_eq(make("x", SUNPATH_GAUGE, many + 1), 0);
    ck_assert_int_eq(make("x", SUNPATH_COUNTER, NULL), -EEXIST);
    ck_assert_int_eq(make("a:b_2", SUNPATH_COUNTER, NULL), 0);
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

START_TEST(series_have_a_limit) {
    struct sunpath_metrics_options options = SUNPATH_OPTIONS(struct sunpath_metrics_options);
    const char *labels[] = {"who", NULL};
    char name[32];
    const char *values[] = {name};

    options.max_series = 1000;
    ck_assert_int_eq(sunpath_metrics_new(&metrics, &options), 0);
    ck_assert_int_eq(make("x_total", SUNPATH_COUNTER, labels), 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "%d", i);
        ck_assert_int_eq(sunpath_metric_add(metric, 1, values), 0);
    }
    strcpy(name, "999");
    ck_assert_int_eq(sunpath_metric_add(metric, 1, values), 0);
    check("x_total{who=\"0\"} 1", true);
    check("x_total{who=\"999\"} 2", true);
    check("x_total{who=\"1000\"} 1", false);
    check("x_total{who=\"overflow\"} 2000", true);
    metrics = sunpath_metrics_free(metrics);
}
END_TEST

SP_TESTS("metrics", counters_and_gauges, histograms, names_are_checked, series_have_a_limit)
