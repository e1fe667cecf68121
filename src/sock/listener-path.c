/* SPDX-License-Identifier: MIT */
/* listener-path.c - publish a socket at a path: never half-made, never wider than asked. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "inspect/explain.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/user.h"
#include "sock/listener-internal.h"

#define MODE_DEFAULT 0600

/* One publication under way. */
struct publication {
    struct sunpath_listener *listener;
    const struct sunpath_listen_options *options;
    struct sunpath_error *error;
    struct sp_claim claim;
    uid_t uid; /* (uid_t)-1: leave, as in chown(2) */
    gid_t gid;
    bool is_in_place; /* bound to its final name at once */
    bool has_dead;    /* something dead stands at the path: */
    struct stat dead; /* this */
    struct stat file; /* ours, once it is bound */
};

static int fail(const struct publication *p, int code, const char *step) {
    return sp_explain_listen(p->error, code, step, &p->listener->address);
}

/* A name that does not exist is the caller's mistake; a look-up that failed is none. */
static int fail_account(const struct publication *p, int code, const char *step, const char *name) {
    struct sp_shown shown;

    sp_show(&shown, name, strlen(name));
    if (code == -ENOENT || code == -EINVAL) {
        return sp_fail(p->error, -EINVAL, SUNPATH_REASON_INVALID, step, "'%s': no such %s",
                       shown.text, strcmp(step, "owner") == 0 ? "user" : "group");
    }
    errno = -code;
    return sp_fail(p->error, code, SUNPATH_REASON_SYSTEM, step, "'%s': %m", shown.text);
}

static int find_owner(struct publication *p) {
    const char *owner = p->options->owner, *group = p->options->group;
    int r;

    p->uid = (uid_t)-1;
    p->gid = (gid_t)-1;
    r = owner ? sp_user_find(&p->uid, owner) : 0;
    if (r < 0) {
        return fail_account(p, r, "owner", owner);
    }
    r = group ? sp_group_find(&p->gid, group) : 0;
    return r < 0 ? fail_account(p, r, "group", group) : 0;
}

/* The absolute path, unless it cannot be had or is barred to us above the directory. */
static int find_absolute(char ret[SUNPATH_NAME_MAX + 1], const struct sp_claim *claim) {
    int n = sp_claim_path(ret, claim);
    struct stat file;

    return n > 0 && lstat(ret, &file) < 0 && errno != ENOENT ? -errno : n;
}

/*
 * The name as users write it where it fits, because that is what ss(8) shows; through the directory
 * where it does not. A path that is bound in place is absolute, or systemd-tmpfiles(8) would not
 * know it; but a datagram's receivers compare it with what they were told.
 */
static int to_sockaddr(struct sockaddr_un *ret, const struct publication *p, const char *name) {
    const char *path = p->listener->address.name;
    char absolute[SUNPATH_NAME_MAX + 1];
    size_t n_parent;

    if (p->is_in_place && (path[0] != '/' || p->listener->type != SUNPATH_DGRAM) &&
        find_absolute(absolute, &p->claim) > 0) {
        path = absolute;
    }
    n_parent = strlen(path) - strlen(p->claim.name);

    if (n_parent + strlen(name) >= sizeof(ret->sun_path)) {
        return sp_path_to_sockaddr(ret, p->claim.dir_fd, name);
    }
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, path, n_parent);
    memcpy(ret->sun_path + n_parent, name, strlen(name) + 1);
    return (int)(offsetof(struct sockaddr_un, sun_path) + n_parent + strlen(name) + 1);
}

/* Binds with mode 0, whatever the umask: unix(7) gives the file the mode the socket has. */
static int bind_closed(struct publication *p, const char *name) {
    struct sockaddr_un address;
    int fd = p->listener->fd;
    int n = to_sockaddr(&address, p, name);

    if (n < 0) {
        return fail(p, n, "bind");
    }
    if (fchmod(fd, 0) < 0) {
        return fail(p, -errno, "mode");
    }
    if (bind(fd, (struct sockaddr *)&address, (socklen_t)n) < 0) {
        return fail(p, -errno, "bind");
    }
    return 0;
}

/* Gives the file that is open as `file_fd` its owner. */
static int set_owner(struct publication *p, int file_fd) {
    const char *owner = p->options->owner ? p->options->owner : "";
    const char *group = p->options->group ? p->options->group : "";
    struct sp_shown shown, shown_owner, shown_group;

    if (p->uid == (uid_t)-1 && p->gid == (gid_t)-1) {
        return 0;
    }
    if (fchownat(file_fd, "", p->uid, p->gid, AT_EMPTY_PATH) < 0) {
        return sp_fail(p->error, -errno, sp_reason_of_errno(errno), "owner",
                       "'%s': %s%s%s%s%s may not be set: %m",
                       sp_show_address(&shown, &p->listener->address), *owner ? "owner " : "",
                       sp_show(&shown_owner, owner, strlen(owner)), *owner && *group ? " and " : "",
                       *group ? "group " : "", sp_show(&shown_group, group, strlen(group)));
    }
    return 0;
}

/* fchmod() refuses O_PATH descriptors; chmod() through /proc reaches the same inode. */
static int set_mode(struct publication *p, int file_fd) {
    mode_t mode = p->options->mode ? p->options->mode : MODE_DEFAULT;
    struct sp_shown shown;
    struct stat file;
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd);
    if (chmod(path, mode) < 0 || fstat(file_fd, &file) < 0) {
        return fail(p, -errno, "mode");
    }
    if ((file.st_mode & 07777) != mode) { /* chmod(2) drops the set-group-id bit without a word */
        return sp_fail(p->error, -EPERM, SUNPATH_REASON_PERMISSION, "mode",
                       "'%s': asked for %04o, the file system gave %04o",
                       sp_show_address(&shown, &p->listener->address), (unsigned)mode,
                       (unsigned)file.st_mode & 07777);
    }
    return 0;
}

static int start_listening(struct publication *p) {
    const struct sunpath_listener *listener = p->listener;

    if (listener->type != SUNPATH_DGRAM &&
        listen(listener->fd, sp_listen_backlog(p->options)) < 0) {
        return fail(p, -errno, "listen");
    }
    return 0;
}

/*
 * Finds what was bound under `name`. In a directory others may write to something else can stand
 * there by now, a hard link to any file, and would be given an owner and a mode.
 */
static int find_file(int *ret_fd, struct publication *p, const char *name) {
    _cleanup_(sp_closep) int fd = -1;
    struct sp_shown shown;
    struct stat file, opened;

    if (fstatat(p->claim.dir_fd, name, &file, AT_SYMLINK_NOFOLLOW) < 0) {
        return fail(p, -errno, "bind");
    }
    if (S_ISSOCK(file.st_mode)) {
        p->file = file;
    }
    fd = openat(p->claim.dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &opened) < 0) {
        return fail(p, -errno, "open");
    }
    if (!sp_is_same_file(&opened, &p->file)) {
        return sp_fail(p->error, -EADDRINUSE, SUNPATH_REASON_IN_USE, "bind",
                       "'%s': somebody else put a file in its place",
                       sp_show_address(&shown, &p->listener->address));
    }
    *ret_fd = sp_take_fd(&fd);
    return 0;
}

/* Owner, mode, listen. */
static int make_ready(struct publication *p, const char *name) {
    _cleanup_(sp_closep) int file_fd = -1;
    int r = find_file(&file_fd, p, name);

    if (r == 0) {
        r = set_owner(p, file_fd);
    }
    if (r == 0 && p->is_in_place) {
        r = start_listening(p); /* the mode opens the door: last */
    }
    if (r == 0) {
        r = set_mode(p, file_fd);
    }
    if (r == 0 && !p->is_in_place) {
        r = start_listening(p); /* the name opens the door, after this */
    }
    return r;
}

/* Swaps the dead file for ours, and back if it was not the dead one that came out. */
static int exchange(struct publication *p, const char *name) {
    int dir_fd = p->claim.dir_fd;
    int r;

    r = sp_path_rename(dir_fd, name, p->claim.name, RENAME_EXCHANGE);
    if (r < 0) {
        return r;
    }
    if (sp_claim_is_at(&p->claim, name, &p->dead)) {
        (void)unlinkat(dir_fd, name, 0);
        return 0;
    }
    (void)sp_path_rename(dir_fd, name, p->claim.name, RENAME_EXCHANGE);
    return -EEXIST;
}

/*
 * Moves the finished socket onto the path. Whoever does not take the lock may have put something
 * there since we looked; it survives.
 */
static int show(struct publication *p, const char *name) {
    int dir_fd = p->claim.dir_fd;
    int r = p->has_dead ? exchange(p, name) : -ENOENT;

    if (r == -ENOENT) { /* nothing is there */
        r = sp_path_rename(dir_fd, name, p->claim.name, RENAME_NOREPLACE);
    }
    if (r == -EINVAL || r == -ENOSYS) { /* not every file system can: then the lock must do */
        r = renameat(dir_fd, name, dir_fd, p->claim.name) < 0 ? -errno : 0;
    }
    if (r < 0) {
        return fail(p, r == -EEXIST ? -EADDRINUSE : r, "rename");
    }
    return 0;
}

/* Removes our file wherever a failure left it, and nobody else's. */
static void withdraw(const struct publication *p, const char *name) {
    if (name != p->claim.name && sp_claim_is_at(&p->claim, name, &p->file)) {
        (void)unlinkat(p->claim.dir_fd, name, 0);
    }
    sp_claim_remove(&p->claim, &p->file);
}

static int publish_by_rename(struct publication *p) {
    char name[SP_BESIDE_N_TEMPORARY];
    struct sp_shown shown, shown_name;
    int r;

    sp_beside_temporary(name, p->claim.name, SP_BESIDE_NEW);
    r = bind_closed(p, name);
    if (r == -EADDRINUSE) { /* it was swept, so this is nothing we may remove */
        return sp_fail(p->error, r, SUNPATH_REASON_IN_USE, "bind",
                       "'%s': something stands at its temporary name '%s'",
                       sp_show_address(&shown, &p->listener->address),
                       sp_show(&shown_name, name, strlen(name)));
    }
    if (r < 0) {
        return r;
    }
    r = make_ready(p, name);
    if (r == 0) {
        r = show(p, name);
    }
    if (r < 0) {
        withdraw(p, name);
    }
    return r;
}

static int publish_in_place(struct publication *p) {
    int r;

    if (p->has_dead) {
        sp_claim_remove(&p->claim, &p->dead);
    }
    r = bind_closed(p, p->claim.name);
    if (r < 0) {
        return r;
    }
    r = make_ready(p, p->claim.name);
    if (r < 0) {
        withdraw(p, p->claim.name);
    }
    return r;
}

/*
 * A datagram carries the name its sender was bound to, and receivers compare it with the one they
 * asked (socat's UNIX-SENDTO does): a renamed socket's answers would be dropped. And
 * systemd-tmpfiles(8) spares old sockets by the name they were bound to, so where it cleans a
 * renamed one would be deleted. It knows no path that does not fit into a socket's name.
 */
static int must_stay_in_place(const struct publication *p) {
    char absolute[SUNPATH_NAME_MAX + 1];
    int n;

    if (p->listener->type == SUNPATH_DGRAM) {
        return 1;
    }
    n = sp_claim_path(absolute, &p->claim);
    return n >= (int)sizeof(((struct sockaddr_un *)0)->sun_path) ? 0
                                                                 : sp_claim_is_cleaned(&p->claim);
}

static int publish_claimed(struct publication *p) {
    int r = sp_claim_look(&p->claim, &p->dead, &p->listener->address, p->error);

    if (r < 0) {
        return r;
    }
    p->has_dead = r == 1;
    sp_claim_sweep(&p->claim);
    r = must_stay_in_place(p);
    if (r < 0) {
        return fail(p, r, "open");
    }
    p->is_in_place = r > 0;
    r = sp_listener_socket(p->listener, AF_UNIX, p->options, p->error);
    if (r < 0) {
        return r;
    }
    return p->is_in_place ? publish_in_place(p) : publish_by_rename(p);
}

int sp_listener_publish_path(struct sunpath_listener *listener,
                             const struct sunpath_listen_options *options,
                             struct sunpath_error *error) {
    struct publication p = {.listener = listener, .options = options, .error = error};
    int r;

    r = find_owner(&p);
    if (r < 0) {
        return r;
    }
    r = sp_claim_take(&p.claim, &listener->address, error);
    if (r < 0) {
        return r;
    }
    r = publish_claimed(&p);
    if (r < 0) {
        sp_claim_release(&p.claim, true);
        return r;
    }
    listener->claim = p.claim;
    listener->file = p.file;
    return 0;
}
