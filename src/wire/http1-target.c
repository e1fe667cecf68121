/* SPDX-License-Identifier: MIT */
/* http1-target.c - the forms of a request target, and the Host field. */

#include <string.h>

#include "base/cleanup.h"
#include "wire/http1-parts.h"
#include "wire/http1-scan.h"

static bool is_letter(char byte) {
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

/* The end of the IPv6 address in brackets that begins at `at`, or NULL. */
static const char *read_ip_literal(const char *at, const char *end) {
    const char *from = ++at;

    while (at < end && (sp_char_is(*at, SP_CHAR_HEX) || *at == ':' || *at == '.')) {
        at++;
    }
    return at < end && *at == ']' && at > from ? at + 1 : NULL;
}

/* The end of the reg-name or IPv4address that begins at `at` and may be empty, or NULL. */
static const char *read_reg_name(const char *at, const char *end) {
    for (;;) {
        at = sp_scan_host(at, end);
        if (at == end || *at != '%') {
            return at;
        }
        if (end - at < 3 || !sp_char_is(at[1], SP_CHAR_HEX) || !sp_char_is(at[2], SP_CHAR_HEX)) {
            return NULL;
        }
        at += 3;
    }
}

/* host [ ":" port ]. Stores where the host ends and how long the port is, -1 when there is none. */
static bool split_host(const char *text, size_t size, size_t *ret_n_host, ptrdiff_t *ret_n_port) {
    const char *end = text + size;
    const char *at =
        size > 0 && *text == '[' ? read_ip_literal(text, end) : read_reg_name(text, end);

    if (!at || (at < end && *at != ':')) {
        return false;
    }
    *ret_n_host = (size_t)(at - text);
    *ret_n_port = at < end ? end - at - 1 : -1;
    return at == end || sp_scan_class(at + 1, end, SP_CHAR_DIGIT) == end;
}

bool sp_http_is_host(const char *text, size_t size) {
    ptrdiff_t n_port;
    size_t n_host;

    /* What most clients say where there is no name to say: on a Unix socket. */
    if (sp_likely(size == 9 && memcmp(text, "localhost", 9) == 0)) {
        return true;
    }
    return split_host(text, size, &n_host, &n_port);
}

/* CONNECT wants a port that exists (RFC 9110 9.3.6). */
static bool is_authority_form(const char *text, size_t size) {
    unsigned port = 0;
    ptrdiff_t n_port;
    size_t n_host;

    if (!split_host(text, size, &n_host, &n_port) || n_host == 0 || n_port < 1 || n_port > 5) {
        return false;
    }
    for (const char *at = text + n_host + 1; at < text + size; at++) {
        port = port * 10 + (unsigned)(*at - '0');
    }
    return port >= 1 && port <= 65535;
}

/*
 * scheme "://" [ userinfo "@" ] host [ ":" port ] and what follows. The host may not be empty
 * (RFC 9110 4.2.1).
 */
static bool is_absolute_form(const char *text, size_t size) {
    const char *end = text + size;
    const char *at = text, *at_sign;
    ptrdiff_t n_port;
    size_t n_host;

    if (!is_letter(*at)) {
        return false;
    }
    while (at < end && (is_letter(*at) || sp_char_is(*at, SP_CHAR_DIGIT) || *at == '+' ||
                        *at == '-' || *at == '.')) {
        at++;
    }
    if (end - at < 4 || memcmp(at, "://", 3) != 0) {
        return false;
    }
    text = at += 3;
    while (at < end && *at != '/' && *at != '?') {
        at++;
    }
    at_sign = memrchr(text, '@', (size_t)(at - text));
    text = at_sign ? at_sign + 1 : text;
    return split_host(text, (size_t)(at - text), &n_host, &n_port) && n_host > 0;
}

enum sp_http_target_form sp_http_target_form(const char *target, size_t size) {
    if (size == 0) {
        return SP_HTTP_TARGET_BAD;
    }
    if (*target == '/') {
        return SP_HTTP_ORIGIN_FORM;
    }
    if (size == 1 && *target == '*') {
        return SP_HTTP_ASTERISK_FORM;
    }
    if (is_absolute_form(target, size)) {
        return SP_HTTP_ABSOLUTE_FORM;
    }
    return is_authority_form(target, size) ? SP_HTTP_AUTHORITY_FORM : SP_HTTP_TARGET_BAD;
}
