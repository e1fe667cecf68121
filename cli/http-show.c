/* SPDX-License-Identifier: MIT */
/* http-show.c - heads and peers of `sunpath http`, for people. */

#include "http-show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

void http_show_lines(char mark, const char *text, size_t size) {
    struct cli_shown shown;

    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        size_t n = end ? (size_t)(end - text) : size;
        size_t n_shown = n > 0 && text[n - 1] == '\r' ? n - 1 : n;

        fprintf(stderr, "%c %s\n", mark, cli_show_bytes(&shown, text, n_shown));
        n += end ? 1 : 0;
        text += n;
        size -= n;
    }
}

void http_show_peer(const char *target, const struct sunpath_peer *peer) {
    struct cli_shown shown;

    fprintf(stderr, "* connected to %s", cli_show(&shown, target));
    if (peer && peer->is_outside_pid_namespace) {
        fprintf(stderr, ", served from outside this pid namespace");
    } else if (peer) {
        fprintf(stderr, ", served by pid %d", (int)peer->pid);
    }
    if (peer && peer->is_unmapped) {
        fprintf(stderr, " of a user without a name here");
    } else if (peer) {
        fprintf(stderr, ", user %s (uid %u)", cli_user_name(peer->uid), (unsigned)peer->uid);
    }
    fputc('\n', stderr);
}

char *http_format_head(const struct sunpath_http_response *response, size_t *ret_size) {
    int version = sunpath_http_response_version(response);
    const char *name, *value;
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_size);

    if (!out) {
        return NULL;
    }
    fprintf(out, "HTTP/%d.%d %d %s\r\n", version / 10, version % 10,
            sunpath_http_response_status(response), sunpath_http_response_reason(response));
    for (size_t i = 0; sunpath_http_response_header_at(response, i, &name, &value); i++) {
        fprintf(out, "%s: %s\r\n", name, value);
    }
    fputs("\r\n", out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
