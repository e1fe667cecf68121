/* SPDX-License-Identifier: MIT */
/* notify.c - tell the service manager how a service is: sd_notify(3), without libsystemd. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sunpath/connection.h>
#include <sunpath/notify.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/options.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/fd.h"
#include "sock/note.h"
#include "sock/send-all.h"
#include "sock/target.h"

#define DEFAULT_TIMEOUT_MS 5000

/* ---- where it goes --------------------------------------------------------------------------- */

/* What the manager wrote is no address of ours: a "@name" has no escapes there. */
static int read_variable(struct sunpath_address *ret, const char *text,
                         struct sunpath_error *error) {
    size_t size = strlen(text), mark = text[0] == '@';
    struct sp_shown shown;

    sp_show(&shown, text, size);
    if (strncmp(text, "vsock:", 6) == 0) {
        return sp_fail(error, -EAFNOSUPPORT, SUNPATH_REASON_SYSTEM, "notify",
                       "'%s': $NOTIFY_SOCKET is a vsock, which is not supported", shown.text);
    }
    if ((text[0] != '/' && !mark) || size == mark || size - mark > SUNPATH_NAME_MAX) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "notify",
                       "'%s': $NOTIFY_SOCKET is neither /path nor @name", shown.text);
    }
    *ret = (struct sunpath_address){.kind = mark ? SUNPATH_ADDRESS_ABSTRACT : SUNPATH_ADDRESS_PATH,
                                    .type = SUNPATH_DGRAM};
    ret->n_name = size - mark;
    memcpy(ret->name, text + mark, ret->n_name);
    return 0;
}

static int read_option(struct sunpath_address *ret, const char *text, struct sunpath_error *error) {
    struct sp_shown shown;
    int r = sunpath_address_parse(ret, text, error);

    if (r == 0 && !sp_target_is_local(ret)) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "notify",
                       "'%s': it goes to a path or an abstract name", sp_show_address(&shown, ret));
    }
    return r;
}

/* 1, 0 when there is nobody to tell, or a negative errno. */
static int find_receiver(struct sunpath_address *ret, const struct sunpath_notify_options *options,
                         struct sunpath_error *error) {
    const char *text = options->socket ? options->socket : getenv("NOTIFY_SOCKET");
    int r;

    if (!text || (!options->socket && text[0] == '\0')) {
        return 0;
    }
    r = options->socket ? read_option(ret, text, error) : read_variable(ret, text, error);
    return r < 0 ? r : 1;
}

static int fail(struct sunpath_error *error, int code, const struct sunpath_address *to,
                const char *step) {
    struct sp_shown shown;

    sp_show_address(&shown, to);
    switch (code) {
    case -ETIMEDOUT:
        return sp_fail(error, code, SUNPATH_REASON_TIMEOUT, step,
                       "'%s': the service manager did not read it in time", shown.text);
    case -EPERM:
        return sp_fail(error, code, SUNPATH_REASON_PERMISSION, step,
                       "'%s': only root may speak for another process", shown.text);
    default:
        errno = -code;
        return sp_fail(error, code, sp_reason_of_errno(code), step, "'%s': %m", shown.text);
    }
}

struct letter {
    const char *text;
    size_t size;
    const int *fds;
    size_t n_fds;
};

static int deliver(const struct letter *letter, const struct sunpath_address *to,
                   const struct sunpath_notify_options *options, uint64_t deadline_ns,
                   struct sunpath_error *error) {
    struct sunpath_connect_options connect = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sunpath_send_options send = SUNPATH_OPTIONS(struct sunpath_send_options);
    struct sunpath_credentials sender = {.pid = options->sender, .uid = getuid(), .gid = getgid()};
    _cleanup_(sp_closep) int fd = -1;
    int r;

    connect.type = SUNPATH_DGRAM;
    connect.no_wait = true; /* a datagram socket connects at once or never */
    r = sunpath_connect_address(&fd, to, &connect, error);
    if (r < 0) {
        return r;
    }
    send.fds = letter->fds;
    send.n_fds = letter->n_fds;
    send.credentials = options->sender > 0 ? &sender : NULL;
    r = sp_send_all(fd, letter->text, letter->size, &send, deadline_ns);
    return r < 0 ? fail(error, r, to, "notify") : 1;
}

/* A number that is not open could become that of our own socket, which nobody wants kept. */
static int check_fds(const struct sunpath_notify_options *options, struct sunpath_error *error) {
    for (size_t i = 0; i < options->n_fds; i++) {
        if (fcntl(options->fds[i], F_GETFD) < 0) {
            return sp_fail(error, -EBADF, SUNPATH_REASON_INVALID, "notify",
                           "descriptor %d is not open", options->fds[i]);
        }
    }
    return 0;
}

/* ---- the calls ------------------------------------------------------------------------------- */

static int read_options(struct sunpath_notify_options *ret,
                        const struct sunpath_notify_options *options, struct sunpath_error *error) {
    if (sp_options_read(ret, sizeof(*ret), options) < 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "notify",
                       "the options' size is not set");
    }
    if (ret->timeout_ms < -1 || ret->sender < 0) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "notify",
                       "an option is out of range");
    }
    ret->timeout_ms = ret->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : ret->timeout_ms;
    return 0;
}

static int notify(const char *state, const struct sunpath_notify_options *options,
                  struct sunpath_error *error) {
    struct sp_note note = {.error = error};
    struct sunpath_address to;
    struct letter letter;
    int r = sp_note_compose(&note, state, options);

    if (r == 0) {
        r = check_fds(options, error);
    }
    if (r == 0) {
        r = find_receiver(&to, options, error);
    }
    if (r <= 0) {
        return r;
    }
    letter = (struct letter){note.text, note.size, options->fds, options->n_fds};
    return deliver(&letter, &to, options, sp_deadline_ns(options->timeout_ms), error);
}

/* The manager closes what it got once it comes to our message, which is behind the others. */
static int barrier(const struct sunpath_notify_options *options, struct sunpath_error *error) {
    static const char text[] = "BARRIER=1";
    uint64_t deadline_ns = sp_deadline_ns(options->timeout_ms);
    _cleanup_(sp_closep) int ours = -1;
    _cleanup_(sp_closep) int theirs = -1;
    struct sunpath_address to;
    struct letter letter;
    int fds[2];
    int r = find_receiver(&to, options, error);

    if (r <= 0) {
        return r;
    }
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
        return fail(error, -errno, &to, "barrier");
    }
    ours = fds[0];
    theirs = fds[1];
    letter = (struct letter){text, strlen(text), &theirs, 1};
    r = deliver(&letter, &to, options, deadline_ns, error);
    if (r < 0) {
        return r;
    }
    theirs = sp_close(theirs);
    r = sp_wait_until(ours, 0, deadline_ns); /* for the hang-up, which poll(2) always tells */
    return r < 0 ? fail(error, r, &to, "barrier") : 1;
}

int sunpath_notify(const char *state, const struct sunpath_notify_options *options,
                   struct sunpath_error *error) {
    struct sunpath_notify_options read;
    int r = read_options(&read, options, error);

    if (r == 0) {
        r = notify(state, &read, error);
    }
    if (read.unset_environment) {
        unsetenv("NOTIFY_SOCKET");
    }
    return r;
}

int sunpath_notify_barrier(const struct sunpath_notify_options *options,
                           struct sunpath_error *error) {
    struct sunpath_notify_options read;
    int r = read_options(&read, options, error);

    if (r == 0 && (read.status || read.error_number != 0 || read.main_pid != 0 || read.n_fds > 0 ||
                   read.fd_name)) {
        r = sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "barrier", "it says nothing else");
    }
    if (r == 0) {
        r = barrier(&read, error);
    }
    if (read.unset_environment) {
        unsetenv("NOTIFY_SOCKET");
    }
    return r;
}

int sunpath_notify_watchdog_us(uint64_t *ret_us) {
    const char *interval = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t us, process;

    if (!interval) {
        return 0;
    }
    if (!sp_parse_number(&us, interval, strlen(interval), UINT64_MAX - 1) || us == 0) {
        return -EINVAL;
    }
    if (pid && !sp_parse_number(&process, pid, strlen(pid), INT_MAX)) {
        return -EINVAL;
    }
    if (pid && process != (uint64_t)getpid()) {
        return 0;
    }
    *ret_us = us;
    return 1;
}
