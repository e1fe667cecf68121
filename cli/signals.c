/* SPDX-License-Identifier: MIT */
/* signals.c - signals that end a verb, as a descriptor: there is a socket file to be removed. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "copy.h"
#include "output.h"

static void ending_signals(sigset_t *set) {
    struct sigaction hangup;

    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGCHLD);
    /* ignored by nohup(1): blocked it would arrive all the same (signalfd(2)) */
    if (sigaction(SIGHUP, NULL, &hangup) < 0 || hangup.sa_handler != SIG_IGN) {
        sigaddset(set, SIGHUP);
    }
}

int signals_open(void) {
    sigset_t set;
    int fd;

    ending_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        cli_say("signals: %s", strerror(errno));
    }
    return fd;
}

int signals_read(int signals) {
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGCHLD) {
            return (int)info.ssi_signo;
        }
    }
    return 0;
}

void signals_reset(void) {
    sigset_t set;

    signal(SIGPIPE, SIG_DFL);
    ending_signals(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_die(int signal_number) {
    fflush(stdout);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    signals_reset();            /* unblocked, it arrives here */
    _exit(128 + signal_number); /* unless whoever started us had it ignored */
}
