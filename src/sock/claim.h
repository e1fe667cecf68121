/* SPDX-License-Identifier: MIT */
/* claim.h - who owns a path: a lock held for life, and proof of death before anything goes. */

#ifndef SP_SOCK_CLAIM_H
#define SP_SOCK_CLAIM_H

#include <stdbool.h>
#include <sys/stat.h>

#include <sunpath/address.h>

#include "base/beside.h"
#include "os/path.h"

#define SP_CLAIM_NAME_MAX (SP_PATH_NAME_MAX - (sizeof(SP_BESIDE_LOCK) - 1))

/*
 * The right to publish at a path, and to remove what is dead there. It is an flock(2) on
 * "<path>.lock", which is never unlinked: of two who lock the same path one would otherwise hold
 * the lock of a file that is gone. The kernel releases it when the last process that holds the open
 * file ends, however it ends.
 */
struct sp_claim {
    int dir_fd;  /* O_PATH: the directory the path lies in */
    int lock_fd; /* -1: nothing is claimed */
    char name[SP_CLAIM_NAME_MAX + 1];
};

#define SP_CLAIM_NONE ((struct sp_claim){.dir_fd = -1, .lock_fd = -1})

/*
 * Takes the lock of a path address, without waiting. -EADDRINUSE: somebody alive holds it, and
 * `error` names the process. -EACCES, -EPERM: the lock file is another user's or may not be made.
 * -EINVAL: the path names no file, or the lock file is no regular file. Otherwise what open(2)
 * says.
 */
int sp_claim_take(struct sp_claim *ret, const struct sunpath_address *address,
                  struct sunpath_error *error);

/* Is `lock_fd` (not ours yet) the lock of `address`, and held? 0 fills *ret, which then owns it. */
int sp_claim_adopt(struct sp_claim *ret, const struct sunpath_address *address, int lock_fd);

/*
 * For a claim that is held: when its lock file was removed or replaced, takes the one that has the
 * name now, or makes one. -EADDRINUSE when somebody else holds that; else as sp_claim_take(). On
 * failure the claim is as it was.
 */
int sp_claim_renew(struct sp_claim *claim, const struct sunpath_address *address,
                   struct sunpath_error *error);

/*
 * Gives the lock back, for every process that shares it when `everywhere`; else it stays theirs.
 * Leaves *claim empty. For an empty one it does nothing.
 */
void sp_claim_release(struct sp_claim *claim, bool everywhere);
void sp_claim_releasep(struct sp_claim *claim);

/*
 * For a process that shares the lock with the one it was forked from: gives its share back and
 * takes the lock anew. True when that worked, that is, when nobody else holds it any more.
 */
bool sp_claim_is_last(struct sp_claim *claim);

/*
 * What stands at the path, now that we hold the lock: 0 nothing; 1 a socket file whose server is
 * proven dead, *ret_dead says which; -EADDRINUSE anything else, and `error` says what; -EMFILE,
 * -ENFILE, -ENOMEM when we had not the means to find out.
 *
 * Dead is a socket of which sock_diag(7) knows nobody in this network namespace and which refuses
 * connect(), which finds servers in all of them. The probe is made with a datagram socket: a living
 * stream server is not disturbed by it, it has the wrong type for it.
 */
int sp_claim_look(const struct sp_claim *claim, struct stat *ret_dead,
                  const struct sunpath_address *address, struct sunpath_error *error);

/*
 * The claimed path, absolute and without symbolic links, and its length; -ENAMETOOLONG when it does
 * not fit, or what readlink(2) says of /proc/self/fd.
 */
int sp_claim_path(char ret[SUNPATH_NAME_MAX + 1], const struct sp_claim *claim);

/*
 * Does the directory lie in or below one that is cleaned by age? Those are sticky and writable for
 * others (/tmp, /var/tmp), and systemd-tmpfiles(8) goes down into what lies in them. 1, 0, or
 * -EMFILE, -ENFILE, -ENOMEM. 0 when the way up is barred to us: then no name helps that could be
 * bound here.
 */
int sp_claim_is_cleaned(const struct sp_claim *claim);

/* Removes sockets that a killed process left under temporary names of this claim. */
void sp_claim_sweep(const struct sp_claim *claim);

/* Does `name`, in the directory of the claim, lead to this very file? */
bool sp_claim_is_at(const struct sp_claim *claim, const char *name, const struct stat *file);

/* Removes the file at the path if it is still the one described by `file`. */
void sp_claim_remove(const struct sp_claim *claim, const struct stat *file);

static inline bool sp_is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

#endif
