/* SPDX-License-Identifier: MIT */
/* http-job.h - one call of `sunpath http`: what was asked for, and how far it is. */

#ifndef CLI_HTTP_JOB_H
#define CLI_HTTP_JOB_H

#include <sunpath/http.h>

#include "http-transfer.h"

/* Headers that options set: the last one counts, and -H takes the place of all of them. */
enum http_set_header {
    HTTP_USER_AGENT,
    HTTP_AUTHORIZATION,
    HTTP_RANGE,
    HTTP_COOKIE,
    N_HTTP_SET_HEADERS
};

struct http_job {
    char *method; /* NULL: by the options */
    const char *target, *path;
    const char **headers; /* name, value, ..., NULL */
    size_t n_headers;
    char *set[N_HTTP_SET_HEADERS]; /* values; NULL: none */

    /* one of these is the body */
    char *data; /* all --data, joined; NULL: none */
    size_t n_data;
    struct sunpath_http_form *form;
    const char *upload;
    bool has_data, is_json; /* how `data` was given */
    bool is_get;            /* it goes into the query */

    bool is_head, has_include, is_verbose, has_fail, has_fail_with_body, is_silent, shows_errors;
    bool is_compressed, has_events;
    bool has_max_time;
    int max_ms, first_byte_ms, idle_ms;
    bool is_following;
    int max_redirects;
    int max_resumes;
    const char *continue_at; /* "-", an offset, or NULL */
    uint64_t offset;         /* of the first byte that is asked for */
    int64_t written_s;       /* when the bytes before it were, in Unix seconds; 0: not known */
    struct sunpath_connect_options connect;

    struct sunpath_http_cookies *cookies;
    const char *cookie_file; /* where they come from */
    const char *cookie_jar;  /* where they are written to */

    struct http_progress progress;
    struct http_source source;
    struct http_sink sink;
    int status;       /* of the answer, 0: none yet */
    int output_error; /* negative errno: why the output failed */
};

/* All of these return an exit status, after they have printed what is wrong. */

/* http-options.c */
int http_read_command_line(struct http_job *job, int argc, char **argv);

/* http-body.c */
int http_add_data(struct http_job *job, const char *argument, bool is_literal);
int http_add_encoded_data(struct http_job *job, const char *argument);
int http_add_form(struct http_job *job, const char *argument, bool is_literal);
/* Fills in the body, and the query of --get: `*ret_uri`, NULL for what the target says. */
int http_prepare_body(struct http_job *job, struct sunpath_http_request_options *options,
                      const char **ret_uri);

/* http-headers.c */
bool http_has_header(const struct http_job *job, const char *name);
int http_add_header(struct http_job *job, const char *name, const char *value);
/* The same when no header of that name was given. */
int http_add_default_header(struct http_job *job, const char *name, const char *value);
/* "name: value", which is cut at its colon. */
int http_add_header_line(struct http_job *job, char *text);
int http_set_credentials(struct http_job *job, const char *user);
int http_set_header(struct http_job *job, enum http_set_header header, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds those that were set. */
int http_add_set_headers(struct http_job *job);

/* http-cookies.c: --cookie and --cookie-jar, in the file format of curl and wget */
int http_add_cookie(struct http_job *job, const char *argument);
int http_open_cookies(struct http_job *job);
int http_save_cookies(const struct http_job *job);

/* http-events.c: --sse */
int http_follow_events(struct http_job *job);

/* http-report.c */
bool http_is_mute(const struct http_job *job);
int http_out_of_memory(void);
/* A file that is missing is no server that is missing: scripts wait for that one. */
int http_exit_for_file(int error);
/* Our own reasons to stop come before what the library says of the request they ended. */
int http_report_output(const struct http_job *job);
int http_report(const struct http_job *job, const struct sunpath_error *error);

#endif
