/* SPDX-License-Identifier: MIT */
/* http1.h - HTTP/1.1 on the wire (RFC 9112): pure functions over the caller's bytes. */

#ifndef SP_WIRE_HTTP1_H
#define SP_WIRE_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- heads ----------------------------------------------------------------------------------- */

/* A piece of the parsed bytes, by offset, so that it survives the bytes being moved. */
struct sp_span {
    uint32_t at;
    uint32_t size;
};

struct sp_http_field {
    struct sp_span name;
    struct sp_span value; /* without the white space around it */
};

struct sp_http_limits {
    size_t max_head;   /* bytes of start line and fields together, at most UINT32_MAX */
    size_t max_fields; /* field lines; the room behind `fields` must hold as many */
};

/* How the body that follows a head is delimited (RFC 9112 section 6.3). */
enum sp_http_framing {
    SP_HTTP_NO_BODY = 0,
    SP_HTTP_LENGTH, /* content_length bytes (may be 0) */
    SP_HTTP_CHUNKED,
    SP_HTTP_UNTIL_CLOSE /* responses only */
};

struct sp_http_head {
    struct sp_http_field *fields; /* in: the caller's room for limits->max_fields */
    size_t n_fields;

    struct sp_span method; /* request */
    struct sp_span target; /* request */
    int status;            /* response: 100 to 999 */
    struct sp_span reason; /* response */
    int version;           /* 10 or 11 */

    enum sp_http_framing framing;
    uint64_t content_length; /* with SP_HTTP_LENGTH */
    bool keep_alive;         /* the connection may be used again after this message */
    bool expects_continue;   /* request: Expect: 100-continue */
    bool has_upgrade;        /* Connection: upgrade and an Upgrade field */

    int error_status; /* after an error: what a server answers with (400, 414, 431, 501, 505); for a
                         response 502, what a proxy answers with */
    const char *why;  /* after an error: what is wrong, a constant string */
};

/*
 * Parses a request head at the beginning of `data`. Returns its length, 0 when it is not complete
 * yet, -EBADMSG when it is malformed or -EMSGSIZE when it passes the limits; `head->why` and
 * `head->error_status` say more. One empty line before the request line is skipped (RFC 9112 2.2)
 * and counts. `n_seen` is how many of these bytes the last, incomplete attempt was given (0 at
 * first), so that a head that arrives byte by byte costs linear time. Only a result above 0 leaves
 * anything in `head` that may be used; room for max_head bytes is enough for any head that passes.
 *
 * A byte that may stand nowhere in a head (a control byte, a bare CR or LF) is an error as soon as
 * it is there, a malformed line at the latest when it has ended, what the fields mean (Host,
 * framing) when the head is complete.
 *
 * Strict: bare LF or CR, obs-fold, white space before the colon, empty names, NUL and other control
 * bytes, repeated or signed Content-Length or one above INT64_MAX, Content-Length beside
 * Transfer-Encoding, any Transfer-Encoding in HTTP/1.0, a missing or repeated Host in HTTP/1.1 and
 * a malformed one, and CONNECT with content are all 400. Of Transfer-Encodings only one "chunked"
 * is taken: codings before it are 501, anything else 400 (RFC 9112 6.1, 6.3). Unknown methods are
 * fine (a token); HTTP/2.0 and other versions are 505.
 *
 * A target is visible ASCII without "#", in the form its method calls for (RFC 9112 3.2): host:port
 * with CONNECT and only there, "*" with OPTIONS only, "/..." or "scheme://host..." with all others.
 * Browsers send some of that unescaped though RFC 3986 would have it escaped ("|", "^", "["), so it
 * passes; so do percent signs, which concern whoever decodes.
 */
ssize_t sp_http_parse_request(struct sp_http_head *head, const struct sp_http_limits *limits,
                              const char *data, size_t size, size_t n_seen);

/*
 * Parses a response head. `method` is that of the request it answers: responses to HEAD, to CONNECT
 * (2xx) and 1xx, 204 and 304 have no body whatever their fields say. The framing of all others is
 * judged as in a request. The reason phrase may be missing with the space before it.
 */
ssize_t sp_http_parse_response(struct sp_http_head *head, const struct sp_http_limits *limits,
                               const char *data, size_t size, size_t n_seen, const char *method);

/* The value of the first field of that name (any case), or NULL; `ret_size` is its length. */
const char *sp_http_find_field(const struct sp_http_head *head, const char *data, const char *name,
                               size_t *ret_size);

/* ---- bodies ---------------------------------------------------------------------------------- */

/* What is left of a body. Zeroed and set by sp_http_body_init(); no memory of its own. */
struct sp_http_body {
    enum sp_http_framing framing;
    int state;
    uint64_t left;         /* bytes of the body, or of the current chunk, still to come */
    uint32_t n_line;       /* bytes of the current chunk-size or trailer line so far */
    uint32_t n_extensions; /* bytes of chunk extensions so far, in the whole body */
    uint32_t n_trailer;    /* bytes of trailer section so far */
    const char *why;       /* after an error */
};

enum sp_http_body_result {
    SP_HTTP_BODY_MORE = 0, /* everything was consumed; give the bytes that follow */
    SP_HTTP_BODY_PIECE,    /* *ret_piece holds a piece of the body; call again with the rest */
    SP_HTTP_BODY_TRAILER,  /* *ret_piece holds one trailer line, "name: value" without CRLF */
    SP_HTTP_BODY_END /* the body is complete; what was not consumed belongs to the next message */
};

struct sp_http_piece {
    const char *data; /* inside the bytes given */
    size_t size;
};

void sp_http_body_init(struct sp_http_body *body, const struct sp_http_head *head);

/*
 * Takes the next step over `data`: consumes *ret_consumed bytes and returns an enum
 * sp_http_body_result. A trailer line that is not complete consumes nothing and returns MORE with
 * *ret_consumed < size: keep those bytes and give them again with more behind them. The end of a
 * body is told by a step of its own, for which no bytes are needed.
 *
 * -EBADMSG for a malformed chunk size, extension, chunk end or trailer, a chunk above INT64_MAX, or
 * a trailer that belongs into the head (Content-Length, Transfer-Encoding, Host, Connection,
 * Upgrade, Expect, Trailer; RFC 9110 6.5.1); -EMSGSIZE for a chunk-size line over 256 bytes, chunk
 * extensions over 16 KiB in the whole body or a trailer section over 8 KiB. `body->why` says more;
 * every further step fails too. UNTIL_CLOSE never ends by itself.
 */
int sp_http_body_step(struct sp_http_body *body, const char *data, size_t size,
                      size_t *ret_consumed, struct sp_http_piece *ret_piece);

/* Splits a trailer line, already checked by sp_http_body_step(). Offsets are into `line`. */
void sp_http_split_field(struct sp_http_field *ret, const char *line, size_t size);

/* ---- writing --------------------------------------------------------------------------------- */

/*
 * May `text` stand as a method or field name / as a field value / as a request target? White space
 * at the ends of a value is refused: it would be lost on the way.
 */
bool sp_http_is_token(const char *text, size_t size);
bool sp_http_is_value(const char *text, size_t size);
bool sp_http_is_target(const char *text, size_t size);

/* The standard phrase of the IANA registry, or "". */
const char *sp_http_reason(int status);

/*
 * These write to `at`, which must have the room named, and return the end of what they wrote.
 * None checks its arguments: the is_ functions above do. A status is 100 to 999.
 */
#define SP_HTTP_STATUS_ROOM 64
char *sp_http_put_status(char *at, int status); /* "HTTP/1.1 200 OK\r\n" */
char *sp_http_put_field(char *at, const char *name, size_t n_name, const char *value,
                        size_t n_value); /* n_name + n_value + 4 */
#define SP_HTTP_LENGTH_ROOM 40
char *sp_http_put_length(char *at, uint64_t length); /* "Content-Length: 13\r\n" */
#define SP_HTTP_CHUNK_ROOM 20
char *sp_http_put_chunk_head(char *at, uint64_t size); /* "1a\r\n" */
#define SP_HTTP_DATE_ROOM 40
/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"; times outside of 1970 to 9999 become the nearest. */
char *sp_http_put_date(char *at, int64_t unix_seconds);

#endif
