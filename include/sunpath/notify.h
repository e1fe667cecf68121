/* SPDX-License-Identifier: MIT */
/* notify.h - tell the service manager how a service is (sd_notify(3)), and read what others tell.
 */

#ifndef SUNPATH_NOTIFY_H
#define SUNPATH_NOTIFY_H

#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SUNPATH_NOTIFY_MAX 4096 /* bytes of a notification: systemd drops longer ones */

struct sunpath_notify_options {
    size_t size;

    /* Each of these adds its line, so text from outside needs no escape and can add no other. */
    const char *status;  /* STATUS=: one line for people */
    int error_number;    /* ERRNO=: why the service fails; a negative errno is taken as one */
    pid_t main_pid;      /* MAINPID=: the process that counts from now on; 0: no line */
    const int *fds;      /* FDSTORE=1: descriptors to be kept for the next start; they stay ours */
    size_t n_fds;        /* at most SUNPATH_FDS_MAX */
    const char *fd_name; /* FDNAME=: of `fds`, or of what FDSTOREREMOVE=1 means; without ":" */

    const char *socket;     /* address of the receiver; NULL: $NOTIFY_SOCKET */
    bool unset_environment; /* takes $NOTIFY_SOCKET from the environment, whatever comes of it */
    int timeout_ms;         /* for a receiver that does not read; 0: 5,000; -1: no limit */
    pid_t sender;           /* the process that says it, which root may set; 0: this one */
};

/*
 * Tells the service manager `state`: lines "KEY=VALUE" as in sd_notify(3), which may be NULL when
 * the options say something. The usual ones:
 *
 *   READY=1         it has started, or has read its configuration again
 *   RELOADING=1     it begins to read it again; MONOTONIC_USEC= is added, as systemd 253 wants
 *   STOPPING=1      it begins to end
 *   WATCHDOG=1      it is alive; see sunpath_notify_watchdog_us()
 *   FDSTOREREMOVE=1 with the option fd_name: descriptors need not be kept any longer
 *
 * All of it goes as one datagram. Returns 1 when it was sent, and 0 when nobody listens: the
 * service was not started by a manager that wants to know ($NOTIFY_SOCKET is not set, or empty).
 * What is said is checked before, so mistakes show without a manager, too.
 *
 * The manager looks up by pid who it was, so what a short-lived process says may come too late:
 * sunpath_notify_barrier().
 *
 * Errors, each with the reason in `error`: -EINVAL (no line, a line that is not KEY=VALUE with a
 * key of A-Z, 0-9 and _, a key twice, a value that is not UTF-8 or holds a control character, a
 * newline among them, FDSTORE=1 without descriptors or a name without either; an address that is
 * none), -EMSGSIZE (over SUNPATH_NOTIFY_MAX), -EAFNOSUPPORT ("vsock:", which only virtual machines
 * use), -ENOENT, -ECONNREFUSED, -EACCES, -EPROTOTYPE (the receiver), -ETIMEDOUT (it does not read),
 * -EPERM, -ESRCH (`sender`), -ETOOMANYREFS, -EBADF (the descriptors), -EMFILE.
 */
SUNPATH_API int sunpath_notify(const char *state, const struct sunpath_notify_options *options,
                               struct sunpath_error *error);

/*
 * Waits until the manager has read everything that was sent before, or is gone itself (BARRIER=1,
 * systemd 246): a manager that does not know it is -ETIMEDOUT. Of the options only socket,
 * unset_environment, timeout_ms (for all of it) and sender may be set. Returns and fails as above.
 */
SUNPATH_API int sunpath_notify_barrier(const struct sunpath_notify_options *options,
                                       struct sunpath_error *error);

/*
 * Does the manager want to hear "WATCHDOG=1" from this process (sd_watchdog_enabled(3))? Returns 1
 * and stores in *ret_us how many microseconds may pass between two; say it twice as often. 0 when
 * it does not, or means another process. -EINVAL: $WATCHDOG_USEC or $WATCHDOG_PID make no sense.
 */
SUNPATH_API int sunpath_notify_watchdog_us(uint64_t *ret_us);

/*
 * The other end: one line of a notification. Both parts lie in the notification, without a NUL
 * behind; `value` is NULL for a line without "=".
 */
struct sunpath_notify_field {
    const char *name;
    size_t n_name;
    const char *value;
    size_t n_value;
};

/*
 * Takes the next line of a notification that ends at `end` and moves *at behind it; empty ones are
 * skipped. False at the end. To receive: sunpath_listener_open() on a "dgram:" address with
 * want_credentials, then sunpath_receive() with room for SUNPATH_NOTIFY_MAX bytes and descriptors.
 * Whoever sends BARRIER=1 waits until the descriptor that came with it is closed.
 */
SUNPATH_API bool sunpath_notify_next(struct sunpath_notify_field *ret, const char **at,
                                     const char *end);

#ifdef __cplusplus
}
#endif

#endif
