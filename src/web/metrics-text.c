/* SPDX-License-Identifier: MIT */
/* metrics-text.c - metrics in Prometheus' text format 0.0.4. */

#include "web/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

/* ---- pieces ---------------------------------------------------------------------------------- */

/* For short pieces: names are as long as the program made them, values go another way. */
int sp_metrics_printf(struct sp_buffer *out, const char *format, ...) {
    char text[512];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        return -ENOBUFS;
    }
    return sp_buffer_append(out, text, (size_t)n, SP_METRICS_TEXT_MAX);
}

/* A byte of text, with the backslash that the format wants before some. */
static char *put_byte(char *at, char byte, bool escapes_quotes) {
    if (byte == '\\' || (byte == '"' && escapes_quotes)) {
        *at++ = '\\';
    }
    *at++ = byte;
    return at;
}

/* What is no printable text is shown as sunpath_escape() does. */
static int put_escaped(struct sp_buffer *out, const char *text, bool escapes_quotes) {
    size_t size = strlen(text);
    char *start, *at;
    int r;

    r = sp_buffer_reserve(out, &start, 5 * size, SP_METRICS_TEXT_MAX);
    if (r < 0) {
        return r;
    }
    at = start;
    for (size_t i = 0, n_used; i < size; i += n_used) {
        char piece[4];
        size_t n = sp_escape_next(piece, &n_used, text + i, size - i);

        if (text[i] == '\n') {
            memcpy(at, "\\n", 2);
            at += 2;
            continue;
        }
        for (size_t j = 0; j < n; j++) {
            at = put_byte(at, piece[j], escapes_quotes);
        }
    }
    sp_buffer_commit(out, (size_t)(at - start));
    return 0;
}

int sp_metrics_put_value(struct sp_buffer *out, const char *text) {
    int r = sp_metrics_printf(out, "\"");

    r = r < 0 ? r : put_escaped(out, text, true);
    return r < 0 ? r : sp_metrics_printf(out, "\"");
}

/* A program's locale may want a comma; the format does not. */
static void print_number(char text[32], double value) {
    char *comma;

    if (isnan(value) || isinf(value)) {
        strcpy(text, isnan(value) ? "NaN" : value < 0 ? "-Inf" : "+Inf");
        return;
    }
    if (fabs(value) < 1e15 && value == (double)(int64_t)value) {
        snprintf(text, 32, "%" PRId64, (int64_t)value);
        return;
    }
    snprintf(text, 32, "%.15g", value);
    comma = strchr(text, ',');
    if (comma) {
        *comma = '.';
    }
}

static int put_number(struct sp_buffer *out, double value) {
    char text[32];

    print_number(text, value);
    return sp_metrics_printf(out, "%s", text);
}

static int put_heading(struct sp_buffer *out, const char *name, const char *type,
                       const char *help) {
    int r = 0;

    if (*help) {
        r = sp_metrics_printf(out, "# HELP %s ", name);
        r = r < 0 ? r : put_escaped(out, help, false);
        r = r < 0 ? r : sp_metrics_printf(out, "\n");
    }
    return r < 0 ? r : sp_metrics_printf(out, "# TYPE %s %s\n", name, type);
}

/* ---- series ---------------------------------------------------------------------------------- */

/* "{worker="1",method="GET",le="0.1"}", or nothing. `le` NULL: none. */
static int put_labels(const struct sunpath_metrics *metrics, const struct sunpath_metric *metric,
                      const struct sp_series *series, const char *le, struct sp_buffer *out) {
    const char *value = series ? series->key : NULL;
    const char *before = "{";
    int r = 0;

    if (*metrics->labels) {
        r = sp_metrics_printf(out, "{%s", metrics->labels);
        before = ",";
    }
    for (size_t i = 0; r >= 0 && series && i < metric->n_labels; i++) {
        r = sp_metrics_printf(out, "%s%s=", before, metric->labels[i]);
        r = r < 0 ? r : sp_metrics_put_value(out, value);
        value += strlen(value) + 1;
        before = ",";
    }
    if (r >= 0 && le) {
        r = sp_metrics_printf(out, "%sle=\"%s\"", before, le);
        before = ",";
    }
    return r < 0 || *before == '{' ? r : sp_metrics_printf(out, "}");
}

static int put_sample(const struct sunpath_metric *metric, const struct sp_series *series,
                      const char *suffix, const char *le, double value, struct sp_buffer *out) {
    int r = sp_metrics_printf(out, "%s%s", metric->name, suffix);

    r = r < 0 ? r : put_labels(metric->metrics, metric, series, le, out);
    r = r < 0 ? r : sp_metrics_printf(out, " ");
    r = r < 0 ? r : put_number(out, value);
    return r < 0 ? r : sp_metrics_printf(out, "\n");
}

static int put_histogram(const struct sunpath_metric *metric, const struct sp_series *series,
                         struct sp_buffer *out) {
    uint64_t n = 0;
    char le[32];
    int r = 0;

    for (size_t i = 0; r >= 0 && i < metric->n_bounds; i++) {
        print_number(le, metric->bounds[i]);
        n += series->buckets[i];
        r = put_sample(metric, series, "_bucket", le, (double)n, out);
    }
    r = r < 0 ? r : put_sample(metric, series, "_bucket", "+Inf", (double)series->n_values, out);
    r = r < 0 ? r : put_sample(metric, series, "_sum", NULL, series->value, out);
    return r < 0 ? r : put_sample(metric, series, "_count", NULL, (double)series->n_values, out);
}

static int put_metric(const struct sunpath_metric *metric, struct sp_buffer *out) {
    const struct sp_series *series;
    int r = put_heading(out, metric->name, kind_names[metric->kind], metric->help);

    for (series = metric->first; r >= 0 && series; series = series->next) {
        r = metric->kind == SUNPATH_HISTOGRAM
                ? put_histogram(metric, series, out)
                : put_sample(metric, series, "", NULL, series->value, out);
    }
    return r;
}

int sp_metrics_put_figure(const struct sunpath_metrics *metrics, struct sp_buffer *out,
                          const char *name, const char *type, const char *help, double value) {
    int r = put_heading(out, name, type, help);

    r = r < 0 ? r : sp_metrics_printf(out, "%s", name);
    r = r < 0 ? r : put_labels(metrics, NULL, NULL, NULL, out);
    r = r < 0 ? r : sp_metrics_printf(out, " ");
    r = r < 0 ? r : put_number(out, value);
    return r < 0 ? r : sp_metrics_printf(out, "\n");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int put_all(const struct sunpath_metrics *metrics, struct sp_buffer *out) {
    const struct sunpath_metric *metric;
    int r = sp_metrics_put_figures(metrics, out);

    for (metric = metrics->first; r >= 0 && metric; metric = metric->next) {
        r = put_metric(metric, out);
    }
    return r < 0 ? r : sp_buffer_append(out, "", 1, SP_METRICS_TEXT_MAX);
}

int sunpath_metrics_text(struct sunpath_metrics *metrics, char **ret, size_t *ret_size) {
    struct sp_buffer out = {NULL};
    int r = put_all(metrics, &out);

    if (r >= 0) {
        *ret = strdup(sp_buffer_bytes(&out));
        *ret_size = sp_buffer_size(&out) - 1;
        r = *ret ? 0 : -ENOMEM;
    }
    sp_buffer_deinit(&out);
    return r;
}

void sunpath_metrics_respond(struct sunpath_http_exchange *exchange, void *user) {
    struct sp_buffer out = {NULL};

    if (put_all(user, &out) < 0) {
        (void)sunpath_http_fail(exchange, 503, "there are too many metrics");
    } else {
        (void)sunpath_http_respond(exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
                                   sp_buffer_bytes(&out), sp_buffer_size(&out) - 1);
    }
    sp_buffer_deinit(&out);
}
