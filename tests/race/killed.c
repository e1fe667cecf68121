/* SPDX-License-Identifier: MIT */
/* killed.c - a server is killed at a random moment of its life; the next one must start. */

/*
 * killed PATH ROUNDS: each round a process that opens and closes a listener at PATH again and again
 * gets SIGKILL. Whatever it left, the next open works, a second one is refused, and in the end the
 * directory of PATH holds nothing but the socket and its lock.
 */

#include <dirent.h>
#include <libgen.h>

#include "race.h"

static void live(const char *path, int report_fd) {
    for (;;) {
        struct sunpath_listener *listener = NULL;

        RACE_CHECK(sunpath_listener_open(&listener, path, NULL, NULL) == 0, "cannot start");
        (void)!write(report_fd, "x", 1); /* the first time: alive */
        race_answer(listener);
        sunpath_listener_close(listener);
    }
}

static void kill_one(const char *path, unsigned *seed) {
    int reports[2];
    char byte;
    pid_t pid;

    RACE_CHECK(pipe(reports) == 0, "pipe: %m");
    pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        close(reports[0]);
        live(path, reports[1]);
    }
    close(reports[1]);
    if (rand_r(seed) % 2) { /* else while it starts for the first time */
        RACE_CHECK(read(reports[0], &byte, 1) == 1, "it could not start");
    }
    close(reports[0]);
    race_dawdle(seed, 3000);
    kill(pid, SIGKILL);
    RACE_CHECK(waitpid(pid, NULL, 0) == pid, "wait: %m");
}

static int n_names(const char *path) {
    char copy[200];
    DIR *dir;
    int n = -2; /* . and .. */

    snprintf(copy, sizeof(copy), "%s", path);
    dir = opendir(dirname(copy));
    RACE_CHECK(dir != NULL, "opendir: %m");
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

/* Asked from another process, because this one serves. */
static void check_answers(struct sunpath_listener *listener, const char *path) {
    pid_t server = getpid(), client = fork();
    struct pollfd watched = {.fd = sunpath_listener_fd(listener), .events = POLLIN};
    int status;

    if (client == 0) {
        _exit(race_ask(path) == server ? 0 : 1);
    }
    RACE_CHECK(poll(&watched, 1, -1) == 1 && race_answer(listener) == 1, "nobody came");
    RACE_CHECK(waitpid(client, &status, 0) == client && status == 0, "the client was not answered");
}

int main(int argc, char **argv) {
    unsigned seed = (unsigned)getpid();
    int rounds = argc == 3 ? atoi(argv[2]) : 0, n_dead = 0;

    RACE_CHECK(rounds > 0, "usage: killed PATH ROUNDS");
    for (int i = 0; i < rounds; i++) {
        struct sunpath_listener *listener = NULL, *second = NULL;
        struct sunpath_error error = {0};

        kill_one(argv[1], &seed);
        n_dead += access(argv[1], F_OK) == 0;
        RACE_CHECK(sunpath_listener_open(&listener, argv[1], NULL, &error) == 0, "%s", error.text);
        RACE_CHECK(sunpath_listener_open(&second, argv[1], NULL, &error) == -EADDRINUSE, "stolen");
        if (i % 10 == 0) {
            check_answers(listener, argv[1]);
        }
        RACE_CHECK(n_names(argv[1]) == 2, "litter");
        sunpath_listener_close(listener);
        RACE_CHECK(n_names(argv[1]) == 1, "litter");
    }
    printf("%d killed, %d left their file\n", rounds, n_dead);
    return 0;
}
