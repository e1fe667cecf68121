/* SPDX-License-Identifier: MIT */
/* http1-write.c - the lines of a message, written into memory the caller has. */

#include <string.h>

#include "base/cleanup.h"
#include "base/put.h"
#include "wire/http-date.h"
#include "wire/http1-parts.h"
#include "wire/http1-scan.h"

bool sp_http_is_token(const char *text, size_t size) {
    return size > 0 && sp_scan_token(text, text + size) == text + size;
}

bool sp_http_is_value(const char *text, size_t size) {
    const char *end = text + size;

    if (size > 0 && (*text == ' ' || *text == '\t' || end[-1] == ' ' || end[-1] == '\t')) {
        return false;
    }
    return sp_is_all_value(text, size);
}

bool sp_http_is_target(const char *text, size_t size) {
    return sp_scan_target(text, text + size) == text + size &&
           sp_http_target_form(text, size) != SP_HTTP_TARGET_BAD;
}

/* ---- status ---------------------------------------------------------------------------------- */

/* The IANA registry of HTTP status codes. */
static const char *const reasons_1xx[] = {"Continue", "Switching Protocols", "Processing",
                                          "Early Hints"};
static const char *const reasons_2xx[] = {"OK",
                                          "Created",
                                          "Accepted",
                                          "Non-Authoritative Information",
                                          "No Content",
                                          "Reset Content",
                                          "Partial Content",
                                          "Multi-Status",
                                          "Already Reported",
                                          [26] = "IM Used"};
static const char *const reasons_3xx[] = {"Multiple Choices",
                                          "Moved Permanently",
                                          "Found",
                                          "See Other",
                                          "Not Modified",
                                          "Use Proxy",
                                          [7] = "Temporary Redirect",
                                          [8] = "Permanent Redirect"};
static const char *const reasons_4xx[] = {"Bad Request",
                                          "Unauthorized",
                                          "Payment Required",
                                          "Forbidden",
                                          "Not Found",
                                          "Method Not Allowed",
                                          "Not Acceptable",
                                          "Proxy Authentication Required",
                                          "Request Timeout",
                                          "Conflict",
                                          "Gone",
                                          "Length Required",
                                          "Precondition Failed",
                                          "Content Too Large",
                                          "URI Too Long",
                                          "Unsupported Media Type",
                                          "Range Not Satisfiable",
                                          "Expectation Failed",
                                          [21] = "Misdirected Request",
                                          [22] = "Unprocessable Content",
                                          [23] = "Locked",
                                          [24] = "Failed Dependency",
                                          [25] = "Too Early",
                                          [26] = "Upgrade Required",
                                          [28] = "Precondition Required",
                                          [29] = "Too Many Requests",
                                          [31] = "Request Header Fields Too Large",
                                          [51] = "Unavailable For Legal Reasons"};
static const char *const reasons_5xx[] = {"Internal Server Error",
                                          "Not Implemented",
                                          "Bad Gateway",
                                          "Service Unavailable",
                                          "Gateway Timeout",
                                          "HTTP Version Not Supported",
                                          "Variant Also Negotiates",
                                          "Insufficient Storage",
                                          "Loop Detected",
                                          [11] = "Network Authentication Required"};

#define CLASS(of) \
    { of, SP_ARRAY_SIZE(of) }

const char *sp_http_reason(int status) {
    static const struct {
        const char *const *reasons;
        size_t n;
    } classes[] = {CLASS(reasons_1xx), CLASS(reasons_2xx), CLASS(reasons_3xx), CLASS(reasons_4xx),
                   CLASS(reasons_5xx)};
    const char *reason = NULL;

    if (status >= 100 && status < 600) {
        size_t class = (size_t)status / 100 - 1, index = (size_t)status % 100;

        reason = index < classes[class].n ? classes[class].reasons[index] : NULL;
    }
    return reason ? reason : "";
}

/* ---- lines ----------------------------------------------------------------------------------- */

char *sp_http_put_status(char *at, int status) {
    const char *reason = sp_http_reason(status);

    at = sp_put(at, "HTTP/1.1 ", 9);
    at = sp_put_digits(at, (unsigned)status, 3);
    *at++ = ' ';
    at = sp_put(at, reason, strlen(reason));
    return sp_put(at, "\r\n", 2);
}

char *sp_http_put_field(char *at, const char *name, size_t n_name, const char *value,
                        size_t n_value) {
    at = sp_put(at, name, n_name);
    at = sp_put(at, ": ", 2);
    at = sp_put(at, value, n_value);
    return sp_put(at, "\r\n", 2);
}

char *sp_http_put_length(char *at, uint64_t length) {
    char *end = sp_put(at, "Content-Length: ", 16) + 1, *digit;

    for (uint64_t limit = 10; length >= limit; limit *= 10) {
        end++;
        if (limit > UINT64_MAX / 10) {
            break;
        }
    }
    for (digit = end - 1; length >= 10; length /= 10) {
        *digit-- = (char)('0' + length % 10);
    }
    *digit = (char)('0' + length);
    return sp_put(end, "\r\n", 2);
}

char *sp_http_put_chunk_head(char *at, uint64_t size) {
    static const char hex[] = "0123456789abcdef";
    int shift = 60;

    while (shift > 0 && size >> shift == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        *at++ = hex[size >> shift & 15];
    }
    return sp_put(at, "\r\n", 2);
}

/* ---- dates ----------------------------------------------------------------------------------- */

char *sp_http_put_date(char *at, int64_t unix_seconds) {
    at = sp_put(at, "Date: ", 6);
    at = sp_http_write_date(at, unix_seconds);
    return sp_put(at, "\r\n", 2);
}
