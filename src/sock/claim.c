/* SPDX-License-Identifier: MIT */
/* claim.c - the lock that says who owns a path. */

#include "sock/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "inspect/explain.h"
#include "os/fd.h"

#define N_LOCK_NAME (SP_PATH_NAME_MAX + 1)
#define N_TRIES     100 /* lock files that vanish under us: somebody removes them in a loop */

static void lock_name(char ret[N_LOCK_NAME], const struct sp_claim *claim) {
    snprintf(ret, N_LOCK_NAME, "%s" SP_BESIDE_LOCK, claim->name);
}

/* Does the lock file's name still lead to the file that is open as `fd`? 1, 0 or an errno. */
static int is_named(const struct sp_claim *claim, int fd) {
    char name[N_LOCK_NAME];
    struct stat open_file, named_file;

    lock_name(name, claim);
    if (fstat(fd, &open_file) < 0) {
        return -errno;
    }
    if (fstatat(claim->dir_fd, name, &named_file, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    return sp_is_same_file(&open_file, &named_file);
}

static int lock(int fd) {
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/*
 * A lock file that belongs to somebody else can be replaced by them while we hold it, so it guards
 * nothing. The owner of the directory and root can do that anyway.
 */
static int check_lock_file(const struct sp_claim *claim, int fd,
                           const struct sunpath_address *address, struct sunpath_error *error) {
    struct sp_shown shown;
    struct stat file, dir;

    if (fstat(fd, &file) < 0 || fstat(claim->dir_fd, &dir) < 0) {
        return sp_fail(error, -errno, SUNPATH_REASON_SYSTEM, "lock", "'%s" SP_BESIDE_LOCK "': %m",
                       sp_show_address(&shown, address));
    }
    if (!S_ISREG(file.st_mode)) {
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "lock",
                       "'%s" SP_BESIDE_LOCK "': the lock file is not a regular file",
                       sp_show_address(&shown, address));
    }
    if (file.st_uid != geteuid() && file.st_uid != dir.st_uid && file.st_uid != 0) {
        return sp_fail(error, -EACCES, SUNPATH_REASON_PERMISSION, "lock",
                       "'%s" SP_BESIDE_LOCK "': the lock file belongs to another user (uid %u), "
                       "who could replace it; remove it if it is left over",
                       sp_show_address(&shown, address), (unsigned)file.st_uid);
    }
    /* The umask may have taken bits away; a hard link to some other file is not ours to change. */
    if (file.st_uid == geteuid() && file.st_nlink == 1 && (file.st_mode & 07777) != 0600) {
        (void)fchmod(fd, 0600);
    }
    return 0;
}

static int fail_open(int code, const struct sunpath_address *address, struct sunpath_error *error) {
    struct sp_shown shown;

    switch (code) {
    case -ELOOP:
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "lock",
                       "'%s" SP_BESIDE_LOCK "': the lock file is a symbolic link",
                       sp_show_address(&shown, address));
    case -EISDIR:
    case -ENXIO: /* a socket, or a device nobody serves */
        return sp_fail(error, -EINVAL, SUNPATH_REASON_INVALID, "lock",
                       "'%s" SP_BESIDE_LOCK "': the lock file is not a regular file",
                       sp_show_address(&shown, address));
    default:
        return sp_explain_listen(error, code, "lock", address);
    }
}

/* Opens and locks whatever has the lock's name now: the caller checks that it still has it. */
static int open_locked(int *ret_fd, const struct sp_claim *claim,
                       const struct sunpath_address *address, struct sunpath_error *error) {
    _cleanup_(sp_closep) int fd = -1;
    char name[N_LOCK_NAME];
    int r;

    lock_name(name, claim);
    fd = openat(claim->dir_fd, name,
                O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0) {
        return fail_open(-errno, address, error);
    }
    r = check_lock_file(claim, fd, address, error);
    if (r < 0) {
        return r;
    }
    r = lock(fd);
    if (r == -EWOULDBLOCK) {
        return sp_explain_listen(error, -EADDRINUSE, "lock", address);
    }
    if (r < 0) {
        return fail_open(r, address, error);
    }
    *ret_fd = sp_take_fd(&fd);
    return 0;
}

static int open_directory(struct sp_claim *claim, const struct sunpath_address *address,
                          struct sunpath_error *error) {
    struct sp_shown shown;
    const char *name;
    int r = sp_path_open_parent(&claim->dir_fd, &name, address->name);

    if (r == -EINVAL) {
        return sp_fail(error, r, SUNPATH_REASON_INVALID, "bind", "'%s': names no file",
                       sp_show_address(&shown, address));
    }
    if (r == -ENAMETOOLONG || (r == 0 && strlen(name) > SP_CLAIM_NAME_MAX)) {
        return sp_fail(error, -ENAMETOOLONG, SUNPATH_REASON_NAME_TOO_LONG, "bind",
                       "'%s': a file name can have %zu bytes, and a path 4095",
                       sp_show_address(&shown, address), SP_CLAIM_NAME_MAX);
    }
    if (r < 0) {
        return sp_explain_listen(error, r, "bind", address);
    }
    memcpy(claim->name, name, strlen(name) + 1);
    return 0;
}

/* A lock file that has its name and is locked by us. Tries again when it is removed meanwhile. */
static int open_named(int *ret_fd, const struct sp_claim *claim,
                      const struct sunpath_address *address, struct sunpath_error *error) {
    struct sp_shown shown;

    for (int i = 0; i < N_TRIES; i++) {
        _cleanup_(sp_closep) int fd = -1;
        int r = open_locked(&fd, claim, address, error);

        if (r < 0) {
            return r;
        }
        r = is_named(claim, fd);
        if (r < 0) {
            return fail_open(r, address, error);
        }
        if (r > 0) {
            *ret_fd = sp_take_fd(&fd);
            return 0;
        }
    }
    return sp_fail(error, -EBUSY, SUNPATH_REASON_SYSTEM, "lock",
                   "'%s" SP_BESIDE_LOCK "': the lock file was removed again and again",
                   sp_show_address(&shown, address));
}

int sp_claim_take(struct sp_claim *ret, const struct sunpath_address *address,
                  struct sunpath_error *error) {
    _cleanup_(sp_claim_releasep) struct sp_claim claim = SP_CLAIM_NONE;
    int r = open_directory(&claim, address, error);

    if (r == 0) {
        r = open_named(&claim.lock_fd, &claim, address, error);
    }
    if (r < 0) {
        return r;
    }
    *ret = claim;
    claim = SP_CLAIM_NONE;
    return 0;
}

int sp_claim_renew(struct sp_claim *claim, const struct sunpath_address *address,
                   struct sunpath_error *error) {
    int fd = -1, r = is_named(claim, claim->lock_fd);

    if (r < 0) {
        return fail_open(r, address, error);
    }
    if (r > 0) {
        return 0;
    }
    r = open_named(&fd, claim, address, error);
    if (r < 0) {
        return r;
    }
    sp_close(claim->lock_fd);
    claim->lock_fd = fd;
    return 0;
}

int sp_claim_adopt(struct sp_claim *ret, const struct sunpath_address *address, int lock_fd) {
    _cleanup_(sp_claim_releasep) struct sp_claim claim = SP_CLAIM_NONE;
    int r = open_directory(&claim, address, NULL);

    if (r < 0) {
        return r;
    }
    r = is_named(&claim, lock_fd);
    if (r <= 0) {
        return r < 0 ? r : -ESTALE;
    }
    r = lock(lock_fd); /* of the same open file: granted at once when it holds the lock already */
    if (r < 0) {
        return r;
    }
    claim.lock_fd = lock_fd;
    *ret = claim;
    claim = SP_CLAIM_NONE;
    return 0;
}

void sp_claim_release(struct sp_claim *claim, bool everywhere) {
    if (claim->lock_fd >= 0 && everywhere) {
        (void)flock(claim->lock_fd, LOCK_UN);
    }
    sp_close(claim->lock_fd);
    sp_close(claim->dir_fd);
    *claim = SP_CLAIM_NONE;
}

void sp_claim_releasep(struct sp_claim *claim) {
    sp_claim_release(claim, false);
}

bool sp_claim_is_last(struct sp_claim *claim) {
    char name[N_LOCK_NAME];

    lock_name(name, claim);
    sp_close(claim->lock_fd);
    claim->lock_fd = openat(claim->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return claim->lock_fd >= 0 && lock(claim->lock_fd) == 0 && is_named(claim, claim->lock_fd) == 1;
}
