/* SPDX-License-Identifier: MIT */
/* http-show.h - heads and peers of `sunpath http`, for people. */

#ifndef CLI_HTTP_SHOW_H
#define CLI_HTTP_SHOW_H

#include <sunpath/http.h>

/* A head's lines on standard error, each behind `mark`, safe on a terminal. */
void http_show_lines(char mark, const char *text, size_t size);

/* Who serves `target`, on standard error. */
void http_show_peer(const char *target, const struct sunpath_peer *peer);

/* The head of the answer as text. To be freed; NULL when memory is out. */
char *http_format_head(const struct sunpath_http_response *response, size_t *ret_size);

#endif
