/* SPDX-License-Identifier: MIT */
/* subject.c - the user a permission question is asked for, answered by the kernel itself. */

#include "inspect/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "os/child.h"

/* The old names take 16-bit ids where these exist. */
#ifdef SYS_setresuid32
#define CALL_SETRESUID SYS_setresuid32
#define CALL_SETRESGID SYS_setresgid32
#define CALL_SETGROUPS SYS_setgroups32
#else
#define CALL_SETRESUID SYS_setresuid
#define CALL_SETRESGID SYS_setresgid
#define CALL_SETGROUPS SYS_setgroups
#endif

enum {
    MAX_GROUPS = 65536 /* NGROUPS_MAX since Linux 2.6.4 */
};

static int read_groups(struct sp_subject *subject, const char *name) {
    int n = 64;
    gid_t *groups = NULL;

    for (;;) {
        gid_t *more = realloc(groups, (size_t)n * sizeof(*groups));

        if (!more) {
            free(groups);
            return -ENOMEM;
        }
        groups = more;
        if (getgrouplist(name, subject->gid, groups, &n) >= 0) {
            break;
        }
        if (n > MAX_GROUPS) {
            free(groups);
            return -EINVAL;
        }
    }
    subject->groups = groups;
    subject->n_groups = (size_t)n;
    return 0;
}

static int find_account(struct passwd **ret, struct passwd *room, char *buffer, size_t n_buffer,
                        const char *user) {
    uint64_t number;
    int error = getpwnam_r(user, room, buffer, n_buffer, ret);

    if (!*ret && error != ERANGE && sp_parse_number(&number, user, strlen(user), UINT32_MAX - 1)) {
        error = getpwuid_r((uid_t)number, room, buffer, n_buffer, ret);
    }
    return error;
}

int sp_subject_init(struct sp_subject *ret, const char *user) {
    struct sp_subject subject = {0};
    struct passwd room, *account = NULL;
    uint64_t number;
    char buffer[16384];
    int error = find_account(&account, &room, buffer, sizeof(buffer), user);

    if (account) {
        subject.uid = account->pw_uid;
        subject.gid = account->pw_gid;
        subject.has_account = true;
        snprintf(subject.name, sizeof(subject.name), "%s", account->pw_name);
        error = read_groups(&subject, account->pw_name);
        if (error < 0) {
            return error;
        }
    } else if (error == ENOMEM) {
        return -ENOMEM;
    } else if (sp_parse_number(&number, user, strlen(user), UINT32_MAX - 1)) {
        subject.uid = (uid_t)number;
        subject.gid = 65534; /* the kernel's overflow gid: a group that opens nothing */
        snprintf(subject.name, sizeof(subject.name), "%u", (unsigned)number);
    } else {
        return -ENOENT;
    }

    *ret = subject;
    return 0;
}

void sp_subject_deinit(struct sp_subject *subject) {
    free(subject->groups);
    *subject = (struct sp_subject){0};
}

uid_t sp_subject_uid(const struct sp_subject *subject) {
    return subject ? subject->uid : geteuid();
}

static int ask(int fd, int mode) {
#ifdef SYS_faccessat2
    if (syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS) == 0) {
        return 0;
    }
    return errno == ENOSYS || errno == EINVAL ? -EOPNOTSUPP : -errno;
#else
    (void)fd;
    (void)mode;
    return -EOPNOTSUPP;
#endif
}

struct question {
    const struct sp_subject *subject;
    int fd, mode;
};

/*
 * The child. Bare system calls: the C library's setresuid() would wait for threads that a copy of
 * the process does not have. Groups first: the last step gives the right to the others away.
 */
static int become(const struct sp_subject *subject) {
    if (syscall(CALL_SETGROUPS, subject->n_groups, subject->groups) < 0 ||
        syscall(CALL_SETRESGID, subject->gid, subject->gid, subject->gid) < 0 ||
        syscall(CALL_SETRESUID, subject->uid, subject->uid, subject->uid) < 0) {
        return -EPERM;
    }
    return 0;
}

static int become_and_ask(void *user) {
    const struct question *question = user;
    int error = become(question->subject);

    if (error == 0 && question->fd >= 0) {
        error = ask(question->fd, question->mode);
    }
    return -error;
}

static int run_child(struct question *question) {
    pid_t child = sp_child_start(become_and_ask, question);
    int status;

    if (child < 0) {
        return child;
    }
    status = sp_child_wait(child);
    return status < 0 ? status : -status;
}

int sp_subject_check(const struct sp_subject *subject) {
    return run_child(&(struct question){.subject = subject, .fd = -1});
}

int sp_subject_may(const struct sp_subject *subject, int fd, int mode) {
    if (!subject) {
        return ask(fd, mode);
    }
    return run_child(&(struct question){.subject = subject, .fd = fd, .mode = mode});
}
