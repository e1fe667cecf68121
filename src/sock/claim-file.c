/* SPDX-License-Identifier: MIT */
/* claim-file.c - what stands at a claimed path: proof of death, and removal of what is proven. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "inspect/explain.h"
#include "os/fd.h"
#include "os/mounts.h"
#include "os/path.h"
#include "os/sock-diag.h"
#include "sock/claim.h"

#define N_LEVELS_MAX 4096 /* more than a path can name */

/* What is found out of a socket file; a negative errno when we had not the means to look. */
enum life {
    DEAD,
    ALIVE,
    UNKNOWN /* nobody was seen, and the last proof could not be had */
};

/*
 * connect() to the file that is open (O_PATH) as `file_fd`. unix(7) finds the socket by its inode,
 * whatever the network namespace; only when there is none at all does it say ECONNREFUSED to a
 * socket of another type, and EPROTOTYPE otherwise, even if that one does not listen (yet).
 */
static int probe(int file_fd) {
    _cleanup_(sp_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;
    int n;

    if (fd < 0) {
        return -errno;
    }
    n = sp_path_to_sockaddr(&address, file_fd, NULL);
    if (n < 0) {
        return n;
    }
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)n) == 0) {
        return ALIVE;
    }
    switch (errno) {
    case ECONNREFUSED:
        return DEAD;
    case EPROTOTYPE:
    case EPERM: /* a datagram socket that is connected to another */
    case EAGAIN:
        return ALIVE;
    default:
        return UNKNOWN;
    }
}

/*
 * A starter that was killed half-way leaves a socket with mode 0, which its own user may not
 * connect to. Who owns a file may let himself in.
 */
static int probe_unwritable(int file_fd, const struct stat *file) {
    char path[32];
    int life;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
    if (chmod(path, (file->st_mode & 07777) | S_IWUSR) < 0) {
        return UNKNOWN;
    }
    life = probe(file_fd);
    if (life != DEAD) {
        (void)chmod(path, file->st_mode & 07777);
    }
    return life;
}

/* `file` was seen at `name`. Does anything that lives stand behind it? */
static int life_of(int dir_fd, const char *name, const struct stat *file) {
    _cleanup_(sp_closep) int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct sp_diag_server server;
    struct stat opened;
    int life, r;

    if (fd < 0 && sp_is_own_failure(-errno)) {
        return -errno;
    }
    if (fd < 0 || fstat(fd, &opened) < 0 || !sp_is_same_file(&opened, file)) {
        return UNKNOWN; /* it has changed under us */
    }
    sp_stat_whole(&opened, fd);
    r = sp_diag_find_file(&server, &opened);
    if (sp_is_own_failure(r)) {
        return r;
    }
    /* Where sock_diag is not to be had, in a sandbox, the probe alone decides. */
    if (r == 0 && server.life != SP_DIAG_DEAD) {
        return ALIVE;
    }
    life = probe(fd);
    if (life == UNKNOWN && file->st_uid == geteuid() && !(file->st_mode & S_IWUSR)) {
        life = probe_unwritable(fd, file);
    }
    return life;
}

int sp_claim_look(const struct sp_claim *claim, struct stat *ret_dead,
                  const struct sunpath_address *address, struct sunpath_error *error) {
    struct sp_shown shown;
    struct stat file;
    int life;

    if (fstatat(claim->dir_fd, claim->name, &file, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ? 0 : sp_explain_listen(error, -errno, "bind", address);
    }
    if (!S_ISSOCK(file.st_mode)) {
        return sp_explain_listen(error, -EADDRINUSE, "bind", address);
    }

    life = life_of(claim->dir_fd, claim->name, &file);
    if (life < 0) {
        return sp_explain_listen(error, life, "bind", address);
    }
    switch (life) {
    case DEAD:
        *ret_dead = file;
        return 1;
    case ALIVE:
        return sp_explain_listen(error, -EADDRINUSE, "bind", address);
    default:
        return sp_fail(error, -EADDRINUSE, SUNPATH_REASON_UNKNOWN, "bind",
                       "'%s': in use: a socket of uid %u is there, and whether its server still "
                       "lives could not be found out; remove it if it is left over",
                       sp_show_address(&shown, address), (unsigned)file.st_uid);
    }
}

int sp_claim_path(char ret[SUNPATH_NAME_MAX + 1], const struct sp_claim *claim) {
    char link[32], dir[SUNPATH_NAME_MAX + 1];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", claim->dir_fd);
    n = readlink(link, dir, sizeof(dir));
    if (n < 0) {
        return -errno;
    }
    if (n == 0 || dir[0] != '/') { /* "(unreachable)/...": outside of our root directory */
        return -ENOENT;
    }
    n -= n == 1; /* the root directory itself */
    if ((size_t)n + 1 + strlen(claim->name) > SUNPATH_NAME_MAX) {
        return -ENAMETOOLONG;
    }
    return sprintf(ret, "%.*s/%s", (int)n, dir, claim->name);
}

static bool is_cleaned(const struct stat *dir) {
    return (dir->st_mode & S_ISVTX) && (dir->st_mode & (S_IWGRP | S_IWOTH));
}

int sp_claim_is_cleaned(const struct sp_claim *claim) {
    _cleanup_(sp_closep) int fd = -1;
    struct stat dir, parent;

    if (fstat(claim->dir_fd, &dir) < 0) {
        return -errno;
    }
    for (int i = 0; i < N_LEVELS_MAX && !is_cleaned(&dir); i++) {
        int up = openat(fd < 0 ? claim->dir_fd : fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (up < 0 || fstat(up, &parent) < 0) {
            sp_close(up);
            return sp_is_own_failure(-errno) ? -errno : 0;
        }
        sp_close(fd);
        fd = up;
        if (sp_is_same_file(&parent, &dir)) { /* the root directory */
            return 0;
        }
        dir = parent;
    }
    return is_cleaned(&dir);
}

static void sweep_one(const struct sp_claim *claim, const char *suffix) {
    char name[SP_BESIDE_N_TEMPORARY];
    struct stat file;

    /* Only who holds the lock makes one: what is there is left over from a process that was killed.
     */
    sp_beside_temporary(name, claim->name, suffix);
    if (fstatat(claim->dir_fd, name, &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(file.st_mode) &&
        life_of(claim->dir_fd, name, &file) == DEAD) {
        (void)unlinkat(claim->dir_fd, name, 0);
    }
}

void sp_claim_sweep(const struct sp_claim *claim) {
    sweep_one(claim, SP_BESIDE_NEW);
    sweep_one(claim, SP_BESIDE_OLD);
}

bool sp_claim_is_at(const struct sp_claim *claim, const char *name, const struct stat *file) {
    struct stat found;

    return fstatat(claim->dir_fd, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
           sp_is_same_file(&found, file);
}

/*
 * Among those who take the lock comparing first would be enough. Others may put their file there
 * between the comparison and the removal, so it is moved aside, compared again and put back if it
 * turns out to be theirs.
 */
void sp_claim_remove(const struct sp_claim *claim, const struct stat *file) {
    char aside[SP_BESIDE_N_TEMPORARY];
    int r;

    if (!sp_claim_is_at(claim, claim->name, file)) {
        return;
    }
    sp_beside_temporary(aside, claim->name, SP_BESIDE_OLD);
    r = sp_path_rename(claim->dir_fd, claim->name, aside, RENAME_NOREPLACE);
    if (r < 0) {
        if (r == -EINVAL || r == -EEXIST) { /* not every file system can */
            (void)unlinkat(claim->dir_fd, claim->name, 0);
        }
        return;
    }
    if (sp_claim_is_at(claim, aside, file)) {
        (void)unlinkat(claim->dir_fd, aside, 0);
    } else {
        (void)sp_path_rename(claim->dir_fd, aside, claim->name, RENAME_NOREPLACE);
    }
}
