/* SPDX-License-Identifier: MIT */
/* peer-internal.h - what access rules need to know of a peer beyond its public face. */

#ifndef SP_SOCK_PEER_INTERNAL_H
#define SP_SOCK_PEER_INTERNAL_H

#include <sys/stat.h>

#include <sunpath/peer.h>

/*
 * sunpath_peer_executable(), and in *ret_file (may be NULL) the file itself. The path alone proves
 * nothing: it is as the process sees it, and anybody may mount something over /usr/bin/x in a
 * namespace of his own.
 */
int sp_peer_executable(int fd, char *buffer, size_t n_buffer, struct stat *ret_file);

#endif
