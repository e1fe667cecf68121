/* SPDX-License-Identifier: MIT */
/* listener-options.c - what a caller asks of a listener, checked. */

#include <errno.h>

#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "sock/listener-internal.h"

static int refuse(struct sunpath_error *error, const char *why) {
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "listen", "options: %s", why);
}

static bool is_type(enum sunpath_type type) {
    return type == SUNPATH_STREAM || type == SUNPATH_DGRAM || type == SUNPATH_SEQPACKET;
}

int sp_listen_options_read(struct sunpath_listen_options *ret,
                           const struct sunpath_listen_options *options,
                           struct sunpath_error *error) {
    struct sunpath_listen_options read;

    if (sp_options_read(&read, sizeof(read), options) < 0) {
        return refuse(error, "size must be sizeof(struct sunpath_listen_options)");
    }
    if (read.type != 0 && !is_type(read.type)) {
        return refuse(error, "no such socket type");
    }
    if (read.mode & ~(mode_t)07777) {
        return refuse(error, "mode has more than permission bits");
    }
    if (read.backlog < -1) {
        return refuse(error, "backlog is negative");
    }
    if (read.send_buffer < 0 || read.receive_buffer < 0) {
        return refuse(error, "a buffer size is negative");
    }
    *ret = read;
    return 0;
}

int sp_listen_backlog(const struct sunpath_listen_options *options) {
    return options->backlog == 0  ? SUNPATH_BACKLOG_DEFAULT
           : options->backlog < 0 ? 0
                                  : options->backlog;
}

int sp_listen_check_rights(const struct sunpath_address *address,
                           const struct sunpath_listen_options *options,
                           struct sunpath_error *error) {
    struct sp_shown shown;

    if (address->kind == SUNPATH_ADDRESS_PATH ||
        (options->mode == 0 && !options->owner && !options->group)) {
        return 0;
    }
    return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "listen",
                   "'%s': mode, owner and group are for paths: %s",
                   sp_show_address(&shown, address),
                   address->kind == SUNPATH_ADDRESS_ABSTRACT ? "everyone may use an abstract name"
                   : address->kind == SUNPATH_ADDRESS_TCP    ? "everyone may use a port"
                                                             : "who made this socket has set them");
}
