/* SPDX-License-Identifier: MIT */
/* forwarded.c - who the client is, as far as a trusted proxy says. */

#include <sunpath/forwarded.h>
#include <sunpath/router.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "base/text.h"
#include "serve/http-server.h"
#include "wire/forwarded.h"

struct sunpath_forwarded {
    struct sunpath_forwarded_options options;
};

/* An answer that is remembered: the exchange's note for these rules. */
struct known {
    struct sunpath_client client;
    int result;
};

static const char nobody_key; /* for the answer without rules */

/* ---- headers --------------------------------------------------------------------------------- */

/* The entry that the outermost of our proxies has made: the n-th from the end, or the first. */
static size_t index_of_hop(size_t n_entries, unsigned n_hops) {
    return n_entries > n_hops ? n_entries - n_hops : 0;
}

/* That entry of a plain list; `data` NULL when there is no such header. */
static struct sp_slice entry(struct sunpath_http_exchange *exchange, const char *name,
                             unsigned n_hops, int *ret_error) {
    struct sp_slice list = sp_http_exchange_join(exchange, name, ret_error);
    const char *at = list.data, *end = at + list.size;
    struct sp_slice item = {NULL, 0};
    size_t n = 0;

    while (sp_forwarded_next_item(&item, &at, end)) {
        n++;
    }
    if (n == 0) {
        return item;
    }
    n = index_of_hop(n, n_hops);
    at = list.data;
    do {
        (void)sp_forwarded_next_item(&item, &at, end);
    } while (n-- > 0);
    return item;
}

/* ---- what they say --------------------------------------------------------------------------- */

static const char *copied(struct sunpath_http_exchange *exchange, struct sp_slice text) {
    char *copy = sunpath_http_alloc(exchange, text.size + 1);

    if (copy) {
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';
    }
    return copy;
}

static int set_address(struct sunpath_client *client, struct sunpath_http_exchange *exchange,
                       struct sp_slice text) {
    struct sp_slice address;

    if (!text.data) {
        return 0;
    }
    if (!sp_forwarded_address(&address, text)) {
        return -EBADMSG;
    }
    client->address = copied(exchange, address);
    client->is_forwarded = true;
    return client->address ? 0 : -ENOMEM;
}

static int set_scheme(struct sunpath_client *client, struct sunpath_http_exchange *exchange,
                      struct sp_slice text) {
    char *scheme;

    if (!text.data) {
        return 0;
    }
    if (!sp_forwarded_is_scheme(text)) {
        return -EBADMSG;
    }
    client->scheme = scheme = (char *)copied(exchange, text);
    for (; scheme && *scheme; scheme++) {
        *scheme = (char)(*scheme >= 'A' && *scheme <= 'Z' ? *scheme - 'A' + 'a' : *scheme);
    }
    client->is_forwarded = true;
    return client->scheme ? 0 : -ENOMEM;
}

static int set_host(struct sunpath_client *client, struct sunpath_http_exchange *exchange,
                    struct sp_slice text) {
    if (!text.data) {
        return 0;
    }
    if (!sp_forwarded_is_host(text)) {
        return -EBADMSG;
    }
    client->host = copied(exchange, text);
    client->is_forwarded = true;
    return client->host ? 0 : -ENOMEM;
}

static int set_port(struct sunpath_client *client, struct sp_slice text) {
    uint64_t number;

    if (!text.data) {
        return 0;
    }
    if (!sp_parse_number(&number, text.data, text.size, UINT16_MAX)) {
        return -EBADMSG;
    }
    client->port = (uint16_t)number;
    client->is_forwarded = true;
    return 0;
}

static int read_lists(const struct sunpath_forwarded *forwarded,
                      struct sunpath_http_exchange *exchange, struct sunpath_client *client) {
    unsigned headers = forwarded->options.headers, n_hops = forwarded->options.n_hops;
    int failed = 0, r = 0;

    if (headers & SUNPATH_FORWARDED_FOR) {
        r = set_address(client, exchange, entry(exchange, "X-Forwarded-For", n_hops, &failed));
    } else if (headers & SUNPATH_FORWARDED_REAL_IP) {
        r = set_address(client, exchange, entry(exchange, "X-Real-IP", 1, &failed));
    }
    if (r >= 0 && headers & SUNPATH_FORWARDED_PROTO) {
        r = set_scheme(client, exchange, entry(exchange, "X-Forwarded-Proto", n_hops, &failed));
    }
    if (r >= 0 && headers & SUNPATH_FORWARDED_HOST) {
        r = set_host(client, exchange, entry(exchange, "X-Forwarded-Host", n_hops, &failed));
    }
    if (r >= 0 && headers & SUNPATH_FORWARDED_PORT) {
        r = set_port(client, entry(exchange, "X-Forwarded-Port", n_hops, &failed));
    }
    return r < 0 ? r : failed;
}

static int read_rfc7239(const struct sunpath_forwarded *forwarded,
                        struct sunpath_http_exchange *exchange, struct sunpath_client *client) {
    int r = 0;
    struct sp_slice list = sp_http_exchange_join(exchange, "Forwarded", &r);
    const char *at = list.data, *end = at + list.size;
    struct sp_forwarded element;
    size_t n = 0;

    while (r >= 0 && (r = sp_forwarded_next(&element, &at, end)) == 1) {
        n++;
    }
    if (r < 0 || n == 0) {
        return r;
    }
    n = index_of_hop(n, forwarded->options.n_hops);
    at = list.data;
    do {
        (void)sp_forwarded_next(&element, &at, end);
    } while (n-- > 0);
    r = set_address(client, exchange, element.node);
    r = r < 0 ? r : set_scheme(client, exchange, element.proto);
    return r < 0 ? r : set_host(client, exchange, element.host);
}

/* ---- without a proxy ------------------------------------------------------------------------- */

static const char *tcp_address(struct sunpath_http_exchange *exchange) {
    struct sockaddr_storage peer;
    socklen_t n_peer = sizeof(peer);
    char text[INET6_ADDRSTRLEN];
    const void *ip;

    if (getpeername(sunpath_http_fd(exchange), (struct sockaddr *)&peer, &n_peer) < 0) {
        return NULL;
    }
    if (peer.ss_family == AF_INET) {
        ip = &((struct sockaddr_in *)&peer)->sin_addr;
    } else if (peer.ss_family == AF_INET6) {
        ip = &((struct sockaddr_in6 *)&peer)->sin6_addr;
    } else {
        return NULL;
    }
    if (!inet_ntop(peer.ss_family, ip, text, sizeof(text))) {
        return NULL;
    }
    return copied(exchange, (struct sp_slice){text, strlen(text)});
}

static void read_direct(struct sunpath_http_exchange *exchange, struct sunpath_client *client) {
    const char *host = sunpath_http_header(exchange, "Host");

    *client = (struct sunpath_client){.scheme = "http"};
    if (host && *host) {
        client->host = copied(exchange, (struct sp_slice){host, strlen(host)});
    }
    if (!sunpath_http_peer(exchange)) {
        client->address = tcp_address(exchange);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int find_out(const struct sunpath_forwarded *forwarded,
                    struct sunpath_http_exchange *exchange, struct sunpath_client *client) {
    struct sunpath_client direct;
    int r;

    read_direct(exchange, client);
    if (!forwarded ||
        !sunpath_access_trusts(forwarded->options.trusted, sunpath_http_fd(exchange))) {
        return 0;
    }
    direct = *client;
    r = forwarded->options.headers & SUNPATH_FORWARDED_RFC7239
            ? read_rfc7239(forwarded, exchange, client)
            : read_lists(forwarded, exchange, client);
    if (r < 0) {
        *client = direct;
    }
    return r;
}

int sunpath_forwarded_read(const struct sunpath_forwarded *forwarded,
                           struct sunpath_http_exchange *exchange, struct sunpath_client *ret) {
    const void *key = forwarded ? (const void *)forwarded : &nobody_key;
    struct known *known = sunpath_http_note(exchange, key);

    if (!known) {
        known = sunpath_http_alloc(exchange, sizeof(*known));
        if (!known || sunpath_http_set_note(exchange, key, known) < 0) {
            return -ENOMEM;
        }
        known->result = find_out(forwarded, exchange, &known->client);
    }
    *ret = known->client;
    return known->result;
}

void sunpath_forwarded_middleware(struct sunpath_http_exchange *exchange, void *user) {
    struct sunpath_client client;
    int r = sunpath_forwarded_read(user, exchange, &client);

    if (r >= 0) {
        (void)sunpath_router_next(exchange);
    } else {
        (void)sunpath_http_fail(exchange, r == -EBADMSG ? 400 : 503, NULL);
    }
}

static bool is_sound(const struct sunpath_forwarded_options *options) {
    const unsigned either = SUNPATH_FORWARDED_FOR | SUNPATH_FORWARDED_REAL_IP;
    unsigned headers = options->headers;

    if (!options->trusted || headers >= SUNPATH_FORWARDED_RFC7239 << 1) {
        return false;
    }
    return headers & SUNPATH_FORWARDED_RFC7239 ? headers == SUNPATH_FORWARDED_RFC7239
                                               : (headers & either) != either;
}

int sunpath_forwarded_new(struct sunpath_forwarded **ret,
                          const struct sunpath_forwarded_options *options) {
    struct sunpath_forwarded *forwarded = calloc(1, sizeof(*forwarded));
    int r;

    if (!forwarded) {
        return -ENOMEM;
    }
    r = sp_options_read(&forwarded->options, sizeof(forwarded->options), options);
    if (r >= 0 && !is_sound(&forwarded->options)) {
        r = -EINVAL;
    }
    if (r < 0) {
        free(forwarded);
        return r;
    }
    forwarded->options.n_hops += forwarded->options.n_hops == 0;
    if (forwarded->options.headers == 0) {
        forwarded->options.headers = SUNPATH_FORWARDED_FOR | SUNPATH_FORWARDED_PROTO;
    }
    *ret = forwarded;
    return 0;
}

struct sunpath_forwarded *sunpath_forwarded_free(struct sunpath_forwarded *forwarded) {
    free(forwarded);
    return NULL;
}
