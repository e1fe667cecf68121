/* SPDX-License-Identifier: MIT */
/* subject.h - the user a permission question is asked for, answered by the kernel itself. */

#ifndef SP_INSPECT_SUBJECT_H
#define SP_INSPECT_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sp_subject {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* supplementary */
    size_t n_groups;
    bool has_account; /* else a bare number: asked without groups */
    char name[64];
};

/* Looks up a user name or number. -ENOENT (no such user), -ENOMEM. */
int sp_subject_init(struct sp_subject *ret, const char *user);
void sp_subject_deinit(struct sp_subject *subject);

/*
 * May the subject (NULL: this process) do `mode` (R_OK, W_OK, X_OK) to the object the O_PATH
 * descriptor stands for? 0, or what the kernel says: -EACCES, -EROFS ... Access lists and
 * capabilities count. For another user the kernel is asked in a short-lived child that has become
 * that user: -EPERM when this process may not become it. -EOPNOTSUPP before Linux 5.8.
 */
int sp_subject_may(const struct sp_subject *subject, int fd, int mode);

/* Can this process become the subject at all? 0 or -EPERM; -EAGAIN, -ENOMEM. */
int sp_subject_check(const struct sp_subject *subject);

/* The uid permissions are judged by. */
uid_t sp_subject_uid(const struct sp_subject *subject);

#endif
