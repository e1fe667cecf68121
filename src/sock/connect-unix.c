/* SPDX-License-Identifier: MIT */
/* connect-unix.c - reach a Unix socket: long paths, full backlogs, servers yet to come, squatters.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/user.h"
#include "sock/connect-internal.h"

/* Nothing tells when a backlog has room again, so ask again, less and less often. */
#define FIRST_PAUSE_MS 1
#define LAST_PAUSE_MS  20

/* The kernel's form of an address, and the descriptor a long or pinned path is reached through. */
struct target {
    struct sockaddr_un un;
    int length;
    int via_fd;
};

static void target_closep(struct target *target) {
    target->via_fd = sp_close(target->via_fd);
}

static int aim(struct target *ret, const struct sunpath_address *address) {
    const char *name;

    ret->length = sunpath_address_to_sockaddr(address, &ret->un);
    if (ret->length == -ENAMETOOLONG && address->kind == SUNPATH_ADDRESS_PATH) {
        ret->length = sp_path_open_parent(&ret->via_fd, &name, address->name);
        if (ret->length == 0) {
            ret->length = sp_path_to_sockaddr(&ret->un, ret->via_fd, name);
        }
    }
    return ret->length < 0 ? ret->length : 0;
}

static int wrong_owner(const struct sp_connecting *call, uid_t uid) {
    struct sp_shown shown, wanted;

    return sp_fail(call->error, -EPERM, SUNPATH_REASON_WRONG_OWNER, "connect",
                   "'%s': its server runs as uid %u, not as '%s': nothing was sent",
                   sp_show_address(&shown, call->address), (unsigned)uid,
                   sp_show(&wanted, call->options.expect_user, strlen(call->options.expect_user)));
}

/*
 * A datagram socket has no peer credentials, so its file's owner counts. The inode is pinned by an
 * O_PATH descriptor and connected to through it: what was checked is what is reached.
 */
static int pin_owner(struct target *ret, const struct sp_connecting *call, uid_t wanted) {
    _cleanup_(sp_closep) int fd = -1;
    struct stat file;

    if (call->address->kind != SUNPATH_ADDRESS_PATH) {
        return sp_fail(call->error, -EOPNOTSUPP, SUNPATH_REASON_WRONG_OWNER, "connect",
                       "nobody can tell who owns an abstract datagram socket");
    }
    fd = open(call->address->name, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) < 0) {
        return sp_connect_fail(call, -errno);
    }
    if (file.st_uid != wanted) {
        return wrong_owner(call, file.st_uid);
    }
    ret->length = sp_path_to_sockaddr(&ret->un, fd, NULL);
    sp_close(ret->via_fd);
    ret->via_fd = sp_take_fd(&fd);
    return 0;
}

static int check_owner(const struct sp_connecting *call, int fd, uid_t wanted) {
    struct sunpath_peer peer;
    int r = sunpath_peer_read(&peer, fd);

    if (r < 0) {
        return sp_connect_fail(call, r);
    }
    return peer.is_unmapped || peer.uid != wanted ? wrong_owner(call, peer.uid) : 0;
}

/* Gives our own end a name. What was bound is unlinked again when the call fails. */
static int bind_own(const struct sp_connecting *call, int fd, struct sunpath_address *ret_own) {
    _cleanup_(target_closep) struct target own = {.via_fd = -1};
    struct sp_shown shown;
    int r = sunpath_address_parse(ret_own, call->options.bind, call->error);

    if (r < 0) {
        return r;
    }
    r = aim(&own, ret_own);
    if (r == 0 && bind(fd, (struct sockaddr *)&own.un, (socklen_t)own.length) < 0) {
        r = -errno;
    }
    if (r < 0) {
        errno = -r;
        return sp_fail(call->error, r, sp_reason_of_errno(r), "bind", "our own end to '%s': %m",
                       sp_show_address(&shown, ret_own));
    }
    return 0;
}

static void unbind_own(const struct sunpath_address *own) {
    if (own->kind == SUNPATH_ADDRESS_PATH) {
        (void)unlink(own->name);
    }
}

static int timed_out(const struct sp_connecting *call, int last) {
    struct sunpath_error why = {0};
    struct sp_connecting quiet = *call;
    struct sp_shown shown;
    const char *colon;

    /* What the last attempt met is the reason; say it behind the fact that time ran out. */
    quiet.error = &why;
    sp_connect_fail(&quiet, last);
    colon = strstr(why.text, "': ");
    sp_fail(call->error, -ETIMEDOUT, why.reason, "connect", "'%s': timed out: %s",
            sp_show_address(&shown, call->address), colon ? colon + 3 : why.text);
    return -ETIMEDOUT;
}

static int fail_attempt(const struct sp_connecting *call, int code) {
    struct sp_shown shown;

    if (code == -EAGAIN && call->options.no_wait) {
        /* asked again soon, perhaps often: no look around for the owner */
        return sp_fail(call->error, code, SUNPATH_REASON_BACKLOG_FULL, "connect",
                       "'%s': the backlog is full", sp_show_address(&shown, call->address));
    }
    return sp_connect_fail(call, code);
}

static bool is_worth_waiting(const struct sp_connecting *call, int code) {
    if (call->options.no_wait) {
        return false;
    }
    return code == -EAGAIN || (call->options.wait && (code == -ENOENT || code == -ECONNREFUSED));
}

/* One attempt. The directory is looked up anew each time: it may appear while we wait. */
static int attempt(int fd, const struct sp_connecting *call, struct target *pinned) {
    _cleanup_(target_closep) struct target target = {.via_fd = -1};
    int r;

    if (pinned->length > 0) {
        r = connect(fd, (struct sockaddr *)&pinned->un, (socklen_t)pinned->length);
    } else {
        r = aim(&target, call->address);
        if (r < 0) {
            return r;
        }
        r = connect(fd, (struct sockaddr *)&target.un, (socklen_t)target.length);
    }
    return r < 0 ? -errno : 0;
}

static int connect_until(int fd, const struct sp_connecting *call, struct target *pinned) {
    int pause_ms = FIRST_PAUSE_MS;

    for (;;) {
        int r = attempt(fd, call, pinned);
        int w;

        if (r == -EINTR) {
            continue;
        }
        if (r == 0) {
            return 0;
        }
        if (!is_worth_waiting(call, r)) {
            return fail_attempt(call, r);
        }
        w = sp_connect_wait(call, -1, pause_ms);
        if (w == -ETIMEDOUT) {
            return timed_out(call, r);
        }
        if (w < 0) {
            return sp_connect_fail(call, w);
        }
        pause_ms = pause_ms * 2 < LAST_PAUSE_MS ? pause_ms * 2 : LAST_PAUSE_MS;
    }
}

static int open_and_connect(int *ret_fd, const struct sp_connecting *call, uid_t wanted) {
    _cleanup_(target_closep) struct target pinned = {.via_fd = -1};
    struct sunpath_address own = {0};
    _cleanup_(sp_closep) int fd = -1;
    int r;

    fd = socket(AF_UNIX, (int)call->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return sp_connect_fail(call, -errno);
    }
    r = sp_connect_set_buffers(call, fd);
    if (r < 0) {
        return sp_connect_fail(call, r);
    }
    if (call->options.expect_user && call->type == SUNPATH_DGRAM) {
        r = pin_owner(&pinned, call, wanted);
        if (r < 0) {
            return r;
        }
    }
    if (call->options.bind) {
        r = bind_own(call, fd, &own);
        if (r < 0) {
            return r;
        }
    }
    r = connect_until(fd, call, &pinned);
    if (r == 0 && call->options.expect_user && call->type != SUNPATH_DGRAM) {
        r = check_owner(call, fd, wanted);
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
    uid_t wanted = 0;
    int r;

    if (call->options.expect_user) {
        r = sp_user_find(&wanted, call->options.expect_user);
        if (r < 0) {
            return sp_fail(
                call->error, -EINVAL, SUNPATH_REASON_INVALID, "connect",
                "there is no user '%s' to expect",
                sp_show(&shown, call->options.expect_user, strlen(call->options.expect_user)));
        }
    }
    return open_and_connect(ret_fd, call, wanted);
}
