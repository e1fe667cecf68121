/* SPDX-License-Identifier: MIT */
/* server.c - a server that answers with its pid and closes its listener on SIGTERM. */

#include <sys/signalfd.h>

#include "race.h"

int main(int argc, char **argv) {
    struct sunpath_listener *listener = NULL;
    struct sunpath_error error = {0};
    sigset_t signals;
    int stop_fd;

    RACE_CHECK(argc == 2, "usage: server ADDRESS");
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    stop_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    RACE_CHECK(stop_fd >= 0, "signalfd: %m");
    RACE_CHECK(sunpath_listener_open(&listener, argv[1], NULL, &error) == 0, "%s", error.text);
    printf("ready\n");
    fflush(stdout);
    race_serve(listener, stop_fd);
    sunpath_listener_close(listener);
    close(stop_fd);
    return 0;
}
