/* SPDX-License-Identifier: MIT */
/* http-attach.c - asks for an upgrade and talks over the connection: http-attach TARGET PROTOCOL
 * TEXT
 */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

struct talk {
    struct sunpath_loop *loop;
    const char *text;
    struct sunpath_stream *stream; /* ours once the server has switched */
};

static void on_data(struct sunpath_stream *stream, void *user) {
    struct talk *talk = user;
    size_t size;
    const void *input = sunpath_stream_input(stream, &size);

    fwrite(input, 1, size, stdout);
    sunpath_stream_consume(stream, size);
    sunpath_loop_stop(talk->loop);
}

static void on_close(struct sunpath_stream *stream, int error, void *user) {
    struct talk *talk = user;

    (void)stream;
    fprintf(stderr, "the server left: %s\n", strerror(-error));
    sunpath_loop_stop(talk->loop);
}

static void on_done(struct sunpath_stream *stream, const struct sunpath_http_response *response,
                    int result, const struct sunpath_error *error, void *user) {
    struct talk *talk = user;

    (void)response; /* with -EPROTO what the server answered instead */
    if (result < 0) {
        fprintf(stderr, "%s\n", error->text);
        sunpath_loop_stop(talk->loop);
        return;
    }
    talk->stream = stream;
    sunpath_stream_write(stream, talk->text, strlen(talk->text));
}

int main(int argc, char **argv) {
    static const struct sunpath_stream_events events = {.on_data = on_data, .on_close = on_close};
    struct sunpath_http_client *client = NULL;
    struct sunpath_error error = {.text = "out of memory or descriptors"};
    struct talk talk = {0};
    int status = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: http-attach TARGET PROTOCOL TEXT\n");
        return 2;
    }
    talk.text = argv[3];
    if (sunpath_loop_open(&talk.loop) < 0 ||
        sunpath_http_client_new(&client, talk.loop, argv[1], NULL, &error) < 0 ||
        sunpath_http_client_upgrade(client, "POST", NULL, argv[2], NULL, &events, on_done, &talk)) {
        fprintf(stderr, "%s\n", error.text);
    } else {
        sunpath_loop_run_until_signal(talk.loop);
        status = talk.stream == NULL;
    }
    sunpath_stream_close(talk.stream);
    sunpath_http_client_free(client);
    sunpath_loop_close(talk.loop);
    return status;
}
