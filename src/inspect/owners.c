/* SPDX-License-Identifier: MIT */
/* owners.c - which process holds a socket, in words for a sentence. */

#include "inspect/owners.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "os/proc.h"

struct search {
    struct sp_holder *found;
    uint64_t inode;
    pid_t last; /* counted already: a process may hold it twice */
};

static int on_socket(const struct sp_proc_socket *socket, void *user) {
    struct search *search = user;
    struct sp_holder *found = search->found;

    if (socket->inode != search->inode || socket->pid == search->last) {
        return 0;
    }
    search->last = socket->pid;
    found->n_processes++;
    if (found->first.pid == 0 || socket->pid < found->first.pid) {
        found->first = (struct sunpath_owner){.pid = socket->pid, .fd = socket->fd};
    }
    return 0;
}

int sp_holder_find(struct sp_holder *ret, uint64_t inode) {
    struct sp_holder found = {0};
    struct search search = {.found = &found, .inode = inode};
    int error = sp_proc_each_socket(on_socket, &search, &found.n_hidden);

    if (error < 0) {
        return error;
    }
    if (found.first.pid > 0 &&
        sp_proc_describe(found.first.pid, found.first.name, &found.first.uid) < 0) {
        snprintf(found.first.name, sizeof(found.first.name), "?"); /* it ended just now */
    }
    *ret = found;
    return 0;
}

const char *sp_holder_show(struct sp_holder_text *ret, const struct sp_holder *holder) {
    char name[64];

    if (holder->first.pid == 0) {
        snprintf(ret->text, sizeof(ret->text), "%s",
                 holder->n_hidden > 0 ? "a process that may not be seen" : "no process");
        return ret->text;
    }
    sunpath_escape(name, sizeof(name), holder->first.name, strlen(holder->first.name));
    if (holder->n_processes > 1) {
        snprintf(ret->text, sizeof(ret->text), "%s[%d] and %zu more", name, (int)holder->first.pid,
                 holder->n_processes - 1);
    } else {
        snprintf(ret->text, sizeof(ret->text), "%s[%d]", name, (int)holder->first.pid);
    }
    return ret->text;
}

const char *sp_holder_of(struct sp_holder_text *ret, uint64_t inode) {
    struct sp_holder holder = {.n_hidden = 1};

    (void)sp_holder_find(&holder, inode);
    return sp_holder_show(ret, &holder);
}

const char *sp_process_show(struct sp_holder_text *ret, pid_t pid) {
    struct sp_holder holder = {.first = {.pid = pid, .name = "?"}, .n_processes = 1};

    (void)sp_proc_describe(pid, holder.first.name, &holder.first.uid);
    return sp_holder_show(ret, &holder);
}
