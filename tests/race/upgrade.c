/* SPDX-License-Identifier: MIT */
/* upgrade.c - a server is replaced again and again under load: no request may fail. */

/*
 * upgrade PATH N: each server forks its successor, hands its listener over, answers whom it has
 * accepted and ends. Three clients ask all the time.
 */

#include <sys/prctl.h>

#include "race.h"

#define N_CLIENTS 3
#define PLENTY_MS 60000

struct count {
    long n_ok, n_failed;
    int first_error;
};

static void ask_until(const char *path, int stop_fd, int report_fd) {
    struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
    struct count count = {0};

    while (poll(&stop, 1, 0) == 0) {
        int r = race_ask(path);

        if (r > 0) {
            count.n_ok++;
        } else if (count.n_failed++ == 0) {
            count.first_error = r;
        }
    }
    RACE_CHECK(write(report_fd, &count, sizeof(count)) == sizeof(count), "report: %m");
    _exit(0);
}

/* In the successor: what came by fork() is let go of, what comes by hand-over is kept. */
static struct sunpath_listener *succeed(struct sunpath_listener *inherited, int fd) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};

    sunpath_listener_close(inherited);
    RACE_CHECK(sunpath_listener_take_over(&listener, fd, PLENTY_MS, NULL, &error) == 0, "%s",
               error.text);
    return listener;
}

/* Returns in the last of the servers. */
static struct sunpath_listener *replace_often(struct sunpath_listener *listener, int n) {
    for (int i = 0; i < n; i++) {
        struct sunpath_error error = {0};
        int pair[2];
        pid_t pid;

        race_answer(listener);
        RACE_CHECK(sunpath_socketpair(pair, SUNPATH_STREAM) == 0, "socketpair");
        pid = fork();
        RACE_CHECK(pid >= 0, "fork: %m");
        if (pid != 0) {
            close(pair[1]);
            RACE_CHECK(sunpath_listener_hand_over(listener, pair[0], PLENTY_MS, &error) == 0, "%s",
                       error.text);
            race_answer(listener);
            sunpath_listener_close(listener);
            _exit(0);
        }
        close(pair[0]);
        listener = succeed(listener, pair[1]);
        close(pair[1]);
    }
    return listener;
}

static void serve_all(const char *path, int n, int ready_fd, int stop_fd) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};

    RACE_CHECK(sunpath_listener_open(&listener, path, NULL, &error) == 0, "%s", error.text);
    RACE_CHECK(write(ready_fd, "1", 1) == 1, "report: %m");
    listener = replace_often(listener, n);
    RACE_CHECK(write(ready_fd, "2", 1) == 1, "report: %m");
    race_serve(listener, stop_fd);
    sunpath_listener_close(listener);
    _exit(0);
}

static void wait_for_all(void) {
    int status;

    while (wait(&status) > 0) {
        RACE_CHECK(status == 0, "a process ended with %x", status);
    }
}

int main(int argc, char **argv) {
    int n = argc == 3 ? atoi(argv[2]) : 0, ready[2], stop_clients[2], stop_server[2], reports[2];
    long n_ok = 0;
    char byte;

    RACE_CHECK(n > 0, "usage: upgrade PATH N");
    RACE_CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "prctl: %m");
    RACE_CHECK(pipe(ready) == 0 && pipe(stop_clients) == 0 && pipe(stop_server) == 0 &&
                   pipe(reports) == 0,
               "pipe: %m");
    if (fork() == 0) {
        close(stop_server[1]);
        close(stop_clients[1]);
        serve_all(argv[1], n, ready[1], stop_server[0]);
    }
    close(ready[1]);
    RACE_CHECK(read(ready[0], &byte, 1) == 1, "the first server did not start");
    for (int i = 0; i < N_CLIENTS; i++) {
        if (fork() == 0) {
            close(stop_server[1]);
            close(stop_clients[1]);
            ask_until(argv[1], stop_clients[0], reports[1]);
        }
    }
    RACE_CHECK(read(ready[0], &byte, 1) == 1 && byte == '2', "a replacement failed");
    close(stop_clients[1]);
    for (int i = 0; i < N_CLIENTS; i++) {
        struct count count;

        RACE_CHECK(read(reports[0], &count, sizeof(count)) == sizeof(count), "a client died");
        RACE_CHECK(count.n_failed == 0, "%ld failed, %ld ok, first: %s", count.n_failed, count.n_ok,
                   strerror(-count.first_error));
        n_ok += count.n_ok;
    }
    close(stop_server[1]);
    wait_for_all();
    RACE_CHECK(n_ok > n, "only %ld requests: no load", n_ok);
    RACE_CHECK(access(argv[1], F_OK) < 0, "the last server left its file");
    printf("%d replacements, %ld requests, 0 failed\n", n, n_ok);
    return 0;
}
