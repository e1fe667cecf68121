/* SPDX-License-Identifier: MIT */
/* http-post-form.c - sends a form with a file as `curl -F` does: http-post-form TARGET FILE [NOTE]
 */

#include <stdio.h>
#include <string.h>
#include <sunpath/sunpath.h>

int main(int argc, char **argv) {
    struct sunpath_http_request_options options =
        SUNPATH_OPTIONS(struct sunpath_http_request_options);
    struct sunpath_error error = {.text = "out of memory"};
    struct sunpath_http_response *response = NULL;
    struct sunpath_http_form *form = NULL;
    int status = 1, r;
    size_t size;

    if (argc < 3) {
        fprintf(stderr, "usage: http-post-form TARGET FILE [NOTE]\n");
        return 2;
    }
    if (sunpath_http_form_new(&form) < 0 ||
        sunpath_http_form_add_field(form, "note", argc > 3 ? argv[3] : "") < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    r = sunpath_http_form_add_file(form, "f", argv[2], NULL); /* read as the server takes it */
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", argv[2], strerror(-r));
    } else {
        options.form = form;
        r = sunpath_http_request(&response, "POST", argv[1], &options, &error);
        if (r < 0) {
            fprintf(stderr, "%s\n", error.text);
        } else {
            const char *body = sunpath_http_response_body(response, &size);

            fwrite(body, 1, size, stdout);
            status = sunpath_http_response_status(response) >= 400;
        }
    }
    sunpath_http_response_free(response);
    sunpath_http_form_free(form);
    return status;
}
