/* SPDX-License-Identifier: MIT */
/* serve-workers.c - processes that share the listeners, and a parent that keeps them running. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "serve.h"

#define LIVED_WELL_MS  10000 /* who lived so long is started again at once */
#define DELAY_FIRST_MS 100
#define DELAY_LAST_MS  10000
#define KILL_MS        1000 /* after the time for draining */

struct worker {
    pid_t pid;                  /* 0: not running */
    int64_t started_ms, due_ms; /* due: when it is started again */
    int delay_ms;               /* before the next start, should it fail again */
};

struct workers {
    struct serve *serve;
    int (*work)(struct serve *serve, int ready_fd);
    struct worker each[SERVE_MAX_WORKERS];
    int n;
    sigset_t handled, before;
    bool is_ending;
    int64_t kill_ms; /* while ending */
};

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- starting -------------------------------------------------------------------------------- */

/* The terminal's ^C goes to everyone, but the parent alone decides what it means. */
static void become_worker(struct workers *workers, int index, int ready_fd, pid_t parent) {
    struct serve *serve = workers->serve;

    signal(SIGINT, SIG_IGN);
    if (!serve_ops_has_files(&serve->ops)) {
        signal(SIGHUP, SIG_IGN);
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, &workers->before, NULL);
    if (getppid() != parent) {
        exit(CLI_FAILED);
    }
    serve->is_worker = true;
    if (serve->ops.metrics) {
        serve_metrics_set_worker(serve->ops.metrics, index);
    }
    exit(workers->work(serve, ready_fd));
}

static int start(struct workers *workers, int index, int ready_fd) {
    struct worker *worker = &workers->each[index];
    pid_t parent = getpid();

    worker->pid = fork();
    if (worker->pid == 0) {
        become_worker(workers, index, ready_fd, parent);
    }
    worker->started_ms = now_ms();
    if (worker->pid < 0) {
        int r = -errno;

        worker->pid = 0;
        worker->due_ms = worker->started_ms + DELAY_LAST_MS;
        return r;
    }
    return 0;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void signal_all(const struct workers *workers, int signal_number) {
    for (int i = 0; i < workers->n; i++) {
        if (workers->each[i].pid > 0) {
            kill(workers->each[i].pid, signal_number);
        }
    }
}

/* Ours goes first, so that nobody connects to what no worker accepts from any more. */
static void begin_to_end(struct workers *workers) {
    serve_close_listeners(workers->serve);
    workers->is_ending = true;
    workers->kill_ms = now_ms() + workers->serve->drain_ms + KILL_MS;
    signal_all(workers, SIGTERM);
}

static void tell_end(int index, pid_t pid, int status) {
    if (WIFSIGNALED(status)) {
        cli_say("worker %d (pid %d) was killed: %s", index, (int)pid, strsignal(WTERMSIG(status)));
    } else {
        cli_say("worker %d (pid %d) ended with status %d", index, (int)pid, WEXITSTATUS(status));
    }
}

/* Its place is filled again: at once if it lived well, else later and later. */
static void bury(struct workers *workers, int index, int status) {
    struct worker *worker = &workers->each[index];
    int64_t now = now_ms();

    if (workers->serve->ops.metrics) {
        serve_metrics_forget(workers->serve->ops.metrics, index);
    }
    if (!workers->is_ending) {
        tell_end(index, worker->pid, status);
    }
    if (now - worker->started_ms >= LIVED_WELL_MS) {
        worker->delay_ms = 0;
    }
    worker->due_ms = now + worker->delay_ms;
    worker->delay_ms = worker->delay_ms == 0 ? DELAY_FIRST_MS : worker->delay_ms * 2;
    worker->delay_ms = worker->delay_ms > DELAY_LAST_MS ? DELAY_LAST_MS : worker->delay_ms;
    worker->pid = 0;
}

static void reap(struct workers *workers) {
    int status;

    for (int i = 0; i < workers->n; i++) {
        pid_t pid = workers->each[i].pid;

        if (pid > 0 && waitpid(pid, &status, WNOHANG) == pid) {
            bury(workers, i, status);
        }
    }
}

/* ---- supervising ----------------------------------------------------------------------------- */

static bool is_any_alive(const struct workers *workers) {
    for (int i = 0; i < workers->n; i++) {
        if (workers->each[i].pid > 0) {
            return true;
        }
    }
    return false;
}

/* Starts who is due, and returns when the next one is; -1: nobody is waiting. */
static int64_t start_due(struct workers *workers) {
    int64_t now = now_ms(), next = -1;

    for (int i = 0; i < workers->n && !workers->is_ending; i++) {
        struct worker *worker = &workers->each[i];

        if (worker->pid == 0 && worker->due_ms <= now) {
            (void)start(workers, i, -1);
        }
        if (worker->pid == 0 && (next < 0 || worker->due_ms < next)) {
            next = worker->due_ms;
        }
    }
    return next;
}

/* The next signal, or 0 when the time has come for something else. */
static int wait_until(const struct workers *workers, int64_t due_ms) {
    int64_t left_ms = due_ms - now_ms();
    struct timespec left;
    int number;

    left_ms = left_ms < 0 ? 0 : left_ms;
    left.tv_sec = (time_t)(left_ms / 1000);
    left.tv_nsec = (long)(left_ms % 1000) * 1000000;
    number = due_ms < 0 ? sigwaitinfo(&workers->handled, NULL)
                        : sigtimedwait(&workers->handled, NULL, &left);
    return number > 0 ? number : 0;
}

static void on_signal(struct workers *workers, int number) {
    if (number == SIGCHLD) {
        reap(workers);
    } else if (number == SIGHUP && serve_ops_has_files(&workers->serve->ops)) {
        serve_ops_reload_rules(&workers->serve->ops, false); /* for workers to come, too */
        signal_all(workers, SIGHUP);
    } else if (number != 0 && !workers->is_ending) {
        begin_to_end(workers);
    } else if (number != 0) {
        signal_all(workers, SIGTERM); /* the second one: at once */
    } else if (workers->is_ending && now_ms() >= workers->kill_ms) {
        signal_all(workers, SIGKILL);
        workers->kill_ms = now_ms() + KILL_MS; /* one that the disk holds may take its time */
    }
}

static void supervise(struct workers *workers) {
    while (!workers->is_ending || is_any_alive(workers)) {
        int64_t due_ms = start_due(workers);

        on_signal(workers, wait_until(workers, workers->is_ending ? workers->kill_ms : due_ms));
    }
}

/* Says whether all are ready to serve; each writes a byte then, or ends. */
static bool are_all_ready(int fd, int n) {
    char bytes[SERVE_MAX_WORKERS];
    int n_ready = 0;
    ssize_t r;

    while ((r = read(fd, bytes, sizeof(bytes))) > 0 || (r < 0 && errno == EINTR)) {
        n_ready += r > 0 ? (int)r : 0;
    }
    return n_ready == n;
}

/* One that could not begin has said why; the others are told to go. */
static int give_up(struct workers *workers) {
    int status, result = CLI_FAILED;

    for (int i = 0; i < workers->n; i++) {
        pid_t pid = workers->each[i].pid;

        if (pid > 0) {
            kill(pid, SIGTERM);
            if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
                result = WEXITSTATUS(status);
            }
        }
    }
    return result;
}

static int start_some(struct workers *workers, int from, int to) {
    int fds[2], r = 0;
    bool are_ready;

    if (pipe(fds) < 0) {
        r = -errno;
        cli_say("workers: %s", strerror(-r));
        return cli_exit_for_code(r);
    }
    for (int i = from; i < to && r >= 0; i++) {
        r = start(workers, i, fds[1]);
    }
    close(fds[1]);
    are_ready = are_all_ready(fds[0], to - from);
    close(fds[0]);
    if (r < 0) {
        cli_say("workers: %s", strerror(-r));
    }
    return are_ready ? CLI_OK : give_up(workers);
}

/* What keeps the first from beginning would keep the others, too: it is said once. */
static int start_all(struct workers *workers) {
    int status = start_some(workers, 0, 1);

    return status == CLI_OK ? start_some(workers, 1, workers->n) : status;
}

int serve_workers(struct serve *serve, int n, int (*work)(struct serve *serve, int ready_fd)) {
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    struct workers workers = {.serve = serve, .work = work, .n = n};
    int status;

    sigemptyset(&workers.handled);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i] != SIGHUP || serve_minds_hangup(serve)) {
            sigaddset(&workers.handled, numbers[i]);
        }
    }
    sigprocmask(SIG_BLOCK, &workers.handled, &workers.before);
    status = start_all(&workers);
    if (status == CLI_OK) {
        serve_announce(serve);
        supervise(&workers);
    }
    sigprocmask(SIG_SETMASK, &workers.before, NULL);
    return status;
}
