/* SPDX-License-Identifier: MIT */
/* uri.h - the parts of a request target, and percent-encoding (RFC 3986): pure functions. */

#ifndef SP_WIRE_URI_H
#define SP_WIRE_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A piece of somebody else's bytes. `data` is NULL for a part that is not there. */
struct sp_slice {
    const char *data;
    size_t size;
};

struct sp_uri_parts {
    struct sp_slice authority; /* of the absolute form; without userinfo */
    struct sp_slice path;      /* "/" when an absolute form has none; NULL for "*" and host:port */
    struct sp_slice query;     /* behind the "?" */
};

/* Splits a request target that the parser has let through. Nothing is decoded. */
void sp_uri_split(struct sp_uri_parts *ret, const char *target, size_t size);

enum sp_uri_decoding {
    SP_URI_STRICT = 0,    /* a malformed escape and an encoded NUL are errors */
    SP_URI_LENIENT = 1,   /* they stay as they are, as in the URL standard's query parser */
    SP_URI_PLUS_SPACE = 2 /* "+" is a space, as in application/x-www-form-urlencoded */
};

/*
 * Undoes percent-encoding into `out`, which has room for size + 1 bytes and may be `text` itself,
 * and puts a NUL behind. Returns the length, or -EINVAL. `flags`: enum sp_uri_decoding.
 */
ssize_t sp_uri_decode(char *out, const char *text, size_t size, int flags);

/* Is `text` the encoding of `plain`? Decodes leniently, with the other flags as given. */
bool sp_uri_is(const char *text, size_t size, const char *plain, int flags);

/* One "name=value" of a query or an urlencoded body, still encoded; a missing "=" is no value. */
struct sp_uri_pair {
    struct sp_slice name;
    struct sp_slice value; /* "" when there is no "=" */
};

/* Takes the next pair, skipping empty ones, and moves *at behind it. False at the end. */
bool sp_uri_next_pair(struct sp_uri_pair *ret, const char **at, const char *end);

/*
 * Takes the next "name=value" of a Cookie header (RFC 6265 section 4.2.1, read as 5.4 and servers
 * do: separated by ";", white space around names and values dropped, quotes kept). False at the
 * end.
 */
bool sp_cookie_next(struct sp_uri_pair *ret, const char **at, const char *end);

#endif
