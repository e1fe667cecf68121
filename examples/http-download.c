/* SPDX-License-Identifier: MIT */
/* http-download.c - fetches to a file what may be large: http-download TARGET FILE [USER] */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

static int save(const struct sunpath_http_response *response, const void *data, size_t size,
                void *user) {
    if (sunpath_http_response_status(response) != 200) {
        return 0; /* an error's page is not what was asked for */
    }
    return fwrite(data, 1, size, user) == size ? 0 : -1; /* anything but 0 ends the request */
}

int main(int argc, char **argv) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_connect_options connect = SUNPATH_OPTIONS(struct sunpath_connect_options);
    struct sunpath_http_response *response;
    struct sunpath_error error;
    int status = 1;
    FILE *file;

    if (argc < 3) {
        fprintf(stderr, "usage: http-download TARGET FILE [USER]\n");
        return 2;
    }
    file = fopen(argv[2], "wb");
    if (!file) {
        perror(argv[2]);
        return 1;
    }
    connect.timeout_ms = 2000;
    connect.wait = true;           /* also for a server that is just being started */
    connect.expect_user = argv[3]; /* NULL: whoever it is */
    options.connect = &connect;
    options.timeout_ms = -1;       /* however long it takes, */
    options.first_byte_ms = 10000; /* if the server answers */
    options.idle_ms = 10000;       /* and goes on */
    options.max_redirects = 5;
    options.max_resumes = 10; /* goes on where it stopped when the connection breaks */
    options.on_body = save;
    options.user = file;
    if (sunpath_http_request(&response, "GET", argv[1], &options, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
    } else {
        status = sunpath_http_response_status(response) != 200;
        printf("%d %s\n", sunpath_http_response_status(response),
               sunpath_http_response_reason(response));
        sunpath_http_response_free(response);
    }
    return fclose(file) != 0 ? 1 : status;
}
