/* SPDX-License-Identifier: MIT */
/* base.h - what every other header needs: export marks, version, errors and their reasons. */

#ifndef SUNPATH_BASE_H
#define SUNPATH_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SUNPATH_VERSION       "0.1.0"
#define SUNPATH_VERSION_MAJOR 0
#define SUNPATH_VERSION_MINOR 1
#define SUNPATH_VERSION_PATCH 0

#if defined(__GNUC__)
#define SUNPATH_API          __attribute__((visibility("default")))
#define SUNPATH_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SUNPATH_API
#define SUNPATH_PRINTF(f, a)
#endif

#ifdef __cplusplus
template <class Options> static inline Options sunpath_options() {
    Options options = Options();

    options.size = sizeof(Options);
    return options;
}
#define SUNPATH_OPTIONS(type) (sunpath_options<type>())
#else
#define SUNPATH_OPTIONS(type) ((type){.size = sizeof(type)})
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The conventions of the whole API:
 *
 * - A call returns 0 (or a documented count) on success and a negative errno on failure. On failure
 *   nothing behind `ret` is touched and nothing is left in the file system but the lock file of a
 *   listener, which always stays (listener.h says why).
 * - A call that takes ownership of something takes it only when it succeeds.
 * - Destructors accept NULL and return NULL, so `x = sunpath_x_close(x)` leaves no dangling
 * pointer.
 * - Every descriptor the library creates is close-on-exec and non-blocking.
 * - Options are structs: `size` must be sizeof of the struct (it lets the struct grow without
 *   breaking old callers), every other field's zero means the default, and a NULL pointer means
 *   all defaults. In C and C++ SUNPATH_OPTIONS(struct sunpath_connect_options) makes one.
 * - The library keeps no globals, starts no threads, installs no signal handlers, raises no SIGPIPE
 *   and touches neither umask nor working directory. One object may be used by one thread at a
 *   time; different objects may be used by different threads.
 */

/* What stands behind an error, as far as the machine could find out without disturbing anyone. */
enum sunpath_reason {
    SUNPATH_REASON_NONE = 0,      /* nothing is wrong */
    SUNPATH_REASON_UNKNOWN,       /* something is, and it could not be found out */
    SUNPATH_REASON_INVALID,       /* the request itself makes no sense: see the text */
    SUNPATH_REASON_MISSING,       /* nothing at the path, or a component of it is missing */
    SUNPATH_REASON_STALE,         /* a socket file whose server is gone */
    SUNPATH_REASON_NOT_A_SOCKET,  /* the path names a file, directory, fifo or device */
    SUNPATH_REASON_NOT_LISTENING, /* bound, but the owner never called listen() */
    SUNPATH_REASON_SHUT_DOWN,     /* the listener called shutdown() and takes no more */
    SUNPATH_REASON_WRONG_TYPE,    /* stream against seqpacket against datagram */
    SUNPATH_REASON_PERMISSION,    /* a directory without x, or a socket without w */
    SUNPATH_REASON_BACKLOG_FULL,  /* the owner does not accept fast enough */
    SUNPATH_REASON_NAME_TOO_LONG, /* longer than the kernel can carry */
    SUNPATH_REASON_OTHER_NETNS,   /* its listener lives in another network namespace */
    SUNPATH_REASON_DELETED_MOUNT, /* a bind mount of a socket file that was deleted since */
    SUNPATH_REASON_OVERLAY_LAYER, /* reached through a layer of an overlay, not the merged tree */
    SUNPATH_REASON_IN_USE,        /* somebody alive owns the address */
    SUNPATH_REASON_WRONG_OWNER,   /* the server is not run by the user that was required */
    SUNPATH_REASON_TIMEOUT,       /* the deadline passed */
    SUNPATH_REASON_PROTOCOL,      /* the peer broke the protocol, or left in the middle of it */
    SUNPATH_REASON_SYSTEM         /* the operating system refused: see the text */
};

/* The stable lower-case word for a reason ("stale", "backlog-full"); never NULL. */
SUNPATH_API const char *sunpath_reason_name(enum sunpath_reason reason);

/*
 * Filled by calls that take several steps. `text` is one sentence such as
 *   connect '/run/app.sock': refused: the file is stale, its server is gone
 * with every name from outside escaped, so it can be shown on a terminal as it is.
 */
struct sunpath_error {
    int code;                   /* the negative errno the call returned */
    enum sunpath_reason reason; /* why, for programs */
    char step[24];              /* the step that failed: "connect", "bind", "lock", "parse" ... */
    char text[480];             /* why, for people */
};

/* The library's version as it was built; compare with SUNPATH_VERSION. */
SUNPATH_API const char *sunpath_version(void);

/*
 * The optional libraries it was built with, by name, with a space between two; "" for none.
 * "crypt": hashed passwords; "jansson": JSON bodies; "libmd": signed cookies; "zlib": gzip and
 * deflate.
 */
SUNPATH_API const char *sunpath_optional_parts(void);

/*
 * Writes `size` bytes of `data` to `buffer` so that they are safe on a terminal and in a log line:
 * control bytes, invalid UTF-8 and backslashes become \n, \t, \\ or \xHH. Always NUL-terminates
 * when `n_buffer` > 0. Returns the length the whole result needs, as snprintf() does: a return of
 * `n_buffer` or more means it was cut. 4 * size + 1 bytes always suffice.
 */
SUNPATH_API size_t sunpath_escape(char *buffer, size_t n_buffer, const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
