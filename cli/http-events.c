/* SPDX-License-Identifier: MIT */
/* http-events.c - sunpath http --sse: server-sent events, line by line, for as long as they come.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "http-job.h"
#include "output.h"

struct follower {
    struct http_job *job;
    struct sunpath_loop *loop;
    struct sunpath_event_source *source;
    struct sunpath_timer *deadline;
    bool was_open;
    int exit;
};

static void end(struct follower *follower, int exit) {
    follower->exit = exit;
    follower->source = sunpath_event_source_close(follower->source);
    sunpath_loop_stop(follower->loop);
}

/* Each line of `data` behind `mark`; without one an event is its data and a line end. */
static int write_lines(FILE *out, const char *mark, const struct sunpath_source_event *event) {
    const char *at = event->data, *stop;

    while (mark && (stop = memchr(at, '\n', event->n_data - (size_t)(at - event->data)))) {
        fputs(mark, out);
        fwrite(at, 1, (size_t)(stop + 1 - at), out); /* there may be a NUL in it */
        at = stop + 1;
    }
    fputs(mark ? mark : "", out);
    fwrite(at, 1, event->n_data - (size_t)(at - event->data), out);
    return fputs("\n", out);
}

/* As it was on the wire, with --include: type and id, too. */
static int format(FILE *out, const struct sunpath_source_event *event, bool is_full) {
    if (!is_full) {
        return write_lines(out, NULL, event);
    }
    if (strcmp(event->type, "message") != 0) {
        fprintf(out, "event: %s\n", event->type);
    }
    if (event->id[0]) {
        fprintf(out, "id: %s\n", event->id);
    }
    write_lines(out, "data: ", event);
    return fputs("\n", out);
}

static void on_event(struct sunpath_event_source *source, const struct sunpath_source_event *event,
                     void *user) {
    struct follower *follower = user;
    struct http_job *job = follower->job;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int r;

    (void)source;
    r = !out || format(out, event, job->has_include) == EOF ? -ENOMEM : 0;
    if (out && fclose(out) != 0) {
        r = -ENOMEM;
    }
    r = r < 0 ? r : http_sink_write(&job->sink, text, size);
    free(text);
    if (r < 0) {
        job->output_error = r;
        end(follower, http_report_output(job));
    }
}

static void on_open(struct sunpath_event_source *source,
                    const struct sunpath_http_response *response, void *user) {
    struct follower *follower = user;

    (void)source;
    (void)response;
    follower->was_open = true;
}

/* The first time it is a request like any other, unless --wait says to wait for the server. */
static void on_error(struct sunpath_event_source *source, const struct sunpath_error *error,
                     int retry_ms, void *user) {
    struct follower *follower = user;
    const struct http_job *job = follower->job;

    (void)source;
    if (retry_ms < 0 && error->code == 0) {
        end(follower, CLI_OK); /* there will be no more */
    } else if (retry_ms < 0 || !(follower->was_open || job->connect.wait)) {
        end(follower, http_report(job, error));
    } else if (!http_is_mute(job)) {
        cli_say("%s; asking again in %d.%d s", error->text, retry_ms / 1000, retry_ms / 100 % 10);
    }
}

static void on_deadline(struct sunpath_timer *timer, void *user) {
    struct follower *follower = user;

    (void)timer;
    if (!http_is_mute(follower->job)) {
        cli_say("timed out after %d ms", follower->job->max_ms);
    }
    end(follower, CLI_BUSY);
}

static int open_source(struct follower *follower, struct sunpath_error *error) {
    static const struct sunpath_event_source_events events = {
        .on_open = on_open, .on_event = on_event, .on_error = on_error};
    struct sunpath_event_source_options options =
        SUNPATH_OPTIONS(struct sunpath_event_source_options);
    struct http_job *job = follower->job;

    options.uri = job->path;
    options.headers = job->headers;
    options.connect = &job->connect;
    options.cookies = job->cookies;
    options.idle_ms = job->idle_ms;
    return sunpath_event_source_open(&follower->source, follower->loop, job->target, &options,
                                     &events, follower, error);
}

static int follow(struct follower *follower) {
    struct http_job *job = follower->job;
    struct sunpath_error error = {.text = "out of memory", .code = -ENOMEM};
    int r = open_source(follower, &error);

    if (r >= 0 && job->has_max_time) {
        r = sunpath_timer_new(&follower->deadline, follower->loop, on_deadline, follower);
        r = r < 0 ? r : sunpath_timer_set(follower->deadline, (uint64_t)job->max_ms);
    }
    if (r < 0) {
        return http_report(job, &error);
    }
    r = http_sink_open(&job->sink);
    if (r < 0) {
        job->output_error = r;
        return http_report_output(job);
    }
    sunpath_loop_run_until_signal(follower->loop);
    return follower->exit;
}

int http_follow_events(struct http_job *job) {
    struct follower follower = {.job = job};
    int r;

    if (sunpath_loop_open(&follower.loop) < 0) {
        return http_out_of_memory();
    }
    r = follow(&follower);
    sunpath_event_source_close(follower.source);
    sunpath_timer_free(follower.deadline);
    sunpath_loop_close(follower.loop);
    return r;
}
