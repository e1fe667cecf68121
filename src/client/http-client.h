/* SPDX-License-Identifier: MIT */
/* http-client.h - the parts of the HTTP client: response, request, connection, exchange. */

#ifndef SP_CLIENT_HTTP_CLIENT_H
#define SP_CLIENT_HTTP_CLIENT_H

#include <sunpath/http-client.h>
#include <sunpath/stream.h>

#include "wire/http1.h"

/* A head from a server we chose to talk to may be larger than what a server takes from anyone. */
#define SP_HTTP_CLIENT_MAX_HEAD   (64 * 1024)
#define SP_HTTP_CLIENT_MAX_FIELDS 256
#define SP_HTTP_CLIENT_PIECE      (64 * 1024) /* bytes of a request body handled at a time */

/* ---- http-client-response.c: what a server answered ------------------------------------------ */

struct sp_http_pair {
    const char *name;
    const char *value;
};

struct sunpath_http_response {
    int status;
    int version;
    int64_t content_length;
    const char *reason;
    char *text; /* a copy of the head with NULs behind its names and values */
    struct sp_http_pair *fields;
    size_t n_fields; /* headers and those trailers that may be seen */
    size_t n_headers;
    size_t n_stored; /* with the trailers that have come so far; each has memory of its own */
    char *body;
    size_t n_body;
    size_t n_body_room;
};

int sp_http_response_new(struct sunpath_http_response **ret, const struct sp_http_head *head,
                         const char *data, size_t size);
/* -EMSGSIZE when the body would be larger than `max`. */
int sp_http_response_append(struct sunpath_http_response *response, const char *data, size_t size,
                            uint64_t max);
int sp_http_response_add_trailer(struct sunpath_http_response *response, const char *line,
                                 size_t size);
/* The body is whole: its trailers may be seen. */
void sp_http_response_complete(struct sunpath_http_response *response);

/* ---- http-client-request.c: what is asked ---------------------------------------------------- */

enum sp_http_sending {
    SP_HTTP_SEND_HEAD = 0,
    SP_HTTP_SEND_WAIT, /* for "100 Continue", or for a source that has nothing yet */
    SP_HTTP_SEND_BODY,
    SP_HTTP_SENT,
    SP_HTTP_SEND_GIVEN_UP /* the answer made it pointless; the connection cannot be used again */
};

struct sp_http_request {
    struct sp_http_request *next;
    struct sunpath_http_client *client; /* whose queue it is in */
    const struct sunpath_address *address;
    struct sunpath_http_request_options options; /* body and callbacks; the rest is stale */
    struct sunpath_timer *deadline;
    void (*on_done)(const struct sunpath_http_response *response, int result,
                    const struct sunpath_error *error, void *user);
    void *done_user;
    struct sunpath_http_response **ret_response; /* takes the response over instead of freeing it */
    char *head;
    size_t n_head;
    char *method;
    struct sp_span target; /* in head */
    bool is_idempotent;
    bool is_chunked;
    bool expects_continue;
    bool closes; /* it says "Connection: close" */

    /* the state of one attempt: sp_http_request_rewind() */
    enum sp_http_sending sending;
    uint64_t n_sent; /* bytes of the body given to the connection */
    bool is_read;    /* read_body() was called: the body cannot be sent again */
};

/*
 * Checks everything and writes the head. `protocol` is what to upgrade to, or NULL. `error` says
 * what is wrong: -EINVAL.
 */
int sp_http_request_new(struct sp_http_request **ret, const struct sunpath_address *address,
                        const char *method, const char *uri, const char *protocol,
                        const struct sunpath_http_request_options *options,
                        struct sunpath_error *error);
struct sp_http_request *sp_http_request_free(struct sp_http_request *request);
void sp_http_request_rewind(struct sp_http_request *request);

/* Reads the caller's options, whatever version of the struct they are. -EINVAL. */
int sp_http_request_read_options(struct sunpath_http_request_options *ret,
                                 const struct sunpath_http_request_options *options,
                                 struct sunpath_error *error);

/*
 * The next piece of the body as it goes on the wire, at most SP_HTTP_CLIENT_PIECE and chunk marks.
 * Returns its size and where it is (in `room`, or in the caller's body), or a negative errno:
 * -EAGAIN when the source has nothing yet, else `error` says what went wrong. `sending` becomes
 * SP_HTTP_SENT with the last piece, which may be empty.
 */
#define SP_HTTP_PIECE_ROOM (SP_HTTP_CHUNK_ROOM + SP_HTTP_CLIENT_PIECE + sizeof("\r\n0\r\n\r\n"))
ssize_t sp_http_request_next_piece(struct sp_http_request *request, const char **ret_data,
                                   char *room, struct sunpath_error *error);

/* Fills `error` with "request GET '/x' on '/run/app.sock': <format>" and returns `code`. */
int sp_http_request_fail(const struct sp_http_request *request, struct sunpath_error *error,
                         int code, enum sunpath_reason reason, const char *format, ...)
    SUNPATH_PRINTF(5, 6);

/* ---- http-client.c: the queue and the connection --------------------------------------------- */

struct sunpath_http_client {
    struct sunpath_loop *loop;
    struct sunpath_address address;
    struct sunpath_connect_options connect;
    char *expect_user;
    char *bind;
    char *uri; /* from the address, for requests that name none; or NULL */

    struct sp_http_request *first, *last; /* waiting */
    size_t n_waiting;
    struct sp_http_request *current; /* connecting, being sent or being answered */

    struct sunpath_timer *work; /* something to do that must not be done inside the caller's call */
    int retry_ms;               /* the last wait before another attempt */

    /* the connection */
    uint64_t connect_deadline_ns;
    int connecting_fd; /* TCP: on its way */
    struct sunpath_watch *connecting;
    struct sunpath_stream *stream;
    struct sunpath_peer peer;
    bool has_peer;
    bool is_reused;          /* it has answered a request before */
    bool is_keep_alive;      /* the answer allows another request */
    uint64_t n_taken_before; /* bytes that had left when the current request began */
    char *room;              /* SP_HTTP_PIECE_ROOM, for bodies */

    /* the answer to `current` */
    struct sunpath_http_response *response;
    struct sp_http_body body;
    uint64_t n_received; /* bytes of its body */
    size_t n_seen;       /* of a head that is not complete */
    bool has_informed;   /* an interim response came */
    bool is_unsent;      /* the connection was lost before a byte of the request left */

    unsigned n_inside; /* callbacks of ours on the stack: memory is freed behind the last */
    bool wants_start;
    bool is_freed;
};

/* Around every callback from the loop: leave starts the next request, or frees what was freed. */
void sp_http_client_enter(struct sunpath_http_client *client);
void sp_http_client_leave(struct sunpath_http_client *client);

/* Queues a request that is complete with on_done; owned only when 0 is returned. */
int sp_http_client_queue(struct sunpath_http_client *client, struct sp_http_request *request);

/* Ends the current request. Nothing of it may be used afterwards; the client may be freed. */
void sp_http_client_finish(struct sunpath_http_client *client, int result,
                           const struct sunpath_error *error);

/* ---- http-client-connect.c: a connection, without blocking the loop -------------------------- */

/* Begins the current request on the connection there is, or makes one first. */
void sp_http_client_start(struct sunpath_http_client *client);
/* The work timer is due while there is no connection: tries again, or gives up. */
void sp_http_client_continue_connecting(struct sunpath_http_client *client);
void sp_http_client_disconnect(struct sunpath_http_client *client);
/* The request's time passed: says what connecting was waiting for. */
void sp_http_client_fail_connecting(struct sunpath_http_client *client, int timeout_ms);

/* ---- http-client-exchange.c: one request and its answer on the connection -------------------- */

extern const struct sunpath_stream_events sp_http_client_stream_events;

void sp_http_client_begin(struct sunpath_http_client *client);
/* Sends on as far as the stream takes it. */
void sp_http_client_send_more(struct sunpath_http_client *client);
/* Forgets the answer so far. */
void sp_http_client_reset(struct sunpath_http_client *client);

/* Where the current exchange is, for messages: "after 10 of 100 bytes of the body". */
struct sp_http_phase {
    char text[128];
};
const char *sp_http_client_phase(struct sp_http_phase *phase,
                                 const struct sunpath_http_client *client);

#endif
