/* SPDX-License-Identifier: MIT */
/* http-accept.c - what a client would like best of what a handler has to offer. */

#include "serve/http-server.h"

#include <stdarg.h>
#include <string.h>

#include "wire/negotiate.h"

#define MAX_OFFERS 32

struct sp_slice sp_http_exchange_join(struct sunpath_http_exchange *exchange, const char *wanted) {
    struct sp_slice joined = {0};
    const char *name, *value;
    size_t size = 0, n = 0;

    for (size_t i = 0; sunpath_http_header_at(exchange, i, &name, &value); i++) {
        if (strcasecmp(name, wanted) == 0) {
            joined = (struct sp_slice){value, strlen(value)};
            size += joined.size + 1;
            n++;
        }
    }
    if (n > 1) {
        char *room = sp_arena_alloc(&exchange->arena, size), *at = room;

        for (size_t i = 0; room && sunpath_http_header_at(exchange, i, &name, &value); i++) {
            if (strcasecmp(name, wanted) == 0) {
                at = stpcpy(at, value);
                *at++ = ',';
            }
        }
        joined = (struct sp_slice){room, room ? size - 1 : 0};
    }
    return joined;
}

/* The offers after the first, NULL at the end. Returns how many there are. */
static size_t collect(const char **offers, const char *first, va_list rest) {
    size_t n = 0;

    for (const char *each = first; each && n < MAX_OFFERS; each = va_arg(rest, const char *)) {
        offers[n++] = each;
    }
    return n;
}

const char *sunpath_http_accepts(struct sunpath_http_exchange *exchange, const char *type, ...) {
    const char *offers[MAX_OFFERS];
    va_list rest;
    size_t n;
    int i;

    va_start(rest, type);
    n = collect(offers, type, rest);
    va_end(rest);
    i = n > 0 ? sp_accept_choose_type(sp_http_exchange_join(exchange, "Accept"), offers, n) : -1;
    return i < 0 ? NULL : offers[i];
}

const char *sunpath_http_accepts_language(struct sunpath_http_exchange *exchange,
                                          const char *language, ...) {
    const char *offers[MAX_OFFERS];
    va_list rest;
    size_t n;
    int i;

    va_start(rest, language);
    n = collect(offers, language, rest);
    va_end(rest);
    i = n > 0 ? sp_accept_choose_language(sp_http_exchange_join(exchange, "Accept-Language"),
                                          offers, n)
              : -1;
    return i < 0 ? NULL : offers[i];
}
