/* SPDX-License-Identifier: MIT */
/* doctor.c - the examination for people: every finding, a verdict, and what to do about it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "inspect/examine-parts.h"

struct sunpath_diagnosis {
    struct sp_verdict verdict;
    struct sunpath_finding *findings;
    size_t n_findings, room;
    int error; /* a finding was lost: no memory */
};

static void on_finding(int grade, const char *subject, const char *detail, void *user) {
    struct sunpath_diagnosis *diagnosis = user;
    struct sunpath_finding *finding;

    if (diagnosis->n_findings == diagnosis->room) {
        size_t room = diagnosis->room ? diagnosis->room * 2 : 16;
        struct sunpath_finding *findings =
            realloc(diagnosis->findings, room * sizeof(*diagnosis->findings));

        if (!findings) {
            diagnosis->error = -ENOMEM;
            return;
        }
        diagnosis->findings = findings;
        diagnosis->room = room;
    }
    finding = &diagnosis->findings[diagnosis->n_findings++];
    *finding = (struct sunpath_finding){0};
    finding->grade = grade;
    snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
    snprintf(finding->detail, sizeof(finding->detail), "%s", detail);
}

struct sunpath_diagnosis *sunpath_diagnosis_free(struct sunpath_diagnosis *diagnosis) {
    if (diagnosis) {
        free(diagnosis->findings);
        free(diagnosis);
    }
    return NULL;
}

static void free_diagnosisp(struct sunpath_diagnosis **diagnosis) {
    *diagnosis = sunpath_diagnosis_free(*diagnosis);
}

/* Whoever is asked for, as a finding of its own: groups are what most such questions are about. */
static void tell_subject(struct sunpath_diagnosis *diagnosis, const struct sp_subject *subject) {
    char name[80], detail[200];
    int n;

    sunpath_escape(name, sizeof(name), subject->name, strlen(subject->name));
    if (!subject->has_account) {
        snprintf(detail, sizeof(detail), "uid %u, which has no account: asked without its groups",
                 (unsigned)subject->uid);
    } else {
        n = snprintf(detail, sizeof(detail), "%s, uid %u, groups", name, (unsigned)subject->uid);
        for (size_t i = 0; i < subject->n_groups && n < (int)sizeof(detail); i++) {
            n += snprintf(detail + n, sizeof(detail) - (size_t)n, " %u",
                          (unsigned)subject->groups[i]);
        }
    }
    on_finding(SUNPATH_FINDING_NOTE, "as", detail, diagnosis);
}

static int find_subject(struct sp_subject *ret, const char *user, struct sunpath_error *error) {
    struct sp_shown shown;
    int r = sp_subject_init(ret, user);

    sp_show(&shown, user, strlen(user));
    if (r == -ENOENT) {
        return sp_fail(error, r, SUNPATH_REASON_INVALID, "doctor", "there is no user '%s'",
                       shown.text);
    }
    if (r < 0) {
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "doctor", "user '%s': %s", shown.text,
                       strerror(-r));
    }
    r = sp_subject_check(ret);
    if (r < 0) {
        sp_subject_deinit(ret);
        return sp_fail(error, r, SUNPATH_REASON_PERMISSION, "doctor",
                       "asking for user '%s' takes root", shown.text);
    }
    return 0;
}

/* What the address asks for, or what the caller does. */
static enum sunpath_type type_of(const struct sunpath_address *address,
                                 const struct sunpath_doctor_options *options) {
    return options->type ? options->type : address->is_typed ? address->type : 0;
}

static int diagnose(struct sunpath_diagnosis *diagnosis, const struct sunpath_address *address,
                    enum sunpath_type type, const struct sp_subject *subject,
                    struct sunpath_error *error) {
    struct sp_examination examination = {.address = address,
                                         .type = type,
                                         .subject = subject,
                                         .with_names = true,
                                         .on_finding = on_finding,
                                         .user = diagnosis};
    int r = sp_examine(&diagnosis->verdict, &examination);

    if (r == 0) {
        r = diagnosis->error;
    }
    if (r < 0) {
        return sp_fail(error, r, SUNPATH_REASON_SYSTEM, "doctor", "could not look: %s",
                       strerror(-r));
    }
    if (diagnosis->verdict.reason == SUNPATH_REASON_NONE) {
        sp_verdict_set(&diagnosis->verdict, SUNPATH_REASON_NONE, 0, "connecting would work");
    }
    return 0;
}

/* A name that is too long is an address with a diagnosis; anything else that is none has none. */
static int read_address(struct sunpath_address *ret, struct sunpath_diagnosis *diagnosis,
                        const char *text, struct sunpath_error *error) {
    struct sunpath_error why = {0};
    int r = sunpath_address_parse(ret, text, &why);

    if (r == -ENAMETOOLONG) {
        sp_verdict_set(&diagnosis->verdict, SUNPATH_REASON_NAME_TOO_LONG, ENAMETOOLONG,
                       "the name is longer than the kernel can carry (%zu bytes)", strlen(text));
        sp_verdict_fix(&diagnosis->verdict, "use a shorter name");
        return 1;
    }
    if (r < 0) {
        if (error) {
            *error = why;
        }
        return r;
    }
    if ((ret->kind != SUNPATH_ADDRESS_PATH && ret->kind != SUNPATH_ADDRESS_ABSTRACT) ||
        ret->is_auto) {
        struct sp_shown shown;

        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "doctor",
                       "'%s': the doctor looks at paths and abstract names only",
                       sp_show_address(&shown, ret));
    }
    return 0;
}

static int examine_for(struct sunpath_diagnosis *diagnosis, const struct sunpath_address *address,
                       const struct sunpath_doctor_options *options, struct sunpath_error *error) {
    enum sunpath_type type = type_of(address, options);
    struct sp_subject subject;
    int r;

    if (!options->user) {
        return diagnose(diagnosis, address, type, NULL, error);
    }
    r = find_subject(&subject, options->user, error);
    if (r < 0) {
        return r;
    }
    tell_subject(diagnosis, &subject);
    r = diagnose(diagnosis, address, type, &subject, error);
    sp_subject_deinit(&subject);
    return r;
}

int sunpath_doctor(struct sunpath_diagnosis **ret, const char *address,
                   const struct sunpath_doctor_options *options, struct sunpath_error *error) {
    _cleanup_(free_diagnosisp) struct sunpath_diagnosis *diagnosis = calloc(1, sizeof(*diagnosis));
    struct sunpath_doctor_options asked;
    struct sunpath_address parsed;
    int r;

    if (!diagnosis) {
        return sp_fail(error, -ENOMEM, SUNPATH_REASON_SYSTEM, "doctor", "out of memory");
    }
    if (sp_options_read(&asked, sizeof(asked), options) < 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "doctor",
                       "options.size is not that of the struct");
    }
    r = read_address(&parsed, diagnosis, address, error);
    if (r == 0) {
        r = examine_for(diagnosis, &parsed, &asked, error);
    }
    if (r < 0) {
        return r;
    }
    *ret = sp_take_ptr(&diagnosis);
    return 0;
}

enum sunpath_reason sunpath_diagnosis_reason(const struct sunpath_diagnosis *diagnosis) {
    return diagnosis->verdict.reason;
}

int sunpath_diagnosis_errno(const struct sunpath_diagnosis *diagnosis) {
    return diagnosis->verdict.code;
}

const char *sunpath_diagnosis_verdict(const struct sunpath_diagnosis *diagnosis) {
    return diagnosis->verdict.text;
}

const char *sunpath_diagnosis_fix(const struct sunpath_diagnosis *diagnosis) {
    return diagnosis->verdict.fix;
}

size_t sunpath_diagnosis_n_findings(const struct sunpath_diagnosis *diagnosis) {
    return diagnosis->n_findings;
}

const struct sunpath_finding *sunpath_diagnosis_finding(const struct sunpath_diagnosis *diagnosis,
                                                        size_t index) {
    return index < diagnosis->n_findings ? &diagnosis->findings[index] : NULL;
}
