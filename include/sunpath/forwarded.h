/* SPDX-License-Identifier: MIT */
/* forwarded.h - what a trusted proxy in front says about the client: Forwarded, X-Forwarded-*. */

#ifndef SUNPATH_FORWARDED_H
#define SUNPATH_FORWARDED_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Behind a proxy every request comes from the proxy; whom it serves it says in headers, and so can
 * anybody. Over TCP servers go by the proxy's address. Over a Unix socket the kernel says who the
 * peer is, so a rule names the proxy itself: "user=www-data", "exe=/usr/sbin/nginx". The headers of
 * anybody else count for nothing.
 */
struct sunpath_forwarded;

/*
 * The headers that the proxy sets itself. Name no others: a proxy lets through what it does not
 * set, so a client could have sent it. (Caddy and Apache set the first three; nginx what its
 * proxy_set_header lines say, and $proxy_add_x_forwarded_for is right.)
 */
enum sunpath_forwarded_headers {
    SUNPATH_FORWARDED_FOR = 1 << 0,     /* X-Forwarded-For */
    SUNPATH_FORWARDED_PROTO = 1 << 1,   /* X-Forwarded-Proto */
    SUNPATH_FORWARDED_HOST = 1 << 2,    /* X-Forwarded-Host */
    SUNPATH_FORWARDED_PORT = 1 << 3,    /* X-Forwarded-Port */
    SUNPATH_FORWARDED_REAL_IP = 1 << 4, /* X-Real-IP; not with _FOR */
    SUNPATH_FORWARDED_RFC7239 = 1 << 5  /* Forwarded; with none of the others */
};

struct sunpath_forwarded_options {
    size_t size;
    const struct sunpath_access *trusted; /* who is the proxy: sunpath_access_trusts(). Borrowed */
    unsigned headers;                     /* enum sunpath_forwarded_headers; 0: _FOR and _PROTO */
    /*
     * How many proxies there are: each appends whom it sees. 0: 1, the peer alone, so the last
     * address counts. With 2 it is the one before, and so on.
     */
    unsigned n_hops;
};

/* What is known about the client. Strings belong to the exchange, until on_finish returns. */
struct sunpath_client {
    /*
     * An IP address without brackets and port, or what RFC 7239 has for others: "unknown",
     * "_name"; nginx on a Unix socket says "unix:". NULL: not known, as of a peer on our socket.
     */
    const char *address;
    const char *scheme; /* "http" or what the proxy said, in lower case */
    const char *host;   /* as in Host: with a port if there is one; NULL: there is none */
    uint16_t port;      /* the one the client connected to, when the proxy tells it; else 0 */
    bool is_forwarded;  /* a trusted proxy said something of it */
};

/* -EINVAL: options without `trusted`, or headers that do not go together. */
SUNPATH_API int sunpath_forwarded_new(struct sunpath_forwarded **ret,
                                      const struct sunpath_forwarded_options *options);
SUNPATH_API struct sunpath_forwarded *sunpath_forwarded_free(struct sunpath_forwarded *forwarded);

/*
 * Who the client is. `forwarded` NULL: nobody is trusted. Over TCP the address is the peer's unless
 * it is forwarded. -EBADMSG: the proxy sent on what is malformed, so nothing can be said (*ret is
 * as if nobody were trusted): answer 400. -ENOMEM. Asking again costs nothing.
 */
SUNPATH_API int sunpath_forwarded_read(const struct sunpath_forwarded *forwarded,
                                       struct sunpath_http_exchange *exchange,
                                       struct sunpath_client *ret);

/*
 * For sunpath_router_use(), whose `user` is the struct sunpath_forwarded: answers 400 to what is
 * malformed, so that sunpath_forwarded_read() behind it always knows.
 */
SUNPATH_API void sunpath_forwarded_middleware(struct sunpath_http_exchange *exchange, void *user);

#ifdef __cplusplus
}
#endif

#endif
