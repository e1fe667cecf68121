/* SPDX-License-Identifier: MIT */
/* explain-listen.c - the sentence behind a failed attempt to publish a socket. */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/error.h"
#include "base/text.h"
#include "inspect/examine-parts.h"
#include "inspect/explain.h"
#include "inspect/owners.h"
#include "os/fd.h"
#include "os/mounts.h"
#include "os/proc.h"

/* The directory the socket is to appear in: "." for a bare name. */
static void parent_of(char ret[SUNPATH_NAME_MAX + 1], const char *path) {
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (n == 0) {
        strcpy(ret, slash ? "/" : ".");
    } else {
        memcpy(ret, path, n);
        ret[n] = '\0';
    }
}

/* What is at the path itself, with the device the kernel knows it by elsewhere. */
static bool look_at(struct stat *ret, const char *path) {
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    bool is_there = fd >= 0 && fstat(fd, ret) == 0;

    if (is_there) {
        sp_stat_whole(ret, fd);
    }
    sp_close(fd);
    return is_there;
}

static void say_server(struct sp_verdict *verdict, const struct sp_server *server) {
    struct sp_holder_text holder;

    sp_holder_of(&holder, server->diag.inode);
    sp_verdict_set(verdict, SUNPATH_REASON_IN_USE, EADDRINUSE, "%s %s it%s", holder.text,
                   server->diag.type == SOCK_DGRAM      ? "receives on"
                   : server->diag.life == SP_DIAG_BOUND ? "has bound"
                                                        : "listens on",
                   server->is_other_netns ? " (in another network namespace)" : "");
}

/*
 * Somebody who holds the lock but has not published yet, or whose file was removed. Once past the
 * step "lock" that is the caller itself, which explains nothing.
 */
static bool say_lock_holder(struct sp_verdict *verdict, const char *path, const char *step) {
    char lock[SUNPATH_NAME_MAX + 8];
    struct sp_holder_text holder;
    struct stat st;
    pid_t pid;

    snprintf(lock, sizeof(lock), "%s" SP_BESIDE_LOCK, path);
    pid = strcmp(step, "lock") == 0 && look_at(&st, lock) ? sp_proc_lock_holder(&st) : 0;
    if (pid == 0) {
        return false;
    }
    sp_verdict_set(verdict, SUNPATH_REASON_IN_USE, EADDRINUSE, "%s holds its lock file",
                   sp_process_show(&holder, pid));
    return true;
}

static void say_in_the_way(struct sp_verdict *verdict, const struct stat *st) {
    sp_verdict_set(verdict, SUNPATH_REASON_NOT_A_SOCKET, EADDRINUSE,
                   "%s is in the way, and only a socket is ever replaced",
                   sp_file_kind(st->st_mode));
}

static int say_path_in_use(struct sp_verdict *verdict, const char *path, const char *step) {
    struct sp_server server = {0};
    struct stat st;
    int error;

    if (!look_at(&st, path)) {
        if (!say_lock_holder(verdict, path, step)) {
            sp_verdict_set(verdict, SUNPATH_REASON_IN_USE, EADDRINUSE,
                           "somebody owned it a moment ago");
        }
        return 0;
    }
    if (!S_ISSOCK(st.st_mode)) {
        say_in_the_way(verdict, &st);
        return 0;
    }
    error = sp_server_of_file(&server, &st);
    if (error < 0) {
        return error;
    }
    if (server.diag.life != SP_DIAG_DEAD) {
        say_server(verdict, &server);
    } else if (!say_lock_holder(verdict, path, step)) {
        sp_verdict_set(verdict, SUNPATH_REASON_IN_USE, EADDRINUSE,
                       sp_is_blind(&server.blind)
                           ? "there is a socket file whose server cannot be seen from here"
                           : "there is a stale socket file");
    }
    return 0;
}

static int say_in_use(struct sp_verdict *verdict, const struct sunpath_address *address,
                      const char *step) {
    char name[SUNPATH_NAME_MAX + 1];
    struct sp_server server;
    size_t n;
    int error;

    if (address->kind == SUNPATH_ADDRESS_PATH) {
        return say_path_in_use(verdict, address->name, step);
    }
    n = sp_wire_name(name, address);
    error = sp_server_of_abstract(&server, name, n);
    if (error < 0) {
        return error;
    }
    if (server.diag.life == SP_DIAG_DEAD || server.is_other_netns) {
        sp_verdict_set(verdict, SUNPATH_REASON_IN_USE, EADDRINUSE,
                       "somebody had that name a moment ago");
    } else {
        say_server(verdict, &server);
    }
    return 0;
}

static const char *show(struct sp_shown *shown, const char *path) {
    return sp_show(shown, path, strlen(path));
}

/* The lock file may not be opened: nearly always because another user made it. */
static bool say_shut_lock(struct sp_verdict *verdict, const char *path, const char *step) {
    char lock[SUNPATH_NAME_MAX + 8], mode[11], owner[64];
    struct sp_shown shown;
    struct stat st;

    snprintf(lock, sizeof(lock), "%s" SP_BESIDE_LOCK, path);
    if (strcmp(step, "lock") != 0 || lstat(lock, &st) < 0) {
        return false;
    }
    sp_mode_text(mode, st.st_mode);
    sp_owner_text(owner, sizeof(owner), st.st_uid, st.st_gid, false);
    sp_verdict_set(
        verdict, SUNPATH_REASON_PERMISSION, EACCES,
        "the lock file '%s' %s (%s %s): remove it if it is left over", show(&shown, lock),
        st.st_uid == geteuid() ? "may not be opened" : "belongs to another user", mode, owner);
    return true;
}

static void say_directory(struct sp_verdict *verdict, int code, const struct sp_walk *walk,
                          const char *directory) {
    const struct sp_step *denied = sp_walk_denied(walk);
    const struct stat *st = denied ? &denied->st : &walk->final;
    bool is_on_the_way = denied && (walk->error < 0 || denied != &walk->steps[walk->n_steps - 1]);
    char mode[11], owner[64];
    struct sp_shown shown;

    sp_mode_text(mode, st->st_mode);
    sp_owner_text(owner, sizeof(owner), st->st_uid, st->st_gid, false);
    sp_verdict_set(verdict, SUNPATH_REASON_PERMISSION, code,
                   "uid %u may not %s the directory '%s' (%s %s)", (unsigned)geteuid(),
                   is_on_the_way ? "pass" : "write to",
                   show(&shown, denied ? denied->path : directory), mode, owner);
}

/* In /proc the kernel says that a file it will not make is missing: proc(5). */
static bool is_proc(const char *directory) {
    struct statfs fs;

    return statfs(directory, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* The kernel found something missing, though the directory of the path can be looked up. */
static void say_vanished(struct sp_verdict *verdict, const struct sp_walk *walk,
                         const char *directory) {
    struct sp_shown shown;

    if (!sp_proc_is_there()) {
        sp_verdict_set(verdict, SUNPATH_REASON_SYSTEM, ENOENT,
                       "/proc is not mounted, without which this cannot be done");
    } else if (is_proc(directory)) {
        sp_verdict_set(verdict, SUNPATH_REASON_SYSTEM, ENOENT, "no file can be made in '%s'",
                       show(&shown, directory));
    } else {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ENOENT, "the directory '%s' was removed%s",
                       show(&shown, directory),
                       walk->final.st_nlink > 0 ? ", and there is another by now" : "");
    }
}

/* The directory is missing, no directory, or may not be written to. */
static int say_parent(struct sp_verdict *verdict, int code, const char *step, const char *path) {
    char directory[SUNPATH_NAME_MAX + 1];
    struct sp_walk walk;
    struct sp_shown shown;
    int error;

    parent_of(directory, path);
    error = sp_walk_init(&walk, directory, NULL);
    if (error < 0) {
        return error;
    }
    if (walk.error == -ENOENT) {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, code, "the directory '%s' does not exist",
                       show(&shown, walk.stopped));
    } else if (walk.error == -ENOTDIR || (walk.error == 0 && !S_ISDIR(walk.final.st_mode))) {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, code, "'%s' is not a directory",
                       show(&shown, walk.error ? walk.stopped : directory));
    } else if (walk.error == 0 && code == ENOENT) {
        say_vanished(verdict, &walk, directory);
    } else if (code == EACCES && walk.error == 0 && say_shut_lock(verdict, path, step)) {
        /* said */
    } else if (code == EACCES && (walk.error == 0 || sp_walk_denied(&walk))) {
        say_directory(verdict, code, &walk, directory);
    } else {
        sp_verdict_set(verdict, sp_reason_of_errno(code), code, "%s: '%s'", strerror(code),
                       show(&shown, walk.error ? walk.stopped : directory));
    }
    sp_walk_deinit(&walk);
    return 0;
}

static int examine(struct sp_verdict *verdict, int code, const char *step,
                   const struct sunpath_address *address) {
    bool is_path = address->kind == SUNPATH_ADDRESS_PATH;
    struct sp_shown shown;
    char directory[SUNPATH_NAME_MAX + 1] = "";

    if (!is_path && address->kind != SUNPATH_ADDRESS_ABSTRACT) {
        sp_verdict_set(verdict, sp_reason_of_errno(code), code, "%s", strerror(code));
        return 0;
    }
    if (code == EADDRINUSE) {
        return say_in_use(verdict, address, step);
    }
    if (is_path) {
        parent_of(directory, address->name);
    }
    if (is_path && (code == EACCES || code == ENOENT || code == ENOTDIR)) {
        return say_parent(verdict, code, step, address->name);
    }
    switch (code) {
    case EROFS:
        sp_verdict_set(verdict, SUNPATH_REASON_SYSTEM, code, "the file system of '%s' is read-only",
                       show(&shown, directory));
        break;
    case ENOSPC:
        sp_verdict_set(verdict, SUNPATH_REASON_SYSTEM, code,
                       "the file system of '%s' has no space or no inodes left",
                       show(&shown, directory));
        break;
    case EDQUOT:
        sp_verdict_set(verdict, SUNPATH_REASON_SYSTEM, code, "the disk quota is used up");
        break;
    case ENAMETOOLONG:
        sp_verdict_set(verdict, SUNPATH_REASON_NAME_TOO_LONG, code,
                       is_path ? "the name is too long for a file name"
                               : "an abstract name has at most 107 bytes");
        break;
    case ELOOP:
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, code,
                       "symbolic links in '%s' lead round in circles", show(&shown, directory));
        break;
    case EPERM:
        sp_verdict_set(verdict, SUNPATH_REASON_PERMISSION, code, "uid %u may not do that",
                       (unsigned)geteuid());
        break;
    default:
        sp_verdict_set(verdict, sp_reason_of_errno(code), code, "%s", strerror(code));
    }
    return 0;
}

static const char *word(const struct sp_verdict *verdict) {
    return verdict->reason == SUNPATH_REASON_IN_USE         ? "in use: "
           : verdict->reason == SUNPATH_REASON_PERMISSION   ? "no permission: "
           : verdict->reason == SUNPATH_REASON_NOT_A_SOCKET ? "not a socket: "
                                                            : "";
}

int sp_explain_listen(struct sunpath_error *error, int code, const char *step,
                      const struct sunpath_address *address) {
    struct sp_verdict verdict;
    struct sp_shown shown;
    int saved = errno;

    if (!error) {
        return code;
    }
    sp_show_address(&shown, address);
    if (examine(&verdict, -code, step, address) < 0) {
        sp_fail(error, code, sp_reason_of_errno(code), step, "'%s': %s", shown.text,
                strerror(-code));
    } else {
        sp_fail(error, code, verdict.reason, step, "'%s': %s%s", shown.text, word(&verdict),
                verdict.text);
    }
    errno = saved;
    return code;
}
