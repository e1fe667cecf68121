/* SPDX-License-Identifier: MIT */
/* http-report.c - what `sunpath http` says when something went wrong. */

#include <errno.h>
#include <string.h>

#include "cli.h"
#include "http-job.h"
#include "output.h"

bool http_is_mute(const struct http_job *job) {
    return job->is_silent && !job->shows_errors;
}

int http_out_of_memory(void) {
    cli_say("out of memory");
    return CLI_FAILED;
}

int http_exit_for_file(int error) {
    int status = cli_exit_for_code(error);

    return status == CLI_ABSENT ? CLI_FAILED : status;
}

int http_report_output(const struct http_job *job) {
    bool is_unread = job->output_error == -EPIPE && job->sink.is_broken;
    struct cli_shown shown;

    if (http_is_mute(job) || is_unread) { /* `sunpath http ... | head` is no reason for a message */
        return http_exit_for_file(job->output_error);
    }
    if (job->output_error == -EREMOTEIO) {
        cli_say("the server answered %d %s", job->status, sunpath_http_reason(job->status));
    } else if (job->output_error == -ERANGE) {
        cli_say("the server answered %d instead of what follows byte %llu: nothing was written",
                job->status, (unsigned long long)job->offset);
    } else if (job->output_error == -ESTALE) {
        cli_say("the server has changed it since '%s' was written: nothing was added",
                cli_show(&shown, job->sink.name));
    } else if (job->output_error == -ENOTSUP) {
        cli_say("the server sent what follows byte %llu encoded: nothing was written",
                (unsigned long long)job->offset);
    } else if (job->output_error == -EILSEQ) {
        cli_say("the answer is binary data: '-o FILE' keeps it, '-o -' shows it all the same");
    } else {
        cli_say("%s: %s", job->sink.name ? cli_show(&shown, job->sink.name) : "standard output",
                strerror(-job->output_error));
    }
    return http_exit_for_file(job->output_error);
}

/* A path is taken literally, and curl's users expect a target behind it. */
static void suggest(const struct http_job *job, const struct sunpath_error *error) {
    struct cli_shown shown;

    if (error->reason == SUNPATH_REASON_MISSING && strchr("/.", job->target[0]) &&
        strstr(job->target, ":/")) {
        cli_say("a path is taken literally: did you mean 'unix:%s'?",
                cli_show(&shown, job->target));
    }
}

int http_report(const struct http_job *job, const struct sunpath_error *error) {
    if (job->output_error < 0) {
        return http_report_output(job);
    }
    if (!http_is_mute(job)) {
        cli_print_error(error);
        suggest(job, error);
    }
    return cli_exit_for(error);
}
