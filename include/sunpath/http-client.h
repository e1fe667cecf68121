/* SPDX-License-Identifier: MIT */
/* http-client.h - an HTTP/1.1 client (RFC 9110, RFC 9112), blocking or on a loop. */

#ifndef SUNPATH_HTTP_CLIENT_H
#define SUNPATH_HTTP_CLIENT_H

#include <sunpath/connection.h>
#include <sunpath/http-cookies.h>
#include <sunpath/http-form.h>
#include <sunpath/loop.h>
#include <sunpath/peer.h>
#include <sunpath/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sunpath_http_response;
struct sunpath_http_request; /* one that is under way */

SUNPATH_API int sunpath_http_response_status(const struct sunpath_http_response *response);
SUNPATH_API int sunpath_http_response_version(const struct sunpath_http_response *response);
/* The phrase after the status as the server sent it; may be "". */
SUNPATH_API const char *sunpath_http_response_reason(const struct sunpath_http_response *response);
SUNPATH_API const char *sunpath_http_response_header(const struct sunpath_http_response *response,
                                                     const char *name);
/* Headers, and once the body is complete its trailers. */
SUNPATH_API bool sunpath_http_response_header_at(const struct sunpath_http_response *response,
                                                 size_t index, const char **ret_name,
                                                 const char **ret_value);
/* The collected body, followed by a NUL that does not count. Empty with on_body. */
SUNPATH_API const void *sunpath_http_response_body(const struct sunpath_http_response *response,
                                                   size_t *ret_size);
/* -1 when the server did not announce one. Of a body that is decoded: the length before that. */
SUNPATH_API int64_t
sunpath_http_response_content_length(const struct sunpath_http_response *response);
/* With `decode`: the body is given without its Content-Encoding. */
SUNPATH_API bool sunpath_http_response_is_decoded(const struct sunpath_http_response *response);
/*
 * With max_redirects: why a redirect was not followed ("it leads to another host", "... another
 * scheme", "... another socket", "the body cannot be sent again"); NULL for all other answers.
 */
SUNPATH_API const char *sunpath_http_response_unfollowed(
    const struct sunpath_http_response *response);
SUNPATH_API struct sunpath_http_response *sunpath_http_response_free(
    struct sunpath_http_response *response);

struct sunpath_http_request_options {
    size_t size;
    const char *uri; /* target, replaces the one in the address; NULL: that, else "/" */
    /*
     * name, value, name, value ..., NULL. One that is also sent by default (Host, User-Agent,
     * Accept) replaces it; an empty value sends nothing, so that a default can be left out.
     */
    const char *const *headers;
    const void *body; /* NULL: none */
    size_t n_body;
    /*
     * The body from a source, instead of `body`: fills `buffer` and returns the bytes, 0 at the end
     * or a negative errno, which ends the request; but -EAGAIN says that there is nothing yet, and
     * it is asked again after a few milliseconds. Sent chunked, or plain when `body_length` is set.
     */
    ssize_t (*read_body)(void *user, void *buffer, size_t n_buffer);
    int64_t body_length; /* with read_body: its length if known; 0: unknown */
    /*
     * With read_body: puts the source back to its beginning, so that the body can be sent again
     * (after a redirect, or when a kept connection was lost). Non-zero ends the request with it.
     */
    int (*rewind_body)(void *user);
    /* A form as the body instead, with its Content-Type. -ESPIPE: it cannot be sent again. */
    struct sunpath_http_form *form;
    /*
     * The connection stands and `head` is about to be sent; `peer` is who the server is, NULL over
     * TCP. Called again when the request is repeated. Non-zero ends the request with it.
     */
    int (*on_start)(const char *head, size_t n_head, const struct sunpath_peer *peer, void *user);
    /*
     * The response's body as it arrives, instead of collecting it. 0 goes on; SUNPATH_HTTP_PAUSE
     * holds the server back: no more is read until sunpath_http_request_resume() (there is nobody
     * to call it in a blocking call: -EINVAL). Anything else ends the request with it.
     */
    int (*on_body)(const struct sunpath_http_response *response, const void *data, size_t size,
                   void *user);
    /* The head is there (also of interim responses, status 1xx); non-zero ends the request with it.
     */
    int (*on_head)(const struct sunpath_http_response *response, void *user);
    /*
     * Redirects to follow, on the same socket; 0: none; more are -ELOOP. Followed are relative
     * targets, http://HOST/... when HOST is the request's Host, and http+unix:// when that names
     * this socket; 303 asks with GET, as do 301 and 302 instead of POST (RFC 9110 15.4). As it is
     * the same server, all other headers stay, Authorization included. What is not followed is
     * delivered as it is: sunpath_http_response_unfollowed() says why.
     */
    int max_redirects;
    /* Before `target` is asked for instead: 0 follows, 1 does not, a negative errno ends the
     * request. For answers that are followed on_head and on_body are not called. */
    int (*on_redirect)(const struct sunpath_http_response *response, const char *target,
                       void *user);
    /*
     * How often a GET whose connection breaks in the middle of the body goes on where it stopped,
     * when the answer has a strong ETag or Last-Modified and the server does not refuse ranges; 0:
     * never. The connect option `wait` gives a server time to come back. The program sees one
     * answer. When the thing has changed meanwhile a collected body begins anew, with its head;
     * where on_body has seen some of it, that is -ESTALE, as is a rest without that ETag or date.
     */
    int max_resumes;
    /*
     * Asks for a compressed body (Accept-Encoding, unless a header says otherwise: gzip, deflate)
     * and decodes it: on_body and the collected body get what it was. A coding that is not known,
     * a damaged body and one that grows to more than 200 times its size and a MiB are errors:
     * -EBADMSG, -EMSGSIZE. A library without zlib refuses the request with -EOPNOTSUPP. Parts
     * (status 206) are left as they are.
     */
    bool decode;
    void *user;
    uint64_t max_body; /* bytes of a collected body; 0: 64 MiB. More is -EMSGSIZE */
    int timeout_ms;    /* for all of it; 0: 30,000; -1: no limit */
    /*
     * From the moment all of the request has left to the first byte of an answer, which interim
     * responses (1xx, at most 100: -EMSGSIZE) are not; 0: no limit.
     */
    int first_byte_ms;
    /*
     * Without a byte either way, while the request is sent and from the answer's first byte on; 0:
     * no limit. Waiting for read_body, and a paused on_body, do not count.
     */
    int idle_ms;
    /* Of blocking calls (a client has its own); its timeout is cut to what is left of ours. */
    const struct sunpath_connect_options *connect;
    struct sunpath_http_cookies *cookies; /* of blocking calls (a client has its own); or NULL */
    /* Of sunpath_http_client_send(): takes a handle that is valid until on_done returns. */
    struct sunpath_http_request **ret_request;
};

#define SUNPATH_HTTP_PAUSE 1 /* what on_body returns */

/*
 * One request on a connection of its own, blocking. `target` is any address, with or without a
 * target in it: "unix:/run/app.sock:/status", "http+unix://%2Frun%2Fapp.sock/status",
 * "/run/app.sock". 0 means that a complete response arrived, whatever its status. Errors as
 * sunpath_connect(), and -ETIMEDOUT, -ECONNRESET (the server left in the middle), -EBADMSG (not
 * HTTP), -EMSGSIZE.
 */
SUNPATH_API int sunpath_http_request(struct sunpath_http_response **ret, const char *method,
                                     const char *target,
                                     const struct sunpath_http_request_options *options,
                                     struct sunpath_error *error);
SUNPATH_API int sunpath_http_get(struct sunpath_http_response **ret, const char *target,
                                 struct sunpath_error *error);

/*
 * Asks for an upgrade and, when the server answers 101 (or 2xx to CONNECT), stores the connected
 * descriptor in *ret_fd; not a byte behind the head has been read from it. Any other answer:
 * -EPROTO, with its status in the text of `error`.
 */
SUNPATH_API int sunpath_http_request_upgrade(int *ret_fd, const char *method, const char *target,
                                             const char *protocol,
                                             const struct sunpath_http_request_options *options,
                                             struct sunpath_error *error);

/*
 * A client of one address, on a loop: a pool of keep-alive connections. A request goes out on the
 * idle connection that was used last, else on a new one, else it waits in a queue.
 */
struct sunpath_http_client;

struct sunpath_http_client_options {
    size_t size;
    const struct sunpath_connect_options *connect; /* copied; NULL: its defaults */
    /*
     * 0: 8. Requests that run at once on one machine share its cores, so more gains little; and
     * servers with a small backlog (5 in Python's socketserver) or a process for each connection
     * are not flooded.
     */
    size_t max_connections;
    size_t max_queued; /* requests that wait; 0: 10,000. One more is -ENOBUFS */
    size_t max_idle;   /* connections kept without a request; 0: as many as there may be */
    /* How long such a connection is kept; 0: 4,000, less than servers do (Node.js: 5 s); -1: for
     * ever. */
    int idle_ms;
    /*
     * NULL, or what the server asked to remember, and gets back with each request, beside what a
     * Cookie header of the request itself says. A jar of another address is -EINVAL.
     */
    struct sunpath_http_cookies *cookies;
};

/*
 * Connects when a request needs it. The loop is never blocked: a full backlog, and with `wait` a
 * missing server, are tried again from a timer, up to the connect options' timeout (only a host
 * name of a TCP address is looked up at once). Their `cancel_fd` has no meaning here: freeing the
 * client cancels.
 *
 * A request that was lost because the server closed a kept connection goes out once more, on a new
 * one, when not a byte of it had left, or when its method is idempotent (RFC 9110 9.2.2).
 */
SUNPATH_API int sunpath_http_client_new(struct sunpath_http_client **ret, struct sunpath_loop *loop,
                                        const char *address,
                                        const struct sunpath_http_client_options *options,
                                        struct sunpath_error *error);

/* Requests under way end with -ECANCELED (their on_done fires inside). Accepts NULL, returns NULL.
 */
SUNPATH_API struct sunpath_http_client *sunpath_http_client_free(
    struct sunpath_http_client *client);

/*
 * Sends a request to `uri` (NULL: as the options and the address say). `on_done` fires exactly
 * once, and never inside this call: with a response (freed when it returns) and 0, or NULL and an
 * error that `error` explains. What `options` points to is copied, but for `body`, which must live
 * until on_done. -EINVAL (a method, target or header that may not stand in a request), -ENOBUFS
 * (max_queued), -ENOMEM, -ECANCELED (the client is being freed): then on_done does not fire.
 *
 * An answer that comes before the whole body is sent is delivered; with a status of 400 or above
 * the rest is not sent. With the header "Expect: 100-continue" the body waits for up to a second.
 */
SUNPATH_API int sunpath_http_client_send(
    struct sunpath_http_client *client, const char *method, const char *uri,
    const struct sunpath_http_request_options *options,
    void (*on_done)(const struct sunpath_http_response *response, int result,
                    const struct sunpath_error *error, void *user),
    void *user);

/*
 * Asks for an upgrade to `protocol` (NULL: CONNECT). When the server switches, on_done gets the
 * connection as a stream, which is the caller's from then on and does not count in the pool any
 * more; bytes that followed the head are shown to its on_data after on_done. `events` are
 * borrowed for ever and get `user`, until sunpath_stream_set_user(). Any other answer is read to
 * its end: `result` is -EPROTO then, `response` what came. Otherwise as sunpath_http_client_send().
 */
SUNPATH_API int sunpath_http_client_upgrade(
    struct sunpath_http_client *client, const char *method, const char *uri, const char *protocol,
    const struct sunpath_http_request_options *options, const struct sunpath_stream_events *events,
    void (*on_done)(struct sunpath_stream *stream, const struct sunpath_http_response *response,
                    int result, const struct sunpath_error *error, void *user),
    void *user);

/* Ends it with -ECANCELED; on_done fires inside. Legal in all of its callbacks, which may still
 * look at what they were given. */
SUNPATH_API void sunpath_http_request_cancel(struct sunpath_http_request *request);

/* After on_body returned SUNPATH_HTTP_PAUSE: goes on, in a later turn of the loop. */
SUNPATH_API void sunpath_http_request_resume(struct sunpath_http_request *request);

/* Connections there are, made or being made; requests that wait for one. */
SUNPATH_API size_t sunpath_http_client_n_connections(const struct sunpath_http_client *client);
SUNPATH_API size_t sunpath_http_client_n_queued(const struct sunpath_http_client *client);

#ifdef __cplusplus
}
#endif

#endif
