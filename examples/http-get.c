/* SPDX-License-Identifier: MIT */
/* http-get.c - asks a server on a Unix socket: http-get unix:/run/app.sock:/status */

#include <stdio.h>
#include <sunpath/sunpath.h>

int main(int argc, char **argv) {
    struct sunpath_http_response *response;
    struct sunpath_error error;
    size_t size;

    if (sunpath_http_get(&response, argc > 1 ? argv[1] : "/tmp/hello.sock", &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    const char *body = sunpath_http_response_body(response, &size);
    fwrite(body, 1, size, stdout);
    sunpath_http_response_free(response);
    return 0;
}
