/* SPDX-License-Identifier: MIT */
/* serve-metrics.c - the metrics of one server, or of all workers together. */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "serve-ops.h"

#define N_TEXT     (256 * 1024 - 64)
#define PUBLISH_MS 1000

/*
 * Any worker may be asked, and has to answer for all. So each puts its text into memory that they
 * share, once a second, and who is asked puts them together: what the others say is a second old at
 * most. `version` is odd while a text is written.
 */
struct slot {
    _Atomic uint32_t version;
    _Atomic uint32_t size;
    char text[N_TEXT];
};

struct serve_metrics {
    int n_workers, index;
    struct slot *slots; /* NULL: no workers */
    struct sunpath_metrics *metrics;
    struct sunpath_timer *timer;
};

/* ---- what is shared -------------------------------------------------------------------------- */

static void publish(struct serve_metrics *metrics) {
    struct slot *slot = &metrics->slots[metrics->index];
    char *text = NULL;
    size_t size = 0;

    if (sunpath_metrics_text(metrics->metrics, &text, &size) < 0 || size > N_TEXT) {
        size = 0;
    }
    atomic_fetch_add(&slot->version, 1);
    atomic_thread_fence(memory_order_seq_cst);
    if (size > 0) {
        memcpy(slot->text, text, size);
    }
    slot->size = (uint32_t)size;
    atomic_thread_fence(memory_order_seq_cst);
    atomic_fetch_add(&slot->version, 1);
    free(text);
}

static void on_due(struct sunpath_timer *timer, void *user) {
    publish(user);
    (void)sunpath_timer_set(timer, PUBLISH_MS);
}

/* A copy of what the worker has said last, with a NUL behind; "" when it is being written. */
static char *copy_of(struct slot *slot) {
    for (int n = 0; n < 100; n++) {
        uint32_t version = slot->version, size = slot->size;
        char *text;

        if (version % 2 == 1 || size > N_TEXT) {
            continue;
        }
        text = malloc(size + 1);
        if (!text) {
            return NULL;
        }
        memcpy(text, slot->text, size);
        text[size] = '\0';
        atomic_thread_fence(memory_order_seq_cst);
        if (slot->version == version) {
            return text;
        }
        free(text);
    }
    return strdup("");
}

void serve_metrics_forget(struct serve_metrics *metrics, int index) {
    struct slot *slot = &metrics->slots[index];

    slot->size = 0;
    slot->version += slot->version % 2; /* it may have died while it wrote */
}

/* ---- putting them together ------------------------------------------------------------------- */

/* The end of the metric that begins at `at`: the next "# HELP", or the end. */
static const char *end_of_metric(const char *at) {
    const char *next = *at ? strstr(at + 1, "\n# HELP ") : NULL;

    return next ? next + 1 : at + strlen(at);
}

/* Behind the lines of HELP and TYPE. */
static const char *behind_heading(const char *at, const char *end) {
    while (at < end && *at == '#') {
        const char *line_feed = strchr(at, '\n');

        at = line_feed ? line_feed + 1 : end;
    }
    return at;
}

/* All have the same metrics in the same order: one heading, then the series of each. */
static void merge(FILE *out, const char *own, char **others, int n_others) {
    const char *at[SERVE_MAX_WORKERS], *end;

    for (int i = 0; i < n_others; i++) {
        at[i] = others[i];
    }
    for (; *own; own = end) {
        size_t n_heading;

        end = end_of_metric(own);
        fwrite(own, 1, (size_t)(end - own), out);
        n_heading = (size_t)(behind_heading(own, end) - own);
        for (int i = 0; i < n_others; i++) {
            const char *other_end = end_of_metric(at[i]);

            if (strncmp(at[i], own, n_heading) == 0) {
                const char *series = at[i] + n_heading; /* perhaps none */

                fwrite(series, 1, (size_t)(other_end - series), out);
                at[i] = other_end;
            }
        }
    }
}

static int text_of_all(struct serve_metrics *metrics, char **ret, size_t *ret_size) {
    char *own = NULL, *others[SERVE_MAX_WORKERS];
    int n_others = 0, r;
    size_t size;
    FILE *out;

    r = sunpath_metrics_text(metrics->metrics, &own, &size);
    if (r < 0) {
        return r;
    }
    out = open_memstream(ret, ret_size);
    for (int i = 0; out && i < metrics->n_workers; i++) {
        char *text = i == metrics->index ? NULL : copy_of(&metrics->slots[i]);

        if (text) {
            others[n_others++] = text;
        }
    }
    if (out) {
        merge(out, own, others, n_others);
    }
    while (n_others > 0) {
        free(others[--n_others]);
    }
    free(own);
    return out && fclose(out) == 0 ? 0 : -ENOMEM;
}

void serve_metrics_respond(struct sunpath_http_exchange *exchange, void *user) {
    struct serve_metrics *metrics = user;
    char *text = NULL;
    size_t size = 0;

    if (!metrics->slots) {
        sunpath_metrics_respond(exchange, metrics->metrics);
        return;
    }
    if (text_of_all(metrics, &text, &size) < 0) {
        (void)sunpath_http_fail(exchange, 503, "out of memory");
    } else {
        (void)sunpath_http_respond(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", text,
                                   size);
    }
    free(text);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct serve_metrics *serve_metrics_new(int n_workers) {
    struct serve_metrics *metrics = calloc(1, sizeof(*metrics));
    void *slots;

    if (!metrics) {
        return NULL;
    }
    metrics->n_workers = n_workers;
    if (n_workers > 1) {
        slots = mmap(NULL, (size_t)n_workers * sizeof(struct slot), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (slots == MAP_FAILED) {
            free(metrics);
            return NULL;
        }
        metrics->slots = slots;
    }
    return metrics;
}

void serve_metrics_set_worker(struct serve_metrics *metrics, int index) {
    metrics->index = index;
}

int serve_metrics_attach(struct serve_metrics *metrics, struct sunpath_loop *loop,
                         struct sunpath_http_server *server) {
    struct sunpath_metrics_options options = SUNPATH_OPTIONS(struct sunpath_metrics_options);
    char number[16];
    const char *labels[] = {"worker", number, NULL};
    int r;

    if (metrics->slots) {
        snprintf(number, sizeof(number), "%d", metrics->index);
        options.labels = labels;
    }
    r = sunpath_metrics_new(&metrics->metrics, &options);
    if (r >= 0) {
        r = sunpath_metrics_attach(metrics->metrics, server);
    }
    if (r >= 0 && metrics->slots) {
        r = sunpath_timer_new(&metrics->timer, loop, on_due, metrics);
    }
    if (r >= 0 && metrics->slots) {
        r = sunpath_timer_set(metrics->timer, 0);
    }
    return r;
}

struct serve_metrics *serve_metrics_free(struct serve_metrics *metrics) {
    if (metrics) {
        metrics->timer = sunpath_timer_free(metrics->timer);
        metrics->metrics = sunpath_metrics_free(metrics->metrics);
        if (metrics->slots) {
            munmap(metrics->slots, (size_t)metrics->n_workers * sizeof(struct slot));
        }
        free(metrics);
    }
    return NULL;
}
