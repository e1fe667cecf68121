/* SPDX-License-Identifier: MIT */
/* owners.h - which process holds a socket, in words for a sentence. */

#ifndef SP_INSPECT_OWNERS_H
#define SP_INSPECT_OWNERS_H

#include <sunpath/inspect.h>

/* Who holds one socket. */
struct sp_holder {
    struct sunpath_owner first; /* the lowest pid; pid 0 when nobody was found */
    size_t n_processes;
    size_t n_hidden; /* processes we may not look into: it may be one of them */
};

/* Looks through /proc for the holders of the socket `inode`. Errors as sp_proc_each(). */
int sp_holder_find(struct sp_holder *ret, uint64_t inode);

struct sp_holder_text {
    char text[128];
};

/*
 * "appd[4711]", "php-fpm[1207] and 8 more", "a process that may not be seen", "no process" (the
 * descriptor is on its way in a message, or the kernel's). Escaped. Returns ret->text.
 */
const char *sp_holder_show(struct sp_holder_text *ret, const struct sp_holder *holder);

/* The two in one; a search that fails shows as a process that may not be seen. */
const char *sp_holder_of(struct sp_holder_text *ret, uint64_t inode);

/* "appd[4711]" for a process. */
const char *sp_process_show(struct sp_holder_text *ret, pid_t pid);

#endif
