/* SPDX-License-Identifier: MIT */
/* examine-path.c - would connecting to a path work, and if not, why. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "inspect/examine-parts.h"
#include "inspect/owners.h"
#include "os/mounts.h"

static const char *show(struct sp_shown *shown, const char *path) {
    return sp_show(shown, path, strlen(path));
}

/* "user nobody" or "uid 1000". */
static void subject_text(char *buffer, size_t n_buffer, const struct sp_examination *examination) {
    const struct sp_subject *subject = examination->subject;
    char name[64];

    if (subject && subject->has_account) {
        sunpath_escape(name, sizeof(name), subject->name, strlen(subject->name));
        snprintf(buffer, n_buffer, "user %s", name);
    } else {
        snprintf(buffer, n_buffer, "uid %u", (unsigned)sp_subject_uid(subject));
    }
}

static void mode_and_owner(char *buffer, size_t n_buffer, const struct stat *st, bool with_names) {
    char mode[11], owner[132];

    sp_mode_text(mode, st->st_mode);
    sp_owner_text(owner, sizeof(owner), st->st_uid, st->st_gid, with_names);
    snprintf(buffer, n_buffer, "%s %s", mode, owner);
}

static const char *may_not(const struct sp_step *step) {
    return S_ISDIR(step->st.st_mode)   ? "may not pass"
           : S_ISLNK(step->st.st_mode) ? "may not follow"
                                       : "may not write";
}

static void tell_step(const struct sp_examination *examination, const struct sp_step *step) {
    char path[sizeof(((struct sunpath_finding *)0)->subject)];
    char detail[160], who[80];
    struct sp_shown target;

    sunpath_escape(path, sizeof(path), step->path, strlen(step->path));
    mode_and_owner(detail, sizeof(detail), &step->st, examination->with_names);
    subject_text(who, sizeof(who), examination);
    if (step->may == -EACCES || step->may == -EPERM) {
        sp_found(examination, SUNPATH_FINDING_BAD, path, "%s, %s %s", detail, who, may_not(step));
    } else if (step->may == -EOPNOTSUPP) {
        sp_found(examination, SUNPATH_FINDING_UNKNOWN, path, "%s, the kernel cannot be asked",
                 detail);
    } else if (step->target) {
        sp_found(examination, SUNPATH_FINDING_OK, path, "%s -> %s", detail,
                 show(&target, step->target));
    } else {
        sp_found(examination, SUNPATH_FINDING_OK, path, "%s", detail);
    }
}

static void tell_walk(const struct sp_examination *examination, const struct sp_walk *walk) {
    for (size_t i = 0; i < walk->n_steps; i++) {
        const struct sp_step *step = &walk->steps[i];

        /* "/" and "." are in every path: only worth a line when they are the trouble */
        if ((step->may != 0 || (strcmp(step->path, "/") != 0 && strcmp(step->path, ".") != 0)) &&
            !step->is_repeated) {
            tell_step(examination, step);
        }
    }
    if (walk->error < 0) {
        char path[sizeof(((struct sunpath_finding *)0)->subject)];

        sunpath_escape(path, sizeof(path), walk->stopped, strlen(walk->stopped));
        sp_found(examination, SUNPATH_FINDING_BAD, path, "%s", strerror(-walk->error));
    }
}

static void judge_permission(struct sp_verdict *verdict, const struct sp_examination *examination,
                             const struct sp_step *step) {
    char detail[160], who[80], owner[132];
    const char *kind = S_ISSOCK(step->st.st_mode)  ? "the socket"
                       : S_ISDIR(step->st.st_mode) ? "the directory"
                       : S_ISLNK(step->st.st_mode) ? "the link"
                                                   : sp_file_kind(step->st.st_mode);
    struct sp_shown shown;
    bool is_group_open = step->st.st_mode & (S_ISDIR(step->st.st_mode) ? S_IXGRP : S_IWGRP);

    subject_text(who, sizeof(who), examination);
    mode_and_owner(detail, sizeof(detail), &step->st, examination->with_names);
    sp_verdict_set(verdict, SUNPATH_REASON_PERMISSION, EACCES, "%s %s %s '%s' (%s)", who,
                   S_ISSOCK(step->st.st_mode) ? "may not write to" : may_not(step), kind,
                   show(&shown, step->path), detail);

    sp_owner_text(owner, sizeof(owner), step->st.st_uid, step->st.st_gid, examination->with_names);
    if (S_ISLNK(step->st.st_mode)) {
        sp_verdict_fix(verdict, "use the path it leads to: links of others in a sticky directory "
                                "are not followed (fs.protected_symlinks)");
    } else if (is_group_open) {
        sp_verdict_fix(verdict, "run the client as a member of group %s", strchr(owner, ':') + 1);
    } else {
        sp_verdict_fix(verdict, "chmod or chgrp %s, or run the client as its owner",
                       S_ISSOCK(step->st.st_mode) ? "the socket (in the server's settings)" : kind);
    }
}

/* The absolute path of what the walk reached, as the kernel names it; "" when it cannot. */
static void real_path(char *buffer, size_t n_buffer, int fd) {
    char link[40];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, buffer, n_buffer - 1);
    buffer[n > 0 ? n : 0] = '\0';
}

/* The same of what it did not reach: its directory is known. */
static void missing_path(char *buffer, size_t n_buffer, const struct sp_walk *walk) {
    const char *slash = strrchr(walk->stopped, '/');
    size_t n;

    real_path(buffer, n_buffer, walk->directory_fd);
    n = strlen(buffer);
    n -= n == 1; /* "/" */
    snprintf(buffer + n, n_buffer - n, "/%s", slash ? slash + 1 : walk->stopped);
}

/* A socket that listens under the missing name: deleted, or in another mount namespace. */
static void judge_lost(struct sp_verdict *verdict, const struct sp_examination *examination,
                       const char *path, const struct sp_lost *lost) {
    char inside[SUNPATH_NAME_MAX + 64];
    struct sp_holder holder = {.n_hidden = 1};
    struct sp_holder_text text;
    struct stat st;

    (void)sp_holder_find(&holder, lost->inode);
    sp_holder_show(&text, &holder);
    snprintf(inside, sizeof(inside), "/proc/%d/root%s", (int)holder.first.pid, path);
    if (holder.first.pid > 0 && lstat(inside, &st) == 0 && S_ISSOCK(st.st_mode)) {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ENOENT,
                       "%s has it in a mount namespace of its own, it is not there in this one",
                       text.text);
        sp_verdict_fix(verdict, "run the client there, or share the directory (PrivateTmp, a "
                                "container's volume)");
    } else {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ENOENT,
                       "the file was removed, though %s goes on listening", text.text);
        sp_verdict_fix(verdict, "restart %s", text.text);
    }
    sp_found(examination, SUNPATH_FINDING_NOTE, "bound", "%s, under this name", text.text);
}

static int judge_missing(struct sp_verdict *verdict, const struct sp_examination *examination,
                         const struct sp_walk *walk) {
    const struct sp_step *last = walk->n_steps > 0 ? &walk->steps[walk->n_steps - 1] : NULL;
    const char *name = strrchr(walk->stopped, '/');
    struct sp_shown shown, link;
    char similar[256], path[SUNPATH_NAME_MAX + 1], fix[sizeof(verdict->fix)];
    struct sp_lost lost;
    int error;

    if (walk->is_last) {
        missing_path(path, sizeof(path), walk);
        error = sp_hint_lost(&lost, examination->address->name, path);
        if (error == 0 && lost.inode != 0) {
            judge_lost(verdict, examination, path, &lost);
            return 0;
        }
    }
    sp_hint_similar(similar, sizeof(similar), walk->directory_fd, name ? name + 1 : walk->stopped);
    show(&shown, walk->stopped);
    if (last && last->target) {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ENOENT,
                       "the symbolic link '%s' leads to '%s', which does not exist",
                       show(&link, last->path), shown.text);
        sp_verdict_fix(verdict,
                       "point the link '%s' at the socket, or start the server that is to "
                       "make '%s'",
                       link.text, shown.text);
    } else if (walk->is_last) {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ENOENT, "there is no such file");
        sp_verdict_fix(verdict, "start the server");
    } else {
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ENOENT, "the directory '%s' does not exist",
                       shown.text);
        sp_verdict_fix(verdict, "correct the path, or make the directory and start the server");
    }
    if (similar[0]) {
        sp_verdict_add(verdict, "; there is %s", similar);
        memcpy(fix, verdict->fix, sizeof(fix));
        sp_verdict_fix(verdict, "%s, or did you mean %s?", fix, similar);
    }
    return 0;
}

/* The walk did not reach the end. */
static int judge_walk(struct sp_verdict *verdict, const struct sp_examination *examination,
                      const struct sp_walk *walk) {
    const struct sp_step *last = walk->n_steps > 0 ? &walk->steps[walk->n_steps - 1] : NULL;
    const char *name = strrchr(walk->stopped, '/');
    struct sp_shown shown;

    show(&shown, walk->stopped);
    switch (-walk->error) {
    case ENOENT:
        return judge_missing(verdict, examination, walk);
    case ENOTDIR:
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ENOTDIR, "'%s' is %s, not a directory",
                       shown.text, last ? sp_file_kind(last->st.st_mode) : "something");
        if (walk->is_last) {
            sp_verdict_fix(verdict, "leave out the slash at the end");
        } else {
            sp_verdict_fix(verdict, "correct the path: nothing can be below '%s'", shown.text);
        }
        return 0;
    case ELOOP:
        sp_verdict_set(verdict, SUNPATH_REASON_MISSING, ELOOP,
                       "the symbolic link '%s' leads round in circles", shown.text);
        sp_verdict_fix(verdict, "make the link '%s' anew, to lead to the socket", shown.text);
        return 0;
    case ENAMETOOLONG:
        sp_verdict_set(verdict, SUNPATH_REASON_NAME_TOO_LONG, ENAMETOOLONG,
                       "a name in the path has %zu bytes, more than the 255 a file name can have",
                       strlen(name ? name + 1 : walk->stopped));
        sp_verdict_fix(verdict, "use a shorter name");
        return 0;
    case EOVERFLOW:
        sp_verdict_set(verdict, SUNPATH_REASON_UNKNOWN, 0,
                       "the symbolic links in it lead over more directories than are looked at");
        return 0;
    case EACCES:
        sp_verdict_set(verdict, SUNPATH_REASON_PERMISSION, EACCES, "'%s' may not be looked at",
                       shown.text);
        return 0;
    default:
        sp_verdict_set(verdict, SUNPATH_REASON_SYSTEM, -walk->error, "'%s': %s", shown.text,
                       strerror(-walk->error));
        return 0;
    }
}

static void judge_no_socket(struct sp_verdict *verdict, const struct sp_examination *examination,
                            const struct sp_walk *walk) {
    const char *kind = sp_file_kind(walk->final.st_mode);
    struct sp_shown shown;

    if (walk->n_links > 0) {
        sp_verdict_set(verdict, SUNPATH_REASON_NOT_A_SOCKET, ECONNREFUSED,
                       "it leads to '%s', %s and not a socket",
                       show(&shown, sp_walk_resolved(walk)), kind);
    } else {
        sp_verdict_set(verdict, SUNPATH_REASON_NOT_A_SOCKET, ECONNREFUSED, "it is %s, not a socket",
                       kind);
    }
    if (S_ISDIR(walk->final.st_mode)) {
        sp_verdict_fix(verdict, "name the socket in the directory, not the directory");
    } else {
        sp_verdict_fix(verdict, "correct the path; if a server is to listen here, move the file "
                                "away and start it");
    }
    sp_found(examination, SUNPATH_FINDING_BAD, "kind", "%s", kind);
}

static void judge_deleted(struct sp_verdict *verdict, const struct sp_examination *examination,
                          const struct sp_walk *walk) {
    char source[SUNPATH_NAME_MAX + 1] = "";
    struct sp_shown shown;

    (void)sp_hint_deleted_mount(source, sizeof(source), sp_walk_resolved(walk));
    sp_verdict_set(verdict, SUNPATH_REASON_DELETED_MOUNT, ECONNREFUSED,
                   "it is a bind mount of a socket file that was deleted since");
    if (source[0]) {
        sp_verdict_add(verdict, " ('%s' of its file system)", show(&shown, source));
    }
    sp_verdict_fix(verdict, "mount it again (restart the container), and mount the directory "
                            "instead of the file");
    sp_found(examination, SUNPATH_FINDING_BAD, "links",
             "0: the file is deleted, only the mount "
             "keeps it");
}

/* Nobody was found behind the socket file. */
static void judge_dead(struct sp_verdict *verdict, const struct sp_examination *examination,
                       const struct sp_walk *walk, const struct sp_netns_blind *blind) {
    char here[SUNPATH_NAME_MAX + 1], other[SUNPATH_NAME_MAX + 1] = "";
    struct sp_shown shown;

    real_path(here, sizeof(here), walk->final_fd);
    if (sp_hint_overlay(other, sizeof(other), here) == 0 && other[0]) {
        sp_verdict_set(verdict, SUNPATH_REASON_OVERLAY_LAYER, ECONNREFUSED,
                       "it is the other side of an overlay: the server listens on '%s'",
                       show(&shown, other));
        sp_verdict_fix(verdict, "connect to '%s'", shown.text);
    } else if (sp_is_blind(blind) && !examination->was_refused) {
        sp_verdict_set(verdict, SUNPATH_REASON_UNKNOWN, 0,
                       "no process listens on it in the network namespaces that may be looked at, "
                       "and some may not: it is stale, or served from there");
        sp_verdict_fix(verdict, "ask again as root");
        sp_found(examination, SUNPATH_FINDING_UNKNOWN, "listening",
                 "no process here; %zu namespaces and %zu processes could not be looked at",
                 blind->n_namespaces, blind->n_processes);
        return;
    } else {
        sp_verdict_set(verdict, SUNPATH_REASON_STALE, ECONNREFUSED,
                       "the file is stale, its server is gone");
        sp_verdict_fix(verdict, "start the server again; remove the file if that does not");
    }
    sp_found(examination, SUNPATH_FINDING_BAD, "listening", "no process");
}

static int examine_socket(struct sp_verdict *verdict, const struct sp_examination *examination,
                          const struct sp_walk *walk) {
    struct stat file = walk->final;
    struct sp_server server;
    int error;

    sp_stat_whole(&file, walk->final_fd);
    error = sp_server_of_file(&server, &file);
    if (error < 0) {
        sp_verdict_set(verdict, SUNPATH_REASON_UNKNOWN, 0, "the kernel does not say who has it: %s",
                       strerror(-error));
        sp_found(examination, SUNPATH_FINDING_UNKNOWN, "listening", "%s", strerror(-error));
        return error == -ENOMEM ? error : 0;
    }
    if (server.diag.life != SP_DIAG_DEAD) {
        sp_examine_server(verdict, examination, &server);
    } else if (walk->final.st_nlink == 0) {
        judge_deleted(verdict, examination, walk);
    } else {
        judge_dead(verdict, examination, walk, &server.blind);
    }
    return 0;
}

/* connect(2) takes 107 bytes; this library reaches longer ones, other programs do not. */
static void tell_length(const struct sp_examination *examination) {
    if (examination->address->n_name > 107) {
        sp_found(examination, SUNPATH_FINDING_NOTE, "length",
                 "%zu bytes: over the 107 most programs can connect to",
                 examination->address->n_name);
    }
}

/* Permission is what connect() meets first; what it would meet then is told along with it. */
static int add_what_is_behind(struct sp_verdict *verdict, const struct sp_examination *examination,
                              const struct sp_walk *walk) {
    struct sp_verdict behind = {0};
    char first[sizeof(verdict->fix)];
    int error = examine_socket(&behind, examination, walk);

    if (error < 0 || behind.reason == SUNPATH_REASON_NONE) {
        return error;
    }
    sp_verdict_add(verdict, "; besides, %s", behind.text);
    if (behind.fix[0]) {
        memcpy(first, verdict->fix, sizeof(first));
        sp_verdict_fix(verdict, "%s; then %s", first, behind.fix);
    }
    return 0;
}

static int examine_walked(struct sp_verdict *verdict, const struct sp_examination *examination,
                          const struct sp_walk *walk) {
    const struct sp_step *denied = sp_walk_denied(walk);

    tell_walk(examination, walk);
    tell_length(examination);
    if (denied && (walk->error < 0 || S_ISSOCK(walk->final.st_mode) ||
                   denied != &walk->steps[walk->n_steps - 1])) {
        judge_permission(verdict, examination, denied);
        return walk->error == 0 && examination->on_finding && S_ISSOCK(walk->final.st_mode)
                   ? add_what_is_behind(verdict, examination, walk)
                   : 0;
    }
    if (walk->error < 0) {
        return judge_walk(verdict, examination, walk);
    }
    if (!S_ISSOCK(walk->final.st_mode)) {
        judge_no_socket(verdict, examination, walk);
        verdict->code = denied ? EACCES : ECONNREFUSED;
        return 0;
    }
    return examine_socket(verdict, examination, walk);
}

int sp_examine_path(struct sp_verdict *verdict, const struct sp_examination *examination) {
    struct sp_walk walk;
    int error = sp_walk_init(&walk, examination->address->name, examination->subject);

    if (error < 0) {
        return error;
    }
    error = examine_walked(verdict, examination, &walk);
    sp_walk_deinit(&walk);
    return error;
}
