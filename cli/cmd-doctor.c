/* SPDX-License-Identifier: MIT */
/* cmd-doctor.c - say whether connecting would work, and if not, why and what to do. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sunpath/inspect.h>

#include "cli.h"
#include "output.h"

enum {
    OPTION_USER = 1,
    OPTION_JSON
};

static const struct option longs[] = {
    {"user", required_argument, NULL, OPTION_USER},
    {"type", required_argument, NULL, CLI_OPTION_TYPE},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

static const char *mark_of(int grade) {
    return grade == SUNPATH_FINDING_OK     ? "\u2713"
           : grade == SUNPATH_FINDING_BAD  ? "\u2717"
           : grade == SUNPATH_FINDING_NOTE ? "\u2022"
                                           : "?";
}

static enum cli_style style_of(int grade) {
    return grade == SUNPATH_FINDING_OK     ? CLI_GOOD
           : grade == SUNPATH_FINDING_BAD  ? CLI_BAD
           : grade == SUNPATH_FINDING_NOTE ? CLI_DIM
                                           : CLI_WARN;
}

static const char *grade_name(int grade) {
    return grade == SUNPATH_FINDING_OK     ? "ok"
           : grade == SUNPATH_FINDING_BAD  ? "bad"
           : grade == SUNPATH_FINDING_NOTE ? "note"
                                           : "unknown";
}

/* How wide the column of subjects is; one very long path does not push all details away. */
static int subject_width(const struct sunpath_diagnosis *diagnosis) {
    size_t width = 12;

    for (size_t i = 0; i < sunpath_diagnosis_n_findings(diagnosis); i++) {
        size_t n = strlen(sunpath_diagnosis_finding(diagnosis, i)->subject);

        width = n > width && n <= 60 ? n : width;
    }
    return (int)width;
}

static void print_mark(int grade) {
    enum cli_style style = style_of(grade);

    printf("%s%s%s ", cli_style_on(stdout, style), mark_of(grade), cli_style_off(stdout, style));
}

static void print_findings(const struct sunpath_diagnosis *diagnosis) {
    int width = subject_width(diagnosis);

    for (size_t i = 0; i < sunpath_diagnosis_n_findings(diagnosis); i++) {
        const struct sunpath_finding *finding = sunpath_diagnosis_finding(diagnosis, i);

        fputs("  ", stdout);
        print_mark(finding->grade);
        printf("%-*s  %s\n", width, finding->subject, finding->detail);
    }
}

static void print_text(const struct sunpath_diagnosis *diagnosis, const char *address,
                       const struct sunpath_doctor_options *options) {
    enum sunpath_reason reason = sunpath_diagnosis_reason(diagnosis);
    const char *fix = sunpath_diagnosis_fix(diagnosis);
    int code = sunpath_diagnosis_errno(diagnosis);
    struct cli_shown shown;
    int grade = reason == SUNPATH_REASON_NONE      ? SUNPATH_FINDING_OK
                : reason == SUNPATH_REASON_UNKNOWN ? SUNPATH_FINDING_UNKNOWN
                                                   : SUNPATH_FINDING_BAD;

    printf("%s%s%s", cli_style_on(stdout, CLI_BOLD), cli_show(&shown, address),
           cli_style_off(stdout, CLI_BOLD));
    if (options->user) {
        printf("   as %s", cli_show(&shown, options->user));
    }
    putchar('\n');
    print_findings(diagnosis);
    print_mark(grade);
    if (code != 0) {
        printf("connect() would fail with %s\n  why: ", strerrorname_np(code));
    }
    puts(sunpath_diagnosis_verdict(diagnosis));
    if (fix[0]) {
        printf("  fix: %s\n", fix);
    }
}

static void print_json(const struct sunpath_diagnosis *diagnosis, const char *address,
                       const struct sunpath_doctor_options *options) {
    int code = sunpath_diagnosis_errno(diagnosis);
    struct cli_json json;

    cli_json_begin(&json, stdout);
    cli_json_string(&json, "address", address);
    cli_json_string(&json, "user", options->user);
    cli_json_string(&json, "reason", sunpath_reason_name(sunpath_diagnosis_reason(diagnosis)));
    cli_json_string(&json, "errno", code ? strerrorname_np(code) : NULL);
    cli_json_string(&json, "verdict", sunpath_diagnosis_verdict(diagnosis));
    cli_json_string(&json, "fix", sunpath_diagnosis_fix(diagnosis));
    cli_json_array(&json, "findings");
    for (size_t i = 0; i < sunpath_diagnosis_n_findings(diagnosis); i++) {
        const struct sunpath_finding *finding = sunpath_diagnosis_finding(diagnosis, i);

        cli_json_object(&json, NULL);
        cli_json_string(&json, "grade", grade_name(finding->grade));
        cli_json_string(&json, "subject", finding->subject);
        cli_json_string(&json, "detail", finding->detail);
        cli_json_close(&json);
    }
    cli_json_close(&json);
    cli_json_end(&json);
}

/* The same classes a failed connect has. */
static int exit_of(const struct sunpath_diagnosis *diagnosis) {
    struct sunpath_error error = {.code = -sunpath_diagnosis_errno(diagnosis),
                                  .reason = sunpath_diagnosis_reason(diagnosis)};

    if (error.reason == SUNPATH_REASON_NONE) {
        return CLI_OK;
    }
    return error.code == 0 ? CLI_FAILED : cli_exit_for(&error);
}

static int diagnose(const char *address, const struct sunpath_doctor_options *options,
                    bool is_json) {
    struct sunpath_diagnosis *diagnosis;
    struct sunpath_error error;
    int status;

    if (sunpath_doctor(&diagnosis, address, options, &error) < 0) {
        return cli_fail(&error);
    }
    if (is_json) {
        print_json(diagnosis, address, options);
    } else {
        print_text(diagnosis, address, options);
    }
    status = exit_of(diagnosis);
    sunpath_diagnosis_free(diagnosis);
    return status;
}

int cmd_doctor(int argc, char **argv) {
    struct sunpath_doctor_options options = SUNPATH_OPTIONS(struct sunpath_doctor_options);
    bool is_json = false;
    int option;

    while ((option = cli_option(argc, argv, "", longs)) != -1) {
        switch (option) {
        case OPTION_USER:
            options.user = optarg;
            break;
        case CLI_OPTION_TYPE:
            if (!cli_parse_type(&options.type, optarg)) {
                return cli_usage("doctor", "--type: one of stream, seqpacket, dgram");
            }
            break;
        case OPTION_JSON:
            is_json = true;
            break;
        default:
            return CLI_USAGE;
        }
    }
    if (optind + 1 != argc) {
        return cli_usage("doctor", "one address is wanted");
    }
    return diagnose(argv[optind], &options, is_json);
}
