/* SPDX-License-Identifier: MIT */
/* path-walk.c - go along a path as the kernel would, one component at a time, and note what is met.
 */

#include "inspect/path-walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "os/fd.h"

enum {
    MAX_LINKS = 40,     /* as the kernel: path_resolution(7) */
    MAX_REST = 1 << 18, /* 40 links of PATH_MAX and then some: the bound on what links can add */
    MAX_KEPT =
        1 << 24, /* bytes of steps: a path of PATH_MAX has 4 MiB, links could make it 5 GiB */
};

/* A walk under way. */
struct state {
    struct sp_walk *walk;
    const struct sp_subject *subject;
    char *rest;   /* what is still to be walked */
    char *cursor; /* in `rest` */
    char *where;  /* the path so far, links resolved */
    struct stat directory;
    size_t n_kept; /* bytes of text in the steps */
};

static int copy(char **target, const char *text) {
    char *made = strdup(text);

    if (!made) {
        return -ENOMEM;
    }
    free(*target);
    *target = made;
    return 0;
}

static bool is_more(const char *rest) {
    return rest[strspn(rest, "/")] != '\0';
}

static int stop_at(struct state *state, int error, const char *path) {
    state->walk->error = error;
    state->walk->is_last = !is_more(state->cursor);
    return sp_is_own_failure(error) ? error : copy(&state->walk->stopped, path);
}

static int add_step(struct state *state, const char *path, const struct stat *st, int may,
                    char **target) {
    struct sp_walk *walk = state->walk;
    struct sp_step *steps = realloc(walk->steps, (walk->n_steps + 1) * sizeof(*steps));
    char *kept;

    if (!steps) {
        return -ENOMEM;
    }
    walk->steps = steps;
    kept = strdup(path);
    if (!kept) {
        return -ENOMEM;
    }
    state->n_kept += strlen(path);
    steps[walk->n_steps++] = (struct sp_step){
        .path = kept, .target = target ? sp_take_ptr(target) : NULL, .st = *st, .may = may};
    return 0;
}

/* Makes `fd` the directory the next component is looked for in. */
static int enter(struct state *state, int *fd, const struct stat *st, const char *path) {
    int error = add_step(state, path, st, sp_subject_may(state->subject, *fd, X_OK), NULL);

    if (error < 0) {
        return error;
    }
    sp_close(state->walk->directory_fd);
    state->walk->directory_fd = sp_take_fd(fd);
    state->directory = *st;
    return copy(&state->where, path);
}

static int enter_start(struct state *state, const char *path) {
    _cleanup_(sp_closep) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        return stop_at(state, -errno, path);
    }
    return enter(state, &fd, &st, path);
}

/*
 * In a sticky directory that all may write to, the kernel follows a link only for its owner, or
 * when the directory's owner made it: protected_symlinks, proc(5).
 */
static int may_follow(const struct state *state, const struct stat *link) {
    const mode_t open_to_all = S_ISVTX | S_IWOTH;
    char value = '0';
    _cleanup_(sp_closep) int fd = -1;

    if ((state->directory.st_mode & open_to_all) != open_to_all ||
        link->st_uid == state->directory.st_uid || link->st_uid == sp_subject_uid(state->subject)) {
        return 0;
    }
    fd = open("/proc/sys/fs/protected_symlinks", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, &value, 1) == 1 && value != '0' ? -EACCES : 0;
}

static int read_target(char **ret, int fd) {
    char *target = malloc(PATH_MAX + 1);
    ssize_t n = target ? readlinkat(fd, "", target, PATH_MAX) : -1;

    if (n < 0) {
        int error = target ? -errno : -ENOMEM;

        free(target);
        return error;
    }
    target[n] = '\0';
    *ret = target;
    return 0;
}

/* Puts the link's target in front of what is still to be walked. */
static int splice_target(struct state *state, const char *target) {
    char *rest = NULL;

    if (strlen(target) + strlen(state->cursor) + 2 > MAX_REST) {
        return -ELOOP;
    }
    if (asprintf(&rest, "%s%s", target, state->cursor) < 0) {
        return -ENOMEM;
    }
    free(state->rest);
    state->rest = state->cursor = rest;
    return target[0] == '/' ? 1 : 0;
}

static int follow(struct state *state, int fd, const struct stat *st, const char *path) {
    _cleanup_(sp_freep) char *target = NULL;
    int error = read_target(&target, fd);
    int absolute;

    if (error < 0) {
        return stop_at(state, error, path);
    }
    if (++state->walk->n_links > MAX_LINKS) {
        return stop_at(state, -ELOOP, path);
    }
    absolute = splice_target(state, target);
    if (absolute < 0) {
        return stop_at(state, absolute, path);
    }
    error = add_step(state, path, st, may_follow(state, st), &target);
    return error < 0 ? error : absolute ? enter_start(state, "/") : 0;
}

static int reach(struct state *state, int *fd, const struct stat *st, const char *path) {
    int error = add_step(state, path, st, sp_subject_may(state->subject, *fd, W_OK), NULL);

    if (error < 0) {
        return error;
    }
    state->walk->final = *st;
    state->walk->final_fd = sp_take_fd(fd);
    return 0;
}

/* The links in /proc (fd/3, cwd, root) are doors, not names: the kernel goes through them itself.
 */
static int open_component(int directory, const char *name) {
    struct statfs fs;
    int flags = O_PATH | O_CLOEXEC;
    int fd;

    if (fstatfs(directory, &fs) < 0 || (unsigned long)fs.f_type != PROC_SUPER_MAGIC) {
        flags |= O_NOFOLLOW;
    }
    fd = openat(directory, name, flags);
    return fd < 0 ? -errno : fd;
}

/* Takes the next component. */
static int advance(struct state *state, const char *name) {
    _cleanup_(sp_freep) char *path = NULL;
    const char *glue = strcmp(state->where, "/") == 0 ? "" : "/";
    _cleanup_(sp_closep) int fd = -1;
    struct stat st;

    if (asprintf(&path, "%s%s%s", state->where, glue, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    if (state->n_kept > MAX_KEPT) {
        return stop_at(state, -EOVERFLOW, path);
    }
    fd = open_component(state->walk->directory_fd, name);
    if (fd < 0) {
        return stop_at(state, fd, path);
    }
    if (fstat(fd, &st) < 0) {
        return stop_at(state, -errno, path);
    }
    if (S_ISLNK(st.st_mode)) {
        return follow(state, fd, &st, path);
    }
    if (state->cursor[0] == '/' && !S_ISDIR(st.st_mode)) { /* "app.sock/x", "app.sock/" */
        int error = add_step(state, path, &st, 0, NULL);

        return error < 0 ? error : stop_at(state, -ENOTDIR, path);
    }
    if (is_more(state->cursor)) {
        return enter(state, &fd, &st, path);
    }
    return reach(state, &fd, &st, path);
}

/* Cuts the next component off `cursor`: NULL behind the last. "." says nothing. */
static char *next_component(struct state *state, char *room) {
    size_t n;

    do {
        state->cursor += strspn(state->cursor, "/");
        n = strcspn(state->cursor, "/");
        if (n == 0) {
            return NULL;
        }
        memcpy(room, state->cursor, n);
        room[n] = '\0';
        state->cursor += n;
    } while (strcmp(room, ".") == 0);
    return room;
}

static int walk_all(struct state *state) {
    _cleanup_(sp_freep) char *name = NULL;
    int error = enter_start(state, state->rest[0] == '/' ? "/" : ".");

    while (error == 0 && state->walk->error == 0 && state->walk->final_fd < 0) {
        size_t room = strlen(state->cursor) + 1;
        char *grown = realloc(name, room);

        if (!grown) {
            return -ENOMEM;
        }
        name = grown;
        if (!next_component(state, name)) {
            break; /* "/" or "." themselves */
        }
        error = advance(state, name);
    }
    return error;
}

/* The path named a directory by "/", "." or "x/.": that is the end of it, then. */
static int end_at_directory(struct state *state) {
    struct sp_walk *walk = state->walk;

    if (walk->error == 0 && walk->final_fd < 0 && walk->directory_fd >= 0) {
        walk->final_fd = fcntl(walk->directory_fd, F_DUPFD_CLOEXEC, 3);
        walk->final = state->directory;
        return walk->final_fd < 0 ? -errno : 0;
    }
    return 0;
}

static int compare(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

/* By component, the first in the walk first. */
static int compare_steps(const void *a, const void *b) {
    const struct sp_step *x = *(struct sp_step *const *)a, *y = *(struct sp_step *const *)b;
    int order = compare(x->st.st_ino, y->st.st_ino);

    order = order ? order : compare(x->st.st_dev, y->st.st_dev);
    return order ? order : compare((uintptr_t)x, (uintptr_t)y);
}

/* A loop of links goes over the same components 40 times. */
static int mark_repeated(struct sp_walk *walk) {
    struct sp_step **sorted = calloc(walk->n_steps + 1, sizeof(struct sp_step *));

    if (!sorted) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < walk->n_steps; i++) {
        sorted[i] = &walk->steps[i];
    }
    qsort(sorted, walk->n_steps, sizeof(struct sp_step *), compare_steps);
    for (size_t i = 1; i < walk->n_steps; i++) {
        sorted[i]->is_repeated = sorted[i]->st.st_ino == sorted[i - 1]->st.st_ino &&
                                 sorted[i]->st.st_dev == sorted[i - 1]->st.st_dev;
    }
    free(sorted);
    return 0;
}

int sp_walk_init(struct sp_walk *ret, const char *path, const struct sp_subject *subject) {
    struct sp_walk walk = {.directory_fd = -1, .final_fd = -1};
    struct state state = {.walk = &walk, .subject = subject};
    int error = copy(&state.rest, path);

    state.cursor = state.rest;
    if (error == 0) {
        error = path[0] ? walk_all(&state) : stop_at(&state, -ENOENT, path);
    }
    if (error == 0) {
        error = end_at_directory(&state);
    }
    if (error == 0) {
        error = mark_repeated(&walk);
    }
    free(state.rest);
    free(state.where);
    if (error < 0) {
        sp_walk_deinit(&walk);
        return error;
    }
    *ret = walk;
    return 0;
}

void sp_walk_deinit(struct sp_walk *walk) {
    for (size_t i = 0; i < walk->n_steps; i++) {
        free(walk->steps[i].path);
        free(walk->steps[i].target);
    }
    free(walk->steps);
    free(walk->stopped);
    sp_close(walk->directory_fd);
    sp_close(walk->final_fd);
    *walk = (struct sp_walk){.directory_fd = -1, .final_fd = -1};
}

const char *sp_walk_resolved(const struct sp_walk *walk) {
    return walk->n_steps > 0 ? walk->steps[walk->n_steps - 1].path : "";
}

const struct sp_step *sp_walk_denied(const struct sp_walk *walk) {
    for (size_t i = 0; i < walk->n_steps; i++) {
        if (walk->steps[i].may == -EACCES || walk->steps[i].may == -EPERM) {
            return &walk->steps[i];
        }
    }
    return NULL;
}
