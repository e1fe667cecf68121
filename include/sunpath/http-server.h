/* SPDX-License-Identifier: MIT */
/* http-server.h - an HTTP/1.1 server (RFC 9110, RFC 9112): requests in, responses out. */

#ifndef SUNPATH_HTTP_SERVER_H
#define SUNPATH_HTTP_SERVER_H

#include <sunpath/listener.h>
#include <sunpath/loop.h>
#include <sunpath/peer.h>
#include <sunpath/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sunpath_http_server;

/* One request and its response. It lives until on_finish returns. */
struct sunpath_http_exchange;

/*
 * What happens to a request: on_head, on_body (any number of times), on_request, on_finish, in this
 * order; on_error at any time before the answer is begun.
 * Requests of one connection are handled one after the other, but on_finish waits for the kernel to
 * take the response, and pipelined requests do not wait for that. Strings and bytes that the
 * accessors return are valid until the callback returns; ask again in a later one. In on_finish the
 * head can still be read, the body not.
 *
 * The server may be freed or drained in any of these callbacks; what is under way then gets its
 * on_finish before the call returns, and the exchange of the callback lives until that returns.
 *
 * A client may leave at any time: who keeps an exchange to answer it later needs on_finish to learn
 * when it is gone. Requests that are malformed or too large are answered by the server itself, and
 * when on_head has not been called yet nothing else is.
 */
struct sunpath_http_handler {
    /*
     * Required: the request is complete. Answer it with sunpath_http_respond() or _start(), here or
     * any time later.
     */
    void (*on_request)(struct sunpath_http_exchange *exchange, void *user);

    /*
     * Optional: the head is there; no byte of the body has been read and no "100 Continue" sent.
     * Answering here refuses the body: the connection closes after the answer if the body is
     * unread.
     */
    void (*on_head)(struct sunpath_http_exchange *exchange, void *user);

    /*
     * Optional: a piece of the body. With it bodies are streamed and `max_body` counts the total;
     * without it the body is collected and sunpath_http_body() has it in on_request.
     */
    void (*on_body)(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                    void *user);

    /* Optional: output that had reached the high mark fell to the low mark: write on. */
    void (*on_drain)(struct sunpath_http_exchange *exchange, void *user);

    /*
     * Optional: the request is about to get an error answer, from sunpath_http_fail() or from the
     * server itself: a body that is malformed (400), too large (413) or too slow (408), a handler
     * that did not answer in time (503). Answer it here, completely, or leave it: then the client
     * gets `why` as plain text.
     */
    void (*on_error)(struct sunpath_http_exchange *exchange, int status, const char *why,
                     void *user);

    /*
     * Optional: the exchange is over, and with it everything borrowed from it. `error` is 0 when
     * the response was handed to the kernel, else why not: -EPIPE or -ECONNRESET (the client left),
     * -ETIMEDOUT, -ECANCELED (the server was closed), -EIO (the response was not whole), -EBADMSG
     * or -EMSGSIZE (the body was malformed or too large). Free what sunpath_http_set_user() holds.
     */
    void (*on_finish)(struct sunpath_http_exchange *exchange, int error, void *user);
};

struct sunpath_http_server_options {
    size_t size;
    size_t max_head;         /* bytes of request line and headers, then 431; 0: 16 KiB */
    size_t max_headers;      /* header lines, then 431; 0: 128 */
    uint64_t max_body;       /* bytes, then 413; 0: 1 MiB; UINT64_MAX: no limit */
    size_t max_output;       /* unsent bytes kept for a connection; 0: 16 MiB */
    size_t max_connections;  /* more wait in the backlog; 0: no limit */
    bool drops_excess;       /* more than that do not wait: they get 503 and are closed at once */
    uint64_t max_requests;   /* per connection, then "Connection: close"; 0: no limit */
    int head_ms;             /* for a whole head, then 408; 0: 10,000; -1: no limit */
    int body_ms;             /* between two pieces of a body, then 408; 0: 30,000; -1: no limit */
    int write_ms;            /* without a byte taken by the client; 0: 30,000; -1: no limit */
    int keep_alive_ms;       /* idle between requests; 0: 75,000; -1: no limit */
    const char *server_name; /* "Server" header, copied; NULL: none */
    /*
     * Until a handler has begun to answer, counted from on_request (or from a pause in on_head):
     * then 503, and on_fault. 0: 300,000; -1: no limit.
     */
    int answer_ms;
    size_t max_connections_per_uid; /* of one user; more are dropped as above; 0: no limit */
    /*
     * Requests of one user in a second, all connections together; as many may come at once. Then
     * 429 with Retry-After, and the connection is closed. 0: no limit. Both limits go by the uid
     * of sunpath_http_peer() and do not concern TCP.
     */
    unsigned max_requests_per_uid_s;
    bool compresses;     /* every exchange as by sunpath_http_compress() with all defaults */
    bool decodes_bodies; /* every exchange as by sunpath_http_decode_body() */
};

SUNPATH_API int sunpath_http_server_new(struct sunpath_http_server **ret, struct sunpath_loop *loop,
                                        const struct sunpath_http_handler *handler, void *user,
                                        const struct sunpath_http_server_options *options);

/*
 * Serves on `address` too. Any number of addresses. Errors as sunpath_listener_open(), and
 * -EPROTOTYPE for another socket than a stream.
 */
SUNPATH_API int sunpath_http_server_listen(struct sunpath_http_server *server, const char *address,
                                           const struct sunpath_listen_options *options,
                                           struct sunpath_error *error);

/* Serves on a listener that exists already; owned only when 0 is returned. -EPROTOTYPE as above. */
SUNPATH_API int sunpath_http_server_attach(struct sunpath_http_server *server,
                                           struct sunpath_listener *listener);

/* The n-th listener, borrowed, or NULL. */
SUNPATH_API struct sunpath_listener *sunpath_http_server_listener(
    struct sunpath_http_server *server, size_t index);

/*
 * Stops accepting (closing the listeners), lets idle connections go, finishes what is under way
 * with "Connection: close" and calls `on_drained` when the last connection is gone or `timeout_ms`
 * (-1: no limit) has passed; the rest is then cut off. On an idle server it is called in the next
 * dispatch.
 */
SUNPATH_API void sunpath_http_server_drain(struct sunpath_http_server *server, int timeout_ms,
                                           void (*on_drained)(struct sunpath_http_server *server,
                                                              void *user),
                                           void *user);

SUNPATH_API size_t sunpath_http_server_n_connections(const struct sunpath_http_server *server);
/* Is it draining? A readiness check says no then. */
SUNPATH_API bool sunpath_http_server_is_draining(const struct sunpath_http_server *server);

/* What a server has done since it was made. */
struct sunpath_http_stats {
    size_t n_connections; /* now */
    size_t n_in_flight;   /* requests now: from the complete head to the end of the response */
    uint64_t n_accepted;  /* connections */
    uint64_t n_dropped;   /* connections over a limit, closed at once */
    uint64_t n_requests;  /* whole heads */
    uint64_t n_refused;   /* requests the server itself answered: malformed, too large, too slow */
    uint64_t n_received;  /* bytes of heads and bodies, without the framing of chunks */
    uint64_t n_sent;      /* bytes given to connections */
};
SUNPATH_API void sunpath_http_server_stats(const struct sunpath_http_server *server,
                                           struct sunpath_http_stats *ret);

/* How a request went. What it points to is valid until on_record returns. */
struct sunpath_http_record {
    int status;           /* 0: the client left, or was cut off, before an answer was begun */
    int error;            /* as on_finish has it */
    const char *why;      /* what was wrong, one sentence; NULL: nothing is known to be */
    const char *route;    /* the pattern of the route it took, or NULL */
    int64_t time_ns;      /* when the head was complete: since 1970, CLOCK_REALTIME */
    uint64_t duration_ns; /* from then until the response was written (or given up) */
    uint64_t n_received;  /* bytes of the body that were read */
    uint64_t n_sent;      /* bytes of the response, its head included */
    uint64_t n_body_sent; /* of these, the body's, without the framing of chunks */
};

/*
 * For logs and metrics; any part may be NULL. The server may be freed or drained in all of them but
 * on_fault, which is called in the midst of the program's own calls.
 */
struct sunpath_http_observer {
    /* The head is there; the handler is told next. What cannot wait for the end is done here. */
    void (*on_begin)(struct sunpath_http_exchange *exchange, void *user);
    /*
     * An exchange is over, before its on_finish, or a request was refused before its handler heard
     * of it: then the exchange knows what could be read of it, perhaps nothing ("" as method).
     */
    void (*on_record)(struct sunpath_http_exchange *exchange,
                      const struct sunpath_http_record *record, void *user);
    /*
     * The program did something wrong: it answered twice, wrote more or less than it had announced,
     * did not answer in time. `what` is one sentence.
     */
    void (*on_fault)(struct sunpath_http_exchange *exchange, const char *what, void *user);
    /* A connection over a limit was closed at once; `peer` is NULL over TCP. */
    void (*on_drop)(struct sunpath_http_server *server, const struct sunpath_peer *peer,
                    const char *why, void *user);
};

/* Adds an observer, borrowed for the server's life. -ENOBUFS: there are eight already. */
SUNPATH_API int sunpath_http_server_observe(struct sunpath_http_server *server,
                                            const struct sunpath_http_observer *observer,
                                            void *user);

/* Cuts off what is left. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_http_server *sunpath_http_server_free(
    struct sunpath_http_server *server);

/*
 * From here on the events of this exchange go to `handler` (borrowed until on_finish returns) with
 * `user`, no longer to the server's: so routes have handlers of their own. Whether the body is
 * streamed or collected is the new handler's choice (on_body). Meant for on_head; its own on_head
 * is not called. -EINVAL (no on_request), -EALREADY (a part of the body was read, or on_request was
 * called, or it is answered).
 */
SUNPATH_API int sunpath_http_set_handler(struct sunpath_http_exchange *exchange,
                                         const struct sunpath_http_handler *handler, void *user);

/*
 * Answers with an error: `status` 400 to 599 and `why`, one sentence that the client may read; NULL
 * is the standard phrase. The handler's on_error may answer instead, and when it does not the
 * server's. Of the headers added so far those are taken back that describe another content:
 * Content-Type, -Encoding, -Language, -Location, -Range (but for 416), ETag, Last-Modified. Errors
 * as sunpath_http_respond().
 */
SUNPATH_API int sunpath_http_fail(struct sunpath_http_exchange *exchange, int status,
                                  const char *why);

/*
 * The same for what a call like sunpath_http_json() has found: -EBADMSG is 400, -EMSGSIZE 413,
 * -EMEDIUMTYPE 415, all with the error's text; -EOPNOTSUPP is 501, -ENOMEM 503, -ENOSPC and -EDQUOT
 * 507, anything else 500, with the standard phrase.
 */
SUNPATH_API int sunpath_http_fail_error(struct sunpath_http_exchange *exchange,
                                        const struct sunpath_error *error);

/*
 * What `max_body` is for this request alone; UINT64_MAX: no limit. Meant for on_head. -EALREADY (a
 * part of the body was read).
 */
SUNPATH_API int sunpath_http_set_max_body(struct sunpath_http_exchange *exchange,
                                          uint64_t max_body);

/*
 * Lets the body be decoded by its Content-Encoding (gzip, deflate) before on_body or
 * sunpath_http_body() see it. Meant for on_head. `max_body` counts decoded bytes: a body that grows
 * beyond it, or to more than 200 times its size, is answered with 413, a damaged one with 400, a
 * coding that is not known with 415 and what is. The header is left as it was sent. -EALREADY (a
 * part of the body was read). Without zlib in the build every coding but identity is unknown.
 */
SUNPATH_API int sunpath_http_decode_body(struct sunpath_http_exchange *exchange);

/* The request. */
SUNPATH_API const char *sunpath_http_method(struct sunpath_http_exchange *exchange);
SUNPATH_API const char *sunpath_http_target(struct sunpath_http_exchange *exchange);
/*
 * The target's path as it was sent, without query (and without "http://host" before it): "/" at
 * least; "*" for OPTIONS *, host:port for CONNECT. Valid until on_finish returns.
 */
SUNPATH_API const char *sunpath_http_path(struct sunpath_http_exchange *exchange);
/*
 * From here on the target is `target` ("/path" or "/path?query", encoded, copied) for routes and
 * files: sunpath_http_path() and the calls that read the query see it. sunpath_http_target() and
 * logs keep what was sent. To be called before the request comes to a router: it finds the route
 * first, then runs its middleware. -EINVAL (no such target), -EALREADY (it is answered), -ENOMEM.
 */
SUNPATH_API int sunpath_http_rewrite(struct sunpath_http_exchange *exchange, const char *target);
/* What follows the "?" as it was sent, or NULL. Valid until on_finish returns. */
SUNPATH_API const char *sunpath_http_query_string(struct sunpath_http_exchange *exchange);
/*
 * The value of the first `name` in the query, or NULL. Decoded as the URL standard has it: "+" is a
 * space, a malformed escape (and %00) stays as it is. Valid until on_finish returns.
 */
SUNPATH_API const char *sunpath_http_query(struct sunpath_http_exchange *exchange,
                                           const char *name);
/* The pair at `index` of the query, decoded likewise, or false behind the last. */
SUNPATH_API bool sunpath_http_query_at(struct sunpath_http_exchange *exchange, size_t index,
                                       const char **ret_name, const char **ret_value);
/*
 * The value of the first cookie of that name (case counts, RFC 6265), as it was sent, or NULL.
 * Valid until on_finish returns.
 */
SUNPATH_API const char *sunpath_http_cookie(struct sunpath_http_exchange *exchange,
                                            const char *name);
/*
 * Which of these types ("application/json", ...; NULL at the end) the client would like best, by
 * its Accept fields (RFC 9110 12.5.1), or NULL: it takes none of them. Of those it likes alike, and
 * without such a field, the first. An answer that depends on it says "Vary: Accept".
 */
SUNPATH_API const char *sunpath_http_accepts(struct sunpath_http_exchange *exchange,
                                             const char *type, ...);
/* The same with languages ("en", "de-CH") and Accept-Language: "Vary: Accept-Language". */
SUNPATH_API const char *sunpath_http_accepts_language(struct sunpath_http_exchange *exchange,
                                                      const char *language, ...);
/* 10 or 11. */
SUNPATH_API int sunpath_http_version(struct sunpath_http_exchange *exchange);
/* The value of the first header of that name (any case), or NULL. */
SUNPATH_API const char *sunpath_http_header(struct sunpath_http_exchange *exchange,
                                            const char *name);
/* The header or trailer at `index`, or false behind the last. */
SUNPATH_API bool sunpath_http_header_at(struct sunpath_http_exchange *exchange, size_t index,
                                        const char **ret_name, const char **ret_value);
/*
 * The head as it was sent, request line and headers, but for the line feed that ends it: for who
 * reads all of it anyway. Bytes behind the strings that other calls have returned may have become
 * NULs. Not followed by a NUL; valid as those strings are.
 */
SUNPATH_API const char *sunpath_http_head(struct sunpath_http_exchange *exchange, size_t *ret_size);
/* The collected body (never NULL); its bytes are followed by a NUL that does not count. */
SUNPATH_API const void *sunpath_http_body(struct sunpath_http_exchange *exchange, size_t *ret_size);
/* -1 when the request did not announce a length. */
SUNPATH_API int64_t sunpath_http_content_length(struct sunpath_http_exchange *exchange);
/* Who is asking: the same for all requests of a connection. NULL over TCP. */
SUNPATH_API const struct sunpath_peer *sunpath_http_peer(struct sunpath_http_exchange *exchange);
/* The connection's descriptor, borrowed, for sunpath_peer_groups() and the like. */
SUNPATH_API int sunpath_http_fd(struct sunpath_http_exchange *exchange);
SUNPATH_API struct sunpath_http_server *sunpath_http_exchange_server(
    struct sunpath_http_exchange *exchange);

/*
 * The program that the peer runs (sunpath_peer_executable()), looked up once for a connection, or
 * NULL when that cannot be known. Valid until on_finish returns.
 */
SUNPATH_API const char *sunpath_http_peer_executable(struct sunpath_http_exchange *exchange);

/* Memory that goes with the exchange: not zeroed, freed after on_finish. NULL: out of memory. */
SUNPATH_API void *sunpath_http_alloc(struct sunpath_http_exchange *exchange, size_t size);

/*
 * What one part of a program (a middleware) notes for another: `key` is the address of something of
 * that part's own, never looked at. Setting it again replaces the value. -ENOMEM. NULL: not set.
 */
SUNPATH_API int sunpath_http_set_note(struct sunpath_http_exchange *exchange, const void *key,
                                      void *value);
SUNPATH_API void *sunpath_http_note(struct sunpath_http_exchange *exchange, const void *key);

/* A pointer of the caller's that goes with the exchange; NULL at first. */
SUNPATH_API void sunpath_http_set_user(struct sunpath_http_exchange *exchange, void *data);
SUNPATH_API void *sunpath_http_user(struct sunpath_http_exchange *exchange);

/*
 * Holds the request back and lets it in: meanwhile nothing of its body is read, no "100 Continue"
 * sent and on_request not called, so who pauses in on_head can decide later.
 */
SUNPATH_API void sunpath_http_pause(struct sunpath_http_exchange *exchange);
SUNPATH_API void sunpath_http_resume(struct sunpath_http_exchange *exchange);

struct sunpath_http_compress_options {
    size_t size;
    size_t min_size; /* of a body whose size is known, to be worth it; 0: 1 KiB */
    int level;       /* 1 (fast) to 9 (small); 0: the coding's default */
    bool events_too; /* server-sent events: each is flushed, at some cost */
};

/*
 * Lets the response be compressed when the client takes it (Accept-Encoding, RFC 9110 12.5.3), its
 * type is text at heart (text, JSON, XML, SVG, scripts, wasm, ...) and its handler has not set
 * Content-Encoding, Content-Range or Cache-Control: no-transform. It gets "Vary: Accept-Encoding"
 * either way, a strong ETag becomes a weak one, and what is written in pieces is sent chunked; when
 * its length is not known each piece is flushed. A write that fails for want of memory cuts the
 * connection: what was compressed by then cannot be taken back. -EALREADY (it has been begun),
 * -EINVAL (options), -EOPNOTSUPP (no coding in this build: nothing happens).
 */
SUNPATH_API int sunpath_http_compress(struct sunpath_http_exchange *exchange,
                                      const struct sunpath_http_compress_options *options);

/*
 * The response. Every call returns 0, or a negative errno that is the programmer's to mend:
 * -EALREADY (answered already), -EINVAL (a name or value that may not stand in a header, a bad
 * status), -EMSGSIZE (more body than the Content-Length said), -ENOMEM, -ENOBUFS (`max_output`).
 * An exchange whose client left swallows everything without an error until on_finish.
 *
 * Content-Length, Transfer-Encoding, Connection, Date and Server are the library's business.
 */

/* The status of the response, 0 while it is not begun. */
SUNPATH_API int sunpath_http_status(const struct sunpath_http_exchange *exchange);

/* Adds a header to the response (or, after _start, a trailer to a chunked one). Copies both. */
SUNPATH_API int sunpath_http_add_header(struct sunpath_http_exchange *exchange, const char *name,
                                        const char *value);

/* Likewise, instead of what was added under that name (any case); NULL only takes it away. */
SUNPATH_API int sunpath_http_set_header(struct sunpath_http_exchange *exchange, const char *name,
                                        const char *value);

/*
 * The whole response at once. `type` is its Content-Type, in place of one that was added; NULL:
 * that one, or none. Copies `body`.
 */
SUNPATH_API int sunpath_http_respond(struct sunpath_http_exchange *exchange, int status,
                                     const char *type, const void *body, size_t size);

/* An interim response (100 to 199 but not 101) with the headers added so far, which it uses up. */
SUNPATH_API int sunpath_http_inform(struct sunpath_http_exchange *exchange, int status);

/* Begins a response of `content_length` bytes; -1: unknown, sent chunked (closed after by
 * HTTP/1.0). */
SUNPATH_API int sunpath_http_start(struct sunpath_http_exchange *exchange, int status,
                                   int64_t content_length);

/*
 * A piece of the body, copied. Also returns 1 at the high mark: wait for on_drain. So may who got
 * -ENOBUFS, unless `max_output` is smaller than the piece and what frames it.
 */
SUNPATH_API int sunpath_http_write(struct sunpath_http_exchange *exchange, const void *data,
                                   size_t size);

/* Bytes of responses that the kernel has not taken yet: what a client that does not read costs. */
SUNPATH_API size_t sunpath_http_n_queued(struct sunpath_http_exchange *exchange);

/*
 * Lets the rest of the response be `size` bytes of the regular file `fd` from `offset`, read as the
 * client takes them, in constant memory; it ends the response. `fd` is owned only when 0 is
 * returned. A file that turns out shorter cuts the connection, so the client cannot mistake it for
 * whole.
 */
SUNPATH_API int sunpath_http_send_file(struct sunpath_http_exchange *exchange, int fd,
                                       uint64_t offset, uint64_t size);

/* Ends the response. Fewer bytes than the announced length cut the connection. */
SUNPATH_API int sunpath_http_end(struct sunpath_http_exchange *exchange);

/*
 * Gives the response up, begun or not: the connection is cut, so that the client cannot take what
 * it got for whole; on_finish gets -EIO. -EALREADY (it is ended).
 */
SUNPATH_API int sunpath_http_abort(struct sunpath_http_exchange *exchange);

/*
 * Answers "101 Switching Protocols" (or 200 to CONNECT) with the headers added so far and hands the
 * connection out as a stream, bytes that followed the request included. The exchange is over: its
 * on_finish fires before this returns. `protocol` is the Upgrade value; NULL for CONNECT. -EINVAL
 * when the request did not ask for an upgrade, or its body is not complete. The stream is the
 * caller's from then on: neither draining nor freeing the server touches it.
 *
 * A CONNECT that is answered in any other way is the connection's last request: what follows it may
 * be meant for the tunnel.
 */
SUNPATH_API int sunpath_http_upgrade(struct sunpath_http_exchange *exchange, const char *protocol,
                                     struct sunpath_stream **ret,
                                     const struct sunpath_stream_events *events, void *user);

#ifdef __cplusplus
}
#endif

#endif
