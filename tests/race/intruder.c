/* SPDX-License-Identifier: MIT */
/* intruder.c - another user tries to connect all the time while a private socket is published. */

/* intruder PATH STARTS: opens and closes a listener with mode 0600; needs root to become nobody. */

#include <sys/stat.h>

#include "race.h"

#define NOBODY 65534

struct count {
    long n_tries, n_in, n_refused_by_mode;
};

static void intrude(const char *path, int stop_fd, int report_fd) {
    struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
    struct count count = {0};

    RACE_CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "setuid: %m");
    while (count.n_tries % 64 || poll(&stop, 1, 0) == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        RACE_CHECK(fd >= 0, "socket: %m");
        strcpy(address.sun_path, path);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
            count.n_in++;
        } else {
            count.n_refused_by_mode += errno == EACCES;
        }
        count.n_tries++;
        close(fd);
    }
    RACE_CHECK(write(report_fd, &count, sizeof(count)) == sizeof(count), "report: %m");
    _exit(0);
}

int main(int argc, char **argv) {
    int starts = argc == 3 ? atoi(argv[2]) : 0, stop[2], reports[2];
    struct count count;
    pid_t pid;

    RACE_CHECK(starts > 0, "usage: intruder PATH STARTS");
    umask(0);
    RACE_CHECK(pipe(stop) == 0 && pipe(reports) == 0, "pipe: %m");
    pid = fork();
    if (pid == 0) {
        close(stop[1]);
        intrude(argv[1], stop[0], reports[1]);
    }
    for (int i = 0; i < starts; i++) {
        struct sunpath_listener *listener = NULL;
        struct sunpath_error error = {0};

        RACE_CHECK(sunpath_listener_open(&listener, argv[1], NULL, &error) == 0, "%s", error.text);
        sched_yield();
        sunpath_listener_close(listener);
    }
    close(stop[1]);
    RACE_CHECK(read(reports[0], &count, sizeof(count)) == sizeof(count), "the intruder died");
    RACE_CHECK(waitpid(pid, NULL, 0) == pid, "wait: %m");
    RACE_CHECK(count.n_in == 0, "%ld of %ld came in", count.n_in, count.n_tries);
    RACE_CHECK(count.n_refused_by_mode > 0, "the intruder never met the socket");
    printf("%d starts, %ld tries, %ld kept out by the mode\n", starts, count.n_tries,
           count.n_refused_by_mode);
    return 0;
}
