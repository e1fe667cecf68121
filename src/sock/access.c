/* SPDX-License-Identifier: MIT */
/* access.c - rules about who may talk to us, checked before the first byte. */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <sunpath/peer.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "os/id-map.h"
#include "os/user.h"
#include "sock/peer-internal.h"

#define N_RULES_MAX 1024

enum subject {
    BY_UID,
    BY_GID,
    BY_EXECUTABLE,
};

struct rule {
    enum subject subject;
    bool is_deny;
    uint32_t id;      /* BY_UID, BY_GID */
    char *executable; /* BY_EXECUTABLE */
};

struct sunpath_access {
    struct rule *rules;
    size_t n_rules;
    bool has_allow;
    bool needs_groups;
    bool needs_executable;
};

/* What the rules look at, asked of the kernel once for a connection. */
struct caller {
    struct sunpath_peer peer;
    gid_t *groups;
    int n_groups;
    bool has_unknown_groups;   /* a kernel that does not tell: see passes() */
    char executable[PATH_MAX]; /* "" when it cannot be known */
    struct stat file;          /* of the executable */
};

int sunpath_access_new(struct sunpath_access **ret) {
    struct sunpath_access *access = calloc(1, sizeof(*access));

    if (!access) {
        return -ENOMEM;
    }
    *ret = access;
    return 0;
}

struct sunpath_access *sunpath_access_free(struct sunpath_access *access) {
    if (access) {
        for (size_t i = 0; i < access->n_rules; i++) {
            free(access->rules[i].executable);
        }
        free(access->rules);
        free(access);
    }
    return NULL;
}

static const char *value_of(const char *rule, const char *key) {
    size_t n = strlen(key);

    return strncmp(rule, key, n) == 0 && rule[n] == '=' ? rule + n + 1 : NULL;
}

static int read_id(struct rule *ret, const char *value, bool is_name, enum subject subject) {
    uint64_t number;

    ret->subject = subject;
    if (is_name) {
        return subject == BY_UID ? sp_user_find(&ret->id, value) : sp_group_find(&ret->id, value);
    }
    if (!sp_parse_number(&number, value, strlen(value), UINT32_MAX - 1)) {
        return -EINVAL;
    }
    ret->id = (uint32_t)number;
    return 0;
}

static int read_executable(struct rule *ret, const char *path) {
    if (path[0] != '/') {
        return -EINVAL;
    }
    ret->subject = BY_EXECUTABLE;
    ret->executable = strdup(path);
    return ret->executable ? 0 : -ENOMEM;
}

static int read_rule(struct rule *ret, const char *text) {
    const char *value;

    if ((value = value_of(text, "uid"))) {
        return read_id(ret, value, false, BY_UID);
    }
    if ((value = value_of(text, "user"))) {
        return read_id(ret, value, true, BY_UID);
    }
    if ((value = value_of(text, "gid"))) {
        return read_id(ret, value, false, BY_GID);
    }
    if ((value = value_of(text, "group"))) {
        return read_id(ret, value, true, BY_GID);
    }
    if ((value = value_of(text, "exe"))) {
        return read_executable(ret, value);
    }
    return -EINVAL;
}

static int fail(struct sunpath_error *error, int code, const char *text) {
    struct sp_shown shown;

    sp_show(&shown, text, strlen(text));
    switch (code) {
    case -EINVAL:
        return sp_fail(error, code, SUNPATH_REASON_INVALID, "rule",
                       "'%s': a rule is uid=N, user=NAME, gid=N, group=NAME or exe=/PATH",
                       shown.text);
    case -ENOENT:
        return sp_fail(error, code, SUNPATH_REASON_INVALID, "rule", "'%s': there is no such %s",
                       shown.text, text[0] == 'u' ? "user" : "group");
    default:
        errno = -code;
        return sp_fail(error, code, sp_reason_of_errno(code), "rule", "'%s': %m", shown.text);
    }
}

static int add(struct sunpath_access *access, const char *text, bool is_deny,
               struct sunpath_error *error) {
    struct rule rule = {.is_deny = is_deny};
    struct rule *rules;
    int r;

    if (access->n_rules == N_RULES_MAX) {
        return fail(error, -ENOBUFS, text);
    }
    r = read_rule(&rule, text);
    if (r < 0) {
        return fail(error, r, text);
    }
    rules = realloc(access->rules, (access->n_rules + 1) * sizeof(*rules));
    if (!rules) {
        free(rule.executable);
        return fail(error, -ENOMEM, text);
    }
    access->rules = rules;
    access->rules[access->n_rules++] = rule;
    access->has_allow = access->has_allow || !is_deny;
    access->needs_groups = access->needs_groups || rule.subject == BY_GID;
    access->needs_executable = access->needs_executable || rule.subject == BY_EXECUTABLE;
    return 0;
}

int sunpath_access_allow(struct sunpath_access *access, const char *rule,
                         struct sunpath_error *error) {
    return add(access, rule, false, error);
}

int sunpath_access_deny(struct sunpath_access *access, const char *rule,
                        struct sunpath_error *error) {
    return add(access, rule, true, error);
}

static int read_groups(struct caller *caller, int fd) {
    int n = sunpath_peer_groups(fd, NULL, 0);

    if (n <= 0) {
        caller->has_unknown_groups = n == -EOPNOTSUPP;
        return caller->has_unknown_groups ? 0 : n;
    }
    caller->groups = malloc((size_t)n * sizeof(gid_t));
    if (!caller->groups) {
        return -ENOMEM;
    }
    caller->n_groups = sunpath_peer_groups(fd, caller->groups, (size_t)n);
    return caller->n_groups < 0 ? caller->n_groups : 0;
}

/*
 * A supplementary group without a name in this user namespace is shown as the overflow gid, so a
 * rule that allows that gid must not take it for the real one; the primary one was looked at
 * before.
 */
static bool has_group(const struct caller *caller, const struct rule *rule) {
    if (caller->peer.gid == rule->id) {
        return true;
    }
    for (int i = 0; i < caller->n_groups; i++) {
        if (caller->groups[i] == rule->id && (rule->is_deny || !sp_gid_is_unmapped(rule->id))) {
            return true;
        }
    }
    return false;
}

/*
 * The file counts, not its path: in a mount namespace of his own anybody can give any file any
 * path. A deny rule looks at the path as well, since a program that was replaced runs on from a
 * file that has no name any more ("/path (deleted)").
 */
static bool runs(const struct caller *caller, const struct rule *rule) {
    size_t n = strlen(rule->executable);
    struct stat file;

    if (rule->is_deny && strncmp(caller->executable, rule->executable, n) == 0 &&
        (caller->executable[n] == '\0' || strcmp(caller->executable + n, " (deleted)") == 0)) {
        return true;
    }
    return stat(rule->executable, &file) == 0 && file.st_dev == caller->file.st_dev &&
           file.st_ino == caller->file.st_ino;
}

static bool matches(const struct rule *rule, const struct caller *caller) {
    switch (rule->subject) {
    case BY_UID:
        return caller->peer.uid == rule->id;
    case BY_GID:
        return has_group(caller, rule);
    case BY_EXECUTABLE:
        return runs(caller, rule);
    }
    return false;
}

static bool is_unknown(const struct rule *rule, const struct caller *caller) {
    return (rule->subject == BY_EXECUTABLE && !caller->executable[0]) ||
           (rule->subject == BY_GID && caller->has_unknown_groups && !matches(rule, caller));
}

/* What cannot be known does not pass: an executable under a deny rule, say. */
static bool passes(const struct sunpath_access *access, const struct caller *caller) {
    bool is_allowed = !access->has_allow;

    for (size_t i = 0; i < access->n_rules; i++) {
        const struct rule *rule = &access->rules[i];
        bool is_open = is_unknown(rule, caller);

        if (rule->is_deny && (is_open || matches(rule, caller))) {
            return false;
        }
        if (!rule->is_deny && !is_open && matches(rule, caller)) {
            is_allowed = true;
        }
    }
    return is_allowed;
}

int sunpath_access_check(const struct sunpath_access *access, int fd) {
    struct caller caller = {.n_groups = 0};
    bool may_enter;
    int r = 0;

    if (!access || access->n_rules == 0) {
        return 0;
    }
    if (sunpath_peer_read(&caller.peer, fd) < 0 || caller.peer.is_unmapped ||
        caller.peer.is_outside_pid_namespace) {
        return -EACCES;
    }
    if (access->needs_groups) {
        r = read_groups(&caller, fd);
    }
    if (access->needs_executable &&
        sp_peer_executable(fd, caller.executable, sizeof(caller.executable), &caller.file) < 0) {
        caller.executable[0] = '\0';
    }
    may_enter = r == 0 && passes(access, &caller);
    free(caller.groups);
    return may_enter ? 0 : -EACCES;
}

bool sunpath_access_trusts(const struct sunpath_access *access, int fd) {
    return access && access->has_allow && sunpath_access_check(access, fd) == 0;
}
