/* SPDX-License-Identifier: MIT */
/* child.h - do something in a short-lived process of our own, unseen by the program around us. */

#ifndef SP_OS_CHILD_H
#define SP_OS_CHILD_H

#include <sys/types.h>

/*
 * Runs `work` in a copy of this process and returns its pid. `work` makes system calls only (other
 * threads are gone and may have held locks) and returns the exit status, 0 to 255. All signals are
 * blocked there, so no handler of the program runs twice, and its end sends none: programs that
 * wait for children of their own never meet it. -EAGAIN, -ENOMEM.
 */
pid_t sp_child_start(int (*work)(void *user), void *user);

/* Waits for it: its exit status, or -EIO when it was killed. */
int sp_child_wait(pid_t pid);

#endif
