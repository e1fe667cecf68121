/* SPDX-License-Identifier: MIT */
/* signal.c - signals as events, for programs: signalfd(2). */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "loop/loop.h"
#include "os/fd.h"

struct sunpath_signal {
    struct sp_list node;
    struct sunpath_loop *loop;
    int number;
    bool was_blocked; /* before we came: it stays so when we leave */
    void (*on_signal)(struct sunpath_signal *signal, int signal_number, void *user);
    void *user;
};

static struct sunpath_signal *find(struct sunpath_loop *loop, int number) {
    struct sp_list *list = &loop->signals.list;

    for (struct sp_list *node = list->next; node != list; node = node->next) {
        struct sunpath_signal *signal = sp_container_of(node, struct sunpath_signal, node);

        if (signal->number == number) {
            return signal;
        }
    }
    return NULL;
}

/* One signal a turn: the descriptor stays readable while there are more. */
static void on_signal_fd(struct sp_watch *watch, unsigned events) {
    struct sunpath_loop *loop = sp_container_of(watch, struct sunpath_loop, signals.watch);
    struct signalfd_siginfo info;
    struct sunpath_signal *signal;

    (void)events;
    if (read(watch->fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return;
    }
    signal = find(loop, (int)info.ssi_signo);
    if (signal) {
        signal->on_signal(signal, signal->number, signal->user);
    }
}

/* Makes the descriptor deliver `mask`; the first time it is made and watched. */
static int deliver(struct sunpath_loop *loop, const sigset_t *mask) {
    struct sp_signals *signals = &loop->signals;
    _cleanup_(sp_closep) int fd = -1;
    int r;

    if (signals->fd >= 0) {
        return signalfd(signals->fd, mask, 0) < 0 ? -errno : 0;
    }

    fd = signalfd(-1, mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }

    r = sp_watch_open(&signals->watch, loop, fd, SUNPATH_READABLE, on_signal_fd);
    if (r < 0) {
        return r;
    }

    signals->fd = sp_take_fd(&fd);
    return 0;
}

/* Adds `number` to what the loop delivers and blocks it in this thread. */
static int block(struct sunpath_loop *loop, int number, bool *ret_was_blocked) {
    sigset_t mask = loop->signals.mask, one, before;
    int r;

    sigemptyset(&one);
    sigaddset(&one, number);
    sigaddset(&mask, number);
    r = pthread_sigmask(SIG_BLOCK, &one, &before);
    if (r > 0) {
        return -r;
    }

    r = deliver(loop, &mask);
    if (r < 0) {
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return r;
    }

    loop->signals.mask = mask;
    *ret_was_blocked = sigismember(&before, number) == 1;
    return 0;
}

int sunpath_signal_open(struct sunpath_signal **ret, struct sunpath_loop *loop, int signal_number,
                        void (*on_signal)(struct sunpath_signal *signal, int signal_number,
                                          void *user),
                        void *user) {
    _cleanup_(sp_freep) struct sunpath_signal *signal = NULL;
    sigset_t valid;
    int r;

    sigemptyset(&valid);
    if (signal_number == SIGKILL || signal_number == SIGSTOP ||
        sigaddset(&valid, signal_number) < 0) {
        return -EINVAL;
    }

    if (find(loop, signal_number)) {
        return -EBUSY;
    }

    signal = calloc(1, sizeof(*signal));
    if (!signal) {
        return -ENOMEM;
    }

    if (sp_list_is_empty(&loop->signals.list)) {
        sigemptyset(&loop->signals.mask);
    }
    r = block(loop, signal_number, &signal->was_blocked);
    if (r < 0) {
        return r;
    }

    signal->loop = loop;
    signal->number = signal_number;
    signal->on_signal = on_signal;
    signal->user = user;
    sp_list_append(&loop->signals.list, &signal->node);
    *ret = sp_take_ptr(&signal);
    return 0;
}

struct sunpath_signal *sunpath_signal_close(struct sunpath_signal *signal) {
    struct sp_signals *signals;
    sigset_t one;

    if (!signal) {
        return NULL;
    }
    signals = &signal->loop->signals;
    sp_list_remove(&signal->node);
    sigdelset(&signals->mask, signal->number);
    if (sp_list_is_empty(&signals->list)) {
        sp_watch_close(&signals->watch, signal->loop);
        signals->fd = sp_close(signals->fd);
    } else {
        signalfd(signals->fd, &signals->mask, 0); /* a smaller mask cannot fail */
    }
    if (!signal->was_blocked) {
        sigemptyset(&one);
        sigaddset(&one, signal->number);
        pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    }
    free(signal);
    return NULL;
}

static void on_end_signal(struct sunpath_signal *signal, int number, void *user) {
    int *ret = user;

    *ret = number;
    sunpath_loop_stop(signal->loop);
}

int sunpath_loop_run_until_signal(struct sunpath_loop *loop) {
    struct sunpath_signal *terminate = NULL, *interrupt = NULL;
    int number = 0;
    int r;

    r = sunpath_signal_open(&terminate, loop, SIGTERM, on_end_signal, &number);
    if (r == 0) {
        r = sunpath_signal_open(&interrupt, loop, SIGINT, on_end_signal, &number);
    }
    if (r == 0) {
        r = sunpath_loop_run(loop);
    }
    sunpath_signal_close(interrupt);
    sunpath_signal_close(terminate);
    return r < 0 ? r : number;
}
