/* SPDX-License-Identifier: MIT */
/* starters.c - many servers start at once on a stale file: exactly one may win, and it answers. */

/*
 * starters PATH N ROUNDS PAUSES: each round N processes open a listener at PATH. With PAUSES each
 * is stopped (SIGSTOP) for a while at a random moment of its start. The winner is killed (SIGKILL),
 * so that its file is the stale one of the next round.
 */

#include <sys/stat.h>

#include "race.h"

#define N_MAX 100

struct report {
    pid_t pid;
    int result; /* of sunpath_listener_open() */
    char text[480];
};

static void start(const char *path, int go_fd, int report_fd) {
    struct sunpath_listener *listener = NULL;
    struct report report = {.pid = getpid()};
    struct sunpath_error error = {0};
    char byte;

    (void)!read(go_fd, &byte, 1); /* end of file: all at once */
    report.result = sunpath_listener_open(&listener, path, NULL, &error);
    snprintf(report.text, sizeof(report.text), "%s", error.text);
    RACE_CHECK(write(report_fd, &report, sizeof(report)) == sizeof(report), "report: %m");
    if (listener) {
        race_serve(listener, -1); /* until it is killed */
    }
    _exit(0);
}

static void stop_and_continue(const pid_t *pids, int n, unsigned *seed) {
    for (int i = 0; i < 2 * n; i++) {
        pid_t pid = pids[rand_r(seed) % n]; /* may have ended, but is not waited for: still ours */

        race_dawdle(seed, 200);
        kill(pid, SIGSTOP);
        race_dawdle(seed, 1000);
        kill(pid, SIGCONT);
    }
}

/* Everybody's result is in; returns the winner. */
static pid_t read_reports(const char *path, int report_fd, int n) {
    pid_t winner = 0;

    for (int i = 0; i < n; i++) {
        struct report report;

        RACE_CHECK(read(report_fd, &report, sizeof(report)) == sizeof(report), "a starter died");
        if (report.result == 0) {
            RACE_CHECK(winner == 0, "split brain: %d and %d", (int)winner, (int)report.pid);
            winner = report.pid;
            RACE_CHECK(race_ask(path) == winner, "somebody else answers");
        } else {
            RACE_CHECK(report.result == -EADDRINUSE, "%d: %s", report.result, report.text);
        }
    }
    RACE_CHECK(winner != 0, "nobody won");
    return winner;
}

static void run_round(const char *path, int n, bool has_pauses, unsigned *seed) {
    int go[2], reports[2];
    pid_t pids[N_MAX], winner;
    struct stat file;

    RACE_CHECK(pipe(go) == 0 && pipe(reports) == 0, "pipe: %m");
    for (int i = 0; i < n; i++) {
        pids[i] = fork();
        RACE_CHECK(pids[i] >= 0, "fork: %m");
        if (pids[i] == 0) {
            close(go[1]);
            close(reports[0]);
            start(path, go[0], reports[1]);
        }
    }
    close(go[0]);
    close(go[1]);
    close(reports[1]);
    if (has_pauses) {
        stop_and_continue(pids, n, seed);
    }
    winner = read_reports(path, reports[0], n);
    RACE_CHECK(race_ask(path) == winner, "the winner does not answer");
    kill(winner, SIGKILL);
    for (int i = 0; i < n; i++) {
        RACE_CHECK(waitpid(pids[i], NULL, 0) == pids[i], "wait: %m");
    }
    close(reports[0]);
    RACE_CHECK(race_ask(path) == -ECONNREFUSED, "it was killed, and something answers");
    RACE_CHECK(stat(path, &file) == 0, "the file is gone: %m");
}

int main(int argc, char **argv) {
    unsigned seed = (unsigned)getpid();
    int n, rounds;

    RACE_CHECK(argc == 5, "usage: starters PATH N ROUNDS PAUSES");
    n = atoi(argv[2]);
    rounds = atoi(argv[3]);
    RACE_CHECK(n > 0 && n <= N_MAX && rounds > 0, "N or ROUNDS out of range");
    for (int i = 0; i < rounds; i++) {
        run_round(argv[1], n, atoi(argv[4]), &seed);
    }
    printf("%d rounds, %d winners\n", rounds, rounds);
    return 0;
}
