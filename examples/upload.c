/* SPDX-License-Identifier: MIT */
/* upload.c - takes files of any size and keeps them in a directory: upload SOCKET DIRECTORY */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>
#include <unistd.h>

static const char page[] =
    "<!doctype html><title>Upload</title><form method=post enctype=multipart/form-data>"
    "<input type=file name=f multiple> <input name=note placeholder=note> <button>Send</button>"
    "</form>\n";

/* The form is complete, its files are written: they get their names. */
static void on_form(struct sunpath_http_exchange *exchange, struct sunpath_form *form, void *user) {
    struct sunpath_form_part part;
    char text[4096] = "";
    size_t used = 0;

    (void)user;
    for (size_t i = 0; sunpath_form_at(form, i, &part) && used < sizeof(text); i++) {
        const char *name;

        if (!part.filename) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s: %llu bytes\n",
                                     part.name, (unsigned long long)part.size);
        } else if (sunpath_form_save(form, i, NULL, 0644, &name) == 0) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "saved %s: %llu bytes\n",
                                     name, (unsigned long long)part.size);
        } else {
            sunpath_http_fail(exchange, 500, "a file could not be saved");
            return;
        }
    }
    sunpath_http_respond(exchange, 200, "text/plain", text, strlen(text));
}

static void on_head(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_form_options options = SUNPATH_OPTIONS(struct sunpath_form_options);
    const int *directory = (const int *)user;
    struct sunpath_error error;

    options.max_size = 4ULL << 30;
    if (strcmp(sunpath_http_method(exchange), "POST") == 0 &&
        sunpath_form_receive(exchange, *directory, &options, on_form, NULL, &error) < 0) {
        sunpath_http_fail_error(exchange, &error);
    }
}

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    (void)user;
    sunpath_http_respond(exchange, 200, "text/html", page, sizeof(page) - 1);
}

int main(int argc, char **argv) {
    static const struct sunpath_http_handler handler = {.on_head = on_head,
                                                        .on_request = on_request};
    const char *address = argc > 1 ? argv[1] : "/tmp/upload.sock";
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_http_server *server = NULL;
    struct sunpath_loop *loop = NULL;
    int directory;

    directory = open(argc > 2 ? argv[2] : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        perror(argc > 2 ? argv[2] : ".");
        return 1;
    }
    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_http_server_new(&server, loop, &handler, &directory, NULL) < 0 ||
        sunpath_http_server_listen(server, address, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_http_server_free(server);
    sunpath_loop_close(loop);
    close(directory);
    return 0;
}
