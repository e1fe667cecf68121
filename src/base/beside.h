/* SPDX-License-Identifier: MIT */
/* beside.h - the names beside a socket's path: its lock, and what is on its way in or out. */

#ifndef SP_BASE_BESIDE_H
#define SP_BASE_BESIDE_H

#define SP_BESIDE_LOCK        ".lock" /* "app.sock.lock" */
#define SP_BESIDE_NEW         ".new"  /* ".app.sock.new": not at the path yet */
#define SP_BESIDE_OLD         ".old"  /* ".app.sock.old": no longer there */
#define SP_BESIDE_N_TEMPORARY 72      /* bytes of a temporary name, with its NUL */

/*
 * The name under which the socket `name` is prepared (SP_BESIDE_NEW) or removed (SP_BESIDE_OLD), in
 * the same directory. Long names are cut, and told apart by a hash.
 */
void sp_beside_temporary(char ret[SP_BESIDE_N_TEMPORARY], const char *name, const char *suffix);

#endif
