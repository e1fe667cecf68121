/* SPDX-License-Identifier: MIT */
/* http-fields.c - the headers and trailers that a handler gives its response. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/http-server.h"

/* They lie in exchange->fields as they go out: "Name: value" and CRLF, one after the other. */

static bool is_ours(const char *name) {
    static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Connection", "Date",
                                       "Server"};

    for (size_t i = 0; i < SP_ARRAY_SIZE(ours); i++) {
        if (strcasecmp(name, ours[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The first line of that name, or NULL; *ret_n_line is its length with CRLF. */
static char *find_line(const struct sp_buffer *fields, const char *name, size_t *ret_n_line) {
    char *at = sp_buffer_bytes(fields);
    char *end = sp_buffer_bytes(fields) + sp_buffer_size(fields);
    size_t n_name = strlen(name);

    while (at < end) {
        char *line_end = memchr(at, '\n', (size_t)(end - at)); /* values hold none */

        *ret_n_line = (size_t)(line_end + 1 - at);
        if (*ret_n_line > n_name && at[n_name] == ':' && strncasecmp(at, name, n_name) == 0) {
            return at;
        }
        at = line_end + 1;
    }
    return NULL;
}

const char *sp_http_exchange_find_field(const struct sunpath_http_exchange *exchange,
                                        const char *name, size_t *ret_size) {
    size_t n_line, skip = strlen(name) + 2;
    const char *line = NULL;

    if (sp_buffer_size(&exchange->fields) > 0) {
        line = find_line(&exchange->fields, name, &n_line);
    }
    if (!line) {
        return NULL;
    }
    *ret_size = n_line - skip - 2;
    return line + skip;
}

static void remove_lines(struct sp_buffer *fields, const char *name) {
    size_t n_line;
    char *line;

    while (sp_buffer_size(fields) > 0 && (line = find_line(fields, name, &n_line))) {
        char *end = sp_buffer_bytes(fields) + sp_buffer_size(fields);

        memmove(line, line + n_line, (size_t)(end - line) - n_line);
        fields->end -= n_line;
    }
}

void sp_http_exchange_drop_field(struct sunpath_http_exchange *exchange, const char *name) {
    remove_lines(&exchange->fields, name);
}

static int append_line(struct sunpath_http_exchange *exchange, const char *name, size_t n_name,
                       const char *value, size_t n_value) {
    char *at;
    int r;

    r = sp_buffer_reserve(&exchange->fields, &at, n_name + n_value + 4,
                          exchange->connection->server->options.max_output);
    if (r < 0) {
        return r;
    }
    sp_http_put_field(at, name, n_name, value, n_value);
    sp_buffer_commit(&exchange->fields, n_name + n_value + 4);
    return 0;
}

/* 1: there is nothing to do, and nothing the handler could mend. */
static int may_have_fields(const struct sunpath_http_exchange *exchange) {
    if (exchange->is_ended) {
        return -EALREADY;
    }
    if (exchange->is_started && !exchange->is_chunked) {
        return exchange->left < 0 ? 1 : -EINVAL; /* HTTP/1.0 knows no trailers */
    }
    return 0;
}

bool sp_http_may_add_field(const char *name, const char *value) {
    return name && sp_http_is_token(name, strlen(name)) && !is_ours(name) &&
           (!value || sp_http_is_value(value, strlen(value)));
}

int sunpath_http_add_header(struct sunpath_http_exchange *exchange, const char *name,
                            const char *value) {
    int r;

    if (!value || !sp_http_may_add_field(name, value)) {
        return -EINVAL;
    }
    r = may_have_fields(exchange);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    return append_line(exchange, name, strlen(name), value, strlen(value));
}

int sunpath_http_set_header(struct sunpath_http_exchange *exchange, const char *name,
                            const char *value) {
    int r;

    if (!sp_http_may_add_field(name, value)) {
        return -EINVAL;
    }
    r = may_have_fields(exchange);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    remove_lines(&exchange->fields, name);
    return value ? append_line(exchange, name, strlen(name), value, strlen(value)) : 0;
}
