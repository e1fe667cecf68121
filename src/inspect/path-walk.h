/* SPDX-License-Identifier: MIT */
/* path-walk.h - go along a path as the kernel would, one component at a time, and note what is met.
 */

#ifndef SP_INSPECT_PATH_WALK_H
#define SP_INSPECT_PATH_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "inspect/subject.h"

/* One component, with every link before it resolved. */
struct sp_step {
    char *path;
    char *target; /* of a symbolic link, else NULL */
    struct stat st;
    bool is_repeated; /* links led to it before, perhaps by another path */
    int may;          /* 0, or why the subject may not pass (a directory) or connect (the last) */
};

struct sp_walk {
    struct sp_step *steps; /* those that exist, in order */
    size_t n_steps;
    /* 0: the end was reached. -ENOENT, -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG ...; -EOVERFLOW: it
     * went on for longer than we follow, though the kernel may */
    int error;
    char *stopped;    /* where it was not: the path that is missing, too long, ...; else NULL */
    bool is_last;     /* `stopped` is what the path names, not a directory on the way */
    int directory_fd; /* O_PATH: of the last directory that was reached */
    int final_fd;     /* O_PATH: of what the path names, -1 when it was not reached */
    struct stat final;
    size_t n_links; /* symbolic links followed */
};

/*
 * Walks `path` (relative ones from the working directory) and asks at each step for the subject
 * (NULL: this process). 0, whatever is met on the way; -ENOMEM, -EMFILE, -ENFILE when the walk
 * itself failed. A walk that succeeded is to be deinitialised.
 */
int sp_walk_init(struct sp_walk *ret, const char *path, const struct sp_subject *subject);
void sp_walk_deinit(struct sp_walk *walk);

/* The path with all links resolved, as far as it was reached; "" when not even "/" was. */
const char *sp_walk_resolved(const struct sp_walk *walk);

/* The first step the subject may not pass, or NULL. */
const struct sp_step *sp_walk_denied(const struct sp_walk *walk);

/* "drwxr-xr-x": 11 bytes with the NUL. */
void sp_mode_text(char ret[11], mode_t mode);

/* "root:docker", or "0:998" without names; escaped. */
void sp_owner_text(char *buffer, size_t n_buffer, uid_t uid, gid_t gid, bool with_names);

/* "a regular file", "a directory", ... */
const char *sp_file_kind(mode_t mode);

#endif
