/* SPDX-License-Identifier: MIT */
/* explain.c - the sentence behind a failed connect: an examination put into the caller's error. */

#include "inspect/explain.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "inspect/examine.h"

/* What happened, in a word or two; the verdict says why. */
static const char *errno_word(int code) {
    switch (-code) {
    case ENOENT:
    case ENOTDIR:
        return "not there";
    case ECONNREFUSED:
        return "refused";
    case EACCES:
    case EPERM:
        return "no permission";
    case EPROTOTYPE:
        return "wrong type";
    case EAGAIN:
        return "busy";
    case ETIMEDOUT:
        return "timed out";
    case ENAMETOOLONG:
        return "name too long";
    default:
        return strerror(-code);
    }
}

static bool is_examinable(const struct sunpath_address *address, int code) {
    bool is_named =
        address->kind == SUNPATH_ADDRESS_PATH || address->kind == SUNPATH_ADDRESS_ABSTRACT;

    switch (-code) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ECONNREFUSED:
    case EACCES:
    case EPERM:
    case EPROTOTYPE:
    case EAGAIN:
    case ETIMEDOUT:
    case ENAMETOOLONG:
        return is_named;
    default:
        return false;
    }
}

/* Does the verdict account for the errno? A deadline can pass on whatever kept the call waiting. */
static bool is_accounted(const struct sp_verdict *verdict, int code) {
    return verdict->code == -code || (code == -ETIMEDOUT && verdict->code != 0) ||
           (verdict->reason == SUNPATH_REASON_NOT_A_SOCKET && code == -ECONNREFUSED);
}

int sp_explain_connect(struct sunpath_error *error, int code, const struct sunpath_address *address,
                       enum sunpath_type type) {
    struct sp_examination examination = {
        .address = address, .type = type, .was_refused = code == -ECONNREFUSED};
    struct sp_verdict verdict;
    struct sp_shown shown;
    int saved = errno;

    if (!error) {
        return code;
    }
    sp_show_address(&shown, address);
    if (!is_examinable(address, code) || sp_examine(&verdict, &examination) < 0) {
        sp_fail(error, code, sp_reason_of_errno(code), "connect", "'%s': %s", shown.text,
                errno_word(code));
    } else if (is_accounted(&verdict, code)) {
        sp_fail(error, code, verdict.reason, "connect", "'%s': %s: %s", shown.text,
                errno_word(code), verdict.text);
    } else if (code == -EAGAIN) { /* which has this one cause, and it is over by now */
        sp_fail(error, code, SUNPATH_REASON_BACKLOG_FULL, "connect",
                "'%s': busy: the backlog was full a moment ago", shown.text);
    } else if (verdict.reason == SUNPATH_REASON_NONE) {
        sp_fail(error, code, sp_reason_of_errno(code), "connect", "'%s': %s, by now it would work",
                shown.text, errno_word(code));
    } else {
        sp_fail(error, code, sp_reason_of_errno(code), "connect", "'%s': %s; by now %s", shown.text,
                errno_word(code), verdict.text);
    }
    errno = saved;
    return code;
}
