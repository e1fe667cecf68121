/* SPDX-License-Identifier: MIT */
/* address.h - one grammar for every place a socket can be. */

#ifndef SUNPATH_ADDRESS_H
#define SUNPATH_ADDRESS_H

#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What an address may look like:
 *
 *   /run/app.sock  ./app.sock  ../app.sock     a path, taken literally
 *   @name                                      an abstract name of exactly these bytes
 *   abns@name                                  padded with NULs to 108 bytes, as haproxy does
 *   unix:PATH  unix:///PATH  unix//PATH        the spellings of nginx, Docker and Caddy
 *   unix:@name  unix://@name  unix/@name       abstract, by the same spellings
 *   unix:PATH:/uri                             with an HTTP target, as nginx writes it
 *   http+unix://%2Frun%2Fapp.sock/uri          with an HTTP target, percent-encoded
 *   http://unix:PATH:/uri                      with an HTTP target, as got and superagent write it
 *   autobind:                                  a free abstract name that the kernel chooses
 *   stream:A  seqpacket:A  dgram:A             a socket type; A is a path or an abstract name
 *   fd:N                                       a descriptor this process inherited
 *   systemd:  systemd:NAME                     the only, or the named, socket-activation descriptor
 *   tcp:HOST:PORT  tcp:[::1]:PORT              TCP; tcp:HOST:PORT/uri with an HTTP target
 *
 * In abstract names \xHH, \n, \r, \t and \\ stand for bytes, so NULs can be written.
 * Everything else is refused, with the spelling that was probably meant.
 */

enum sunpath_address_kind {
    SUNPATH_ADDRESS_PATH = 1, /* name = the path, without NULs; relative ones begin with . */
    SUNPATH_ADDRESS_ABSTRACT, /* name = the bytes after the leading NUL, padding not included */
    SUNPATH_ADDRESS_FD,       /* number = the descriptor */
    SUNPATH_ADDRESS_SYSTEMD,  /* name = the descriptor's name, may be empty */
    SUNPATH_ADDRESS_TCP       /* name = the host, number = the port */
};

enum sunpath_type {
    SUNPATH_STREAM = 1,   /* SOCK_STREAM */
    SUNPATH_DGRAM = 2,    /* SOCK_DGRAM */
    SUNPATH_SEQPACKET = 5 /* SOCK_SEQPACKET */
};

#define SUNPATH_NAME_MAX 4095 /* bytes of `name`, as PATH_MAX leaves room for */

struct sunpath_address {
    enum sunpath_address_kind kind;
    enum sunpath_type type; /* SUNPATH_STREAM unless the address says otherwise */
    bool is_typed;          /* the address named its type */
    bool is_padded;         /* abstract only: padded to 108 bytes on the wire */
    bool is_auto;           /* abstract only: no name yet, the kernel chooses one in bind(2) */
    int number;             /* descriptor or port */
    size_t n_name;          /* bytes in `name` */
    char name[SUNPATH_NAME_MAX + 1]; /* always followed by a NUL, which does not count */
    const char *uri;                 /* NULL, or the HTTP target inside the text that was parsed */
};

/*
 * Reads `text` into *ret. `ret->uri` points into `text`, which must live as long as it is used.
 * Errors: -EINVAL (not an address; `error` says what was probably meant), -ENAMETOOLONG.
 */
SUNPATH_API int sunpath_address_parse(struct sunpath_address *ret, const char *text,
                                      struct sunpath_error *error);

/*
 * Writes the canonical spelling, which parses back to the same address. Always NUL-terminates when
 * `n_buffer` > 0. Returns the length the whole spelling needs, as snprintf() does. Not escaped: use
 * sunpath_escape() before showing it.
 */
SUNPATH_API size_t sunpath_address_format(char *buffer, size_t n_buffer,
                                          const struct sunpath_address *address);

/*
 * Fills a struct sockaddr_un (`sockaddr`, 110 bytes) for a path of at most 107 bytes or an abstract
 * name, and returns the length to hand to the kernel. -ENAMETOOLONG for a longer path (connect and
 * listen reach those through a descriptor), -EINVAL for a path that is empty or holds a NUL,
 * -EAFNOSUPPORT for the other kinds.
 */
SUNPATH_API int sunpath_address_to_sockaddr(const struct sunpath_address *address, void *sockaddr);

/*
 * Reads what the kernel gave for a Unix socket: `length` bytes of struct sockaddr_un. -ENODATA for
 * an unnamed socket (2 or 0 bytes). A name of 107 bytes that ends in NULs is taken as padded. The
 * one name that cannot be spelled is the empty abstract one, which the kernel allows: it is shown
 * as "@", and that is refused, being most often a variable that was not set.
 */
SUNPATH_API int sunpath_address_from_sockaddr(struct sunpath_address *ret, const void *sockaddr,
                                              size_t length, enum sunpath_type type);

#ifdef __cplusplus
}
#endif

#endif
