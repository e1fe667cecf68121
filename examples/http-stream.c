/* SPDX-License-Identifier: MIT */
/* http-stream.c - a body of any size comes back in upper case as it arrives, in constant memory. */

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

/* Before a byte of the body is read, and before the client is told to send it. */
static void on_head(struct sunpath_http_exchange *exchange, void *user) {
    uint64_t *n_bytes;

    (void)user;
    if (strcmp(sunpath_http_method(exchange), "POST") != 0) {
        sunpath_http_add_header(exchange, "Allow", "POST");
        sunpath_http_fail(exchange, 405, "send something with POST");
        return;
    }
    n_bytes = sunpath_http_alloc(exchange, sizeof(*n_bytes));
    if (!n_bytes) {
        sunpath_http_fail(exchange, 503, NULL);
        return;
    }
    *n_bytes = 0;
    sunpath_http_set_user(exchange, n_bytes);
    sunpath_http_set_max_body(exchange, UINT64_MAX);
}

/* Begun with the first piece, so that a request that fails before gets an error as an answer. */
static int begin(struct sunpath_http_exchange *exchange) {
    if (sunpath_http_status(exchange) != 0) {
        return 0;
    }
    sunpath_http_add_header(exchange, "Content-Type", "text/plain");
    sunpath_http_add_header(exchange, "Trailer", "X-Bytes");
    return sunpath_http_start(exchange, 200, -1); /* its length is not known: chunked */
}

static void on_body(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                    void *user) {
    uint64_t *n_bytes = sunpath_http_user(exchange);
    const unsigned char *bytes = data;
    char upper[4096];

    (void)user;
    *n_bytes += size;
    if (begin(exchange) < 0) {
        return;
    }
    for (size_t done = 0, n; done < size; done += n) {
        n = size - done < sizeof(upper) ? size - done : sizeof(upper);
        for (size_t i = 0; i < n; i++) {
            upper[i] = (char)toupper(bytes[done + i]);
        }
        if (sunpath_http_write(exchange, upper, n) != 0) {
            sunpath_http_pause(exchange); /* the client reads slowly: it shall send slowly, too */
        }
    }
}

static void on_drain(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_resume(exchange);
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    const uint64_t *n_bytes = sunpath_http_user(exchange);
    char text[24];

    (void)user;
    if (begin(exchange) < 0) {
        return;
    }
    snprintf(text, sizeof(text), "%llu", (unsigned long long)*n_bytes);
    sunpath_http_add_header(exchange, "X-Bytes", text); /* after _start: a trailer */
    sunpath_http_end(exchange);
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {
        .on_head = on_head, .on_body = on_body, .on_drain = on_drain, .on_request = on_request};
    const char *address = argc > 1 ? argv[1] : "/tmp/stream.sock";
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_http_server *server = NULL;
    struct sunpath_loop *loop = NULL;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, NULL, NULL) < 0 ||
        sunpath_http_server_listen(server, address, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server);
    sunpath_loop_close(loop);
    return 0;
}
