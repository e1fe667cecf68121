/* SPDX-License-Identifier: MIT */
/* http-accept.c - what a client would like best of what a handler has to offer. */

#include "serve/http-server.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "wire/negotiate.h"

#define MAX_OFFERS 32

/* The values of that name one after the other, `size` bytes with a comma behind each. */
static char *copy_all(struct sunpath_http_exchange *exchange, const char *wanted, size_t size) {
    char *room = sp_arena_alloc(&exchange->arena, size), *at = room;
    const char *name, *value;

    for (size_t i = 0; room && sp_http_exchange_field_at(exchange, i, &name, &value); i++) {
        if (strcasecmp(name, wanted) == 0) {
            at = stpcpy(at, value);
            *at++ = ',';
        }
    }
    return room;
}

struct sp_slice sp_http_exchange_join(struct sunpath_http_exchange *exchange, const char *wanted,
                                      int *ret_error) {
    struct sp_slice joined = {0};
    const char *name, *value;
    size_t size = 0, n = 0;

    for (size_t i = 0; sp_http_exchange_field_at(exchange, i, &name, &value); i++) {
        if (strcasecmp(name, wanted) == 0) {
            joined = (struct sp_slice){value, strlen(value)};
            size += joined.size + 1;
            n++;
        }
    }
    if (n > 1) {
        char *room = copy_all(exchange, wanted, size);

        joined = (struct sp_slice){room, room ? size - 1 : 0};
        if (!room && ret_error) {
            *ret_error = -ENOMEM;
        }
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
    i = n > 0 ? sp_accept_choose_type(sp_http_exchange_join(exchange, "Accept", NULL), offers, n)
              : -1;
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
    i = n > 0 ? sp_accept_choose_language(sp_http_exchange_join(exchange, "Accept-Language", NULL),
                                          offers, n)
              : -1;
    return i < 0 ? NULL : offers[i];
}
