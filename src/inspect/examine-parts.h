/* SPDX-License-Identifier: MIT */
/* examine-parts.h - what the files of the examination share. */

#ifndef SP_INSPECT_EXAMINE_PARTS_H
#define SP_INSPECT_EXAMINE_PARTS_H

#include "inspect/examine.h"
#include "inspect/path-walk.h"
#include "inspect/servers.h"

void sp_verdict_set(struct sp_verdict *verdict, enum sunpath_reason reason, int code,
                    const char *format, ...) SUNPATH_PRINTF(4, 5);
/* Adds to the verdict's text. */
void sp_verdict_add(struct sp_verdict *verdict, const char *format, ...) SUNPATH_PRINTF(2, 3);
void sp_verdict_fix(struct sp_verdict *verdict, const char *format, ...) SUNPATH_PRINTF(2, 3);

/* Tells of a finding; `subject` is escaped already. */
void sp_found(const struct sp_examination *examination, int grade, const char *subject,
              const char *format, ...) SUNPATH_PRINTF(4, 5);

const char *sp_type_name(int type); /* "stream", "datagram", "seqpacket" */

int sp_examine_path(struct sp_verdict *verdict, const struct sp_examination *examination);
int sp_examine_abstract(struct sp_verdict *verdict, const struct sp_examination *examination);

/*
 * Judges the server that was found (life is not SP_DIAG_DEAD): type, listening, backlog. `name` is
 * the address as shown, escaped.
 */
void sp_examine_server(struct sp_verdict *verdict, const struct sp_examination *examination,
                       const struct sp_server *server);

/* hints.c: what to say of a path that is not there, or that nobody serves */

/* Names in the directory that look like `name`, most alike first: "'a.sock' or 'b.sock'", or "". */
void sp_hint_similar(char *buffer, size_t n_buffer, int directory_fd, const char *name);

/* The socket that listens under this bound name though its file is not (or no longer) there. */
struct sp_lost {
    uint64_t inode; /* of the socket, 0: none */
    bool is_other_netns;
};
int sp_hint_lost(struct sp_lost *ret, const char *path, const char *resolved);

/* Where the deleted file of a bind mount came from: a path, or "". */
int sp_hint_deleted_mount(char *buffer, size_t n_buffer, const char *path);

/*
 * The path of the same file seen through the overlay `path` is a layer of, or through the layer
 * behind the overlay, on which somebody does listen: "" when there is none. (overlayfs gives a
 * merged file an inode of its own, so a listener bound on one side does not exist on the other.)
 */
int sp_hint_overlay(char *buffer, size_t n_buffer, const char *path);

#endif
