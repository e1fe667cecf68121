/* SPDX-License-Identifier: MIT */
/* examine.h - would connecting work, and if not, why: the one code behind explain and doctor. */

#ifndef SP_INSPECT_EXAMINE_H
#define SP_INSPECT_EXAMINE_H

#include <sunpath/inspect.h>

#include "inspect/subject.h"

struct sp_verdict {
    enum sunpath_reason reason; /* NONE: it would work */
    int code;                   /* the errno connect() would give, positive; 0: none */
    char text[400];             /* why, escaped: "the file is stale, its server is gone" */
    char fix[300];              /* what to do, escaped, or "" */
};

struct sp_examination {
    const struct sunpath_address *address; /* a path or an abstract name */
    enum sunpath_type type;                /* the client's; 0: any */
    const struct sp_subject *subject;      /* NULL: this process */
    bool was_refused; /* a connect has just ended with ECONNREFUSED: the kernel looks at the file's
                         inode, in whatever network namespace its listener may be */
    bool with_names;  /* of users and groups, which may ask a directory service */

    /* Told of everything that was looked at; NULL: nobody. Both texts are escaped. */
    void (*on_finding)(int grade, const char *subject, const char *detail, void *user);
    void *user;
};

/* Connects to nothing. -ENOMEM, -EMFILE and the like when it could not be carried out. */
int sp_examine(struct sp_verdict *ret, const struct sp_examination *examination);

#endif
