/* SPDX-License-Identifier: MIT */
/* cmd-http.c - sunpath http: make an HTTP request, as curl does. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <sunpath/http.h>

#include "cli.h"
#include "http-job.h"
#include "http-show.h"
#include "output.h"

/* ---- what is shown on the way ---------------------------------------------------------------- */

static int on_start(const char *head, size_t n_head, const struct sunpath_peer *peer, void *user) {
    struct http_job *job = user;

    if (job->is_verbose) {
        http_show_peer(job->target, peer);
        http_show_lines('>', head, n_head);
    }
    return 0;
}

static int show_head(struct http_job *job, const struct sunpath_http_response *response) {
    size_t size;
    char *text;
    int r = 0;

    if (!job->is_verbose && !job->has_include) {
        return 0;
    }
    text = http_format_head(response, &size);
    if (!text) {
        return -ENOMEM;
    }
    if (job->is_verbose) {
        http_show_lines('<', text, size);
    }
    if (job->has_include) {
        r = http_sink_open(&job->sink);
        r = r < 0 ? r : http_sink_write(&job->sink, text, size);
    }
    free(text);
    return r;
}

/* Ends the request for a reason that is not the request's. */
static int give_up(struct http_job *job, int error) {
    job->output_error = error;
    return error;
}

/* A redirect that is followed is shown like any other head. */
static int on_redirect(const struct sunpath_http_response *response, const char *target,
                       void *user) {
    struct http_job *job = user;
    int r = show_head(job, response);

    (void)target;
    return r < 0 ? give_up(job, r) : 0;
}

static void tell_unfollowed(const struct http_job *job,
                            const struct sunpath_http_response *response) {
    const char *why = sunpath_http_response_unfollowed(response);

    if (why && !http_is_mute(job)) {
        cli_say("the redirect was not followed: %s", why);
    }
}

/* What follows decoded bytes cannot be bytes of a coding. */
static bool is_wrongly_coded(const struct http_job *job,
                             const struct sunpath_http_response *response) {
    const char *coding = sunpath_http_response_header(response, "Content-Encoding");

    return job->is_compressed && coding && strcasecmp(coding, "identity") != 0;
}

/* Has it changed since the bytes were written that this is to follow? As far as the server tells.
 */
static bool has_changed(const struct http_job *job, const struct sunpath_http_response *response) {
    const char *date = sunpath_http_response_header(response, "Last-Modified");
    struct tm modified = {0};

    return job->written_s > 0 && date && strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &modified) &&
           timegm(&modified) > job->written_s;
}

/* The part that was asked for, or the news that there is nothing behind what we have. */
static int check_part(const struct http_job *job, const struct sunpath_http_response *response) {
    const char *range = sunpath_http_response_header(response, "Content-Range");
    char expected[64];

    if (job->offset == 0 || !range) {
        return job->offset == 0 ? 0 : -ERANGE;
    }
    snprintf(expected, sizeof(expected), job->status == 206 ? "bytes %llu-" : "bytes */%llu",
             (unsigned long long)job->offset);
    if (job->status == 206) {
        return strncmp(range, expected, strlen(expected)) != 0 ? -ERANGE
               : is_wrongly_coded(job, response)               ? -ENOTSUP
               : has_changed(job, response)                    ? -ESTALE
                                                               : 0;
    }
    return job->status == 416 && strcmp(range, expected) == 0 ? -EALREADY : -ERANGE;
}

static int on_head(const struct sunpath_http_response *response, void *user) {
    struct http_job *job = user;
    int status = sunpath_http_response_status(response);
    int r;

    http_progress_end(&job->progress);
    if (status >= 200) {
        job->status = status;
        tell_unfollowed(job, response);
        r = check_part(job, response);
        if (r < 0) {
            return give_up(job, r);
        }
    }
    r = show_head(job, response);
    if (r < 0) {
        return give_up(job, r);
    }
    if (status < 200) {
        return 0;
    }
    if (job->has_fail && status >= 400) {
        return give_up(job, -EREMOTEIO);
    }
    http_progress_begin(&job->progress, "received", sunpath_http_response_content_length(response));
    r = http_sink_open(&job->sink);
    return r < 0 ? give_up(job, r) : 0;
}

static int on_body(const struct sunpath_http_response *response, const void *data, size_t size,
                   void *user) {
    struct http_job *job = user;
    int r;

    (void)response;
    r = http_sink_write(&job->sink, data, size);
    return r < 0 ? give_up(job, r) : 0;
}

/* ---- the request ----------------------------------------------------------------------------- */

static const char *method_of(const struct http_job *job) {
    return job->method                         ? job->method
           : job->is_head                      ? "HEAD"
           : job->upload                       ? "PUT"
           : job->form                         ? "POST"
           : job->data != NULL && !job->is_get ? "POST"
                                               : "GET";
}

static int add_last_headers(struct http_job *job) {
    int r = http_open_cookies(job);

    if (r == CLI_OK && job->is_json) {
        r = http_add_default_header(job, "Accept", "application/json");
    }
    if (r == CLI_OK && job->offset > 0) {
        r = http_set_header(job, HTTP_RANGE, "bytes=%llu-", (unsigned long long)job->offset);
        job->sink.is_appended = true;
    }
    if (r == CLI_OK) {
        r = http_add_set_headers(job);
    }
    if (r == CLI_OK && job->offset > 0 && job->is_compressed) {
        r = http_add_default_header(job, "Accept-Encoding",
                                    "identity"); /* it counts decoded bytes */
    }
    return r;
}

static void set_options(struct sunpath_http_request_options *options, struct http_job *job) {
    options->headers = job->headers;
    options->on_start = on_start;
    options->on_redirect = on_redirect;
    options->on_head = on_head;
    options->on_body = on_body;
    options->user = job;
    options->timeout_ms = job->has_max_time ? job->max_ms : -1;
    options->first_byte_ms = job->first_byte_ms;
    options->idle_ms = job->idle_ms;
    options->max_redirects = job->max_redirects;
    options->max_resumes = job->max_resumes;
    options->decode = job->is_compressed;
    options->cookies = job->cookies;
    options->connect = &job->connect;
}

/* What --fail and --output make of an answer that has come, all of it. */
static int finish(struct http_job *job) {
    job->output_error = http_sink_close(&job->sink);
    if (job->output_error == 0 && job->has_fail_with_body && job->status >= 400) {
        job->output_error = -EREMOTEIO;
    }
    return job->output_error < 0 ? http_report_output(job) : CLI_OK;
}

static int request(struct http_job *job) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_http_response *response = NULL;
    struct sunpath_error error = {0};
    int r;

    r = http_prepare_body(job, &options, &options.uri);
    if (r != CLI_OK) {
        return r;
    }
    set_options(&options, job);
    r = sunpath_http_request(&response, method_of(job), job->target, &options, &error);
    http_progress_end(&job->progress);
    sunpath_http_response_free(response);
    if (job->output_error == -EALREADY) {
        return CLI_OK; /* the file is complete */
    }
    return r != 0 ? http_report(job, &error) : finish(job);
}

static int run(struct http_job *job) {
    int r = add_last_headers(job);
    int saved;

    if (r != CLI_OK) {
        return r;
    }
    r = job->has_events ? http_follow_events(job) : request(job);
    saved = http_save_cookies(job);
    return r == CLI_OK ? saved : r;
}

static void job_deinit(struct http_job *job) {
    http_sink_close(&job->sink);
    http_source_close(&job->source);
    sunpath_http_form_free(job->form);
    sunpath_http_cookies_free(job->cookies);
    for (int i = 0; i < N_HTTP_SET_HEADERS; i++) {
        free(job->set[i]);
    }
    free(job->headers);
    free(job->data);
}

int cmd_http(int argc, char **argv) {
    struct http_job job = {
        .connect = SUNPATH_OPTIONS(struct sunpath_connect_options),
        .source = {.fd = -1, .progress = &job.progress},
    };
    int r;

    r = http_read_command_line(&job, argc, argv);
    if (r == CLI_OK) {
        job.has_include |= job.is_head;
        job.progress.is_shown =
            !job.is_silent && !job.is_verbose && !job.has_events && cli_is_terminal(stderr);
        http_sink_init(&job.sink, job.sink.name, &job.progress);
        r = run(&job);
    }
    job_deinit(&job);
    return r;
}
