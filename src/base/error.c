/* SPDX-License-Identifier: MIT */
/* error.c - errors as sentences, and the words for their reasons. */

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

const char *sunpath_version(void) {
    return SUNPATH_VERSION;
}

const char *sunpath_optional_parts(void) {
    static const char parts[] = ""
#ifdef SP_HAVE_CRYPT
                                " crypt"
#endif
#ifdef SP_HAVE_JANSSON
                                " jansson"
#endif
#ifdef SP_HAVE_MD
                                " libmd"
#endif
#ifdef SP_HAVE_ZLIB
                                " zlib"
#endif
        ;

    return *parts ? parts + 1 : parts;
}

const char *sunpath_reason_name(enum sunpath_reason reason) {
    static const char *const names[] = {
        [SUNPATH_REASON_NONE] = "ok",
        [SUNPATH_REASON_UNKNOWN] = "unknown",
        [SUNPATH_REASON_INVALID] = "invalid",
        [SUNPATH_REASON_MISSING] = "missing",
        [SUNPATH_REASON_STALE] = "stale",
        [SUNPATH_REASON_NOT_A_SOCKET] = "not-a-socket",
        [SUNPATH_REASON_NOT_LISTENING] = "not-listening",
        [SUNPATH_REASON_SHUT_DOWN] = "shut-down",
        [SUNPATH_REASON_WRONG_TYPE] = "wrong-type",
        [SUNPATH_REASON_PERMISSION] = "permission",
        [SUNPATH_REASON_BACKLOG_FULL] = "backlog-full",
        [SUNPATH_REASON_NAME_TOO_LONG] = "name-too-long",
        [SUNPATH_REASON_OTHER_NETNS] = "other-netns",
        [SUNPATH_REASON_DELETED_MOUNT] = "deleted-mount",
        [SUNPATH_REASON_OVERLAY_LAYER] = "overlay-layer",
        [SUNPATH_REASON_IN_USE] = "in-use",
        [SUNPATH_REASON_WRONG_OWNER] = "wrong-owner",
        [SUNPATH_REASON_TIMEOUT] = "timeout",
        [SUNPATH_REASON_PROTOCOL] = "protocol",
        [SUNPATH_REASON_SYSTEM] = "system",
    };

    if ((size_t)reason >= SP_ARRAY_SIZE(names) || !names[reason]) {
        return "unknown";
    }
    return names[reason];
}

enum sunpath_reason sp_reason_of_errno(int code) {
    switch (code < 0 ? -code : code) {
    case 0:
        return SUNPATH_REASON_NONE;
    case ENOENT:
    case ENOTDIR:
        return SUNPATH_REASON_MISSING;
    case EACCES:
    case EPERM:
        return SUNPATH_REASON_PERMISSION;
    case EADDRINUSE:
        return SUNPATH_REASON_IN_USE;
    case ENAMETOOLONG:
        return SUNPATH_REASON_NAME_TOO_LONG;
    case ETIMEDOUT:
        return SUNPATH_REASON_TIMEOUT;
    case EPROTOTYPE:
        return SUNPATH_REASON_WRONG_TYPE;
    case EINVAL:
        return SUNPATH_REASON_INVALID;
    default:
        return SUNPATH_REASON_SYSTEM;
    }
}

int sp_fail(struct sunpath_error *error, int code, enum sunpath_reason reason, const char *step,
            const char *format, ...) {
    int saved = errno;
    va_list args;
    int n;

    if (!error) {
        return code;
    }

    *error = (struct sunpath_error){.code = code, .reason = reason};
    snprintf(error->step, sizeof(error->step), "%s", step);
    /* "bind '/run/x': ..." names its object; what names none is set apart: "listen: no memory" */
    n = snprintf(error->text, sizeof(error->text), format[0] == '\'' ? "%s " : "%s: ", step);
    errno = saved; /* so that %m works */
    va_start(args, format);
    vsnprintf(error->text + n, sizeof(error->text) - (size_t)n, format, args);
    va_end(args);
    errno = saved;
    return code;
}
