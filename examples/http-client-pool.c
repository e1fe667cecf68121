/* SPDX-License-Identifier: MIT */
/* http-client-pool.c - many requests on a few connections: http-client-pool unix:/run/app.sock:/x
 * 1000
 */

#include <stdio.h>
#include <stdlib.h>
#include <sunpath/sunpath.h>

struct work {
    struct sunpath_loop *loop;
    struct sunpath_http_client *client;
    int n_left, n_waiting, n_answered, n_failed;
    size_t n_connections; /* the most there ever were */
};

static void ask(struct work *work);

static void on_done(const struct sunpath_http_response *response, int result,
                    const struct sunpath_error *error, void *user) {
    struct work *work = user;
    size_t n_connections = sunpath_http_client_n_connections(work->client);

    (void)response;
    if (n_connections > work->n_connections) {
        work->n_connections = n_connections;
    }
    if (result == 0) {
        work->n_answered++;
    } else if (work->n_failed++ == 0) {
        fprintf(stderr, "%s\n", error->text); /* the others most likely say the same */
    }
    work->n_waiting--;
    ask(work);
}

/* Keeps a few requests more than connections in the client's hands, so that none is ever idle. */
static void ask(struct work *work) {
    while (work->n_left > 0 && work->n_waiting < 16) {
        if (sunpath_http_client_send(work->client, "GET", NULL, NULL, on_done, work) < 0) {
            work->n_failed++;
        } else {
            work->n_waiting++;
        }
        work->n_left--;
    }
    if (work->n_waiting == 0) {
        sunpath_loop_stop(work->loop);
    }
}

int main(int argc, char **argv) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct work work = {.n_left = argc > 2 ? atoi(argv[2]) : 1000};

    options.max_connections = 4;
    if (sunpath_loop_open(&work.loop) < 0 ||
        sunpath_http_client_new(&work.client, work.loop, argc > 1 ? argv[1] : "/tmp/hello.sock",
                                &options, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    ask(&work);
    sunpath_loop_run_until_signal(work.loop);
    printf("%d answered, %d failed, on %zu connections\n", work.n_answered, work.n_failed,
           work.n_connections);
    sunpath_http_client_free(work.client);
    sunpath_loop_close(work.loop);
    return work.n_failed > 0;
}
