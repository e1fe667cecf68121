/* SPDX-License-Identifier: MIT */
/* http-session.c - requests on a loop that share connections and cookies: http-session ADDRESS */

#include <stdio.h>
#include <sunpath/sunpath.h>

struct session {
    struct sunpath_loop *loop;
    struct sunpath_http_client *client;
    int n_left;
};

static void on_done(const struct sunpath_http_response *response, int result,
                    const struct sunpath_error *error, void *user) {
    struct session *session = user;
    size_t size;

    if (result < 0) {
        fprintf(stderr, "%s\n", error->text);
    } else {
        const char *body = sunpath_http_response_body(response, &size);

        fwrite(body, 1, size, stdout); /* the response is gone when this returns */
    }
    if (--session->n_left == 0 ||
        sunpath_http_client_send(session->client, "GET", NULL, NULL, on_done, session) < 0) {
        sunpath_loop_stop(session->loop);
    }
}

int main(int argc, char **argv) {
    struct sunpath_http_client_options options =
        SUNPATH_OPTIONS(struct sunpath_http_client_options);
    struct sunpath_error error = {.text = "out of memory or descriptors"};
    struct sunpath_http_cookies *cookies = NULL;
    struct session session = {.n_left = 3};
    int status = 1;

    if (sunpath_loop_open(&session.loop) == 0 && sunpath_http_cookies_new(&cookies) == 0) {
        options.cookies = cookies;
        if (sunpath_http_client_new(&session.client, session.loop,
                                    argc > 1 ? argv[1] : "/tmp/visits.sock", &options,
                                    &error) == 0 &&
            sunpath_http_client_send(session.client, "GET", NULL, NULL, on_done, &session) == 0) {
            status = sunpath_loop_run_until_signal(session.loop) < 0;
        }
    }
    if (status != 0) {
        fprintf(stderr, "%s\n", error.text);
    }
    sunpath_http_client_free(session.client);
    sunpath_http_cookies_free(cookies); /* after the clients that use it */
    sunpath_loop_close(session.loop);
    return status;
}
