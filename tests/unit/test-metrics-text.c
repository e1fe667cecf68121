/* SPDX-License-Identifier: MIT */
/* test-metrics-text.c - names from outside in Prometheus' format. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sunpath/metrics.h>

#include "fixture.h"

static const char *text_of(struct sunpath_metrics *metrics) {
    static char room[65536];
    char *text;
    size_t size;

    ck_assert_int_eq(sunpath_metrics_text(metrics, &text, &size), 0);
    ck_assert_uint_lt(size, sizeof(room));
    memcpy(room, text, size + 1);
    free(text);
    return room;
}

START_TEST(values_and_help_are_escaped) {
    struct sunpath_metric_options options = SUNPATH_OPTIONS(struct sunpath_metric_options);
    const char *labels[] = {"a", NULL};
    const char *bad[] = {"\"\\\n\t\xff\xc3\xa4"};
    struct sunpath_metrics *metrics;
    struct sunpath_metric *metric;

    ck_assert_int_eq(sunpath_metrics_new(&metrics, NULL), 0);
    options.help = "one\ntwo \"\\\"";
    options.labels = labels;
    ck_assert_int_eq(sunpath_metric_new(&metric, metrics, "x", &options), 0);
    ck_assert_int_eq(sunpath_metric_add(metric, 1, bad), 0);
    ck_assert_ptr_nonnull(strstr(text_of(metrics), "# HELP x one\\ntwo \"\\\\\"\n"
                                                   "# TYPE x counter\n"
                                                   "x{a=\"\\\"\\\\\\n\\\\t\\\\xff\xc3\xa4\"} 1\n"));
    sunpath_metrics_free(metrics);
}
END_TEST

START_TEST(common_labels_are_everywhere) {
    struct sunpath_metrics_options options = SUNPATH_OPTIONS(struct sunpath_metrics_options);
    const char *labels[] = {"worker", "1", "host", "a\"b", NULL}, *odd[] = {"a", NULL};
    struct sunpath_metrics *metrics;
    const char *text;

    options.labels = odd;
    ck_assert_int_eq(sunpath_metrics_new(&metrics, &options), -EINVAL);
    options.labels = labels;
    ck_assert_int_eq(sunpath_metrics_new(&metrics, &options), 0);
    text = text_of(metrics);
    ck_assert_ptr_nonnull(strstr(text, "process_open_fds{worker=\"1\",host=\"a\\\"b\"} "));
    ck_assert_ptr_nonnull(
        strstr(text, "sunpath_http_handler_faults_total{worker=\"1\",host=\"a\\\"b\"} 0\n"));
    sunpath_metrics_free(metrics);
}
END_TEST

SP_TESTS("metrics-text", values_and_help_are_escaped, common_labels_are_everywhere)
