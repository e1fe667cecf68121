/* SPDX-License-Identifier: MIT */
/* http-headers.c - the headers of `sunpath http`, from many options. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "http-job.h"
#include "output.h"

int http_add_header(struct http_job *job, const char *name, const char *value) {
    const char **headers = reallocarray(job->headers, job->n_headers + 3, sizeof(*headers));

    if (!headers) {
        return http_out_of_memory();
    }
    job->headers = headers;
    headers[job->n_headers++] = name;
    headers[job->n_headers++] = value;
    headers[job->n_headers] = NULL;
    return CLI_OK;
}

bool http_has_header(const struct http_job *job, const char *name) {
    for (size_t i = 0; i < job->n_headers; i += 2) {
        if (strcasecmp(job->headers[i], name) == 0) {
            return true;
        }
    }
    return false;
}

int http_add_default_header(struct http_job *job, const char *name, const char *value) {
    return http_has_header(job, name) ? CLI_OK : http_add_header(job, name, value);
}

int http_set_header(struct http_job *job, enum http_set_header header, const char *format, ...) {
    char *text = NULL;
    va_list values;
    int n;

    va_start(values, format);
    n = vasprintf(&text, format, values);
    va_end(values);
    if (n < 0) {
        return http_out_of_memory();
    }
    free(job->set[header]);
    job->set[header] = text;
    return CLI_OK;
}

int http_add_set_headers(struct http_job *job) {
    static const char *const names[N_HTTP_SET_HEADERS] = {
        [HTTP_USER_AGENT] = "User-Agent",
        [HTTP_AUTHORIZATION] = "Authorization",
        [HTTP_RANGE] = "Range",
        [HTTP_COOKIE] = "Cookie",
    };
    int r = CLI_OK;

    for (int i = 0; i < N_HTTP_SET_HEADERS && r == CLI_OK; i++) {
        r = job->set[i] ? http_add_default_header(job, names[i], job->set[i]) : CLI_OK;
    }
    return r;
}

int http_add_header_line(struct http_job *job, char *text) {
    char *colon = strchr(text, ':');
    char *value;
    size_t n;

    if (!colon) {
        return cli_usage("http", "--header %s: a header is NAME: VALUE",
                         cli_show(&(struct cli_shown){0}, text));
    }
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    for (n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--) {
        value[n - 1] = '\0';
    }
    return http_add_header(job, text, value);
}

static char *encode_base64(const char *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = (const unsigned char *)text;
    size_t size = strlen(text);
    char *out = malloc((size + 2) / 3 * 4 + 1), *at = out;

    if (!out) {
        return NULL;
    }
    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i;
        unsigned bits = (unsigned)from[i] << 16 | (n > 1 ? (unsigned)from[i + 1] << 8 : 0) |
                        (n > 2 ? from[i + 2] : 0U);

        *at++ = digits[bits >> 18];
        *at++ = digits[bits >> 12 & 63];
        *at++ = n > 1 ? digits[bits >> 6 & 63] : '=';
        *at++ = n > 2 ? digits[bits & 63] : '=';
    }
    *at = '\0';
    return out;
}

int http_set_credentials(struct http_job *job, const char *user) {
    char *encoded;
    int r;

    if (!strchr(user, ':')) {
        return cli_usage("http", "--user: USER:PASSWORD, please; the password may be empty");
    }
    encoded = encode_base64(user);
    if (!encoded) {
        return http_out_of_memory();
    }
    r = http_set_header(job, HTTP_AUTHORIZATION, "Basic %s", encoded);
    free(encoded);
    return r;
}
