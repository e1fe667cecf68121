/* SPDX-License-Identifier: MIT */
/* cmd-http.c - sunpath http: make an HTTP request, as curl does. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <sunpath/http.h>

#include "cli.h"
#include "http-show.h"
#include "http-transfer.h"
#include "output.h"

enum {
    OPTION_EXPECT_USER = 1,
    OPTION_WAIT,
    OPTION_JSON
};

static const struct option longs[] = {
    {"data", required_argument, NULL, 'd'},
    {"json", required_argument, NULL, OPTION_JSON},
    {"upload", required_argument, NULL, 'T'},
    {"header", required_argument, NULL, 'H'},
    {"request", required_argument, NULL, 'X'},
    {"output", required_argument, NULL, 'o'},
    {"include", no_argument, NULL, 'i'},
    {"head", no_argument, NULL, 'I'},
    {"verbose", no_argument, NULL, 'v'},
    {"fail", no_argument, NULL, 'f'},
    {"max-time", required_argument, NULL, 'm'},
    {"silent", no_argument, NULL, 's'},
    {"show-error", no_argument, NULL, 'S'},
    {"expect-user", required_argument, NULL, OPTION_EXPECT_USER},
    {"wait", optional_argument, NULL, OPTION_WAIT},
    {NULL, 0, NULL, 0},
};

struct job {
    char *method; /* NULL: by the options */
    const char *target, *path;
    char *data; /* all --data, joined; NULL: none */
    size_t n_data;
    const char *upload;
    const char **headers; /* name, value, ..., NULL */
    size_t n_headers;
    bool is_json, is_head, has_include, is_verbose, has_fail, is_silent, shows_errors, has_max_time;
    bool has_form;
    int max_ms;
    struct sunpath_connect_options connect;

    struct http_progress progress;
    struct http_source source;
    struct http_sink sink;
    int status;       /* of the answer, 0: none yet */
    int output_error; /* negative errno: why the output failed */
};

static bool is_mute(const struct job *job) {
    return job->is_silent && !job->shows_errors;
}

static int out_of_memory(void) {
    cli_say("out of memory");
    return CLI_FAILED;
}

/* A file that is missing is no server that is missing: scripts wait for that one. */
static int exit_for_file(int error) {
    int status = cli_exit_for_code(error);

    return status == CLI_ABSENT ? CLI_FAILED : status;
}

/* ---- the command line ------------------------------------------------------------------------ */

/* Several --data are one form, as with curl. */
static int append_data(struct job *job, const char *data, size_t size) {
    size_t n_joint = job->data != NULL && !job->is_json ? 1 : 0;
    char *joined = realloc(job->data, job->n_data + n_joint + size + 1);

    if (!joined) {
        return out_of_memory();
    }
    if (n_joint) {
        joined[job->n_data] = '&';
    }
    memcpy(joined + job->n_data + n_joint, data, size);
    job->data = joined;
    job->n_data += n_joint + size;
    job->data[job->n_data] = '\0';
    return CLI_OK;
}

static int read_data(struct job *job, const char *argument) {
    struct cli_shown shown;
    size_t size;
    char *data;
    int r;

    if (argument[0] != '@') {
        return append_data(job, argument, strlen(argument));
    }
    r = http_read_whole(&data, &size, argument + 1);
    if (r < 0) {
        cli_say("--data %s: %s", cli_show(&shown, argument), strerror(-r));
        return exit_for_file(r);
    }
    r = append_data(job, data, size);
    free(data);
    return r;
}

/* `text` is cut at its colon. */
static int read_header(struct job *job, char *text) {
    char *colon = strchr(text, ':');
    char *value;
    size_t n;

    if (!colon) {
        return cli_usage("http", "--header %s: a header is NAME: VALUE",
                         cli_show(&(struct cli_shown){0}, text));
    }
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    for (n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--) {
        value[n - 1] = '\0';
    }
    job->headers[job->n_headers++] = text;
    job->headers[job->n_headers++] = value;
    return CLI_OK;
}

static int read_duration(int *ret_ms, const char *option) {
    if (!cli_parse_duration_ms(ret_ms, optarg) || *ret_ms == 0) {
        return cli_usage("http", "%s %s: not a duration such as 1.5 or 300ms", option,
                         cli_show(&(struct cli_shown){0}, optarg));
    }
    return CLI_OK;
}

static int read_wait(struct job *job) {
    job->connect.wait = true;
    job->connect.timeout_ms = -1;
    return optarg ? read_duration(&job->connect.timeout_ms, "--wait") : CLI_OK;
}

static int read_value(struct job *job, int option) {
    switch (option) {
    case OPTION_JSON:
        job->is_json = true;
        return read_data(job, optarg);
    case 'd':
        job->has_form = true;
        return read_data(job, optarg);
    case 'H':
        return read_header(job, optarg);
    case 'm':
        job->has_max_time = true;
        return read_duration(&job->max_ms, "--max-time");
    case OPTION_WAIT:
        return read_wait(job);
    case 'T':
        job->upload = optarg;
        return CLI_OK;
    case 'X':
        job->method = optarg;
        return CLI_OK;
    case 'o':
        job->sink.name = optarg;
        return CLI_OK;
    case OPTION_EXPECT_USER:
        job->connect.expect_user = optarg;
        return CLI_OK;
    default:
        return CLI_USAGE;
    }
}

static int read_option(struct job *job, int option) {
    switch (option) {
    case 'i':
        job->has_include = true;
        return CLI_OK;
    case 'I':
        job->is_head = true;
        return CLI_OK;
    case 'v':
        job->is_verbose = true;
        return CLI_OK;
    case 'f':
        job->has_fail = true;
        return CLI_OK;
    case 's':
        job->is_silent = true;
        return CLI_OK;
    case 'S':
        job->shows_errors = true;
        return CLI_OK;
    default:
        return read_value(job, option);
    }
}

/* A known method in any case, or any word in capitals: no address looks like one. */
static bool is_method(const char *word) {
    static const char *const known[] = {"GET",   "HEAD",    "POST",  "PUT",
                                        "PATCH", "OPTIONS", "TRACE", "DELETE"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(word, known[i]) == 0) {
            return true;
        }
    }
    return word[0] != '\0' && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == strlen(word);
}

static int read_words(struct job *job, int argc, char **argv) {
    if (argc - optind >= 2 && is_method(argv[optind])) {
        job->method = argv[optind++];
        for (char *at = job->method; *at; at++) {
            *at = (char)toupper((unsigned char)*at);
        }
    }
    if (optind < argc) {
        job->target = argv[optind++];
    }
    if (optind < argc) {
        job->path = argv[optind++];
    }
    if (!job->target) {
        return cli_usage("http", "where to? A TARGET is missing");
    }
    if (optind < argc) {
        return cli_usage("http", "one word too many: '%s'",
                         cli_show(&(struct cli_shown){0}, argv[optind]));
    }
    if (job->data && job->upload) {
        return cli_usage("http", "--data and --upload: there is only one body");
    }
    if (job->has_form && job->is_json) {
        return cli_usage("http", "--data and --json: there is only one body");
    }
    return CLI_OK;
}

static int read_command_line(struct job *job, int argc, char **argv) {
    int option, r;

    while ((option = cli_option(argc, argv, "d:T:H:X:o:iIvfm:sS", longs)) != -1) {
        r = option == '?' ? CLI_USAGE : read_option(job, option);
        if (r != CLI_OK) {
            return r;
        }
    }
    return read_words(job, argc, argv);
}

/* ---- what is shown on the way ---------------------------------------------------------------- */

static int on_start(const char *head, size_t n_head, const struct sunpath_peer *peer, void *user) {
    struct job *job = user;

    if (job->is_verbose) {
        http_show_peer(job->target, peer);
        http_show_lines('>', head, n_head);
    }
    return 0;
}

static int show_head(struct job *job, const struct sunpath_http_response *response) {
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
static int give_up(struct job *job, int error) {
    job->output_error = error;
    return error;
}

static int on_head(const struct sunpath_http_response *response, void *user) {
    struct job *job = user;
    int status = sunpath_http_response_status(response);
    int r;

    http_progress_end(&job->progress);
    r = show_head(job, response);
    if (r < 0) {
        return give_up(job, r);
    }
    if (status < 200) {
        return 0;
    }
    job->status = status;
    if (job->has_fail && status >= 400) {
        return give_up(job, -EREMOTEIO);
    }
    http_progress_begin(&job->progress, "received", sunpath_http_response_content_length(response));
    r = http_sink_open(&job->sink);
    return r < 0 ? give_up(job, r) : 0;
}

static int on_body(const struct sunpath_http_response *response, const void *data, size_t size,
                   void *user) {
    struct job *job = user;
    int r;

    (void)response;
    r = http_sink_write(&job->sink, data, size);
    return r < 0 ? give_up(job, r) : 0;
}

static ssize_t read_body(void *user, void *buffer, size_t size) {
    struct job *job = user;

    return http_source_read(&job->source, buffer, size);
}

/* ---- the request ----------------------------------------------------------------------------- */

static bool has_header(const struct job *job, const char *name) {
    for (size_t i = 0; i < job->n_headers; i += 2) {
        if (strcasecmp(job->headers[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_default(struct job *job, const char *name, const char *value) {
    if (!has_header(job, name)) {
        job->headers[job->n_headers++] = name;
        job->headers[job->n_headers++] = value;
    }
}

static int prepare_body(struct job *job, struct sunpath_http_request_options *options) {
    struct cli_shown shown;
    int64_t size;
    int r;

    if (job->data) {
        add_default(job, "Content-Type",
                    job->is_json ? "application/json" : "application/x-www-form-urlencoded");
        options->body = job->data;
        options->n_body = job->n_data;
    }
    if (!job->upload) {
        return CLI_OK;
    }
    r = http_source_open(&job->source, job->upload, &size);
    if (r < 0) {
        if (!is_mute(job)) {
            cli_say("--upload %s: %s", cli_show(&shown, job->upload), strerror(-r));
        }
        return exit_for_file(r);
    }
    http_progress_begin(&job->progress, "sent", size);
    if (size == 0) {
        options->body = ""; /* to the library a length of 0 is an unknown one */
    } else {
        options->read_body = read_body;
        options->body_length = size > 0 ? size : 0;
    }
    return CLI_OK;
}

static const char *method_of(const struct job *job) {
    return job->method    ? job->method
           : job->is_head ? "HEAD"
           : job->upload  ? "PUT"
           : job->data    ? "POST"
                          : "GET";
}

/* Our own reasons to stop come before what the library says of the request they ended. */
static int report_output(const struct job *job) {
    bool is_unread = job->output_error == -EPIPE && job->sink.is_broken;
    struct cli_shown shown;

    if (is_mute(job) || is_unread) { /* `sunpath http ... | head` is no reason for a message */
        return exit_for_file(job->output_error);
    }
    if (job->output_error == -EREMOTEIO) {
        cli_say("the server answered %d %s", job->status, sunpath_http_reason(job->status));
    } else if (job->output_error == -EILSEQ) {
        cli_say("the answer is binary data: '-o FILE' keeps it, '-o -' shows it all the same");
    } else {
        cli_say("%s: %s", job->sink.name ? cli_show(&shown, job->sink.name) : "standard output",
                strerror(-job->output_error));
    }
    return exit_for_file(job->output_error);
}

/* A path is taken literally, and curl's users expect a target behind it. */
static void suggest(const struct job *job, const struct sunpath_error *error) {
    struct cli_shown shown;

    if (error->reason == SUNPATH_REASON_MISSING && strchr("/.", job->target[0]) &&
        strstr(job->target, ":/")) {
        cli_say("a path is taken literally: did you mean 'unix:%s'?",
                cli_show(&shown, job->target));
    }
}

static int report(const struct job *job, const struct sunpath_error *error) {
    if (job->output_error < 0) {
        return report_output(job);
    }
    if (!is_mute(job)) {
        cli_print_error(error);
        suggest(job, error);
    }
    return cli_exit_for(error);
}

static int request(struct job *job) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_http_response *response = NULL;
    struct sunpath_error error = {0};
    int r;

    r = prepare_body(job, &options);
    if (r != CLI_OK) {
        return r;
    }
    if (job->is_json) {
        add_default(job, "Accept", "application/json");
    }
    job->headers[job->n_headers] = NULL;
    options.uri = job->path;
    options.headers = job->headers;
    options.on_start = on_start;
    options.on_head = on_head;
    options.on_body = on_body;
    options.user = job;
    options.timeout_ms = job->has_max_time ? job->max_ms : -1;
    options.connect = &job->connect;

    r = sunpath_http_request(&response, method_of(job), job->target, &options, &error);
    http_progress_end(&job->progress);
    sunpath_http_response_free(response);
    if (r != 0) {
        return report(job, &error);
    }
    job->output_error = http_sink_close(&job->sink);
    return job->output_error < 0 ? report_output(job) : CLI_OK;
}

int cmd_http(int argc, char **argv) {
    struct job job = {
        .connect = SUNPATH_OPTIONS(struct sunpath_connect_options),
        .source = {.fd = -1, .progress = &job.progress},
    };
    int r;

    job.headers = calloc(2 * (size_t)argc + 8, sizeof(*job.headers));
    if (!job.headers) {
        return out_of_memory();
    }
    r = read_command_line(&job, argc, argv);
    if (r == CLI_OK) {
        job.has_include |= job.is_head;
        job.progress.is_shown = !job.is_silent && !job.is_verbose && cli_is_terminal(stderr);
        http_sink_init(&job.sink, job.sink.name, &job.progress);
        r = request(&job);
    }
    http_sink_close(&job.sink);
    http_source_close(&job.source);
    free(job.headers);
    free(job.data);
    return r;
}
