/* SPDX-License-Identifier: MIT */
/* connect-unix.c - reach a Unix socket: long paths, full backlogs, servers yet to come, squatters.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/id-map.h"
#include "sock/connect-internal.h"
#include "sock/target.h"

/* Nothing tells when a backlog has room again, so ask again, less and less often. */
#define FIRST_PAUSE_MS 1
#define LAST_PAUSE_MS  20

#define NOBODY_KNOWS   ((uid_t)-1)

static int wrong_owner(const struct sp_connecting *call, uid_t uid, bool is_unmapped) {
    struct sp_shown shown, wanted;
    char who[40] = "a user without a name in this namespace";

    if (!is_unmapped) {
        snprintf(who, sizeof(who), "uid %u", (unsigned)uid);
    }
    return sp_fail(call->error, -EPERM, SUNPATH_REASON_WRONG_OWNER, "connect",
                   "'%s': its server runs as %s, not as '%s': nothing was sent",
                   sp_show_address(&shown, call->address), who,
                   sp_show(&wanted, call->options.expect_user, strlen(call->options.expect_user)));
}

int sp_connect_check_owner(const struct sp_connecting *call, int fd) {
    struct sunpath_peer peer;
    struct sp_shown shown;
    bool is_unmapped;
    int r = sunpath_peer_read(&peer, fd);

    if (r < 0) {
        return sp_fail(
            call->error, -EPERM, SUNPATH_REASON_WRONG_OWNER, "connect",
            "'%s': this kind of socket does not tell who its server is: nothing was sent",
            sp_show_address(&shown, call->address));
    }
    is_unmapped = sp_uid_is_unmapped(peer.uid);
    return is_unmapped || peer.uid != call->expected ? wrong_owner(call, peer.uid, is_unmapped) : 0;
}

/*
 * A datagram socket has no peer credentials, so its file's owner counts. The inode is pinned by an
 * O_PATH descriptor and connected to through it: what was checked is what is reached. 0, or a
 * negative errno; *ret_uid is the owner when that is -EPERM.
 */
static int pin_owner(struct sp_target *ret, const struct sp_connecting *call, uid_t *ret_uid) {
    _cleanup_(sp_closep) int fd = -1;
    struct stat file;

    fd = open(call->address->name, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) < 0) {
        return -errno;
    }
    if (file.st_uid != call->expected || sp_uid_is_unmapped(file.st_uid)) {
        *ret_uid = file.st_uid;
        return -EPERM;
    }
    sp_target_pin(ret, sp_take_fd(&fd));
    return 0;
}

/* Gives our own end a name. What was bound is unlinked again when the call fails. */
static int bind_own(const struct sp_connecting *call, int fd, struct sunpath_address *ret_own) {
    _cleanup_(sp_target_closep) struct sp_target own = {.via_fd = -1};
    struct sp_shown shown;
    int r = sunpath_address_parse(ret_own, call->options.bind, call->error);

    if (r < 0) {
        return r;
    }
    r = sp_target_name(&own, ret_own);
    if (r == 0 && bind(fd, (struct sockaddr *)&own.un, own.length) < 0) {
        r = -errno;
    }
    if (r < 0) {
        errno = -r;
        return sp_fail(call->error, r, sp_reason_of_errno(r), "bind", "'%s' to our own end: %m",
                       sp_show_address(&shown, ret_own));
    }
    return 0;
}

static void unbind_own(const struct sunpath_address *own) {
    if (own->kind == SUNPATH_ADDRESS_PATH) {
        (void)unlink(own->name);
    }
}

static bool is_worth_waiting(const struct sp_connecting *call, int code) {
    if (call->options.no_wait) {
        return false;
    }
    return code == -EAGAIN || (call->options.wait && (code == -ENOENT || code == -ECONNREFUSED));
}

/* One attempt. The path is walked anew each time: any part of it may appear while we wait. */
static int attempt(int fd, const struct sp_connecting *call, uid_t *ret_uid) {
    _cleanup_(sp_target_closep) struct sp_target target = {.via_fd = -1};
    int r;

    if (call->options.expect_user && call->type == SUNPATH_DGRAM) {
        r = pin_owner(&target, call, ret_uid);
    } else {
        r = sp_target_reach(&target, call->address);
    }
    if (r < 0) {
        return r;
    }
    return connect(fd, (struct sockaddr *)&target.un, target.length) < 0 ? -errno : 0;
}

static int connect_until(int fd, const struct sp_connecting *call) {
    int pause_ms = FIRST_PAUSE_MS;

    for (;;) {
        uid_t uid = NOBODY_KNOWS;
        int r = attempt(fd, call, &uid);
        int w;

        if (r == -EINTR) {
            continue;
        }
        if (r == 0) {
            return 0;
        }
        if (r == -EPERM && uid != NOBODY_KNOWS) {
            return wrong_owner(call, uid, sp_uid_is_unmapped(uid));
        }
        if (!is_worth_waiting(call, r)) {
            return sp_connect_fail(call, r);
        }
        w = sp_connect_wait(call, -1, pause_ms);
        if (w < 0) {
            return sp_connect_fail(call, w); /* -ETIMEDOUT: with what it waited for */
        }
        pause_ms = pause_ms * 2 < LAST_PAUSE_MS ? pause_ms * 2 : LAST_PAUSE_MS;
    }
}

static int open_and_connect(int *ret_fd, const struct sp_connecting *call) {
    struct sunpath_address own = {0};
    _cleanup_(sp_closep) int fd = -1;
    int r;

    fd = socket(AF_UNIX, (int)call->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return sp_connect_fail(call, -errno);
    }
    r = sp_connect_set_up(call, fd);
    if (r < 0) {
        return sp_connect_fail(call, r);
    }
    if (call->options.bind) {
        r = bind_own(call, fd, &own);
        if (r < 0) {
            return r;
        }
    }
    r = connect_until(fd, call);
    if (r == 0 && call->options.expect_user && call->type != SUNPATH_DGRAM) {
        r = sp_connect_check_owner(call, fd);
    }
    if (r < 0) {
        unbind_own(&own);
        return r;
    }
    *ret_fd = sp_take_fd(&fd);
    return 0;
}

int sp_connect_unix(int *ret_fd, const struct sp_connecting *call) {
    struct sp_shown shown;

    if (call->options.expect_user && call->type == SUNPATH_DGRAM &&
        call->address->kind != SUNPATH_ADDRESS_PATH) {
        return sp_fail(call->error, -EOPNOTSUPP, SUNPATH_REASON_WRONG_OWNER, "connect",
                       "'%s': nobody can tell who owns an abstract datagram socket",
                       sp_show_address(&shown, call->address));
    }
    return open_and_connect(ret_fd, call);
}
