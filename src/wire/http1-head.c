/* SPDX-License-Identifier: MIT */
/* http1-head.c - request and response heads: start lines, limits, and heads that come in pieces. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "wire/http1-parts.h"
#include "wire/http1-scan.h"

typedef int start_line_fn(struct sp_http_head *head, struct sp_http_cursor *cursor);

/* ---- start lines ----------------------------------------------------------------------------- */

/* What stands at the cursor is not "HTTP/1.1" or "HTTP/1.0": may it become that, or why not? */
static int no_version(struct sp_http_head *head, const struct sp_http_cursor *cursor) {
    static const char pattern[] = "HTTP/0.0";
    size_t n_left = (size_t)(cursor->end - cursor->at);

    for (size_t i = 0; i < n_left && i < 8; i++) {
        char byte = cursor->at[i];

        if (pattern[i] == '0' ? !sp_char_is(byte, SP_CHAR_DIGIT) : byte != pattern[i]) {
            return sp_http_refuse(head, 400, "a start line that does not name HTTP");
        }
    }
    return n_left < 8 ? 0 : sp_http_refuse(head, 505, "a version of HTTP other than 1.0 and 1.1");
}

/* Reads "HTTP/1.x" (RFC 9112 2.3). */
static inline int read_version(struct sp_http_head *head, struct sp_http_cursor *cursor) {
    const char *at = cursor->at;

    if (sp_unlikely(cursor->end - at < 8 ||
                    (memcmp(at, "HTTP/1.1", 8) != 0 && memcmp(at, "HTTP/1.0", 8) != 0))) {
        return no_version(head, cursor);
    }
    head->version = 10 + (at[7] - '0');
    cursor->at += 8;
    return 1;
}

/* A target that does not begin with a slash, or that of a method which has one of its own. */
static int check_target(struct sp_http_head *head, const char *data) {
    const char *method = data + head->method.at;
    const char *target = data + head->target.at;
    bool is_connect = head->method.size == 7 && memcmp(method, "CONNECT", 7) == 0;
    bool is_options = head->method.size == 7 && memcmp(method, "OPTIONS", 7) == 0;

    if (*target == '/' && !is_connect) {
        return 1;
    }
    switch (sp_http_target_form(target, head->target.size)) {
    case SP_HTTP_ABSOLUTE_FORM:
        return is_connect ? sp_http_refuse(head, 400, "a CONNECT target that is not host:port") : 1;
    case SP_HTTP_AUTHORITY_FORM:
        return is_connect ? 1 : sp_http_refuse(head, 400, "a host:port target without CONNECT");
    case SP_HTTP_ASTERISK_FORM:
        return is_options ? 1 : sp_http_refuse(head, 400, "the target \"*\" without OPTIONS");
    default:
        return sp_http_refuse(head, 400, "a malformed request target");
    }
}

/* Nearly all requests are GETs. */
static inline const char *scan_method(const char *at, const char *end) {
    return sp_likely(end - at >= 4 && memcmp(at, "GET ", 4) == 0)
               ? at + 3
               : sp_scan_class(at, end, SP_CHAR_TOKEN);
}

/* "HTTP/1.x" CRLF, nearly always the same ten bytes. */
static inline int read_version_line(struct sp_http_head *head, struct sp_http_cursor *cursor) {
    int r;

    if (sp_likely(cursor->end - cursor->at >= 10 && memcmp(cursor->at, "HTTP/1.1\r\n", 10) == 0)) {
        head->version = 11;
        cursor->at += 10;
        return 1;
    }
    r = read_version(head, cursor);
    return r > 0 ? sp_http_read_crlf(cursor, &head->why) : r;
}

/* method SP request-target SP HTTP-version CRLF (RFC 9112 3). */
static int read_request_line(struct sp_http_head *head, struct sp_http_cursor *cursor) {
    const char *method = cursor->at, *end = cursor->end;
    const char *target, *at = scan_method(method, end);
    int r;

    head->method = sp_http_span(cursor, method, at);
    if (at == end) {
        return 0;
    }
    if (*at != ' ' || at == method) {
        return sp_http_refuse(head, 400, "a malformed method");
    }
    target = at + 1;
    at = sp_scan_target(target, end);
    head->target = sp_http_span(cursor, target, at);
    if (at == end) {
        return 0;
    }
    if (*at != ' ' || at == target) {
        return sp_http_refuse(head, 400, "a malformed request target");
    }
    cursor->at = at + 1;
    r = read_version_line(head, cursor);
    return r > 0 && (*target != '/' || head->method.size == 7) ? check_target(head, cursor->data)
                                                               : r;
}

/*
 * HTTP-version SP status-code SP [ reason-phrase ] CRLF (RFC 9112 4). The second space, which many
 * servers leave out with the phrase, may be missing: nothing else can be meant.
 */
static int read_status_line(struct sp_http_head *head, struct sp_http_cursor *cursor) {
    const char *at, *behind;
    size_t n_left;
    int r;

    r = read_version(head, cursor);
    if (r <= 0) {
        return r;
    }
    at = cursor->at;
    n_left = (size_t)(cursor->end - at);
    if (n_left > 0 && at[0] != ' ') {
        return sp_http_refuse(head, 502, "no space behind the version");
    }
    for (size_t i = 1; i < n_left && i < 4; i++) {
        if (!sp_char_is(at[i], SP_CHAR_DIGIT) || at[1] == '0') {
            return sp_http_refuse(head, 502, "a malformed status code");
        }
    }
    if (n_left < 5) {
        return 0;
    }
    if (at[4] != ' ' && at[4] != '\r') {
        return sp_http_refuse(head, 502, "a malformed status code");
    }
    head->status = (at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0');
    at += at[4] == ' ' ? 5 : 4;
    behind = sp_scan_value(at, cursor->end);
    head->reason = sp_http_span(cursor, at, behind);
    cursor->at = behind;
    return sp_http_read_crlf(cursor, &head->why);
}

/* ---- heads ----------------------------------------------------------------------------------- */

/* Servers SHOULD ignore at least one empty line before the request line (RFC 9112 2.2). */
static int skip_empty_line(struct sp_http_head *head, struct sp_http_cursor *cursor) {
    return cursor->at < cursor->end && *cursor->at == '\r' ? sp_http_read_crlf(cursor, &head->why)
                                                           : 1;
}

/*
 * For a head of which the first `n_seen` bytes are known to be good as far as they go: looks at the
 * bytes that are new, and at the rest of the line they continue once it has ended, so that all
 * looks together are linear in the head. 1 when the head is complete, 0 or an error.
 */
static int look_on(struct sp_http_head *head, struct sp_http_cursor *cursor, size_t max_fields,
                   size_t n_seen, start_line_fn *read_start_line) {
    const char *data = cursor->data;
    const char *new = data + n_seen - (data[n_seen - 1] == '\r');
    const char *at = memchr(new, '\n', (size_t)(cursor->end - new));
    struct sp_http_facts facts = {0};
    int r = 1;

    if (!at) {
        cursor->at = sp_scan_value(new, cursor->end);
        return sp_http_read_crlf(cursor, &head->why);
    }
    at = memrchr(data, '\n', (size_t)(at - data));
    cursor->at = at ? at + 1 : data;
    if (cursor->at == data && read_start_line == read_request_line) {
        r = skip_empty_line(head, cursor);
    }
    if (r > 0 && (cursor->at == data || (cursor->at == data + 2 && *data == '\r'))) {
        r = read_start_line(head, cursor);
    }
    return r > 0 ? sp_http_read_fields(head, &facts, max_fields, cursor) : r;
}

/* A head that is not complete within max_head bytes: is it the start line's fault? */
static ssize_t refuse_size(struct sp_http_head *head, const char *data, size_t size) {
    size_t n_empty_line = size >= 2 && data[0] == '\r' ? 2 : 0;

    if (memchr(data + n_empty_line, '\n', size - n_empty_line)) {
        head->error_status = 431;
        head->why = "a head that is too large";
    } else {
        head->error_status = 414;
        head->why = "a request line that is too long";
    }
    return -EMSGSIZE;
}

static ssize_t parse(struct sp_http_head *head, struct sp_http_facts *facts,
                     const struct sp_http_limits *limits, const char *data, size_t size,
                     size_t n_seen, start_line_fn *read_start_line) {
    size_t n = size < limits->max_head ? size : limits->max_head;
    struct sp_http_cursor cursor = {data, data, data + n};
    int r = n_seen < n; /* else there is nothing new */

    *head = (struct sp_http_head){.fields = head->fields};
    if (n_seen > 0 && r > 0) {
        r = look_on(head, &cursor, limits->max_fields, n_seen, read_start_line);
        cursor.at = data;
        head->n_fields = 0;
    }
    if (r > 0 && read_start_line == read_request_line) {
        r = skip_empty_line(head, &cursor);
    }
    if (r > 0) {
        r = read_start_line(head, &cursor);
    }
    if (r > 0) {
        r = sp_http_read_fields(head, facts, limits->max_fields, &cursor);
    }
    if (r == 0 && n == limits->max_head) {
        return refuse_size(head, data, n);
    }
    if (r < 0 && head->error_status == 0) {
        head->error_status = r == -EMSGSIZE ? 431 : 400;
    }
    return r > 0 ? cursor.at - data : r;
}

ssize_t sp_http_parse_request(struct sp_http_head *head, const struct sp_http_limits *limits,
                              const char *data, size_t size, size_t n_seen) {
    struct sp_http_facts facts = {0};
    ssize_t n;
    int r;

    n = parse(head, &facts, limits, data, size, n_seen, read_request_line);
    if (n <= 0) {
        return n;
    }
    r = sp_http_settle_request(head, &facts, data);
    return r < 0 ? r : n;
}

ssize_t sp_http_parse_response(struct sp_http_head *head, const struct sp_http_limits *limits,
                               const char *data, size_t size, size_t n_seen, const char *method) {
    struct sp_http_facts facts = {0};
    ssize_t n;
    int r = 0;

    n = parse(head, &facts, limits, data, size, n_seen, read_status_line);
    if (n > 0) {
        r = sp_http_settle_response(head, &facts, method);
    }
    if (n < 0 || r < 0) {
        head->error_status = 502;
        return n < 0 ? n : r;
    }
    return n;
}
