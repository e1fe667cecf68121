/* SPDX-License-Identifier: MIT */
/* workers.c - one socket, several processes: workers ADDRESS [NUMBER] */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sunpath/sunpath.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORKERS 64

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    char text[32];
    int n = snprintf(text, sizeof(text), "worker %d\n", (int)getpid());

    (void)user;
    sunpath_http_respond(exchange, 200, "text/plain", text, (size_t)n);
}

/* Loop and server are each worker's own; the listener is everyone's. */
static int work(struct sunpath_listener *listener) {
    static const struct sunpath_http_handler handler = {.on_request = on_request};
    struct sunpath_http_server *server = NULL;
    struct sunpath_loop *loop = NULL;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, NULL) < 0 ||
        sunpath_http_server_attach(server, listener) < 0) { /* owns it from here on */
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server);
    sunpath_loop_close(loop);
    return 0;
}

/* Until a signal, which is passed on. */
static void wait_for(const pid_t *workers, int n_workers, const sigset_t *signals) {
    int signal_number;

    sigwait(signals, &signal_number);
    for (int i = 0; i < n_workers; i++) {
        kill(workers[i], SIGTERM);
    }
    while (wait(NULL) > 0) {
    }
}

int main(int argc, char **argv) {
    int n_workers = argc > 2 ? atoi(argv[2]) : 2, n = 0;
    struct sunpath_listener *listener;
    struct sunpath_error error;
    pid_t workers[MAX_WORKERS];
    sigset_t signals, before;

    if (argc < 2 || n_workers < 1 || n_workers > MAX_WORKERS) {
        fprintf(stderr, "usage: workers ADDRESS [NUMBER]\n");
        return 2;
    }
    if (sunpath_listener_open(&listener, argv[1], NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, &before);
    for (; n < n_workers; n++) {
        workers[n] = fork();
        if (workers[n] == 0) {
            sigprocmask(SIG_SETMASK, &before, NULL);
            return work(listener);
        }
        if (workers[n] < 0) {
            perror("fork");
            break;
        }
    }
    wait_for(workers, n, &signals);
    sunpath_listener_close(listener); /* the process that opened it removes the file */
    return 0;
}
