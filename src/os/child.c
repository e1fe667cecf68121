/* SPDX-License-Identifier: MIT */
/* child.c - do something in a short-lived process of our own, unseen by the program around us. */

#include "os/child.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * clone(2) with no exit signal is what fork(2) cannot do: the program gets no SIGCHLD, and its
 * wait() does not see the child (only __WALL and __WCLONE do).
 */
static pid_t copy_process(void) {
    return (pid_t)syscall(SYS_clone, 0UL, 0UL, 0UL, 0UL, 0UL); /* all 0: order is no matter */
}

pid_t sp_child_start(int (*work)(void *user), void *user) {
    sigset_t all, before;
    pid_t pid;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid = copy_process();
    error = errno;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        syscall(SYS_exit_group, work(user));
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid < 0 ? -error : pid;
}

int sp_child_wait(pid_t pid) {
    int status;

    while (waitpid(pid, &status, __WALL) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}
